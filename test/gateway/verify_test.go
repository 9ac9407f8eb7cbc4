package gateway_test

import (
	"maps"
	"strings"
	"testing"
)

// trusting lets this machine's proxies ask.
const trusting = "forward_auth: true\ntrusted_proxies: [127.0.0.0/8]\n"

// TestPRX15_A159_WhoMayAsk: a proxy that is not named gets no answer, and neither
// does anybody where none is.
func TestPRX15_A159_WhoMayAsk(t *testing.T) {
	for name, tc := range map[string]struct {
		extra, says string
	}{
		"nobody is named":  {"", "no proxy is trusted to ask"},
		"others are named": {"trusted_proxies: [192.0.2.0/24]\n", "this proxy is not among the trusted_proxies"},
	} {
		t.Run(name, func(t *testing.T) {
			g := start(t, setup{extra: tc.extra})
			grace := g.browser()
			grace.signIn("grace", "/")
			for _, path := range []string{"nginx", "forward", "envoy/public"} {
				at := grace.ask("GET", "/auth/verify/"+path, "X-Original-Url", g.base+"/public", "X-Original-Method", "GET",
					"X-Forwarded-Uri", "/public", "X-Forwarded-Method", "GET", "X-Forwarded-Proto", "http", "X-Forwarded-Host", g.listen)
				if at.StatusCode != 403 || !strings.Contains(at.body, tc.says) {
					t.Errorf("%s: %d %s", path, at.StatusCode, at.body)
				}
			}
		})
	}
}

// TestPRX15_PRX16_A159_WhatIsAsked: only a question that is whole, and reads one
// way, is answered.
func TestPRX15_PRX16_A159_WhatIsAsked(t *testing.T) {
	g := start(t, setup{extra: trusting})
	grace := g.browser()
	grace.signIn("grace", "/")
	type header map[string]string
	nginx := header{"X-Original-Url": g.base + "/private?x=y", "X-Original-Method": "GET"}
	forward := header{"X-Forwarded-Uri": "/private?x=y", "X-Forwarded-Method": "GET", "X-Forwarded-Proto": "http", "X-Forwarded-Host": g.listen}
	with := func(h header, pairs ...string) header {
		c := header{}
		maps.Copy(c, h)
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i+1] == "" {
				delete(c, pairs[i])
			} else {
				c[pairs[i]] = pairs[i+1]
			}
		}
		return c
	}
	for _, row := range []struct {
		name, at string
		h        header
		status   int
	}{
		{"nginx", "nginx", nginx, 200},
		{"nginx, a public page", "nginx", with(nginx, "X-Original-Url", g.base+"/public"), 200},
		{"nginx, POST of it", "nginx", with(nginx, "X-Original-Url", g.base+"/public", "X-Original-Method", "POST"), 200},
		{"nginx, no URL", "nginx", with(nginx, "X-Original-Url", ""), 403},
		{"nginx, no method", "nginx", with(nginx, "X-Original-Method", ""), 403},
		{"nginx, a method in lower case", "nginx", with(nginx, "X-Original-Method", "get"), 403},
		{"nginx, CONNECT", "nginx", with(nginx, "X-Original-Method", "CONNECT"), 403},
		{"nginx, a path for a URL", "nginx", with(nginx, "X-Original-Url", "/private"), 403},
		{"nginx, another host", "nginx", with(nginx, "X-Original-Url", "http://evil.example/private"), 403},
		{"nginx, another scheme", "nginx", with(nginx, "X-Original-Url", "https://"+g.listen+"/private"), 403},
		{"nginx, a user in the URL", "nginx", with(nginx, "X-Original-Url", "http://a@"+g.listen+"/private"), 403},
		{"nginx, a fragment", "nginx", with(nginx, "X-Original-Url", g.base+"/admin#/public"), 403},
		{"nginx, an ambiguous path", "nginx", with(nginx, "X-Original-Url", g.base+"/public/..%2fadmin"), 403},
		{"nginx, a second spelling", "nginx", with(nginx, "X_Original_Url", g.base+"/public"), 403},
		{"nginx, a third spelling", "nginx", with(nginx, "X.Original.Method", "GET"), 403},
		{"forward", "forward", forward, 200},
		{"forward, no URI", "forward", with(forward, "X-Forwarded-Uri", ""), 400},
		{"forward, no method", "forward", with(forward, "X-Forwarded-Method", ""), 400},
		{"forward, no scheme", "forward", with(forward, "X-Forwarded-Proto", ""), 400},
		{"forward, no host", "forward", with(forward, "X-Forwarded-Host", ""), 400},
		{"forward, another host", "forward", with(forward, "X-Forwarded-Host", "evil.example"), 400},
		{"forward, two hosts", "forward", with(forward, "X-Forwarded-Host", g.listen+", evil.example"), 400},
		{"forward, another scheme", "forward", with(forward, "X-Forwarded-Proto", "https"), 400},
		{"forward, a whole URL", "forward", with(forward, "X-Forwarded-Uri", g.base+"/public"), 400},
		{"forward, a URL without scheme", "forward", with(forward, "X-Forwarded-Uri", "//evil.example/public"), 400},
		{"forward, a relative URI", "forward", with(forward, "X-Forwarded-Uri", "public"), 400},
		{"forward, a fragment", "forward", with(forward, "X-Forwarded-Uri", "/admin#/public"), 400},
		{"forward, dots", "forward", with(forward, "X-Forwarded-Uri", "/public/../admin"), 400},
		{"forward, encoded dots", "forward", with(forward, "X-Forwarded-Uri", "/public/%2e%2e/admin"), 400},
		{"forward, two slashes", "forward", with(forward, "X-Forwarded-Uri", "/public//admin"), 400},
		{"forward, a second spelling", "forward", with(forward, "X_Forwarded_Uri", "/public"), 400},
		{"forward, TRACE", "forward", with(forward, "X-Forwarded-Method", "TRACE"), 400},
		{"envoy", "envoy/private", header{"X-Forwarded-Proto": "http"}, 200},
		{"envoy, no scheme", "envoy/private", header{}, 400},
		{"envoy, another scheme", "envoy/private", header{"X-Forwarded-Proto": "https"}, 400},
		{"envoy, no path", "envoy", header{"X-Forwarded-Proto": "http"}, 400},
		{"envoy, dots", "envoy/public/%2e%2e/admin", header{"X-Forwarded-Proto": "http"}, 400},
		{"envoy, two slashes", "envoy//public", header{"X-Forwarded-Proto": "http"}, 400},
		{"something else", "other", forward, 404},
	} {
		t.Run(row.name, func(t *testing.T) {
			var pairs []string
			for k, v := range row.h {
				pairs = append(pairs, k, v)
			}
			at := grace.ask("GET", "/auth/verify/"+row.at, pairs...)
			if at.StatusCode != row.status {
				t.Errorf("%d %s, want %d", at.StatusCode, at.body, row.status)
			}
			if at.Header.Get("Cache-Control") != "no-store" || !strings.Contains(at.Header.Get("Vary"), "Cookie") {
				t.Errorf("PRX-17 header %v", at.Header)
			}
			if told := at.Header.Get("X-Wayleave-Subject"); (told != "") != (row.status == 200) {
				t.Errorf("subject %q with %d", told, at.StatusCode)
			}
		})
	}
	t.Run("two values", func(t *testing.T) {
		var pairs []string
		for k, v := range forward {
			pairs = append(pairs, k, v)
		}
		for _, name := range []string{"X-Forwarded-Uri", "X-Forwarded-Method", "X-Forwarded-Host", "X-Forwarded-Proto"} {
			if at := grace.ask("GET", "/auth/verify/forward", append(pairs, name, forward[name])...); at.StatusCode != 400 {
				t.Errorf("%s twice: %d", name, at.StatusCode)
			}
		}
	})
	if got := g.up.taken(); len(got) > 1 { // the sign-in's page
		t.Errorf("a question reached the upstream: %+v", got)
	}
}

// TestPRX16_A146_WhatIsAnswered: 200 has every header, and what is to be done
// otherwise is said in the form that the proxy understands.
func TestPRX16_A146_WhatIsAnswered(t *testing.T) {
	g := start(t, setup{extra: trusting})
	grace, ada, nobody := g.browser(), g.browser(), g.browser()
	grace.signIn("grace", "/")
	ada.signIn("ada", "/")
	page := []string{"Accept", "text/html", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}
	ask := func(b *browser, kind, path string, more ...string) answer {
		var pairs []string
		switch kind {
		case "nginx":
			pairs = []string{"X-Original-Url", g.base + path, "X-Original-Method", "GET"}
		case "forward":
			pairs = []string{"X-Forwarded-Uri", path, "X-Forwarded-Method", "GET", "X-Forwarded-Proto", "http", "X-Forwarded-Host", g.listen}
		case "envoy":
			return b.ask("GET", "/auth/verify/envoy"+path, append([]string{"X-Forwarded-Proto", "http"}, more...)...)
		}
		return b.ask("GET", "/auth/verify/"+kind, append(pairs, more...)...)
	}
	for _, kind := range []string{"nginx", "forward", "envoy"} {
		t.Run(kind, func(t *testing.T) {
			at := ask(nobody, kind, "/public/x")
			for _, name := range []string{"User", "Provider", "Subject", "Email", "Name", "Groups"} {
				if values, there := at.Header["X-Wayleave-"+name]; at.StatusCode != 200 || !there || len(values) != 1 || values[0] != "" {
					t.Errorf("public: %d, %s is %q", at.StatusCode, name, values)
				}
			}
			if at := ask(grace, kind, "/admin/x"); at.StatusCode != 200 || at.Header.Get("X-Wayleave-Groups") != "staff,admins" {
				t.Errorf("an admin: %d %v", at.StatusCode, at.Header)
			}
			if at := ask(grace, kind, "/assert"); at.StatusCode != 200 || strings.Count(at.Header.Get("X-Wayleave-Assertion"), ".") != 2 {
				t.Errorf("an assertion: %d %v", at.StatusCode, at.Header)
			}
			if at := ask(grace, kind, "/token"); at.StatusCode != 200 || !strings.HasPrefix(at.Header.Get("Authorization"), "Bearer ") {
				t.Errorf("a token: %d", at.StatusCode)
			}
			if at := ask(ada, kind, "/admin/x"); at.StatusCode != 403 || at.Header.Get("X-Wayleave-Subject") != "" {
				t.Errorf("somebody else: %d %v", at.StatusCode, at.Header)
			}
			if at := ask(nobody, kind, "/x"); at.StatusCode != 401 || at.Header.Get("X-Wayleave-Login") != "" || at.Header.Get("Location") != "" {
				t.Errorf("a script: %d %v", at.StatusCode, at.Header)
			}
			at = ask(nobody, kind, "/x?y=z", page...)
			login := "/auth/dev/login?return_to=%2Fx%3Fy%3Dz"
			if kind == "nginx" {
				if at.StatusCode != 401 || at.Header.Get("X-Wayleave-Login") != g.base+login || at.Header.Get("Location") != "" || at.body != "" {
					t.Errorf("a page: %d %v %s", at.StatusCode, at.Header, at.body)
				}
			} else if at.StatusCode != 303 || at.Header.Get("Location") != g.base+login {
				t.Errorf("a page: %d %v", at.StatusCode, at.Header)
			}
			if at := ask(nobody, kind, "/auth/session"); at.StatusCode != 200 {
				t.Errorf("our own page, which the proxy passes on: %d", at.StatusCode)
			}
			at = ask(grace, kind, "/x", "Upgrade", "websocket", "Connection", "Upgrade", "Origin", "https://evil.example")
			if at.StatusCode != 403 {
				t.Errorf("PRX-08 a WebSocket of another site: %d", at.StatusCode)
			}
		})
	}
}

// TestA256_Uniform: who asks about another's session learns nothing.
func TestA256_Uniform(t *testing.T) {
	g := start(t, setup{extra: trusting})
	forms := map[string]string{"nothing": "", "a short value": "x", "a random session": strings.Repeat("A", 43), "another's form": strings.Repeat("_", 43)}
	var first string
	for name, value := range forms {
		var cookie []string
		if value != "" {
			cookie = []string{"Cookie", "wayleave-session-" + instance(g) + "=" + value}
		}
		at := g.browser().ask("GET", "/auth/verify/forward", append([]string{"X-Forwarded-Uri", "/x", "X-Forwarded-Method", "GET", "X-Forwarded-Proto", "http", "X-Forwarded-Host", g.listen}, cookie...)...)
		at.Header.Del("Date")
		says := at.Status + at.body
		if first == "" {
			first = says
		}
		if says != first || at.StatusCode != 401 {
			t.Errorf("%s: %s, and otherwise %s", name, says, first)
		}
	}
}

// instance is the part of our cookies' names that tells apps on one host apart.
func instance(g *gateway) string {
	b := g.browser()
	b.signIn("ada", "/")
	for pair := range strings.SplitSeq(b.cookies(), "; ") {
		name, _, _ := strings.Cut(pair, "=")
		if id, ok := strings.CutPrefix(name, "wayleave-session-"); ok {
			return id
		}
	}
	g.t.Fatal("no session cookie")
	return ""
}
