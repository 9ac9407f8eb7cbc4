package wayleave

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/provider"
)

// showSignIn lets the person choose a provider. Where there is only one, there
// is nothing to choose.
func (a *Auth) showSignIn(w http.ResponseWriter, r *http.Request) {
	returnTo := r.URL.Query().Get("return_to")
	if len(a.providers) == 1 {
		redirect(w, a.loginURL(a.providers[0], returnTo))
		return
	}
	a.chooseProvider(w, r, returnTo)
}

// loginURL is where a login at p starts.
func (a *Auth) loginURL(p *provider.Provider, returnTo string) string {
	u := a.cfg.BasePath + "/" + p.Name() + "/login"
	if returnTo != "" {
		u += "?return_to=" + url.QueryEscape(returnTo)
	}
	return u
}

// startLogin is step 1. Nothing is stored: what has to be remembered travels
// in the state.
func (a *Auth) startLogin(w http.ResponseWriter, r *http.Request, p *provider.Provider) {
	if a.refuseUnwanted(w, r) {
		return
	}
	if a.loopDetected(w, r, p) {
		return
	}
	q := r.URL.Query()
	returnTo, tooLong := a.wantedPage(q.Get("return_to"))
	hints := oauth.Hints{}
	// Of what a link can ask for, only this, which harms nobody: to choose the
	// account at the provider, and to prove anew who one is (below).
	if q.Get("prompt") == "select_account" {
		hints.Prompt = "select_account"
	}
	pending := p.Client.Pending()
	pending.ReturnTo, pending.ReturnElsewhere = returnTo, tooLong
	pending.MaxAge = maxAgeAsked(q)
	a.begin(w, r, p, pending, hints)
}

// wantedPage cleans return_to. What is not a page of ours becomes the home
// page; what is one, but too long to remember, is told apart, because the
// person should hear that it was lost.
func (a *Auth) wantedPage(raw string) (returnTo string, tooLong bool) {
	if clean, ok := cleanReturnTo(raw, a.avoid...); ok {
		return clean, false
	}
	return a.cfg.Home, len(raw) > maxReturnTo && strings.HasPrefix(raw, "/")
}

// begin binds a pending login to the browser, seals it, and sends the browser
// to the provider.
func (a *Auth) begin(w http.ResponseWriter, r *http.Request, p *provider.Provider, pending oauth.Pending, hints oauth.Hints) {
	pending.Browser = oauth.HashBrowser(a.bindBrowser(w, r))
	pending.Process = a.process
	full := pending.ReturnTo
	if oauth.StateLen(pending) > p.Client.MaxState() {
		pending.ReturnTo, pending.ReturnElsewhere = "", true
	}
	login := a.sealer.Begin(pending)
	location, err := p.Client.Authorize(r.Context(), login, hints)
	if err != nil {
		a.fail(w, r, p, login, err)
		return
	}
	if pending.ReturnTo == "" && full != a.cfg.Home {
		a.keepReturn(w, r, p, login, full)
	}
	redirect(w, location)
}

// redirect sends the browser on. It is not http.Redirect, which cleans paths,
// and so leads to another page than the one that was asked for.
func redirect(w http.ResponseWriter, location string) {
	w.Header().Set("Location", location)
	w.WriteHeader(http.StatusSeeOther)
}

// refuseUnwanted turns away requests that no person made: prefetches, which
// must not use anything up, and logins that another site starts inside of its
// own page (RFC 9700 section 4.7; FAPI 2.0 section 5.3.3.1).
func (a *Auth) refuseUnwanted(w http.ResponseWriter, r *http.Request) bool {
	if isPrefetch(r.Header) {
		w.Header().Set("Retry-After", "1")
		http.Error(w, "not prefetched", http.StatusServiceUnavailable)
		return true
	}
	site, dest := r.Header.Get("Sec-Fetch-Site"), r.Header.Get("Sec-Fetch-Dest")
	// A sibling of our host is the same site, and a stranger all the same.
	if (site == "cross-site" || site == "same-site") && dest != "" && dest != "document" {
		a.showMessage(w, r, http.StatusForbidden, a.messageNotOurs())
		return true
	}
	return false
}

func isPrefetch(h http.Header) bool {
	for _, name := range []string{"Sec-Purpose", "Purpose", "X-Moz", "X-Purpose"} {
		v := strings.ToLower(h.Get(name))
		if strings.Contains(v, "prefetch") || strings.Contains(v, "prerender") || strings.Contains(v, "preview") {
			return true
		}
	}
	return false
}
