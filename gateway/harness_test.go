package gateway_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wayleave/wayleave/devidp"
	"github.com/wayleave/wayleave/devidp/devidptest"
	"github.com/wayleave/wayleave/devidp/robot"
	"github.com/wayleave/wayleave/gateway"
	"github.com/wayleave/wayleave/gateway/config"
	"github.com/wayleave/wayleave/gateway/identity"
	"github.com/wayleave/wayleave/gateway/rules"
	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/store/memory"
)

// app is an upstream that remembers what it got, behind a gateway.
type app struct {
	t        testing.TB
	idp      *devidp.Server
	upstream *httptest.Server
	gw       *gateway.Gateway
	base     string
	cfg      *config.Config
	store    *memory.Store
	keys     [][]byte

	mu      sync.Mutex
	got     []*http.Request
	bodies  []string
	handler http.HandlerFunc // nil: answers "hello"
	logged  bytes.Buffer
}

// newApp starts a provider, an upstream and a gateway before it.
func newApp(t testing.TB, change ...func(*config.Config)) *app {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	a := &app{t: t, base: "http://" + ln.Addr().String(), store: memory.New(memory.Options{}), keys: [][]byte{bytes.Repeat([]byte{0xa5, 7}, 16)}}
	a.idp = devidptest.New(t, func(o *devidp.Options) { o.SigningAlgorithm, o.InsecureAnyRedirect = "ES256", true })
	a.upstream = httptest.NewServer(a)
	t.Cleanup(a.upstream.Close)
	a.cfg = a.config(a.base)
	for _, f := range change {
		f(a.cfg)
	}
	a.gw = a.newGateway(a.cfg)
	srv := &httptest.Server{Listener: ln, Config: &http.Server{Handler: a.gw}}
	srv.Start()
	t.Cleanup(func() {
		a.gw.EndHeld()
		srv.Close()
		a.gw.Close()
	})
	return a
}

func (a *app) newGateway(c *config.Config) *gateway.Gateway {
	a.t.Helper()
	gw, err := gateway.New(c, gateway.Options{Store: a.store, Keys: a.keys, RequestLog: writer{a}, Logger: slog.New(slog.NewJSONHandler(writer{a}, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	if err != nil {
		a.t.Fatal(err)
	}
	return gw
}

// config protects everything, but for /public, /api and /admin.
func (a *app) config(base string) *config.Config {
	up, _ := url.Parse(a.upstream.URL)
	upstream := config.Upstream{URL: up, PassHost: true, Timeout: 10 * time.Second}
	route := func(path string, r rules.Route) config.Route {
		r.Path = path
		return config.Route{Rule: r, Upstream: upstream, Headers: identity.Default(), Path: path}
	}
	return &config.Config{
		Sites: []config.Site{{BaseURL: base, BasePath: "/auth", Home: "/", Routes: []config.Route{
			route("/public", rules.Route{Methods: []string{"GET", "HEAD"}, Allow: []rules.Alternative{{Public: true}}}),
			route("/api", rules.Route{API: true, Allow: []rules.Alternative{{SignedIn: true}}}),
			route("/admin", rules.Route{Allow: []rules.Alternative{{Groups: []string{"admins"}}}}),
			route("/", rules.Route{Allow: []rules.Alternative{{SignedIn: true}}}),
		}}},
		Providers: []config.Provider{{Name: "dev", Issuer: a.idp.Issuer(), ClientID: "app", ClientSecret: oauth.NewSecret(devidp.DevSecret), Development: true, Groups: "groups", Roles: "roles"}},
		Session:   config.Session{Idle: time.Hour, Lifetime: 12 * time.Hour, PerUser: 100},
		Limits:    config.Limits{Header: 32 << 10, Body: 1 << 20, HeaderTime: 10 * time.Second, BodyTime: 30 * time.Second, Idle: time.Minute, Upgraded: time.Hour, Logins: 50},
		Log:       config.Log{Requests: true},
	}
}

// trusting lets this machine speak for others.
func trusting(c *config.Config) {
	for i := range c.Sites {
		c.Sites[i].ForwardAuth = true
	}
	c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
}

type writer struct{ a *app }

func (w writer) Write(b []byte) (int, error) {
	w.a.mu.Lock()
	defer w.a.mu.Unlock()
	return w.a.logged.Write(b)
}

// ServeHTTP is the upstream.
func (a *app) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	a.mu.Lock()
	kept := r.Clone(context.Background())
	kept.Trailer = r.Trailer.Clone()
	a.got = append(a.got, kept)
	a.bodies = append(a.bodies, string(body))
	h := a.handler
	a.mu.Unlock()
	if h != nil {
		h(w, r)
		return
	}
	io.WriteString(w, "hello from "+r.URL.Path)
}

// last returns the newest request that the upstream got, and forgets all.
func (a *app) last() *http.Request {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.got) == 0 {
		return nil
	}
	r := a.got[len(a.got)-1]
	a.got, a.bodies = nil, nil
	return r
}

// browser keeps cookies and follows no redirect.
type browser struct {
	a      *app
	client *http.Client
}

func (a *app) browser() *browser {
	jar, _ := cookiejar.New(nil)
	return &browser{a, &http.Client{Jar: jar, Timeout: 20 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

type answer struct {
	*http.Response
	body string
}

var page = []string{"Accept", "text/html", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}

func (b *browser) request(method, target, body string, header ...string) *http.Request {
	b.a.t.Helper()
	if strings.HasPrefix(target, "/") {
		target = b.a.base + target
	}
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	r, err := http.NewRequest(method, target, reader)
	if err != nil {
		b.a.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header[header[i]] = append(r.Header[header[i]], header[i+1])
	}
	return r
}

func (b *browser) do(r *http.Request) answer {
	b.a.t.Helper()
	resp, err := b.client.Do(r)
	if err != nil {
		b.a.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	return answer{resp, string(text)}
}

// ask makes a request as a script does, open as a person does.
func (b *browser) ask(method, target string, header ...string) answer {
	b.a.t.Helper()
	return b.do(b.request(method, target, "", header...))
}

func (b *browser) open(target string, header ...string) answer {
	b.a.t.Helper()
	return b.ask("GET", target, append(append([]string{}, page...), header...)...)
}

// signIn signs a person in, beginning at a page, and returns that page.
func (b *browser) signIn(person, at string) answer {
	b.a.t.Helper()
	got := b.open(at)
	for range 3 {
		location := got.Header.Get("Location")
		if strings.HasPrefix(location, b.a.idp.Issuer()) {
			callback, err := robot.New(&http.Client{}).SignIn(location, person, true)
			if err != nil {
				b.a.t.Fatal(err)
			}
			got = b.open(callback)
			return b.open(got.Header.Get("Location"))
		}
		if got.StatusCode != http.StatusSeeOther {
			b.a.t.Fatalf("%s: %d, want a redirect: %s", at, got.StatusCode, got.body)
		}
		got = b.open(location)
	}
	b.a.t.Fatal("redirected in circles")
	return answer{}
}
