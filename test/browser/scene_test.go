package browser_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/wayleave/wayleave"
	"github.com/wayleave/wayleave/devidp"
	"github.com/wayleave/wayleave/examples/financetracker/app"
	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/provider"
	"github.com/wayleave/wayleave/store/memory"
	"github.com/wayleave/wayleave/trace"
)

// scene is an app and its provider, on two hosts of this machine, and what a
// test watches of them.
type scene struct {
	t        *testing.T
	base     string // where the app is
	issuer   string // where the provider is
	provider string // what the app calls it
	idp      *devidp.Server
	store    *memory.Store
	visits   *visits           // requests that reached the app
	gate     *gate             // before the provider's token endpoint
	wire     http.RoundTripper // for people without chromium; nil: as usual
}

func newScene(t *testing.T, provider string) *scene {
	t.Helper()
	s := &scene{t: t, provider: provider, store: memory.New(memory.Options{}), visits: &visits{}, gate: &gate{}}
	t.Cleanup(func() { s.store.Close() })
	return s
}

// listen opens the ports of an app and of a provider that it reaches over http.
func (s *scene) listen() (appLn, idpLn net.Listener) {
	s.t.Helper()
	appLn, s.base = listen(s.t, "localhost:0")
	idpLn, s.issuer = listen(s.t, "127.0.0.1:0")
	return appLn, idpLn
}

// newTracker is Finance Tracker as `wayleave demo` runs it.
func newTracker(t *testing.T, tokenLifetime time.Duration) *scene {
	t.Helper()
	s := newScene(t, "google")
	appLn, idpLn := s.listen()
	idp, options, err := app.StandIn(s.base, s.issuer, tokenLifetime)
	if err != nil {
		t.Fatal(err)
	}
	story := trace.NewRecorder(0)
	options.OnEvent, options.TracePath, options.Store = story.Record, "/trace/", s.store
	tracker, err := app.New(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tracker.Close() })
	mux := http.NewServeMux()
	mux.Handle("/trace/", story.Handler("/trace"))
	mux.Handle("/", tracker)
	s.open(idp, appLn, mux, idpLn)
	return s
}

// newEcho is an app in which every page says who is there, and its own address.
// Each around changes the provider.
func newEcho(t *testing.T, around ...func(http.Handler) http.Handler) *scene {
	t.Helper()
	s := newScene(t, "dev")
	appLn, idpLn := s.listen()
	idp, err := devidp.New(devidp.Options{Issuer: s.issuer, SigningAlgorithm: "ES256",
		Clients: []devidp.Client{{ID: "echo", Secret: "echo-secret", Name: "Echo", RedirectURIs: []string{s.base + "/auth/dev/callback"}}}})
	if err != nil {
		t.Fatal(err)
	}
	auth := newAuth(t, wayleave.Config{BaseURL: s.base, Store: s.store, Branding: wayleave.Branding{AppName: "Echo"},
		Providers: []provider.Config{{Name: "dev", Label: "Dev", Issuer: s.issuer, ClientID: "echo",
			ClientSecret: oauth.NewSecret("echo-secret"), Development: true}}})
	s.open(idp, appLn, echo(auth), idpLn, around...)
	return s
}

func newAuth(t *testing.T, cfg wayleave.Config) *wayleave.Auth {
	t.Helper()
	auth, err := wayleave.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { auth.Close() })
	return auth
}

func echo(auth *wayleave.Auth) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/auth/", auth)
	mux.HandleFunc("/favicon.ico", http.NotFound)
	mux.Handle("/", auth.RequireLogin(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, _ := wayleave.CurrentUser(r.Context())
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		w.Write([]byte("Hello " + user.Name + " at " + r.URL.RequestURI()))
	})))
	return mux
}

// open serves both over http until the test ends.
func (s *scene) open(idp *devidp.Server, appLn net.Listener, site http.Handler, idpLn net.Listener, around ...func(http.Handler) http.Handler) {
	s.idp = idp
	provider := s.gate.guard(idp)
	for _, change := range around {
		provider = change(provider)
	}
	serveOn(s.t, appLn, s.visits.watch(site))
	serveOn(s.t, idpLn, provider)
	// Before the servers stop, which wait for requests that the gate holds.
	s.t.Cleanup(s.gate.open)
}

func serveOn(t *testing.T, ln net.Listener, h http.Handler) {
	server := &httptest.Server{Listener: ln, Config: &http.Server{Handler: h}}
	server.Start()
	t.Cleanup(server.Close)
}

func listen(t *testing.T, addr string) (net.Listener, string) {
	t.Helper()
	ln, address, err := app.Listen(addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	return ln, address
}

// tokenRequests is how often the app asked the provider for tokens so far.
func (s *scene) tokenRequests() int { return s.idp.Count("token") }

// sessions is how many sessions live.
func (s *scene) sessions() int { return s.store.Len("session") }

// lastCallback is the address, with code and state, to which a browser was last
// sent by the provider.
func (s *scene) lastCallback() string {
	s.t.Helper()
	all := s.visits.to("/callback")
	if len(all) == 0 {
		s.t.Fatal("no browser came to the callback")
	}
	return s.base + all[len(all)-1].address
}

// eventually waits for what happens outside of the browser.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("%s: it did not happen in time", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// query is one parameter of an address.
func query(t *testing.T, address, name string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal("the address cannot be parsed")
	}
	return u.Query().Get(name)
}
