package browser_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/wayleave/wayleave/test/browser"
)

// TestWithTheKeyboardAlone signs in with Tab and Enter. What has the focus can
// be seen each time.
func TestWithTheKeyboardAlone(t *testing.T) {
	s := newTracker(t, 10*time.Minute)
	tab := browser.Start(t, browser.Options{}).Tab(t)
	tab.Do(
		browser.Goto(s.base),
		reach("Sign in with Google"), browser.Screenshot("focus-1-front"), browser.Press("\r"),
		browser.WaitText("Choose an account"),
		reach("Ada Marsh"), browser.Screenshot("focus-2-provider"), browser.Press("\r"),
		browser.WaitText("Finance Tracker wants to"),
		reach("Allow"), browser.Screenshot("focus-3-consent"), browser.Press("\r"),
		browser.WaitText("Hello, Ada Marsh"),
		reach("Sign out"), browser.Screenshot("focus-4-dashboard"), browser.Press("\r"),
		browser.WaitURL(s.base+"/auth/signed-out"), browser.WaitText("You are signed out"),
		reach("Sign in again"), browser.Screenshot("focus-5-signed-out"),
	)
	tab.Do(browser.Goto(s.base+"/trace/"), browser.WaitText("The story of a login"),
		reach("Signed in"), browser.Screenshot("focus-6-logins"), browser.Press("\r"),
		browser.WaitText("Read from top to bottom"),
		reach("What was sent"), browser.Press("\r"), browser.Screenshot("focus-7-trace"))
}

// focus is what the keyboard's focus is on.
type focus struct {
	Text    string `json:"text"`
	Visible bool   `json:"visible"` // there is an outline around it
}

const whatHasFocus = `(() => {
	const e = document.activeElement, style = getComputedStyle(e);
	return {text: e.innerText ?? "", visible: e !== document.body && style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2};
})()`

// reach presses Tab until the focus is on what shows this text. Everything that
// it passes on its way must be seen to have the focus.
func reach(text string) browser.Step {
	return browser.Action("reach "+text+" with Tab", chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		if _, err := nextDocument(ctx, 0); err != nil {
			return err
		}
		for range 30 {
			if err := chromedp.Do(ctx, chromedp.KeyEvent("\t")); err != nil {
				return err
			}
			now, err := chromedp.Run(ctx, chromedp.EvaluateAsDevTools[focus](whatHasFocus))
			switch {
			case err != nil:
				return err
			case !now.Visible:
				return fmt.Errorf("the focus is on %q, and cannot be seen", now.Text)
			case strings.Contains(now.Text, text):
				return nil
			}
		}
		return errors.New("thirty times Tab did not lead there")
	}))
}
