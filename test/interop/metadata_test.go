package interop_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/provider"
	"github.com/wayleave/wayleave/test/oidcprovider"
)

func TestDiscovery(t *testing.T) {
	t.Parallel()
	idp := startFor(t, oidcprovider.Config{}, acme)
	other := strings.Replace(idp.Issuer, "127.0.0.1", "localhost", 1)

	for name, place := range map[string]struct {
		kind oauth.Metadata
		path string
	}{
		"OpenID Connect Discovery": {oauth.MetadataOpenID, "/.well-known/openid-configuration"},
		"RFC 8414":                 {oauth.MetadataOAuth, "/.well-known/oauth-authorization-server"},
	} {
		t.Run("DIS-01 "+name, func(t *testing.T) {
			before := strings.Count(strings.Join(idp.Asked(t), "\n"), place.path)
			f := newFlow(t, idp, acme, func(c *oauth.Config) { c.Metadata = place.kind })
			f.tokens("ada")
			f.tokens("ada")
			if has, err := f.client.HasUserInfo(t.Context()); !has || err != nil {
				t.Errorf("userinfo endpoint found: %v, %v", has, err)
			}
			wantAsked(t, idp, "GET "+place.path, before+1)
		})
	}
	for name, issuer := range map[string]string{
		"a slash at the end": idp.Issuer + "/",
		"another host":       other,
	} {
		t.Run("DIS-02 "+name, func(t *testing.T) {
			f := newFlow(t, idp, acme, func(c *oauth.Config) { c.Issuer = issuer })
			_, err := f.authorizationURL()
			wantCheck(t, err, oauth.CheckDiscoveryIssuer)
			if e, _ := errors.AsType[*oauth.Error](err); e.Expected != issuer || e.Got != idp.Issuer {
				t.Errorf("expected %q, got %q", e.Expected, e.Got)
			}
		})
	}
	t.Run("a path below the issuer", func(t *testing.T) {
		f := newFlow(t, idp, acme, func(c *oauth.Config) { c.Issuer += "/realm" })
		_, err := f.authorizationURL()
		wantCheck(t, err, oauth.CheckDiscovery)
	})
	t.Run("DIS-03 http without Development", func(t *testing.T) {
		c := acme.entry(idp.Issuer)
		c.Development = false
		_, err := provider.New(c, redirectURI, nil)
		if e, ok := errors.AsType[*oauth.ConfigError](err); !ok || e.Field != "Issuer" {
			t.Errorf("got %v, want a mistake in Issuer", err)
		}
	})
}
