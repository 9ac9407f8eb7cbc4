package gateway_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/wayleave/wayleave/devidp"
	"github.com/wayleave/wayleave/internal/keyfile"
)

// claimer is an OpenID provider that says of its one person whatever a test
// wants, and asks nobody. The development provider says only what is sensible.
type claimer struct {
	*httptest.Server
	t   testing.TB
	key *ecdsa.PrivateKey

	mu        sync.Mutex
	claims    map[string]any // of the next ID token; nil values take those away that are always there
	lifetimes []int          // expires_in of the tokens to come; the last one stays
	down      bool           // answers 503
	refuses   bool           // refreshes, for ever
	// held is what token requests wait for; nil: nothing.
	held      chan struct{}
	waiting   atomic.Int64
	ahead     time.Duration // of its clock
	asked     []url.Values  // authorization requests
	codes     map[string]url.Values
	issued    []string // access tokens
	refreshes int
	answers   int // of any kind
}

func newClaimer(t testing.TB) *claimer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &claimer{t: t, key: key, codes: map[string]url.Values{}, lifetimes: []int{3600}}
	c.Server = httptest.NewServer(c)
	t.Cleanup(c.Close)
	return c
}

// entry is the provider's line in the file.
func (c *claimer) entry(name, more string) string {
	return fmt.Sprintf("  %s: {issuer: %q, client_id: app, client_secret: dev-secret, development: true%s}\n", name, c.URL, more)
}

// say sets the claims of the next login.
func (c *claimer) say(claims map[string]any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.claims = claims
}

func (c *claimer) set(change func(c *claimer)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(c)
}

// last returns the newest authorization request.
func (c *claimer) last() url.Values {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.asked) == 0 {
		return url.Values{}
	}
	return c.asked[len(c.asked)-1]
}

func (c *claimer) refreshed() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.refreshes
}

func (c *claimer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	if held := c.held; held != nil && r.URL.Path == "/token" {
		c.mu.Unlock()
		c.waiting.Add(1)
		<-held
		c.mu.Lock()
	}
	defer c.mu.Unlock()
	c.answers++
	if c.down {
		http.Error(w, "down", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	answer := func(v any) {
		json.NewEncoder(w).Encode(v)
	}
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		answer(map[string]any{"issuer": c.URL, "authorization_endpoint": c.URL + "/authorize", "token_endpoint": c.URL + "/token", "jwks_uri": c.URL + "/jwks",
			"response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"}, "id_token_signing_alg_values_supported": []string{"ES256"},
			"scopes_supported": []string{"openid", "offline_access"}})
	case "/jwks":
		answer(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: c.key.Public(), KeyID: "one", Algorithm: "ES256", Use: "sig"}}})
	case "/authorize":
		q := r.URL.Query()
		c.asked = append(c.asked, q)
		code := rand.Text()
		c.codes[code] = q
		back, _ := url.Parse(q.Get("redirect_uri"))
		back.RawQuery = url.Values{"code": {code}, "state": {q.Get("state")}}.Encode()
		http.Redirect(w, r, back.String(), http.StatusSeeOther)
	case "/token":
		r.ParseForm()
		if c.refuses && r.Form.Get("grant_type") == "refresh_token" {
			c.refreshes++
			w.WriteHeader(http.StatusBadRequest)
			answer(map[string]string{"error": "invalid_grant"})
			return
		}
		token := "canary-access-" + rand.Text()
		c.issued = append(c.issued, token)
		tokens := map[string]any{"access_token": token, "token_type": "Bearer", "expires_in": c.lifetimes[0], "refresh_token": "canary-refresh-" + rand.Text()}
		if len(c.lifetimes) > 1 {
			c.lifetimes = c.lifetimes[1:]
		}
		if r.Form.Get("grant_type") == "refresh_token" {
			c.refreshes++
		} else {
			tokens["id_token"] = c.idToken(c.codes[r.Form.Get("code")])
			delete(c.codes, r.Form.Get("code"))
		}
		answer(tokens)
	default:
		http.NotFound(w, r)
	}
}

func (c *claimer) idToken(asked url.Values) string {
	now := time.Now().Add(c.ahead)
	claims := map[string]any{"iss": c.URL, "aud": "app", "sub": "somebody", "nonce": asked.Get("nonce"), "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(), "auth_time": now.Unix()}
	maps.Copy(claims, c.claims)
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	payload, err := json.Marshal(claims)
	if err != nil {
		c.t.Error(err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: c.key, KeyID: "one"}}, nil)
	if err != nil {
		c.t.Error(err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		c.t.Error(err)
	}
	text, _ := signed.CompactSerialize()
	return text
}

// through follows redirects from a page, through a claimer, until something
// else is answered.
func (b *browser) through(at answer) answer {
	b.g.t.Helper()
	for range 8 {
		location := at.Header.Get("Location")
		if location == "" || at.StatusCode/100 != 3 {
			return at
		}
		at = b.open(location)
	}
	b.g.t.Fatal("redirected in circles")
	return at
}

// enter signs in at a provider's entry, and opens a page.
func (b *browser) enter(entry, page string) answer {
	b.g.t.Helper()
	return b.through(b.open("/auth/" + entry + "/login?return_to=" + url.QueryEscape(page)))
}

// startTwo starts a gateway with two providers: dev, and a claimer named other.
func startTwo(t testing.TB, s setup) (*gateway, *claimer) {
	t.Helper()
	c := newClaimer(t)
	s.extra = c.entry("other", ", offline: true") + s.extra
	return start(t, s), c
}

// only returns the request that the upstream got since the last call.
func (g *gateway) only() received {
	g.t.Helper()
	got := g.up.taken()
	if len(got) != 1 {
		g.t.Fatalf("the upstream got %d requests, want one: %+v", len(got), got)
	}
	return got[0]
}

// reload writes the file anew and makes the running process read it.
func (g *gateway) reload(s setup) {
	g.t.Helper()
	g.write(s)
	g.reread()
}

func (g *gateway) reread() {
	g.t.Helper()
	before := strings.Count(g.logged(), `"reloaded"`)
	if err := syscall.Kill(g.pid, syscall.SIGHUP); err != nil {
		g.t.Fatal(err)
	}
	eventually(g.t, "the file is read again", func() bool { return strings.Count(g.logged(), `"reloaded"`) > before })
}

// startAs is start for a file that is written when addresses and folder are
// known. Keys that are in the folder by then stay.
func startAs(t testing.TB, idp *devidp.Server, prepare func(g *gateway) setup) *gateway {
	t.Helper()
	g := &gateway{t: t, idp: idp, up: newUpstream(t), dir: t.TempDir()}
	g.listen, g.health = freeAddress(t), freeAddress(t)
	g.base, g.file = "http://"+g.listen, filepath.Join(g.dir, "wayleave.yaml")
	s := prepare(g)
	if s.base != "" {
		g.base = s.base
	}
	if keys := filepath.Join(g.dir, "keys"); !exists(keys) {
		if _, err := keyfile.New(keys, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	g.write(s)
	g.run()
	return g
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
