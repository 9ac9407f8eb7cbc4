package wayleave_test

import (
	"net/http"
	"strings"
	"testing"
)

// TestLGO02_A220_WhoMaySignOut: the app's own pages, by POST. A GET only asks.
func TestLGO02_A220_WhoMaySignOut(t *testing.T) {
	a := newDirectApp(t, newIDP(t), "https://app.example")
	for _, row := range []struct {
		name, method string
		headers      []string
		status       int
		out          bool
	}{
		{"our page's form", "POST", []string{"Sec-Fetch-Site", "same-origin", "Origin", "https://app.example"}, 200, true},
		{"our page's script", "POST", []string{"Sec-Fetch-Site", "same-origin", "Accept", "application/json"}, 200, true},
		{"an old browser on our page", "POST", []string{"Origin", "https://app.example"}, 200, true},
		{"a client that says nothing", "POST", nil, 200, true},
		{"the address bar", "GET", []string{"Sec-Fetch-Site", "none"}, 200, false},
		{"a link or picture elsewhere", "GET", []string{"Sec-Fetch-Site", "cross-site"}, 200, false},
		{"a form elsewhere", "POST", []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"}, 403, false},
		{"a form on a sibling site", "POST", []string{"Sec-Fetch-Site", "same-site", "Origin", "https://evil.app.example"}, 403, false},
		{"an old browser elsewhere", "POST", []string{"Origin", "https://evil.example"}, 403, false},
		{"a sandboxed frame", "POST", []string{"Origin", "null"}, 403, false},
		{"our host on another port", "POST", []string{"Origin", "https://app.example:444"}, 403, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			a.during(t)
			b := a.browser()
			b.signIn("/")
			at := b.do(b.request(row.method, "/auth/logout", row.headers...))
			if at.StatusCode != row.status {
				t.Errorf("status %d, want %d: %s", at.StatusCode, row.status, text(at))
			}
			checkHeaders(t, at)
			if out := b.user() == ""; out != row.out {
				t.Errorf("signed out: %v, want %v", out, row.out)
			}
		})
	}
}

// TestA220BehindAProxyThatChangesTheHost: our origin is the configured one.
func TestA220BehindAProxyThatChangesTheHost(t *testing.T) {
	a := newDirectApp(t, newIDP(t), "https://app.example")
	for origin, status := range map[string]int{"https://app.example": 303, "https://evil.example": 403} {
		if at := a.ask("POST", "http://127.0.0.1:8080/auth/logout", "Origin", origin); at.StatusCode != status {
			t.Errorf("from %s: status %d, want %d", origin, at.StatusCode, status)
		}
	}
}

// TestSES12TheQuestion names who is signed in, and asks by a form.
func TestSES12TheQuestion(t *testing.T) {
	a := newApp(t)
	b := a.browser()
	b.signIn("/")
	at := b.open("/auth/logout")
	for _, want := range []string{`<form method="post" action="/auth/logout"`, "ada@example.com", "Do you want to sign out"} {
		if !strings.Contains(at.body, want) {
			t.Errorf("the page lacks %q: %s", want, text(at))
		}
	}
	checkPage(t, at, "200 Sign out")
}

// TestA118Logout: the session, its tokens and its record are gone; whoever
// copied the cookie is out too; logins that were begun before do not finish.
func TestA118Logout(t *testing.T) {
	a := newApp(t)
	b := a.browser()
	b.signIn("/")
	name, id := sessionCookieOf(b)
	thief := a.browser()
	thief.setRaw(name, id)
	bound := b.cookies()["browser"]
	pending := b.callback("/wanted")
	at := b.do(b.request("POST", "/auth/logout", "Accept", "text/html", "Sec-Fetch-Site", "same-origin"))
	if at.StatusCode != http.StatusOK || !strings.HasPrefix(goesOnTo(at), a.idp.Issuer()+"/end-session?") {
		t.Errorf("status %d to %q", at.StatusCode, goesOnTo(at))
	}
	if b.user() != "" || thief.user() != "" {
		t.Error("somebody is still signed in")
	}
	if n := a.store.Len("session") + a.sessionGrants(1); n != 0 {
		t.Errorf("%d records are left over", n)
	}
	if now := b.cookies()["browser"]; now == bound || now == "" {
		t.Error("the binding cookie was not renewed")
	}
	if at := b.open("/reports"); at.StatusCode != http.StatusSeeOther {
		t.Errorf("a page: status %d, want a redirect to sign in", at.StatusCode)
	}
	page := b.open("/auth/signed-out")
	checkPage(t, page, "200 You are signed out")
	if page.Header.Get("Refresh") != "" || strings.Contains(page.body, "http-equiv") {
		t.Error("the page goes on by itself")
	}
	tokens := a.idp.Count("token")
	if at := b.open(pending); !a.restarts(at) {
		t.Errorf("a login begun before: status %d to %q", at.StatusCode, at.Header.Get("Location"))
	}
	if n := a.idp.Count("token") - tokens; n != 0 {
		t.Errorf("%d token requests", n)
	}
	if at := b.fetch("POST", "/auth/logout"); at.StatusCode != http.StatusNoContent {
		t.Errorf("signing out twice: status %d", at.StatusCode)
	}
}
