// Package interop proves the library against a provider that this project did
// not write: npm's certified oidc-provider, run by package oidcprovider. Some
// tests run a whole app through the root package, others take the steps one by
// one with package oauth.
package interop_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/wayleave/wayleave"
	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/provider"
	"github.com/wayleave/wayleave/store/memory"
	"github.com/wayleave/wayleave/test/oidcprovider"
)

// clientSecret has characters that each way of sending it must encode.
const clientSecret = "s3cret: /+&=%"

// registration is one client of the provider. The app has an entry for it
// under the same name.
type registration struct {
	name   string
	method oauth.ClientAuth
	alg    string
	path   string // of the redirect URI; "" is the library's default
}

// every is each way of client authentication with each signature algorithm.
var every = []registration{
	{name: "basic-rs256", method: oauth.ClientSecretBasic, alg: "RS256"},
	{name: "basic-es256", method: oauth.ClientSecretBasic, alg: "ES256"},
	{name: "post-rs256", method: oauth.ClientSecretPost, alg: "RS256"},
	{name: "post-es256", method: oauth.ClientSecretPost, alg: "ES256"},
	{name: "none-rs256", method: oauth.ClientAuthNone, alg: "RS256"},
	{name: "none-es256", method: oauth.ClientAuthNone, alg: "ES256"},
}

// acme is the registration of tests that need only one.
var acme = registration{name: "acme", method: oauth.ClientSecretBasic, alg: "ES256"}

// client is the registration as the provider knows it.
func (r registration) client(redirectURI string) oidcprovider.Client {
	c := oidcprovider.Client{ID: r.name, Secret: clientSecret, RedirectURIs: []string{redirectURI}, AuthMethod: string(r.method), IDTokenAlg: r.alg}
	if r.method == oauth.ClientAuthNone {
		c.Secret = ""
	}
	return c
}

// entry is the registration as the app knows it: of the provider itself, only
// the issuer. Basic authentication is not configured: it is the default.
func (r registration) entry(issuer string) provider.Config {
	c := provider.Config{Name: r.name, Issuer: issuer, ClientID: r.name, Offline: true, Development: true}
	if r.method != oauth.ClientAuthNone {
		c.ClientSecret = oauth.NewSecret(clientSecret)
	}
	if r.method == oauth.ClientSecretPost {
		c.ClientAuth = r.method
	}
	return c
}

// app is an app with sign-in, on loopback.
type app struct {
	idp   *oidcprovider.Provider
	idpAt oidcprovider.Config // to start idp with again
	auth  *wayleave.Auth
	cfg   wayleave.Config // that auth was made from
	base  string

	handler atomic.Pointer[http.Handler]

	mu     sync.Mutex
	events []oauth.Event
	log    bytes.Buffer
}

// newApp starts a provider with the given registrations and an app that uses
// it. The change, if there is one, is made to the app's configuration.
func newApp(t *testing.T, idp oidcprovider.Config, regs []registration, change ...func(*wayleave.Config)) *app {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	a := &app{base: "http://" + ln.Addr().String(), idpAt: idp}
	srv := &httptest.Server{Listener: ln, Config: &http.Server{Handler: a}}
	t.Cleanup(srv.Close) // closes the listener too if the next line skips the test
	for _, r := range regs {
		a.idpAt.Clients = append(a.idpAt.Clients, r.client(a.base+cmp.Or(r.path, "/auth/"+r.name+"/callback")))
	}
	a.idp = oidcprovider.Start(t, a.idpAt)

	key := make([]byte, 32)
	rand.Read(key)
	store := memory.New(memory.Options{})
	a.cfg = wayleave.Config{
		BaseURL: a.base, Keys: [][]byte{key}, Store: store,
		OnEvent: a.record, Logger: slog.New(slog.NewJSONHandler(&lockedWriter{&a.mu, &a.log}, nil)),
	}
	for _, r := range regs {
		a.cfg.Providers = append(a.cfg.Providers, r.entry(a.idp.Issuer))
	}
	for _, f := range change {
		f(&a.cfg)
	}
	a.restart(t)
	t.Cleanup(func() {
		a.auth.Close()
		store.Close()
	})
	srv.Start()
	return a
}

// restart makes a new Auth of the configuration, as a new process would.
func (a *app) restart(t *testing.T) {
	t.Helper()
	auth, err := wayleave.New(a.cfg)
	if err != nil {
		t.Fatal(err)
	}
	if a.auth != nil {
		a.auth.Close()
	}
	a.auth = auth
	mux := http.NewServeMux()
	mux.Handle("/auth/", auth)
	mux.Handle("/oauth/return", auth)
	mux.Handle("/", auth.RequireLogin(http.HandlerFunc(hello)))
	var h http.Handler = mux
	a.handler.Store(&h)
}

// restartIDP starts the provider again, with new keys, on its fixed port.
func (a *app) restartIDP(t *testing.T) {
	t.Helper()
	a.idp.Stop()
	a.idp = oidcprovider.Start(t, a.idpAt)
}

func (a *app) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	(*a.handler.Load()).ServeHTTP(w, r)
}

// hello is every page of the app: it says who is signed in, and where they are.
func hello(w http.ResponseWriter, r *http.Request) {
	u, _ := wayleave.CurrentUser(r.Context())
	io.WriteString(w, strings.Join([]string{"Hello", u.Name, "at", r.URL.RequestURI()}, " "))
}

func (a *app) record(_ context.Context, ev oauth.Event) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.events = append(a.events, ev)
}

// story returns what was told of an entry's logins.
func (a *app) story(name string) story {
	a.mu.Lock()
	defer a.mu.Unlock()
	var out story
	for _, ev := range a.events {
		if ev.About().Provider == name {
			out = append(out, ev)
		}
	}
	return out
}

// logged returns what the app logged.
func (a *app) logged() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.log.String()
}

type lockedWriter struct {
	mu *sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}
