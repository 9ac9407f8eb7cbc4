package browser_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/wayleave/wayleave/test/browser"
)

// report is the address of a page for one of several tabs.
func report(i int) string { return fmt.Sprintf("/reports/%d?year=2026&part=a%%2Fb", i) }

// TestA012TenTabs: a browser opens ten pages at once, as it does when it starts
// again. Each tab ends on the page that it was opened for, signed in.
func TestA012TenTabs(t *testing.T) {
	const n = 10
	for name, prepare := range map[string]func(s *scene, b *browser.Browser){
		"in a fresh profile": func(*scene, *browser.Browser) {},
		"in a used profile, that has the binding cookie": func(s *scene, b *browser.Browser) {
			b.Tab(s.t).Do(browser.Goto(s.base+"/"), browser.WaitURL(s.issuer+"/signin"))
		},
		"in a used profile, signed in at the provider": func(s *scene, b *browser.Browser) {
			tab := b.Tab(s.t)
			tab.Do(browser.Goto(s.base+"/"), s.answer("ada"), browser.WaitText("Hello Ada Marsh at /"))
			var status int // of a logout that does not go on to the provider
			tab.Do(browser.Action("sign out here alone", chromedp.Func(evaluate(`fetch("/auth/logout", {method: "POST", headers: {Accept: "application/json"}}).then(r => r.status)`, &status))))
			if name := s.who(tab); status != 200 || name != "nobody" {
				s.t.Fatalf("signing out: status %d, and %s is signed in", status, name)
			}
		},
		"without cookies of the app, signed in at the provider": func(s *scene, b *browser.Browser) {
			tab := b.Tab(s.t)
			tab.Do(browser.Goto(s.base+"/"), s.answer("ada"), browser.WaitText("Hello Ada Marsh at /"))
			s.forget(tab)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newEcho(t)
			b := browser.Start(t, browser.Options{})
			prepare(s, b)
			tabs := b.AtOnce(t, n, func(i int) []browser.Step { return []browser.Step{browser.Goto(s.base + report(i))} })

			// One tab first, as a person does; then the others, all at once.
			tabs[3].Do(s.answer("ada"))
			var all sync.WaitGroup
			failed := make([]error, n)
			for i, tab := range tabs {
				all.Go(func() { failed[i] = tab.Try(s.answer("ada")) })
			}
			all.Wait()
			for i, tab := range tabs {
				if failed[i] != nil {
					t.Error(failed[i])
					continue
				}
				if want := "Hello Ada Marsh at " + report(i); tab.Text() != want || tab.URL() != s.base+report(i) {
					t.Errorf("the tab for %s ended at %s with %q", report(i), strings.TrimPrefix(tab.URL(), s.base), tab.Text())
				}
			}
			if name := s.who(tabs[0]); name != "Ada Marsh" {
				t.Errorf("at the end %s is signed in", name)
			}
			// Tabs that sign in at the same moment end each other's sessions, and a page
			// that is asked for just then signs in again: each tab may lose its session
			// so to one of the first, and to one of those who repeat it. More would be a storm.
			if tokens := s.tokenRequests(); tokens > 3*n {
				t.Errorf("%d token requests for %d tabs", tokens, n)
			}
		})
	}
}

// TestADeepLinkOf2000BytesSurvivesALogin, with characters that programs like to
// change on the way.
func TestADeepLinkOf2000BytesSurvivesALogin(t *testing.T) {
	s := newEcho(t)
	tab := browser.Start(t, browser.Options{}).Tab(t)
	link := "/reports/%C3%A4%20b/a%2Fb;v=1?plus=a+b&percent=100%25&empty=&slash=/x/&list="
	link += strings.Repeat("0123456789", 200)[:2000-len(link)]
	tab.Do(browser.Goto(s.base+link), s.answer("ada"), browser.WaitText("Hello Ada Marsh at "))
	if got := tab.Text(); got != "Hello Ada Marsh at "+link {
		t.Errorf("asked for %s\nended at %s", link, got)
	}
	if tab.URL() != s.base+link {
		t.Errorf("the address is %s", tab.URL())
	}
}
