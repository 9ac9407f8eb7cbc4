package browser_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/wayleave/wayleave/test/browser"
)

// evaluate runs a script of the page, waits for what it promises, and keeps it.
func evaluate[T any](script string, into *T) func(context.Context, *chromedp.Target) error {
	return func(ctx context.Context, _ *chromedp.Target) (err error) {
		*into, err = chromedp.Run(ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
		return err
	}
}

// pressIn presses the button of the form that goes there and has that field.
func pressIn(action, field string) browser.Step {
	return browser.Action("press the button for "+action+" "+field,
		chromedp.Click(chromedp.Search(`//form[@action="`+action+`"][input[@name="`+field+`"]]/button`), chromedp.NodeVisible))
}

// TestSES20_TheAccountPageInTwoBrowsers: a person sees both, ends the other one,
// all others, what is connected, and in the end this one.
func TestSES20_TheAccountPageInTwoBrowsers(t *testing.T) {
	s := newTracker(t, 10*time.Minute)
	here := browser.Start(t, browser.Options{}).Tab(t)
	there := browser.Start(t, browser.Options{Flags: map[string]string{
		"user-agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1"}}).Tab(t)
	s.signIn(here, "ada")
	s.signIn(there, "ada")
	here.Do(browser.Goto(s.base+"/auth/account"), browser.WaitText("Where you are signed in"))
	text := here.Text()
	mine, theirs := strings.Index(text, "Chrome on Linux"), strings.Index(text, "Safari on iPhone")
	if mine < 0 || theirs < mine || !strings.Contains(text, "This browser") || !strings.Contains(text, "ada@example.com") || !strings.Contains(text, "Connected accounts") {
		t.Errorf("the page says %q", text)
	}
	here.Do(browser.Screenshot("1-two-browsers"))

	here.Do(pressIn("/auth/account/end", "session"), browser.WaitText("That session is signed out."), browser.Screenshot("2-one-ended"))
	there.Do(browser.Goto(s.base+"/dashboard"), s.atTheProvider())
	if s.sessions() != 1 {
		t.Errorf("%d sessions live on", s.sessions())
	}

	there.Do(s.answer("ada"), browser.WaitText("Hello, Ada Marsh"))
	here.Do(browser.Goto(s.base+"/auth/account"), browser.WaitText("Safari on iPhone"), browser.Click("Sign out everywhere else"), browser.WaitText("All other sessions are signed out."))
	if name := s.who(there); name != "nobody" {
		t.Errorf("on the other browser %s is signed in", name)
	}

	here.Do(pressIn("/auth/account/disconnect", "provider"), browser.WaitText("is disconnected."), browser.Screenshot("3-disconnected"))
	eventually(t, "the grant is given back", func() bool { return s.idp.Count("revoke") > 0 })
	here.Do(browser.Goto(s.base+"/dashboard"), browser.WaitText("Finance Tracker has lost its access"), browser.Screenshot("4-without-access"),
		browser.Click("Sign in again"), s.atTheProvider(), s.answer("ada"), browser.WaitText("Transactions"))

	here.Do(browser.Goto(s.base+"/auth/account"), browser.WaitText("Where you are signed in"),
		browser.Action("sign out here", chromedp.Click(`form[action="/auth/logout"] button`, chromedp.NodeVisible)),
		browser.WaitText("You are signed out"), browser.WaitURL(s.base+"/auth/signed-out"))
	if s.sessions() != 0 || s.idp.Count("end_session") != 1 {
		t.Errorf("%d sessions live on, %d visits to the provider's logout", s.sessions(), s.idp.Count("end_session"))
	}
}

// TestTheAccountPageOnEveryScreen is for looking at.
func TestTheAccountPageOnEveryScreen(t *testing.T) {
	s := newTracker(t, 10*time.Minute)
	tab := browser.Start(t, browser.Options{}).Tab(t)
	for _, userAgent := range []string{
		"Mozilla/5.0 (iPad; CPU OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/142.0.7444.46 Mobile/15E148 Safari/604.1",
		"Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36",
	} {
		other := browser.Start(t, browser.Options{Flags: map[string]string{"user-agent": userAgent}})
		s.signIn(other.Tab(t), "ada")
		other.Close(t)
	}
	s.signIn(tab, "ada")
	tab.Do(browser.Goto(s.base+"/auth/account"), browser.WaitText("Samsung Internet on Android"))
	everyLight(tab, "account", "Where you are signed in")
	var wide bool
	tab.Do(browser.Action("measure", chromedp.Func(evaluate(`document.documentElement.scrollWidth > innerWidth`, &wide))))
	if wide {
		t.Error("on a phone the page is wider than the screen")
	}
}
