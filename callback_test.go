package wayleave_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/wayleave/wayleave"
)

// TestA050MalformedCallbacks are refused before anything is believed or used
// up: the real one works afterwards.
func TestA050MalformedCallbacks(t *testing.T) {
	a := newDirectApp(t, newIDP(t), "http://localhost:8000")
	for name, change := range map[string]func(callback string) string{
		"A050 code twice":         func(cb string) string { return cb + "&code=x" },
		"A050 state twice":        func(cb string) string { return cb + "&state=" + param(t, cb, "state") },
		"A050 iss twice":          func(cb string) string { return cb + "&iss=" + url.QueryEscape(a.idp.Issuer()) },
		"A050 error twice":        func(cb string) string { return cb + "&error=x&error=y" },
		"A060 two id_tokens":      func(cb string) string { return cb + "&id_token=x&id_token=y" },
		"A062 a code of 9 kB":     func(cb string) string { return with(t, cb, "code", strings.Repeat("x", 9<<10)) },
		"A065 a semicolon":        func(cb string) string { return cb + "&a=b;c=d" },
		"A065 a broken escape":    func(cb string) string { return cb + "&a=%zz" },
		"A004 state in lower":     func(cb string) string { return with(t, cb, "state", strings.ToLower(param(t, cb, "state"))) },
		"A004 state of 1 MB":      func(cb string) string { return with(t, cb, "state", strings.Repeat("A", 1<<20)) },
		"A004 state not in UTF-8": func(cb string) string { return with(t, cb, "state", "\xff\xfe\x00") },
		"A004 state and more":     func(cb string) string { return with(t, cb, "state", param(t, cb, "state")+"A") },
		"A004 state padded":       func(cb string) string { return with(t, cb, "state", param(t, cb, "state")+"=") },
		"A063 State":              func(cb string) string { return strings.Replace(cb, "state=", "State=", 1) },
		"A063 a look-alike":       func(cb string) string { return strings.Replace(cb, "state=", "%C5%BFtate=", 1) },
	} {
		t.Run(name, func(t *testing.T) {
			a.during(t)
			b := a.browser()
			callback := b.callback("/wanted")
			tokens := a.idp.Count("token")
			at := b.open(change(callback))
			checkPage(t, at, pageNotOurs)
			if n := a.idp.Count("token") - tokens; n != 0 || len(at.Cookies()) > 0 {
				t.Errorf("%d token requests, cookies %s", n, setCookies(at))
			}
			if got := b.finish(callback); got.body != "Hello Ada Marsh at /wanted" {
				t.Errorf("the real one ended with %q", got.body)
			}
		})
	}
}

// TestA060UnknownParametersAreIgnored, whatever they are called.
func TestA060UnknownParametersAreIgnored(t *testing.T) {
	a := newDirectApp(t, newIDP(t), "http://localhost:8000")
	for _, more := range []string{"&Code=x&STATE=y", "&code[]=x", "&id_token=x&access_token=y&token_type=z", "&session_state=x", "&a=b&a=c", "&error=", "&%C5%BFtate=x"} {
		b := a.browser()
		if got := b.finish(b.callback("/wanted") + more); got.body != "Hello Ada Marsh at /wanted" {
			t.Errorf("%s: ended with %q", more, got.body)
		}
	}
}

// TestA064ParametersInABody: of a GET they are refused, and a POST is no callback.
func TestA064ParametersInABody(t *testing.T) {
	a := newApp(t)
	b := a.browser()
	callback := b.callback("/wanted")
	r := b.request("GET", callback)
	r.Body, r.ContentLength = http.NoBody, 0
	withBody := b.request("GET", callback, "Content-Type", "application/x-www-form-urlencoded")
	withBody.Body, withBody.ContentLength = readCloser("state=other"), 11
	checkPage(t, b.do(withBody), pageNotOurs)
	post := b.request("POST", callback, "Content-Type", "application/x-www-form-urlencoded")
	post.Body, post.ContentLength = readCloser("state=other"), 11
	if at := b.do(post); at.StatusCode != http.StatusMethodNotAllowed || at.Header.Get("Allow") != "GET" {
		t.Errorf("POST: status %d, Allow %q", at.StatusCode, at.Header.Get("Allow"))
	}
	if got := b.finish(callback); got.body != "Hello Ada Marsh at /wanted" {
		t.Errorf("the real one ended with %q", got.body)
	}
}

type stringBody struct{ *strings.Reader }

func (stringBody) Close() error { return nil }

func readCloser(s string) stringBody { return stringBody{strings.NewReader(s)} }

// TestA020AnswersOfAnotherIssuer: exact comparison, and it must be there when
// the provider says that it always is.
func TestA020AnswersOfAnotherIssuer(t *testing.T) {
	a := newDirectApp(t, newIDP(t), "http://localhost:8000")
	issuer := a.idp.Issuer()
	for name, iss := range map[string]string{
		"A020 another":        "https://evil.example",
		"A023 missing":        "",
		"A025 with a slash":   issuer + "/",
		"A025 https":          strings.Replace(issuer, "http:", "https:", 1),
		"A025 upper case":     strings.ToUpper(issuer),
		"A025 encoded twice":  url.QueryEscape(issuer),
		"A025 a space behind": issuer + " ",
		"A025 with a user":    strings.Replace(issuer, "//", "//x@", 1),
	} {
		t.Run(name, func(t *testing.T) {
			a.during(t)
			b := a.browser()
			tokens := a.idp.Count("token")
			checkPage(t, b.open(with(t, b.callback("/wanted"), "iss", iss)), pageNotOurs)
			if n := a.idp.Count("token") - tokens; n != 0 || b.user() != "" {
				t.Errorf("%d token requests, signed in as %q", n, b.user())
			}
		})
	}
}

// TestA051NeitherOrBoth: a code and an error, or neither. The login is used up.
func TestA051NeitherOrBoth(t *testing.T) {
	a := newDirectApp(t, newIDP(t), "http://localhost:8000")
	for name, change := range map[string]func(string) string{
		"both":    func(cb string) string { return cb + "&error=access_denied" },
		"neither": func(cb string) string { return with(t, cb, "code", "") },
	} {
		t.Run(name, func(t *testing.T) {
			a.during(t)
			b := a.browser()
			callback := b.callback("/wanted")
			checkPage(t, b.open(change(callback)), pageNotOurs)
			if at := b.open(callback); !a.restarts(at) || a.idp.Count("token") != 0 {
				t.Errorf("then the code: status %d to %q, %d token requests", at.StatusCode, at.Header.Get("Location"), a.idp.Count("token"))
			}
		})
	}
}

// TestCBK13ErrorsOfTheProvider: each has its page, which says nothing that the
// provider said, and offers another try for the same page.
func TestCBK13ErrorsOfTheProvider(t *testing.T) {
	a := newDirectApp(t, newIDP(t), "http://localhost:8000")
	for code, want := range map[string]string{
		"access_denied":                     pageDenied,
		"login_required":                    pageDenied,
		"interaction_required":              pageDenied,
		"consent_required":                  pageDenied,
		"account_selection_required":        pageDenied,
		"unmet_authentication_requirements": pageDenied,
		"temporarily_unavailable":           "503 Dev does not answer",
		"server_error":                      "503 Dev does not answer",
		"invalid_scope":                     "502 Signing in with Dev failed",
		"unauthorized_client":               "502 Signing in with Dev failed",
		"invalid_request":                   "502 Signing in with Dev failed",
		"something_new":                     "502 Signing in with Dev failed",
		"<script>alert(1)</script>":         "502 Signing in with Dev failed",
		"\u202eevil":                        "502 Signing in with Dev failed",
	} {
		t.Run(code, func(t *testing.T) {
			a.during(t)
			b := a.browser()
			callback := with(t, denied(t, b.callback("/wanted")), "error", code)
			at := b.open(callback + "&error_description=" + url.QueryEscape(`canary "><img src=x onerror=alert(1)>`+strings.Repeat("x", 5000)) + "&error_uri=https://evil.example/canary")
			checkPage(t, at, want)
			for _, said := range []string{"canary", "onerror", "evil", "alert(1)"} {
				if strings.Contains(at.body, said) {
					t.Errorf("the page repeats %q: %s", said, text(at))
				}
			}
			if !strings.Contains(at.body, `href="/auth/dev/login?return_to=%2Fwanted"`) {
				t.Errorf("no button for the same page: %s", text(at))
			}
			if want[:3] == "503" && at.Header.Get("Retry-After") == "" {
				t.Error("no Retry-After")
			}
		})
	}
}

// TestA003ACallbackInAFrame of another site uses nothing up.
func TestA003ACallbackInAFrame(t *testing.T) {
	a := newDirectApp(t, newIDP(t), "http://localhost:8000")
	b := a.browser()
	callback := b.callback("/wanted")
	for _, site := range []string{"cross-site", "same-site"} {
		if at := b.open(callback, "Sec-Fetch-Site", site, "Sec-Fetch-Dest", "iframe"); at.StatusCode != http.StatusForbidden {
			t.Errorf("%s: status %d", site, at.StatusCode)
		}
	}
	at := b.open(callback, "Sec-Fetch-Site", "cross-site") // as the provider's redirect
	if at.Header.Get("Location") != "/wanted" {
		t.Errorf("status %d to %q", at.StatusCode, at.Header.Get("Location"))
	}
}

// TestA017CallbacksOfOneBrowserAreLimited, from however many addresses they come.
func TestA017CallbacksOfOneBrowserAreLimited(t *testing.T) {
	var n atomic.Int64
	a := newDirectApp(t, newIDP(t), "http://localhost:8000", func(c *wayleave.Config) {
		c.ClientAddress = func(*http.Request) string { return strings.Repeat("x", int(n.Add(1))) }
	})
	b, other := a.browser(), a.browser()
	b.beginAt("/")
	callback := other.callback("/wanted")
	limited := 0
	for range 300 {
		if b.open("/auth/dev/callback?state=x").StatusCode == http.StatusTooManyRequests {
			limited++
		}
	}
	if limited == 0 {
		t.Error("300 callbacks of one browser were all looked at")
	}
	if got := other.finish(callback); got.body != "Hello Ada Marsh at /wanted" {
		t.Errorf("another browser ended with %q", got.body)
	}
}
