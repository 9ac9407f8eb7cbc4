package wayleave

import (
	"context"
	"net/http"
	"strings"

	"github.com/wayleave/wayleave/internal/cookie"
	"github.com/wayleave/wayleave/session"
)

const sessionCookie = "session"

// sessionOf returns the live session of the browser, or nil. An error means
// that the store could not say.
func (a *Auth) sessionOf(r *http.Request) (*session.Session, error) {
	return a.findSession(r, a.sessions.Find)
}

// sessionNow is sessionOf for what changes something: the store is asked, where
// a session that was read a moment ago could do otherwise.
func (a *Auth) sessionNow(r *http.Request) (*session.Session, error) {
	return a.findSession(r, a.sessions.FindNow)
}

func (a *Auth) findSession(r *http.Request, find func(context.Context, string) (*session.Session, error)) (*session.Session, error) {
	value, n := cookie.Find(r.Header, a.jar.Name(sessionCookie))
	if n != 1 {
		return nil, nil
	}
	return find(r.Context(), value)
}

// setSession gives the browser the id of its new session. The cookie lives as
// long as the session can; when it really ends is the store's matter.
func (a *Auth) setSession(w http.ResponseWriter, id string) {
	a.jar.Set(w, a.jar.Name(sessionCookie), id, "/", a.cfg.SessionLifetime)
}

// RequireLogin lets requests through whose browser is signed in, with the user
// in the context. Others are not passed on: a page that a person opens is sent
// to sign in and comes back afterwards; anything else gets 401 and JSON that
// says where to sign in. When the store cannot say, the answer is 503.
func (a *Auth) RequireLogin(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := a.Session(w, r)
		switch {
		case err != nil:
			a.unavailable(w, r, err)
		case s == nil:
			a.SendToLogin(w, r, Ask{})
		default:
			next.ServeHTTP(w, a.WithSession(r, s))
		}
	})
}

// WithUser is RequireLogin for pages that are for everyone: the user is in the
// context if there is one. When the store cannot say, the answer is 503.
func (a *Auth) WithUser(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := a.sessionOf(r)
		if err != nil {
			a.unavailable(w, r, err)
			return
		}
		if s != nil {
			r = a.WithSession(r, s)
		}
		next.ServeHTTP(w, r)
	})
}

// wantsPage reports whether a person opened a page in a browser's window: the
// only kind of request that a redirect to another site makes sense for.
func wantsPage(r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	if r.Header.Get("Upgrade") != "" || r.Header.Get("X-Requested-With") != "" {
		return false
	}
	if mode := r.Header.Get("Sec-Fetch-Mode"); mode != "" {
		dest := r.Header.Get("Sec-Fetch-Dest")
		return mode == "navigate" && (dest == "" || dest == "document")
	}
	return strings.Contains(r.Header.Get("Accept"), "text/html")
}
