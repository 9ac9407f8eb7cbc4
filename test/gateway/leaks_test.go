package gateway_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
)

// lines returns what the process has printed, once it has printed a line for a
// request that is made now.
func (g *gateway) lines(t testing.TB) []string {
	t.Helper()
	marker := fmt.Sprintf("/public/marker%d", len(g.logged()))
	g.browser().ask("GET", marker)
	eventually(t, "the log has caught up", func() bool { return strings.Contains(g.logged(), marker) })
	return strings.Split(strings.TrimSuffix(g.logged(), "\n"), "\n")
}

// scrape returns all that the listener for health says.
func (g *gateway) scrape(t testing.TB) string {
	t.Helper()
	var all strings.Builder
	for _, path := range []string{"/metrics", "/readyz", "/livez"} {
		resp, err := http.Get("http://" + g.health + path)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		all.Write(body)
	}
	return all.String()
}

// TestOPS01_A241_A242_A247_A248_Canaries: whatever is done and goes wrong, at the
// most talkative level: no secret is in the log, the metrics, or in a page.
func TestOPS01_A241_A242_A247_A248_Canaries(t *testing.T) {
	g, other := startTwo(t, setup{extra: trusting + "log: {level: debug}\nlimits: {body: 1KB}\n",
		routes: tokenRoutes + "  - {path: /gone, upstream: \"http://127.0.0.1:1/canary-upstream\", allow: signed_in, assertion: canary}\n"})
	g.reload(setup{extra: other.entry("other", ", offline: true") + trusting + "log: {level: debug}\nlimits: {body: 1KB}\n",
		routes: "\n  - {path: /gone, upstream: \"http://127.0.0.1:1\", allow: signed_in}\n  - {path: /proof, upstream: UPSTREAM, allow: signed_in, assertion: somewhere}" + tokenRoutes})
	secrets := map[string]string{"the client's secret": "dev-secret", "a query": "canary-query", "a bearer token of a client": "canary-bearer", "a body": "canary-body", "a cookie of the app": "canary-cookie",
		"an address": "canary@example.com", "a name": "Canary Person", "an access token": "canary-access-", "a refresh token": "canary-refresh-"}
	var pages []answer
	b := g.browser()
	see := func(at answer) answer { pages = append(pages, at); return at }
	keep := func(name, value string) {
		t.Helper()
		if value == "" {
			t.Fatalf("there is no %s", name)
		}
		secrets[name] = value
	}
	other.say(map[string]any{"email": "canary@example.com", "email_verified": true, "name": "Canary Person"})
	other.set(func(c *claimer) { c.lifetimes = []int{1, 3600} })

	// A login that works, and all that follows.
	at := b.open("/auth/other/login?return_to=" + url.QueryEscape("/x?canary-query=1"))
	keep("state", param(at.Header.Get("Location"), "state"))
	keep("nonce", param(at.Header.Get("Location"), "nonce"))
	at = b.open(at.Header.Get("Location"))
	callback := at.Header.Get("Location")
	keep("code", param(callback, "code"))
	b.through(at)
	for i, pair := range strings.Split(b.cookies(), "; ") {
		_, value, _ := strings.Cut(pair, "=")
		keep(fmt.Sprint("cookie ", i), value)
	}
	g.up.taken()
	for _, path := range []string{"/", "/other-token?access_token=canary-query", "/proof"} {
		b.ask("POST", path, "Authorization", "Bearer canary-bearer", "Cookie", "app=canary-cookie", "Referer", "https://x.example/?canary-query")
	}
	for _, r := range g.up.taken() {
		if r.Target == "/proof" {
			keep("an assertion", r.Header.Get("X-Wayleave-Assertion"))
		}
	}
	b.ask("GET", "/auth/verify/nginx", "X-Original-Url", g.base+"/other-token?canary-query", "X-Original-Method", "GET", "Authorization", "Bearer canary-bearer")
	see(b.ask("GET", "/auth/verify/forward", "X-Forwarded-Uri", "/public//x?canary-query", "X-Forwarded-Method", "GET", "X-Forwarded-Proto", "http", "X-Forwarded-Host", g.listen))
	// What goes wrong.
	see(b.open(callback)) // once more
	see(g.browser().open(callback))
	see(b.open(callback + "&code=canary-query"))
	see(b.open("/auth/other/callback?code=canary-query&state=" + secrets["state"][:40] + "AAAA" + secrets["state"][44:]))
	see(b.open("/auth/other/callback?error=server_error&error_description=x&state=canary-query"))
	other.say(map[string]any{"email": "canary@example.com", "nonce": "canary-query"})
	see(b.enter("other", "/x?canary-query"))
	other.say(map[string]any{"email": "canary@example.com", "aud": "another"})
	see(b.enter("other", "/"))
	see(b.ask("GET", "/dev-token?canary-query", "Authorization", "Bearer canary-bearer"))
	see(b.open("/dev-token"))
	see(b.ask("GET", "/gone?canary-query", "Authorization", "Bearer canary-bearer"))
	see(b.open("/gone"))
	for _, raw := range []string{
		"POST /x HTTP/1.1\r\nHost: " + g.listen + "\r\nContent-Length: 2000\r\nCookie: " + b.cookies() + "\r\n\r\ncanary-body",
		"POST /x HTTP/1.1\r\nHost: " + g.listen + "\r\nTransfer-Encoding: chunked\r\nCookie: " + b.cookies() + "\r\n\r\ncanary-body\r\n",
		"GET /x?canary-query HTTP/1.1\r\nHost: " + g.listen + "\r\nAuthorization : Bearer canary-bearer\r\nCookie: " + b.cookies() + "\r\n\r\n",
		"GET /x/..%2f?canary-query HTTP/1.1\r\nHost: evil.example\r\nAuthorization: Bearer canary-bearer\r\n\r\n",
		"GET /x?canary-query\x01 HTTP/1.1\r\nHost: " + g.listen + "\r\n\r\n",
		"GET http://canary-query@evil.example/ HTTP/1.1\r\nHost: " + g.listen + "\r\n\r\n",
		"canary-query canary-bearer\r\n\r\n",
	} {
		c := g.talk(t)
		c.say("%s", raw)
		c.Conn.(interface{ CloseWrite() error }).CloseWrite()
		io.Copy(io.Discard, c.r)
	}
	other.set(func(c *claimer) { c.refuses, c.lifetimes = true, []int{1} })
	other.say(map[string]any{"email": "canary@example.com", "email_verified": true})
	b.enter("other", "/")
	see(b.ask("GET", "/other-token"))
	other.set(func(c *claimer) { c.down = true })
	see(g.browser().open("/auth/other/login?return_to=/"))
	b.ask("POST", "/auth/logout?canary-query", "Origin", g.base, "Sec-Fetch-Site", "same-origin")
	text, _ := os.ReadFile(g.file)
	g.writeText(strings.Replace(string(text), "routes:", "nonsense: dev-secret\nroutes:", 1))
	eventually(t, "the mistake is told", func() bool { return strings.Contains(g.logged(), "the old configuration stays") })

	logged := strings.Join(g.lines(t), "\n")
	metrics := g.scrape(t)
	// The tests of what is left out are only worth something if these were there.
	for _, event := range []string{"login failed", "login not completed", "not allowed", "the app did not answer", `"decision":"refused"`, "reloaded"} {
		if !strings.Contains(logged, event) {
			t.Errorf("nothing is logged of %q", event)
		}
	}
	for name, secret := range secrets {
		if i := strings.Index(logged, secret); i >= 0 {
			t.Errorf("the log has %s: …%s…", name, strings.ReplaceAll(logged[max(0, i-160):i], secret, "SECRET"))
		}
		if strings.Contains(metrics, secret) {
			t.Errorf("the metrics have %s", name)
		}
		if name == "an address" || name == "a query" || name == "a name" {
			continue // the page says to the person who it is, and where they wanted to go
		}
		for _, at := range pages {
			headers := at.Header.Clone()
			headers.Del("Set-Cookie")
			if strings.Contains(fmt.Sprint(headers, at.body), secret) {
				t.Errorf("%s has %s", at.Request.URL.Path, name)
			}
		}
	}
}

// TestOPS02_A240_LogInjection: whatever is in a request or in an answer of the
// provider, each line is one record, in both forms.
func TestOPS02_A240_LogInjection(t *testing.T) {
	for _, format := range []string{"json", "text"} {
		t.Run(format, func(t *testing.T) {
			const evil = "\r\n{\"msg\":\"forged\"}\nlevel=INFO msg=forged \x1b[31m\x00\u202e\u2028\u200b\x7f\x9b\"}"
			g, other := startTwo(t, setup{extra: trusting + "log: {level: debug, format: " + format + ", emails: true}\n",
				routes: strings.Replace(tokenRoutes, "/public, methods: [GET]", "/public", 1)})
			b := g.browser()
			at := b.open("/auth/other/login?return_to=/")
			b.open("/auth/other/callback?error=access_denied&error_description=" + url.QueryEscape(evil) + "&error_uri=" + url.QueryEscape(evil) + "&state=" + param(at.Header.Get("Location"), "state"))
			b.open("/auth/other/callback?error=" + url.QueryEscape(evil) + "&state=" + url.QueryEscape(evil))
			other.say(map[string]any{"sub": "s" + evil, "iss": evil})
			b.enter("other", "/")
			other.say(map[string]any{"name": evil, "email": "x@y.example" + evil, "email_verified": true, "groups": []string{evil}})
			b.enter("other", "/")
			other.say(map[string]any{"email": "shown@example.com", "email_verified": true})
			g.browser().enter("other", "/")
			b.ask("GET", "/dev-token", "User-Agent", "x\"}", "X-Forwarded-For", "x {\"msg\":\"forged\"}")
			escaped := url.PathEscape(strings.NewReplacer("\r", "", "\n", "", "\x00", "", "\x7f", "", "\x1b", "", "\x9b", "").Replace(evil))
			for _, path := range []string{"/public/" + escaped, "/public/%0a%0d", "/public/%1b[31m", "/public/%E2%80%AE", "/public/%c2%9b31m", "/public/\xff", "/public/\u202e", "/" + strings.Repeat("long", 2000)} {
				for _, method := range []string{"GET", "FORGED-" + strings.Repeat("X", 500), "G\x1bT"} {
					g.send(method + " " + path + " HTTP/1.1\r\nHost: " + g.listen + "\r\nUser-Agent: \x1b[31m\r\nConnection: close\r\n\r\n")
				}
			}
			g.send("GET / HTTP/1.1\r\nHost: x\u202e\r\n\r\n")
			records := 0
			for _, line := range g.lines(t) {
				for _, r := range line {
					if r < 0x20 || 0x7f <= r && r < 0xa0 || 0x200b <= r && r <= 0x200f || 0x2028 <= r && r <= 0x202e || r == '\ufffd' {
						t.Fatalf("%U is in %q", r, line)
					}
				}
				if len(line) > 2500 {
					t.Errorf("%d bytes: %.100s", len(line), line)
				}
				msg := ""
				if format == "json" {
					var record map[string]any
					if err := json.Unmarshal([]byte(line), &record); err != nil {
						t.Fatalf("%v: %s", err, line)
					}
					msg, _ = record["msg"].(string)
				} else if m := regexp.MustCompile(`^time=\S+ level=[A-Z]+ msg=("[^"\\]*"|\S+)`).FindStringSubmatch(line); m != nil {
					msg = m[1]
				}
				if msg == "" || strings.Contains(msg, "forged") {
					t.Fatalf("no record of ours: %s", line)
				}
				records++
			}
			if records < 10 {
				t.Errorf("%d records", records)
			}
			if !strings.Contains(g.logged(), "shown@example.com") {
				t.Error("A247 an address is not logged where the file wants it")
			}
		})
	}
}

// series returns the names of all metrics with their labels.
func (g *gateway) series(t testing.TB) []string {
	t.Helper()
	var all []string
	for line := range strings.Lines(g.scrape(t)) {
		if i := strings.LastIndexByte(line, ' '); i > 0 && line[0] != '#' && strings.HasPrefix(line, "wayleave_") {
			all = append(all, line[:i])
		}
	}
	slices.Sort(all)
	return all
}

// TestOPS03_LabelsAreBounded: paths, hosts, methods, providers and people that
// nobody has heard of make no new series.
func TestOPS03_LabelsAreBounded(t *testing.T) {
	g := start(t, setup{extra: "log: {requests: false}\n"})
	grace := g.browser()
	grace.signIn("grace", "/")
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	ask := func(method, path, host string) {
		r, err := http.NewRequest(method, g.base+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		resp, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
	round := func(i int) {
		name := fmt.Sprintf("x%d", i)
		for _, path := range []string{"/" + name, "/public/" + name, "/auth/" + name, "/auth/" + name + "/login", "/auth/" + name + "/callback?code=x&state=x", "/auth/verify/" + name, "/x/..%2f" + name} {
			ask("GET", path, "")
		}
		ask("GET", "/", name+".example")
		ask(strings.ToUpper("M"+strings.Repeat("X", i%20)), "/"+name, "")
		grace.ask("GET", "/"+name)
	}
	round(0)
	round(1)
	before := g.series(t)
	for i := range 150 { // 1,500 requests
		round(i + 2)
	}
	if after := g.series(t); !slices.Equal(before, after) {
		for _, s := range after {
			if !slices.Contains(before, s) {
				t.Errorf("a new series: %s", s)
			}
		}
	}
	for _, s := range before {
		if strings.Contains(s, "x0") || strings.Contains(s, "x1") {
			t.Errorf("a label of a client's: %s", s)
		}
	}
}

// TestOPS04_WhatIsAudited: what is refused is told with a code that does not
// change, and with what leads to the login or the person.
func TestOPS04_WhatIsAudited(t *testing.T) {
	g, other := startTwo(t, setup{routes: tokenRoutes})
	told := func(msg, key, value string) bool {
		t.Helper()
		for _, line := range g.lines(t) {
			var record map[string]any
			if json.Unmarshal([]byte(line), &record) == nil && record["msg"] == msg && fmt.Sprint(record[key]) == value {
				return true
			}
		}
		return false
	}
	b := g.browser()
	callback := b.open(b.open("/auth/other/login?return_to=/").Header.Get("Location")).Header.Get("Location")
	b.open(callback)
	for _, row := range []struct {
		name            string
		do              func()
		msg, key, value string
	}{
		{"a login that ends in a session", func() {}, "request", "path", "/auth/other/callback"},
		{"a state that is none", func() { b.open("/auth/other/callback?code=x&state=x") }, "login failed", "check", "state"},
		{"a callback in another browser", func() { g.browser().open(callback + "x") }, "login failed", "provider", "other"},
		{"a provider that refuses", func() {
			b.open("/auth/other/callback?error=access_denied&state=" + param(b.open("/auth/other/login?return_to=/").Header.Get("Location"), "state"))
		}, "login failed", "check", "provider-answer"},
		{"a token with another nonce", func() { other.say(map[string]any{"nonce": "x"}); b.enter("other", "/") }, "login failed", "check", "id-token-nonce"},
		{"a token for another client", func() { other.say(map[string]any{"aud": "x"}); b.enter("other", "/") }, "login failed", "check", "id-token-audience"},
		{"a token of another issuer", func() { other.say(map[string]any{"iss": "x"}); b.enter("other", "/") }, "login failed", "check", "id-token-issuer"},
		{"a rule that says no", func() { b.ask("GET", "/dev-token") }, "not allowed", "reason", "needs the provider dev"},
		{"a logout", func() { b.ask("POST", "/auth/logout", "Origin", g.base, "Sec-Fetch-Site", "same-origin") }, "request", "path", "/auth/logout"},
		{"a file that is read again", g.reread, "reloaded", "why", "signal"},
	} {
		t.Run(row.name, func(t *testing.T) {
			row.do()
			if !told(row.msg, row.key, row.value) {
				t.Errorf("the log has no %q with %s %q", row.msg, row.key, row.value)
			}
		})
	}
	metrics := g.scrape(t)
	for _, want := range []string{`wayleave_logins_total{provider="other",step="identified"} 1`, `wayleave_failed_checks_total{check="id-token-nonce",provider="other"} 1`, `wayleave_failed_checks_total{check="id-token-audience",provider="other"} 1`} {
		if !strings.Contains(metrics, want) {
			t.Errorf("the metrics have no %s", want)
		}
	}
}

// TestOPS06_A250_WhoCanLookInside: not those who come in by the front door, and on
// this machine only the owner.
func TestOPS06_A250_WhoCanLookInside(t *testing.T) {
	admin := filepath.Join(folder, "look.sock")
	g := start(t, setup{store: "file:wayleave.db", extra: "admin: \"unix:" + admin + "\"\n"})
	grace := g.browser()
	grace.signIn("grace", "/")
	for _, path := range []string{"/metrics", "/livez", "/readyz", "/healthz", "/debug/pprof/", "/debug/pprof/heap", "/debug/vars", "/admin/sessions", "/sessions", "/auth/metrics", "/auth/admin", "/auth/sessions", "/keys"} {
		g.up.taken()
		if at := g.browser().ask("GET", path); at.StatusCode != 401 && at.StatusCode != 404 || strings.Contains(at.body, "wayleave_") || len(g.up.taken()) > 0 {
			t.Errorf("%s: %d %.80s", path, at.StatusCode, at.body)
		}
		if at := grace.ask("GET", path); strings.Contains(at.body, "wayleave_") || strings.Contains(at.body, "goroutine") || strings.HasPrefix(path, "/auth/") != (at.StatusCode == 404) && at.StatusCode != 403 {
			t.Errorf("%s with a session: %d %.80s", path, at.StatusCode, at.body)
		}
	}
	for _, path := range []string{"/", "/debug/pprof/", "/debug/vars", "/auth/session", "/sessions", "/public"} {
		resp, err := http.Get("http://" + g.health + path)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != 404 {
			t.Errorf("the listener for health has %s: %d", path, resp.StatusCode)
		}
	}
	for _, file := range []string{admin, filepath.Join(g.dir, "wayleave.db"), filepath.Join(g.dir, "keys")} {
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s is %v", filepath.Base(file), info.Mode())
		}
	}
	for _, address := range []string{"127.0.0.1:9999", ":9999"} {
		if out := g.checkFile(t, setup{extra: "admin: \"" + address + "\"\n"}); !strings.Contains(out, "admin: expected a unix socket") {
			t.Errorf("admin at %s: %s", address, out)
		}
	}
	t.Run("a key file that others can read", func(t *testing.T) {
		keys := filepath.Join(g.dir, "keys")
		if err := os.Chmod(keys, 0o644); err != nil {
			t.Fatal(err)
		}
		defer os.Chmod(keys, 0o600)
		if out := g.checkFile(t, setup{}); !strings.Contains(out, "keys") || strings.Contains(out, "is right") {
			t.Errorf("%s", out)
		}
	})
}

// TestA243_A244_A254_Addresses: no token is in an address, no page of ours asks
// anything of a third party, and nothing that a claim points to is fetched.
func TestA243_A244_A254_Addresses(t *testing.T) {
	var fetched atomic.Int64
	pictures := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { fetched.Add(1) }))
	defer pictures.Close()
	g, other := startTwo(t, setup{routes: tokenRoutes})
	other.say(map[string]any{"picture": pictures.URL + "/me.png", "profile": pictures.URL, "website": pictures.URL, "_claim_sources": map[string]any{"a": map[string]any{"endpoint": pictures.URL}}})
	b := g.browser()
	at := b.open("/auth/other/login?return_to=/other-token")
	for range 6 {
		location := at.Header.Get("Location")
		if location == "" {
			break
		}
		if strings.Contains(location, "canary-access") || strings.Contains(location, "canary-refresh") || strings.Contains(location, "eyJ") {
			t.Errorf("A244 a token is in %s", at.Request.URL.Path)
		}
		at = b.open(location)
	}
	if at.StatusCode != 200 {
		t.Fatalf("%d", at.StatusCode)
	}
	foreign := regexp.MustCompile(`(?i)(src|srcset|poster|data|action|background|url\()\s*=?\s*["'(]?(https?:)?//[^"')\s]+`)
	for _, path := range []string{"/auth/", "/auth/logout", "/auth/account", "/auth/x", "/dev-token", "/auth/other/callback?code=x&state=x"} {
		at := b.open(path)
		if !strings.HasPrefix(at.Header.Get("Content-Type"), "text/html") {
			t.Errorf("%s is no page: %d", path, at.StatusCode)
			continue
		}
		if at.Header.Get("Referrer-Policy") != "no-referrer" || !strings.Contains(at.Header.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("A243 %s: %v", path, at.Header)
		}
		for _, found := range foreign.FindAllString(at.body, -1) {
			if !strings.Contains(found, g.listen) {
				t.Errorf("A243 %s asks for %s", path, found)
			}
		}
	}
	if fetched.Load() > 0 {
		t.Errorf("A254 %d requests went to where claims point", fetched.Load())
	}
}

// TestA249_Dumps: a process that crashes under the service manager leaves no
// memory behind.
func TestA249_Dumps(t *testing.T) {
	unit, err := os.ReadFile("../../packaging/wayleave.service")
	if err != nil || !strings.Contains(string(unit), "\nLimitCORE=0\n") {
		t.Errorf("%v: the unit permits them", err)
	}
}
