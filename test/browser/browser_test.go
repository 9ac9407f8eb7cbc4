package browser_test

import (
	"bytes"
	"fmt"
	"image/png"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wayleave/wayleave/test/browser"
)

// These tests prove the helpers on pages of their own, so that a failure in a
// flow that uses them points at the product.

func serve(t *testing.T, pages map[string]string) (base string) {
	t.Helper()
	server := httptest.NewServer(handler(pages))
	t.Cleanup(server.Close)
	return server.URL
}

func handler(pages map[string]string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		// As strict as the product's own pages: the helpers must not need more.
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; form-action 'self'")
		if page, ok := pages[r.URL.Path]; ok {
			fmt.Fprint(w, `<!doctype html><meta name=viewport content="width=device-width">`+page)
			return
		}
		http.NotFound(w, r)
	})
}

func TestAPersonClicksAndReads(t *testing.T) {
	t.Setenv("WAYLEAVE_ARTIFACTS", t.TempDir())
	base := serve(t, map[string]string{
		"/":     `<p hidden>Secret</p><a href="/form?q=1">Ada's <b>"big"</b>   button</a>`,
		"/form": `<form method=post action=/done><input type=submit value="Send it"></form>`,
		"/done": `<p>Thank you</p>`,
	})
	tab := browser.Start(t, browser.Options{}).Tab(t)
	tab.Do(browser.Goto(base + "/"))
	if text := tab.Text(); strings.Contains(text, "Secret") || !strings.Contains(text, `Ada's "big" button`) {
		t.Errorf("the visible text is %q", text)
	}
	tab.Do(
		browser.Click(`Ada's "big" button`),
		browser.WaitURL(base+"/form"),
		browser.Click("Send it"),
		browser.WaitText("Thank you"),
		browser.Screenshot("thanks"),
		browser.Back(),
		browser.WaitURL(base+"/form"),
		browser.Reload(),
	)
	if tab.URL() != base+"/form?q=1" {
		t.Errorf("the address is %s", tab.URL())
	}
	image, err := os.ReadFile(filepath.Join(os.Getenv("WAYLEAVE_ARTIFACTS"), t.Name(), "thanks.png"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := png.Decode(bytes.NewReader(image)); err != nil {
		t.Errorf("the screenshot cannot be read: %v", err)
	}
}

func TestAFailedStepSaysWhichAndWhere(t *testing.T) {
	t.Setenv("WAYLEAVE_ARTIFACTS", t.TempDir())
	base := serve(t, map[string]string{"/": `<p>nothing to click</p>`})
	tab := browser.Start(t, browser.Options{Timeout: time.Second}).Tab(t)
	tab.Do(browser.Goto(base + "/?code=abc"))
	for name, step := range map[string]browser.Step{
		`click "Sign in"`:                  browser.Click("Sign in"),
		`wait for the text "Welcome"`:      browser.WaitText("Welcome"),
		"wait for the address http://x.y/": browser.WaitURL("http://x.y/"),
	} {
		err := tab.Try(step)
		if err == nil {
			t.Errorf("%s succeeded", name)
			continue
		}
		if !strings.HasPrefix(err.Error(), name+": ") || !strings.Contains(err.Error(), "the tab is at "+base+"/,") {
			t.Errorf("the error should say what failed and where, but is %q", err)
		}
		if strings.Contains(err.Error(), "abc") {
			t.Errorf("the error holds the query: %q", err)
		}
	}
	shots, err := filepath.Glob(filepath.Join(os.Getenv("WAYLEAVE_ARTIFACTS"), t.Name(), "failure*.png"))
	if err != nil || len(shots) != 3 {
		t.Errorf("want a screenshot of each failure, got %d (%v)", len(shots), err)
	}
}

func TestPhoneDarkAndWithoutScript(t *testing.T) {
	base := serve(t, map[string]string{"/": `
		<style>
			.phone, .dark { display: none }
			@media (max-width: 400px) { .phone { display: block } }
			@media (prefers-color-scheme: dark) { .dark { display: block } }
		</style>
		<p class=phone>phone width</p><p class=dark>dark theme</p>
		<noscript>no script here</noscript>
		<script>document.write("<p>script ran</p>")</script>
		<a href=/next>Next</a>`,
		"/next": `<noscript>still no script</noscript>`,
	})
	tab := browser.Start(t, browser.Options{}).Tab(t)
	tab.Do(browser.Goto(base+"/"), browser.WaitText("script ran"))
	for _, unwanted := range []string{"phone width", "dark theme", "no script here"} {
		if strings.Contains(tab.Text(), unwanted) {
			t.Errorf("an ordinary tab shows %q", unwanted)
		}
	}
	tab.Do(browser.Phone(), browser.WaitText("phone width"))
	tab.Do(browser.Dark(), browser.WaitText("dark theme"))
	tab.Do(browser.NoScript(), browser.Reload(), browser.WaitText("no script here"))
	if strings.Contains(tab.Text(), "script ran") {
		t.Error("a script ran although JavaScript is off")
	}
	tab.Do(browser.Click("Next"), browser.WaitText("still no script"))
}

func TestAProfileKeepsItsCookies(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := r.Cookie("seen"); err == nil {
			fmt.Fprint(w, "welcome back")
			return
		}
		http.SetCookie(w, &http.Cookie{Name: "seen", Value: "1", Path: "/", HttpOnly: true, MaxAge: 3600})
		fmt.Fprint(w, "hello stranger")
	}))
	t.Cleanup(server.Close)
	profile := t.TempDir()

	first := browser.Start(t, browser.Options{Profile: profile})
	first.Tab(t).Do(browser.Goto(server.URL), browser.WaitText("hello stranger"))
	if cookies := first.Cookies(t); len(cookies) != 1 || cookies[0].Name != "seen" || !cookies[0].HTTPOnly {
		t.Errorf("want the one cookie named seen, got %d", len(cookies))
	}
	first.Close(t)

	used := browser.Start(t, browser.Options{Profile: profile})
	used.Tab(t).Do(browser.Goto(server.URL), browser.WaitText("welcome back"))
	fresh := browser.Start(t, browser.Options{})
	fresh.Tab(t).Do(browser.Goto(server.URL), browser.WaitText("hello stranger"))
}

func TestTabsWorkAtOnce(t *testing.T) {
	const n = 10
	// A page is answered only when all of them have been asked for.
	arrived, all := make(chan struct{}, n), make(chan struct{})
	go func() {
		for range n {
			<-arrived
		}
		close(all)
	}()
	// One name each: chromium opens six connections to one server.
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/page" {
			http.NotFound(w, r)
			return
		}
		arrived <- struct{}{}
		select {
		case <-all:
		case <-r.Context().Done():
		}
		fmt.Fprintf(w, "this is %s", r.Host)
	}))
	t.Cleanup(server.Close)
	b := browser.Start(t, browser.Options{Hosts: map[string]string{"*.test": server.Listener.Addr().String()}})
	tabs := b.AtOnce(t, n, func(i int) []browser.Step {
		host := fmt.Sprintf("tab%d.test", i)
		return []browser.Step{browser.Goto("http://" + host + "/page"), browser.WaitText("this is " + host)}
	})
	for i, tab := range tabs {
		if want := fmt.Sprintf("http://tab%d.test/page", i); tab.URL() != want {
			t.Errorf("tab %d is at %s", i, tab.URL())
		}
	}
}

func TestHTTPSWithAnAuthorityOfItsOwn(t *testing.T) {
	ca := browser.NewCA(t)
	address := ca.Serve(t, handler(map[string]string{"/": "<p>over https</p>"}), "app.test", "*.idp.test")
	hosts := map[string]string{"*": "127.0.0.1:1", "app.test": address, "*.idp.test": address, "wrong.test": address}

	trusting := browser.Start(t, browser.Options{Trust: ca, Hosts: hosts}).Tab(t)
	trusting.Do(browser.Goto("https://app.test/"), browser.WaitText("over https"))
	trusting.Do(browser.Goto("https://login.idp.test/"), browser.WaitText("over https"))
	if trusting.URL() != "https://login.idp.test/" {
		t.Errorf("the address is %s", trusting.URL())
	}
	wantRefusal(t, trusting, "https://wrong.test/", "ERR_CERT_COMMON_NAME_INVALID")

	other := browser.NewCA(t)
	wary := browser.Start(t, browser.Options{Trust: other, Hosts: hosts}).Tab(t)
	wantRefusal(t, wary, "https://app.test/", "ERR_CERT_AUTHORITY_INVALID")
}

func wantRefusal(t *testing.T, tab *browser.Tab, address, reason string) {
	t.Helper()
	if err := tab.Try(browser.Goto(address)); err == nil || !strings.Contains(err.Error(), reason) {
		t.Errorf("%s should be refused with %s, got: %v", address, reason, err)
	}
}
