package wayleave

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wayleave/wayleave/internal/pages"
	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/session"
)

// This file is for programs that decide for themselves who may do what, such as
// a gateway; [Auth.RequireLogin] is made of the same parts.

// Owns reports whether a path is for [Auth.ServeHTTP]: everything under
// Config.BasePath, and callback paths that providers set for themselves.
func (a *Auth) Owns(path string) bool {
	below, ok := strings.CutPrefix(path, a.cfg.BasePath)
	return ok && (below == "" || below[0] == '/') || a.handlers[path] != nil
}

// Session returns the live session of the browser, or nil. An error means that
// the store could not say: answer with [Auth.Unavailable], never as if nobody
// were signed in. It may set a cookie, so call it before the answer begins. The
// session is shared: do not change it.
func (a *Auth) Session(w http.ResponseWriter, r *http.Request) (*session.Session, error) {
	s, err := a.sessionOf(r)
	if s != nil {
		a.startUpkeep()
		a.forgetLoop(w, r)
	}
	return s, err
}

// StillSignedIn reports whether the session that the request came with still
// lives, for connections that stay open. It is no request of the person: it does
// not keep an idle session alive. An error means that the store could not say.
func (a *Auth) StillSignedIn(r *http.Request) (bool, error) {
	s, err := a.findSession(r, a.sessions.Peek)
	return s != nil, err
}

// WithSession returns r with s in its context, for [CurrentUser], [Auth.Client]
// and [Auth.TokenSource], and the id of the login that made s, so that what
// follows is told as part of its story.
func (a *Auth) WithSession(r *http.Request, s *session.Session) *http.Request {
	return r.WithContext(session.NewContext(oauth.WithLogin(r.Context(), s.Login), s))
}

// Ask is what a request would need to be let through. The zero Ask is a sign-in.
type Ask struct {
	// ReturnTo is the page to come back to, as path and query. Default: that of the request.
	ReturnTo string
	// MaxAge is how long ago, in whole seconds, the person may have proved to
	// the provider who they are (OpenID Connect Core section 3.1.2.1), at least ten
	// seconds. Zero: any time.
	MaxAge time.Duration
	// Provider is where to sign in. Default: the only one, or the person's choice.
	Provider string
	// API never redirects: what asks is no person.
	API bool
}

// LoginURL returns the absolute address at which what is asked for can be had.
func (a *Auth) LoginURL(ask Ask) string { return a.cfg.BaseURL + a.loginPath(ask) }

func (a *Auth) loginPath(ask Ask) string {
	p := a.provider(ask.Provider)
	if p == nil && len(a.providers) == 1 {
		p = a.providers[0]
	}
	to := a.cfg.BasePath + "/"
	if p != nil {
		to = a.loginURL(p, "")
	}
	q := url.Values{}
	if ask.ReturnTo != "" {
		q.Set("return_to", ask.ReturnTo)
	}
	if p != nil && ask.MaxAge > 0 {
		q.Set("max_age", strconv.FormatInt(int64(max(ask.MaxAge, leastMaxAge)/time.Second), 10))
	}
	if len(q) > 0 {
		to += "?" + q.Encode()
	}
	return to
}

// SendToLogin answers a request that needs a sign-in: a page that a person
// opens is sent there and comes back afterwards; anything else gets 401 and JSON
// that says where to sign in. Neither is to be cached.
func (a *Auth) SendToLogin(w http.ResponseWriter, r *http.Request, ask Ask) {
	w.Header().Set("Cache-Control", "no-store")
	variesByCookie(w.Header())
	if ask.API || !wantsPage(r) {
		ask.ReturnTo = "" // it would be that of a script
		writeRaw(w, http.StatusUnauthorized, a.loginRequired(ask))
		return
	}
	if ask.ReturnTo == "" {
		ask.ReturnTo = pathAndQuery(r.URL)
	}
	redirect(w, a.loginPath(ask))
}

// variesByCookie: what is answered is for who asked.
func variesByCookie(h http.Header) {
	if !slices.Contains(h["Vary"], "Cookie") {
		h.Add("Vary", "Cookie")
	}
}

// loginRequired is the answer to a script. The usual one is made once: scanners
// and scripts without a session ask for it more than anybody else.
func (a *Auth) loginRequired(ask Ask) []byte {
	if ask == (Ask{}) || ask == (Ask{API: true}) {
		if made := a.usualAnswer.Load(); made != nil {
			return *made
		}
	}
	b, _ := json.Marshal(map[string]string{"error": "login_required", "login_url": a.LoginURL(ask)}) // texts alone
	b = append(b, '\n')
	if ask == (Ask{}) || ask == (Ask{API: true}) {
		a.usualAnswer.Store(&b)
	}
	return b
}

// Forbid answers a request of somebody who is signed in and may not make it: a
// person is told as whom they are signed in, and can choose another account. The
// reason is logged and not shown: it may name rules.
func (a *Auth) Forbid(w http.ResponseWriter, r *http.Request, s *session.Session, ask Ask, reason string) {
	ref := reference()
	a.cfg.Logger.LogAttrs(r.Context(), slog.LevelInfo, "not allowed", slog.String("reference", ref), slog.String("user", s.ID), slog.String("reason", reason))
	variesByCookie(w.Header())
	if ask.API || !wantsPage(r) {
		a.ownHeaders(w.Header())
		writeJSON(w, http.StatusForbidden, map[string]string{"error": "forbidden", "reference": ref})
		return
	}
	m := a.pages.Texts().NotAllowed.Message(a.pages.AppName())
	m.Reference, m.Who = ref, whoIs(s.User)
	if ask.ReturnTo == "" {
		ask.ReturnTo = pathAndQuery(r.URL)
	}
	if p := a.provider(s.Provider); p != nil && len(a.providers) == 1 {
		m.Actions = append(m.Actions, a.otherAccount(p, ask.ReturnTo))
	} else {
		m.Actions = append(m.Actions, a.otherProvider(ask.ReturnTo))
	}
	home := a.goHome()
	m.Actions[0].Primary, home.Primary = true, false
	m.Actions = append(m.Actions, home) // who has no other account needs a way back
	a.showMessage(w, r, http.StatusForbidden, m)
}

// Unavailable answers a request when it cannot be said who made it.
func (a *Auth) Unavailable(w http.ResponseWriter, r *http.Request, err error) {
	a.unavailable(w, r, err)
}

// AppDown answers a request that the app behind did not answer: with 502, 504, or
// what the status says.
func (a *Auth) AppDown(w http.ResponseWriter, r *http.Request, status int, err error) {
	ref := reference()
	a.cfg.Logger.LogAttrs(r.Context(), levelOf(r), "the app did not answer", slog.String("reference", ref), slog.Int("status", status), errAttr(err))
	if !wantsPage(r) {
		a.ownHeaders(w.Header())
		writeJSON(w, status, map[string]string{"error": "app_unavailable", "reference": ref})
		return
	}
	m := a.pages.Texts().AppDown.Message(a.pages.AppName())
	m.Reference = ref
	m.Actions = []pages.Action{{Label: a.pages.Texts().Reload, URL: pathAndQuery(r.URL), Primary: true}} // a page is asked for with GET
	a.showMessage(w, r, status, m)
}

// leastMaxAge is the shortest age that can be asked for: less than a sign-in and
// its way back take would lead to the next sign-in, for ever.
const leastMaxAge = 10 * time.Second

// maxAgeAsked is the max_age of a link to sign in, or negative. A stranger's link
// can ask for it too: the person then proves anew who they are, which harms nobody.
func maxAgeAsked(q url.Values) time.Duration {
	n, err := strconv.ParseUint(q.Get("max_age"), 10, 31)
	if age := time.Duration(n) * time.Second; err == nil && age >= leastMaxAge {
		return age
	}
	return -1
}
