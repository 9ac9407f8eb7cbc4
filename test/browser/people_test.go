package browser_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/wayleave/wayleave/test/browser"
)

// choose presses a person's button on the provider's sign-in page.
func choose(person string) browser.Step {
	return browser.Action("choose "+person, pressPerson(person))
}

func pressPerson(person string) chromedp.Action[chromedp.Void] {
	return chromedp.Click(fmt.Sprintf(`button[name="person"][value=%q]`, person), chromedp.NodeVisible)
}

// document is what a tab shows. Made tells apart two of the same address.
type document struct {
	Address string  `json:"address"`
	Made    float64 `json:"made"`
	Loaded  bool    `json:"loaded"`
}

const whichDocument = `({address: location.href, made: performance.timeOrigin, loaded: document.readyState === "complete"})`

// nextDocument waits until a page other than the one made at last has loaded.
func nextDocument(ctx context.Context, last float64) (document, error) {
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		// A page that is being replaced cannot answer: ask again.
		d, err := browser.Ask(ctx, chromedp.EvaluateAsDevTools[document](whichDocument))
		if err == nil && d.Loaded && d.Made != last && d.Address != "about:blank" {
			return d, nil
		}
		select {
		case <-ctx.Done():
			return document{}, fmt.Errorf("no page came: %w", ctx.Err())
		case <-again.C:
		}
	}
}

// answer does what the provider's pages ask of a person, whichever come and in
// whatever order, until the tab is back at the app.
func (s *scene) answer(person string) browser.Step {
	return browser.Action("answer the provider as "+person, chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		last := 0.0
		for range 12 {
			at, err := nextDocument(ctx, last)
			if err != nil {
				return err
			}
			last = at.Made
			u, err := url.Parse(at.Address)
			if err != nil {
				return err
			}
			var press chromedp.Action[chromedp.Void]
			switch {
			case strings.HasPrefix(at.Address, s.base+"/"):
				return nil
			case u.Path == "/signin":
				press = pressPerson(person)
			case u.Path == "/consent":
				press = pressAllowOrLeave()
			default:
				return fmt.Errorf("this is no page of the provider's: %s://%s%s", u.Scheme, u.Host, u.Path)
			}
			// It fails where the page is being replaced by itself. Then the
			// next one counts; nothing is pressed twice.
			_, _ = browser.Ask(ctx, press)
		}
		return errors.New("the provider asked too often")
	}))
}

// pressAllowOrLeave presses Allow, or the link back to the app on the page that
// says that the question was answered already.
func pressAllowOrLeave() chromedp.Action[chromedp.Void] {
	return chromedp.Click(`button[value="allow"], main a.primary`, chromedp.NodeVisible)
}

// atTheProvider waits for a page of the provider's.
func (s *scene) atTheProvider() browser.Step {
	return browser.Action("come to the provider", chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		for last := 0.0; ; {
			at, err := nextDocument(ctx, last)
			if err != nil || strings.HasPrefix(at.Address, s.issuer+"/") {
				return err
			}
			last = at.Made
		}
	}))
}

// who asks the app who is signed in, and leaves its answer on the tab.
func (s *scene) who(tab *browser.Tab) string {
	tab.Do(browser.Goto(s.base + "/auth/session"))
	text := tab.Text()
	if strings.Contains(text, "login_required") {
		return "nobody"
	}
	_, name, _ := strings.Cut(text, `"name":"`)
	name, _, _ = strings.Cut(name, `"`)
	return name
}

// forget deletes the cookies that the app's host would be sent.
func (s *scene) forget(tab *browser.Tab) {
	tab.Do(browser.Action("delete the app's cookies", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		where := []string{s.base + "/", s.base + "/auth/" + s.provider + "/callback"}
		cookies, err := cdp.Call(ctx, t, network.GetCookies, network.GetCookiesParams{URLs: where})
		if err != nil {
			return err
		}
		for _, c := range cookies.Cookies {
			if _, err := cdp.Call(ctx, t, network.DeleteCookies, network.DeleteCookiesParams{Name: c.Name, Domain: c.Domain, Path: c.Path}); err != nil {
				return err
			}
		}
		return nil
	})))
}
