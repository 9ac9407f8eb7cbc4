package wayleave_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/wayleave/wayleave"
)

// ask sends a request to the Auth itself, without a mux of the app's in front.
func (a *app) ask(method, target string, headers ...string) answer {
	a.t.Helper()
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	a.auth.ServeHTTP(w, r)
	return answer{w.Result(), w.Body.String()}
}

// TestCBK22EveryOwnAnswer: status, type and destination of each own address,
// asked for without a session, and the headers that all of them carry.
func TestCBK22EveryOwnAnswer(t *testing.T) {
	a := newDirectApp(t, newIDP(t), "http://localhost:8000", twoProviders)
	for _, row := range []struct{ method, path, want string }{
		{"GET", "/auth", "200 text/html; charset=utf-8"},
		{"GET", "/auth/", "200 text/html; charset=utf-8"},
		{"GET", "/auth/dev/login", "303 " + a.idp.Issuer() + "/authorize"},
		{"GET", "/auth/second/login", "303 " + a.idp.Issuer() + "/authorize"},
		{"GET", "/auth/dev/callback", "400 text/html; charset=utf-8"},
		{"GET", "/auth/dev/callback?state=x&code=y", "400 text/html; charset=utf-8"},
		{"GET", "/auth/session", "401 application/json"},
		{"GET", "/auth/logout", "303 /auth/signed-out"},
		{"POST", "/auth/logout", "303 /auth/signed-out"},
		{"GET", "/auth/signed-out", "200 text/html; charset=utf-8"},

		{"HEAD", "/auth/", "405 GET"},
		{"POST", "/auth/", "405 GET"},
		{"HEAD", "/auth/dev/login", "405 GET"},
		{"POST", "/auth/dev/login", "405 GET"},
		{"HEAD", "/auth/dev/callback?state=x&code=y", "405 GET"},
		{"POST", "/auth/dev/callback?state=x&code=y", "405 GET"},
		{"OPTIONS", "/auth/dev/callback", "405 GET"},
		{"PUT", "/auth/session", "405 GET"},
		{"OPTIONS", "/auth/session", "405 GET"},
		{"HEAD", "/auth/logout", "405 GET, POST"},
		{"DELETE", "/auth/logout", "405 GET, POST"},
		{"POST", "/auth/signed-out", "405 GET"},

		// A059: another spelling is another address.
		{"GET", "/auth/dev/callback/?state=x&code=y", "404 text/html; charset=utf-8"},
		{"GET", "/auth/dev//callback?state=x&code=y", "404 text/html; charset=utf-8"},
		{"GET", "/auth/x/../dev/callback?state=x&code=y", "404 text/html; charset=utf-8"},
		{"GET", "/auth/dev/Callback?state=x&code=y", "404 text/html; charset=utf-8"},
		{"GET", "/auth/dev/%63allback?state=x&code=y", "404 text/html; charset=utf-8"},
		{"GET", "/AUTH/dev/callback?state=x&code=y", "404 text/html; charset=utf-8"},
		{"GET", "/auth/third/callback?state=x&code=y", "404 text/html; charset=utf-8"},
		{"GET", "/auth/third/login", "404 text/html; charset=utf-8"},
		{"GET", "/auth/dev", "404 text/html; charset=utf-8"},
		{"POST", "/auth/unknown", "404 text/html; charset=utf-8"},
		{"GET", "/elsewhere", "404 text/html; charset=utf-8"},
	} {
		t.Run(row.method+" "+row.path, func(t *testing.T) {
			at := a.ask(row.method, row.path, "Accept", "text/html")
			got := at.Status[:3] + " "
			switch at.StatusCode {
			case http.StatusSeeOther:
				location, _, _ := strings.Cut(at.Header.Get("Location"), "?")
				got += location
			case http.StatusMethodNotAllowed:
				got += at.Header.Get("Allow")
			default:
				got += at.Header.Get("Content-Type")
			}
			if got != row.want {
				t.Errorf("got %q, want %q", got, row.want)
			}
			checkHeaders(t, at)
			if at.Header.Get("Strict-Transport-Security") != "" {
				t.Error("HSTS on http")
			}
			if strings.Contains(at.body, "http://") && at.StatusCode != http.StatusUnauthorized {
				t.Errorf("the page points to other sites: %s", text(at))
			}
			for name := range at.Header {
				if strings.HasPrefix(name, "Access-Control-") {
					t.Errorf("CORS header %s", name)
				}
			}
		})
	}
}

// TestA068HSTS: an https base URL says so in every own answer.
func TestA068HSTS(t *testing.T) {
	a := newDirectApp(t, newIDP(t), "https://app.example")
	for _, path := range []string{"/auth/dev/login", "/auth/session", "/auth/unknown"} {
		if got := a.ask("GET", path).Header.Get("Strict-Transport-Security"); got != "max-age=31536000" {
			t.Errorf("%s: Strict-Transport-Security is %q", path, got)
		}
	}
}

// TestCBK19AfterSuccess: a redirect to a page without code and state, with the headers.
func TestCBK19AfterSuccess(t *testing.T) {
	a := newApp(t)
	b := a.browser()
	at := b.open(b.callback("/wanted?a=b"))
	if at.StatusCode != http.StatusSeeOther || at.Header.Get("Location") != "/wanted?a=b" || at.body != "" {
		t.Errorf("status %d to %q with body %q", at.StatusCode, at.Header.Get("Location"), at.body)
	}
	checkHeaders(t, at)
}

// TestA116Prefetch: what no person asked for uses nothing up, and the request
// of the person works afterwards.
func TestA116Prefetch(t *testing.T) {
	a := newApp(t)
	b := a.browser()
	callback := b.callback("/wanted")
	for _, header := range [][2]string{
		{"Sec-Purpose", "prefetch"}, {"Sec-Purpose", "prefetch;prerender"}, {"Sec-Purpose", "prefetch;anonymous-client-ip"},
		{"Purpose", "prefetch"}, {"X-Moz", "prefetch"}, {"X-Purpose", "preview"},
	} {
		for _, target := range []string{callback, "/auth/dev/login"} {
			at := b.open(target, header[0], header[1])
			if at.StatusCode != http.StatusServiceUnavailable || at.Header.Get("Retry-After") == "" || len(at.Cookies()) > 0 {
				t.Errorf("%s: %s to %.20s: status %d, cookies %s", header[0], header[1], target, at.StatusCode, setCookies(at))
			}
			checkHeaders(t, at)
		}
	}
	if at := b.do(b.request("HEAD", callback)); at.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("HEAD: status %d", at.StatusCode)
	}
	// A scanner that has no cookies of ours.
	if at := a.browser().open(callback); !a.restarts(at) {
		t.Errorf("scanner: status %d", at.StatusCode)
	}
	if n := a.idp.Count("token"); n != 0 {
		t.Errorf("%d token requests, want none", n)
	}
	if got := b.finish(callback); got.body != "Hello Ada Marsh at /wanted" {
		t.Errorf("ended with %q", got.body)
	}
}

// TestA003WhoMayStartALogin: a person who follows a link, not a page that
// frames or loads us.
func TestA003WhoMayStartALogin(t *testing.T) {
	a := newDirectApp(t, newIDP(t), "http://localhost:8000")
	for _, row := range []struct {
		site, dest string
		status     int
	}{
		{"none", "document", 303}, {"same-origin", "document", 303}, {"same-site", "document", 303}, {"cross-site", "document", 303},
		{"", "", 303}, // a browser that does not say
		{"cross-site", "iframe", 403}, {"cross-site", "image", 403}, {"cross-site", "empty", 403}, {"cross-site", "script", 403}, {"cross-site", "object", 403},
		{"same-site", "iframe", 403}, {"same-site", "image", 403},
	} {
		t.Run(row.site+" "+row.dest, func(t *testing.T) {
			at := a.ask("GET", "/auth/dev/login", "Sec-Fetch-Site", row.site, "Sec-Fetch-Dest", row.dest)
			if at.StatusCode != row.status {
				t.Errorf("status %d, want %d", at.StatusCode, row.status)
			}
			if (setCookies(at) == "browser") != (row.status == 303) {
				t.Errorf("cookies %q", setCookies(at))
			}
			checkHeaders(t, at)
		})
	}
}

// TestAZR12WhatALinkCanAskFor: a page, to choose the account, and to prove anew
// who one is. Nothing else.
func TestAZR12WhatALinkCanAskFor(t *testing.T) {
	a := newDirectApp(t, newIDP(t), "http://localhost:8000", func(c *wayleave.Config) { c.Providers[0].Offline = false })
	plain := a.ask("GET", "/auth/dev/login")
	hostile := a.ask("GET", "/auth/dev/login?scope=admin&prompt=none&acr_values=x&max_age=0&login_hint=eve&ui_locales=de&client_id=evil&redirect_uri=https://evil.example&"+
		"response_type=token&response_mode=fragment&state=s&nonce=n&code_challenge=c&code_challenge_method=plain&access_type=offline&hd=evil.example&request=x&return_to=/x",
		"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Dest", "document")
	for _, name := range []string{"scope", "prompt", "acr_values", "max_age", "login_hint", "ui_locales", "client_id", "redirect_uri",
		"response_type", "response_mode", "code_challenge_method", "access_type", "hd", "request", "return_to"} {
		if got, want := param(t, hostile.Header.Get("Location"), name), param(t, plain.Header.Get("Location"), name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if got := a.opened(hostile.Header.Get("Location")); got.ReturnTo != "/x" || got.MaxAge >= 0 || got.ACRValues != nil {
		t.Errorf("pending is %+v", got.Pending)
	}
	choose := a.ask("GET", "/auth/dev/login?prompt=select_account", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Dest", "document")
	if got := param(t, choose.Header.Get("Location"), "prompt"); got != "select_account" {
		t.Errorf("prompt is %q, want select_account", got)
	}
	for asked, want := range map[string]string{"10": "10", "900": "900", "9": "", "0": "", "-1": "", "+900": "", "9e2": "", "900 ": "", "99999999999": ""} {
		renew := a.ask("GET", "/auth/dev/login?max_age="+url.QueryEscape(asked), "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Dest", "document")
		if got := param(t, renew.Header.Get("Location"), "max_age"); got != want {
			t.Errorf("asked for %q: max_age is %q, want %q", asked, got, want)
		}
	}
}

// TestA113AddressesComeFromConfiguration: not from what a request says about itself.
func TestA113AddressesComeFromConfiguration(t *testing.T) {
	a := newDirectApp(t, newIDP(t), "http://localhost:8000")
	lies := []string{"X-Forwarded-Host", "evil.example", "X-Forwarded-Proto", "https", "X-Forwarded-Port", "444", "X-Forwarded-Prefix", "/evil",
		"Forwarded", "host=evil.example;proto=https", "X-Original-Host", "evil.example", "X-Forwarded-Server", "evil.example"}
	for what, at := range map[string]answer{
		"forwarding headers": a.ask("GET", "/auth/dev/login", lies...),
		"host":               a.ask("GET", "http://evil.example/auth/dev/login"),
	} {
		if got := param(t, at.Header.Get("Location"), "redirect_uri"); got != "http://localhost:8000/auth/dev/callback" {
			t.Errorf("%s: redirect_uri is %q", what, got)
		}
		for _, c := range at.Cookies() {
			if c.Secure || c.Domain != "" || strings.HasPrefix(c.Name, "__") {
				t.Errorf("%s: cookie %s", what, c.Raw)
			}
		}
	}
	for what, at := range map[string]answer{
		"forwarding headers": a.ask("GET", "/auth/session", lies...),
		"host":               a.ask("GET", "http://evil.example/auth/session"),
	} {
		if strings.Contains(at.body, "evil") || !strings.Contains(at.body, `"login_url":"http://localhost:8000/auth/"`) {
			t.Errorf("%s: %s", what, at.body)
		}
	}
}

// TestA017CallbacksAreLimited: per address, and per browser.
func TestA017CallbacksAreLimited(t *testing.T) {
	a := newDirectApp(t, newIDP(t), "http://localhost:8000")
	b := a.browser()
	callback := b.callback("/wanted")
	limited := 0
	for range 600 {
		if at := a.ask("GET", "/auth/dev/callback?state=x"); at.StatusCode == http.StatusTooManyRequests {
			checkPage(t, at, "429 Too many sign-ins at once")
			if at.Header.Get("Retry-After") == "" {
				t.Error("no Retry-After")
			}
			limited++
		}
	}
	if limited == 0 {
		t.Error("600 callbacks from one address were all looked at")
	}
	// Others are not concerned (ask and browsers come from different addresses).
	if got := b.finish(callback); got.body != "Hello Ada Marsh at /wanted" {
		t.Errorf("ended with %q", got.body)
	}
}
