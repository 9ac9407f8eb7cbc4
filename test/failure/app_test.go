package failure_test

import (
	"context"
	"crypto/rand"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/wayleave/wayleave"
	"github.com/wayleave/wayleave/devidp"
	"github.com/wayleave/wayleave/devidp/devidptest"
	"github.com/wayleave/wayleave/devidp/robot"
	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/provider"
	"github.com/wayleave/wayleave/store"
)

const baseURL = "https://app.example"

// noKeepAlive leaves nothing behind.
var noKeepAlive = &http.Transport{DisableKeepAlives: true}

// site is two replicas of one app over one store, and their provider.
type site struct {
	t    testing.TB
	idp  *devidp.Server
	key  []byte
	a, b *replica
	// calls counts how often a's store was read, or written over.
	calls atomic.Int64
}

// replica is one process of the app, as far as the store can tell.
type replica struct {
	auth *wayleave.Auth
	http.Handler
}

// newSite starts both; open is called once for each. Neither has asked the
// store for anything yet.
func newSite(t testing.TB, open func() store.Store) *site {
	t.Helper()
	s := &site{t: t, key: make([]byte, 32), idp: devidptest.New(t, func(o *devidp.Options) {
		o.SigningAlgorithm, o.InsecureAnyRedirect = "ES256", true
	})}
	rand.Read(s.key)
	s.a, s.b = s.replica(count(open(), &s.calls)), s.replica(open())
	return s
}

// replica starts one more. Whoever opened its store closes that.
func (s *site) replica(over store.Store) *replica {
	s.t.Helper()
	auth, err := wayleave.New(wayleave.Config{
		BaseURL: baseURL, Keys: [][]byte{s.key}, Store: over, APITransport: noKeepAlive,
		Providers: []provider.Config{{
			Name: "dev", Issuer: s.idp.Issuer(), ClientID: "app", ClientSecret: oauth.NewSecret(devidp.DevSecret),
			MoreScopes: []string{"transactions.read", "offline_access"}, Development: true,
			AuthParams: map[string]string{"prompt": "consent"}, // or there is nothing to refresh with
		}},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { auth.Close() })
	mux := http.NewServeMux()
	mux.Handle("/auth/", auth)
	mux.Handle("/public", auth.WithUser(http.HandlerFunc(home)))
	mux.Handle("/", auth.RequireLogin(http.HandlerFunc(home)))
	return &replica{auth, mux}
}

func home(w http.ResponseWriter, r *http.Request) {
	u, _ := wayleave.CurrentUser(r.Context())
	io.WriteString(w, "Hello "+u.Name)
}

// RoundTrip makes a replica what browsers speak to.
func (p *replica) RoundTrip(r *http.Request) (*http.Response, error) {
	in := r.Clone(r.Context())
	in.RequestURI, in.Host, in.RemoteAddr = r.URL.RequestURI(), r.URL.Host, "192.0.2.7:4711"
	if in.Body == nil {
		in.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	p.ServeHTTP(w, in)
	resp := w.Result()
	resp.Request = r
	return resp, nil
}

// browser belongs to one person. It goes to the replica that it is told, and
// follows no redirect by itself.
type browser struct {
	s     *site
	jar   http.CookieJar
	robot *robot.Browser
}

func (s *site) browser() *browser {
	jar, _ := cookiejar.New(nil) // never fails without a public suffix list
	return &browser{s: s, jar: jar, robot: robot.New(&http.Client{Transport: noKeepAlive})}
}

// answer is what came back, with the body read.
type answer struct {
	*http.Response
	body string
}

func (b *browser) send(at *replica, method, target string, headers ...string) answer {
	r, err := http.NewRequestWithContext(context.Background(), method, baseURL+strings.TrimPrefix(target, baseURL), nil)
	if err != nil {
		panic(err) // a target that is none, in the test itself
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	client := http.Client{Jar: b.jar, Transport: at, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(r)
	if err != nil {
		panic(err) // the handler is called directly: there is nothing that could be lost
	}
	body, _ := io.ReadAll(resp.Body)
	return answer{resp, string(body)}
}

// open asks for a page as a person does.
func (b *browser) open(at *replica, target string) answer {
	return b.send(at, http.MethodGet, target, "Accept", "text/html", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document")
}

// callback runs a login up to the callback, which it returns unopened.
func (b *browser) callback() string {
	b.s.t.Helper()
	return b.authorize(b.open(b.s.a, "/auth/dev/login?return_to=%2Fwanted"))
}

// authorize signs in at the provider that an answer leads to.
func (b *browser) authorize(to answer) string {
	b.s.t.Helper()
	callback, err := b.robot.SignIn(to.Header.Get("Location"), "ada", true)
	if err != nil {
		b.s.t.Fatalf("after %v: %v", to, err)
	}
	return callback
}

// signedIn returns a browser that is, at replica a.
func (s *site) signedIn() *browser {
	s.t.Helper()
	b := s.browser()
	if got := b.open(s.a, b.callback()); callbackOutcome(got) != "signed in" {
		s.t.Fatalf("sign-in ended with %v", got)
	}
	return b
}

// inside is the context of a request of this browser that is under way.
func (b *browser) inside() (ctx context.Context) {
	b.s.t.Helper()
	handler := b.s.a.auth.RequireLogin(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { ctx = context.WithoutCancel(r.Context()) }))
	if got := b.open(&replica{Handler: handler}, "/"); ctx == nil {
		b.s.t.Fatalf("nobody is signed in: %v", got)
	}
	return ctx
}

// copy is the same browser before something happens to its cookies.
func (b *browser) copy() *browser {
	c := b.s.browser()
	u, _ := url.Parse(baseURL + "/auth/dev/callback")
	for _, one := range b.jar.Cookies(u) {
		one.Path, one.Secure = "/", true // jars do not tell it
		c.jar.SetCookies(u, []*http.Cookie{one})
	}
	return c
}
