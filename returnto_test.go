package wayleave_test

import (
	"encoding/binary"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/wayleave/wayleave"
	"github.com/wayleave/wayleave/internal/seal"
	"github.com/wayleave/wayleave/oauth"
)

// hostileTargets lead to another site, in some reader's eyes, or to an endpoint
// of ours. All of them become the home page.
var hostileTargets = map[string][]string{
	"A090":  {"//evil.example", "///evil.example", "////evil", "//evil.example/%2f..", "//", "///"},
	"A091":  {`/\evil.example`, `\/evil`, `\\evil`, `/\/evil`, `/a\b`, `/path?x=\evil`},
	"A092":  {"/%5cevil.example", "/%5Cevil.example", "/%2fevil.example", "/%2Fevil.example", "/%2f%2fevil", "/%09/evil", "/%0a/evil", "/%0d/evil", "/%00/evil", "/%5c%5cevil"},
	"RET-2": {"/\tevil", "/\t/evil", "\t//evil", " /x", "/ /evil", "/\x00", "/\x7f", "/\x1b//evil", "/a b"},
	"A094":  {"javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "vbscript:x", "blob:https://evil.example/x", "intent://evil", "mailto:a@b"},
	"A095":  {"https:evil.example", "https:/evil.example", "https:///evil.example", "http:evil", "https://evil.example", "HTTPS://evil.example"},
	"A096":  {".evil.example", "@evil.example", ":80/evil", ";@evil", "evil.example", "?x", ""},
	"A097":  {"/x\r\nX: y", "/x%0d%0aSet-Cookie:a=b", "/x?a=%0d%0aX:%20y", "/x?a=b\r\nX: y", "/x%0aX", "/x?%00"},
	"A098":  {"#https://evil", "#//evil"},
	"A099":  {"/\u202eevil", "/\u200bevil", "/%E2%80%AEevil", "/\u2066x\u2069", "/%EF%BB%BFx", "/\xff\xfe", "/%ff%fe", "/x?\xff", "/a%c0%af..%c0%afb"},
	"A100":  {`https:\\evil`, `http:\/\/evil`, `/https:\\evil`},
	"RET-3": {"/%", "/%2", "/%zz", "/x?q=%zz"},
	"A102":  {"https://good.example@evil.example", "//good.example:80@evil.example", "http://localhost:8000@evil.example/"},
	"A103":  {"https://good.example.evil.example", "https://evilgood.example", "http://localhost:8000.evil.example/"},
	"A104":  {"https://good.example%00.evil.example", "/\uff0f\uff0fevil", "/%EF%BC%8F%EF%BC%8Fevil", "/\uff3cevil", "/\u3002evil"},
	"A106":  {"http://localhost:8001/", "http://localhost:80@evil", "http://[::1]/", "http://2130706433/"},
	"A108":  {"/..//evil.example", "/.//evil.example", "/a/../..//evil", "/%2e%2e//evil", "/a/%2e%2e/%2e%2e//evil", "/a/..", "/."},
	"RET-8": {"/auth", "/auth/", "/auth/logout", "/auth/dev/login?return_to=//evil", "/auth/dev/callback?code=x", "/auth/session", "/%61uth/logout", "/auth%2flogout", "/legacy/callback", "/legacy/callback?error=x"},
	"A110":  {"/" + strings.Repeat("x", 2048), "/" + strings.Repeat("x", 64<<10)},
}

// harmlessTargets arrive as they are, or in the spelling behind the arrow.
var harmlessTargets = map[string]string{
	"/":                                  "/",
	"/reports":                           "/reports",
	"/reports/":                          "/reports/",
	"/reports?year=2026&q=a%20b+c":       "/reports?year=2026&q=a%20b+c",
	"/a//b":                              "/a//b",
	"/archive/https://other.example/":    "/archive/https://other.example/",
	"/x?next=//evil":                     "/x?next=//evil",
	"/x?next=https://evil.example":       "/x?next=https://evil.example",
	"/%252f%252fevil":                    "/%252f%252fevil", // one decoding, not two
	"/a%2Fb":                             "/a%2Fb",
	"/a%20b":                             "/a%20b",
	"/authors":                           "/authors", // begins like our base path
	"/auth-other/x":                      "/auth-other/x",
	"/#//evil":                           "/",
	"/path#@evil":                        "/path",
	"/caf\u00e9?q=\u00e9":                "/caf%C3%A9?q=%C3%A9",
	"/x?q=%E2%80%AE":                     "/x?q=%E2%80%AE",
	"/@evil.example":                     "/@evil.example",
	"/a;b=c?d;e":                         "/a;b=c?d;e",
	"/...":                               "/...",
	"/x?a=1&a=2&b":                       "/x?a=1&a=2&b",
	"/%E3%81%82":                         "/%E3%81%82",
	"/x:y":                               "/x:y",
	"/x?redirect=javascript:alert(1)":    "/x?redirect=javascript:alert(1)",
	"/x?" + strings.Repeat("y", 2048-3):  "/x?" + strings.Repeat("y", 2048-3),
	"/legacy/callbacks":                  "/legacy/callbacks",
	"/x?q=%22%3E%3Cscript%3E&r=<script>": "/x?q=%22%3E%3Cscript%3E&r=<script>",
}

// legacyProvider has its callback outside of the base path.
func legacyProvider(c *wayleave.Config) {
	legacy := c.Providers[0]
	legacy.Name, legacy.CallbackPath = "legacy", "/legacy/callback"
	c.Providers = append(c.Providers, legacy)
}

func targetApp(t *testing.T) *app {
	return newDirectApp(t, newIDP(t), "http://localhost:8000", legacyProvider)
}

// eachHostile runs a test for all hostile targets of at most so many bytes.
func eachHostile(t *testing.T, most int, test func(t *testing.T, target string)) {
	for id, targets := range hostileTargets {
		for _, target := range targets {
			if len(target) > most {
				continue
			}
			t.Run(fmt.Sprintf("%s %.40q", id, target), func(t *testing.T) { test(t, target) })
		}
	}
}

// TestAZR13TargetsAtTheStart: what is not a page of ours does not get into the state.
func TestAZR13TargetsAtTheStart(t *testing.T) {
	a := targetApp(t)
	eachHostile(t, 1<<20, func(t *testing.T, target string) {
		a.during(t)
		at := a.ask("GET", "/auth/dev/login?return_to="+url.QueryEscape(target))
		if !a.restarts(at) {
			t.Fatalf("status %d to %q", at.StatusCode, at.Header.Get("Location"))
		}
		if got := a.opened(at.Header.Get("Location")); got.ReturnTo != "/" || got.ReturnElsewhere != (len(target) > 2048) {
			t.Errorf("pending is %q, elsewhere %v", got.ReturnTo, got.ReturnElsewhere)
		}
		if strings.Contains(setCookies(at), "return") {
			t.Error("it is kept in a cookie")
		}
		// The same through a page that needs a user, where it is a request target.
		if strings.HasPrefix(target, "/") && len(target) < 100 {
			if u, err := url.ParseRequestURI(target); err == nil {
				w := a.requirePage(u)
				if location := w.Header.Get("Location"); !strings.HasPrefix(location, "/auth/?return_to=") {
					t.Errorf("RequireLogin redirects to %q", location)
				}
			}
		}
	})
	for target, want := range harmlessTargets {
		t.Run(fmt.Sprintf("%.40q", target), func(t *testing.T) {
			a.during(t)
			b := a.browser()
			at := b.open("/auth/dev/login?return_to=" + url.QueryEscape(target))
			if len(target) < 250 {
				if got := a.opened(at.Header.Get("Location")).ReturnTo; got != want {
					t.Errorf("pending is %q, want %q", got, want)
				}
			}
			end := b.open(b.authorize(at.Header.Get("Location"), true))
			if end.Header.Get("Location") != want {
				t.Errorf("ended at %.60q, want %.60q", end.Header.Get("Location"), want)
			}
		})
	}
}

// requirePage asks for a page that needs a user.
func (a *app) requirePage(u *url.URL) *http.Response {
	resp, err := direct{a.auth.RequireLogin(http.NotFoundHandler())}.RoundTrip(&http.Request{Method: "GET", URL: u, Header: http.Header{"Accept": {"text/html"}}})
	if err != nil {
		a.t.Fatal(err)
	}
	return resp
}

// TestAZR13TargetsAtTheSignInPage: each button carries what was asked for, as
// data; it is looked at when the login starts.
func TestAZR13TargetsAtTheSignInPage(t *testing.T) {
	a := targetApp(t)
	eachHostile(t, 1<<20, func(t *testing.T, target string) {
		at := a.ask("GET", "/auth/?return_to="+url.QueryEscape(target))
		links := strings.Split(at.body, `href="`)[1:]
		if at.StatusCode != 200 || len(links) != 2 {
			t.Fatalf("status %d, %d links", at.StatusCode, len(links))
		}
		for i, name := range []string{"dev", "legacy"} {
			link, _, _ := strings.Cut(links[i], `"`)
			if !strings.HasPrefix(link, "/auth/"+name+"/login") {
				t.Errorf("a button leads to %q", link)
			}
		}
	})
}

// TestAZR13TargetsAtTheSignInPageOfOneProvider: it leads straight to the login.
func TestAZR13TargetsAtTheSignInPageOfOneProvider(t *testing.T) {
	a := newDirectApp(t, newIDP(t), "http://localhost:8000")
	eachHostile(t, 1<<20, func(t *testing.T, target string) {
		at := a.ask("GET", "/auth/?return_to="+url.QueryEscape(target))
		u, err := url.Parse(at.Header.Get("Location"))
		if err != nil || u.Host != "" || u.Path != "/auth/dev/login" || u.Query().Get("return_to") != target {
			t.Errorf("status %d to %.60q", at.StatusCode, at.Header.Get("Location"))
		}
	})
}

// TestAZR13TargetsInTheState: even if a state with one were sealed, it is not followed.
func TestAZR13TargetsInTheState(t *testing.T) {
	a := targetApp(t)
	eachHostile(t, 1000, func(t *testing.T, target string) {
		a.during(t)
		b := a.browser()
		b.finish(b.callback("/"))
		// With a session an expired login leads on to its page: no code is spent.
		callback := b.a.reseal(b.callback("/"), func(p *oauth.Pending) { p.ReturnTo = target; expired(p) })
		if at := b.open(callback); at.StatusCode != http.StatusSeeOther || at.Header.Get("Location") != "/" {
			t.Errorf("status %d to %q, want 303 to /", at.StatusCode, at.Header.Get("Location"))
		}
		b.forget("session")
		if at := b.open(callback); a.opened(at.Header.Get("Location")).ReturnTo != "/" {
			t.Errorf("started again for %q", a.opened(at.Header.Get("Location")).ReturnTo)
		}
	})
}

// TestA112TargetsInTheReturnCookie: nor if one were sealed into that.
func TestA112TargetsInTheReturnCookie(t *testing.T) {
	a := targetApp(t)
	ring, err := seal.NewRing(a.cfg.Keys...)
	if err != nil {
		t.Fatal(err)
	}
	eachHostile(t, 3000, func(t *testing.T, target string) {
		a.during(t)
		b := a.browser()
		b.finish(b.callback("/"))
		callback := a.reseal(b.callback(pageOf(900, "wanted")), expired)
		login := a.opened(callback)
		name, _ := returnCookieOf(b, "")
		b.forget("return")
		plain := binary.BigEndian.AppendUint64(nil, uint64(login.Started.Unix()))
		b.setRaw(strings.Replace(name, shortID(name), login.ID(), 1), seal.Encode(ring.Seal("return-cookie", append(plain, target...), a.base, login.ID())))
		at := b.open(callback)
		if at.StatusCode != http.StatusSeeOther || at.Header.Get("Location") != "/" {
			t.Errorf("status %d to %q, want 303 to /", at.StatusCode, at.Header.Get("Location"))
		}
	})
}

// shortID returns the login's id in the name of a return cookie.
func shortID(name string) string {
	_, id, _ := strings.Cut(name, "return-")
	return id[:16]
}

// TestA110ManyTargets: ten thousand of them, nested or side by side.
func TestA110ManyTargets(t *testing.T) {
	a := newDirectApp(t, newIDP(t), "http://localhost:8000")
	nested := "/x"
	for range 6 { // each level doubles what is encoded
		nested = "/x?return_to=" + url.QueryEscape(nested)
	}
	for name, query := range map[string]string{
		"nested":       "return_to=" + url.QueryEscape(nested),
		"side by side": "return_to=/first&" + strings.Repeat("return_to=//evil&", 9_000),
	} {
		at := a.ask("GET", "/auth/dev/login?"+query)
		got := a.opened(at.Header.Get("Location")).ReturnTo
		if want := map[string][]string{"nested": {nested, ""}, "side by side": {"/first"}}[name]; !slices.Contains(want, got) {
			t.Errorf("%s: %.100q", name, got)
		}
	}
}
