package wayleave

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/wayleave/wayleave/internal/cookie"
	"github.com/wayleave/wayleave/internal/pages"
	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/session"
	"github.com/wayleave/wayleave/store"
	"github.com/wayleave/wayleave/vault"
)

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
	r, done := carryOut(r)
	defer done()
	script := strings.Contains(r.Header.Get("Accept"), "application/json")
	s, err := a.sessionNow(r)
	// A script is told where to send the browser, and never gets a token: the
	// provider may have to ask who it is.
	var idToken *oauth.IDToken
	if err == nil && s != nil && !script && !a.cfg.LogoutHereOnly {
		idToken, err = a.vault.IDToken(r.Context(), s.Grant)
	}
	if err == nil {
		err = a.claims.markLogout(r.Context(), a.browserOf(r))
	}
	if err == nil && s != nil {
		err = a.endSession(r.Context(), s, endedByLogout)
	}
	if err != nil {
		a.unavailable(w, r, err)
		return
	}
	a.jar.Clear(w, a.jar.Name(sessionCookie), "/")
	a.forgetLoop(w, r)
	a.rebindBrowser(w)
	elsewhere := ""
	if s != nil {
		elsewhere = a.logoutAtProvider(w, r, s, idToken)
	}
	switch {
	case !script && elsewhere != "":
		a.goOnToProvider(w, r, elsewhere)
	case !script:
		redirect(w, a.cfg.BasePath+"/signed-out")
	case elsewhere != "":
		writeJSON(w, http.StatusOK, map[string]string{"logout_url": elsewhere})
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}

// carryOut is the request without the browser that made it: who signs out and
// closes the tab at once is signed out.
func carryOut(r *http.Request) (*http.Request, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), exchangeDeadline)
	return r.WithContext(ctx), cancel
}

// endSession ends a session and the grant that belongs to it. The session goes
// first: if the grant cannot be dropped now, it is of no use to anyone, and it expires.
func (a *Auth) endSession(ctx context.Context, s *session.Session, why ending) error {
	err := errors.Join(a.sessions.End(ctx, s), a.drop(ctx, s.Grant))
	if err == nil {
		a.audit(ctx, "session ended", s, slog.String("why", string(why)))
	}
	return err
}

// drop gives up the grant of a session and sees to it that it is revoked, or
// forgets it where the store is too full to remember that.
func (a *Auth) drop(ctx context.Context, grant vault.ID) error {
	a.startUpkeep()
	err := a.vault.Drop(ctx, grant)
	if errors.Is(err, store.ErrFull) {
		return a.vault.Forget(ctx, grant)
	}
	return err
}

func (a *Auth) askLogout(w http.ResponseWriter, r *http.Request) {
	s, err := a.sessionNow(r)
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

func whoIs(u User) string {
	for _, s := range []string{u.Email, u.Name} {
		if s != "" {
			return s
		}
	}
	return u.ID
}

// After a logout here the browser visits the provider's own logout (OpenID
// Connect RP-Initiated Logout), which sends it back to the signed-out page with
// the state that is in this cookie. What comes back is never acted upon: the
// person is signed out already, and the page is the same for everybody.
const (
	logoutCookie   = "logout"
	logoutLifetime = 10 * time.Minute
	// metadataPatience is how long a logout waits for the provider's metadata,
	// if that is not known yet.
	metadataPatience = 2 * time.Second
)

// logoutAtProvider returns where the browser goes to sign out at the provider
// too; nothing if there is no such place, it is not known, or not wanted.
func (a *Auth) logoutAtProvider(w http.ResponseWriter, r *http.Request, s *session.Session, idToken *oauth.IDToken) string {
	p := a.provider(s.Provider)
	if p == nil || a.cfg.LogoutHereOnly {
		return ""
	}
	ctx, cancel := context.WithTimeout(oauth.WithLogin(r.Context(), s.Login), metadataPatience)
	defer cancel()
	end := oauth.EndSession{State: rand.Text(), PostLogoutRedirectURI: a.cfg.BaseURL + a.cfg.BasePath + "/signed-out"}
	if idToken != nil {
		end.IDTokenHint = idToken.Raw()
	}
	to, ok, err := p.Client.EndSessionURL(ctx, end)
	if err != nil {
		a.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "signed out here, not at the provider", slog.String("provider", p.Name()), errAttr(err))
	}
	if err != nil || !ok {
		return ""
	}
	a.jar.Set(w, a.jar.Name(logoutCookie), end.State, "/", logoutLifetime)
	return to
}

// goOnToProvider answers the form with the signed-out page, which leads on by
// itself. A redirect would do, were it not for pages whose policy lets forms go
// to their own origin only, as many do: Chromium applies that to where a form's
// redirects lead, and the person would see nothing happen. What is in the page
// is the same for everybody; the address, with its token, is in the header alone.
func (a *Auth) goOnToProvider(w http.ResponseWriter, r *http.Request, to string) {
	w.Header().Set("Refresh", "0; url="+to)
	a.showMessage(w, r, http.StatusOK, a.messageSignedOut())
}

// showSignedOut starts no login by itself: the person wanted to be out. Where
// the browser comes from the provider's logout, the state tells.
func (a *Auth) showSignedOut(w http.ResponseWriter, r *http.Request) {
	if value, n := cookie.Find(r.Header, a.jar.Name(logoutCookie)); n > 0 {
		state := r.URL.Query().Get("state")
		if state != "" && subtle.ConstantTimeCompare([]byte(state), []byte(value)) == 1 {
			a.jar.Clear(w, a.jar.Name(logoutCookie), "/")
		}
	}
	a.showMessage(w, r, http.StatusOK, a.messageSignedOut())
}

func (a *Auth) messageSignedOut() pages.Message {
	t := a.pages.Texts()
	return pages.Message{Title: t.SignedOutTitle, Text: pages.Fill(t.SignedOutText, a.pages.AppName()),
		Actions: []pages.Action{{Label: t.TryAgain, URL: a.cfg.BasePath + "/", Primary: true}}}
}
