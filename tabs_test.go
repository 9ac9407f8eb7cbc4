package wayleave_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// tab is one of several logins under way in one browser.
type tab struct {
	page     string
	answer   answer // to its login start, until the browser has taken it in
	callback string
}

// openTabs begins logins, each for a page of its own, as a browser that opens
// all of them at the same time: no request carries a cookie that the answer to
// another one sets.
func openTabs(b *browser, pages []string) []*tab {
	b.a.t.Helper()
	before := b.rawCookies()
	var tabs []*tab
	for _, page := range pages {
		twin := b.a.browser()
		for name, value := range before {
			twin.setRaw(name, value)
		}
		tabs = append(tabs, &tab{page: page, answer: twin.open("/auth/dev/login?return_to=" + url.QueryEscape(page))})
	}
	for _, t := range tabs {
		b.client.Jar.SetCookies(b.request("GET", "/auth/dev/login").URL, t.answer.Cookies())
	}
	for _, t := range tabs {
		t.callback = b.authorize(t.answer.Header.Get("Location"), true)
	}
	return tabs
}

// follow goes on from a callback until it ends on a page.
func (b *browser) follow(callback string) answer {
	b.a.t.Helper()
	at := b.open(callback)
	for range 4 {
		location := at.Header.Get("Location")
		switch {
		case at.StatusCode != http.StatusSeeOther:
			return at
		case strings.HasPrefix(location, b.a.idp.Issuer()):
			at = b.open(b.authorize(location, true))
		default:
			at = b.open(location)
		}
	}
	return at
}

func tenPages() []string {
	var pages []string
	for i := range 10 {
		pages = append(pages, fmt.Sprintf("/reports/%d?year=2026", i))
	}
	return pages
}

func checkTabs(t *testing.T, b *browser, tabs []*tab) {
	t.Helper()
	rand.Shuffle(len(tabs), func(i, j int) { tabs[i], tabs[j] = tabs[j], tabs[i] })
	for _, tab := range tabs {
		if got := b.follow(tab.callback); got.body != "Hello Ada Marsh at "+tab.page {
			t.Errorf("tab for %s ended with status %d: %s", tab.page, got.StatusCode, text(got))
		}
	}
	if b.user() == "" {
		t.Error("nobody is signed in at the end")
	}
}

// TestA012TenTabsInABrowserThatHasTheBindingCookie: all bound to one cookie,
// all complete by themselves.
func TestA012TenTabsInABrowserThatHasTheBindingCookie(t *testing.T) {
	a := newApp(t)
	b := a.browser()
	b.beginAt("/")
	checkTabs(t, b, openTabs(b, tenPages()))
	if n := a.idp.Count("token"); n != 10 {
		t.Errorf("%d token requests, want 10", n)
	}
	if n := a.store.Len("session"); n != 1 {
		t.Errorf("%d sessions live on, want 1", n)
	}
}

// TestA012TenTabsInAFreshBrowser: ten answers set ten binding cookies, of which
// the last one stays. The other nine tabs are healed.
func TestA012TenTabsInAFreshBrowser(t *testing.T) {
	a := newApp(t)
	b := a.browser()
	checkTabs(t, b, openTabs(b, tenPages()))
	if n := a.store.Len("session"); n != 1 {
		t.Errorf("%d sessions live on, want 1", n)
	}
}

// TestA012CallbacksOfTenTabsAtOnce: each delivered before any was answered.
func TestA012CallbacksOfTenTabsAtOnce(t *testing.T) {
	a := newApp(t)
	b := a.browser()
	b.beginAt("/")
	tabs := openTabs(b, tenPages())
	var answers []<-chan answer
	for _, tab := range tabs {
		answers = append(answers, b.deliver(t.Context(), tab.callback))
	}
	for i, c := range answers {
		at := <-c
		if at.StatusCode != http.StatusSeeOther || at.Header.Get("Location") != tabs[i].page {
			t.Errorf("tab for %s: status %d to %q", tabs[i].page, at.StatusCode, at.Header.Get("Location"))
		}
		b.client.Jar.SetCookies(b.request("GET", "/").URL, at.Cookies())
	}
	if b.user() == "" {
		t.Error("nobody is signed in at the end")
	}
}

// TestA012CodesSwappedBetweenTabs: the code of one login with the state of another.
func TestA012CodesSwappedBetweenTabs(t *testing.T) {
	a := newApp(t)
	b := a.browser()
	b.beginAt("/")
	tabs := openTabs(b, []string{"/one", "/two"})
	swapped := with(t, tabs[0].callback, "code", param(t, tabs[1].callback, "code"))
	at := b.open(swapped)
	checkPage(t, at, "502 Signing in with Dev failed")
	if b.user() != "" || a.store.Len("session") != 0 {
		t.Errorf("signed in as %s", b.user())
	}
}

// TestA012LoginsAtTwoProviders: each answer completes at its own.
func TestA012LoginsAtTwoProviders(t *testing.T) {
	a := newApp(t, twoProviders)
	b := a.browser()
	first := b.authorize(b.begin("/auth/dev/login?return_to=/one"), true)
	second := b.authorize(b.begin("/auth/second/login?return_to=/two"), true)
	for _, c := range []struct{ callback, page, provider string }{{second, "/two", "second"}, {first, "/one", "dev"}} {
		if got := b.finish(c.callback); got.body != "Hello Ada Marsh at "+c.page {
			t.Errorf("ended with %q", got.body)
		}
		if !strings.Contains(b.user(), `"provider":"`+c.provider+`"`) {
			t.Errorf("signed in is %s", b.user())
		}
	}
}
