package gateway_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wayleave/wayleave/gateway"
	"github.com/wayleave/wayleave/gateway/config"
	"github.com/wayleave/wayleave/gateway/identity"
	"github.com/wayleave/wayleave/gateway/rules"
	"github.com/wayleave/wayleave/store"
)

// open lets everybody do everything.
func open(c *config.Config) {
	for i := range c.Sites[0].Routes {
		c.Sites[0].Routes[i].Rule.Methods, c.Sites[0].Routes[i].Rule.Allow = nil, []rules.Alternative{{Public: true}}
	}
}

// early makes the upstream answer when it has the header, with these bytes.
func early(t *testing.T, answer string) func(*config.Config) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				r := bufio.NewReader(conn)
				for line := ""; line != "\r\n"; {
					if line, err = r.ReadString('\n'); err != nil {
						return
					}
				}
				io.WriteString(conn, answer)
				io.Copy(io.Discard, r)
			}()
		}
	}()
	return func(c *config.Config) {
		for i := range c.Sites[0].Routes {
			c.Sites[0].Routes[i].Upstream.URL = &url.URL{Scheme: "http", Host: ln.Addr().String()}
		}
	}
}

// onHTTP2 serves the gateway over HTTP/2 too, without TLS, and returns a client of it.
func onHTTP2(t *testing.T, h http.Handler) (base string, client *http.Transport) {
	srv := httptest.NewUnstartedServer(h)
	srv.Config.Protocols = new(http.Protocols)
	srv.Config.Protocols.SetUnencryptedHTTP2(true)
	srv.Config.Protocols.SetHTTP1(true)
	srv.Start()
	t.Cleanup(srv.Close)
	client = &http.Transport{Protocols: new(http.Protocols)}
	client.Protocols.SetUnencryptedHTTP2(true)
	t.Cleanup(client.CloseIdleConnections)
	return srv.URL, client
}

// TestA236_AnEarlyAnswer: the transport may go on reading a request's body after
// the handler has returned. Nothing of the handler's is touched then, by a body
// that is too large, that stops, or whose browser goes away.
func TestA236_AnEarlyAnswer(t *testing.T) {
	t.Run("HTTP/2", func(t *testing.T) {
		a := newApp(t, open, early(t, "HTTP/1.1 204 No Content\r\n\r\n"))
		at, client := onHTTP2(t, a.gw)
		var all sync.WaitGroup
		for worker := range 8 {
			all.Go(func() {
				for i := range 40 {
					ctx, cancel := context.WithCancel(t.Context())
					body, write := io.Pipe()
					r, _ := http.NewRequestWithContext(ctx, "POST", at+"/public", body)
					r.Host = a.base[7:]
					if i%2 == 0 {
						time.AfterFunc(time.Duration((worker*7+i)%40)*20*time.Microsecond, cancel)
					}
					go write.Write([]byte("x"))
					if resp, err := client.RoundTrip(r); err == nil {
						io.Copy(io.Discard, resp.Body)
						resp.Body.Close()
					}
					write.Close()
					cancel()
				}
			})
		}
		all.Wait()
	})
	t.Run("a body that is too large", func(t *testing.T) {
		a := newApp(t, open, early(t, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A: b\r\nX-B: c\r\n\r\nok"), func(c *config.Config) { c.Limits.Body = 4096 })
		for range 40 {
			conn, err := net.Dial("tcp", a.base[7:])
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(conn, "POST /public HTTP/1.1\r\nHost: %s\r\nTransfer-Encoding: chunked\r\n\r\n2000\r\n%s\r\n0\r\n\r\n", a.base[7:], strings.Repeat("a", 0x2000))
			conn.SetReadDeadline(time.Now().Add(5 * time.Second))
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil || resp.StatusCode != 200 && resp.StatusCode != 413 {
				t.Errorf("%v, %v", resp, err)
			}
			conn.Close()
		}
	})
}

// TestPRX09b_A158_AnInterimAnswer does not make the connection live on after a
// chunked request.
func TestPRX09b_A158_AnInterimAnswer(t *testing.T) {
	a := newApp(t, open)
	for _, expect := range []string{"", "Expect: 100-continue\r\n"} {
		conn, err := net.Dial("tcp", a.base[7:])
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "POST /public HTTP/1.1\r\nHost: %s\r\n%sContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\nGET /public/smuggled HTTP/1.1\r\nHost: %s\r\n\r\n", a.base[7:], expect, a.base[7:])
		conn.SetReadDeadline(time.Now().Add(5 * time.Second))
		answers, _ := io.ReadAll(conn)
		conn.Close()
		if n := strings.Count(string(answers), "HTTP/1.1 200"); n != 1 {
			t.Errorf("%q: %d answers\n%s", expect, n, answers)
		}
		if r := a.last(); r == nil || r.URL.Path != "/public" {
			t.Errorf("%q: the upstream got %v", expect, r)
		}
	}
}

// TestPRX21_AnUpstreamThatThinks: a client that has sent all that it may is not
// late, over HTTP/2 neither.
func TestPRX21_AnUpstreamThatThinks(t *testing.T) {
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(700 * time.Millisecond) // longer than a body may stand still
		n, err := io.Copy(io.Discard, r.Body)
		fmt.Fprintf(w, "%d %v", n, err)
	}))
	defer slow.Close()
	a := newApp(t, open, func(c *config.Config) {
		c.Limits.BodyTime, c.Limits.Body = 300*time.Millisecond, -1
		for i := range c.Sites[0].Routes {
			c.Sites[0].Routes[i].Upstream.URL, _ = url.Parse(slow.URL)
		}
	})
	at, client := onHTTP2(t, a.gw)
	for _, wire := range []http.RoundTripper{http.DefaultTransport, client} {
		r, _ := http.NewRequest("POST", at+"/public", strings.NewReader(strings.Repeat("a", 8<<20)))
		r.Host = a.base[7:]
		resp, err := wire.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if string(text) != fmt.Sprint(8<<20, " <nil>") {
			t.Errorf("%s: %s %s", resp.Proto, resp.Status, text)
		}
	}
}

// TestPRX08_AQuestionOverHTTP2: the Origin of a WebSocket counts, whatever the
// proxy asks over.
func TestPRX08_AQuestionOverHTTP2(t *testing.T) {
	a := newApp(t, trusting)
	at, client := onHTTP2(t, a.gw)
	b := a.browser()
	b.signIn("ada", "/")
	base, _ := url.Parse(a.base)
	for _, wire := range []http.RoundTripper{http.DefaultTransport, client} {
		for origin, want := range map[string]int{"https://evil.example": 403, a.base: 200} {
			r, _ := http.NewRequest("GET", at+"/auth/verify/forward", nil)
			for _, c := range b.client.Jar.Cookies(base) {
				r.AddCookie(c)
			}
			for name, value := range map[string]string{"X-Forwarded-Method": "GET", "X-Forwarded-Proto": "http", "X-Forwarded-Host": base.Host, "X-Forwarded-Uri": "/ws",
				"Sec-Websocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Origin": origin} {
				r.Header.Set(name, value)
			}
			resp, err := wire.RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != want {
				t.Errorf("%s, %s: %d, want %d", resp.Proto, origin, resp.StatusCode, want)
			}
		}
	}
}

// TestPRX12_AnotherSitesBasePath is a path of this site's app like any other.
func TestPRX12_AnotherSitesBasePath(t *testing.T) {
	a := newApp(t, func(c *config.Config) {
		other := c.Sites[0]
		other.BaseURL, other.BasePath = "http://localhost:1", "/signin"
		c.Sites = append(c.Sites, other)
	})
	b := a.browser()
	b.signIn("ada", "/")
	for _, path := range []string{"/signin/x", "/signin/verify/x"} {
		if at := b.open(path); at.StatusCode != 200 || at.body != "hello from "+path {
			t.Errorf("%s: %s %s", path, at.Status, at.body)
		}
	}
}

// TestA146_NamesOfOtherRoutes are answered empty, too: a proxy that copies a fixed
// list keeps what the client sent for those that are missing.
func TestA146_NamesOfOtherRoutes(t *testing.T) {
	a := newApp(t, trusting, func(c *config.Config) { c.Sites[0].Routes[1].Headers = identity.OAuth2Proxy() })
	b := a.browser()
	b.signIn("ada", "/")
	at := b.ask("GET", "/auth/verify/forward", "X-Forwarded-Method", "GET", "X-Forwarded-Proto", "http", "X-Forwarded-Host", a.base[7:], "X-Forwarded-Uri", "/x")
	if got := at.Header["X-Forwarded-User"]; at.StatusCode != 200 || !slices.Equal(got, []string{""}) || at.Header.Get("X-Wayleave-Subject") != "ada" {
		t.Errorf("%s %v", at.Status, at.Header)
	}
}

// TestA130_ANamelessCookie is sent back as the one that its value looks like.
func TestA130_ANamelessCookie(t *testing.T) {
	a := newApp(t, open)
	a.handler = func(w http.ResponseWriter, r *http.Request) {
		for _, line := range []string{"=wayleave-session-abcdef=planted", " = __Host-wayleave-session=planted", "=theirs", "theirs=wayleave-session-x"} {
			w.Header().Add("Set-Cookie", line)
		}
	}
	if got := a.browser().ask("GET", "/public").Header["Set-Cookie"]; !slices.Equal(got, []string{"=theirs", "theirs=wayleave-session-x"}) {
		t.Errorf("%q", got)
	}
}

// TestAnUpgradeThatFailsIsLoggedAsAnswered: the upstream agrees to another upgrade
// than the one it was asked for, or to one that nobody asked for.
func TestAnUpgradeThatFailsIsLoggedAsAnswered(t *testing.T) {
	a := newApp(t, open, early(t, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: foo\r\n\r\n"))
	at := a.browser().ask("GET", "/public")
	a.mu.Lock()
	defer a.mu.Unlock()
	if at.StatusCode != 502 || !strings.Contains(a.logged.String(), `"status":502`) || strings.Contains(a.logged.String(), `"status":101`) {
		t.Errorf("%d, and the log says %s", at.StatusCode, a.logged.String())
	}
}

// TestARefusedFileLeavesNothingBehind: what was begun for its sites is ended.
func TestARefusedFileLeavesNothingBehind(t *testing.T) {
	a := newApp(t)
	f := &following{Store: a.store}
	c := a.config("http://localhost:1")
	c.Sites[0].Routes[0].Upstream.URL = &url.URL{Scheme: "https", Host: "localhost:2"}
	c.Sites[0].Routes[0].Upstream.CAFile = filepath.Join(t.TempDir(), "missing.pem")
	if _, err := gateway.New(c, gateway.Options{Store: f, Keys: a.keys}); err == nil {
		t.Fatal("no error")
	}
	if n := f.followers.Load(); n != 0 {
		t.Errorf("%d still follow the store", n)
	}
}

// following is a store that tells what others end.
type following struct {
	store.Store
	followers atomic.Int64
}

func (f *following) Follow(store.Table, func(store.Key), func()) (func() time.Time, func()) {
	f.followers.Add(1)
	return time.Now, func() { f.followers.Add(-1) }
}
