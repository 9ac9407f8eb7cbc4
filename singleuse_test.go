package wayleave_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wayleave/wayleave"
	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/provider"
)

// gate holds logins in the middle of their exchange, after the code was redeemed.
type gate struct{ reached, open chan struct{} }

func newGate() *gate { return &gate{make(chan struct{}, 100), make(chan struct{})} }

func (g *gate) install(c *wayleave.Config) {
	c.OnSignIn = func(ctx context.Context, _ *provider.Identity) error {
		g.reached <- struct{}{}
		select {
		case <-g.open:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// deliver opens a callback with exactly the cookies that the browser has now,
// and reports through the channel.
func (b *browser) deliver(ctx context.Context, callback string) <-chan answer {
	b.a.t.Helper()
	twin := b.a.browser()
	for name, value := range b.rawCookies() {
		twin.setRaw(name, value)
	}
	out := make(chan answer, 1)
	r := twin.request("GET", callback, "Accept", "text/html", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document").WithContext(ctx)
	go func() {
		defer close(out)
		if resp, err := twin.client.Do(r); err == nil {
			resp.Body.Close()
			out <- answer{Response: resp}
		}
	}()
	return out
}

func TestA119AHundredDeliveriesOfOneCallback(t *testing.T) {
	a := newApp(t)
	b := a.browser()
	callback := b.callback("/wanted")
	var answers []<-chan answer
	for range 100 {
		answers = append(answers, b.deliver(t.Context(), callback))
	}
	ids := map[string]int{}
	for _, c := range answers {
		at, ok := <-c
		if !ok || at.StatusCode != http.StatusSeeOther || at.Header.Get("Location") != "/wanted" {
			t.Errorf("answer %+v, want 303 to /wanted", at.Response)
			continue
		}
		for _, c := range at.Cookies() {
			if shortName(c.Name) == "session" {
				ids[c.Value]++
			}
		}
	}
	if len(ids) != 1 || a.store.Len("session") != 1 || a.sessionGrants(1) != 1 {
		t.Errorf("%d session cookies, %d sessions, %d grants; want one of each", len(ids), a.store.Len("session"), a.sessionGrants(1))
	}
	for _, n := range ids {
		if n != 100 {
			t.Errorf("%d of 100 answers set the session", n)
		}
	}
	if n := a.idp.Count("token"); n != 1 {
		t.Errorf("%d token requests, want 1", n)
	}
}

func TestA086HangingUpDuringTheExchangeAndReloading(t *testing.T) {
	g := newGate()
	a := newApp(t, g.install)
	b := a.browser()
	callback := b.callback("/wanted")
	ctx, hangUp := context.WithCancel(t.Context())
	gone := b.deliver(ctx, callback)
	<-g.reached
	hangUp()
	if _, ok := <-gone; ok {
		t.Fatal("the browser that hung up got an answer")
	}
	reload := b.deliver(t.Context(), callback)
	close(g.open)
	at := <-reload
	if at.StatusCode != http.StatusSeeOther || at.Header.Get("Location") != "/wanted" || !strings.Contains(setCookies(at), "session") {
		t.Fatalf("reload: status %d to %q, cookies %s", at.StatusCode, at.Header.Get("Location"), setCookies(at))
	}
	if tokens, sessions := a.idp.Count("token"), a.store.Len("session"); tokens != 1 || sessions != 1 {
		t.Errorf("%d token requests and %d sessions, want one of each", tokens, sessions)
	}
}

// TestA139HangingUpWhileSomebodyElseIsSignedIn: the reload arrives with the old
// session, which the login that is under way ends.
func TestA139HangingUpWhileSomebodyElseIsSignedIn(t *testing.T) {
	g := newGate()
	first := true
	a := newApp(t, g.install, func(c *wayleave.Config) {
		hold := c.OnSignIn
		c.OnSignIn = func(ctx context.Context, id *provider.Identity) error {
			if first {
				first = false
				return nil
			}
			return hold(ctx, id)
		}
	})
	b := a.browser()
	b.signIn("/wanted")
	b.robot = newRobot()
	callback := b.authorizeAs(b.beginAt("/wanted"), "grace", true)
	ctx, hangUp := context.WithCancel(t.Context())
	b.deliver(ctx, callback)
	<-g.reached
	hangUp()
	reload := b.deliver(t.Context(), callback)
	close(g.open)
	at := <-reload
	for _, c := range at.Cookies() {
		b.setRaw(c.Name, c.Value)
	}
	if user := b.user(); !strings.Contains(user, `"subject":"grace"`) || a.store.Len("session") != 1 || a.sessionGrants(2) != 1 {
		t.Errorf("signed in is %s; %d sessions, %d grants", user, a.store.Len("session"), a.sessionGrants(2))
	}
}

func TestA086ARequestThatMayNotLastAsLongAsTheExchange(t *testing.T) {
	g := newGate()
	a := newDirectApp(t, newIDP(t), "http://localhost:8000", g.install)
	b := a.browser()
	callback := b.callback("/wanted")
	ctx, cut := context.WithCancel(t.Context())
	a.wire = cutShort{direct{a}, ctx}
	short := a.browser()
	for name, value := range b.rawCookies() {
		short.setRaw(name, value)
	}
	go func() {
		<-g.reached
		cut()
	}()
	at := short.open(callback)
	checkPage(t, at, "503 We cannot check who you are right now")
	if at.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	close(g.open)
	if got := b.finish(callback); got.body != "Hello Ada Marsh at /wanted" {
		t.Errorf("reload ended with %q", got.body)
	}
	if n := a.idp.Count("token"); n != 1 {
		t.Errorf("%d token requests, want 1", n)
	}
}

// cutShort ends the requests of a server while their browsers wait on.
type cutShort struct {
	direct
	ctx context.Context
}

func (c cutShort) RoundTrip(r *http.Request) (*http.Response, error) {
	return c.serve(r.WithContext(c.ctx)), nil
}

func TestA119TheOutcomeIsKeptForAMinute(t *testing.T) {
	inTime(t, func(a *timed) {
		b := a.browser()
		callback := b.callback("/wanted")
		b.finish(callback)
		session := b.cookies()["session"]
		for _, step := range []struct {
			wait time.Duration
			kept bool
		}{{0, true}, {58 * time.Second, true}, {3 * time.Second, false}, {time.Minute, false}} {
			a.sleep(step.wait)
			b.forget("session")
			at := b.open(callback)
			if step.kept {
				if at.Header.Get("Location") != "/wanted" || b.cookies()["session"] != session {
					t.Errorf("after %v: status %d to %q; cookies %s", step.wait, at.StatusCode, at.Header.Get("Location"), setCookies(at))
				}
				continue
			}
			checkPage(t, at, pageUsed)
		}
		if n := a.idp.Count("token"); n != 1 {
			t.Errorf("%d token requests, want 1", n)
		}
	})
}

// TestA008TheClaimOutlivesTheState: as long as a state is good, it is known
// that it was used.
func TestA008TheClaimOutlivesTheState(t *testing.T) {
	inTime(t, func(a *timed) {
		b := a.browser()
		callback := b.callback("/wanted")
		b.finish(callback)
		b.forget("session")
		a.sleep(oauth.StateLifetime - time.Second)
		checkPage(t, b.open(callback), pageUsed)
		a.sleep(2 * time.Second)
		if at := b.open(callback); !a.restarts(at) {
			t.Errorf("when the state has expired: status %d to %q, want the login to start again", at.StatusCode, at.Header.Get("Location"))
		}
		if n := a.idp.Count("token"); n != 1 {
			t.Errorf("%d token requests, want 1", n)
		}
	})
}

func TestA118BackAfterLogout(t *testing.T) {
	a := newApp(t)
	b := a.browser()
	callback := b.callback("/wanted")
	b.finish(callback)
	if at := b.fetch("POST", "/auth/logout"); at.StatusCode != http.StatusOK {
		t.Fatalf("logout: status %d", at.StatusCode)
	}
	at := b.open(callback)
	checkPage(t, at, pageUsed)
	if !strings.Contains(at.body, "/auth/dev/login") || b.user() != "" {
		t.Errorf("page without a button, or signed in again as %q: %s", b.user(), text(at))
	}
}

func TestA009ACodeAfterAnErrorForTheSameState(t *testing.T) {
	a := newApp(t)
	b := a.browser()
	callback := b.callback("/wanted")
	checkPage(t, b.open(denied(t, callback)), pageDenied)
	if at := b.open(callback); !a.restarts(at) {
		t.Errorf("status %d to %q, want the login to start again", at.StatusCode, at.Header.Get("Location"))
	}
	if n := a.idp.Count("token"); n != 0 {
		t.Errorf("%d token requests, want none", n)
	}
}

// TestA008AReloadDoesNotSwitchSessions: two tabs ended at the same instant, so
// that both sessions live; the browser keeps the second one.
func TestA008AReloadDoesNotSwitchSessions(t *testing.T) {
	a := newApp(t)
	b := a.browser()
	b.beginAt("/")
	tabs := openTabs(b, []string{"/one", "/two"})
	first, second := b.deliver(t.Context(), tabs[0].callback), b.deliver(t.Context(), tabs[1].callback)
	for _, at := range []answer{<-first, <-second} {
		b.client.Jar.SetCookies(b.request("GET", "/").URL, at.Cookies())
	}
	_, id := sessionCookieOf(b)
	for _, tab := range tabs {
		at := b.open(tab.callback)
		if at.Header.Get("Location") != tab.page || strings.Contains(setCookies(at), "session") {
			t.Errorf("reload: status %d to %q, cookies %s", at.StatusCode, at.Header.Get("Location"), setCookies(at))
		}
	}
	if _, now := sessionCookieOf(b); now != id {
		t.Error("the session was switched")
	}
}

// TestA009TheOwnerCanStillFinish: what arrives in the wrong browser uses nothing up.
func TestA009TheOwnerCanStillFinish(t *testing.T) {
	a := newApp(t)
	owner, other := a.browser(), a.browser()
	callback := owner.callback("/wanted")
	other.open(callback)
	other.open(denied(t, callback))
	if got := owner.finish(callback); got.body != "Hello Ada Marsh at /wanted" {
		t.Errorf("ended with %q", got.body)
	}
}

// TestA009DifferentLoginsAtOnce: each of many browsers gets its own session.
func TestA009DifferentLoginsAtOnce(t *testing.T) {
	a := newApp(t)
	var wg sync.WaitGroup
	for range 20 {
		b := a.browser()
		callback := b.callback("/wanted")
		wg.Go(func() { <-b.deliver(t.Context(), callback) })
	}
	wg.Wait()
	if tokens, sessions := a.idp.Count("token"), a.store.Len("session"); tokens != 20 || sessions != 20 {
		t.Errorf("%d token requests and %d sessions, want 20 of each", tokens, sessions)
	}
}
