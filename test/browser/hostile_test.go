package browser_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/wayleave/wayleave/test/browser"
)

// evil is a site that means harm. What it does depends on the page.
type evil struct {
	base string // of the app

	mu    sync.Mutex
	toss  []string // Set-Cookie lines of the page /toss
	lure  string   // where the link on the page /link leads
	frame string   // what the page /frame shows inside of itself
}

func (e *evil) set(toss []string, lure, frame string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.toss, e.lure, e.frame = toss, lure, frame
}

func (e *evil) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	switch r.URL.Path {
	case "/toss":
		w.Header()["Set-Cookie"] = e.toss
		fmt.Fprint(w, "<p>tossed</p>")
	case "/link":
		fmt.Fprintf(w, `<a href="%s">Win a prize</a>`, e.lure)
	case "/frame":
		fmt.Fprintf(w, `<p>framed</p><iframe src="%s" width=600 height=400></iframe><img src="%s">`, e.frame, e.base+"/auth/google/login")
	case "/post":
		fmt.Fprintf(w, `<form method=post action="%s"></form><script>document.forms[0].submit()</script>`, e.lure)
	default:
		http.NotFound(w, r)
	}
}

// TestA003A223OtherSitesCannotActForAPerson: pages of a sibling and of a strange
// site post to the app, put it into frames, and link to it.
func TestA003A223OtherSitesCannotActForAPerson(t *testing.T) {
	s := newSecureTracker(t)
	b := browser.Start(t, s.options)
	s.signIn(b.Tab(t), "ada")
	asked := s.idp.Count("authorize")
	for site, origin := range map[string]string{"same-site": sibling, "cross-site": third} {
		t.Run(site, func(t *testing.T) {
			tab := b.Tab(t)
			for path, status := range map[string]int{"/auth/logout": http.StatusForbidden, "/auth/google/callback": http.StatusMethodNotAllowed, "/auth/google/login": http.StatusMethodNotAllowed} {
				s.evil.set(nil, s.base+path, "")
				seen := len(s.visits.to(path))
				tab.Do(browser.Goto(origin+"/post"), browser.WaitURL(s.base+path))
				all := s.visits.to(path)
				if len(all) == seen {
					t.Fatalf("the form did not reach %s", path)
				}
				if v := all[len(all)-1]; v.method != "POST" || v.site != site || v.status != status || v.cookies != 0 {
					t.Errorf("%s %s from %s: status %d, %d cookies; want status %d", v.method, path, v.site, v.status, v.cookies, status)
				}
				if name := s.who(tab); name != "Ada Marsh" {
					t.Errorf("a form on %s changed who is signed in: %s", origin, name)
				}
			}

			paths := []string{"/auth/google/login", "/auth/logout"}
			if origin == sibling {
				// The third site's frame gets no Lax cookie, and so 401 in JSON.
				paths = append(paths, "/dashboard")
			}
			for _, path := range paths {
				s.evil.set(nil, "", s.base+path)
				seen := len(s.visits.to(path))
				tab.Do(browser.Goto(origin+"/frame"), browser.WaitText("framed"), nothingFramed())
				for _, v := range s.visits.to(path)[seen:] {
					if v.site != site || v.dest != "iframe" && v.dest != "image" {
						t.Errorf("%s: a visit from %s for %s", path, v.site, v.dest)
					}
					if path == "/auth/google/login" && (v.status != http.StatusForbidden || v.cookies != 0) {
						t.Errorf("%s for %s: status %d, %d cookies", path, v.dest, v.status, v.cookies)
					}
				}
			}

			s.evil.set(nil, s.base+"/dashboard", "")
			tab.Do(browser.Goto(origin+"/link"), browser.Click("Win a prize"), browser.WaitText("Hello, Ada Marsh"))
		})
	}
	if n := s.idp.Count("authorize") - asked; n != 0 {
		t.Errorf("%d logins were begun", n)
	}
	if s.sessions() != 1 {
		t.Errorf("%d sessions, want 1", s.sessions())
	}
}

// nothingFramed waits until the page's only frame shows that it may not be shown.
func nothingFramed() browser.Step {
	return browser.Action("see that nothing is framed", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		for {
			shown, err := framed(ctx, t)
			switch {
			case err != nil:
				return err
			case len(shown) == 1 && strings.HasPrefix(shown[0], "chrome-error:"):
				return nil
			case len(shown) == 1 && shown[0] != "about:blank" && shown[0] != "":
				return fmt.Errorf("the page shows %s inside of itself", shown[0])
			}
			select {
			case <-ctx.Done():
				return fmt.Errorf("the frames are %q", shown)
			case <-time.After(20 * time.Millisecond):
			}
		}
	}))
}

// framed are the addresses of the documents in the page's frames. A frame of
// another site is a target of its own, which keeps the address that was asked
// for; the document in it knows better.
func framed(ctx context.Context, t *chromedp.Target) (addresses []string, err error) {
	tree, err := cdp.Call(ctx, t, page.GetFrameTree, cdp.Empty{})
	if err != nil {
		return nil, err
	}
	for _, child := range tree.FrameTree.ChildFrames {
		addresses = append(addresses, child.Frame.URL)
	}
	targets, err := chromedp.Targets(ctx)
	if err != nil {
		return nil, err
	}
	for _, other := range targets {
		if other.Type != "iframe" {
			continue
		}
		inside, leave := chromedp.NewContext(ctx, chromedp.WithTargetID(other.TargetID), chromedp.WithDetachOnCancel())
		address, err := browser.Ask(inside, chromedp.Location())
		leave()
		if err != nil {
			return nil, err
		}
		addresses = append(addresses, address)
	}
	return addresses, nil
}
