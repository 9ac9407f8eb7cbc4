package wayleave

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/wayleave/wayleave/internal/pages"
	"github.com/wayleave/wayleave/session"
)

// sessionAnswer is what the session endpoint says. It holds no token.
type sessionAnswer struct {
	User      userAnswer `json:"user"`
	SignedIn  time.Time  `json:"signed_in_at"`
	ExpiresAt time.Time  `json:"expires_at"`
}

type userAnswer struct {
	ID            string `json:"id"`
	Provider      string `json:"provider"`
	Issuer        string `json:"issuer"`
	Subject       string `json:"subject"`
	Email         string `json:"email"`
	EmailVerified bool   `json:"email_verified"`
	Name          string `json:"name"`
	Picture       string `json:"picture"`
}

// showSession tells the app's own scripts who is signed in.
func (a *Auth) showSession(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Vary", "Cookie")
	s, err := a.sessionOf(r)
	switch {
	case err != nil:
		retryAfter(w, 5*time.Second)
		writeJSON(w, http.StatusServiceUnavailable, map[string]string{"error": "temporarily_unavailable"})
	case s == nil:
		writeJSON(w, http.StatusUnauthorized, map[string]string{"error": "login_required", "login_url": a.cfg.BaseURL + a.cfg.BasePath + "/"})
	default:
		writeJSON(w, http.StatusOK, sessionAnswer{User: userAnswer(s.User), SignedIn: s.Created.UTC(), ExpiresAt: s.Expires.UTC()})
	}
}

// logout ends the session on POST. GET asks first: a link or a picture on
// another site must not sign anybody out.
func (a *Auth) logout(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		a.askLogout(w, r)
		return
	}
	if err := a.csrf.Check(r); err != nil {
		a.showMessage(w, r, http.StatusForbidden, a.messageNotOurs())
		return
	}
	s, err := a.sessionOf(r)
	if err == nil {
		err = a.claims.markLogout(r.Context(), a.browserOf(r))
	}
	if err == nil && s != nil {
		err = a.endSession(r.Context(), s)
	}
	if err != nil {
		a.unavailable(w, r, err)
		return
	}
	a.jar.Clear(w, a.jar.Name(sessionCookie), "/")
	a.forgetLoop(w, r)
	a.rebindBrowser(w)
	if strings.Contains(r.Header.Get("Accept"), "application/json") {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	redirect(w, a.cfg.BasePath+"/signed-out")
}

// endSession ends a session and the grant that belongs to it. The session goes
// first: if the grant cannot be dropped now, it is of no use to anyone, and it expires.
func (a *Auth) endSession(ctx context.Context, s *session.Session) error {
	return errors.Join(a.sessions.End(ctx, s), a.vault.Drop(ctx, s.Grant))
}

func (a *Auth) askLogout(w http.ResponseWriter, r *http.Request) {
	s, err := a.sessionOf(r)
	if err != nil {
		a.unavailable(w, r, err)
		return
	}
	if s == nil {
		redirect(w, a.cfg.BasePath+"/signed-out")
		return
	}
	t := a.pages.Texts()
	a.showMessage(w, r, http.StatusOK, pages.Message{
		Title: t.LogoutTitle, Text: pages.Fill(t.LogoutQuestion, a.pages.AppName()), Who: whoIs(s.User),
		Actions: []pages.Action{
			{Label: t.LogoutButton, URL: a.cfg.BasePath + "/logout", Post: true, Primary: true},
			{Label: pages.Fill(t.GoHome, a.pages.AppName()), URL: a.cfg.Home},
		},
	})
}

// showSignedOut starts no login by itself: the person wanted to be out.
func (a *Auth) showSignedOut(w http.ResponseWriter, r *http.Request) {
	t := a.pages.Texts()
	a.showMessage(w, r, http.StatusOK, pages.Message{
		Title: t.SignedOutTitle, Text: pages.Fill(t.SignedOutText, a.pages.AppName()),
		Actions: []pages.Action{{Label: t.TryAgain, URL: a.cfg.BasePath + "/", Primary: true}},
	})
}

func whoIs(u User) string {
	for _, s := range []string{u.Email, u.Name} {
		if s != "" {
			return s
		}
	}
	return u.ID
}
