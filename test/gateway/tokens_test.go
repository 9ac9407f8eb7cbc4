package gateway_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const tokenRoutes = `
  - {path: /dev-token, upstream: UPSTREAM, allow: {providers: dev}, access_token: true}
  - {path: /other-token, upstream: UPSTREAM, allow: {providers: other}, access_token: true}
  - {path: /own, methods: [GET], upstream: UPSTREAM, allow: public, pass_authorization: true}
  - {path: /public, methods: [GET], upstream: UPSTREAM, allow: public}
  - {path: /, upstream: UPSTREAM, allow: signed_in}
`

// newest returns the access token that was issued last.
func (c *claimer) newest() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.issued[len(c.issued)-1]
}

// authorization is what the upstream got since the last call, of each request.
func (g *gateway) authorization() (all [][]string) {
	for _, r := range g.up.taken() {
		all = append(all, r.Header["Authorization"])
	}
	return all
}

// TestPRX13_PRX14_A172_WhoseTokenGoesWhere: the user's token goes to the routes of its
// provider alone, and nothing that a client sends stands in its place.
func TestPRX13_PRX14_A172_WhoseTokenGoesWhere(t *testing.T) {
	g, other := startTwo(t, setup{routes: tokenRoutes, extra: trusting})
	hers, his, nobody := g.browser(), g.browser(), g.browser()
	hers.signIn("grace", "/auth/dev/login?return_to=/")
	his.enter("other", "/")
	token := "Bearer " + other.newest()
	g.up.taken()
	const sent = "Bearer of-a-client"
	for _, row := range []struct {
		name   string
		b      *browser
		path   string
		status int
		want   string // of Authorization; "some": another one than his
	}{
		{"his token to a route of his provider", his, "/other-token", 200, token},
		{"A172 his token to a route of another provider", his, "/dev-token", 403, ""},
		{"his token to a route that does not ask", his, "/", 200, ""},
		{"his token to a public route", his, "/public", 200, ""},
		{"her token to a route of her provider", hers, "/dev-token", 200, "some"},
		{"A172 her token to a route of another provider", hers, "/other-token", 403, ""},
		{"nobody's token", nobody, "/other-token", 401, ""},
		{"a route that takes the client's own", nobody, "/own", 200, "own"},
		{"a route that takes the client's own, with a session", his, "/own", 200, "own"},
	} {
		t.Run(row.name, func(t *testing.T) {
			for _, header := range [][]string{nil, {"Authorization", sent}, {"Authorization", sent, "Authorization", "Basic eDp5"}} {
				g.up.taken()
				if at := row.b.ask("GET", row.path, header...); at.StatusCode != row.status || strings.Contains(fmt.Sprint(at.Header, at.body), "canary") {
					t.Errorf("%d %v", at.StatusCode, at.Header)
				}
				got := g.authorization()
				if row.status != 200 {
					if len(got) > 0 {
						t.Errorf("the upstream got %d requests", len(got))
					}
					continue
				}
				text := strings.Join(got[0], ", ")
				switch {
				case row.want == "own" && len(got[0]) != len(header)/2,
					row.want == "" && text != "",
					row.want == "some" && (len(got[0]) != 1 || text == token || text == sent || !strings.HasPrefix(text, "Bearer ")),
					row.want == token && (len(got[0]) != 1 || text != token):
					t.Errorf("PRX-14 the upstream got Authorization %q", got[0])
				}
			}
		})
	}
	t.Run("A172 as an answer to a proxy that asks", func(t *testing.T) {
		for path, status := range map[string]int{"/other-token": 200, "/dev-token": 403, "/": 200} {
			at := his.ask("GET", "/auth/verify/forward", "X-Forwarded-Uri", path, "X-Forwarded-Method", "GET", "X-Forwarded-Proto", "http", "X-Forwarded-Host", g.listen)
			want := ""
			if path == "/other-token" {
				want = token
			}
			if at.StatusCode != status || at.Header.Get("Authorization") != want {
				t.Errorf("%s: %d, Authorization %q", path, at.StatusCode, at.Header.Get("Authorization"))
			}
		}
	})
	t.Run("A172 a file that leaves open whose token it is", func(t *testing.T) {
		for allow, ok := range map[string]bool{"signed_in": false, "public": false, "[{providers: dev}, {providers: other}]": false, "{providers: [dev, other]}": false, "{groups: admins}": false,
			"[{providers: dev, groups: admins}, {providers: dev, roles: editor}]": true} {
			out := g.checkFile(t, setup{routes: "\n  - {path: /, upstream: UPSTREAM, access_token: true, allow: " + allow + "}\n", extra: other.entry("other", "")})
			if strings.Contains(out, "it is not clear whose token the upstream gets") == ok {
				t.Errorf("%s: %s", allow, out)
			}
		}
	})
	t.Run("A179 a bearer token is nobody's session", func(t *testing.T) {
		other.mu.Lock()
		tokens := map[string]string{"the user's own access token": other.issued[0], "an ID token": other.idToken(nil), "nonsense": "x"}
		other.mu.Unlock()
		for name, token := range tokens {
			g.up.taken()
			if at := nobody.ask("GET", "/", "Authorization", "Bearer "+token); at.StatusCode != 401 || len(g.up.taken()) > 0 {
				t.Errorf("%s: %d", name, at.StatusCode)
			}
		}
	})
}

// checkFile runs "wayleave check --offline" over a file and returns what it says.
func (g *gateway) checkFile(t testing.TB, s setup) string {
	t.Helper()
	was := g.file
	g.file = filepath.Join(g.dir, "other.yaml")
	defer func() { os.Remove(g.file); g.file = was }()
	g.write(s)
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	out, _ := exec.Command(path, "check", "--offline", "--config", g.file).CombinedOutput()
	return string(out)
}

// TestA170_A174_TheDestinationIsFixed: nothing of a request moves it, or the token
// that goes there.
func TestA170_A174_TheDestinationIsFixed(t *testing.T) {
	var stolen atomic.Int64
	thief := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { stolen.Add(1) }))
	defer thief.Close()
	at := strings.TrimPrefix(thief.URL, "http://")
	// The upstream has a path of its own, which no request leaves.
	g := start(t, setup{routes: strings.ReplaceAll("\n  - {path: /token, upstream: UPSTREAM/inner, allow: signed_in, access_token: true}\n  - {path: /, upstream: UPSTREAM/outer, allow: signed_in}\n", "THIEF", at)})
	grace := g.browser()
	grace.signIn("grace", "/")
	head := "Cookie: " + grace.cookies() + "\r\nConnection: close\r\n"
	host := "Host: " + g.listen + "\r\n"
	for _, row := range []struct {
		name, raw string
		status    int
		target    string
	}{
		{"plain", "GET /token/x HTTP/1.1\r\n" + host, 200, "/inner/token/x"},
		{"A170 a URL in the path", "GET /token/http://" + at + "/ HTTP/1.1\r\n" + host, 400, ""},
		{"A170 a URL in the path, encoded", "GET /token/http%3A%2F%2F" + at + " HTTP/1.1\r\n" + host, 400, ""},
		{"A170 a URL in the query", "GET /token?url=" + thief.URL + " HTTP/1.1\r\n" + host, 200, "/inner/token?url=" + thief.URL},
		{"A170 a header that names it", "GET /token HTTP/1.1\r\n" + host + "X-Upstream: " + thief.URL + "\r\nX-Forwarded-Server: " + at + "\r\n", 200, "/inner/token"},
		{"A174 another Host", "GET /token HTTP/1.1\r\nHost: " + at + "\r\n", 421, ""},
		{"A174 absolute form of another host", "GET " + thief.URL + "/token HTTP/1.1\r\n" + host, 421, ""},
		{"A174 absolute form of ours, and another Host", "GET " + g.base + "/token HTTP/1.1\r\nHost: " + at + "\r\n", 200, "/inner/token"},
		{"A174 absolute form with a user", "GET http://" + g.listen + "@" + at + "/token HTTP/1.1\r\n" + host, 421, ""},
		{"A174 X-Forwarded-Host", "GET /token HTTP/1.1\r\n" + host + "X-Forwarded-Host: " + at + "\r\nForwarded: host=" + at + "\r\nX-Original-Host: " + at + "\r\n", 200, "/inner/token"},
		{"A174 X-Original-URL", "GET /token HTTP/1.1\r\n" + host + "X-Original-Url: " + thief.URL + "/\r\nX-Rewrite-Url: " + thief.URL + "/\r\n", 200, "/inner/token"},
		{"A174 dots", "GET /token/../../x HTTP/1.1\r\n" + host, 400, ""},
		{"A174 encoded dots", "GET /token/%2e%2e/%2e%2e/x HTTP/1.1\r\n" + host, 400, ""},
		{"A174 two slashes", "GET //" + at + "/token HTTP/1.1\r\n" + host, 400, ""},
		{"A174 an authority for a path", "GET @" + at + "/token HTTP/1.1\r\n" + host, 400, ""},
		{"A174 a port for a path", "GET :80/token HTTP/1.1\r\n" + host, 400, ""},
		{"A174 backslashes", "GET /\\" + at + "/token HTTP/1.1\r\n" + host, 400, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			g.up.taken()
			answers := g.send(row.raw + head + "\r\n")
			if len(answers) != 1 || answers[0].StatusCode != row.status {
				t.Fatalf("%v, want %d", statuses(answers), row.status)
			}
			got := g.up.taken()
			if row.target == "" {
				if len(got) > 0 {
					t.Errorf("the upstream got %s", got[0].Target)
				}
				return
			}
			if len(got) != 1 || got[0].Target != row.target || got[0].Host != g.listen || got[0].Header.Get("X-Forwarded-Host") != g.listen || !strings.HasPrefix(got[0].Header.Get("Authorization"), "Bearer ") {
				t.Errorf("the upstream got %+v", got)
			}
		})
	}
	if stolen.Load() > 0 {
		t.Errorf("somewhere else got %d requests", stolen.Load())
	}
}

// TestA171_RedirectsArePassedOn, and not followed.
func TestA171_RedirectsArePassedOn(t *testing.T) {
	var stolen atomic.Int64
	thief := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { stolen.Add(1) }))
	defer thief.Close()
	g := start(t, setup{})
	grace := g.browser()
	grace.signIn("grace", "/")
	for _, status := range []int{301, 302, 303, 307, 308} {
		g.answerWith(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", thief.URL+"/take")
			w.Header().Set("Refresh", "0; url="+thief.URL)
			w.WriteHeader(status)
		})
		g.up.taken()
		at := grace.ask("POST", "/token")
		if at.StatusCode != status || at.Header.Get("Location") != thief.URL+"/take" || at.Header.Get("Authorization") != "" || len(g.up.taken()) != 1 {
			t.Errorf("%d: %d %v", status, at.StatusCode, at.Header)
		}
	}
	if stolen.Load() > 0 {
		t.Errorf("%d requests went there", stolen.Load())
	}
}

// TestA176_A177_AnUpstreamThatRefusesEverything: its answers are passed on, and
// neither refreshes nor logins follow from them.
func TestA176_A177_AnUpstreamThatRefusesEverything(t *testing.T) {
	g, other := startTwo(t, setup{routes: tokenRoutes})
	b := g.browser()
	b.enter("other", "/")
	other.mu.Lock()
	answers, asked := other.answers, len(other.asked)
	other.mu.Unlock()
	const challenge = `Bearer error="insufficient_user_authentication", acr_values="urn:evil", max_age="0"`
	g.answerWith(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("WWW-Authenticate", challenge)
		w.Header().Set("X-Wayleave-Subject", "evil")
		w.Header().Set("X-Wayleave-Login", "https://evil.example/")
		w.WriteHeader(http.StatusUnauthorized)
	})
	for range 30 {
		for _, at := range []answer{b.ask("GET", "/other-token"), b.open("/other-token")} {
			if at.StatusCode != 401 || at.Header.Get("WWW-Authenticate") != challenge || at.Header.Get("Location") != "" || at.Header.Get("X-Wayleave-Subject")+at.Header.Get("X-Wayleave-Login") != "" {
				t.Fatalf("%d %v", at.StatusCode, at.Header)
			}
		}
	}
	if got := g.up.taken(); len(got) != 61 { // and the page after the login
		t.Errorf("the upstream got %d requests", len(got))
	}
	other.mu.Lock()
	defer other.mu.Unlock()
	if other.refreshes > 0 || other.answers != answers || len(other.asked) != asked {
		t.Errorf("the provider got %d requests, of which %d refreshes", other.answers-answers, other.refreshes)
	}
}

// TestREF03_ATokenThatEndsIsRefreshedOnce, however many requests wait for it.
func TestREF03_ATokenThatEndsIsRefreshedOnce(t *testing.T) {
	g, other := startTwo(t, setup{routes: tokenRoutes})
	other.set(func(c *claimer) { c.lifetimes = []int{1, 3600} })
	b := g.browser()
	b.enter("other", "/")
	g.up.taken()
	var waiting sync.WaitGroup
	cookies := b.cookies()
	var failed atomic.Int64
	for range 60 {
		waiting.Go(func() {
			r, _ := http.NewRequest("GET", g.base+"/other-token", nil)
			r.Header.Set("Cookie", cookies)
			resp, err := http.DefaultClient.Do(r)
			if err != nil || resp.StatusCode != 200 {
				failed.Add(1)
				return
			}
			resp.Body.Close()
		})
	}
	waiting.Wait()
	if failed.Load() > 0 || other.refreshed() != 1 {
		t.Errorf("%d requests failed, %d refreshes, want one", failed.Load(), other.refreshed())
	}
	got := g.authorization()
	if len(got) != 60 {
		t.Errorf("the upstream got %d requests", len(got))
	}
	for _, values := range got {
		if len(values) != 1 || values[0] != "Bearer "+other.newest() {
			t.Fatal("the upstream got another token than the newest")
		}
	}
}

// TestREF05_WhenATokenCannotBeHad the upstream gets no request: a provider that is
// down is a 503, and a grant that has ended is a sign-in.
func TestREF05_WhenATokenCannotBeHad(t *testing.T) {
	g, other := startTwo(t, setup{routes: tokenRoutes})
	other.set(func(c *claimer) { c.lifetimes = []int{1} })
	b := g.browser()
	b.enter("other", "/")
	signedIn := time.Now()
	eventually(t, "the token has ended", func() bool { return time.Since(signedIn) > 1100*time.Millisecond })
	g.up.taken()
	other.set(func(c *claimer) { c.down = true })
	if at := b.ask("GET", "/other-token"); at.StatusCode != 503 || at.Header.Get("Retry-After") == "" || !strings.Contains(at.body, "temporarily_unavailable") {
		t.Errorf("down: %d %s", at.StatusCode, at.body)
	}
	if at := b.ask("GET", "/"); at.StatusCode != 200 {
		t.Errorf("a page that needs no token: %d", at.StatusCode)
	}
	g.up.taken()
	g.reload(setup{routes: tokenRoutes, extra: other.entry("other", ", offline: true")}) // forgets the failure
	other.set(func(c *claimer) { c.down, c.refuses = false, true })
	at := b.open("/other-token")
	if at.StatusCode != 303 || !strings.HasPrefix(at.Header.Get("Location"), "/auth/other/login?return_to=") && !strings.HasPrefix(at.Header.Get("Location"), g.base+"/auth/other/login?return_to=") {
		t.Errorf("ended, a page: %d %v", at.StatusCode, at.Header)
	}
	if at := b.ask("GET", "/other-token"); at.StatusCode != 401 || !strings.Contains(at.body, "login_required") {
		t.Errorf("ended, a script: %d %s", at.StatusCode, at.body)
	}
	if n := other.refreshed(); n > 1 {
		t.Errorf("%d refreshes of a grant that has ended", n)
	}
	if got := g.up.taken(); len(got) > 0 {
		t.Errorf("the upstream got %d requests", len(got))
	}
}
