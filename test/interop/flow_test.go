package interop_test

import (
	"context"
	"crypto/rand"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/test/oidcprovider"
)

// redirectURI is where the provider sends the browser of a flow. Nobody
// listens there: the test reads the callback from the URL.
const redirectURI = "http://127.0.0.1:1/callback"

// flow takes the steps of logins one by one with package oauth alone.
type flow struct {
	t       *testing.T
	idp     *oidcprovider.Provider
	client  *oauth.Client
	sealer  *oauth.Sealer
	browser oauth.BrowserHash

	mu   sync.Mutex
	told story
}

// startFor runs a provider with clients for flows.
func startFor(t *testing.T, cfg oidcprovider.Config, regs ...registration) *oidcprovider.Provider {
	t.Helper()
	for _, r := range regs {
		cfg.Clients = append(cfg.Clients, r.client(redirectURI))
	}
	return oidcprovider.Start(t, cfg)
}

// newFlow configures a client by issuer alone. The change, if there is one, is
// made to its configuration.
func newFlow(t *testing.T, idp *oidcprovider.Provider, r registration, change ...func(*oauth.Config)) *flow {
	t.Helper()
	f := &flow{t: t, idp: idp, browser: oauth.HashBrowser("cookie")}
	cfg := oauth.Config{
		Name: r.name, Issuer: idp.Issuer, ClientID: r.name, RedirectURI: redirectURI,
		Scopes: []string{"openid", "email", "profile", "offline_access"}, AuthParams: map[string]string{"prompt": "consent"},
		Development: true, OnEvent: f.record,
	}
	if r.method != oauth.ClientAuthNone {
		cfg.ClientSecret, cfg.ClientAuth = oauth.NewSecret(clientSecret), r.method
	}
	for _, c := range change {
		c(&cfg)
	}
	key := make([]byte, 32)
	rand.Read(key)
	var err error
	if f.sealer, err = oauth.NewSealer("http://127.0.0.1:1", key); err != nil {
		t.Fatal(err)
	}
	if f.client, err = oauth.New(cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.client.CloseIdle)
	return f
}

func (f *flow) record(_ context.Context, ev oauth.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.told = append(f.told, ev)
}

func (f *flow) story() story {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append(story(nil), f.told...)
}

// authorizationURL is step 1.
func (f *flow) authorizationURL() (string, error) {
	pending := f.client.Pending()
	pending.Browser = f.browser
	return f.client.Authorize(f.t.Context(), f.sealer.Begin(pending), oauth.Hints{})
}

// callback runs step 1 and what happens at the provider.
func (f *flow) callback(person string) string {
	f.t.Helper()
	u, err := f.authorizationURL()
	if err != nil {
		f.t.Fatal(err)
	}
	callback, err := f.idp.SignIn(f.t.Context(), u, person, true)
	if err != nil {
		f.t.Fatal(err)
	}
	return callback
}

// check is step 2. What needs a clock and a cookie is the caller's part.
func (f *flow) check(callback string) (*oauth.Code, error) {
	cb, err := oauth.ReadCallback(httptest.NewRequest("GET", callback, nil))
	if err != nil {
		return nil, err
	}
	login, err := f.sealer.Open(cb.State())
	if err != nil {
		return nil, err
	}
	if err := login.CheckAge(time.Now()); err != nil {
		return nil, err
	}
	if !login.BelongsTo(f.browser) {
		f.t.Fatal("the login belongs to another browser")
	}
	return f.client.Check(f.t.Context(), login, cb)
}

// code runs steps 1 and 2.
func (f *flow) code(person string) *oauth.Code {
	f.t.Helper()
	code, err := f.check(f.callback(person))
	if err != nil {
		f.t.Fatal(err)
	}
	return code
}

// tokens runs steps 1 to 3.
func (f *flow) tokens(person string) *oauth.Tokens {
	f.t.Helper()
	tokens, err := f.client.Exchange(f.t.Context(), f.code(person))
	if err != nil {
		f.t.Fatal(err)
	}
	return tokens
}

// withParam sets a query parameter of a URL; without a value it is removed.
func withParam(t *testing.T, address, name string, values ...string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	query[name] = values
	u.RawQuery = query.Encode()
	return u.String()
}

// param returns a query parameter of a URL.
func param(t *testing.T, address, name string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query().Get(name)
}
