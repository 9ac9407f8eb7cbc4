package browser_test

import (
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/wayleave/wayleave/test/browser"
)

// TestAPersonSignsIn is the whole way through Finance Tracker, on four kinds of
// screen.
func TestAPersonSignsIn(t *testing.T) {
	for name, screen := range map[string][]browser.Step{
		"on a desktop":       nil,
		"on a phone":         {browser.Phone()},
		"in the dark":        {browser.Dark()},
		"without JavaScript": {browser.NoScript()},
	} {
		t.Run(name, func(t *testing.T) {
			s := newTracker(t, 10*time.Minute)
			tab := browser.Start(t, browser.Options{}).Tab(t)
			tab.Do(screen...)
			tab.Do(
				browser.Goto(s.base),
				browser.WaitText("Know where your money goes"),
				browser.Screenshot("1-front"),
				browser.Click("G Sign in with Google"),
				browser.WaitURL(s.issuer+"/signin"),
				browser.WaitText("Choose an account"),
				browser.Screenshot("2-provider"),
				choose("ada"),
				browser.WaitText("Finance Tracker wants to access your email, profile and transactions"),
				browser.WaitText("See your e-mail address"),
				browser.WaitText("See your accounts and transactions, without changing anything"),
				browser.Screenshot("3-consent"),
				browser.Click("Allow"),
				browser.WaitText("Hello, Ada Marsh"),
				browser.Screenshot("4-dashboard"),
			)
			if tab.URL() != s.base+"/dashboard" {
				t.Errorf("signed in, but at %s", tab.URL())
			}
			for _, want := range []string{"ada@example.com", "Transactions", "Spending", "Sign out"} {
				if !strings.Contains(tab.Text(), want) {
					t.Errorf("the dashboard does not show %q", want)
				}
			}
			tab.Do(
				shows("a chart with bars", `svg.chart[role="img"] rect.bar`),
				shows("a table with rows", `table tbody tr`),
				browser.Click("See how this login worked"),
				browser.WaitText("The story of a login"),
				browser.Screenshot("5-logins"),
				browser.Action("open the login", chromedp.Click(`a.row`, chromedp.NodeVisible)),
				browser.WaitText("Read from top to bottom"),
				browser.Screenshot("6-trace"),
			)
			for _, want := range []string{"Step 1", "Step 2", "Step 3", "Step 4"} {
				if !strings.Contains(tab.Text(), want) {
					t.Errorf("the story of the login has no %q", want)
				}
			}
			if n := s.tokenRequests(); n != 1 {
				t.Errorf("%d token requests, want 1", n)
			}
		})
	}
}

// shows waits until an element can be seen.
func shows(what, selector string) browser.Step {
	return browser.Action("see "+what, chromedp.WaitVisible(selector))
}

// signIn is the shortest way to Finance Tracker's dashboard.
func (s *scene) signIn(tab *browser.Tab, person string) {
	tab.Do(browser.Goto(s.base+"/dashboard"), s.answer(person), browser.WaitText("Hello, "))
}

// TestAnExpiredTokenIsRenewedWithoutAsking: the page shows another access token
// when it is loaded again, and nobody had to sign in for it.
func TestAnExpiredTokenIsRenewedWithoutAsking(t *testing.T) {
	// A token counts as expired ten seconds early: this one after two.
	s := newTracker(t, 12*time.Second)
	tab := browser.Start(t, browser.Options{}).Tab(t)
	s.signIn(tab, "ada")
	before, asked := tokenShown(t, tab), s.idp.Count("authorize")
	eventually(t, "another access token", func() bool {
		tab.Do(browser.Reload(), browser.WaitText("The access token"))
		return tokenShown(t, tab) != before
	})
	tab.Do(browser.WaitText("Hello, Ada Marsh"), browser.Screenshot("renewed"))
	if !strings.Contains(tab.Text(), before) {
		t.Error("the page does not show the token that was replaced")
	}
	if n := s.idp.Count("authorize"); n != asked {
		t.Errorf("the browser was sent to the provider %d times to renew a token", n-asked)
	}
	if s.sessions() != 1 {
		t.Errorf("%d sessions, want 1", s.sessions())
	}
}

// tokenShown is the fingerprint of the access token in use.
func tokenShown(t *testing.T, tab *browser.Tab) string {
	t.Helper()
	_, after, _ := strings.Cut(tab.Text(), "secret:")
	fingerprint, _, _ := strings.Cut(after, "\n")
	if fingerprint = strings.TrimSpace(fingerprint); len(fingerprint) < 8 {
		t.Fatalf("the page shows no fingerprint of a token: %q", fingerprint)
	}
	return fingerprint[:8]
}

// TestDenied: who says no reads what that means, is not asked again by itself,
// and can change their mind.
func TestDenied(t *testing.T) {
	s := newTracker(t, 10*time.Minute)
	tab := browser.Start(t, browser.Options{}).Tab(t)
	tab.Do(
		browser.Goto(s.base),
		browser.Click("G Sign in with Google"),
		browser.WaitText("Choose an account"),
		choose("ada"),
		browser.WaitText("Finance Tracker wants to"),
		browser.Click("Deny"),
		browser.WaitText("You did not allow access"),
		browser.WaitText("Nothing was shared by Google"),
		browser.Screenshot("denied"),
	)
	denied, asked := tab.URL(), s.idp.Count("authorize")
	tab.Do(browser.Reload(), browser.WaitText("You did not allow access"))
	if tab.URL() != denied || s.idp.Count("authorize") != asked {
		t.Error("the page started a login by itself")
	}
	if s.tokenRequests() != 0 || s.sessions() != 0 {
		t.Errorf("after a refusal: %d token requests, %d sessions", s.tokenRequests(), s.sessions())
	}
	tab.Do(browser.Phone(), browser.Dark(), browser.Reload(), browser.WaitText("You did not allow access"), browser.Screenshot("denied-phone-dark"))
	tab.Do(browser.Click("Sign in again"), s.atTheProvider(), s.answer("ada"), browser.WaitText("Hello, Ada Marsh"), browser.WaitURL(s.base+"/dashboard"))
	if s.tokenRequests() != 1 {
		t.Errorf("%d token requests, want 1", s.tokenRequests())
	}

	// The refusal's address, from the history, while somebody is signed in.
	tab.Do(browser.Goto(denied), browser.WaitText("You did not allow access"))
	if name := s.who(tab); name != "Ada Marsh" {
		t.Errorf("an old refusal signed out: %s is there", name)
	}
}

// TestLogoutIsTheEnd: neither a page nor the way back nor an old address shows
// anything of the person, or signs them in by itself.
func TestLogoutIsTheEnd(t *testing.T) {
	s := newTracker(t, 10*time.Minute)
	tab := browser.Start(t, browser.Options{}).Tab(t)
	s.signIn(tab, "ada")
	callback := s.lastCallback()
	asked := s.idp.Count("authorize")
	tab.Do(
		browser.Click("Sign out"),
		browser.WaitText("You are signed out"),
		browser.WaitURL(s.base+"/auth/signed-out"),
		browser.Screenshot("signed-out"),
		browser.Reload(),
		browser.WaitText("You are signed out"),
	)
	if n := s.idp.Count("authorize"); n != asked {
		t.Error("signing out began a login")
	}
	if s.sessions() != 0 {
		t.Errorf("%d sessions live on", s.sessions())
	}

	tab.Do(browser.Back(), browser.WaitURL(s.issuer+"/signin"))
	if strings.Contains(tab.Text(), "Hello, Ada") {
		t.Error("Back shows the dashboard")
	}
	if name := s.who(tab); name != "nobody" {
		t.Errorf("after Back, %s is signed in", name)
	}

	asked = s.idp.Count("authorize")
	tab.Do(browser.Goto(callback), browser.WaitText("This sign-in is already finished"), browser.Screenshot("callback-after-logout"))
	if s.idp.Count("authorize") != asked || s.tokenRequests() != 1 {
		t.Error("an old callback began a login, or asked for tokens")
	}
	if name := s.who(tab); name != "nobody" {
		t.Errorf("an old callback signed %s in", name)
	}
	tab.Do(browser.Goto(callback), browser.Click("Sign in again"), s.atTheProvider(), s.answer("ada"), browser.WaitText("Hello, Ada Marsh"))

	tab.Do(browser.Goto(s.base+"/auth/logout"), browser.WaitText("Do you want to sign out of Finance Tracker?"), browser.Screenshot("logout-question"),
		browser.Click("Sign out"), browser.WaitURL(s.base+"/auth/signed-out"), browser.WaitText("You are signed out"),
		browser.Goto(s.base+"/dashboard"), browser.WaitURL(s.issuer+"/signin"))
}
