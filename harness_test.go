package wayleave_test

import (
	"context"
	"crypto/rand"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/wayleave/wayleave"
	"github.com/wayleave/wayleave/devidp"
	"github.com/wayleave/wayleave/devidp/devidptest"
	"github.com/wayleave/wayleave/devidp/robot"
	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/provider"
	"github.com/wayleave/wayleave/store/memory"
)

// app is an app with sign-in, and the provider it uses.
type app struct {
	t    testing.TB
	idp  *devidp.Server
	auth *wayleave.Auth
	base string
	cfg  wayleave.Config // that auth was made from
	// store is what auth keeps things in, unless a test set another one.
	store *memory.Store

	handler atomic.Pointer[http.Handler]
	// wire is how browsers reach the app; nil: over the network.
	wire http.RoundTripper

	mu     sync.Mutex
	events []oauth.Event
}

// newApp starts both on loopback. The app answers every path under / with the
// user's name and the path, and /transactions with what the API says.
func newApp(t testing.TB, change ...func(*wayleave.Config)) *app {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	a := &app{t: t, idp: newIDP(t), base: "http://" + ln.Addr().String()}
	a.start(change...)
	srv := &httptest.Server{Listener: ln, Config: &http.Server{Handler: a}}
	srv.Start()
	t.Cleanup(srv.Close)
	return a
}

// newDirectApp starts an app whose handlers are called without a network, so
// that it can have any base URL.
func newDirectApp(t testing.TB, idp *devidp.Server, base string, change ...func(*wayleave.Config)) *app {
	t.Helper()
	a := &app{t: t, idp: idp, base: base}
	a.wire = direct{a}
	a.start(change...)
	return a
}

// newIDP starts a provider that signs with the key that is fastest to make.
func newIDP(t testing.TB, change ...func(*devidp.Options)) *devidp.Server {
	t.Helper()
	return devidptest.New(t, append([]func(*devidp.Options){func(o *devidp.Options) {
		o.SigningAlgorithm, o.InsecureAnyRedirect = "ES256", true
	}}, change...)...)
}

// devProvider is the entry of the development provider.
func devProvider(idp *devidp.Server) provider.Config {
	return provider.Config{
		Name: "dev", Label: "Dev", Issuer: idp.Issuer(), ClientID: "app", ClientSecret: oauth.NewSecret(devidp.DevSecret),
		MoreScopes: []string{"transactions.read"}, Offline: true, Development: true,
	}
}

func (a *app) start(change ...func(*wayleave.Config)) {
	a.t.Helper()
	a.store = memory.New(memory.Options{})
	a.cfg = wayleave.Config{
		BaseURL: a.base, Keys: [][]byte{newKey()}, Store: a.store,
		Providers: []provider.Config{devProvider(a.idp)}, OnEvent: a.record,
	}
	for _, f := range change {
		f(&a.cfg)
	}
	a.serve(a.cfg)
	a.t.Cleanup(func() {
		a.auth.Close()
		a.store.Close()
	})
}

// serve puts a new Auth in the place of the one that is serving, as a restart
// of the app on the same address does.
func (a *app) serve(cfg wayleave.Config) {
	a.t.Helper()
	auth, err := wayleave.New(cfg)
	if err != nil {
		a.t.Fatal(err)
	}
	if a.auth != nil {
		a.auth.Close()
	}
	a.auth = auth
	mux := http.NewServeMux()
	mux.Handle("/auth/", auth)
	mux.Handle("/", auth.RequireLogin(http.HandlerFunc(a.home)))
	var h http.Handler = mux
	a.handler.Store(&h)
}

// during makes helpers report to a subtest until it ends.
func (a *app) during(t *testing.T) {
	outer := a.t
	a.t = t
	t.Cleanup(func() { a.t = outer })
}

// ServeHTTP serves with the Auth of the moment.
func (a *app) ServeHTTP(w http.ResponseWriter, r *http.Request) { (*a.handler.Load()).ServeHTTP(w, r) }

func (a *app) home(w http.ResponseWriter, r *http.Request) {
	u, _ := wayleave.CurrentUser(r.Context())
	if r.URL.Path == "/transactions" {
		resp, err := a.auth.Client(r.Context()).Get(a.idp.Issuer() + "/api/transactions")
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer resp.Body.Close()
		w.WriteHeader(resp.StatusCode)
		io.Copy(w, resp.Body)
		return
	}
	io.WriteString(w, "Hello "+u.Name+" at "+r.URL.RequestURI())
}

func (a *app) record(_ context.Context, ev oauth.Event) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.events = append(a.events, ev)
}

// checked returns the checks that were made, in order, failed ones with a "!".
// sessionGrants counts the grants of sessions: beside them, each person who
// ever signed in has one that is kept, since the app asks for offline access.
func (a *app) sessionGrants(people int) int { return a.store.Len("grant") - people }

func (a *app) checked() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var out []string
	for _, ev := range a.events {
		if c, ok := ev.(oauth.Checked); ok {
			name := string(c.Check)
			if c.Err != nil {
				name = "!" + name
			}
			out = append(out, name)
		}
	}
	return out
}

func newKey() []byte {
	key := make([]byte, 32)
	rand.Read(key)
	return key
}

// direct calls a handler instead of a server.
type direct struct{ http.Handler }

func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	resp := d.serve(r)
	if err := r.Context().Err(); err != nil {
		return nil, err // nobody is there any more to take the answer
	}
	return resp, nil
}

func (d direct) serve(r *http.Request) *http.Response {
	in := r.Clone(r.Context())
	in.RequestURI, in.Host, in.RemoteAddr = r.URL.RequestURI(), r.URL.Host, "192.0.2.7:4711"
	in.URL = &url.URL{Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery}
	if r.Host != "" {
		in.Host = r.Host
	}
	if in.Body == nil {
		in.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	d.ServeHTTP(w, in)
	resp := w.Result()
	resp.Request = r
	return resp
}

// browser is a browser without scripts: it keeps cookies and goes where it is
// sent, but not out of the app.
type browser struct {
	a      *app
	client *http.Client
	robot  *robot.Browser
}

func (a *app) browser() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		a.t.Fatal(err)
	}
	return &browser{a: a, robot: newRobot(), client: &http.Client{
		Transport:     a.wire,
		Jar:           jar,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// newRobot makes a browser for the provider that keeps no connection open.
func newRobot() *robot.Browser {
	return robot.New(&http.Client{Transport: &http.Transport{DisableKeepAlives: true}})
}

// answer is what came back, with the body read.
type answer struct {
	*http.Response
	body string
}

// text is what a person reads on a page.
func text(at answer) string {
	_, main, found := strings.Cut(at.body, "<main>")
	if !found {
		return at.body
	}
	main, _, _ = strings.Cut(main, "</main>")
	return main
}

func (b *browser) do(r *http.Request) answer {
	b.a.t.Helper()
	resp, err := b.client.Do(r)
	if err != nil {
		b.a.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		b.a.t.Fatal(err)
	}
	return answer{resp, string(body)}
}

// request makes a request to the app with headers given as name, value, ….
func (b *browser) request(method, target string, headers ...string) *http.Request {
	b.a.t.Helper()
	if strings.HasPrefix(target, "/") {
		target = b.a.base + target
	}
	r, err := http.NewRequestWithContext(b.a.t.Context(), method, target, nil)
	if err != nil {
		b.a.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

// open asks for a page as a person does, without following redirects.
func (b *browser) open(target string, headers ...string) answer {
	b.a.t.Helper()
	r := b.request("GET", target, append([]string{"Accept", "text/html", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}, headers...)...)
	return b.do(r)
}

// fetch asks as a script of the app's own pages does.
func (b *browser) fetch(method, target string, headers ...string) answer {
	b.a.t.Helper()
	return b.do(b.request(method, target, append([]string{"Accept", "application/json", "Sec-Fetch-Mode", "cors", "Sec-Fetch-Dest", "empty", "Sec-Fetch-Site", "same-origin"}, headers...)...))
}

// begin opens a page that needs a user and goes on to the provider's
// authorization URL, which it returns.
func (b *browser) begin(page string) string {
	b.a.t.Helper()
	at := b.open(page)
	for range 4 {
		location := at.Header.Get("Location")
		if strings.HasPrefix(location, b.a.idp.Issuer()) {
			return location
		}
		if at.StatusCode != http.StatusSeeOther {
			b.a.t.Fatalf("%s: status %d, want a redirect to the provider: %s", page, at.StatusCode, text(at))
		}
		at = b.open(location)
	}
	b.a.t.Fatal("redirected in circles")
	return ""
}

// beginAt starts a login for a page, whether or not somebody is signed in.
func (b *browser) beginAt(page string) string {
	b.a.t.Helper()
	return b.begin("/auth/dev/login?return_to=" + url.QueryEscape(page))
}

// authorize signs in at the provider and returns the callback URL, not yet opened.
func (b *browser) authorize(authorizationURL string, allow bool) string {
	b.a.t.Helper()
	return b.authorizeAs(authorizationURL, "ada", allow)
}

func (b *browser) authorizeAs(authorizationURL, person string, allow bool) string {
	b.a.t.Helper()
	callback, err := b.robot.SignIn(authorizationURL, person, allow)
	if err != nil {
		b.a.t.Fatal(err)
	}
	return callback
}

// signIn runs a whole login and returns the page on which it ends.
func (b *browser) signIn(page string) answer {
	b.a.t.Helper()
	return b.finish(b.authorize(b.begin(page), true))
}

// finish opens a callback, which must complete, and then the page it leads to.
func (b *browser) finish(callback string) answer {
	b.a.t.Helper()
	at := b.open(callback)
	if at.StatusCode != http.StatusSeeOther || strings.HasPrefix(at.Header.Get("Location"), b.a.idp.Issuer()) {
		b.a.t.Fatalf("callback: status %d to %q: %s", at.StatusCode, at.Header.Get("Location"), text(at))
	}
	return b.open(at.Header.Get("Location"))
}

// user returns what the session endpoint says, "" if nobody is signed in.
func (b *browser) user() string {
	b.a.t.Helper()
	at := b.fetch("GET", "/auth/session")
	switch at.StatusCode {
	case http.StatusOK:
		return at.body
	case http.StatusUnauthorized:
		return ""
	}
	b.a.t.Fatalf("session: status %d: %s", at.StatusCode, text(at))
	return ""
}

// cookies returns the cookies that the app set, by their names without prefix
// and instance, such as "session".
func (b *browser) cookies() map[string]string {
	out := map[string]string{}
	for name, value := range b.rawCookies() {
		out[shortName(name)] = value
	}
	return out
}

// rawCookies returns the cookies that the callback would be sent.
func (b *browser) rawCookies() map[string]string {
	u, _ := url.Parse(b.a.base + "/auth/dev/callback")
	out := map[string]string{}
	for _, c := range b.client.Jar.Cookies(u) {
		out[c.Name] = c.Value
	}
	return out
}

func shortName(name string) string {
	_, name, _ = strings.Cut(name, "wayleave-")
	name, _, _ = strings.Cut(name, "-")
	return name
}

// forget deletes a cookie from the browser, as a person or its policy does.
func (b *browser) forget(short string) {
	u, _ := url.Parse(b.a.base + "/auth/dev/callback")
	for _, c := range b.client.Jar.Cookies(u) {
		if shortName(c.Name) == short {
			for _, path := range []string{"/", "/auth/dev/"} {
				b.client.Jar.SetCookies(u, []*http.Cookie{{Name: c.Name, Path: path, MaxAge: -1}})
			}
		}
	}
}
