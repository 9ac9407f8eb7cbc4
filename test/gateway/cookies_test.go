package gateway_test

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestA121_A122_WhichCookieCounts: the one of the exact name, if there is one
// alone; anything else is nobody.
func TestA121_A122_WhichCookieCounts(t *testing.T) {
	g := start(t, setup{})
	grace, lin := g.browser(), g.browser()
	grace.signIn("grace", "/")
	lin.signIn("lin", "/")
	name := "wayleave-session-" + instance(g)
	hers, his := cookieOf(t, grace, name), cookieOf(t, lin, name)
	pair := name + "=" + hers
	for _, row := range []struct {
		name, line string
		status     int
	}{
		{"hers alone", pair, 200},
		{"hers among others", "a=b; " + pair + "; c=d", 200},
		{"hers without a blank", "a=b;" + pair, 200},
		{"A121 two of the name", pair + "; " + name + "=" + his, 401},
		{"A121 two of the name, in the other order", name + "=" + his + "; " + pair, 401},
		{"A121 the same twice", pair + "; " + pair, 401},
		{"A121 on two lines", pair + "\r\nCookie: " + name + "=" + his, 401},
		{"A121 one is empty", name + "=; " + pair, 401},
		{"A122 the name in other letters", strings.ToUpper(name) + "=" + hers, 401},
		{"A122 the prefix of https", "__Host-wayleave-session=" + hers, 401},
		{"A122 the prefix in other letters", "__host-wayleave-session=" + hers, 401},
		{"A122 a blank behind the name", name + " =" + hers, 401},
		{"A122 a blank before it in Unicode", "\u00a0" + pair, 401},
		{"A122 no name", "=" + pair, 401},
		{"A122 $Version", "$Version=1, " + pair, 401},
		{"A122 within quotes", `a="b; ` + pair + `; c="`, 200}, // browsers do not quote: three cookies
		{"A122 joined by a comma", "a=b, " + pair, 401},
		{"A122 quoted", name + `="` + hers + `"`, 401},
		{"A122 a value with more behind it", pair + "x", 401},
		{"A122 a value that is shorter", pair[:len(pair)-1], 401},
		{"A122 a value in other letters", name + "=" + swapCase(hers), 401},
		{"A124 in a line that is as long as a header may be", strings.Repeat("a=b; ", 5000) + pair, 200},
	} {
		t.Run(row.name, func(t *testing.T) {
			g.up.taken()
			answers := g.send("GET /page HTTP/1.1\r\nHost: " + g.listen + "\r\nCookie: " + row.line + "\r\nConnection: close\r\n\r\n")
			if len(answers) != 1 || answers[0].StatusCode != row.status {
				t.Fatalf("%v, want %d", statuses(answers), row.status)
			}
			got := g.up.taken()
			if len(got) != map[int]int{200: 1}[row.status] {
				t.Fatalf("the upstream got %d requests", len(got))
			}
			for _, r := range got {
				if r.Header.Get("X-Wayleave-Subject") != "grace" || strings.Contains(fmt.Sprint(r.Header), hers) {
					t.Errorf("the upstream got %v", r.Header)
				}
			}
		})
	}
}

func swapCase(s string) string {
	return strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' {
			return r ^ 0x20
		}
		return r
	}, s)
}

// cookieOf returns the value that a browser keeps under a name.
func cookieOf(t testing.TB, b *browser, name string) string {
	t.Helper()
	u, _ := url.Parse(b.base)
	for _, c := range b.client.Jar.Cookies(u) {
		if c.Name == name {
			return c.Value
		}
	}
	t.Fatalf("the browser has no %s", name)
	return ""
}

// TestA126_ACookieOfAnotherDeployment is nobody's, under whatever name it comes
// and with the same keys.
func TestA126_ACookieOfAnotherDeployment(t *testing.T) {
	one := start(t, setup{})
	keys, err := os.ReadFile(filepath.Join(one.dir, "keys"))
	if err != nil {
		t.Fatal(err)
	}
	two := startAs(t, one.idp, func(g *gateway) setup {
		if err := os.WriteFile(filepath.Join(g.dir, "keys"), keys, 0o600); err != nil {
			t.Fatal(err)
		}
		return setup{}
	})
	b := one.browser()
	b.signIn("grace", "/")
	value := cookieOf(t, b, "wayleave-session-"+instance(one))
	for _, name := range []string{"wayleave-session-" + instance(one), "wayleave-session-" + instance(two)} {
		two.up.taken()
		if at := two.browser().ask("GET", "/page", "Cookie", name+"="+value); at.StatusCode != 401 || len(two.up.taken()) > 0 {
			t.Errorf("as %s: %d", name, at.StatusCode)
		}
	}
	if at := one.browser().ask("GET", "/page", "Cookie", "wayleave-session-"+instance(one)+"="+value); at.StatusCode != 200 {
		t.Errorf("where it belongs: %d", at.StatusCode)
	}
}

// TestA123_A124_TooManyCookies: somebody who filled the jar gets an answer that
// names the cause, the site goes on for others, and the way out works.
func TestA123_A124_TooManyCookies(t *testing.T) {
	g := start(t, setup{})
	grace := g.browser()
	grace.signIn("grace", "/")
	bomb := strings.Repeat("bomb="+strings.Repeat("x", 4000)+"; ", 12)
	for _, path := range []string{"/page", "/public", "/auth/", "/auth/session"} {
		g.up.taken()
		answers := g.send("GET " + path + " HTTP/1.1\r\nHost: " + g.listen + "\r\nCookie: " + bomb + grace.cookies() + "\r\n\r\n")
		if len(answers) != 1 || answers[0].StatusCode != 431 || len(g.up.taken()) > 0 {
			t.Errorf("%s: %v", path, statuses(answers))
		}
		if len(answers) == 1 && len(answers[0].Header["Set-Cookie"]) > 0 {
			t.Errorf("%s sets cookies: %v", path, answers[0].Header)
		}
	}
	for path, status := range map[string]int{"/page": 200, "/public": 200, "/auth/session": 200} {
		if at := grace.ask("GET", path); at.StatusCode != status {
			t.Errorf("%s without them: %d", path, at.StatusCode)
		}
	}
	// Whose cookies of ours were pushed out signs in again, and that is all.
	lost := g.browser()
	if at := lost.ask("GET", "/page", "Cookie", strings.Repeat("a=b; ", 180)); at.StatusCode != 401 {
		t.Errorf("A123 %d", at.StatusCode)
	}
	if at := lost.signIn("grace", "/page"); at.StatusCode != 200 {
		t.Errorf("A123 the sign-in: %d", at.StatusCode)
	}
}

// TestA130_AnAppThatSetsManyCookies may set its own, and none of ours, whatever
// their number, attributes and spelling.
func TestA130_AnAppThatSetsManyCookies(t *testing.T) {
	g := start(t, setup{})
	grace := g.browser()
	grace.signIn("grace", "/")
	name := "wayleave-session-" + instance(g)
	g.answerWith(talksCookies(name))
	at := grace.ask("GET", "/page")
	mine, huge := 0, 0
	for _, line := range at.Header["Set-Cookie"] {
		switch {
		case strings.HasPrefix(line, "mine"):
			mine++
		case strings.HasPrefix(line, "huge="):
			huge = len(line)
		default:
			t.Errorf("the browser gets %.60q", line)
		}
	}
	if at.StatusCode != 200 || mine != 50 || huge < 8000 {
		t.Errorf("%d, %d cookies of the app's, one of %d bytes", at.StatusCode, mine, huge)
	}
	g.answerWith(nil)
	if at := grace.ask("GET", "/page"); at.StatusCode != 200 {
		t.Errorf("afterwards: %d", at.StatusCode)
	}
}

// talksCookies is an app that sets cookies of its own, and tries ours.
func talksCookies(session string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for i := range 50 {
			w.Header().Add("Set-Cookie", fmt.Sprintf("mine%d=x; Path=/app; HttpOnly", i))
		}
		w.Header().Add("Set-Cookie", "huge="+strings.Repeat("x", 8000))
		for _, line := range []string{session + "=; Max-Age=0; Path=/", session + "=evil; Domain=127.0.0.1", strings.ToUpper(session) + "=evil", "\t" + session + "=evil", session, "wayleave-browser-x=evil", "__Host-wayleave-session=evil; Path=/; Secure"} {
			w.Header().Add("Set-Cookie", line)
		}
	}
}
