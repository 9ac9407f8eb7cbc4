package wayleave_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/store/memory"
)

// arrival is one way in which a callback can arrive that cannot be completed.
// It returns the callback, for which nothing may be redeemed any more.
type arrival struct {
	name string
	make func(b *browser) string
	// What becomes of it: "page: TITLE", "restart", or the path it leads to.
	signedIn, signedOut string
}

const (
	pageNotOurs   = "400 This sign-in link is not valid"
	pageTooLong   = "400 Sign-in took too long"
	pageElsewhere = "400 This sign-in began in another browser"
	pageCookies   = "400 Your browser blocked a cookie"
	pageUsed      = "400 This sign-in is already finished"
	pageDenied    = "403 You did not allow access"
	restart       = "restart"
)

var arrivals = []arrival{
	{"A001 no state", func(b *browser) string { return with(b.a.t, b.callback("/wanted"), "state", "") }, pageNotOurs, pageNotOurs},
	{"A001 a state that nobody sealed", func(b *browser) string { return with(b.a.t, b.callback("/wanted"), "state", "anything") }, pageNotOurs, pageNotOurs},
	{"A004 a prefix of the state", func(b *browser) string {
		cb := b.callback("/wanted")
		return with(b.a.t, cb, "state", param(b.a.t, cb, "state")[:100])
	}, pageNotOurs, pageNotOurs},
	{"A162 a state of another app with the same keys", func(b *browser) string {
		cb := b.callback("/wanted")
		other, err := oauth.NewSealer("https://other.example", b.a.cfg.Keys...)
		if err != nil {
			b.a.t.Fatal(err)
		}
		return with(b.a.t, cb, "state", other.Begin(b.a.opened(cb).Pending).State())
	}, pageNotOurs, pageNotOurs},

	{"A002 another browser's", func(b *browser) string { return b.a.browser().callback("/wanted") }, "/wanted", restart},
	{"A009 another browser's, which has completed it", func(b *browser) string {
		other := b.a.browser()
		cb := other.callback("/wanted")
		other.finish(cb)
		return cb
	}, "/wanted", pageUsed},
	{"another browser's, started again three times", func(b *browser) string {
		return b.a.reseal(b.a.browser().callback("/wanted"), func(p *oauth.Pending) { p.Attempt = 3 })
	}, "/wanted", pageCookies},
	{"A012 another browser's, started again while tabs still set cookies", func(b *browser) string {
		return b.a.reseal(b.a.browser().callback("/wanted"), func(p *oauth.Pending) { p.Attempt = 2 })
	}, "/wanted", restart},
	{"another browser's, started again before, in one that keeps no cookie", func(b *browser) string {
		cb := b.a.reseal(b.callback("/wanted"), func(p *oauth.Pending) { p.Attempt = 1 })
		b.forget("browser")
		return cb
	}, "/wanted", pageCookies},

	{"A006 bound to no browser, in one without a binding cookie", func(b *browser) string {
		cb := b.a.reseal(b.callback("/wanted"), func(p *oauth.Pending) { p.Browser = oauth.HashBrowser("") })
		b.forget("browser")
		return cb
	}, "/wanted", restart},

	{"A019 expired", func(b *browser) string { return b.a.reseal(b.callback("/wanted"), expired) }, "/wanted", restart},
	{"A019 expired, started again before", func(b *browser) string {
		return b.a.reseal(b.callback("/wanted"), func(p *oauth.Pending) { expired(p); p.Attempt = 1 })
	}, "/wanted", pageTooLong},
	{"from before a restart of the app", func(b *browser) string {
		return b.a.reseal(b.callback("/wanted"), func(p *oauth.Pending) { p.Process++ })
	}, "/wanted", restart},

	{"its exchange failed", func(b *browser) string { return failedOnce(b, b.callback("/wanted")) }, "/wanted", restart},
	{"its exchange failed, started again before", func(b *browser) string {
		return failedOnce(b, b.a.reseal(b.callback("/wanted"), func(p *oauth.Pending) { p.Attempt = 1 }))
	}, "/wanted", pageUsed},

	{"A008 completed", func(b *browser) string { return completedThenSignedOut(b) }, "/wanted", pageUsed},

	{"an error", func(b *browser) string { return denied(b.a.t, b.callback("/wanted")) }, pageDenied, pageDenied},
	{"an error, reloaded", func(b *browser) string {
		cb := denied(b.a.t, b.callback("/wanted"))
		b.open(cb)
		return cb
	}, pageDenied, pageDenied},
	{"an error of an expired login", func(b *browser) string { return denied(b.a.t, b.a.reseal(b.callback("/wanted"), expired)) }, pageDenied, pageDenied},
	{"an error of another browser's login", func(b *browser) string { return denied(b.a.t, b.a.browser().callback("/wanted")) }, pageDenied, pageDenied},
	{"an error of a completed login", func(b *browser) string { return denied(b.a.t, completedThenSignedOut(b)) }, pageDenied, pageDenied},
	{"an error of a login whose exchange failed", func(b *browser) string { return denied(b.a.t, failedOnce(b, b.callback("/wanted"))) }, pageDenied, pageDenied},
	{"A024 an error in the name of another issuer", func(b *browser) string {
		return with(b.a.t, denied(b.a.t, b.callback("/wanted")), "iss", "https://evil.example")
	}, pageNotOurs, pageNotOurs},
	{"A024 an error in the name of another issuer, of an expired login", func(b *browser) string {
		return with(b.a.t, denied(b.a.t, b.a.reseal(b.callback("/wanted"), expired)), "iss", "https://evil.example")
	}, pageTooLong, pageTooLong},
	{"A054 an error with a guessed state", func(b *browser) string { return b.a.base + "/auth/dev/callback?error=login_required&state=guess" }, pageNotOurs, pageNotOurs},

	{"A010 another intent", func(b *browser) string { return b.a.reseal(b.callback("/wanted"), linking) }, pageNotOurs, pageNotOurs},
	{"A010 another intent, another browser's", func(b *browser) string { return b.a.reseal(b.a.browser().callback("/wanted"), linking) }, pageElsewhere, pageElsewhere},
	{"A010 another intent, expired", func(b *browser) string {
		return b.a.reseal(b.callback("/wanted"), func(p *oauth.Pending) { linking(p); expired(p) })
	}, pageTooLong, pageTooLong},

	{"A022 at another provider's path", func(b *browser) string {
		return strings.Replace(b.callback("/wanted"), "/auth/dev/", "/auth/second/", 1)
	}, pageNotOurs, pageNotOurs},
	{"a login of an entry that has changed", func(b *browser) string {
		return b.a.reseal(b.callback("/wanted"), func(p *oauth.Pending) { p.Entry[0]++ })
	}, pageNotOurs, pageNotOurs},
}

func linking(p *oauth.Pending) { p.Intent, p.Person = oauth.Link, "somebody" }

// failedOnce opens a callback while the provider fails.
func failedOnce(b *browser, callback string) string {
	b.a.t.Helper()
	b.a.idp.SetFaults("wrong-nonce")
	if at := b.open(callback); at.StatusCode != http.StatusBadGateway {
		b.a.t.Fatalf("status %d, want the exchange to fail: %s", at.StatusCode, text(at))
	}
	b.a.idp.SetFaults()
	return callback
}

// completedThenSignedOut completes a login in a copy of the browser's cookies
// and ends that session at once, so that the browser itself keeps its own.
func completedThenSignedOut(b *browser) string {
	b.a.t.Helper()
	cb := b.callback("/wanted")
	twin := b.a.browser()
	for name, value := range b.rawCookies() {
		if shortName(name) != "session" {
			twin.setRaw(name, value)
		}
	}
	twin.finish(cb)
	twin.fetch("POST", "/auth/logout")
	return cb
}

// setRaw puts a cookie into the browser.
func (b *browser) setRaw(name, value string) {
	r := b.request("GET", "/")
	b.client.Jar.SetCookies(r.URL, []*http.Cookie{{Name: name, Value: value, Path: "/", Secure: r.URL.Scheme == "https"}})
}

// TestA009CallbacksThatCannotBeCompleted opens each of the arrivals in a
// browser with a session and in one without.
func TestA009CallbacksThatCannotBeCompleted(t *testing.T) {
	a := newDirectApp(t, newIDP(t), "http://localhost:8000", twoProviders)
	for _, row := range arrivals {
		t.Run(row.name+", with a session", func(t *testing.T) {
			a.during(t)
			b := a.browser()
			b.finish(b.callback("/first"))
			checkArrival(t, b, row.make(b), row.signedIn)
		})
		t.Run(row.name+", without one", func(t *testing.T) {
			a.during(t)
			b := a.browser()
			b.beginAt("/first") // for the binding cookie
			checkArrival(t, b, row.make(b), row.signedOut)
		})
	}
}

func checkArrival(t *testing.T, b *browser, callback, want string) {
	t.Helper()
	a := b.a
	user, cookies, tokens, sessions := b.user(), b.cookies(), a.idp.Count("token"), a.store.Len("session")
	at := b.open(callback)
	switch {
	case want == restart:
		if !a.restarts(at) {
			t.Fatalf("status %d to %q, want the login to start again: %s", at.StatusCode, at.Header.Get("Location"), text(at))
		}
		next := a.opened(at.Header.Get("Location"))
		if next.Attempt != a.opened(callback).Attempt+1 || next.ReturnTo != "/wanted" {
			t.Errorf("started again as attempt %d for %q", next.Attempt, next.ReturnTo)
		}
	case strings.HasPrefix(want, "/"):
		if at.StatusCode != http.StatusSeeOther || at.Header.Get("Location") != want {
			t.Errorf("status %d to %q, want 303 to %s: %s", at.StatusCode, at.Header.Get("Location"), want, text(at))
		}
	default:
		checkPage(t, at, want)
		if !strings.Contains(at.body, `class="action primary" href="/auth/`) {
			t.Errorf("the page has no button to sign in: %s", text(at))
		}
	}
	if n := a.idp.Count("token") - tokens; n != 0 {
		t.Errorf("%d token requests were made", n)
	}
	if n := a.store.Len("session"); n != sessions {
		t.Errorf("%d sessions became %d", sessions, n)
	}
	if now := b.user(); now != user {
		t.Errorf("session was %q, became %q", user, now)
	}
	now := b.cookies()
	for name, value := range cookies {
		if now[name] != value {
			t.Errorf("the %s cookie was replaced", name)
		}
	}
	if len(now) != len(cookies) && !(want == restart && cookies["browser"] == "") {
		t.Errorf("the answer sets cookies: %s", setCookies(at))
	}
}

// checkPage checks status and title of a page, given as "STATUS TITLE", and
// that it lets nothing in and out.
func checkPage(t *testing.T, at answer, want string) {
	t.Helper()
	got := at.Status[:3] + " " + title(at)
	if got != want {
		t.Errorf("page is %q, want %q", got, want)
	}
	if at.Header.Get("Location") != "" {
		t.Errorf("and it leads to %q", at.Header.Get("Location"))
	}
	checkHeaders(t, at)
}

func title(at answer) string {
	_, rest, _ := strings.Cut(at.body, "<h1>")
	text, _, _ := strings.Cut(rest, "</h1>")
	return strings.ReplaceAll(text, "&#39;", "'")
}

// TestA019StartsAgainOnlyOnce follows a browser that keeps no cookies.
func TestA019StartsAgainOnlyOnce(t *testing.T) {
	a := newDirectApp(t, newIDP(t), "http://localhost:8000")
	b := a.browser()
	callback := b.callback("/wanted")
	b.forget("browser")
	at := b.open(callback)
	if !a.restarts(at) {
		t.Fatalf("status %d, want the login to start again: %s", at.StatusCode, text(at))
	}
	b.forget("browser")
	checkPage(t, b.open(b.authorize(at.Header.Get("Location"), true)), pageCookies)
	if n := a.idp.Count("token"); n != 0 {
		t.Errorf("%d token requests were made", n)
	}
}

// TestA019TheRestartedLoginEndsOnThePage follows a browser that took too long.
func TestA019TheRestartedLoginEndsOnThePage(t *testing.T) {
	for name, page := range map[string]string{"short": "/wanted?x=1", "long": "/wanted?x=" + strings.Repeat("y", 1900)} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(a *timed) {
				b := a.browser()
				callback := b.callback(page)
				a.sleep(oauth.StateLifetime + 1e9)
				at := b.open(callback)
				if name == "long" {
					// The cookie lives as long as the login it belongs to: the person is told.
					checkPage(t, b.open(b.authorize(at.Header.Get("Location"), true)), "200 You are signed in")
					return
				}
				if got := b.finish(b.authorize(at.Header.Get("Location"), true)); got.body != "Hello Ada Marsh at "+page {
					t.Errorf("ended with %q", got.body)
				}
			})
		})
	}
}

// TestA019AnotherAuthOnTheStoreGoesOn: an app that reads its configuration anew
// replaces its Auth and keeps its store, and with it the claims.
func TestA019AnotherAuthOnTheStoreGoesOn(t *testing.T) {
	a := newApp(t)
	b := a.browser()
	callback := b.callback("/wanted")
	a.serve(a.cfg)
	if got := b.finish(callback); got.body != "Hello Ada Marsh at /wanted" {
		t.Errorf("ended with %q", got.body)
	}
	if n := a.idp.Count("token"); n != 1 {
		t.Errorf("%d token requests", n)
	}
	// What the first Auth completed, the next one does not complete again.
	callback = b.callback("/wanted")
	b.finish(callback)
	a.serve(a.cfg)
	if at := b.open(callback); at.StatusCode != http.StatusSeeOther || a.idp.Count("token") != 2 {
		t.Errorf("again: status %d, %d token requests", at.StatusCode, a.idp.Count("token"))
	}
}

// TestA019ARestartOfTheAppRestartsLogins: with a store of one process, claims
// may end with it; the logins that they protect are begun again.
func TestA019ARestartOfTheAppRestartsLogins(t *testing.T) {
	a := newApp(t)
	b := a.browser()
	callback := b.callback("/wanted")
	a.cfg.Store = memory.New(memory.Options{}) // as after the end of the process
	a.serve(a.cfg)
	at := b.open(callback)
	if !a.restarts(at) {
		t.Fatalf("status %d, want the login to start again: %s", at.StatusCode, text(at))
	}
	if n := a.idp.Count("token"); n != 0 {
		t.Errorf("%d token requests were made", n)
	}
	if got := b.finish(b.authorize(at.Header.Get("Location"), true)); got.body != "Hello Ada Marsh at /wanted" {
		t.Errorf("ended with %q", got.body)
	}
}
