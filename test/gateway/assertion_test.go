package gateway_test

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/wayleave/wayleave/internal/keyfile"
)

// asserted is an assertion that an upstream believed.
type asserted struct {
	jwt.Claims
	Email       string   `json:"email"`
	Name        string   `json:"name"`
	Provider    string   `json:"provider"`
	ProviderSub string   `json:"provider_sub"`
	Groups      []string `json:"groups"`

	kid string
}

// keySet reads what the gateway publishes, and A251: nothing private in it.
func (g *gateway) keySet(t testing.TB) jose.JSONWebKeySet {
	t.Helper()
	at := g.browser().ask("GET", "/auth/jwks.json")
	if at.StatusCode != 200 || at.Header.Get("Content-Type") != "application/jwk-set+json" || at.Header.Get("Cache-Control") != "public, max-age=60" {
		t.Errorf("%d %v", at.StatusCode, at.Header)
	}
	var raw struct{ Keys []map[string]any }
	var set jose.JSONWebKeySet
	if err := json.Unmarshal([]byte(at.body), &raw); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(at.body), &set); err != nil {
		t.Fatal(err)
	}
	for i, key := range raw.Keys {
		for name := range key {
			if !slices.Contains([]string{"kty", "crv", "use", "alg", "kid", "x", "y"}, name) {
				t.Errorf("A251 key %d has the member %q", i, name)
			}
		}
		if k := set.Keys[i]; !k.IsPublic() || !k.Valid() || k.Algorithm != "ES256" || k.Use != "sig" || k.KeyID == "" {
			t.Errorf("A251 key %d is %v", i, key)
		}
	}
	return set
}

// believe is what an upstream does with an assertion.
func (g *gateway) believe(t testing.TB, token, audience string) asserted {
	t.Helper()
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		t.Fatalf("%v", err)
	}
	kid := parsed.Headers[0].KeyID
	set := g.keySet(t)
	keys := set.Key(kid)
	if len(keys) != 1 {
		t.Fatalf("the key set has %d keys of the name %q", len(keys), kid)
	}
	var c asserted
	if err := parsed.Claims(keys[0], &c); err != nil {
		t.Fatalf("the signature: %v", err)
	}
	if err := c.ValidateWithLeeway(jwt.Expected{Issuer: g.base, AnyAudience: jwt.Audience{audience}, Time: time.Now()}, 2*time.Second); err != nil {
		t.Errorf("the claims: %v", err)
	}
	if life := c.Expiry.Time().Sub(c.IssuedAt.Time()); life <= 0 || life > 120*time.Second {
		t.Errorf("it is good for %v", life)
	}
	if len(c.Audience) != 1 {
		t.Errorf("it is for %v", c.Audience)
	}
	c.kid = kid
	return c
}

const assertionRoutes = `
  - {path: /one, upstream: UPSTREAM, allow: signed_in, assertion: https://one.example}
  - {path: /two, upstream: UPSTREAM, allow: signed_in, assertion: https://two.example}
  - {path: /public, upstream: UPSTREAM, allow: public, assertion: https://one.example}
  - {path: /plain, upstream: UPSTREAM, allow: public}
  - {path: /, upstream: UPSTREAM, allow: signed_in}
`

// TestPRX22_Assertion: an upstream can check who is there without trusting the
// network, with what the gateway publishes and nothing else.
func TestPRX22_A251_Assertion(t *testing.T) {
	s := setup{routes: assertionRoutes, store: "file:wayleave.db"}
	g := start(t, s)
	grace, lin := g.browser(), g.browser()
	grace.signIn("grace", "/")
	lin.signIn("lin", "/")
	at := func(b *browser, path string, header ...string) string {
		t.Helper()
		g.up.taken()
		if got := b.ask("GET", path, header...); got.StatusCode != 200 {
			t.Fatalf("%s: %d %s", path, got.StatusCode, got.body)
		}
		values := g.only().Header["X-Wayleave-Assertion"]
		if path == "/plain" && len(values) == 0 {
			return ""
		}
		if len(values) != 1 {
			t.Fatalf("%s: the upstream got %d assertions", path, len(values))
		}
		return values[0]
	}
	t.Run("what it says", func(t *testing.T) {
		g.up.taken()
		grace.ask("GET", "/one")
		r := g.only()
		c := g.believe(t, r.Header.Get("X-Wayleave-Assertion"), "https://one.example")
		if c.Subject != r.Header.Get("X-Wayleave-User") || c.Subject == "" || c.ProviderSub != "grace" || c.Provider != "dev" || c.Email != "grace@example.com" || c.Name != "Grace Okoye" || !slices.Equal(c.Groups, []string{"staff", "admins"}) {
			t.Errorf("it says %+v", c)
		}
	})
	t.Run("POL-03 an address only if it is verified", func(t *testing.T) {
		if c := g.believe(t, at(lin, "/one"), "https://one.example"); c.Email != "" || c.ProviderSub != "lin" {
			t.Errorf("it says %+v", c)
		}
	})
	t.Run("each audience has its own", func(t *testing.T) {
		one, two := at(grace, "/one"), at(grace, "/two")
		g.believe(t, two, "https://two.example")
		if one == two {
			t.Error("one for both")
		}
	})
	t.Run("it is used again within its first minute", func(t *testing.T) {
		if first, second := at(grace, "/one"), at(grace, "/one"); first != second {
			t.Error("another one for each request")
		}
		if at(grace, "/one") == at(lin, "/one") {
			t.Error("one for two people")
		}
	})
	t.Run("A140 what a client sends in its place", func(t *testing.T) {
		stolen := at(lin, "/one")
		for _, name := range []string{"X-Wayleave-Assertion", "X_Wayleave_Assertion", "x-wayleave-assertion"} {
			if got := at(grace, "/one", name, stolen); g.believe(t, got, "https://one.example").ProviderSub != "grace" {
				t.Errorf("%s: the upstream got somebody else's", name)
			}
			for _, path := range []string{"/public", "/plain"} {
				if got := at(g.browser(), path, name, stolen); got != "" {
					t.Errorf("%s, %s: the upstream got %q of nobody", path, name, got)
				}
			}
		}
	})
	t.Run("nothing about an ended session", func(t *testing.T) {
		b := g.browser()
		b.signIn("ada", "/")
		at(b, "/one")
		b.ask("POST", "/auth/logout", "Origin", g.base, "Sec-Fetch-Site", "same-origin")
		g.up.taken()
		if got := b.ask("GET", "/one"); got.StatusCode != 401 || len(g.up.taken()) > 0 {
			t.Errorf("%d", got.StatusCode)
		}
	})
	t.Run("keys survive a restart, and rotate with the key file", func(t *testing.T) {
		first := g.believe(t, at(grace, "/one"), "https://one.example").kid
		old := at(grace, "/two")
		g.restart()
		if c := g.believe(t, at(grace, "/one"), "https://one.example"); c.kid != first {
			t.Errorf("signed by %s, and before the restart by %s", c.kid, first)
		}
		g.believe(t, old, "https://two.example")

		file := filepath.Join(g.dir, "keys")
		change := func(f func(*keyfile.File) error) {
			t.Helper()
			if err := keyfile.Update(file, f); err != nil {
				t.Fatal(err)
			}
			g.reread()
		}
		var added keyfile.Entry
		change(func(f *keyfile.File) error { added = f.Add(time.Now()); return nil })
		if set := g.keySet(t); len(set.Keys) != 2 || set.Keys[0].KeyID != first {
			t.Errorf("a key was added, and the set has %d, the first %s", len(set.Keys), set.Keys[0].KeyID)
		}
		if c := g.believe(t, at(grace, "/one"), "https://one.example"); c.kid != first {
			t.Error("a key that was added and does not seal yet signs")
		}
		change(func(f *keyfile.File) error { return f.Promote(added.ID, time.Now()) })
		if c := g.believe(t, at(grace, "/one"), "https://one.example"); c.kid == first {
			t.Error("the key that was promoted does not sign")
		}
		g.believe(t, old, "https://two.example")
		if set := g.keySet(t); len(set.Keys) != 2 {
			t.Errorf("A251 the set has %d keys", len(set.Keys))
		}
	})
	t.Run("the set is read and not written", func(t *testing.T) {
		b := g.browser()
		for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS"} {
			if got := b.ask(method, "/auth/jwks.json"); got.StatusCode != 405 {
				t.Errorf("%s: %d", method, got.StatusCode)
			}
		}
		if got := b.ask("HEAD", "/auth/jwks.json"); got.StatusCode != 200 || got.body != "" {
			t.Errorf("HEAD: %d", got.StatusCode)
		}
	})
}
