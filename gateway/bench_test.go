package gateway_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/wayleave/wayleave/gateway"
)

// quiet answers without remembering.
type quiet struct{ h http.Header }

func (q *quiet) Header() http.Header         { return q.h }
func (q *quiet) Write(b []byte) (int, error) { return len(b), nil }
func (q *quiet) WriteHeader(int)             {}

// BenchmarkRequest is what a request costs in the gateway beside the bare proxy
// of the standard library: everything but the network, which both share. The
// upstream is a function.
func BenchmarkRequest(b *testing.B) {
	a := newApp(b)
	person := a.browser()
	person.signIn("ada", "/x")
	cookies := []string{}
	u, _ := url.Parse(a.base)
	for _, c := range person.client.Jar.Cookies(u) {
		cookies = append(cookies, c.Name+"="+c.Value)
	}
	g, err := gateway.New(a.cfg, gateway.Options{Store: a.store, Keys: a.keys, RequestLog: io.Discard, Transport: instant{}})
	if err != nil {
		b.Fatal(err)
	}
	defer g.Close()
	up, _ := url.Parse(a.upstream.URL)
	bare := &httputil.ReverseProxy{Transport: instant{}, BufferPool: buffers{}, Rewrite: func(pr *httputil.ProxyRequest) { pr.SetURL(up); pr.SetXForwarded() }}
	for _, tc := range []struct {
		name   string
		h      http.Handler
		cookie string
		status int
	}{
		{"bare proxy", bare, strings.Join(cookies, "; "), 200},
		{"with a session", g, strings.Join(cookies, "; "), 200},
		{"without", g, "", 401},
		{"with a forged one", g, cookies[0][:strings.IndexByte(cookies[0], '=')] + "=" + strings.Repeat("A", 43), 401},
	} {
		b.Run(tc.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r := httptest.NewRequest("GET", a.base+"/x", nil)
				r.RequestURI = "/x"
				r.RemoteAddr = "127.0.0.1:4711"
				r.Header = http.Header{"User-Agent": {"x"}, "Accept": {"*/*"}}
				if tc.cookie != "" {
					r.Header["Cookie"] = []string{tc.cookie}
				}
				tc.h.ServeHTTP(&quiet{http.Header{}}, r)
			}
		})
	}
}

// instant answers at once.
type instant struct{}

func (instant) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: 200, ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{"Content-Type": {"text/plain"}}, Body: http.NoBody, ContentLength: 0, Request: r}, nil
}

type buffers struct{}

var pool = sync.Pool{New: func() any { return new([32 << 10]byte) }}

func (buffers) Get() []byte  { return pool.Get().(*[32 << 10]byte)[:] }
func (buffers) Put(b []byte) { pool.Put((*[32 << 10]byte)(b)) }
