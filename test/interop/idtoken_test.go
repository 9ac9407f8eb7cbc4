package interop_test

import (
	"net/http"
	"testing"

	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/test/oidcprovider"
)

// Each of these logins is one that TestEachStep completes, but for one thing.
func TestTokensOfARealProviderAreRefused(t *testing.T) {
	t.Parallel()
	rsa := registration{name: "rsa", method: oauth.ClientSecretBasic, alg: "RS256"}
	idp := startFor(t, oidcprovider.Config{}, acme, rsa)
	stranger := startFor(t, oidcprovider.Config{}, acme)

	t.Run("JWK-03 an algorithm that is not allowed", func(t *testing.T) {
		f := newFlow(t, idp, rsa, func(c *oauth.Config) { c.Algorithms = []string{"ES256"} })
		_, err := f.client.Exchange(t.Context(), f.code("ada"))
		wantCheck(t, err, oauth.CheckAlgorithm)
	})
	t.Run("DIS-13 no algorithm that both sides know", func(t *testing.T) {
		f := newFlow(t, idp, rsa, func(c *oauth.Config) { c.Algorithms = []string{"PS256"} })
		_, err := f.client.Exchange(t.Context(), f.code("ada"))
		wantCheck(t, err, oauth.CheckAlgorithm)
	})
	t.Run("JWK-12 keys of another issuer", func(t *testing.T) {
		f := newFlow(t, idp, acme, func(c *oauth.Config) { c.JWKSURL = stranger.Issuer + "/jwks" })
		_, err := f.client.Exchange(t.Context(), f.code("ada"))
		wantCheck(t, err, oauth.CheckKey)
		// Once because there were none, once because the key was not among them.
		wantAsked(t, stranger, "GET /jwks", 2)
		_, err = f.client.Exchange(t.Context(), f.code("ada"))
		wantCheck(t, err, oauth.CheckKey)
		wantAsked(t, stranger, "GET /jwks", 2)
	})
	t.Run("claims that the app demands are missing", func(t *testing.T) {
		f := newFlow(t, idp, acme, func(c *oauth.Config) { c.RequireClaims = map[string][]string{"hd": {"acme.example"}} })
		_, err := f.client.Exchange(t.Context(), f.code("ada"))
		wantCheck(t, err, oauth.CheckClaim)
	})
	t.Run("TOK-08 a scope that the app demands is not granted", func(t *testing.T) {
		f := newFlow(t, idp, acme, func(c *oauth.Config) { c.RequireScopes = []string{"accounts"} })
		_, err := f.client.Exchange(t.Context(), f.code("ada"))
		wantCheck(t, err, oauth.CheckScope)
		f = newFlow(t, idp, acme, func(c *oauth.Config) { c.RequireScopes = []string{"email"} })
		f.tokens("ada")
	})
	t.Run("userinfo tells the e-mail address only where it was asked for", func(t *testing.T) {
		f := newFlow(t, idp, acme, func(c *oauth.Config) { c.Scopes = []string{"openid"} })
		claims, err := f.client.UserInfo(t.Context(), f.tokens("ada"), nil)
		if err != nil || claims.String("sub") != "ada" || claims.Has("email") {
			t.Errorf("userinfo says %v, %v", claims, err)
		}
	})
	t.Run("USR-02 userinfo about another person", func(t *testing.T) {
		f := newFlow(t, idp, acme)
		ada, bob := f.tokens("ada"), f.tokens("bob")
		mixed := *ada
		mixed.AccessToken = bob.AccessToken
		_, err := f.client.UserInfo(t.Context(), &mixed, nil)
		wantCheck(t, err, oauth.CheckUserInfoSubject)
		if _, err := f.client.UserInfo(t.Context(), bob, nil); err != nil {
			t.Errorf("bob's own: %v", err)
		}
	})
	t.Run("USR-07 userinfo with a token that the provider does not know", func(t *testing.T) {
		f := newFlow(t, idp, acme)
		forged := *f.tokens("ada")
		forged.AccessToken = oauth.NewSecret("forged")
		_, err := f.client.UserInfo(t.Context(), &forged, nil)
		wantCheck(t, err, oauth.CheckUserInfo)
		wantAPI(t, idp, &forged, http.StatusUnauthorized)
	})
	t.Run("the code of a login redeemed twice", func(t *testing.T) {
		f := newFlow(t, idp, acme)
		code := f.code("ada")
		tokens, err := f.client.Exchange(t.Context(), code)
		if err != nil {
			t.Fatal(err)
		}
		wantAPI(t, idp, tokens, http.StatusOK)
		_, err = f.client.Exchange(t.Context(), code)
		wantProviderError(t, err, oauth.CheckTokenAnswer, "invalid_grant", http.StatusBadRequest)
		wantAPI(t, idp, tokens, http.StatusUnauthorized) // RFC 6749 section 4.1.2: the first tokens end with it
	})
}
