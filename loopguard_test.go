package wayleave_test

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// round goes from a page that needs a user round to that page again, in a
// browser that drops the session cookie. It returns the page on which the
// round ended before its time, or nothing.
func round(b *browser) (stopped *answer) {
	b.a.t.Helper()
	at := b.open("/wanted")
	for range 5 {
		location := at.Header.Get("Location")
		switch {
		case at.StatusCode != http.StatusSeeOther:
			return &at
		case location == "/wanted":
			b.forget("session")
			return nil
		case strings.HasPrefix(location, b.a.idp.Issuer()):
			at = b.open(b.authorize(location, true))
		default:
			at = b.open(location)
		}
	}
	return &at
}

const pageLoop = "400 Signing in did not stick"

// TestA127ALoopStops at the third start, with a page whose button works.
func TestA127ALoopStops(t *testing.T) {
	a := newApp(t)
	b := a.browser()
	for i := range 2 {
		if at := round(b); at != nil {
			t.Fatalf("round %d stopped: status %d: %s", i+1, at.StatusCode, text(*at))
		}
	}
	at := round(b)
	if at == nil {
		t.Fatal("the third round was not stopped")
	}
	checkPage(t, *at, pageLoop)
	if n := a.idp.Count("token"); n != 2 {
		t.Errorf("%d token requests, want 2", n)
	}
	_, link, _ := strings.Cut(at.body, `<a class="action primary" href="`)
	link, _, _ = strings.Cut(link, `"`)
	if link != "/auth/dev/login?return_to=%2Fwanted" {
		t.Fatalf("the button leads to %q", link)
	}
	if got := b.finish(b.authorize(b.begin(link), true)); got.body != "Hello Ada Marsh at /wanted" {
		t.Errorf("the button ended with status %d: %s", got.StatusCode, text(got))
	}
}

// TestA127TheButtonOfAStrangeAddress: it is there for every page that was asked for.
func TestA127TheButtonOfAStrangeAddress(t *testing.T) {
	a := newApp(t)
	b := a.browser()
	round(b)
	round(b)
	at := b.open(`/auth/dev/login?return_to=/\evil"><b>`)
	checkPage(t, at, pageLoop)
	if !strings.Contains(at.body, `href="/auth/dev/login?return_to=%2F%5Cevil%22%3E%3Cb%3E"`) {
		t.Errorf("the page is %s", text(at))
	}
}

// TestA127SlowRoundsAreNoLoop: the count is alive for a minute.
func TestA127SlowRoundsAreNoLoop(t *testing.T) {
	inTime(t, func(a *timed) {
		b := a.browser()
		for range 5 {
			if at := round(b); at != nil {
				t.Fatalf("stopped: status %d: %s", at.StatusCode, text(*at))
			}
			a.sleep(61 * time.Second)
		}
	})
}

// TestA127AnOldCountIsNone, even if the browser keeps the cookie for ever.
func TestA127AnOldCountIsNone(t *testing.T) {
	inTime(t, func(a *timed) {
		b := a.browser()
		round(b)
		round(b)
		kept := b.rawCookies()
		a.sleep(61 * time.Second)
		for name, value := range kept {
			b.setRaw(name, value)
		}
		b.forget("session")
		if at := round(b); at != nil {
			t.Errorf("stopped: status %d: %s", at.StatusCode, text(*at))
		}
	})
}

// TestA127LoginsThatWorkAreNoLoop: signing in and out, however fast.
func TestA127LoginsThatWorkAreNoLoop(t *testing.T) {
	a := newApp(t)
	b := a.browser()
	for range 5 {
		b.finish(b.callback("/wanted"))
		b.fetch("POST", "/auth/logout")
	}
	for range 5 {
		b.finish(b.callback("/wanted"))
	}
}

// TestA161ALoopCookieOfAnotherBrowser stops nobody.
func TestA161ALoopCookieOfAnotherBrowser(t *testing.T) {
	a := newDirectApp(t, newIDP(t), "http://localhost:8000")
	looping, b := a.browser(), a.browser()
	round(looping)
	round(looping)
	b.beginAt("/")
	for name, value := range looping.rawCookies() {
		if shortName(name) == "loop" {
			b.setRaw(name, value)
		}
	}
	if got := b.finish(b.callback("/wanted")); got.body != "Hello Ada Marsh at /wanted" {
		t.Errorf("ended with status %d: %s", got.StatusCode, text(got))
	}
}

// TestCBK15AProviderThatAlwaysRefuses leads to a page each time, never round.
func TestCBK15AProviderThatAlwaysRefuses(t *testing.T) {
	for fault, page := range map[string]string{"access-denied": pageDenied, "server-error": "503 Dev does not answer"} {
		t.Run(fault, func(t *testing.T) {
			a := newApp(t)
			a.idp.SetFaults(fault)
			b := a.browser()
			at := b.open("/wanted")
			at = b.open(at.Header.Get("Location"))
			provider := (&browser{a: a, client: &http.Client{CheckRedirect: b.client.CheckRedirect}}).open(at.Header.Get("Location"))
			checkPage(t, b.open(provider.Header.Get("Location")), page)
		})
	}
}
