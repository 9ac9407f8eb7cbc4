package gateway_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestA230_A231_AProvidersClock may be a little off, and its tokens are taken; one
// that is far off is named in the log, and nobody is signed in.
func TestA230_A231_AProvidersClock(t *testing.T) {
	g, other := startTwo(t, setup{routes: tokenRoutes})
	for _, row := range []struct {
		ahead time.Duration
		works bool
	}{{0, true}, {5 * time.Second, true}, {10 * time.Second, true}, {-10 * time.Second, true}, {-time.Minute, true}, {10 * time.Minute, false}, {24 * time.Hour, false}, {-24 * time.Hour, false}} {
		t.Run(fmt.Sprint(row.ahead), func(t *testing.T) {
			other.set(func(c *claimer) { c.ahead = row.ahead })
			b := g.browser()
			at := b.enter("other", "/")
			if row.works != (at.StatusCode == 200) || !row.works && at.StatusCode != 502 {
				t.Errorf("%d %s", at.StatusCode, at.body)
			}
			if !row.works {
				eventually(t, "the log names the clock", func() bool { return strings.Contains(g.logged(), "clock is") })
			}
			if at := b.ask("GET", "/"); row.works != (at.StatusCode == 200) {
				t.Errorf("afterwards: %d", at.StatusCode)
			}
		})
	}
}

// TestA234_AProviderThatIsDown at the start, or later: nothing opens, nobody is
// signed out, new logins with it get a page, and all is well when it is back.
func TestA234_AProviderThatIsDown(t *testing.T) {
	other, asked := newClaimer(t), newClaimer(t)
	other.set(func(c *claimer) { c.down = true })
	asked.set(func(c *claimer) { c.down = true })
	g := start(t, setup{extra: other.entry("other", "") + asked.entry("asked", ""), routes: tokenRoutes})
	b := g.browser()
	login := func() answer { return g.browser().open("/auth/asked/login?return_to=/") }
	if at := b.ask("GET", "/public"); at.StatusCode != 200 {
		t.Errorf("a public page: %d", at.StatusCode)
	}
	if at := b.ask("GET", "/"); at.StatusCode != 401 {
		t.Errorf("a page for people: %d", at.StatusCode)
	}
	if at := login(); at.StatusCode != 503 || at.Header.Get("Retry-After") == "" || !strings.Contains(at.body, "<h1>") || at.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("a login: %d %v", at.StatusCode, at.Header)
	}
	if at := b.signIn("grace", "/auth/dev/login?return_to=/"); at.StatusCode != 200 {
		t.Errorf("a login elsewhere: %d", at.StatusCode)
	}
	other.set(func(c *claimer) { c.down = false })
	asked.set(func(c *claimer) { c.down = false })
	// One that was asked while it was down is left alone for 15 seconds.
	if long(false, true) {
		eventually(t, "logins work again", func() bool { return login().StatusCode == 303 })
	}
	his := g.browser()
	if at := his.enter("other", "/"); at.StatusCode != 200 {
		t.Fatalf("%d %s", at.StatusCode, at.body)
	}
	other.set(func(c *claimer) { c.down = true })
	if at := his.ask("GET", "/"); at.StatusCode != 200 {
		t.Errorf("a session from before: %d", at.StatusCode)
	}
	if at := g.browser().ask("GET", "/"); at.StatusCode != 401 {
		t.Errorf("nobody: %d", at.StatusCode)
	}
	g.ready() // whatever a provider does
}

// TestPRX23_Drain: at the end readiness goes first, what is under way finishes, a
// callback too, and the process ends in good order.
func TestPRX23_Drain(t *testing.T) {
	g, other := startTwo(t, setup{routes: tokenRoutes, store: "file:wayleave.db"})
	b := g.browser()
	b.signIn("grace", "/auth/dev/login?return_to=/")
	arrived, release := make(chan struct{}), make(chan struct{})
	g.answerWith(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			close(arrived)
			<-release
			io.WriteString(w, "whole")
		}
	})
	held := make(chan struct{})
	other.set(func(c *claimer) { c.held = held })
	signing := g.browser()
	callback := signing.open(signing.open("/auth/other/login?return_to=/done").Header.Get("Location")).Header.Get("Location")
	answers := map[string]chan answer{"a request": make(chan answer, 1), "a callback": make(chan answer, 1)}
	go func() { answers["a request"] <- b.ask("GET", "/slow") }()
	go func() { answers["a callback"] <- signing.open(callback) }()
	<-arrived
	eventually(t, "the callback waits for the provider", func() bool { return other.waiting.Load() == 1 })

	if err := syscall.Kill(g.pid, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is not ready", func() bool {
		resp, err := http.Get("http://" + g.health + "/readyz")
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		var told struct {
			Ready   bool
			Reasons []string
		}
		json.NewDecoder(resp.Body).Decode(&told)
		return resp.StatusCode == 503 && !told.Ready && strings.Contains(fmt.Sprint(told.Reasons), "draining")
	})
	if resp, err := http.Get("http://" + g.health + "/livez"); err != nil || resp.StatusCode != 200 {
		t.Errorf("it does not live: %v %v", resp, err)
	}
	close(release)
	close(held)
	if at := <-answers["a request"]; at.StatusCode != 200 || at.body != "whole" {
		t.Errorf("a request under way: %d %q", at.StatusCode, at.body)
	}
	if at := <-answers["a callback"]; at.StatusCode != 303 || at.Header.Get("Location") != "/done" && at.Header.Get("Location") != g.base+"/done" {
		t.Errorf("a callback under way: %d %v", at.StatusCode, at.Header)
	}
	eventually(t, "the process has ended", func() bool { return gone(g.pid) })
	if !strings.Contains(g.logged(), `"msg":"ended"`) {
		t.Errorf("not in good order: %s", g.logged())
	}
}
