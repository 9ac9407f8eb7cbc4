package interop_test

import (
	"net/http"
	"testing"

	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/test/oidcprovider"
)

func TestJWK12_KeyRotation(t *testing.T) {
	t.Parallel()
	a := newApp(t, oidcprovider.Config{Port: oidcprovider.FixedPort(t)}, []registration{acme})
	b := a.browser(t)
	b.wantPage(b.signIn("/", "ada"), "Hello ada at /")

	t.Run("A235 new keys are picked up by the next login", func(t *testing.T) {
		a.restartIDP(t)
		b := a.browser(t)
		b.wantPage(b.signIn("/", "ada"), "Hello ada at /")
		wantAsked(t, a.idp, "GET /jwks", 1)
		// The metadata is still good: an app that has it does not ask again.
		wantAsked(t, a.idp, "GET /.well-known/openid-configuration", 0)
		b = a.browser(t)
		b.wantPage(b.signIn("/", "ada"), "Hello ada at /")
		wantAsked(t, a.idp, "GET /jwks", 1)
	})
	t.Run("A270 keys that change again within a minute are not", func(t *testing.T) {
		a.restartIDP(t)
		b := a.browser(t)
		told := len(a.story(acme.name))
		if at := b.open(b.callback("/", "ada")); at.StatusCode != http.StatusBadGateway || b.user() != (user{}) {
			t.Errorf("status %d, user %v; want 502 and nobody", at.StatusCode, b.user())
		}
		a.story(acme.name)[told:].refusedBy(t, oauth.CheckKey)
		wantAsked(t, a.idp, "GET /jwks", 0)
		wantAsked(t, a.idp, "GET /me", 0)
	})
	b.wantPage(b.open("/"), "Hello ada at /")
}
