package gateway_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/wayleave/wayleave/gateway/config"
)

// quiet answers without remembering.
type quiet struct{ h http.Header }

func (q *quiet) Header() http.Header         { return q.h }
func (q *quiet) Write(b []byte) (int, error) { return len(b), nil }
func (q *quiet) WriteHeader(int)             {}

// BenchmarkRequest is what a request with a session costs beside the bare proxy
// of the standard library: everything but the network, which both share.
func BenchmarkRequest(b *testing.B) {
	a := newApp(b, func(c *config.Config) { c.Log.Requests = false })
	person := a.browser()
	person.signIn("ada", "/x")
	cookies := []string{}
	u, _ := url.Parse(a.base)
	for _, c := range person.client.Jar.Cookies(u) {
		cookies = append(cookies, c.Name+"="+c.Value)
	}
	request := func() *http.Request {
		r := httptest.NewRequest("GET", a.base+"/x", nil)
		r.RequestURI = "/x"
		r.RemoteAddr = "127.0.0.1:4711"
		r.Header = http.Header{"Cookie": {strings.Join(cookies, "; ")}, "User-Agent": {"x"}, "Accept": {"*/*"}}
		return r
	}
	a.handler = func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "x") }
	up, _ := url.Parse(a.upstream.URL)
	bare := &httputil.ReverseProxy{Rewrite: func(pr *httputil.ProxyRequest) { pr.SetURL(up); pr.SetXForwarded() }}
	for name, h := range map[string]http.Handler{"gateway": a.gw, "bare": bare} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				h.ServeHTTP(&quiet{http.Header{}}, request())
			}
		})
	}
}
