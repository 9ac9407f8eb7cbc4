package wayleave_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/wayleave/wayleave"
)

// lines returns the Set-Cookie headers of an answer with their values, which
// are random, reduced to their length.
func lines(at answer) []string {
	var out []string
	for _, line := range at.Header["Set-Cookie"] {
		pair, attributes, _ := strings.Cut(line, ";")
		name, value, _ := strings.Cut(pair, "=")
		if strings.Contains(name, "return-") {
			before, rest, _ := strings.Cut(name, "return-")
			name = before + "return-ID" + rest[16:] // what follows the login's id
		}
		if len(value) > 0 {
			value = "<" + sizeOf(len(value)) + ">"
		}
		out = append(out, name+"="+value+";"+attributes)
	}
	slices.Sort(out)
	return out
}

func sizeOf(n int) string {
	switch {
	case n < 50:
		return "<50"
	case n < 100:
		return "<100"
	}
	return "<3000"
}

func checkLines(t *testing.T, what string, at answer, want ...string) {
	t.Helper()
	slices.Sort(want)
	if got := lines(at); !slices.Equal(got, want) {
		t.Errorf("%s sets\n\t%s\nwant\n\t%s", what, strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
	for _, line := range at.Header["Set-Cookie"] {
		if strings.Contains(line, "session") && len(line) >= 200 {
			t.Errorf("the session cookie has %d bytes", len(line))
		}
	}
}

// TestSES03EverySetCookie is every Set-Cookie header of a life with logins.
func TestSES03EverySetCookie(t *testing.T) {
	for name, c := range map[string]struct{ base, prefix, pathPrefix, suffix, secure string }{
		"https": {"https://app.example", "__Host-wayleave-", "__Secure-wayleave-", "", "; Secure"},
		"http":  {"http://localhost:8000", "wayleave-", "wayleave-", "-aeqxqo", ""},
	} {
		t.Run(name, func(t *testing.T) {
			a := newDirectApp(t, newIDP(t), c.base)
			b := a.browser()
			cookie := func(short, value, path, age string) string {
				prefix := c.prefix
				if path != "/" {
					prefix = c.pathPrefix
				}
				return prefix + short + c.suffix + "=" + value + "; Path=" + path + "; Max-Age=" + age + "; HttpOnly" + c.secure + "; SameSite=Lax"
			}
			page := pageOf(900, "wanted")
			start := b.open("/auth/dev/login?return_to=" + page)
			checkLines(t, "the first login", start,
				cookie("browser", "<<50>", "/", "34560000"),
				cookie("return-ID", "<<3000>", "/auth/dev/", "600"))
			done := b.open(b.authorize(start.Header.Get("Location"), true))
			checkLines(t, "its callback", done,
				cookie("loop", "<<100>", "/", "60"),
				cookie("return-ID", "", "/auth/dev/", "0"),
				cookie("session", "<<50>", "/", "43200"))
			checkLines(t, "the page", b.open(done.Header.Get("Location")),
				cookie("loop", "", "/", "0"))
			checkLines(t, "the page once more", b.open(done.Header.Get("Location")))
			checkLines(t, "the second login", b.open("/auth/dev/login"))
			checkLines(t, "its callback", b.open(b.callback("/")),
				cookie("session", "<<50>", "/", "43200"))
			checkLines(t, "logout", b.fetch("POST", "/auth/logout"),
				cookie("browser", "<<50>", "/", "34560000"),
				cookie("logout", "<<50>", "/", "600"),
				cookie("session", "", "/", "0"))
			back := "/auth/signed-out?state=" + b.cookies()["logout"]
			checkLines(t, "somebody else's way back", b.open(back+"x"))
			checkLines(t, "the way back from the provider", b.open(back),
				cookie("logout", "", "/", "0"))
			// A137: what is deleted is gone from a jar that follows the rules.
			if _, left := b.cookies()["session"]; left || len(b.cookies()) != 1 {
				t.Errorf("after logout the browser has %v", b.cookies())
			}
		})
	}
}

// TestSES06CookieHeaders: whatever is not exactly the one session cookie is no session.
func TestSES06CookieHeaders(t *testing.T) {
	a := newDirectApp(t, newIDP(t), "https://app.example")
	b := a.browser()
	b.signIn("/")
	const name = "__Host-wayleave-session"
	id := b.cookies()["session"]
	other := strings.Repeat("A", 43)
	for what, row := range map[string]struct {
		header   string
		signedIn bool
	}{
		"the cookie":                         {name + "=" + id, true},
		"among others":                       {"a=b; " + name + "=" + id + "; c=d", true},
		"without a space":                    {"a=b;" + name + "=" + id, true},
		"beside one that begins alike":       {name + "x=" + other + "; " + name + "=" + id, true},
		"A121 twice, ours first":             {name + "=" + id + "; " + name + "=" + other, false},
		"A121 twice, ours last":              {name + "=" + other + "; " + name + "=" + id, false},
		"A121 twice the same":                {name + "=" + id + "; " + name + "=" + id, false},
		"A121 without prefix":                {"wayleave-session=" + id, false},
		"A122 in lower case":                 {strings.ToLower(name) + "=" + id, false},
		"A122 a space before the equal sign": {name + " =" + id, false},
		"A122 a space before the value":      {name + "= " + id, false},
		"A122 no-break space before":         {"\u00a0" + name + "=" + id, false},
		"A122 without a name":                {"=" + name + "=" + id, false},
		"A122 in a quoted sandwich":          {`x="a; ` + name + "=" + id + `; y=b"`, true}, // each pair stands for itself
		"A122 $Version":                      {"$Version=1, " + name + "=" + id, false},
		"A122 joined by a comma":             {"a=b, " + name + "=" + id, false},
		"quoted":                             {name + `="` + id + `"`, false},
		"empty":                              {name + "=", false},
		"truncated":                          {name + "=" + id[:42], false},
		"extended":                           {name + "=" + id + "A", false},
		"padded":                             {name + "=" + id + "=", false},
		"A160 the last bit changed":          {name + "=" + id[:42] + flipped(id[42]), false},
		"garbage":                            {name + "=" + strings.Repeat("%", 43), false},
		"line breaks inside":                 {name + "=" + id[:20] + "\r\n" + id[20:], false},
		"another id":                         {name + "=" + other, false},
		"a header of 40 kB":                  {"x=" + strings.Repeat("y", 40<<10) + "; " + name + "=" + id, false},
	} {
		t.Run(what, func(t *testing.T) {
			at := a.ask("GET", "/auth/session", "Cookie", row.header)
			if want := map[bool]int{true: 200, false: 401}[row.signedIn]; at.StatusCode != want {
				t.Errorf("status %d, want %d", at.StatusCode, want)
			}
		})
	}
}

// flipped returns another last character for the same bytes, or other bytes.
func flipped(c byte) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return string(alphabet[strings.IndexByte(alphabet, c)^1])
}

// TestA006ABindingCookieThatIsNotOurs is replaced, as often as it comes.
func TestA006ABindingCookieThatIsNotOurs(t *testing.T) {
	a := newDirectApp(t, newIDP(t), "https://app.example")
	const name = "__Host-wayleave-browser"
	ours := strings.Repeat("A", 43)
	for header, replaced := range map[string]bool{
		name + "=" + ours:                            false,
		name + "=AAAA":                               true,
		name + "=" + ours + "AAAA":                   true,
		name + "=" + strings.Repeat("%", 43):         true,
		name + "=" + ours + "; " + name + "=" + ours: true,
		"wayleave-browser=" + ours:                   true,
	} {
		if got := setCookies(a.ask("GET", "/auth/dev/login", "Cookie", header)) == "browser"; got != replaced {
			t.Errorf("%s: replaced is %v, want %v", header, got, replaced)
		}
	}
}

// TestA161PurposesOfCookies puts each value in the place of each other one:
// nobody is signed in, no login completes, and no start is stopped.
func TestA161PurposesOfCookies(t *testing.T) {
	a := newDirectApp(t, newIDP(t), "http://localhost:8000")
	donor := a.browser()
	start := donor.beginAt(pageOf(900, "donor"))
	values := map[string]string{"state": param(t, start, "state")}
	maps.Copy(values, donor.cookies())
	donor.open(donor.authorize(start, true))
	maps.Copy(values, donor.cookies())
	for _, name := range []string{"state", "browser", "return", "session", "loop"} {
		if values[name] == "" {
			t.Fatalf("no %s to play with: %v", name, values)
		}
	}
	names := map[string]string{}
	for name := range donor.rawCookies() {
		names[shortName(name)] = name
	}
	for from, value := range values {
		for _, to := range []string{"session", "browser", "loop"} {
			if from == to {
				continue
			}
			t.Run(from+" as "+to, func(t *testing.T) {
				a.during(t)
				b := a.browser()
				b.setRaw(names[to], value)
				if b.user() != "" {
					t.Error("somebody is signed in")
				}
				if to == "session" && from == "browser" {
					return // both are random: nothing to tell them apart by, and nothing stored
				}
				callback := b.callback(pageOf(900, "wanted"))
				if got := b.finish(callback); !strings.HasPrefix(got.body, "Hello Ada Marsh at /wanted") {
					t.Errorf("ended with status %d: %s", got.StatusCode, text(got))
				}
			})
		}
	}
}

// TestA126_A162_CookiesOfAnotherDeployment: with other keys, and with the same keys
// under another base URL, nothing of them counts.
func TestA126_A162_CookiesOfAnotherDeployment(t *testing.T) {
	idp := newIDP(t)
	home := newDirectApp(t, idp, "http://localhost:8000")
	b := home.browser()
	callback := b.callback(pageOf(900, "wanted"))
	b.finish(b.callback("/"))
	for name, there := range map[string]*app{
		"other keys":     newDirectApp(t, idp, "http://localhost:8000"),
		"other base URL": newDirectApp(t, idp, "http://localhost:8001", func(c *wayleave.Config) { c.Keys = home.cfg.Keys }),
	} {
		t.Run(name, func(t *testing.T) {
			there.during(t)
			visitor := there.browser()
			suffix := ""
			for n := range thereCookies(there) {
				suffix = n[strings.LastIndexByte(n, '-'):]
			}
			for n, value := range b.rawCookies() {
				visitor.setRaw(n[:strings.LastIndexByte(n, '-')]+suffix, value)
			}
			if visitor.user() != "" {
				t.Error("somebody is signed in")
			}
			checkPage(t, visitor.open(strings.Replace(callback, home.base, there.base, 1)), pageNotOurs)
		})
	}
}

// thereCookies returns the names of the cookies that an app sets.
func thereCookies(a *app) map[string]string {
	b := a.browser()
	b.beginAt("/")
	return b.rawCookies()
}

// TestA162TwoAppsOnOneHost: on http cookies ignore ports, and still do not mix.
func TestA162TwoAppsOnOneHost(t *testing.T) {
	idp := newIDP(t)
	one, two := newDirectApp(t, idp, "http://localhost:8000"), newDirectApp(t, idp, "http://localhost:8001")
	jar := one.browser()
	jar.signIn("/")
	b := two.browser()
	b.client.Jar = jar.client.Jar
	b.signIn("/")
	if jar.user() == "" || b.user() == "" {
		t.Error("one of the sessions is lost")
	}
	if b.fetch("POST", "/auth/logout").StatusCode != http.StatusOK || jar.user() == "" {
		t.Error("signing out of one signs out of the other")
	}
}
