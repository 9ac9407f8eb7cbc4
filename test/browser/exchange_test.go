package browser_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/wayleave/wayleave/test/browser"
)

// toConsent opens a page of the app, and stops where the provider asks for
// permission.
func (s *scene) toConsent(tab *browser.Tab, wanted string) {
	s.t.Helper()
	tab.Do(browser.Goto(s.base+wanted), browser.WaitText("Choose an account"), choose("ada"), browser.WaitText("Echo wants to"))
}

// waitForExchange waits until the app asks the provider for tokens.
func (s *scene) waitForExchange() browser.Step {
	return browser.Action("wait for the exchange", chromedp.Func(func(context.Context, *chromedp.Target) error {
		eventually(s.t, "a token request", s.gate.holds)
		return nil
	}))
}

// checkOnce: one exchange, one session, and the tab on its page.
func (s *scene) checkOnce(tab *browser.Tab, wanted string) {
	s.t.Helper()
	tab.Do(browser.WaitText("Hello Ada Marsh at " + wanted))
	if tab.URL() != s.base+wanted {
		s.t.Errorf("the tab is at %s", tab.URL())
	}
	if s.tokenRequests() != 1 || s.sessions() != 1 {
		s.t.Errorf("%d token requests and %d sessions, want one of each", s.tokenRequests(), s.sessions())
	}
}

// abandonedCallbacks is how many requests for the callback have come to an end.
func (s *scene) abandonedCallbacks() (n int) {
	for _, v := range s.visits.to("/callback") {
		if v.over {
			n++
		}
	}
	return n
}

// TestA008AskedAgainDuringTheExchange: the person does not wait, and asks for
// the callback once more, in the same tab or in another one. The code is
// redeemed once, and the second request gets the session of the first.
func TestA008AskedAgainDuringTheExchange(t *testing.T) {
	const wanted = "/reports/1?year=2026"
	for name, again := range map[string]func(s *scene, b *browser.Browser, first *browser.Tab) *browser.Tab{
		"in the same tab": func(_ *scene, _ *browser.Browser, first *browser.Tab) *browser.Tab { return first },
		"in another tab, after closing the first": func(s *scene, b *browser.Browser, first *browser.Tab) *browser.Tab {
			second := b.Tab(s.t)
			first.Close()
			return second
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newEcho(t)
			b := browser.Start(t, browser.Options{})
			tab := b.Tab(t)
			s.toConsent(tab, wanted)
			s.gate.close()
			tab.Do(browser.Click("Allow"), s.waitForExchange())
			callback := s.lastCallback()
			tab = again(s, b, tab)
			done := make(chan error, 1)
			go func() { done <- tab.Try(browser.Goto(callback)) }()
			eventually(t, "the second request", func() bool { return len(s.visits.to("/callback")) == 2 })
			eventually(t, "the end of the first", func() bool { return s.abandonedCallbacks() == 1 })
			s.gate.open()
			if err := <-done; err != nil {
				t.Fatal(err)
			}
			s.checkOnce(tab, wanted)
		})
	}
}

// TestA008NotWaitingAtTheProvider: the exchange takes long, and the tab still
// shows the provider's page. Pressing Allow again, or reload, gives up the
// request for the callback and asks the provider once more, which sends the
// browser to the same callback again.
func TestA008NotWaitingAtTheProvider(t *testing.T) {
	const wanted = "/reports/1?year=2026"
	for name, impatient := range map[string]func(s *scene) []browser.Step{
		"Allow pressed again": func(s *scene) []browser.Step {
			return []browser.Step{pressAllowTwice(func() { eventually(s.t, "a token request", s.gate.holds) })}
		},
		"reload pressed": func(s *scene) []browser.Step {
			return []browser.Step{browser.Click("Allow"), s.waitForExchange(), pressReload()}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newEcho(t, repeating)
			tab := browser.Start(t, browser.Options{}).Tab(t)
			s.toConsent(tab, wanted)
			s.gate.close()
			tab.Do(impatient(s)...)
			eventually(t, "the second request", func() bool { return len(s.visits.to("/callback")) == 2 })
			s.gate.open()
			s.checkOnce(tab, wanted)
		})
	}
}

// TestA008DoubleClickOnAllow, at the usual speed. Whichever request wins, the
// person is signed in.
func TestA008DoubleClickOnAllow(t *testing.T) {
	const wanted = "/reports/1?year=2026"
	start := func(t *testing.T, s *scene) *browser.Tab {
		tab := browser.Start(t, browser.Options{}).Tab(t)
		s.toConsent(tab, wanted)
		tab.Do(browser.DoubleClick("Allow"))
		return tab
	}
	t.Run("at a provider that repeats its answer", func(t *testing.T) {
		s := newEcho(t, repeating)
		s.checkOnce(start(t, s), wanted)
	})
	t.Run("at one that has answered already", func(t *testing.T) {
		s := newEcho(t)
		tab := start(t, s)
		tab.Do(s.answer("ada"), browser.WaitText("Hello Ada Marsh at /"))
		if tokens := s.tokenRequests(); tokens > 2 {
			t.Errorf("%d token requests", tokens)
		}
	})
}

// point is a place on the page.
type point struct {
	X float64 `json:"x"`
	Y float64 `json:"y"`
}

const whereAllowIs = `(() => {
	const at = document.querySelector("button[value=allow]").getBoundingClientRect();
	return {x: at.x + at.width / 2, y: at.y + at.height / 2};
})()`

// pressAllowTwice presses the button, and presses the same place again once
// something has happened: a page that is about to be replaced cannot be asked
// where its buttons are.
func pressAllowTwice(between func()) browser.Step {
	return browser.Action("press Allow twice", chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		at, err := browser.Ask(ctx, chromedp.EvaluateAsDevTools[point](whereAllowIs))
		if err != nil {
			return err
		}
		press := chromedp.MouseClickXY(at.X, at.Y)
		if err := chromedp.Do(ctx, press); err != nil {
			return err
		}
		between()
		return chromedp.Do(ctx, press)
	}))
}

// pressReload does not wait for what comes.
func pressReload() browser.Step {
	return browser.Action("press reload", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, page.Reload, page.ReloadParams{})
		return err
	}))
}

// repeating makes a provider repeat its answer when the same page of its own
// asks again, instead of saying that it has answered.
func repeating(idp http.Handler) http.Handler {
	var mu sync.Mutex // a double click's requests come at the same time
	answers := map[string]string{}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/consent" {
			idp.ServeHTTP(w, r)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		form, _ := url.ParseQuery(string(body))
		interaction := r.URL.Query().Get("interaction") + form.Get("interaction")
		if location, answered := answers[interaction]; answered {
			http.Redirect(w, r, location, http.StatusSeeOther)
			return
		}
		idp.ServeHTTP(w, r)
		if location := w.Header().Get("Location"); strings.Contains(location, "/callback?") {
			answers[interaction] = location
		}
	})
}
