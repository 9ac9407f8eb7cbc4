package interop_test

import (
	"context"
	"encoding/json"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// browser is a browser without scripts, at the app. At the provider,
// [oidcprovider.Provider.SignIn] stands in for it.
type browser struct {
	t      *testing.T
	a      *app
	client *http.Client
}

func (a *app) browser(t *testing.T) *browser {
	jar, _ := cookiejar.New(nil) // no error without options
	return &browser{t: t, a: a, client: &http.Client{
		Jar:           jar,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// answer is what came back, with the body read.
type answer struct {
	*http.Response
	body string
}

func (at answer) location() string { return at.Header.Get("Location") }

// open asks for a page as a person does, without following redirects. Paths
// are the app's.
func (b *browser) open(target string) answer {
	b.t.Helper()
	if strings.HasPrefix(target, "/") {
		target = b.a.base + target
	}
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, target, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Sec-Fetch-Mode", "navigate")
	r.Header.Set("Sec-Fetch-Dest", "document")
	response, err := b.client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return answer{response, string(body)}
}

// loginAt is where a login at an entry starts.
func loginAt(name, page string) string {
	return "/auth/" + name + "/login?return_to=" + url.QueryEscape(page)
}

// begin opens an address of the app, follows its redirects to the provider,
// and returns the authorization URL.
func (b *browser) begin(target string) string {
	b.t.Helper()
	for range 5 {
		at := b.open(target)
		if at.StatusCode != http.StatusSeeOther {
			b.t.Fatalf("status %d, want a redirect to the provider: %s", at.StatusCode, at.body)
		}
		if target = at.location(); strings.HasPrefix(target, b.a.idp.Issuer+"/") {
			return target
		}
	}
	b.t.Fatal("redirected in circles")
	return ""
}

// authorize answers the provider's questions and returns the callback URL, not
// yet opened.
func (b *browser) authorize(authorizationURL, person string, allow bool) string {
	b.t.Helper()
	callback, err := b.a.idp.SignIn(b.t.Context(), authorizationURL, person, allow)
	if err != nil {
		b.t.Fatal(err)
	}
	if !strings.HasPrefix(callback, b.a.base+"/") {
		b.t.Fatal("the provider sent the browser somewhere else than to the app")
	}
	return callback
}

// callback runs a login up to the callback URL, not yet opened.
func (b *browser) callback(target, person string) string {
	b.t.Helper()
	return b.authorize(b.begin(target), person, true)
}

// signIn runs a whole login and returns the page on which it ends.
func (b *browser) signIn(target, person string) answer {
	b.t.Helper()
	at := b.open(b.callback(target, person))
	if at.StatusCode != http.StatusSeeOther || !strings.HasPrefix(at.location(), "/") {
		b.t.Fatalf("callback: status %d to %q: %s", at.StatusCode, at.location(), at.body)
	}
	return b.open(at.location())
}

// wantPage makes sure that an answer is a page of the app.
func (b *browser) wantPage(at answer, want string) {
	b.t.Helper()
	if at.StatusCode != http.StatusOK || at.body != want {
		b.t.Fatalf("status %d, %.200q; want %q", at.StatusCode, at.body, want)
	}
}

var loginLink = regexp.MustCompile(`<a [^>]*href="([^"]+/login[^"]*)"`)

// retry returns where the first link of a page to another login leads.
func (b *browser) retry(at answer) string {
	b.t.Helper()
	match := loginLink.FindStringSubmatch(at.body)
	if match == nil {
		b.t.Fatalf("no link to another login on the page: %s", at.body)
	}
	return html.UnescapeString(match[1])
}

// user is who the session endpoint says is signed in, in its words.
type user struct {
	ID            string `json:"id"`
	Provider      string `json:"provider"`
	Issuer        string `json:"issuer"`
	Subject       string `json:"subject"`
	Email         string `json:"email"`
	EmailVerified bool   `json:"email_verified"`
	Name          string `json:"name"`
}

// user asks the session endpoint; the zero user is nobody.
func (b *browser) user() user {
	b.t.Helper()
	at := b.open("/auth/session")
	var session struct{ User user }
	if err := json.Unmarshal([]byte(at.body), &session); err != nil {
		b.t.Fatal(err)
	}
	if (at.StatusCode == http.StatusOK) != (session.User != user{}) || at.StatusCode != http.StatusOK && at.StatusCode != http.StatusUnauthorized {
		b.t.Fatalf("session: status %d: %s", at.StatusCode, at.body)
	}
	return session.User
}

// cookies returns what the browser sends to the app.
func (b *browser) cookies() string {
	var out []string
	u, _ := url.Parse(b.a.base) // parsed before
	for _, c := range b.client.Jar.Cookies(u) {
		out = append(out, c.String())
	}
	return strings.Join(out, "; ")
}

// inApp runs f as a handler of the app does, with the browser's user in the context.
func (b *browser) inApp(f func(ctx context.Context)) {
	b.t.Helper()
	r := httptest.NewRequestWithContext(b.t.Context(), http.MethodGet, b.a.base+"/", nil)
	for _, c := range b.client.Jar.Cookies(r.URL) {
		r.AddCookie(c)
	}
	ran := false
	w := httptest.NewRecorder()
	b.a.auth.RequireLogin(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		ran = true
		f(r.Context())
	})).ServeHTTP(w, r)
	if !ran {
		b.t.Fatalf("nobody is signed in: status %d", w.Code)
	}
}
