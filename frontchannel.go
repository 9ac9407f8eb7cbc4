package wayleave

import (
	"cmp"
	"errors"
	"net/http"
	"time"

	"github.com/wayleave/wayleave/internal/pages"
	"github.com/wayleave/wayleave/provider"
	"github.com/wayleave/wayleave/session"
)

// frontchannelLogout is loaded in a frame of the provider's own page (OpenID
// Connect Front-Channel Logout). It works only where our cookies reach such a
// frame, which is when provider and app are one site: browsers send them to no
// other. Anybody can ask for it, so it ends the session of this browser alone,
// if iss and sid name it, and tells the provider nothing.
func (a *Auth) frontchannelLogout(w http.ResponseWriter, r *http.Request, p *provider.Provider) {
	h := w.Header()
	h.Del("X-Frame-Options")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors "+cmp.Or(pages.Origin(p.Realm()), "'none'"))
	s, err := a.sessionNow(r)
	if err != nil {
		retryAfter(w, 5*time.Second)
		http.Error(w, "temporarily unavailable", http.StatusServiceUnavailable)
		return
	}
	if s != nil && namedInFrame(r, p, s) {
		if err := errors.Join(a.sessions.End(r.Context(), s), a.vault.Forget(r.Context(), s.Grant)); err != nil {
			retryAfter(w, 5*time.Second)
			http.Error(w, "temporarily unavailable", http.StatusServiceUnavailable)
			return
		}
		a.jar.Clear(w, a.jar.Name(sessionCookie), "/")
	}
	h.Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write([]byte("<!DOCTYPE html><title>Signed out</title>")) // the same for everybody
}

// namedInFrame reports whether iss and sid, each given once, are those of the session.
func namedInFrame(r *http.Request, p *provider.Provider, s *session.Session) bool {
	q := r.URL.Query()
	iss, sid := q["iss"], q["sid"]
	return len(iss) == 1 && len(sid) == 1 && sid[0] != "" &&
		s.Provider == p.Name() && s.ProviderIssuer == iss[0] && s.ProviderSession == sid[0]
}
