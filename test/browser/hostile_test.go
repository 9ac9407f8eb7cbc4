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
	"github.com/chromedp/cdproto/network"
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

// tossed are the cookies with which a sibling site tries to be believed: the
// attacker's own, valid ones, under every name that might pass for ours.
func tossed(own map[string]string) (lines []string) {
	for short, value := range own {
		name := "wayleave-" + short
		for _, line := range []string{
			name + "=" + value + "; Path=/",
			name + "=" + value + "; Path=/auth",
			"__Secure-" + name + "=" + value + "; Path=/; Secure",
			"__Secure-" + name + "=" + value + "; Path=/dashboard; Secure",
			"__Host-" + name + "=" + value + "; Path=/; Secure",
			"__Host-" + name + "=" + value + "; Path=/auth; Secure",
			"__host-" + name + "=" + value + "; Path=/; Secure",
			"__HOST-" + name + "=" + value + "; Path=/; Secure",
			"=__Host-" + name + "=" + value + "; Path=/; Secure",
			"=__Secure-" + name + "=" + value + "; Path=/; Secure",
			"\u00a0__Host-" + name + "=" + value + "; Path=/; Secure",
			"\u2000__Host-" + name + "=" + value + "; Path=/; Secure",
			"__Host-" + name + "\t=" + value + "; Path=/; Secure",
			"%5F%5FHost-" + name + "=" + value + "; Path=/; Secure",
			`sandwich="; Path=/auth; Secure`,
			"__Host-" + name + "=" + value + "; Path=/; Secure; Partitioned",
			"$Version=1; Path=/",
		} {
			lines = append(lines, line+"; Domain=finance.test")
		}
		// Without a domain it is permitted, and is the sibling's alone.
		lines = append(lines, "__Host-"+name+"="+value+"; Path=/; Secure")
	}
	for i := range 20 {
		lines = append(lines, fmt.Sprintf("__Secure-wayleave-return-AAAAAAAAAAAAAA%02d=junk; Path=/auth/google/; Secure; Domain=finance.test", i))
	}
	return lines
}

// junk is n cookies of a size, for all hosts below finance.test.
func junk(n, size int) (lines []string) {
	for i := range n {
		lines = append(lines, fmt.Sprintf("junk%d=%s; Path=/; Secure; HttpOnly; Domain=finance.test", i, strings.Repeat("x", size)))
	}
	return lines
}

// TestA121A122ASiblingTossesCookies before, during and after a login. Nobody
// becomes the attacker by it, and the login still ends as the right person.
func TestA121A122ASiblingTossesCookies(t *testing.T) {
	s := newSecureTracker(t)
	mallory := s.stranger()
	lines := tossed(mallory.signIn("grace"))
	b := browser.Start(t, s.options)
	tab, other := b.Tab(t), b.Tab(t)
	s.evil.set(lines, mallory.callback("grace", "/dashboard"), "")
	toss := []browser.Step{browser.Goto(sibling + "/toss"), browser.WaitText("tossed")}

	other.Do(toss...)
	checkTossed(t, b.Cookies(t))
	if name := s.who(tab); name != "nobody" {
		t.Fatalf("with the attacker's cookies, %s is signed in", name)
	}
	tab.Do(browser.Goto(s.base+"/dashboard"), browser.WaitText("Choose an account"))
	other.Do(toss...)
	tab.Do(s.answer("ada"), browser.WaitText("Hello, Ada Marsh"), browser.WaitURL(s.base+"/dashboard"))
	other.Do(toss...)
	tab.Do(browser.Reload(), browser.WaitText("Hello, Ada Marsh"))
	if name := s.who(tab); name != "Ada Marsh" {
		t.Errorf("after the login, %s is signed in", name)
	}

	// A010: and with a callback of the attacker's own, in a browser that holds
	// the attacker's binding cookie under another name.
	tab.Do(browser.Goto(sibling+"/link"), browser.Click("Win a prize"), browser.WaitText("Hello, Ada Marsh"))
	s.forget(tab)
	other.Do(toss...)
	tab.Do(browser.Goto(sibling+"/link"), browser.Click("Win a prize"), browser.WaitURL(s.issuer+"/consent"))
	if name := s.who(tab); name != "nobody" {
		t.Errorf("the attacker's callback signed %s in", name)
	}
}

// checkTossed: chromium keeps the prefixes' promise, and what it took can be
// told from ours.
func checkTossed(t *testing.T, cookies []*network.Cookie) {
	t.Helper()
	taken := 0
	for _, c := range cookies {
		prefixed := strings.HasPrefix(strings.ToLower(c.Name), "__host-") || c.Name == "" && strings.HasPrefix(strings.ToLower(c.Value), "__host-")
		if prefixed && c.Domain != "evil.finance.test" {
			t.Errorf("chromium took %q for %s", c.Name, c.Domain)
		}
		if c.Domain == ".finance.test" {
			taken++
		}
	}
	if taken < 20 {
		t.Errorf("chromium took %d cookies for the whole site: the attack is not the one that is meant", taken)
	}
}

// TestA123ASiblingFillsTheCookieJar so that the app's cookies are pushed out, or
// drowned. The person is signed in, or is told that it did not work; they are
// not sent round and round, and all is well when the junk has gone.
func TestA123ASiblingFillsTheCookieJar(t *testing.T) {
	s := newSecureTracker(t)
	b := browser.Start(t, s.options)
	small, many, large := junk(150, 20), junk(400, 20), junk(120, 400)
	for name, c := range map[string]struct {
		lines []string
		when  string // of the login
		works bool   // all fits, and the login must succeed
	}{
		"150 small ones, before":             {small, "before", true},
		"150 small ones, during the login":   {small, "during", true},
		"more than a browser keeps, during":  {many, "during", false},
		"more than a browser keeps, after":   {many, "after", false},
		"more than the app looks at, before": {large, "before", false},
		"more than the app looks at, after":  {large, "after", false},
	} {
		t.Run(name, func(t *testing.T) {
			tab, other := b.Tab(t), b.Tab(t)
			toss := func(when string) {
				if when == c.when {
					s.evil.set(c.lines, "", "")
					other.Do(browser.Goto(sibling+"/toss"), browser.WaitText("tossed"))
				}
			}
			s.forget(tab)
			asked := s.idp.Count("authorize")
			toss("before")
			tab.Do(browser.Goto(s.base+"/dashboard"), atTheProvider(s.scene))
			toss("during")
			tab.Do(s.answer("ada"))
			if c.when == "after" {
				toss("after")
				tab.Do(browser.Goto(s.base+"/dashboard"), s.answer("ada"))
			}
			if n := s.idp.Count("authorize") - asked; n > 4 {
				t.Errorf("the browser was sent to the provider %d times", n)
			}
			if strings.Contains(tab.Text(), "Hello, Ada Marsh") {
				return
			}
			if c.works {
				t.Errorf("the login ended with %q", tab.Text())
			}
			tab.Do(browser.WaitText("Sign in again"), browser.Screenshot("told"))
			s.forget(tab)
			s.signIn(tab, "ada")
		})
	}
}

// atTheProvider waits for a page of the provider's.
func atTheProvider(s *scene) browser.Step {
	return browser.Action("come to the provider", chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		for last := 0.0; ; {
			at, err := nextDocument(ctx, last)
			if err != nil || strings.HasPrefix(at.Address, s.issuer) {
				return err
			}
			last = at.Made
		}
	}))
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
