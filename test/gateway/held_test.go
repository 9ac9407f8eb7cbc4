package gateway_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// talks is an upstream that speaks WebSocket's handshake and then echoes bytes,
// and that sends events.
func talks(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Upgrade") != "" {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		fmt.Fprintf(rw, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: %s\r\nConnection: Upgrade\r\nX-Subject: %s\r\n\r\n", r.Header.Get("Upgrade"), r.Header.Get("X-Wayleave-Subject"))
		rw.Flush()
		io.Copy(conn, rw)
		return
	}
	if strings.HasSuffix(r.URL.Path, "/events") {
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, "data: hello\n\n")
		http.NewResponseController(w).Flush()
		<-r.Context().Done()
		return
	}
	fmt.Fprint(w, "plain")
}

// held is a connection that stays open.
type heldConn struct {
	net.Conn
	r *bufio.Reader
}

// echoes checks that what is behind a WebSocket answers.
func (c *heldConn) echoes(t *testing.T) {
	t.Helper()
	fmt.Fprint(c, "ping")
	c.SetReadDeadline(time.Now().Add(5 * time.Second))
	b := make([]byte, 4)
	if _, err := io.ReadFull(c.r, b); err != nil || string(b) != "ping" {
		t.Errorf("echo %q, %v", b, err)
	}
}

// hold opens a WebSocket or an event stream.
func (g *gateway) hold(path, header string) (*heldConn, *http.Response, error) {
	return g.holdAt(path, g.listen, header)
}

// holdAt is hold, with a Host of its own.
func (g *gateway) holdAt(path, host, header string) (*heldConn, *http.Response, error) {
	conn, err := net.DialTimeout("tcp", g.listen, 10*time.Second)
	if err != nil {
		return nil, nil, err
	}
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\n%s\r\n", path, host, header)
	c := &heldConn{conn, bufio.NewReader(conn)}
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil {
		conn.Close()
		return nil, nil, err
	}
	conn.SetDeadline(time.Time{})
	return c, resp, nil
}

const upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\n"

func (g *gateway) answerWith(h http.HandlerFunc) {
	g.up.mu.Lock()
	defer g.up.mu.Unlock()
	g.up.handler = h
}

// TestPRX08_WebSockets: only they are let through, only with a session, and only
// from a page of the site.
func TestPRX08_WebSockets(t *testing.T) {
	g := start(t, setup{routes: strings.Replace(defaultRoutes, "{path: /,", "{path: /friends, upstream: UPSTREAM, allow: signed_in, origins: [\"https://friend.example\"]}\n  - {path: /,", 1)})
	g.answerWith(talks)
	grace := g.browser()
	grace.signIn("grace", "/")
	cookie := "Cookie: " + grace.cookies() + "\r\n"
	for _, row := range []struct {
		name, path, header string
		status             int
	}{
		{"from our page", "/ws", upgrade + cookie + "Origin: " + g.base + "\r\n", 101},
		{"from no page", "/ws", upgrade + cookie, 101},
		{"in other letters", "/ws", "Upgrade: WebSocket\r\nConnection: keep-alive, upgrade\r\n" + cookie, 101},
		{"nobody", "/ws", upgrade, 401},
		{"nobody from our page", "/ws", upgrade + "Origin: " + g.base + "\r\n", 401},
		{"from another site", "/ws", upgrade + cookie + "Origin: https://evil.example\r\n", 403},
		{"from our host by another scheme", "/ws", upgrade + cookie + "Origin: https://" + g.listen + "\r\n", 403},
		{"from our name on another port", "/ws", upgrade + cookie + "Origin: http://127.0.0.1:1\r\n", 403},
		{"from a sandbox", "/ws", upgrade + cookie + "Origin: null\r\n", 403},
		{"two origins", "/ws", upgrade + cookie + "Origin: " + g.base + "\r\nOrigin: https://evil.example\r\n", 403},
		{"a friend", "/friends/ws", upgrade + cookie + "Origin: https://friend.example\r\n", 101},
		{"a friend elsewhere", "/ws", upgrade + cookie + "Origin: https://friend.example\r\n", 403},
		{"D2 h2c", "/ws", "Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n" + cookie, 200},
		{"TLS", "/ws", "Upgrade: TLS/1.0\r\nConnection: Upgrade\r\n" + cookie, 200},
		{"a list", "/ws", "Upgrade: websocket, h2c\r\nConnection: Upgrade\r\n" + cookie, 200},
		{"two lines", "/ws", "Upgrade: websocket\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n" + cookie, 200},
		{"not asked for in Connection", "/ws", "Upgrade: websocket\r\n" + cookie, 200},
	} {
		t.Run(row.name, func(t *testing.T) {
			g.up.taken()
			c, resp, err := g.hold(row.path, row.header)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if resp.StatusCode != row.status {
				t.Fatalf("%d, want %d", resp.StatusCode, row.status)
			}
			for _, r := range g.up.taken() {
				if up := r.Header.Get("Upgrade"); up != "" && row.status != 101 {
					t.Errorf("the upstream was asked for %q", up)
				}
			}
			if row.status != 101 {
				return
			}
			if resp.Header.Get("X-Subject") != "grace" {
				t.Errorf("the upstream was told of %q", resp.Header.Get("X-Subject"))
			}
			c.echoes(t)
		})
	}
}

// TestPRX08_HeldConnectionsEndWithTheirSession: many WebSockets and event streams
// of many sessions; those of a session that ends are closed within a second, the
// others stay.
func TestPRX08_HeldConnectionsEndWithTheirSession(t *testing.T) {
	sockets, streams, sessions := long(200, 4000), long(50, 500), long(5, 20)
	g := start(t, setup{extra: "log: {requests: false}\n"})
	g.answerWith(talks)
	people := make([]*browser, sessions)
	for i := range people {
		people[i] = g.browser()
		people[i].signIn("grace", "/")
	}
	before := g.memory()
	conns := make([]*heldConn, sockets+streams)
	var opening sync.WaitGroup
	work := make(chan int)
	for range 8 {
		opening.Go(func() {
			for i := range work {
				header := "Cookie: " + people[i%sessions].cookies() + "\r\n"
				path, status := "/events", 200
				if i < sockets {
					path, status, header = "/ws", 101, header+upgrade
				}
				c, resp, err := g.hold(path, header)
				if err != nil || resp.StatusCode != status {
					t.Errorf("connection %d: %v %v", i, resp, err)
					continue
				}
				conns[i] = c
			}
		})
	}
	for i := range conns {
		work <- i
	}
	close(work)
	opening.Wait()
	if t.Failed() {
		return
	}
	eventually(t, "all are counted", func() bool { return g.metric("wayleave_held_connections") == float64(len(conns)) })
	perConnection := float64(g.memory()-before) / float64(len(conns))

	machine := watchStalls(t)
	var ended, late atomic.Int64
	var mu sync.Mutex
	var slowest time.Duration
	var watching sync.WaitGroup
	at := time.Now() // set before any watcher can see an end
	for i, c := range conns {
		if i%sessions != 0 {
			continue
		}
		watching.Go(func() {
			c.SetReadDeadline(time.Now().Add(15 * time.Second))
			_, err := io.Copy(io.Discard, c.r)
			took := time.Since(at)
			if os.IsTimeout(err) {
				late.Add(1)
				return
			}
			ended.Add(1)
			mu.Lock()
			defer mu.Unlock()
			slowest = max(slowest, took)
		})
	}
	at = time.Now()
	people[0].ask("POST", "/auth/logout", "Origin", g.base, "Sec-Fetch-Site", "same-origin")
	watching.Wait()
	t.Logf("%d WebSockets and %d event streams of %d sessions: %.0f bytes of memory each; %d ended, the last one %v after the logout", sockets, streams, sessions, perConnection, ended.Load(), slowest)
	if late.Load() > 0 || slowest-machine.lost() > time.Second {
		t.Errorf("%d did not end, the slowest took %v, in which the machine stood still for %v; want at most 1 s", late.Load(), slowest, machine.lost())
	}
	want := float64(0)
	for i := range conns {
		if i%sessions != 0 {
			want++
		}
	}
	eventually(t, "the others are still there", func() bool { return g.metric("wayleave_held_connections") == want })
	for i, c := range conns {
		if i%sessions == 1 && i < sockets {
			fmt.Fprint(c, "ping")
			c.SetReadDeadline(time.Now().Add(10 * time.Second))
			b := make([]byte, 4)
			if _, err := io.ReadFull(c.r, b); err != nil {
				t.Fatalf("a WebSocket of another session: %v", err)
			}
		}
		defer c.Close()
	}
}

// memory is the resident memory of the gateway in bytes.
func (g *gateway) memory() int64 {
	g.t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", g.pid))
	if err != nil {
		g.t.Skip("no /proc here")
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kB, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return kB << 10
		}
	}
	return 0
}

// metric reads one number without labels.
func (g *gateway) metric(name string) float64 {
	g.t.Helper()
	resp, err := http.Get("http://" + g.health + "/metrics")
	if err != nil {
		g.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	for line := range strings.Lines(string(body)) {
		if rest, ok := strings.CutPrefix(line, name+" "); ok {
			v, _ := strconv.ParseFloat(strings.TrimSpace(rest), 64)
			return v
		}
	}
	return -1
}
