package interop_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/test/oidcprovider"
)

// static is a source of one token.
type static struct{ tokens *oauth.Tokens }

func (s static) Token(context.Context) (*oauth.Tokens, error) { return s.tokens, nil }

func TestEachStepWithEveryClientAndAlgorithm(t *testing.T) {
	t.Parallel()
	idp := startFor(t, oidcprovider.Config{Claims: people}, every...)
	for _, r := range every {
		t.Run(r.name, func(t *testing.T) {
			f := newFlow(t, idp, r)

			authorize, err := f.authorizationURL()
			if err != nil {
				t.Fatal(err)
			}
			for name, want := range map[string]string{
				"response_type": "code", "client_id": r.name, "redirect_uri": redirectURI, "code_challenge_method": "S256",
				"scope": "openid email profile offline_access", "prompt": "consent",
			} {
				if got := param(t, authorize, name); got != want {
					t.Errorf("step 1: %s is %q, want %q", name, got, want)
				}
			}

			callback, err := idp.SignIn(t.Context(), authorize, "ada", true)
			if err != nil {
				t.Fatal(err)
			}
			if got := param(t, callback, "iss"); got != idp.Issuer {
				t.Errorf("step 2: the answer is from issuer %q, want %q", got, idp.Issuer)
			}
			code, err := f.check(callback)
			if err != nil {
				t.Fatal(err)
			}

			tokens, err := f.client.Exchange(t.Context(), code)
			if err != nil {
				t.Fatal(err)
			}
			if id := tokens.IDToken; id.Subject != "ada" || id.Issuer != idp.Issuer || id.Algorithm != r.alg || id.Claims.Has("email") {
				t.Errorf("step 3: ID token of %s by %s with %s, e-mail in it: %v", id.Subject, id.Issuer, id.Algorithm, id.Claims.Has("email"))
			}
			same(t, "step 3: scopes granted", tokens.Scopes, []string{"openid", "email", "profile", "offline_access"})

			claims, err := f.client.UserInfo(t.Context(), tokens, nil)
			if err != nil {
				t.Fatal(err)
			}
			if claims.String("email") != "ada@people.example" || !claims.Bool("email_verified") || claims.String("name") != "Ada Lovelace" {
				t.Errorf("step 4: userinfo says %v", claims)
			}
			wantAPI(t, idp, tokens, http.StatusOK)

			fresh, err := f.client.Refresh(t.Context(), tokens)
			if err != nil {
				t.Fatal(err)
			}
			if fresh.RefreshToken.Reveal() == tokens.RefreshToken.Reveal() || fresh.AccessToken.Reveal() == tokens.AccessToken.Reveal() {
				t.Error("refreshing brought a token that was there before")
			}
			if n := f.story().times(oauth.CheckSignature); n != 2 || fresh.IDToken.Subject != "ada" {
				t.Errorf("%d ID tokens were verified, the last one about %q; want that of the refresh too", n, fresh.IDToken.Subject)
			}
			wantAPI(t, idp, fresh, http.StatusOK)

			if all := f.story().refusals(); len(all) > 0 {
				t.Errorf("refused: %v", all)
			}
			if n := f.story().requests(oauth.ForTokens) + f.story().requests(oauth.ForRefresh); n != 2 {
				t.Errorf("%d token requests, want one for the code and one to refresh", n)
			}
		})
	}
	wantAsked(t, idp, "GET /.well-known/openid-configuration", len(every))
	wantAsked(t, idp, "POST /token Basic", 4)
	wantAsked(t, idp, "POST /token", 2*len(every))
}

// wantAPI makes sure what the API answers to a token.
func wantAPI(t *testing.T, idp *oidcprovider.Provider, tokens *oauth.Tokens, want int) {
	t.Helper()
	if got := apiStatus(t, idp, tokens); got != want {
		t.Errorf("API: status %d, want %d", got, want)
	}
}

// apiStatus calls the provider's userinfo endpoint as an API that needs a token.
func apiStatus(t *testing.T, idp *oidcprovider.Provider, tokens *oauth.Tokens) int {
	t.Helper()
	api := &http.Client{Transport: &oauth.Transport{Source: static{tokens}}}
	response, err := api.Get(idp.Issuer + "/me")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return response.StatusCode
}

func TestRotatedRefreshToken(t *testing.T) {
	t.Parallel()
	idp := startFor(t, oidcprovider.Config{}, acme)
	f := newFlow(t, idp, acme)
	first := f.tokens("ada")
	second, err := f.client.Refresh(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	third, err := f.client.Refresh(t.Context(), second)
	if err != nil {
		t.Fatalf("a rotated token refreshed in its turn: %v", err)
	}
	wantAPI(t, idp, third, http.StatusOK)

	t.Run("A182 used again ends the grant", func(t *testing.T) {
		_, err := f.client.Refresh(t.Context(), first)
		wantProviderError(t, err, oauth.CheckTokenAnswer, "invalid_grant", http.StatusBadRequest)
		_, err = f.client.Refresh(t.Context(), third)
		wantProviderError(t, err, oauth.CheckTokenAnswer, "invalid_grant", http.StatusBadRequest)
		wantAPI(t, idp, third, http.StatusUnauthorized)
		// One for the code, four to refresh: nothing was tried twice.
		wantAsked(t, idp, "POST /token", 5)
	})
	t.Run("AZR-27 is not given to who did not ask for offline access", func(t *testing.T) {
		f := newFlow(t, idp, acme, func(c *oauth.Config) { c.Scopes = []string{"openid"} })
		tokens := f.tokens("ada")
		if !tokens.RefreshToken.IsZero() {
			t.Error("there is a refresh token")
		}
		_, err := f.client.Refresh(t.Context(), tokens)
		wantCheck(t, err, oauth.CheckRefresh)
		wantAsked(t, idp, "POST /token", 6)
	})
}
