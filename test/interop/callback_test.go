package interop_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/test/oidcprovider"
)

// meddled is one change that somebody makes to a login on its way through the
// browser, and what must become of it.
type meddled struct {
	name      string
	authorize func(t *testing.T, authorizationURL string) string // nil: left as it is
	callback  func(t *testing.T, callbackURL string) string      // nil: left as it is
	check     oauth.Check
	code      string // that the provider refuses with, if it is the provider
	status    int
	tokens    int // token requests
}

func TestLoginsThatSomebodyMeddledWith(t *testing.T) {
	t.Parallel()
	a := newApp(t, oidcprovider.Config{Claims: people}, []registration{acme})
	set := func(name string, values ...string) func(*testing.T, string) string {
		return func(t *testing.T, u string) string { return withParam(t, u, name, values...) }
	}
	added := func(suffix string) func(*testing.T, string) string {
		return func(_ *testing.T, u string) string { return u + suffix }
	}
	iss := a.idp.Issuer

	for _, tc := range []meddled{
		{name: "CBK-08 A023 iss taken away", callback: set("iss"), check: oauth.CheckResponseIssuer, status: http.StatusBadRequest},
		{name: "CBK-08 A020 iss of another", callback: set("iss", "https://idp.example"), check: oauth.CheckResponseIssuer, status: http.StatusBadRequest},
		{name: "CBK-08 A025 iss with a slash", callback: set("iss", iss+"/"), check: oauth.CheckResponseIssuer, status: http.StatusBadRequest},
		{name: "CBK-08 A025 iss by another name", callback: set("iss", strings.Replace(iss, "127.0.0.1", "localhost", 1)), check: oauth.CheckResponseIssuer, status: http.StatusBadRequest},
		{name: "CBK-03 A050 iss twice", callback: set("iss", iss, iss), check: oauth.CheckQuery, status: http.StatusBadRequest},
		{name: "CBK-12 A051 an error beside the code", callback: added("&error=access_denied"), check: oauth.CheckProviderAnswer, status: http.StatusBadRequest},
		{name: "CBK-12 A051 neither code nor error", callback: set("code"), check: oauth.CheckProviderAnswer, status: http.StatusBadRequest},
		{name: "CBK-06 A004 state taken away", callback: set("state"), check: oauth.CheckState, status: http.StatusBadRequest},
		{name: "CBK-06 A004 state made up", callback: set("state", strings.Repeat("A", 200)), check: oauth.CheckState, status: http.StatusBadRequest},
		{name: "another code", callback: set("code", "made-up"), check: oauth.CheckTokenAnswer, code: "invalid_grant", status: http.StatusBadGateway, tokens: 1},
		{name: "A007 code for another challenge", authorize: set("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
			check: oauth.CheckTokenAnswer, code: "invalid_grant", status: http.StatusBadGateway, tokens: 1},
		{name: "A286 another nonce", authorize: set("nonce", "of-another-login"), check: oauth.CheckNonce, status: http.StatusBadGateway, tokens: 1},
		{name: "A286 no nonce", authorize: set("nonce"), check: oauth.CheckNonce, status: http.StatusBadGateway, tokens: 1},
		{name: "A014 no challenge", authorize: func(t *testing.T, u string) string {
			return withParam(t, withParam(t, u, "code_challenge"), "code_challenge_method")
		}, check: oauth.CheckProviderAnswer, code: "invalid_request", status: http.StatusBadGateway},
	} {
		t.Run(tc.name, func(t *testing.T) { a.meddle(t, tc) })
	}

	t.Run("nothing", func(t *testing.T) {
		b := a.browser(t)
		b.wantPage(b.signIn("/reports", "ada"), "Hello Ada Lovelace at /reports")
	})
}

// meddle runs a login with the change, and makes sure of how it ends: with
// nobody signed in and nothing asked of userinfo.
func (a *app) meddle(t *testing.T, tc meddled) {
	b := a.browser(t)
	told, asked := len(a.story(acme.name)), len(a.idp.Asked(t))
	authorize := b.begin("/reports")
	if tc.authorize != nil {
		authorize = tc.authorize(t, authorize)
	}
	callback := b.authorize(authorize, "ada", true)
	if tc.callback != nil {
		callback = tc.callback(t, callback)
	}
	at := b.open(callback)
	if at.StatusCode != tc.status {
		t.Errorf("status %d, want %d", at.StatusCode, tc.status)
	}
	if who := b.user(); who != (user{}) {
		t.Errorf("%s is signed in", who.Name)
	}
	requests := strings.Join(a.idp.Asked(t)[asked:], "\n")
	if n := strings.Count(requests, "POST /token"); n != tc.tokens || strings.Contains(requests, "GET /me") {
		t.Errorf("want %d token requests and nothing asked of userinfo, but:\n%s", tc.tokens, requests)
	}
	refused := a.story(acme.name)[told:]
	refused.refusedBy(t, tc.check)
	if got := oauth.ProviderCode(refused.refusals()[0]); got != tc.code {
		t.Errorf("the provider says %q, want %q", got, tc.code)
	}
}

// An error is believed only from the right issuer.
func TestErrorAnswers(t *testing.T) {
	t.Parallel()
	a := newApp(t, oidcprovider.Config{}, []registration{acme})
	denied := func(b *browser) string { return b.authorize(b.begin("/reports"), "ada", false) }

	t.Run("CBK-09 A024 with the iss of another", func(t *testing.T) {
		b := a.browser(t)
		at := b.open(withParam(t, denied(b), "iss", "https://idp.example"))
		if at.StatusCode != http.StatusBadRequest {
			t.Errorf("status %d, want 400", at.StatusCode)
		}
		a.story(acme.name).refusedBy(t, oauth.CheckResponseIssuer)
	})
	t.Run("CBK-13 a denial leads to a page with another try", func(t *testing.T) {
		b := a.browser(t)
		told := len(a.story(acme.name))
		callback := denied(b)
		if param(t, callback, "iss") != a.idp.Issuer {
			t.Error("the provider sends no iss with errors")
		}
		at := b.open(callback)
		if at.StatusCode != http.StatusForbidden || b.user() != (user{}) {
			t.Fatalf("status %d, user %v; want 403 and nobody", at.StatusCode, b.user())
		}
		now := a.story(acme.name)[told:]
		now.refusedBy(t, oauth.CheckProviderAnswer)
		wantProviderError(t, now.refusals()[0], oauth.CheckProviderAnswer, "access_denied", 0)
		if again := b.open(callback); again.StatusCode != http.StatusForbidden {
			t.Errorf("reloaded: status %d, want 403", again.StatusCode)
		}
		wantAsked(t, a.idp, "POST /token", 0)

		b.wantPage(b.signIn(b.retry(at), "ada"), "Hello ada at /reports")
	})
}
