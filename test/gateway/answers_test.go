package gateway_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// TestPRX07_MethodOverrides: a request is what its first word says.
func TestPRX07_MethodOverrides(t *testing.T) {
	g := start(t, setup{})
	b := g.browser()
	for _, name := range []string{"X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "x_http_method_override", "X.HTTP.Method.Override"} {
		g.up.taken()
		if at := b.ask("GET", "/public?_method=DELETE", name, "DELETE"); at.StatusCode != 200 {
			t.Fatalf("A155 %s: %d", name, at.StatusCode)
		}
		// What stands in the query is the app's to read: nothing was decided by it.
		if r := g.only(); r.Method != "GET" || r.Target != "/public?_method=DELETE" || strings.Contains(fmt.Sprint(r.Header), "DELETE") {
			t.Errorf("A155 %s: the upstream got %+v", name, r)
		}
		if at := b.ask("DELETE", "/public", name, "GET"); at.StatusCode != 401 || len(g.up.taken()) > 0 {
			t.Errorf("A155 %s: %d", name, at.StatusCode)
		}
	}
}

// TestPRX09b_LengthAndCodingTogether: one answer, and the connection ends.
func TestPRX09b_LengthAndCodingTogether(t *testing.T) {
	g := start(t, setup{routes: "\n  - {path: /, upstream: UPSTREAM, allow: public}\n"})
	second := "GET /second HTTP/1.1\r\nHost: " + g.listen + "\r\n\r\n"
	for name, header := range map[string]string{
		"the length first":  "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
		"the coding first":  "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
		"two lengths":       "Content-Length: 4\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n",
		"a long length":     "Content-Length: 1000\r\nTransfer-Encoding: chunked\r\n",
		"the coding alone":  "Transfer-Encoding: chunked\r\n",
		"on our own page":   "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
		"on what is denied": "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
	} {
		path := map[string]string{"on our own page": "/auth/session", "on what is denied": "/x/..%2f"}[name]
		if path == "" {
			path = "/first"
		}
		answers := g.send("POST " + path + " HTTP/1.1\r\nHost: " + g.listen + "\r\n" + header + "\r\n2\r\nhi\r\n0\r\n\r\n" + second)
		if len(answers) != 1 || !answers[0].Close {
			t.Errorf("%s: %v", name, statuses(answers))
		}
		for _, r := range g.up.taken() {
			if r.Target != "/first" || r.Body != "hi" || path != "/first" {
				t.Errorf("%s: the upstream got %+v", name, r)
			}
		}
	}
}

// TestPRX12_A154_OurPrefixIsOurs: what is below it never reaches an upstream, and
// what only looks like it is the app's.
func TestPRX12_A154_OurPrefixIsOurs(t *testing.T) {
	provider := newIDP(t)
	g := startAs(t, provider, func(g *gateway) setup {
		return setup{extra: fmt.Sprintf("  second: {issuer: %q, client_id: app, client_secret: dev-secret, development: true, callback_path: /old/callback}\n", provider.Issuer()),
			routes: "\n  - {path: /, upstream: UPSTREAM, allow: public}\n"}
	})
	if out := g.checkFile(t, setup{routes: "\n  - {path: /auth/special, upstream: UPSTREAM, allow: public}\n"}); !strings.Contains(out, "lies below base_path") {
		t.Errorf("a route below it: %s", out)
	}
	for target, status := range map[string]int{
		"/auth": 0, "/auth/": 0, "/auth/special": 404, "/auth/x/y": 404, "/auth/session": 401, "/auth/jwks.json": 200, "/auth/verify/nginx": 403, "/auth/verify/x": 403, "/%61uth/special": 404, "/aut%68/session": 0,
		"/old/callback": 400, "/old/%63allback": 0, "/auth/dev/login": 0, "/auth/nobody/login": 404, "/auth/dev/callback/": 404, "/auth/DEV/login": 404, "/auth/Session": 404,
		"/auth/../app": 400, "/auth/%2e%2e/app": 400, "/auth/./x": 400, "/auth//x": 400, "//auth/x": 400, "/auth%2fsession": 400, "/app/../auth/session": 400, "/auth;x/session": 400, "/auth\\session": 400,
	} {
		for _, method := range []string{"GET", "POST", "OPTIONS", "PROPFIND"} {
			answers := g.send(method + " " + target + " HTTP/1.1\r\nHost: " + g.listen + "\r\nConnection: close\r\n\r\n")
			if len(answers) != 1 || method == "GET" && status != 0 && answers[0].StatusCode != status {
				t.Errorf("%s %s: %v, want %d", method, target, statuses(answers), status)
			}
			if got := g.up.taken(); len(got) > 0 {
				t.Errorf("%s %s: the upstream got %s", method, target, got[0].Target)
			}
		}
	}
	for _, target := range []string{"/Auth/session", "/AUTH", "/authx", "/auth-x/session", "/app/auth/dev/callback", "/old/callback/", "/old/callbackx", "/x?/auth/session"} {
		answers := g.send("GET " + target + " HTTP/1.1\r\nHost: " + g.listen + "\r\nConnection: close\r\n\r\n")
		if got := g.up.taken(); len(answers) != 1 || answers[0].StatusCode != 200 || len(got) != 1 || got[0].Target != target {
			t.Errorf("%s: %v, the upstream got %v", target, statuses(answers), got)
		}
	}
}

// TestPRX17_A156_WhatMayBeCached: nothing that depends on who asks, unless the
// app says so of its own pages.
func TestPRX17_A156_WhatMayBeCached(t *testing.T) {
	g := start(t, setup{extra: trusting})
	grace, ada, nobody := g.browser(), g.browser(), g.browser()
	grace.signIn("grace", "/")
	ada.signIn("ada", "/")
	t.Run("what the app answers", func(t *testing.T) {
		for _, row := range []struct {
			b         *browser
			path      string
			says, got map[string]string
		}{
			{grace, "/page", nil, map[string]string{"Cache-Control": "private"}},
			{grace, "/account/x.css", map[string]string{"Content-Type": "text/css"}, map[string]string{"Cache-Control": "private"}},
			{grace, "/public/x", nil, map[string]string{"Cache-Control": "private"}},
			{grace, "/page", map[string]string{"Cache-Control": "public, max-age=60"}, map[string]string{"Cache-Control": "public, max-age=60"}},
			{grace, "/page", map[string]string{"Cache-Control": "no-store"}, map[string]string{"Cache-Control": "no-store"}},
			{grace, "/page", map[string]string{"Expires": "Thu, 01 Jan 2099 00:00:00 GMT", "Vary": "Accept"}, map[string]string{"Cache-Control": "", "Expires": "Thu, 01 Jan 2099 00:00:00 GMT", "Vary": "Accept"}},
			{nobody, "/public/x", nil, map[string]string{"Cache-Control": "", "Vary": ""}},
			{nobody, "/public/x", map[string]string{"Cache-Control": "max-age=60"}, map[string]string{"Cache-Control": "max-age=60"}},
		} {
			g.answerWith(func(w http.ResponseWriter, r *http.Request) {
				for name, value := range row.says {
					w.Header().Set(name, value)
				}
			})
			at := row.b.ask("GET", row.path)
			for name, want := range row.got {
				if got := strings.Join(at.Header[name], ", "); at.StatusCode != 200 || got != want {
					t.Errorf("%s, the app says %v: %d, %s %q, want %q", row.path, row.says, at.StatusCode, name, got, want)
				}
			}
		}
	})
	t.Run("what we answer", func(t *testing.T) {
		const evil = "evil.example"
		poison := []string{"X-Forwarded-Host", evil, "X-Forwarded-Prefix", "/" + evil, "X-Original-Url", "https://" + evil + "/", "User-Agent", evil, "Accept-Language", evil, "Referer", "https://" + evil + "/", "Origin", "https://" + evil}
		forward := []string{"X-Forwarded-Uri", "/page", "X-Forwarded-Method", "GET", "X-Forwarded-Proto", "http", "X-Forwarded-Host", g.listen}
		for name, row := range map[string]struct {
			at     answer
			status int
			vary   bool
		}{
			"a script without session":         {nobody.ask("GET", "/page", poison...), 401, true},
			"a person without session":         {nobody.open("/account/x.css", poison...), 303, true},
			"a script that may not":            {ada.ask("GET", "/admin", poison...), 403, true},
			"a person who may not":             {ada.open("/admin", poison...), 403, true},
			"an API":                           {nobody.open("/api/x", poison...), 401, true},
			"a question of a proxy, yes":       {grace.ask("GET", "/auth/verify/forward", forward...), 200, true},
			"a question of a proxy, no":        {nobody.ask("GET", "/auth/verify/forward", forward...), 401, true},
			"a question of a proxy, malformed": {nobody.ask("GET", "/auth/verify/forward"), 400, true},
			"who I am":                         {grace.ask("GET", "/auth/session", poison...), 200, false},
			"the sign-in":                      {nobody.open("/auth/dev/login?return_to=/", poison...), 303, false},
			"the page to sign out":             {grace.open("/auth/logout", poison...), 200, false},
			"a page that is not there":         {nobody.open("/auth/x", poison...), 404, false},
			"an ambiguous path":                {nobody.ask("GET", "/x/..%2fy", poison...), 400, false},
			"an unknown method":                {nobody.ask("TRACE", "/page", poison...), 405, false},
		} {
			if row.at.StatusCode != row.status || row.at.Header.Get("Cache-Control") != "no-store" || row.vary && !strings.Contains(strings.Join(row.at.Header["Vary"], ","), "Cookie") {
				t.Errorf("%s: %d %v, want %d", name, row.at.StatusCode, row.at.Header, row.status)
			}
			if said := fmt.Sprint(row.at.Header, row.at.body); strings.Contains(said, evil) {
				t.Errorf("%s: repeats what the client said: %s", name, said)
			}
			if referrer := row.at.Header.Get("Referrer-Policy"); strings.HasPrefix(row.at.Header.Get("Content-Type"), "text/html") && referrer != "no-referrer" {
				t.Errorf("A243 %s: Referrer-Policy %q", name, referrer)
			}
		}
	})
}

// TestPRX19_ABodyFromBeforeTheLogin is never sent: who signs in gets the page by
// GET, and sends the form anew.
func TestPRX19_ABodyFromBeforeTheLogin(t *testing.T) {
	g := start(t, setup{})
	for _, mode := range []string{"navigate", "cors"} {
		b := g.browser()
		r, _ := http.NewRequest("POST", g.base+"/transfer?to=x", strings.NewReader("amount=1000"))
		r.Header = http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Accept": {"text/html"}, "Sec-Fetch-Mode": {mode}, "Sec-Fetch-Dest": {"document"}}
		resp, err := b.client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != 401 || resp.Header.Get("Location") != "" {
			t.Errorf("%s: %d to %s", mode, resp.StatusCode, resp.Header.Get("Location"))
		}
		b.signIn("grace", "/auth/dev/login?return_to=%2Ftransfer%3Fto%3Dx")
		for _, r := range g.up.taken() {
			if r.Method != "GET" || r.Body != "" || r.Target != "/transfer?to=x" {
				t.Errorf("%s: the upstream got %+v", mode, r)
			}
		}
		for value := range strings.SplitSeq(b.cookies(), "; ") {
			if strings.Contains(value, "amount") {
				t.Errorf("%s: the browser keeps it: %s", mode, value)
			}
		}
	}
}

// TestPRX20_OtherOrigins: none is told that it may read what a session sees, and
// a preflight is a request like another.
func TestPRX20_OtherOrigins(t *testing.T) {
	g := start(t, setup{routes: "\n  - {path: /open, methods: [OPTIONS], upstream: UPSTREAM, allow: public}" + defaultRoutes})
	grace, nobody := g.browser(), g.browser()
	grace.signIn("grace", "/")
	preflight := []string{"Access-Control-Request-Method", "PUT", "Access-Control-Request-Headers", "x-wayleave-user"}
	for _, origin := range []string{"https://evil.example", "null", g.base + ".evil.example", "http://localhost"} {
		for _, path := range []string{"/page", "/api/x", "/public", "/auth/session", "/auth/logout", "/auth/account", "/auth/jwks.json", "/auth/verify/forward", "/admin"} {
			for _, b := range []*browser{grace, nobody} {
				for _, method := range []string{"GET", "OPTIONS"} {
					g.up.taken()
					header := []string{"Origin", origin}
					if method == "OPTIONS" {
						header = append(header, preflight...)
					}
					at := b.ask(method, path, header...)
					for name := range at.Header {
						if strings.HasPrefix(name, "Access-Control-") {
							t.Errorf("%s %s from %s: %s", method, path, origin, name)
						}
					}
					if b == nobody && method == "OPTIONS" && (at.StatusCode/100 == 2 || len(g.up.taken()) > 0) {
						t.Errorf("a preflight of %s from %s: %d", path, origin, at.StatusCode)
					}
				}
			}
		}
	}
	g.answerWith(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "https://friend.example")
	})
	g.up.taken()
	at := nobody.ask("OPTIONS", "/open/x", append(preflight, "Origin", "https://friend.example")...)
	if r := g.only(); at.StatusCode != 200 || at.Header.Get("Access-Control-Allow-Origin") != "https://friend.example" || r.Method != "OPTIONS" || strings.Join(r.Header["X-Wayleave-User"], "") != "" {
		t.Errorf("a preflight that the file lets through: %d %v, the upstream got %v", at.StatusCode, at.Header, r.Header)
	}
	if at := nobody.ask("GET", "/open/x"); at.StatusCode != 401 {
		t.Errorf("and what follows it: %d", at.StatusCode)
	}
}
