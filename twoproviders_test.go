package wayleave_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/wayleave/wayleave"
)

// twoProviders adds a second registration at the same provider.
func twoProviders(c *wayleave.Config) {
	second := c.Providers[0]
	second.Name, second.Label = "second", `Second & "Co" <b>`
	c.Providers = append(c.Providers, second)
}

func TestTheSignInPage(t *testing.T) {
	a := newDirectApp(t, newIDP(t), "http://localhost:8000", twoProviders, func(c *wayleave.Config) { c.Branding.AppName = "Finance Tracker" })
	at := a.ask("GET", "/auth/?return_to=/reports%3Fx=1%26y=2")
	checkPage(t, at, "200 Sign in to Finance Tracker")
	first := strings.Index(at.body, `href="/auth/dev/login?return_to=%2Freports%3Fx%3D1%26y%3D2"`)
	second := strings.Index(at.body, `href="/auth/second/login?return_to=%2Freports%3Fx%3D1%26y%3D2"`)
	if first < 0 || second < first {
		t.Errorf("the buttons are missing or in another order: %s", text(at))
	}
	if !strings.Contains(at.body, "Sign in with Second &amp; &#34;Co&#34; &lt;b&gt;") {
		t.Errorf("the label is not shown as text: %s", text(at))
	}
	if len(at.Cookies()) > 0 {
		t.Errorf("it sets cookies: %s", setCookies(at))
	}
}

func TestTheSignInPageOfOneProviderIsTheLogin(t *testing.T) {
	a := newDirectApp(t, newIDP(t), "http://localhost:8000")
	for target, want := range map[string]string{
		"/auth/": "/auth/dev/login", "/auth": "/auth/dev/login", "/auth/?return_to=/x%3Fy": "/auth/dev/login?return_to=%2Fx%3Fy",
	} {
		if at := a.ask("GET", target); at.StatusCode != http.StatusSeeOther || at.Header.Get("Location") != want {
			t.Errorf("%s: status %d to %q, want 303 to %q", target, at.StatusCode, at.Header.Get("Location"), want)
		}
	}
}

// TestA022AnswerAtAnotherProvidersCallback: refused, and not used up.
func TestA022AnswerAtAnotherProvidersCallback(t *testing.T) {
	a := newApp(t, twoProviders)
	b := a.browser()
	callback := b.callback("/wanted")
	checkPage(t, b.open(strings.Replace(callback, "/dev/", "/second/", 1)), pageNotOurs)
	if n := a.idp.Count("token"); n != 0 {
		t.Errorf("%d token requests, want none", n)
	}
	if got := b.finish(callback); got.body != "Hello Ada Marsh at /wanted" {
		t.Errorf("ended with %q", got.body)
	}
}

// TestCallbackPath: where a registered redirect URI cannot change. The old
// place is none then.
func TestCallbackPath(t *testing.T) {
	a := newDirectApp(t, newIDP(t), "http://localhost:8000", func(c *wayleave.Config) { c.Providers[0].CallbackPath = "/legacy/callback" })
	a.wire = mounted{a, "/legacy/callback"}
	b := a.browser()
	for _, page := range []string{"/wanted", pageOf(1500, "wanted")} {
		authorization := b.beginAt(page)
		if got := param(t, authorization, "redirect_uri"); got != "http://localhost:8000/legacy/callback" {
			t.Fatalf("redirect_uri is %q", got)
		}
		callback := b.authorize(authorization, true)
		if at := b.open(strings.Replace(callback, "/legacy/", "/auth/dev/", 1)); at.StatusCode != http.StatusNotFound {
			t.Errorf("old path: status %d", at.StatusCode)
		}
		if got := b.finish(callback); got.body != "Hello Ada Marsh at "+page {
			t.Errorf("ended with status %d: %.100s", got.StatusCode, text(got))
		}
	}
}

// mounted serves one more path by the Auth, and what is below if it ends in a slash.
type mounted struct {
	*app
	path string
}

func (m mounted) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Path == m.path || strings.HasSuffix(m.path, "/") && strings.HasPrefix(r.URL.Path, m.path) {
		return direct{m.auth}.RoundTrip(r)
	}
	return direct{m.app}.RoundTrip(r)
}
