package browser_test

import (
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/wayleave/wayleave"
	"github.com/wayleave/wayleave/devidp"
	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/provider"
	"github.com/wayleave/wayleave/test/browser"
)

// everyLight takes a screenshot of a page in light and dark, wide and narrow.
func everyLight(tab *browser.Tab, name, text string) {
	tab.Do(browser.Screenshot(name+"-light"),
		browser.Dark(), browser.WaitText(text), browser.Screenshot(name+"-dark"),
		browser.Phone(), browser.Reload(), browser.WaitText(text), browser.Screenshot(name+"-dark-phone"))
}

// TestLGO03_LGO18_SigningOutAtTheProviderToo: one click in the app ends both
// sessions and comes back to our page. Back shows nothing of the person.
func TestLGO03_LGO18_SigningOutAtTheProviderToo(t *testing.T) {
	s := newTracker(t, 10*time.Minute)
	b := browser.Start(t, browser.Options{})
	tab := b.Tab(t)
	s.signIn(tab, "ada")
	tab.Do(
		browser.Click("Sign out"),
		browser.WaitText("You are signed out"),
		browser.WaitURL(s.base+"/auth/signed-out"),
	)
	if n := s.idp.Count("end_session"); n != 1 {
		t.Errorf("the browser was %d times at the provider's logout", n)
	}
	if query(t, tab.URL(), "state") == "" || query(t, tab.URL(), "id_token_hint") != "" {
		t.Errorf("the way back has the wrong parameters")
	}
	for _, c := range b.Cookies(t) {
		for _, short := range []string{"session", "logout"} {
			if strings.HasPrefix(c.Name, "wayleave-"+short) {
				t.Errorf("the browser keeps the cookie %s", c.Name)
			}
		}
	}
	everyLight(tab, "signed-out", "You are signed out")

	// The dashboard is asked for anew, and at the provider nobody is there.
	tab.Do(browser.Back(), browser.WaitURL(s.issuer+"/signin"), browser.WaitText("Choose an account"))
	if strings.Contains(tab.Text(), "Hello, Ada") {
		t.Error("Back shows the dashboard")
	}
	if name := s.who(tab); name != "nobody" {
		t.Errorf("after Back, %s is signed in", name)
	}
	tab.Do(browser.Goto(s.base+"/auth/signed-out"), browser.Click("Sign in again"), s.atTheProvider(), s.answer("grace"), browser.WaitText("You are signed in as Grace Okoye"))
}

// listening is an app, and a provider on the host of that name, which tells it
// when somebody signs out there.
func listening(t *testing.T, host string, channel func(base string) devidp.LogoutChannel) *scene {
	t.Helper()
	s := newScene(t, "dev")
	appLn, base := listen(t, "localhost:0")
	idpLn, issuer := listen(t, host+":0")
	s.base, s.issuer = base, issuer
	idp, err := devidp.New(devidp.Options{Issuer: issuer, SigningAlgorithm: "ES256", LogoutChannels: map[string]devidp.LogoutChannel{"echo": channel(base)},
		Clients: []devidp.Client{{ID: "echo", Secret: "echo-secret", Name: "Echo", RedirectURIs: []string{base + "/auth/dev/callback"}}}})
	if err != nil {
		t.Fatal(err)
	}
	auth := newAuth(t, wayleave.Config{BaseURL: base, Store: s.store, Branding: wayleave.Branding{AppName: "Echo"},
		Providers: []provider.Config{{Name: "dev", Label: "Dev", Issuer: issuer, ClientID: "echo", ClientSecret: oauth.NewSecret("echo-secret"), Development: true}}})
	s.open(idp, appLn, echo(auth), idpLn)
	return s
}

// TestLGO14_LGO15_FrontChannelLogoutInChromium ends the session where provider
// and app are one site, and does nothing where they are not: the frame gets no
// cookie there.
func TestLGO14_LGO15_FrontChannelLogoutInChromium(t *testing.T) {
	for name, row := range map[string]struct {
		host string
		left string // who is signed in afterwards
	}{
		"one site":  {"localhost", "nobody"},
		"two sites": {"127.0.0.1", "Ada Marsh"},
	} {
		t.Run(name, func(t *testing.T) {
			s := listening(t, row.host, func(base string) devidp.LogoutChannel {
				return devidp.LogoutChannel{FrontChannel: base + "/auth/dev/frontchannel-logout"}
			})
			tab := browser.Start(t, browser.Options{}).Tab(t)
			tab.Do(browser.Goto(s.base+"/"), s.answer("ada"), browser.WaitText("Hello Ada Marsh at /"))
			tab.Do(browser.Goto(s.issuer+"/end-session"), browser.WaitText("signed out"))
			eventually(t, "the frame is loaded", func() bool {
				all := s.visits.to("/frontchannel-logout")
				return len(all) == 1 && all[0].over
			})
			if v := s.visits.to("/frontchannel-logout")[0]; v.status != 200 || v.dest != "iframe" || (v.cookies == 1) != (row.left == "nobody") {
				t.Errorf("the frame from %s: status %d, %d cookies set", v.site, v.status, v.cookies)
			}
			if who := s.who(tab); who != row.left {
				t.Errorf("%s is signed in, want %s", who, row.left)
			}
			if n := s.idp.Count("revoke"); n != 0 {
				t.Errorf("%d requests to revoke", n)
			}
		})
	}
}

// TestLGO10_ABackChannelLogoutWhileAPageIsOpen: the page's next request is that
// of nobody, and so is the next page.
func TestLGO10_ABackChannelLogoutWhileAPageIsOpen(t *testing.T) {
	s := listening(t, "127.0.0.1", func(base string) devidp.LogoutChannel {
		return devidp.LogoutChannel{BackChannel: base + "/auth/dev/backchannel-logout"}
	})
	tab := browser.Start(t, browser.Options{}).Tab(t)
	tab.Do(browser.Goto(s.base+"/"), s.answer("ada"), browser.WaitText("Hello Ada Marsh at /"))
	status := func() int {
		t.Helper()
		var got int
		tab.Do(browser.Action("ask who is signed in", chromedp.Func(evaluate(`fetch("/auth/session").then(r => r.status)`, &got))))
		return got
	}
	if got := status(); got != 200 {
		t.Fatalf("before: status %d", got)
	}
	if err := s.idp.EndSessions(t.Context(), "ada"); err != nil {
		t.Fatal(err)
	}
	if got := status(); got != 401 {
		t.Errorf("the open page's next request: status %d, want 401", got)
	}
	tab.Do(browser.Reload(), browser.WaitURL(s.issuer+"/signin"), browser.WaitText("Choose an account"))
	tab.Do(s.answer("ada"), browser.WaitText("Hello Ada Marsh at /"))
}

// TestA135_SES21_TheFirstPageAfterALoginElsewhere shows the session: the cookie
// comes along from the provider, and from any link.
func TestA135_SES21_TheFirstPageAfterALoginElsewhere(t *testing.T) {
	s := newSecureTracker(t)
	tab := browser.Start(t, s.options).Tab(t)
	s.evil.set(nil, s.base+"/dashboard", "")
	tab.Do(browser.Goto(third+"/link"), browser.Click("Win a prize"), s.atTheProvider(), s.answer("ada"), browser.WaitText("Hello, Ada Marsh"))
	asked := s.idp.Count("authorize")
	tab.Do(browser.Goto(third+"/link"), browser.Click("Win a prize"), browser.WaitText("Hello, Ada Marsh"))
	if n := s.idp.Count("authorize") - asked; n != 0 || asked != 1 {
		t.Errorf("%d logins for the first page and %d for the second; want one, and none", asked, n)
	}
}
