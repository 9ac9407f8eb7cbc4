package gateway_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// conversation is a connection on which a test says and hears what it likes.
type conversation struct {
	net.Conn
	t testing.TB
	r *bufio.Reader
}

func (g *gateway) talk(t testing.TB) *conversation {
	t.Helper()
	conn, err := net.Dial("tcp", g.listen)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	return &conversation{conn, t, bufio.NewReader(conn)}
}

func (c *conversation) say(format string, args ...any) {
	fmt.Fprintf(c, format, args...)
}

// hear returns the next answer.
func (c *conversation) hear() answer {
	c.t.Helper()
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil {
		c.t.Fatalf("no answer: %v", err)
	}
	body, _ := io.ReadAll(resp.Body)
	return answer{resp, string(body)}
}

// ended reports whether the gateway has closed, and said nothing before.
func (c *conversation) ended() bool {
	b, err := io.ReadAll(c.r)
	return len(b) == 0 && err == nil
}

const limitRoutes = `
  - {path: /small, upstream: UPSTREAM, allow: public, max_body: 1KB}
  - {path: /slow, upstream: SLOW, allow: public, timeout: 200ms}
  - {path: /thinks, upstream: THINKS, allow: public}
  - {path: /gone, upstream: "http://127.0.0.1:1", allow: public}
  - {path: /early, upstream: EARLY, allow: public}
  - {path: /public, upstream: UPSTREAM, allow: public}
  - {path: /, upstream: UPSTREAM, allow: signed_in}
`

// TestPRX21_A236_Limits: what one client can cost, and what it is told.
func TestPRX21_A236_Limits(t *testing.T) {
	asked := make(chan struct{}, 1)
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-asked:
		}
	}))
	defer slow.Close()
	defer close(asked)
	early := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		w.WriteHeader(http.StatusForbidden)
		io.WriteString(w, "no")
	}))
	defer early.Close()
	thinks := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		<-time.After(600 * time.Millisecond) // twice the time that a body has
		w.Write(body)
	}))
	defer thinks.Close()
	routes := strings.NewReplacer("THINKS", thinks.URL, "SLOW", slow.URL, "EARLY", early.URL).Replace(limitRoutes)
	g := start(t, setup{routes: routes, extra: "limits: {header: 8KiB, body: 20KB, header_time: 400ms, body_time: 300ms}\n"})
	grace := g.browser()
	grace.signIn("grace", "/")
	host := "Host: " + g.listen + "\r\n"
	post := func(path, header string) string { return "POST " + path + " HTTP/1.1\r\n" + host + header + "\r\n" }
	chunk := func(n int) string { return fmt.Sprintf("%x\r\n%s\r\n", n, strings.Repeat("x", n)) }

	t.Run("the header", func(t *testing.T) {
		for name, tc := range map[string]struct {
			raw    string
			status int
		}{
			"one that is small":   {"GET /public HTTP/1.1\r\n" + host + "X: " + strings.Repeat("x", 4000) + "\r\nConnection: close\r\n\r\n", 200},
			"one long value":      {"GET /public HTTP/1.1\r\n" + host + "X: " + strings.Repeat("x", 20000) + "\r\n\r\n", 431},
			"a long request line": {"GET /public?" + strings.Repeat("x", 20000) + " HTTP/1.1\r\n" + host + "\r\n", 431},
			"many lines":          {"GET /public HTTP/1.1\r\n" + host + strings.Repeat("X: y\r\n", 4000) + "\r\n", 431},
		} {
			g.up.taken()
			answers := g.send(tc.raw)
			if len(answers) != 1 || answers[0].StatusCode != tc.status || len(g.up.taken()) != map[int]int{200: 1}[tc.status] {
				t.Errorf("%s: %v, want %d", name, statuses(answers), tc.status)
			}
		}
	})
	t.Run("the body", func(t *testing.T) {
		for name, tc := range map[string]struct {
			raw    string
			status int
		}{
			"as large as the route permits":        {post("/small", "Content-Length: 1000\r\nConnection: close\r\n") + strings.Repeat("x", 1000), 200},
			"larger than the route permits":        {post("/small", "Content-Length: 1001\r\n") + strings.Repeat("x", 1001), 413},
			"larger, and never sent":               {post("/small", "Content-Length: 1000000000\r\n"), 413},
			"in chunks, as large as is permitted":  {post("/small", "Transfer-Encoding: chunked\r\n") + chunk(999) + chunk(1) + "0\r\n\r\n", 200},
			"in chunks, larger":                    {post("/small", "Transfer-Encoding: chunked\r\n") + chunk(999) + chunk(2) + "0\r\n\r\n", 413},
			"larger than the file permits":         {post("/public", "Content-Length: 20001\r\n") + strings.Repeat("x", 20001), 413},
			"in chunks, larger than the file says": {post("/public", "Transfer-Encoding: chunked\r\n") + chunk(15000) + chunk(15000) + "0\r\n\r\n", 413},
		} {
			g.up.taken()
			answers := g.send(tc.raw)
			got := g.up.taken()
			if len(answers) != 1 || answers[0].StatusCode != tc.status || tc.status == 200 && (len(got) != 1 || len(got[0].Body) != 1000) || tc.status != 200 && len(got) > 0 {
				t.Errorf("%s: %v, want %d; the upstream got %d whole requests", name, statuses(answers), tc.status, len(got))
			}
		}
	})
	t.Run("a body that stands still", func(t *testing.T) {
		for _, header := range []string{"Content-Length: 100\r\n", "Transfer-Encoding: chunked\r\n"} {
			g.up.taken()
			c := g.talk(t)
			c.say("%s", post("/public", header)+"4\r\nabcd\r\n")
			if at := c.hear(); at.StatusCode != 408 || !at.Close || !c.ended() {
				t.Errorf("%s%d, closes: %v", header, at.StatusCode, at.Close)
			}
			if got := g.up.taken(); len(got) > 0 {
				t.Errorf("the upstream got %+v", got)
			}
		}
	})
	t.Run("a body that nobody wants and that does not come", func(t *testing.T) {
		type left struct {
			*conversation
			what   string
			status int
		}
		var all []left
		for path, status := range map[string]int{"/x": 401, "/small": 413, "/auth/logout": 303, "/public/..%2f": 400, "/early": 403} {
			for _, header := range []string{"Content-Length: 5000\r\n", "Transfer-Encoding: chunked\r\n"} {
				if path == "/small" && header[0] == 'T' {
					continue // it is not known to be too large
				}
				c := g.talk(t)
				c.say("%s", post(path, header)+"1\r\nx\r\n")
				all = append(all, left{c, path + " " + header, status})
			}
		}
		for _, c := range all {
			if at := c.hear(); at.StatusCode != c.status || !c.ended() {
				t.Errorf("%s: %d, want %d and the end", c.what, at.StatusCode, c.status)
			}
		}
	})
	t.Run("a body that is slow and moves", func(t *testing.T) {
		g.up.taken()
		c := g.talk(t)
		c.say("%s", post("/public", "Content-Length: 6\r\nConnection: close\r\n"))
		tick := time.NewTicker(100 * time.Millisecond) // the slowness that is tested
		defer tick.Stop()
		for range 6 {
			<-tick.C
			c.say("x")
		}
		if at := c.hear(); at.StatusCode != 200 || g.only().Body != "xxxxxx" {
			t.Errorf("%d", at.StatusCode)
		}
	})
	t.Run("an upstream that thinks longer than a body may take", func(t *testing.T) {
		var all []*conversation
		for _, raw := range []string{post("/thinks", "Content-Length: 2\r\n") + "hi", post("/thinks", "Transfer-Encoding: chunked\r\n") + "2\r\nhi\r\n0\r\n\r\n"} {
			c := g.talk(t)
			c.say("%s", raw)
			all = append(all, c)
		}
		for _, c := range all {
			if at := c.hear(); at.StatusCode != 200 || at.body != "hi" {
				t.Errorf("%d %q", at.StatusCode, at.body)
			}
		}
	})
	t.Run("a header that does not end", func(t *testing.T) {
		var slow []*conversation
		for range 50 {
			c := g.talk(t)
			c.say("GET /public HTTP/1.1\r\n%sX-A", host)
			slow = append(slow, c)
		}
		silent := g.talk(t)
		if at := g.browser().ask("GET", "/public"); at.StatusCode != 200 {
			t.Errorf("somebody else: %d", at.StatusCode)
		}
		for i, c := range append(slow, silent) {
			if b, err := io.ReadAll(c.r); err != nil || len(b) > 0 && !strings.HasPrefix(string(b), "HTTP/1.1 400 ") {
				t.Errorf("connection %d: %q %v", i, b, err)
			}
		}
	})
	t.Run("an upstream that says nothing", func(t *testing.T) {
		down(t, g, "/slow", 504)
	})
	t.Run("an upstream that is not there", func(t *testing.T) {
		down(t, g, "/gone", 502)
	})
	t.Run("A158 100-continue", func(t *testing.T) {
		c := g.talk(t)
		c.say("%s", post("/public", "Content-Length: 5\r\nExpect: 100-continue\r\n"))
		if at := c.hear(); at.StatusCode != 100 {
			t.Fatalf("%d", at.StatusCode)
		}
		g.up.taken()
		c.say("hello")
		if at := c.hear(); at.StatusCode != 200 || g.only().Body != "hello" {
			t.Errorf("%d", at.StatusCode)
		}
		for name, tc := range map[string]struct {
			raw    string
			status int
		}{
			"nobody":              {post("/x", "Content-Length: 5\r\nExpect: 100-continue\r\n"), 401},
			"too large":           {post("/small", "Content-Length: 5000\r\nExpect: 100-continue\r\n"), 413},
			"an ambiguous path":   {post("/public/..%2fx", "Content-Length: 5\r\nExpect: 100-continue\r\n"), 400},
			"another expectation": {post("/public", "Content-Length: 5\r\nExpect: something-else\r\n"), 417},
		} {
			c := g.talk(t)
			c.say("%s", tc.raw)
			at := c.hear()
			if at.StatusCode != tc.status {
				t.Errorf("%s: %d, want %d and no 100", name, at.StatusCode, tc.status)
			}
		}
	})
	t.Run("A158 an upstream that answers before the body has come", func(t *testing.T) {
		c := g.talk(t)
		c.say("%s", post("/early", "Content-Length: 15000\r\n")+"x")
		if at := c.hear(); at.StatusCode != 403 || at.body != "no" {
			t.Fatalf("%d %s", at.StatusCode, at.body)
		}
		// What comes now is the rest of the body, and never a request.
		g.up.taken()
		c.say("%s", strings.Repeat("GET /public/smuggled HTTP/1.1\r\n"+host+"\r\n", 3))
		c.Conn.(*net.TCPConn).CloseWrite()
		rest, _ := io.ReadAll(c.r)
		if strings.Contains(string(rest), "200 OK") {
			t.Errorf("answered with %q", rest)
		}
		for _, r := range g.up.taken() {
			t.Errorf("the upstream got %s", r.Target)
		}
	})
}

// down: people get a page and scripts JSON, each with a reference that the log
// has, and neither says where the upstream is.
func down(t *testing.T, g *gateway, path string, status int) {
	t.Helper()
	b := g.browser()
	at := b.ask("GET", path)
	var told struct{ Error, Reference string }
	json.Unmarshal([]byte(at.body), &told)
	if at.StatusCode != status || told.Error != "app_unavailable" || told.Reference == "" || at.Header.Get("Content-Type") != "application/json" || at.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("a script: %d %v %s", at.StatusCode, at.Header, at.body)
	}
	eventually(t, "OPS-05 the log has the reference", func() bool { return strings.Contains(g.logged(), told.Reference) })
	at = b.open(path)
	if at.StatusCode != status || !strings.HasPrefix(at.Header.Get("Content-Type"), "text/html") || !strings.Contains(at.body, "Reference") || strings.Contains(at.body, "127.0.0.1:1") || strings.Contains(at.body, "refused") {
		t.Errorf("a page: %d %s", at.StatusCode, at.body)
	}
}

// TestPRX21_LoginRate: logins are counted by address, of which only a trusted
// proxy can say another one.
func TestPRX21_LoginRate(t *testing.T) {
	const all = 30
	try := func(g *gateway, form string, shared bool) {
		t.Helper()
		refused := 0
		for i := range all {
			from := form
			if strings.Contains(form, "%d") {
				from = fmt.Sprintf(form, i+1)
			}
			at := g.browser().open("/auth/dev/callback?state=x&code=y", "X-Forwarded-For", from, "X-Real-Ip", from)
			switch {
			case at.StatusCode == 429 && at.Header.Get("Retry-After") != "" && at.Header.Get("Cache-Control") == "no-store":
				refused++
			case at.StatusCode != 400:
				t.Fatalf("%d %v", at.StatusCode, at.Header)
			}
		}
		if (refused > 0) != shared {
			t.Errorf("%s: %d of %d were refused", form, refused, all)
		}
		if at := g.browser().ask("GET", "/public"); at.StatusCode != 200 {
			t.Errorf("a page: %d", at.StatusCode)
		}
	}
	const limits = "limits: {logins: 60/m}\n" // ten at once
	t.Run("PRX-03 A115 nobody is trusted", func(t *testing.T) {
		g := start(t, setup{extra: limits})
		try(g, "192.0.2.%d", true)
		try(g, "192.0.2.%d, 127.0.0.1", true)
	})
	t.Run("PRX-03 A115 the proxy is trusted", func(t *testing.T) {
		g := start(t, setup{extra: trusting + limits})
		try(g, "192.0.2.%d", false)
		try(g, "203.0.113.9, 192.0.2.%d", false)
		try(g, "198.51.100.1,192.0.2.%d , 127.0.0.3", false)
		try(g, "192.0.2.%d, 203.0.113.10", true) // what stands before is the client's word
		try(g, "2001:db8:1:2::%d", true)         // one subscriber
		try(g, "nonsense%d", true)
		try(g, "192.0.2.%d"+strings.Repeat(", 127.0.0.1", 20), true)
	})
}
