package oauth_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/wayleave/wayleave/oauth"
)

// fake is a provider that answers exactly what a test tells it to.
type fake struct {
	t   testing.TB
	srv *httptest.Server
	key *ecdsa.PrivateKey
	kid string

	mu       sync.Mutex
	metadata map[string]any // changes to the document; nil removes a member
	answers  map[string]http.HandlerFunc
	requests []request
}

type request struct {
	method, path string
	header       http.Header
	form         url.Values
	body         string
}

func newFake(t testing.TB) *fake {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	f := &fake{t: t, key: key, kid: "k1", metadata: map[string]any{}, answers: map[string]http.HandlerFunc{}}
	f.srv = httptest.NewServer(f)
	t.Cleanup(f.srv.Close)
	return f
}

func (f *fake) issuer() string { return f.srv.URL }

// answer sets what a path answers.
func (f *fake) answer(path string, h http.HandlerFunc) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answers[path] = h
}

// set changes a member of the metadata document.
func (f *fake) set(member string, value any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.metadata[member] = value
}

// got returns the requests to a path.
func (f *fake) got(path string) []request {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []request
	for _, r := range f.requests {
		if r.path == path {
			out = append(out, r)
		}
	}
	return out
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	form, _ := url.ParseQuery(string(body))
	f.mu.Lock()
	f.requests = append(f.requests, request{r.Method, r.URL.Path, r.Header.Clone(), form, string(body)})
	h, metadata := f.answers[r.URL.Path], maps.Clone(f.metadata)
	f.mu.Unlock()
	switch {
	case h != nil:
		h(w, r)
	case r.URL.Path == "/.well-known/openid-configuration" || r.URL.Path == "/.well-known/oauth-authorization-server":
		f.document(metadata)(w, r)
	case r.URL.Path == "/jwks":
		sendJSON(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: f.key.Public(), KeyID: f.kid, Algorithm: "ES256", Use: "sig"}}})(w, r)
	default:
		http.NotFound(w, r)
	}
}

func (f *fake) document(changes map[string]any) http.HandlerFunc {
	doc := map[string]any{
		"issuer": f.issuer(), "authorization_endpoint": f.issuer() + "/authorize", "token_endpoint": f.issuer() + "/token",
		"userinfo_endpoint": f.issuer() + "/userinfo", "jwks_uri": f.issuer() + "/jwks", "response_types_supported": []string{"code"},
		"id_token_signing_alg_values_supported": []string{"ES256"}, "code_challenge_methods_supported": []string{"S256"},
	}
	for name, value := range changes {
		if value == nil {
			delete(doc, name)
			continue
		}
		doc[name] = value
	}
	return sendJSON(doc)
}

func sendJSON(v any) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(v)
	}
}

// send answers with these very bytes.
func send(status int, contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

// sign makes an ID token; claims are laid over good ones, nil removes.
func (f *fake) sign(nonce string, claims map[string]any) string {
	f.t.Helper()
	all := map[string]any{
		"iss": f.issuer(), "sub": "user-1", "aud": "client-1", "nonce": nonce,
		"exp": time.Now().Add(5 * time.Minute).Unix(), "iat": time.Now().Unix(),
	}
	for name, value := range claims {
		if value == nil {
			delete(all, name)
			continue
		}
		all[name] = value
	}
	payload, err := json.Marshal(all)
	if err != nil {
		f.t.Fatal(err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: f.key, KeyID: f.kid}}, nil)
	if err != nil {
		f.t.Fatal(err)
	}
	sig, err := signer.Sign(payload)
	if err != nil {
		f.t.Fatal(err)
	}
	out, err := sig.CompactSerialize()
	if err != nil {
		f.t.Fatal(err)
	}
	return out
}

// grant makes the token endpoint answer with tokens, and members laid over them.
func (f *fake) grant(nonce string, members map[string]any) {
	f.answer("/token", func(w http.ResponseWriter, r *http.Request) {
		all := map[string]any{"access_token": "at-1", "token_type": "Bearer", "expires_in": 600, "id_token": f.sign(nonce, nil)}
		for name, value := range members {
			if value == nil {
				delete(all, name)
				continue
			}
			all[name] = value
		}
		sendJSON(all)(w, r)
	})
}

// config is a good configuration for the fake.
func (f *fake) config() oauth.Config {
	return oauth.Config{
		Name: "fake", Issuer: f.issuer(), ClientID: "client-1", ClientSecret: oauth.NewSecret("s3cret"),
		RedirectURI: "http://localhost:8000/auth/fake/callback", Scopes: []string{"openid", "email"}, Development: true,
	}
}

// flow is a login against the fake, step by step.
type flow struct {
	f      *fake
	c      *oauth.Client
	sealer *oauth.Sealer
	login  *oauth.Login
	url    *url.URL
}

func testKey() []byte {
	key := make([]byte, 32)
	rand.Read(key)
	return key
}

// begin makes a client, changed as asked, and takes step 1.
func (f *fake) begin(change ...func(*oauth.Config)) *flow {
	f.t.Helper()
	cfg := f.config()
	for _, c := range change {
		c(&cfg)
	}
	client, err := oauth.New(cfg)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(client.CloseIdle)
	sealer, err := oauth.NewSealer("http://localhost:8000", testKey())
	if err != nil {
		f.t.Fatal(err)
	}
	fl := &flow{f: f, c: client, sealer: sealer, login: sealer.Begin(client.Pending())}
	raw, err := client.Authorize(f.t.Context(), fl.login, oauth.Hints{})
	if err != nil {
		f.t.Fatalf("step 1: %v", err)
	}
	if fl.url, err = url.Parse(raw); err != nil {
		f.t.Fatal(err)
	}
	return fl
}

func (fl *flow) nonce() string { return fl.url.Query().Get("nonce") }

// callback takes step 2 with these parameters, state added unless it is there.
func (fl *flow) callback(params url.Values) (*oauth.Code, error) {
	fl.f.t.Helper()
	if !params.Has("state") {
		params.Set("state", fl.login.State())
	}
	r := httptest.NewRequest("GET", "/auth/fake/callback?"+params.Encode(), nil)
	cb, err := oauth.ReadCallback(r)
	if err != nil {
		return nil, err
	}
	login, err := fl.sealer.Open(cb.State())
	if err != nil {
		return nil, err
	}
	return fl.c.Check(fl.f.t.Context(), login, cb)
}

// code takes step 2 and must succeed.
func (fl *flow) code() *oauth.Code {
	fl.f.t.Helper()
	code, err := fl.callback(url.Values{"code": {"c/o+de= 1"}})
	if err != nil {
		fl.f.t.Fatalf("step 2: %v", err)
	}
	return code
}

// exchange takes steps 2 and 3.
func (fl *flow) exchange() (*oauth.Tokens, error) {
	fl.f.t.Helper()
	return fl.c.Exchange(fl.f.t.Context(), fl.code())
}

// tokens takes steps 1 to 3 with a good answer, members laid over it.
func (f *fake) tokens(members map[string]any, change ...func(*oauth.Config)) (*flow, *oauth.Tokens) {
	f.t.Helper()
	fl := f.begin(change...)
	f.grant(fl.nonce(), members)
	t, err := fl.exchange()
	if err != nil {
		f.t.Fatalf("step 3: %v", err)
	}
	return fl, t
}

// wantCheck fails unless err was made by this check, and the text is exact if given.
func wantCheck(t testing.TB, err error, check oauth.Check, fault oauth.Fault, text string) {
	t.Helper()
	if oauth.CheckOf(err) != check || oauth.FaultOf(err) != fault {
		t.Fatalf("error %v (check %q, fault %d), want check %q, fault %d", err, oauth.CheckOf(err), oauth.FaultOf(err), check, fault)
	}
	if text != "" && err.Error() != text {
		t.Errorf("error\n%q, want\n%q", err.Error(), text)
	}
}

// listener collects events.
type listener struct {
	mu     sync.Mutex
	events []oauth.Event
}

func (l *listener) hear(_ context.Context, ev oauth.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = append(l.events, ev)
}

func (l *listener) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return fmt.Sprintf("%+v", l.events)
}

func asError(err error, into **oauth.Error) bool {
	e, ok := errors.AsType[*oauth.Error](err)
	*into = e
	return ok
}
