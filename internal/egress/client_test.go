package egress_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/wayleave/wayleave/internal/egress"
)

var quiet = log.New(io.Discard, "", 0)

func TestNET12_RequestHeaders(t *testing.T) {
	var mu sync.Mutex
	var seen []*http.Request
	var bodies []string
	s, policy := provider(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		seen, bodies = append(seen, r), append(bodies, string(body))
		http.SetCookie(w, &http.Cookie{Name: "tracker", Value: "1", Path: "/"})
		w.Header().Set("Content-Type", "application/json; charset=UTF-8")
		w.WriteHeader(http.StatusAccepted)
		io.WriteString(w, `{"a":1}`)
	})
	c := client(t, policy)
	ask := func(req egress.Request) *egress.Response {
		t.Helper()
		req.URL = s.URL + "/path?q=1"
		response, err := c.Do(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		return response
	}
	got := ask(egress.Request{})
	if got.Status != 202 || string(got.Body) != `{"a":1}` || got.MediaType != "application/json" || got.Took <= 0 || got.Header.Get("Set-Cookie") == "" {
		t.Errorf("response %+v", got)
	}
	ask(egress.Request{Accept: []egress.ContentType{egress.JSON, egress.JWT}})
	ask(egress.Request{Header: http.Header{"Accept": {"application/vnd.github+json"}, "User-Agent": {"other"}, "accept-encoding": {"br"}}})
	ask(egress.Request{
		Method: "POST", Body: []byte("code=1"),
		Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Authorization": {"Basic eA=="}},
	})

	want := []http.Header{
		{"Accept": {"application/json"}},
		{"Accept": {"application/json, application/jwt"}},
		{"Accept": {"application/vnd.github+json"}},
		{"Accept": {"application/json"}, "Authorization": {"Basic eA=="}, "Content-Type": {"application/x-www-form-urlencoded"}, "Content-Length": {"6"}},
	}
	for i, r := range seen {
		want[i].Set("User-Agent", "wayleave")
		want[i].Set("Accept-Encoding", "gzip")
		if !reflect.DeepEqual(r.Header, want[i]) {
			t.Errorf("request %d: headers %v, want %v", i, r.Header, want[i])
		}
		if r.ProtoMajor != 2 {
			t.Errorf("request %d came over %s", i, r.Proto)
		}
	}
	if seen[0].Method != "GET" || seen[3].Method != "POST" || bodies[3] != "code=1" || bodies[0] != "" || seen[0].URL.RequestURI() != "/path?q=1" {
		t.Errorf("got %s %s %q and %s %q", seen[0].Method, seen[0].URL, bodies[0], seen[3].Method, bodies[3])
	}

	policy.UserAgent = "finance-tracker"
	c = client(t, policy)
	ask(egress.Request{})
	if got := seen[4].UserAgent(); got != "finance-tracker" {
		t.Errorf("User-Agent %q", got)
	}
}

func TestA040_HeaderInjectionIsRefused(t *testing.T) {
	var calls atomic.Int64
	s, policy := plainProvider(t, func(http.ResponseWriter, *http.Request) { calls.Add(1) })
	c := client(t, policy)
	for name, value := range map[string]string{
		"line feed": "Bearer a\nX-Evil: 1", "carriage return": "a\rb", "zero byte": "a\x00", "delete": "a\x7f",
	} {
		t.Run("A040 "+name, func(t *testing.T) {
			_, err := c.Do(t.Context(), egress.Request{URL: s.URL, Header: http.Header{"Authorization": {value}}})
			if err == nil || !strings.Contains(err.Error(), `header "Authorization" has a control character`) || strings.Contains(err.Error(), "Bearer") {
				t.Errorf("got %v", err)
			}
		})
	}
	if _, err := c.Do(t.Context(), egress.Request{Method: "GET / HTTP/1.1\r\n", URL: s.URL}); err == nil {
		t.Error("a method with a line feed went through")
	}
	if calls.Load() != 0 {
		t.Errorf("%d requests were sent", calls.Load())
	}
}

func TestA042_NoProxyFromTheEnvironment(t *testing.T) {
	proxy := newRawServer(t, func(net.Conn) {})
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"} {
		t.Setenv(name, "http://"+proxy.addr)
		t.Setenv(strings.ToLower(name), "http://"+proxy.addr)
	}
	os.Unsetenv("NO_PROXY")
	s, policy := provider(t, func(http.ResponseWriter, *http.Request) {})
	if _, err := client(t, policy).Do(t.Context(), egress.Request{URL: s.URL}); err != nil {
		t.Error(err)
	}
	// net/http asks no proxy for loopback, so once more for another address.
	_, err := client(t, policy).Do(t.Context(), egress.Request{URL: "https://10.0.0.1/"})
	if !errors.Is(err, egress.ErrBlocked) {
		t.Errorf("got %v, want ErrBlocked", err)
	}
	if n := proxy.connections.Load(); n != 0 {
		t.Errorf("the proxy saw %d connections", n)
	}
}

func TestNET05_A033_A039_RedirectsAreErrors(t *testing.T) {
	var elsewhere atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	defer other.Close()
	for _, status := range []int{300, 301, 302, 303, 305, 307, 308} {
		for _, method := range []string{"GET", "POST"} {
			t.Run(fmt.Sprintf("A039 %s answered %d", method, status), func(t *testing.T) {
				s, policy := provider(t, func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Location", other.URL+"/?stolen=SECRET")
					w.WriteHeader(status)
				})
				policy.Development = true // so that only the redirect rule stands in between
				response, err := client(t, policy).Do(t.Context(), egress.Request{Method: method, URL: s.URL, Body: []byte("code=SECRET")})
				redirect, ok := errors.AsType[*egress.RedirectError](err)
				if !ok || redirect.Status != status || !errors.Is(err, egress.ErrRedirect) || response != nil {
					t.Fatalf("got %v, %v; want a RedirectError", response, err)
				}
				if strings.Contains(err.Error(), "SECRET") {
					t.Errorf("the error repeats the location: %v", err)
				}
			})
		}
	}
	if n := elsewhere.Load(); n != 0 {
		t.Errorf("%d requests went where a redirect pointed", n)
	}

	s, policy := provider(t, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusNotModified) })
	response, err := client(t, policy).Do(t.Context(), egress.Request{URL: s.URL})
	if err != nil || response.Status != 304 {
		t.Errorf("304 names no other place: got %v, %v", response, err)
	}
}

func TestNET08_A034_BodyLimit(t *testing.T) {
	const limit = 1000
	var compressed bytes.Buffer
	z := gzip.NewWriter(&compressed)
	for range 64 {
		z.Write(make([]byte, 1<<20))
	}
	z.Close()
	for _, tc := range []struct {
		name  string
		serve http.HandlerFunc
		fits  bool
	}{
		{"one byte below", func(w http.ResponseWriter, _ *http.Request) { w.Write(make([]byte, limit-1)) }, true},
		{"exactly the limit", func(w http.ResponseWriter, _ *http.Request) { w.Write(make([]byte, limit)) }, true},
		{"one byte above", func(w http.ResponseWriter, _ *http.Request) { w.Write(make([]byte, limit+1)) }, false},
		{"one byte above, in chunks", func(w http.ResponseWriter, _ *http.Request) {
			for range limit + 1 {
				w.Write([]byte{'x'})
				w.(http.Flusher).Flush()
			}
		}, false},
		{"endless", func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 4096)); err != nil {
					return
				}
			}
		}, false},
		{"an announced 2 GiB", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "2147483648")
			for r.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 1<<16)); err != nil {
					return
				}
			}
		}, false},
		{"gzip that unpacks to 64 MiB", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			w.Write(compressed.Bytes())
		}, false},
	} {
		t.Run("A034 "+tc.name, func(t *testing.T) {
			s, policy := provider(t, tc.serve)
			response, err := client(t, policy).Do(t.Context(), egress.Request{URL: s.URL, MaxBody: limit})
			if tc.fits {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			tooLarge, ok := errors.AsType[*egress.TooLargeError](err)
			if !ok || tooLarge.Limit != limit || !errors.Is(err, egress.ErrTooLarge) || response != nil {
				t.Errorf("got %v; want a TooLargeError", err)
			}
		})
	}
	t.Run("1 MiB when nothing is said", func(t *testing.T) {
		size := 1 << 20
		s, policy := provider(t, func(w http.ResponseWriter, _ *http.Request) { w.Write(make([]byte, size)) })
		c := client(t, policy)
		if response, err := c.Do(t.Context(), egress.Request{URL: s.URL}); err != nil || len(response.Body) != size {
			t.Errorf("1 MiB: %v", err)
		}
		size++
		if _, err := c.Do(t.Context(), egress.Request{URL: s.URL}); !errors.Is(err, egress.ErrTooLarge) {
			t.Errorf("one byte more: %v, want ErrTooLarge", err)
		}
	})
}

func TestNET08_CompressedAnswersAreRead(t *testing.T) {
	s, policy := provider(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		z.Write([]byte(`{"a":1}`))
		z.Close()
	})
	response, err := client(t, policy).Do(t.Context(), egress.Request{URL: s.URL})
	if err != nil || string(response.Body) != `{"a":1}` {
		t.Errorf("got %v, %v", response, err)
	}
}

func TestA034_HeaderLimit(t *testing.T) {
	manyHeaders := func(w http.ResponseWriter, _ *http.Request) {
		for i := range 5_000 {
			w.Header().Set(fmt.Sprintf("X-%d", i), strings.Repeat("v", 50))
		}
	}
	t.Run("A034 5,000 long headers over HTTP/1.1", func(t *testing.T) {
		s, policy := plainProvider(t, manyHeaders)
		_, err := client(t, policy).Do(t.Context(), egress.Request{URL: s.URL})
		if tooLarge, ok := errors.AsType[*egress.TooLargeError](err); !ok || tooLarge.Limit != 64<<10 {
			t.Errorf("got %v, want a TooLargeError", err)
		}
	})
	t.Run("A034 5,000 long headers over HTTP/2", func(t *testing.T) {
		s, policy := provider(t, manyHeaders)
		_, err := client(t, policy).Do(t.Context(), egress.Request{URL: s.URL})
		if !errors.Is(err, egress.ErrUnreachable) {
			t.Errorf("got %v, want ErrUnreachable", err)
		}
	})
	t.Run("A034 a flood of interim answers", func(t *testing.T) {
		raw := newRawServer(t, func(conn net.Conn) {
			http.ReadRequest(bufio.NewReader(conn))
			for {
				if _, err := io.WriteString(conn, "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"); err != nil {
					return
				}
			}
		})
		_, err := client(t, egress.Policy{Development: true}).Do(t.Context(), egress.Request{URL: "http://" + raw.addr})
		if !errors.Is(err, egress.ErrTooLarge) {
			t.Errorf("got %v, want ErrTooLarge", err)
		}
	})
	t.Run("headers below the limit", func(t *testing.T) {
		s, policy := plainProvider(t, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-Long", strings.Repeat("a", 60<<10)) })
		if _, err := client(t, policy).Do(t.Context(), egress.Request{URL: s.URL}); err != nil {
			t.Error(err)
		}
	})
}

// A body that is not whole must never look whole.
func TestA041_BodiesCutShort(t *testing.T) {
	for _, tc := range []struct {
		name, answer string
		complete     bool
	}{
		{"shorter than announced", "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"a\":1}", false},
		{"no last chunk", "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n7\r\n{\"a\":1}\r\n", false},
		{"in the middle of a chunk", "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{\"a\":1}", false},
		{"in the middle of the headers", "HTTP/1.1 200 OK\r\nContent-Type: appl", false},
		{"before the headers", "", false},
		{"not HTTP", "SSH-2.0-SECRET\r\n", false},
		{"a header line without colon", "HTTP/1.1 200 OK\r\nSECRET\r\n\r\n", false},
		{"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 7\r\n\r\n{\"a\":1}", false},
		{"form data that only the end of the connection ends", "HTTP/1.1 200 OK\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\naccess_token=abc", false},
		{"a body without type that only the end of the connection ends", "HTTP/1.0 200 OK\r\n\r\nabc", false},
		{"corrupt gzip", "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: 7\r\n\r\n{\"a\":1}", false},
		{"JSON that the end of the connection ends", "HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n{\"a\":1}", true},
		{"with its length", "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n{\"a\":1}", true},
		{"in whole chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7\r\n{\"a\":1}\r\n0\r\n\r\n", true},
	} {
		t.Run("A041 "+tc.name, func(t *testing.T) {
			raw := newRawServer(t, func(conn net.Conn) {
				http.ReadRequest(bufio.NewReader(conn))
				io.WriteString(conn, tc.answer)
			})
			response, err := client(t, egress.Policy{Development: true}).Do(t.Context(), egress.Request{URL: "http://" + raw.addr})
			if tc.complete {
				if err != nil || string(response.Body) != `{"a":1}` {
					t.Errorf("got %v, %v; want the whole body", response, err)
				}
				return
			}
			if !errors.Is(err, egress.ErrUnreachable) || response != nil {
				t.Errorf("got %v, %v; want ErrUnreachable", response, err)
			}
			if err != nil && strings.Contains(err.Error(), "SECRET") {
				t.Errorf("the error repeats the server's bytes: %v", err)
			}
		})
	}
}

func TestNET09_MediaType(t *testing.T) {
	for _, tc := range []struct {
		values []string
		want   string
		json   bool
	}{
		{[]string{"application/json"}, "application/json", true},
		{[]string{"Application/JSON; charset=utf-8"}, "application/json", true},
		{[]string{"application/jwk-set+json"}, "application/jwk-set+json", true},
		{[]string{"application/vnd.github+json;q=1"}, "application/vnd.github+json", true},
		{[]string{"text/html; charset=utf-8"}, "text/html", false},
		{[]string{"text/json"}, "text/json", false},
		{[]string{"application/jsonp"}, "application/jsonp", false},
		{[]string{"application/json+x"}, "application/json+x", false},
		{[]string{"application/jwt"}, "application/jwt", false},
		{[]string{"application/json; charset"}, "", false},
		{[]string{"application/json, text/html"}, "", false},
		{[]string{"/"}, "", false},
		{[]string{""}, "", false},
		{[]string{"application/json", "text/html"}, "", false},
		{nil, "", false},
	} {
		t.Run(fmt.Sprintf("NET-09 %q", tc.values), func(t *testing.T) {
			s, policy := provider(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header()["Content-Type"] = tc.values
				io.WriteString(w, "{}")
			})
			response, err := client(t, policy).Do(t.Context(), egress.Request{URL: s.URL})
			if err != nil {
				t.Fatal(err)
			}
			if response.MediaType != tc.want || egress.IsJSON(response.MediaType) != tc.json {
				t.Errorf("MediaType %q, IsJSON %v; want %q, %v", response.MediaType, egress.IsJSON(response.MediaType), tc.want, tc.json)
			}
		})
	}
	if egress.IsJSON("") || egress.IsJSON("+json") {
		t.Error("nothing is JSON")
	}
}

func TestNET13_ConnectionsAreNotSharedBetweenClients(t *testing.T) {
	var connections atomic.Int64
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	s.Start()
	defer s.Close()
	a, b := client(t, egress.Policy{Development: true}), client(t, egress.Policy{Development: true})
	for _, c := range []*egress.Client{a, a, b, b, a} {
		if _, err := c.Do(t.Context(), egress.Request{URL: s.URL}); err != nil {
			t.Fatal(err)
		}
	}
	if n := connections.Load(); n != 2 {
		t.Errorf("two clients made %d connections, want one each", n)
	}
}

func TestErrorsNeverCarryTheRequest(t *testing.T) {
	redirecting, policy := provider(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "/SECRET?SECRET")
		w.WriteHeader(302)
	})
	dead := newRawServer(t, func(net.Conn) {})
	policy.Development = true
	c := client(t, policy)
	for name, url := range map[string]string{
		"redirect":    redirecting.URL,
		"closed":      "http://" + dead.addr,
		"TLS":         "https://" + dead.addr,
		"refused":     "http://127.0.0.1:1",
		"blocked":     "https://10.0.0.1",
		"not https":   "http://example.com",
		"unparseable": "https://[::1",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.Do(t.Context(), egress.Request{
				Purpose: "token request", Method: "POST", URL: url + "/?code=SECRET", Body: []byte("SECRET"),
				Header: http.Header{"Authorization": {"SECRET"}},
			})
			if err == nil || strings.Contains(err.Error(), "SECRET") {
				t.Errorf("got %v", err)
			}
			if !strings.HasPrefix(err.Error(), "token request") {
				t.Errorf("%v does not name its purpose", err)
			}
		})
	}
}

func TestNET07_CallerCancels(t *testing.T) {
	arrived := make(chan struct{})
	s, policy := provider(t, func(_ http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-r.Context().Done()
	})
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() {
		<-arrived
		cancel(errors.New("the browser went away"))
	}()
	_, err := client(t, policy).Do(ctx, egress.Request{URL: s.URL})
	if !errors.Is(err, context.Canceled) || errors.Is(err, egress.ErrTimeout) || errors.Is(err, egress.ErrUnreachable) {
		t.Errorf("got %v, want context.Canceled alone", err)
	}
}
