package wayleave

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/wayleave/wayleave/internal/pages"
	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/provider"
)

const levelError = slog.LevelError

// levelOf is the level of what went wrong in a request: nobody is to be woken
// because a browser has gone.
func levelOf(r *http.Request) slog.Level {
	if r.Context().Err() != nil {
		return slog.LevelDebug
	}
	return levelError
}

func errAttr(err error) slog.Attr { return slog.String("error", err.Error()) }

// fail answers a login that failed with the page for it, and logs why under a
// reference that the page shows. The page names a cause that a person can act
// on; which check refused is for the log and the story.
// login is nil if none is known.
func (a *Auth) fail(w http.ResponseWriter, r *http.Request, p *provider.Provider, login *oauth.Login, err error) {
	ref, id, returnTo := reference(), "", ""
	if login != nil {
		id, returnTo = login.ID(), a.askedFor(r, login)
	}
	a.cfg.Logger.LogAttrs(r.Context(), slog.LevelWarn, "login failed", slog.String("reference", ref), slog.String("provider", p.Name()),
		slog.String("login", id), slog.String("check", string(oauth.CheckOf(err))), errAttr(err))
	status, cause, name := a.causeOf(p, err)
	m := cause.Message(name)
	m.Reference = ref
	m.Actions = []pages.Action{a.tryAgain(p, returnTo)}
	if status == http.StatusServiceUnavailable {
		wait := 5 * time.Second
		if e, ok := errors.AsType[*oauth.Error](err); ok {
			wait = max(wait, e.RetryAfter)
		}
		retryAfter(w, wait)
	}
	if d, ok := errors.AsType[*denied](err); ok {
		m.Detail = d.reason
	}
	if status == http.StatusForbidden {
		m.Actions = append(m.Actions, a.otherAccount(p, returnTo))
	}
	a.showMessage(w, r, status, m)
}

// causeOf maps an error to a status and to what the person is told. Who sent
// something wrong decides: the browser 400, the provider 502, nobody in
// particular 503; a refusal is 403.
func (a *Auth) causeOf(p *provider.Provider, err error) (status int, cause pages.Cause, name string) {
	t := a.pages.Texts()
	if _, ok := errors.AsType[*storeError](err); ok {
		return http.StatusServiceUnavailable, t.StoreDown, a.pages.AppName()
	}
	if e, ok := errors.AsType[*refusedByApp](err); ok {
		if _, ok := errors.AsType[*denied](e); ok {
			return http.StatusForbidden, t.Refused, a.pages.AppName()
		}
		return http.StatusInternalServerError, t.Internal, a.pages.AppName()
	}
	switch oauth.FaultOf(err) {
	case oauth.FaultBrowser:
		return http.StatusBadRequest, t.NotOurs, a.pages.AppName()
	case oauth.FaultDenied:
		return http.StatusForbidden, t.Denied, p.Label()
	case oauth.FaultUnavailable:
		return http.StatusServiceUnavailable, t.ProviderDown, p.Label()
	case oauth.FaultProvider:
		return http.StatusBadGateway, t.ProviderFailed, p.Label()
	}
	return http.StatusInternalServerError, t.Internal, a.pages.AppName()
}

// failLogin is fail for a login that is known.
func (a *Auth) failLogin(at *arrival, err error) { a.fail(at.w, at.r, at.p, at.login, err) }

// failAnswered answers an error that the provider sent for a login which is
// not to be completed here: with the page for that error if it stands up to
// the checks, else with the page for why the login cannot be completed.
func (a *Auth) failAnswered(at *arrival, why cause, err error) {
	_, refused := at.p.Client.Check(at.r.Context(), at.login, at.cb)
	if oauth.ProviderCode(refused) == "" {
		a.showCause(at, why, err)
		return
	}
	a.failLogin(at, refused)
}

// showCause answers a callback that cannot be completed nor healed.
func (a *Auth) showCause(at *arrival, why cause, err error) {
	t := a.pages.Texts()
	cause := map[cause]pages.Cause{causeBrowser: t.AnotherBrowser, causeExpired: t.TookTooLong, causeFailed: t.AlreadyUsed, causeCompleted: t.AlreadyUsed}[why]
	if why == causeBrowser && at.login.Attempt >= 1 {
		// It was begun here a moment ago, and already the cookie is gone.
		cause = t.CookiesBlocked
	}
	ref := reference()
	a.cfg.Logger.LogAttrs(at.r.Context(), slog.LevelInfo, "login not completed", slog.String("reference", ref), slog.String("provider", at.p.Name()),
		slog.String("login", at.login.ID()), slog.String("check", string(oauth.CheckOf(err))), errAttr(err))
	m := cause.Message(a.pages.AppName())
	m.Reference = ref
	m.Actions = []pages.Action{a.tryAgain(at.p, a.askedFor(at.r, at.login))}
	a.showMessage(at.w, at.r, http.StatusBadRequest, m)
}

// unavailable answers when the store cannot say: 503, never "not signed in".
func (a *Auth) unavailable(w http.ResponseWriter, r *http.Request, err error) {
	ref := reference()
	a.cfg.Logger.LogAttrs(r.Context(), levelOf(r), "store unavailable", slog.String("reference", ref), errAttr(err))
	retryAfter(w, 5*time.Second)
	if !wantsPage(r) {
		a.ownHeaders(w.Header())
		writeJSON(w, http.StatusServiceUnavailable, map[string]string{"error": "temporarily_unavailable", "reference": ref})
		return
	}
	m := a.messageReload()
	m.Reference = ref
	a.showMessage(w, r, http.StatusServiceUnavailable, m)
}

func (a *Auth) messageNotOurs() pages.Message {
	m := a.pages.Texts().NotOurs.Message(a.pages.AppName())
	m.Actions = []pages.Action{a.goHome()}
	return m
}

func (a *Auth) messageBusy() pages.Message {
	return a.pages.Texts().RateLimited.Message(a.pages.AppName())
}

// messageReload is for when it cannot be said now who is there.
func (a *Auth) messageReload() pages.Message {
	return a.pages.Texts().StoreDown.Message(a.pages.AppName())
}

func (a *Auth) messageDeepLinkLost() pages.Message {
	m := a.pages.Texts().DeepLinkLost.Message(a.pages.AppName())
	m.Actions = []pages.Action{a.goHome()}
	return m
}

func (a *Auth) notFound(w http.ResponseWriter, r *http.Request) {
	m := a.messageNotOurs()
	a.showMessage(w, r, http.StatusNotFound, m)
}

func (a *Auth) tryAgain(p *provider.Provider, returnTo string) pages.Action {
	return pages.Action{Label: a.pages.Texts().TryAgain, URL: a.loginURL(p, returnTo), Primary: true}
}

func (a *Auth) otherAccount(p *provider.Provider, returnTo string) pages.Action {
	q := url.Values{"prompt": {"select_account"}}
	if returnTo != "" {
		q.Set("return_to", returnTo)
	}
	return pages.Action{Label: a.pages.Texts().UseAnotherAccount, URL: a.loginURL(p, "") + "?" + q.Encode()}
}

// otherProvider leads to the choice of providers.
func (a *Auth) otherProvider(returnTo string) pages.Action {
	return pages.Action{Label: a.pages.Texts().UseAnotherAccount, URL: a.cfg.BasePath + "/?return_to=" + url.QueryEscape(returnTo)}
}

func (a *Auth) goHome() pages.Action {
	return pages.Action{Label: pages.Fill(a.pages.Texts().GoHome, a.pages.AppName()), URL: a.cfg.Home, Primary: true}
}

// chooseProvider shows the sign-in page.
func (a *Auth) chooseProvider(w http.ResponseWriter, r *http.Request, returnTo string) {
	var s pages.SignIn
	for _, p := range a.providers {
		s.Actions = append(s.Actions, pages.Action{Label: pages.Fill(a.pages.Texts().SignInWith, p.Label()),
			Mark: strings.ToUpper(firstRune(p.Label())), URL: a.loginURL(p, returnTo)})
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if err := a.pages.RenderSignIn(w, s); err != nil {
		a.cfg.Logger.LogAttrs(r.Context(), levelOf(r), "page not written", errAttr(err))
	}
}

func firstRune(s string) string {
	for _, r := range s {
		return string(r)
	}
	return ""
}

func (a *Auth) showMessage(w http.ResponseWriter, r *http.Request, status int, m pages.Message) {
	a.ownHeaders(w.Header())
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	if err := a.pages.RenderMessage(w, m); err != nil {
		a.cfg.Logger.LogAttrs(r.Context(), levelOf(r), "page not written", errAttr(err))
	}
}

// reference is what a page and a log line have in common. It names nothing else.
func reference() string { return rand.Text()[:10] }

func retryAfter(w http.ResponseWriter, d time.Duration) {
	w.Header().Set("Retry-After", strconv.Itoa(int(d/time.Second)))
}

func writeRaw(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body) // as in writeJSON
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the browser has gone; nothing is left to do
}
