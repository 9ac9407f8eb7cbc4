package gateway_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/wayleave/wayleave/devidp/robot"
)

// load makes requests with a session until it is stopped, on connections that
// are kept and on new ones, and counts those that do not get what they should.
type load struct {
	g              *gateway
	stop           chan struct{}
	clients        sync.WaitGroup
	good, bad      atomic.Int64
	mu             sync.Mutex
	first          string // what went wrong first
	slowest        time.Duration
	cookie, expect string
}

func (g *gateway) load(b *browser, kept, fresh int) *load {
	l := &load{g: g, stop: make(chan struct{}), cookie: b.cookies(), expect: `"user":"grace"`}
	for i := range kept + fresh {
		transport := &http.Transport{DisableKeepAlives: i >= kept}
		client := &http.Client{Transport: transport, Timeout: 30 * time.Second}
		l.clients.Go(func() {
			defer transport.CloseIdleConnections()
			for {
				select {
				case <-l.stop:
					return
				default:
					l.ask(client)
				}
			}
		})
	}
	return l
}

func (l *load) ask(client *http.Client) {
	began := time.Now()
	r, _ := http.NewRequest("GET", "http://"+l.g.listen+"/page", nil)
	r.Header.Set("Cookie", l.cookie)
	resp, err := client.Do(r)
	problem := ""
	if err != nil {
		problem = err.Error()
	} else {
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != 200 || !strings.Contains(string(body), l.expect) {
			problem = fmt.Sprintf("%d %q %v", resp.StatusCode, body, err)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.slowest = max(l.slowest, time.Since(began))
	if problem == "" {
		l.good.Add(1)
		return
	}
	if l.bad.Add(1) == 1 {
		l.first = problem
	}
}

// more waits for as many more good answers, so that what is tested happens under load.
func (l *load) more(n int64) {
	l.g.t.Helper()
	from := l.good.Load()
	eventually(l.g.t, "requests go on", func() bool { return l.good.Load() >= from+n || l.bad.Load() > 0 })
}

func (l *load) end() {
	l.g.t.Helper()
	close(l.stop)
	l.clients.Wait()
	l.g.t.Logf("%d requests, %d failed, the slowest took %v", l.good.Load()+l.bad.Load(), l.bad.Load(), l.slowest.Round(time.Millisecond))
	if l.bad.Load() > 0 {
		l.g.t.Errorf("%d failed, the first with %s\n%s", l.bad.Load(), l.first, l.g.logged())
	}
}

// TestReloadUnderLoad: no request fails, a session begun before goes on, what the
// file says now is true, and a file with a mistake changes nothing.
func TestReloadUnderLoad(t *testing.T) {
	for _, store := range []string{"memory:", "file:wayleave.db"} {
		t.Run(store, func(t *testing.T) {
			g := start(t, setup{store: store, extra: "log: {requests: false}\n"})
			grace := g.browser()
			grace.signIn("grace", "/")
			l := g.load(grace, 8, 2)
			for i := range long(4, 50) {
				l.more(50)
				open := i%2 == 0
				routes := defaultRoutes
				if open {
					routes = "\n  - {path: /new, upstream: UPSTREAM, allow: public}" + defaultRoutes
				}
				g.write(setup{store: store, routes: routes, extra: "log: {requests: false}\n"})
				want := 401
				if open {
					want = 200
				}
				if i%4 < 2 {
					g.cmd.Process.Signal(syscall.SIGHUP)
				}
				eventually(t, "the new file is in use", func() bool { return g.browser().ask("GET", "/new").StatusCode == want })
			}
			g.writeText("listen: " + g.listen + "\nroutes: [}\n")
			eventually(t, "the mistake is told", func() bool { return strings.Contains(g.logged(), "the old configuration stays") })
			if !strings.Contains(g.logged(), "wayleave.yaml:2:10") {
				t.Errorf("without its place: %s", g.logged())
			}
			l.more(50)
			l.end()
			if at := grace.open("/admin"); at.StatusCode != 200 {
				t.Errorf("the session: %d", at.StatusCode)
			}
		})
	}
}

// TestReloadLosesNothing: neither a session, nor a login that is under way, nor what
// an upstream checks assertions with; also where the file names no key yet.
func TestReloadLosesNothing(t *testing.T) {
	for name, s := range map[string]setup{"memory": {store: "memory:"}, "memory, without keys": {store: "memory:", noKeys: true}, "a file": {store: "file:wayleave.db"}} {
		t.Run(name, func(t *testing.T) {
			g := start(t, s)
			grace := g.browser()
			grace.signIn("grace", "/")
			keys := g.browser().ask("GET", "/auth/jwks.json").body
			ada := g.browser()
			at := ada.open(ada.open("/x").Header.Get("Location"))
			s.routes = "\n  - {path: /new, upstream: UPSTREAM, allow: public}" + defaultRoutes
			g.write(s)
			g.cmd.Process.Signal(syscall.SIGHUP)
			eventually(t, "the new file is in use", func() bool { return g.browser().ask("GET", "/new").StatusCode == 200 })
			callback, err := robot.New(&http.Client{}).SignIn(at.Header.Get("Location"), "ada", true)
			if err != nil {
				t.Fatal(err)
			}
			if got := ada.open(callback); got.StatusCode != 303 || got.Header.Get("Location") != "/x" {
				t.Errorf("the login: %d to %s", got.StatusCode, got.Header.Get("Location"))
			}
			if got := ada.open("/x"); got.StatusCode != 200 {
				t.Errorf("after the login: %d", got.StatusCode)
			}
			if got := grace.open("/admin"); got.StatusCode != 200 {
				t.Errorf("the session: %d", got.StatusCode)
			}
			if now := g.browser().ask("GET", "/auth/jwks.json").body; now != keys {
				t.Errorf("the keys of assertions changed from %s to %s", keys, now)
			}
		})
	}
}

// TestReloadsInARow: what is still held by the first of several gateways goes on with
// its store, when a later one that has ended by then had the same store.
func TestReloadsInARow(t *testing.T) {
	s := setup{store: "file:one.db"}
	g := start(t, s)
	g.answerWith(talks)
	b := g.browser()
	b.signIn("ada", "/x")
	c, resp, err := g.hold("/ws", upgrade+"Origin: "+g.base+"\r\nCookie: "+b.cookies()+"\r\n")
	if err != nil || resp.StatusCode != 101 {
		t.Fatal(resp, err)
	}
	defer c.Close()
	for _, next := range []setup{
		{store: s.store, routes: "\n  - {path: /first, upstream: UPSTREAM, allow: public}" + defaultRoutes},
		{store: "file:two.db", routes: "\n  - {path: /second, upstream: UPSTREAM, allow: public}" + defaultRoutes},
	} {
		g.write(next)
		g.cmd.Process.Signal(syscall.SIGHUP)
		path := strings.Fields(strings.ReplaceAll(next.routes, ",", " "))[2]
		eventually(t, path+" is served", func() bool { return g.browser().ask("GET", path).StatusCode == 200 })
	}
	const asked = `wayleave_store_duration_seconds_count{operation="get",outcome="ok"}`
	before := g.metric(asked)
	eventually(t, "the store says that the session lives", func() bool { return g.metric(asked) >= before+3 })
	if n := g.metric(`wayleave_store_duration_seconds_count{operation="get",outcome="error"}`); n > 0 {
		t.Errorf("the store failed %v times", n)
	}
	c.echoes(t)
}

// TestA239_ReloadTakesTheProviderAway: a login that is under way ends on a page.
func TestA239_ReloadTakesTheProviderAway(t *testing.T) {
	g := start(t, setup{})
	b := g.browser()
	at := b.open("/x")
	at = b.open(at.Header.Get("Location"))
	callback := "/auth/dev/callback?state=" + param(at.Header.Get("Location"), "state") + "&code=x"
	other := newIDP(t)
	text, _ := os.ReadFile(g.file)
	g.writeText(strings.Replace(string(text), "dev: {issuer: \""+g.idp.Issuer(), "other: {issuer: \""+other.Issuer(), 1))
	eventually(t, "the provider has gone", func() bool {
		return strings.Contains(g.browser().open("/x").Header.Get("Location"), "/auth/other/login")
	})
	if at := b.open(callback); at.StatusCode != 404 || !strings.Contains(at.body, "sign-in link is not valid") {
		t.Errorf("%d %s", at.StatusCode, at.body)
	}
}

func param(location, name string) string {
	_, query, _ := strings.Cut(location, "?")
	for pair := range strings.SplitSeq(query, "&") {
		if value, ok := strings.CutPrefix(pair, name+"="); ok {
			return value
		}
	}
	return ""
}

// TestRestartUnderLoad: the process is replaced several times while requests go
// on. None fails, and nobody has to sign in again.
func TestRestartUnderLoad(t *testing.T) {
	g := start(t, setup{store: "file:wayleave.db", extra: "log: {requests: false}\n"})
	grace := g.browser()
	grace.signIn("grace", "/")
	l := g.load(grace, 8, 2)
	for range long(2, 20) {
		l.more(100)
		g.restart()
	}
	l.more(100)
	l.end()
	if at := grace.open("/admin"); at.StatusCode != 200 {
		t.Errorf("the session: %d", at.StatusCode)
	}
}

// TestRestartWithAMistake: the old process goes on.
func TestRestartWithAMistake(t *testing.T) {
	g := start(t, setup{store: "file:wayleave.db"})
	g.writeText("listen: nowhere\n")
	eventually(t, "the reload is refused", func() bool { return strings.Contains(g.logged(), "the old configuration stays") })
	g.cmd.Process.Signal(syscall.SIGUSR2)
	eventually(t, "the restart is refused", func() bool { return strings.Contains(g.logged(), "this process goes on") })
	if at := g.browser().ask("GET", "/public"); at.StatusCode != 200 {
		t.Errorf("%d", at.StatusCode)
	}
}

// restart replaces the process, and waits for the end of the old one.
func (g *gateway) restart() {
	g.t.Helper()
	old := g.pid
	if err := syscall.Kill(old, syscall.SIGUSR2); err != nil {
		g.t.Fatal(err)
	}
	g.handedOver(old)
}

// handedOver waits until a successor serves and the old process has gone.
func (g *gateway) handedOver(old int) {
	g.t.Helper()
	eventually(g.t, "a successor serves", func() bool {
		for line := range strings.Lines(g.logged()) {
			var l struct {
				Msg       string `json:"msg"`
				Successor int    `json:"successor"`
			}
			if json.Unmarshal([]byte(line), &l) == nil && l.Msg == "handed over" && l.Successor > 0 {
				g.pid = l.Successor
			}
		}
		return g.pid != old
	})
	eventually(g.t, "the old process has gone", func() bool { return gone(old) })
}

// gone reports whether a process has ended, reaped or not.
func gone(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return true
	}
	_, after, _ := strings.Cut(string(b), ") ")
	return strings.HasPrefix(after, "Z")
}

// writeText writes the file anew, as it stands.
func (g *gateway) writeText(text string) {
	g.t.Helper()
	if err := os.WriteFile(g.file, []byte(text), 0o600); err != nil {
		g.t.Fatal(err)
	}
}

// TestRestartAfterAReload: a stream that began before the reload does not hold up
// the hand-over of what one process can hold.
func TestRestartAfterAReload(t *testing.T) {
	g := start(t, setup{store: "file:wayleave.db"})
	g.answerWith(talks)
	b := g.browser()
	b.signIn("grace", "/")
	c, resp, err := g.hold("/events", "Cookie: "+b.cookies()+"\r\n")
	if err != nil || resp.StatusCode != 200 {
		t.Fatal(err, resp)
	}
	defer c.Close()
	go io.Copy(io.Discard, c.r)
	g.write(setup{store: "file:wayleave.db", routes: "\n  - {path: /new, upstream: UPSTREAM, allow: public}" + defaultRoutes})
	eventually(t, "the file is read again", func() bool { return strings.Contains(g.logged(), `"reloaded"`) })
	began := time.Now()
	g.restart()
	if took := time.Since(began); took > 7*time.Second { // it would be eleven
		t.Errorf("the restart took %v", took)
	}
}
