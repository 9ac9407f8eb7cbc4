package gateway_test

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// reloads is how often the file was read anew.
func (g *gateway) reloads() int { return strings.Count(g.logged(), `"msg":"reloaded"`) }

func (g *gateway) holdWebSocket(cookies string) *heldConn {
	g.t.Helper()
	c, resp, err := g.hold("/ws", upgrade+"Origin: "+g.base+"\r\nCookie: "+cookies+"\r\n")
	if err != nil || resp.StatusCode != 101 {
		g.t.Fatal(resp, err)
	}
	g.t.Cleanup(func() { c.Close() })
	return c
}

// ends fails the test unless the connection ends.
func (c *heldConn) ends(t *testing.T) {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.Copy(io.Discard, c.r); os.IsTimeout(err) {
		t.Error("it is still open")
	}
}

const forEverybody = "\n  - {path: /ws, upstream: UPSTREAM, allow: public}"

// TestPRX08_AReloadEndsWhatNobodySignedInFor: a WebSocket that was public lives no
// longer than the requests that were under way.
func TestPRX08_AReloadEndsWhatNobodySignedInFor(t *testing.T) {
	g := start(t, setup{extra: "limits: {drain: 1s}\n", routes: forEverybody + defaultRoutes})
	g.answerWith(talks)
	c := g.holdWebSocket("")
	c.echoes(t)
	g.reload(setup{extra: "limits: {drain: 1s}\n", routes: strings.Replace(forEverybody, "public", "nobody", 1) + defaultRoutes})
	c.ends(t)
}

// TestPRX08_TheEndDoesNotWaitForWhatNobodySignedInFor: the drain is much longer than
// the test waits for the process.
func TestPRX08_TheEndDoesNotWaitForWhatNobodySignedInFor(t *testing.T) {
	g := start(t, setup{extra: "limits: {drain: 2m}\n", routes: forEverybody + defaultRoutes})
	g.answerWith(talks)
	c := g.holdWebSocket("")
	c.echoes(t)
	g.stop()
	c.ends(t)
}

// TestReloadToAStoreAndBack: the first store is still open for a WebSocket when the
// file names it again.
func TestReloadToAStoreAndBack(t *testing.T) {
	g := start(t, setup{store: "file:one.db"})
	g.answerWith(talks)
	ada := g.browser()
	ada.signIn("ada", "/x")
	c := g.holdWebSocket(ada.cookies())
	g.reload(setup{store: "file:two.db"})
	if at := ada.ask("GET", "/x"); at.StatusCode != 401 {
		t.Errorf("with the other store: %d", at.StatusCode)
	}
	g.reload(setup{store: "file:one.db"})
	if at := ada.ask("GET", "/x"); at.StatusCode != 200 {
		t.Errorf("with the first store again: %d", at.StatusCode)
	}
	c.echoes(t)
	g.restart() // which closes the file, and opens it again
	if at := ada.ask("GET", "/x"); at.StatusCode != 200 {
		t.Errorf("after a restart: %d", at.StatusCode)
	}
}

// TestReloadWaitsForAFile that the configuration names before it is there, and does
// not read itself twice because it names another file.
func TestReloadWaitsForAFile(t *testing.T) {
	g := start(t, setup{})
	text, err := os.ReadFile(g.file)
	if err != nil {
		t.Fatal(err)
	}
	g.writeText(strings.Replace(string(text), "client_secret: dev-secret", "client_secret: 'file:secret'", 1))
	eventually(t, "the file is refused", func() bool { return strings.Contains(g.logged(), "the old configuration stays") })
	secret := filepath.Join(g.dir, "secret")
	if err := os.WriteFile(secret, []byte("dev-secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is read when the secret is there", func() bool { return g.reloads() == 1 })
	if err := os.WriteFile(secret, []byte("dev-secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is read when the secret changes", func() bool { return g.reloads() > 1 })
	if n := g.reloads(); n != 2 {
		t.Errorf("it was read %d times, want 2", n)
	}
}

// TestReloadAfterAHandOver: the file changes when the new process has read it, and
// still waits for the old one.
func TestReloadAfterAHandOver(t *testing.T) {
	g := start(t, setup{store: "file:one.db"})
	release, slow := make(chan struct{}), make(chan struct{})
	g.answerWith(func(_ http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/slow") {
			close(slow)
			<-release
		}
	})
	answered := make(chan int, 1)
	go func() {
		resp, err := http.Get("http://" + g.listen + "/public/slow")
		if err != nil {
			answered <- 0
			return
		}
		resp.Body.Close()
		answered <- resp.StatusCode
	}()
	<-slow
	old := g.pid
	if err := syscall.Kill(old, syscall.SIGUSR2); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the old process ends", func() bool {
		resp, err := http.Get("http://" + g.listen + "/public/x")
		if err == nil {
			resp.Body.Close()
		}
		return err == nil && resp.Close
	})
	g.write(setup{store: "file:one.db", routes: "\n  - {path: /new, upstream: UPSTREAM, allow: public}" + defaultRoutes})
	close(release)
	if status := <-answered; status != 200 {
		t.Errorf("the request that was under way: %d", status)
	}
	g.handedOver(old)
	eventually(t, "the new process serves what the file says", func() bool { return g.browser().ask("GET", "/new").StatusCode == 200 })
}

// TestReloadOfKeysWithTheMemoryStore: what it keeps can be opened while it lasts,
// whatever keys the file names meanwhile; and an address that was changed and changed
// back needs no restart.
func TestReloadOfKeysWithTheMemoryStore(t *testing.T) {
	g := start(t, setup{noKeys: true})
	ada := g.browser()
	ada.signIn("ada", "/x")
	for i, s := range []setup{{}, {noKeys: true}, {}} {
		g.reload(s)
		if at := ada.ask("GET", "/x"); at.StatusCode != 200 {
			t.Errorf("reload %d: %d", i, at.StatusCode)
		}
	}
	text, err := os.ReadFile(g.file)
	if err != nil {
		t.Fatal(err)
	}
	// Once for each change, so that no reload comes late.
	change := func(text string) {
		t.Helper()
		before := g.reloads()
		g.writeText(text)
		eventually(t, "the file is read again", func() bool { return g.reloads() > before })
	}
	warnings := func() int { return strings.Count(g.logged(), "listen: has changed; it takes effect with a restart") }
	change(strings.Replace(string(text), g.listen, "127.0.0.1:1", 1))
	if n := warnings(); n != 1 {
		t.Errorf("warned %d times of another address", n)
	}
	change(string(text))
	if n := warnings(); n != 1 {
		t.Errorf("warned %d times, and the address is the process's again", n)
	}
}
