package provider_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/wayleave/wayleave/internal/vendorfakes"
	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/provider"
)

// answer is what a recorded endpoint answers; the zero status is 200, the
// empty type JSON.
type answer struct {
	status int
	kind   string
	body   string
}

// recorded is the internet as a test wrote it down: what lies at
// https://host/path is served at /host/path of a server on loopback.
type recorded struct {
	t   testing.TB
	srv *httptest.Server
	key *ecdsa.PrivateKey

	mu       sync.Mutex
	answers  map[string]answer // by vendor's URL, without query
	requests []vendorfakes.Request
}

func record(t testing.TB, answers map[string]answer) *recorded {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	r := &recorded{t: t, key: key, answers: map[string]answer{}}
	maps.Copy(r.answers, answers)
	r.srv = httptest.NewServer(r)
	t.Cleanup(r.srv.Close)
	return r
}

// at is where a vendor's URL is served.
func (r *recorded) at(vendorURL string) string {
	if rest, ok := strings.CutPrefix(vendorURL, "https://"); ok {
		return r.srv.URL + "/" + rest
	}
	return vendorURL
}

func (r *recorded) set(vendorURL string, a answer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answers[vendorURL] = a
}

// got returns the last request to a vendor's URL.
func (r *recorded) got(vendorURL string) vendorfakes.Request {
	r.t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := len(r.requests) - 1; i >= 0; i-- {
		if "https:/"+r.requests[i].Path == vendorURL {
			return r.requests[i]
		}
	}
	r.t.Fatalf("%s was not asked", vendorURL)
	return vendorfakes.Request{}
}

func (r *recorded) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, _ := io.ReadAll(req.Body)
	form, _ := url.ParseQuery(string(body))
	r.mu.Lock()
	r.requests = append(r.requests, vendorfakes.Request{Method: req.Method, Path: req.URL.Path, Query: req.URL.Query(), Header: req.Header.Clone(), Form: form, Body: string(body)})
	a, ok := r.answers["https:/"+req.URL.Path]
	r.mu.Unlock()
	if !ok {
		http.NotFound(w, req)
		return
	}
	if a.kind == "" {
		a.kind = "application/json"
	}
	w.Header().Set("Content-Type", a.kind)
	if a.status != 0 {
		w.WriteHeader(a.status)
	}
	io.WriteString(w, a.body)
}

// moved is the preset with every URL in it moved to the server.
func (r *recorded) moved(p provider.Preset) provider.Preset {
	for _, u := range []*string{&p.Issuer, &p.AuthorizationURL, &p.TokenURL, &p.UserInfoURL, &p.JWKSURL, &p.Dialect.RefreshURL, &p.Dialect.ResponseIssuer} {
		*u = r.at(*u)
	}
	p.Profile.Calls = slices.Clone(p.Profile.Calls)
	for i := range p.Profile.Calls {
		p.Profile.Calls[i].URL = r.at(p.Profile.Calls[i].URL)
	}
	return p
}

// keys publishes the key at the vendor's URL.
func (r *recorded) keys(vendorURL string) {
	r.t.Helper()
	set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: r.key.Public(), KeyID: "k1", Algorithm: "ES256", Use: "sig"}}}
	r.set(vendorURL, answer{body: marshal(r.t, set)})
}

// idToken makes one with the claims of a recorded one, which are JSON, and
// those that differ with each login.
func (r *recorded) idToken(issuer, nonce, claims string) string {
	r.t.Helper()
	all := map[string]any{"iss": issuer, "aud": vendorfakes.ClientID, "iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix()}
	if nonce != "" {
		all["nonce"] = nonce
	}
	if err := json.Unmarshal([]byte(claims), &all); err != nil {
		r.t.Fatal(err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: r.key, KeyID: "k1"}}, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	signed, err := signer.Sign([]byte(marshal(r.t, all)))
	if err != nil {
		r.t.Fatal(err)
	}
	out, err := signed.CompactSerialize()
	if err != nil {
		r.t.Fatal(err)
	}
	return out
}

// plainPreset is a plain OAuth 2.0 provider at vendor.example with this profile.
func plainPreset(p provider.Profile) provider.Preset {
	return provider.Preset{
		Name: "vendor", Realm: "https://vendor.example", Metadata: oauth.MetadataNone, Profile: p,
		AuthorizationURL: "https://vendor.example/authorize", TokenURL: "https://vendor.example/token", UserInfoURL: "https://vendor.example/me",
	}
}

// plain runs a login at a plain OAuth 2.0 provider with this profile, whose
// userinfo answers the given JSON.
func plain(t testing.TB, p provider.Profile, userInfo string) (*provider.Identity, error) {
	t.Helper()
	r := record(t, map[string]answer{
		"https://vendor.example/token": {body: `{"access_token":"at-1","token_type":"Bearer","account":"acct_1"}`},
		"https://vendor.example/me":    {body: userInfo},
	})
	return r.login(provider.Config{Preset: plainPreset(p)}).identifyWithoutBrowser()
}

// login begins one with this configuration, moved to the server.
func (r *recorded) login(c provider.Config) *login {
	r.t.Helper()
	c.Preset = r.moved(c.Preset)
	for _, u := range []*string{&c.Issuer, &c.AuthorizationURL, &c.TokenURL, &c.UserInfoURL, &c.JWKSURL} {
		*u = r.at(*u)
	}
	c.ClientID, c.Development = vendorfakes.ClientID, true
	if c.ClientSecret.IsZero() && c.ClientAuth != oauth.ClientAuthNone {
		c.ClientSecret = secret()
	}
	return begin(r.t, c)
}

func (l *login) identifyWithoutBrowser() (*provider.Identity, error) {
	l.t.Helper()
	tokens, err := exchange(l, "code-1")
	if err != nil {
		return nil, err
	}
	return l.p.Identify(l.t.Context(), tokens)
}

func marshal(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
