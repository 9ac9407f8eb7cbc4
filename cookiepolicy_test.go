package wayleave_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/wayleave/wayleave"
	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/provider"
)

// everyCookie lives through logins, an error, and a logout, and returns each
// Set-Cookie line of it.
func everyCookie(a *app) (lines []string) {
	b := a.browser()
	see := func(at answer) answer {
		lines = append(lines, at.Header["Set-Cookie"]...)
		return at
	}
	page := url.QueryEscape(pageOf(900, "wanted"))
	see(b.open(b.authorize(see(b.open("/auth/dev/login?return_to="+page)).Header.Get("Location"), true)))
	see(b.open("/"))
	see(b.open(b.callback("/")))
	see(b.open(denied(a.t, b.callback("/"))))
	see(b.open("/auth/account"))
	see(b.signOut())
	see(b.open("/auth/signed-out?state=" + b.cookies()["logout"]))
	return lines
}

// TestA131_A132_EveryCookieIsAsStrictAsTheFlowAllows: on https each has a
// prefix that no sibling can set, and there is no option for less; all are for
// this host alone, unreadable for scripts, and say SameSite=Lax. None crosses
// sites.
func TestA131_A132_EveryCookieIsAsStrictAsTheFlowAllows(t *testing.T) {
	for _, base := range []string{"https://app.example", "http://localhost:8000"} {
		t.Run(base, func(t *testing.T) {
			secure := strings.HasPrefix(base, "https:")
			a := newDirectApp(t, newIDP(t), base)
			lines := everyCookie(a)
			if len(lines) < 8 {
				t.Fatalf("only %d cookies were set", len(lines))
			}
			for _, line := range lines {
				name, _, _ := strings.Cut(line, "=")
				host, path := strings.HasPrefix(name, "__Host-wayleave-"), strings.HasPrefix(name, "__Secure-wayleave-return-")
				if secure != (host || path) || secure != strings.Contains(line, "; Secure") || host && !strings.Contains(line, "; Path=/;") {
					t.Errorf("%s: prefix, Secure and path do not fit together", name)
				}
				if !strings.Contains(line, "; HttpOnly") || !strings.HasSuffix(line, "; SameSite=Lax") || strings.Contains(line, "Domain") || strings.Contains(line, "None") {
					t.Errorf("%s: not for this host and its server alone", name)
				}
			}
		})
	}
	// What would need a cookie without a prefix is no base URL.
	for _, base := range []string{"http://app.example", "http://192.0.2.1", "http://localhost.example"} {
		_, err := wayleave.New(wayleave.Config{BaseURL: base, Providers: []provider.Config{devProvider(newIDP(t))}})
		if e, ok := errors.AsType[*oauth.ConfigError](err); !ok || e.Field != "BaseURL" {
			t.Errorf("%s: %v", base, err)
		}
	}
}

// TestSES09_A120_CookiesAreSmallAndHoldNoTokens: not split, and nothing in them
// for a script that could read them after all.
func TestSES09_A120_CookiesAreSmallAndHoldNoTokens(t *testing.T) {
	tap := newWiretap(t)
	a := newDirectApp(t, tap.idp, "http://localhost:8000")
	for _, line := range everyCookie(a) {
		name, value, _ := strings.Cut(line, "=")
		limit := 200
		if strings.Contains(name, "-return-") {
			limit = 4096
		}
		if len(line) >= limit {
			t.Errorf("%s has %d bytes", name, len(line))
		}
		if strings.Contains(value, "ada") || strings.Contains(value, "example") {
			t.Errorf("%s can be read", name)
		}
		for secret, what := range tap.secrets {
			if strings.Contains(line, secret) {
				t.Errorf("%s holds the %s", name, what)
			}
		}
	}
}

// TestSES22_A131_NoAnswerComesByPost: until a form_post can be bound to the
// browser that began the login, POST is 405 and uses nothing up.
func TestSES22_A131_NoAnswerComesByPost(t *testing.T) {
	a := newApp(t)
	b := a.browser()
	callback := b.callback("/wanted")
	u, err := url.Parse(callback)
	if err != nil {
		t.Fatal(err)
	}
	for name, at := range map[string]answer{
		"the parameters as a form":         b.submit(u.Path, u.Query(), "Sec-Fetch-Site", "cross-site", "Origin", a.idp.Issuer()),
		"the parameters in the address":    b.submit(u.RequestURI(), nil, "Sec-Fetch-Site", "cross-site", "Origin", a.idp.Issuer()),
		"by another browser, with cookies": a.browser().submit(u.Path, u.Query()),
	} {
		if at.StatusCode != http.StatusMethodNotAllowed || at.Header.Get("Allow") != "GET" || len(at.Cookies()) > 0 {
			t.Errorf("%s: status %d, cookies %q", name, at.StatusCode, setCookies(at))
		}
	}
	if n := a.idp.Count("token"); n != 0 {
		t.Errorf("%d token requests", n)
	}
	if got := b.finish(callback); got.body != "Hello Ada Marsh at /wanted" {
		t.Errorf("ended with %q", got.body)
	}
}

// TestLGO16_NoSessionManagementByIframe: nothing listens to messages of
// other windows, and what a provider sends for it has no meaning.
func TestLGO16_NoSessionManagementByIframe(t *testing.T) {
	a := newApp(t)
	b := a.browser()
	callback := b.callback("/wanted") + "&session_state=" + url.QueryEscape(`x"><script>parent.postMessage("changed","*")</script>`)
	if got := b.finish(callback); got.body != "Hello Ada Marsh at /wanted" {
		t.Errorf("a callback with a session_state ended with status %d", got.StatusCode)
	}
	for _, path := range []string{"/auth/check-session", "/auth/dev/check-session", "/auth/dev/session-management"} {
		if at := b.open(path); at.StatusCode != http.StatusNotFound {
			t.Errorf("%s: status %d", path, at.StatusCode)
		}
	}
	for _, path := range []string{"/auth/account", "/auth/logout", "/auth/signed-out", "/auth/unknown", callback} {
		at := b.open(path)
		checkHeaders(t, at) // no room for a script, and no frame
		if strings.Contains(at.body, "postMessage") || strings.Contains(at.body, "<iframe") {
			t.Errorf("%s speaks to other windows", path)
		}
	}
}
