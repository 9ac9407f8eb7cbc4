package browser_test

import (
	"testing"

	"github.com/wayleave/wayleave/test/browser"
)

// TestA009TheCallbackInAnotherBrowser: the address with code and state reaches
// another profile, while the first browser is still on its way. The other one
// has to sign in for itself, and the first one can still finish.
func TestA009TheCallbackInAnotherBrowser(t *testing.T) {
	s := newEcho(t)
	first := browser.Start(t, browser.Options{}).Tab(t)
	other := browser.Start(t, browser.Options{}).Tab(t)

	// The first browser's request is lost on its way, and its address known.
	s.visits.lose("/callback")
	first.Do(browser.Goto(s.base+"/mine"), s.answer("ada"), browser.WaitText("lost"))
	callback := s.lastCallback()
	s.visits.lose("")

	other.Do(browser.Goto(callback), browser.WaitURL(s.issuer+"/signin"), browser.WaitText("Choose an account"), browser.Screenshot("another-browser"))
	if name := s.who(other); name != "nobody" {
		t.Errorf("the other browser is signed in as %s", name)
	}
	if s.tokenRequests() != 0 {
		t.Error("the other browser's visit redeemed the code")
	}
	other.Do(browser.Goto(callback), s.answer("grace"), browser.WaitText("Hello Grace Okoye at /mine"))
	if name := s.who(other); name != "Grace Okoye" {
		t.Errorf("the other browser, signed in for itself, is %s", name)
	}

	first.Do(browser.Goto(callback), browser.WaitText("Hello Ada Marsh at /mine"))
	other.Do(browser.Goto(callback), browser.WaitText("Hello Grace Okoye at /mine"))
	if name := s.who(first); name != "Ada Marsh" {
		t.Errorf("the first browser is signed in as %s", name)
	}
	if s.tokenRequests() != 2 || s.sessions() != 2 {
		t.Errorf("%d token requests and %d sessions, want one of each for each of them", s.tokenRequests(), s.sessions())
	}
}

// TestA001A002A010LoginCSRF: somebody makes a browser open a complete callback
// of their own. Nobody becomes somebody else by it.
func TestA001A002A010LoginCSRF(t *testing.T) {
	t.Run("a browser that was never here", func(t *testing.T) {
		s := newEcho(t)
		mallory := s.stranger()
		callback := mallory.callback("grace", "/trap")
		victim := browser.Start(t, browser.Options{}).Tab(t)
		victim.Do(browser.Goto(callback), browser.WaitURL(s.issuer+"/signin"), browser.WaitText("Choose an account"))
		if name := s.who(victim); name != "nobody" {
			t.Errorf("the victim became %s", name)
		}
		if s.tokenRequests() != 0 {
			t.Error("the attacker's code was redeemed for the victim")
		}
		victim.Do(browser.Goto(callback), s.answer("ada"), browser.WaitText("Hello Ada Marsh at /trap"))
		if name := s.who(victim); name != "Ada Marsh" {
			t.Errorf("the victim is %s", name)
		}
		// A002: the attacker's login was not used up by the victim's visit.
		if at := mallory.open(callback); at != s.base+"/trap" {
			t.Errorf("the attacker's own login ended at %q", at)
		}
	})
	t.Run("a browser that is signed in as somebody else", func(t *testing.T) {
		s := newEcho(t)
		victim := browser.Start(t, browser.Options{}).Tab(t)
		victim.Do(browser.Goto(s.base+"/"), s.answer("ada"), browser.WaitText("Hello Ada Marsh at /"))
		mallory := s.stranger()
		for _, callback := range []string{mallory.callback("grace", "/trap"), mallory.callback("lin", "/trap")} {
			victim.Do(browser.Goto(callback), browser.WaitText("Hello Ada Marsh at /trap"))
		}
		if s.tokenRequests() != 1 || s.sessions() != 1 {
			t.Errorf("%d token requests and %d sessions, want those of the victim's login", s.tokenRequests(), s.sessions())
		}
	})
	t.Run("a state that nobody sealed", func(t *testing.T) {
		s := newEcho(t)
		code := query(t, s.stranger().callback("grace", "/trap"), "code")
		victim := browser.Start(t, browser.Options{}).Tab(t)
		victim.Do(browser.Goto(s.base+"/auth/dev/callback?state=attacker&code="+code), browser.WaitText("This sign-in link is not valid"), browser.Screenshot("forged-state"))
		if victim.URL() == s.issuer || s.idp.Count("authorize") != 1 {
			t.Error("a login began by itself")
		}
		victim.Do(browser.Click("Sign in again"), s.atTheProvider(), s.answer("ada"), browser.WaitText("Hello Ada Marsh at /"))
	})
}
