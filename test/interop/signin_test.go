package interop_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/provider"
	"github.com/wayleave/wayleave/test/oidcprovider"
)

// people of the provider. Their e-mail address and name come from userinfo only.
var people = map[string]map[string]any{
	"ada": {"name": "Ada Lovelace"},
	"bob": {"name": "Bob", "email": "bob@elsewhere.example", "email_verified": false},
}

func TestSignInWithEveryClientAndAlgorithm(t *testing.T) {
	t.Parallel()
	a := newApp(t, oidcprovider.Config{Claims: people}, every)
	for _, r := range every {
		t.Run(r.name, func(t *testing.T) {
			b := a.browser(t)
			b.wantPage(b.signIn(loginAt(r.name, "/reports?year=2026"), "ada"), "Hello Ada Lovelace at /reports?year=2026")
			same(t, "checks passed", a.story(r.name).passed(), completed)
			if all := a.story(r.name).refusals(); len(all) > 0 {
				t.Errorf("refused: %v", all)
			}

			want := user{provider.IDOf(a.idp.Issuer, "ada"), r.name, a.idp.Issuer, "ada", "ada@people.example", true, "Ada Lovelace"}
			if got := b.user(); got != want {
				t.Errorf("user %+v, want %+v", got, want)
			}
			if n := a.story(r.name).requests(oauth.ForTokens); n != 1 {
				t.Errorf("%d token requests, want 1", n)
			}
			b.inApp(func(ctx context.Context) {
				tokens, err := a.auth.Tokens(ctx)
				if err != nil {
					t.Fatal(err)
				}
				if tokens.IDToken.Algorithm != r.alg {
					t.Errorf("the ID token is signed with %s, want %s", tokens.IDToken.Algorithm, r.alg)
				}
				if tokens.IDToken.Claims.Has("email") {
					t.Error("the ID token has the e-mail address, so userinfo was not needed")
				}
				if tokens.RefreshToken.IsZero() {
					t.Error("no refresh token although offline access was asked for")
				}
			})
		})
	}

	// The provider accepts a secret in the header and in the body from every
	// client that has one, so it is counted what it saw.
	wantAsked(t, a.idp, "POST /token", len(every))
	wantAsked(t, a.idp, "POST /token Basic", 2)

	t.Run("an e-mail address that the provider does not vouch for", func(t *testing.T) {
		b := a.browser(t)
		b.signIn(loginAt("basic-rs256", "/"), "bob")
		if got := b.user(); got.Email != "bob@elsewhere.example" || got.EmailVerified {
			t.Errorf("e-mail %q, verified: %v", got.Email, got.EmailVerified)
		}
	})
	t.Run("A022 the answer for one entry at the callback of another", func(t *testing.T) {
		b := a.browser(t)
		callback := b.callback(loginAt("basic-rs256", "/"), "ada")
		at := b.open(strings.Replace(callback, "/auth/basic-rs256/", "/auth/post-rs256/", 1))
		if at.StatusCode != http.StatusBadRequest || b.user() != (user{}) {
			t.Errorf("status %d, user %v; want 400 and nobody", at.StatusCode, b.user())
		}
		a.story("post-rs256").refusedBy(t, oauth.CheckEntry)
		wantAsked(t, a.idp, "POST /token", len(every)+1)
		b.wantPage(b.open(b.open(callback).location()), "Hello Ada Lovelace at /")
	})
}
