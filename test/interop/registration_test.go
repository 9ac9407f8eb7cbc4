package interop_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/wayleave/wayleave"
	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/test/oidcprovider"
)

// An app whose configuration and registration differ: what the person sees,
// what the operator can read, and what is not tried.

func TestTOK14_WrongClientSecret(t *testing.T) {
	t.Parallel()
	const wrong = "not-the-registered-one"
	post := registration{name: "post", method: oauth.ClientSecretPost, alg: "RS256"}
	regs := []registration{acme, post}
	a := newApp(t, oidcprovider.Config{}, regs, func(c *wayleave.Config) {
		for i := range c.Providers {
			c.Providers[i].ClientSecret = oauth.NewSecret(wrong)
		}
	})
	for i, r := range regs {
		t.Run(string(r.method), func(t *testing.T) {
			b := a.browser(t)
			callback := b.callback(loginAt(r.name, "/reports"), "ada")
			at := b.open(callback)
			if at.StatusCode != http.StatusBadGateway || b.user() != (user{}) {
				t.Fatalf("status %d, user %v; want 502 and nobody", at.StatusCode, b.user())
			}
			a.story(r.name).refusedBy(t, oauth.CheckTokenAnswer)
			err := a.story(r.name).refusals()[0]
			wantProviderError(t, err, oauth.CheckTokenAnswer, "invalid_client", http.StatusUnauthorized)
			if !strings.Contains(a.logged(), "invalid_client") {
				t.Error("the log does not say invalid_client")
			}
			for _, word := range []string{"invalid_client", "secret"} {
				if strings.Contains(at.body, word) {
					t.Errorf("the page says %q to a person who can do nothing about it", word)
				}
			}
			wantAsked(t, a.idp, "POST /token", i+1)

			again := b.open(callback)
			if !strings.HasPrefix(again.location(), a.idp.Issuer+"/") {
				t.Errorf("reloaded: status %d to %q, want a new login", again.StatusCode, again.location())
			}
			wantAsked(t, a.idp, "POST /token", i+1)
			wantNoSecrets(t, "the page", at.body, wrong, param(t, callback, "code"))
			wantNoSecrets(t, "the log", a.logged(), wrong, param(t, callback, "code"), param(t, callback, "state"))
		})
	}
}

func TestAZR03_RedirectURI(t *testing.T) {
	t.Parallel()
	const path = "/oauth/return"
	elsewhere := func(c *wayleave.Config) { c.Providers[0].CallbackPath = path }

	t.Run("not the registered one", func(t *testing.T) {
		a := newApp(t, oidcprovider.Config{}, []registration{acme}, elsewhere)
		b := a.browser(t)
		callback, err := a.idp.SignIn(t.Context(), b.begin("/reports"), "ada", true)
		if err == nil || !strings.Contains(err.Error(), "invalid_redirect_uri") {
			t.Errorf("the provider sent the browser to %q (%v), want its page for invalid_redirect_uri", callback, err)
		}
		if b.user() != (user{}) {
			t.Error("somebody is signed in")
		}
		wantAsked(t, a.idp, "POST /token", 0)
	})
	t.Run("registered at a path of its own", func(t *testing.T) {
		r := acme
		r.path = path
		a := newApp(t, oidcprovider.Config{}, []registration{r}, elsewhere)
		b := a.browser(t)
		callback := b.callback("/reports", "ada")
		if !strings.HasPrefix(callback, a.base+path+"?") {
			t.Error("the provider sent the browser to another path")
		}
		b.wantPage(b.open(b.open(callback).location()), "Hello ada at /reports")
	})
}
