package gateway_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
)

// TestPRX15_PRX16_BesideRealProxies: the whole day of a person and of a script,
// through nginx and Caddy as the example configures them.
func TestPRX15_PRX16_BesideRealProxies(t *testing.T) {
	for _, f := range fronts {
		t.Run(f.name, func(t *testing.T) {
			g, _ := beside(t, f)
			grace, ada, nobody := g.browser(), g.browser(), g.browser()

			at := grace.signIn("grace", "/deep/page?x=y")
			if at.StatusCode != 200 || !strings.Contains(at.body, "grace") || at.Request.URL.RequestURI() != "/deep/page?x=y" {
				t.Fatalf("after signing in: %d %s", at.StatusCode, at.body)
			}
			got := g.up.taken()
			if len(got) != 1 || got[0].Target != "/deep/page?x=y" || got[0].Header.Get("X-Wayleave-Email") != "grace@example.com" ||
				got[0].Header.Get("X-Wayleave-Groups") != "staff,admins" || got[0].Header.Get("X-Wayleave-User") == "" || got[0].Header.Get("X-Wayleave-Provider") != "dev" {
				t.Errorf("the app got %+v", got)
			}
			at = grace.ask("POST", "/form", "Cookie", "theirs=1")
			if at.StatusCode != 200 {
				t.Errorf("a form: %d", at.StatusCode)
			}

			if at := nobody.ask("GET", "/x?y"); at.StatusCode != 401 || !strings.Contains(at.body, `"error":"login_required"`) || !strings.Contains(at.body, g.base+"/auth/dev/login") || at.Header.Get("Location") != "" {
				t.Errorf("a script: %d %v %s", at.StatusCode, at.Header, at.body)
			}
			if at := nobody.open("/api/x"); at.StatusCode != 401 || !strings.Contains(at.body, `"login_required"`) {
				t.Errorf("a page of the API: %d %s", at.StatusCode, at.body)
			}
			if at := nobody.open("/x?y=z"); at.StatusCode != 303 || at.Header.Get("Location") != g.base+"/auth/dev/login?return_to=%2Fx%3Fy%3Dz" || at.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("a page: %d %v", at.StatusCode, at.Header)
			}
			if at := nobody.ask("GET", "/public/x"); at.StatusCode != 200 {
				t.Errorf("a public page: %d %s", at.StatusCode, at.body)
			}
			ada.signIn("ada", "/")
			if at := ada.open("/admin/x"); at.StatusCode != 403 || !strings.Contains(at.body, "This page is not for you") || !strings.Contains(at.body, "ada@example.com") {
				t.Errorf("somebody else: %d %s", at.StatusCode, at.body)
			}
			if at := ada.ask("GET", "/admin/x"); at.StatusCode != 403 || !strings.Contains(at.body, `"error":"forbidden"`) {
				t.Errorf("somebody else's script: %d %s", at.StatusCode, at.body)
			}
			if at := grace.open("/admin/x"); at.StatusCode != 200 {
				t.Errorf("an admin: %d %s", at.StatusCode, at.body)
			}
			if at := grace.open("/auth/account"); at.StatusCode != 200 || !strings.Contains(at.body, "Where you are signed in") {
				t.Errorf("the account page: %d", at.StatusCode)
			}
			if f.name == "nginx" { // of the other one the document says which line to add
				g.up.taken()
				grace.ask("GET", "/assert")
				grace.ask("GET", "/token")
				got := g.up.taken()
				if len(got) != 2 || strings.Count(got[0].Header.Get("X-Wayleave-Assertion"), ".") != 2 || !strings.HasPrefix(got[1].Header.Get("Authorization"), "Bearer ") {
					t.Errorf("proofs: %d requests", len(got))
				}
			}

			if at := grace.ask("POST", "/auth/logout", "Origin", g.base, "Sec-Fetch-Site", "same-origin"); at.StatusCode >= 400 {
				t.Errorf("logout: %d %s", at.StatusCode, at.body)
			}
			g.up.taken()
			if at := grace.open("/x"); at.StatusCode != 303 {
				t.Errorf("after the logout: %d", at.StatusCode)
			}
			syscall.Kill(g.pid, syscall.SIGKILL)
			eventually(t, "the gateway has ended", func() bool { return !listening(g.listen) })
			for _, path := range []string{"/x", "/public/x"} {
				if at := ada.open(path); at.StatusCode < 500 {
					t.Errorf("without the gateway, %s: %d", path, at.StatusCode)
				}
			}
			if got := g.up.taken(); len(got) > 0 {
				t.Errorf("the app got %+v", got)
			}
		})
	}
}

// TestPRX01_A140_BesideRealProxies: what a client says about itself does not
// reach the app, in any spelling, and our cookies do not either.
func TestPRX01_A140_BesideRealProxies(t *testing.T) {
	for _, f := range fronts {
		t.Run(f.name, func(t *testing.T) {
			g, listen := beside(t, f)
			grace := g.browser()
			grace.signIn("grace", "/")
			const evil = "evil-value-of-a-client"
			for _, row := range []string{
				"X-Wayleave-User: VALUE", "x-wayleave-user: VALUE", "X_Wayleave_User: VALUE", "X.Wayleave.User: VALUE", "X-Wayleave_User: VALUE", "X-Wayleave-User: VALUE\r\nX-Wayleave-User: VALUE",
				"X-Wayleave-Email: VALUE", "X-Wayleave-Groups: VALUE", "X-Wayleave-Groups-Cut: VALUE", "X_WAYLEAVE_GROUPS: VALUE", "X-Wayleave-Assertion: VALUE",
				"Authorization: Bearer VALUE", "Connection: X-Wayleave-User, X-Wayleave-Subject", "Connection: close, x-wayleave-subject", "Connection: Cookie",
			} {
				for who, cookies := range map[string]string{"grace": grace.cookies() + "; theirs=1", "": "theirs=1; other=2"} {
					g.up.taken()
					at := once(t, listen, "GET /public/x HTTP/1.1\r\nHost: "+g.base[len("http://"):]+"\r\nCookie: "+cookies+"\r\n"+strings.ReplaceAll(row, "VALUE", evil)+"\r\n\r\n")
					got := g.up.taken()
					if at.StatusCode != 200 || len(got) != 1 {
						t.Errorf("%s: %d, %d requests", row, at.StatusCode, len(got))
						continue
					}
					for name, values := range got[0].Header {
						if strings.Contains(strings.Join(values, ","), evil) {
							t.Errorf("%s: the app got %s: %q", row, name, values)
						}
					}
					if row != "Connection: Cookie" && got[0].Header.Get("X-Wayleave-Subject") != who {
						t.Errorf("%s: the app is told of %q, want %q", row, got[0].Header.Get("X-Wayleave-Subject"), who)
					}
				}
			}

			session := grace.cookies()
			for _, row := range []struct{ sent, want string }{
				{session, ""}, {"a=1; " + session, "a=1"}, {session + "; b=2", "b=2"}, {"a=1; " + session + "; b=2", "a=1; b=2"},
				{"a=1; wayleave-x=1; b=2; __Host-wayleave-session=x; c=3; __SECURE-WAYLEAVE-y=z", "a=1; b=2; c=3"}, {"a=1; b=2", "a=1; b=2"},
				{"my-wayleave-x=1; wayleave=2", "my-wayleave-x=1; wayleave=2"}, {"", ""},
			} {
				g.up.taken()
				once(t, listen, "GET /public/x HTTP/1.1\r\nHost: "+g.base[len("http://"):]+"\r\nCookie: "+row.sent+"\r\n\r\n")
				got := g.up.taken()
				if len(got) != 1 {
					t.Fatalf("%d requests", len(got))
				}
				if cookies := strings.TrimRight(got[0].Header.Get("Cookie"), "; "); cookies != row.want {
					t.Errorf("the app got the cookies %q, want %q", cookies, row.want)
				}
			}
		})
	}
}

// TestA159_NobodyAsksThroughRealProxies: what the gateway answers to proxies is
// not to be had from outside, in any spelling of the address.
func TestA159_NobodyAsksThroughRealProxies(t *testing.T) {
	for _, f := range fronts {
		t.Run(f.name, func(t *testing.T) {
			g, listen := beside(t, f)
			grace := g.browser()
			grace.signIn("grace", "/")
			host := g.base[len("http://"):]
			for _, target := range []string{
				"/auth/verify/forward", "/auth/verify/nginx", "/auth/verify/envoy/token", "/auth/%76erify/forward", "/auth/verify%2fforward", "/auth%2fverify/forward", "/auth//verify/forward", "//auth/verify/forward",
				"/auth/./verify/forward", "/auth/x/../verify/forward", "/auth/%2e/verify/forward", "/x/../auth/verify/forward", "/AUTH/VERIFY/FORWARD", "/auth/verify/../verify/forward", "/auth/verify;/forward",
				"/wayleave-verify", "/auth/verify", "/auth/verify/", "http://" + host + "/auth/verify/forward",
			} {
				answers := sendTo(t, listen, fmt.Sprintf("GET %s HTTP/1.1\r\nHost: %s\r\nCookie: %s\r\nX-Forwarded-Uri: /token\r\nX-Forwarded-Method: GET\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: %s\r\nX-Original-Url: %s/token\r\nX-Original-Method: GET\r\nConnection: close\r\n\r\n",
					target, host, grace.cookies(), host, g.base))
				if len(answers) != 1 {
					t.Errorf("%s: %d answers", target, len(answers))
					continue
				}
				h := answers[0].Header
				if answers[0].StatusCode == 200 && h.Get("X-Wayleave-Subject") != "" || h.Get("Authorization") != "" || h.Get("X-Wayleave-User") != "" {
					t.Errorf("%s: %d, and tells who is there", target, answers[0].StatusCode)
				}
			}
		})
	}
}

// TestA159_ClientsDoNotChooseWhatIsAsked: what a proxy asks about is the request,
// and not what its headers say.
func TestA159_ClientsDoNotChooseWhatIsAsked(t *testing.T) {
	for _, f := range fronts {
		t.Run(f.name, func(t *testing.T) {
			g, listen := beside(t, f)
			ada := g.browser()
			ada.signIn("ada", "/")
			host := g.base[len("http://"):]
			g.up.taken()
			for _, header := range []string{
				"X-Forwarded-Uri: /public", "X_Forwarded_Uri: /public", "X.Forwarded.Uri: /public", "X-Original-Url: " + g.base + "/public", "X_Original_Url: " + g.base + "/public", "X-Original-Uri: /public", "X-Rewrite-Url: /public",
				"X-Forwarded-Method: OPTIONS", "X-Original-Method: GET", "X-Http-Method-Override: GET", "X-Forwarded-Prefix: /public", "X-Forwarded-Host: " + host + "\r\nX-Forwarded-Uri: /public", "Connection: X-Forwarded-Uri", "Connection: X-Forwarded-Method, X-Original-Url, X-Original-Method",
			} {
				if at := once(t, listen, "GET /admin/x HTTP/1.1\r\nHost: "+host+"\r\nCookie: "+ada.cookies()+"\r\n"+header+"\r\n\r\n"); at.StatusCode != 403 && at.StatusCode != 400 {
					t.Errorf("%s: %d", header, at.StatusCode)
				}
			}
			if got := g.up.taken(); len(got) > 0 {
				t.Errorf("the app got %+v", got)
			}
		})
	}
}
