package interop_test

import (
	"net/http"
	"testing"

	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/test/oidcprovider"
)

// The right ways are in TestEachStep. Here each login fails at the token
// endpoint, and no second way is tried.
func TestClientAuthenticationRefused(t *testing.T) {
	t.Parallel()
	basic := registration{name: "basic", method: oauth.ClientSecretBasic, alg: "ES256"}
	post := registration{name: "post", method: oauth.ClientSecretPost, alg: "ES256"}
	public := registration{name: "public", method: oauth.ClientAuthNone, alg: "ES256"}
	idp := startFor(t, oidcprovider.Config{}, basic, post, public)

	another := func(c *oauth.Config) { c.ClientSecret = oauth.NewSecret("another") }
	for _, tc := range []struct {
		name   string
		reg    registration
		change func(*oauth.Config)
		code   string
		status int
	}{
		{"another secret in the header", basic, another, "invalid_client", http.StatusUnauthorized},
		{"another secret in the body", post, another, "invalid_client", http.StatusUnauthorized},
		{"a secret where none is registered", public, func(c *oauth.Config) {
			c.ClientSecret = oauth.NewSecret(clientSecret)
		}, "invalid_client", http.StatusUnauthorized},
		{"no secret where one is registered", basic, func(c *oauth.Config) {
			c.ClientSecret, c.ClientAuth = oauth.Secret{}, ""
		}, "invalid_client", http.StatusUnauthorized},
		{"CLA-02 a secret in the header that is not encoded", basic, func(c *oauth.Config) {
			c.Dialect.RawBasicAuth = true
		}, "invalid_request", http.StatusBadRequest},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newFlow(t, idp, tc.reg, tc.change)
			code := f.code("ada")
			before := len(idp.Asked(t))
			tokens, err := f.client.Exchange(t.Context(), code)
			if tokens != nil {
				t.Error("there are tokens")
			}
			wantProviderError(t, err, oauth.CheckTokenAnswer, tc.code, tc.status)
			if oauth.FaultOf(err) != oauth.FaultProvider {
				t.Errorf("fault %d, want the provider's", oauth.FaultOf(err))
			}
			if asked := idp.Asked(t)[before:]; len(asked) != 1 {
				t.Errorf("TOK-03 the exchange made requests %q, want one", asked)
			}
			wantNoSecrets(t, "the error", err.Error(), clientSecret, "another")
		})
	}
}
