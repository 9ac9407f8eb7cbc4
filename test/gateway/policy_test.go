package gateway_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const policyRoutes = `
  - {path: /dev, upstream: UPSTREAM, allow: {providers: dev}}
  - {path: /mail, upstream: UPSTREAM, allow: {emails: [ada@example.com]}}
  - {path: /domain, upstream: UPSTREAM, allow: {email_domains: [example.com]}}
  - {path: /groups, upstream: UPSTREAM, allow: {groups: [admins]}}
  - {path: /roles, upstream: UPSTREAM, allow: {roles: [editor]}}
  - {path: /claim, upstream: UPSTREAM, allow: {claims: {department: [finance]}}}
  - {path: /fresh, upstream: UPSTREAM, allow: {max_age: 60s}}
  - {path: /nobody, upstream: UPSTREAM, allow: nobody}
  - {path: /any, upstream: UPSTREAM, allow: signed_in}
`

// TestPOL_WhatProvidersSay holds people of two providers against each rule, in
// the real process: what a provider must not be able to say opens nothing.
func TestPOL_WhatProvidersSay(t *testing.T) {
	g, other := startTwo(t, setup{routes: policyRoutes})
	type claims = map[string]any
	for _, row := range []struct {
		name   string
		says   claims
		path   string
		status int
	}{
		{"POL-01 the same address at another provider is allowed by address alone", claims{"email": "ada@example.com", "email_verified": true}, "/mail", 200},
		{"POL-01 the same subject at another provider is not of the first one", claims{"sub": "ada"}, "/dev", 403},
		{"POL-03 an address that is verified", claims{"email": "x@example.com", "email_verified": true}, "/domain", 200},
		{"POL-03 an address that is not verified", claims{"email": "x@example.com", "email_verified": false}, "/domain", 403},
		{"POL-03 an address of which nothing is said", claims{"email": "x@example.com"}, "/domain", 403},
		{"POL-03 a name that looks like an address", claims{"preferred_username": "x@example.com", "email_verified": true}, "/domain", 403},
		{"POL-03 verified says something else", claims{"email": "x@example.com", "email_verified": 1}, "/domain", 403},
		{"POL-04 two at signs", claims{"email": "x@evil.example@example.com", "email_verified": true}, "/domain", 403},
		{"POL-04 quotes", claims{"email": `"x@example.com"@evil.example`, "email_verified": true}, "/domain", 403},
		{"POL-04 a comment", claims{"email": "x@(y)example.com", "email_verified": true}, "/domain", 403},
		{"POL-04 a line break", claims{"email": "x@evil.example\r\n@example.com", "email_verified": true}, "/domain", 403},
		{"POL-04 a domain below", claims{"email": "x@below.example.com", "email_verified": true}, "/domain", 403},
		{"POL-04 a domain that ends alike", claims{"email": "x@notexample.com", "email_verified": true}, "/domain", 403},
		{"POL-04 letters that look alike", claims{"email": "x@ex\u0430mple.com", "email_verified": true}, "/domain", 403},
		{"POL-04 a domain in other letters", claims{"email": "x@Example.COM", "email_verified": true}, "/domain", 200},
		{"POL-06 groups are a list", claims{"groups": []string{"staff", "admins"}}, "/groups", 200},
		{"POL-06 groups are one text", claims{"groups": "admins"}, "/groups", 200},
		{"POL-06 a text with a comma is one group", claims{"groups": "staff,admins"}, "/groups", 403},
		{"POL-06 a text with a blank is one group", claims{"groups": "staff admins"}, "/groups", 403},
		{"POL-06 other letters", claims{"groups": []string{"Admins", "ADMINS", " admins", "admins "}}, "/groups", 403},
		{"POL-06 an object", claims{"groups": claims{"admins": true}}, "/groups", 403},
		{"POL-06 a list in a list", claims{"groups": [][]string{{"admins"}}}, "/groups", 403},
		{"POL-06 a list of several kinds", claims{"groups": []any{7, "admins"}}, "/groups", 403},
		{"POL-06 null", claims{"groups": json.RawMessage("null")}, "/groups", 403},
		{"POL-06 no groups", claims{}, "/groups", 403},
		{"POL-06 more groups than the token holds", claims{"_claim_names": claims{"groups": "src1"}, "_claim_sources": claims{"src1": claims{"endpoint": "https://graph.example/groups"}}}, "/groups", 403},
		{"POL-06 a role is no group", claims{"roles": []string{"admins"}}, "/groups", 403},
		{"POL-06 a role", claims{"roles": []string{"editor"}}, "/roles", 200},
		{"POL-06 a claim", claims{"department": "finance"}, "/claim", 200},
		{"POL-06 a claim with another value", claims{"department": "finance2"}, "/claim", 403},
		{"POL-07 a rule that allows nobody", claims{"groups": []string{"admins"}}, "/nobody", 403},
		{"POL-07 no rule at all", claims{"groups": []string{"admins"}}, "/elsewhere", 403},
	} {
		t.Run(row.name, func(t *testing.T) {
			other.say(row.says)
			b := g.browser()
			if at := b.enter("other", "/any"); at.StatusCode != 200 {
				t.Fatalf("the login: %d %s", at.StatusCode, at.body)
			}
			g.up.taken()
			if at := b.ask("GET", row.path); at.StatusCode != row.status {
				t.Errorf("%d, want %d", at.StatusCode, row.status)
			}
			if got := len(g.up.taken()); (got == 1) != (row.status == 200) {
				t.Errorf("the upstream got %d requests with %d", got, row.status)
			}
		})
	}
	if at := g.browser().ask("GET", "/elsewhere"); at.StatusCode != 403 || len(g.up.taken()) > 0 {
		t.Errorf("POL-07 nobody, and no rule: %d", at.StatusCode)
	}
}

// TestPOL01_POL02_TwoProvidersAssertOneAddress: they are two people.
func TestPOL01_POL02_TwoProvidersAssertOneAddress(t *testing.T) {
	g, other := startTwo(t, setup{routes: policyRoutes})
	other.say(map[string]any{"sub": "ada", "email": "ada@example.com", "email_verified": true})
	id := map[string]string{}
	for _, entry := range []string{"dev", "other"} {
		b := g.browser()
		if entry == "dev" {
			b.signIn("ada", "/auth/dev/login?return_to=/any")
		} else {
			b.enter("other", "/any")
		}
		g.up.taken()
		b.ask("GET", "/any")
		r := g.only()
		if r.Header.Get("X-Wayleave-Subject") != "ada" || r.Header.Get("X-Wayleave-Email") != "ada@example.com" || r.Header.Get("X-Wayleave-Provider") != entry {
			t.Errorf("%s: the upstream was told %v", entry, r.Header)
		}
		id[entry] = r.Header.Get("X-Wayleave-User")
	}
	if id["dev"] == "" || id["other"] == "" || id["dev"] == id["other"] {
		t.Errorf("both are %q and %q", id["dev"], id["other"])
	}
}

// TestPOL03_POL10_A145_WhatUpstreamsAreTold: claims cannot make headers, and an
// address that is not verified is not told.
func TestPOL03_POL10_A145_WhatUpstreamsAreTold(t *testing.T) {
	g, other := startTwo(t, setup{routes: policyRoutes})
	type claims = map[string]any
	for _, row := range []struct {
		name         string
		says         claims
		header, want string
	}{
		{"a plain name", claims{"name": "Ada Marsh"}, "X-Wayleave-Name", "Ada Marsh"},
		{"A145 a name that begins a line", claims{"name": "x\r\nX-Admin: 1"}, "X-Wayleave-Name", "xX-Admin: 1"},
		{"A145 a name with NUL", claims{"name": "x\x00y"}, "X-Wayleave-Name", "xy"},
		{"A145 a name in letters beyond ASCII", claims{"name": "Zo\u00eb"}, "X-Wayleave-Name", "Zo%C3%AB"},
		{"A145 a name that looks encoded", claims{"name": "100%0A"}, "X-Wayleave-Name", "100%250A"},
		{"A145 a group with a comma", claims{"groups": []string{"staff,admins", "x"}}, "X-Wayleave-Groups", "staff%2Cadmins,x"},
		{"A145 a group that begins a line", claims{"groups": []string{"x\r\nX-Admin: 1"}}, "X-Wayleave-Groups", "x%0D%0AX-Admin: 1"},
		{"A145 an address that begins a line", claims{"email": "x@y.example\r\nX-Admin: 1", "email_verified": true}, "X-Wayleave-Email", ""},
		{"an address that is verified", claims{"email": "x@y.example", "email_verified": true}, "X-Wayleave-Email", "x@y.example"},
		{"POL-03 an address that is not verified", claims{"email": "x@y.example"}, "X-Wayleave-Email", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			other.say(row.says)
			b := g.browser()
			if at := b.enter("other", "/any"); at.StatusCode != 200 {
				t.Fatalf("the login: %d %s", at.StatusCode, at.body)
			}
			g.up.taken()
			b.ask("GET", "/any")
			r := g.only()
			got := r.Header[row.header]
			if len(got) != 1 || got[0] != row.want {
				t.Errorf("%s: %q, want %q", row.header, got, row.want)
			}
			if r.Header.Get("X-Admin") != "" {
				t.Error("the upstream got X-Admin")
			}
		})
	}
	for name, says := range map[string]claims{
		"A145 a name of 100 kB":             {"name": strings.Repeat("x", 100_000)},
		"A145 a subject that begins a line": {"sub": "x\nX-Admin: 1"},
	} {
		t.Run(name, func(t *testing.T) {
			other.say(says)
			if at := g.browser().enter("other", "/any"); at.StatusCode != 502 || !strings.Contains(at.body, "Signing in with other failed") || len(g.up.taken()) > 0 {
				t.Errorf("%d %s", at.StatusCode, at.body)
			}
		})
	}
}

// TestPOL11_StepUp: a session that is too old for a page is sent to prove itself
// anew, once, and comes back to the page.
func TestPOL11_StepUp(t *testing.T) {
	g, other := startTwo(t, setup{routes: policyRoutes})
	anHourAgo := map[string]any{"auth_time": time.Now().Add(-time.Hour).Unix()}
	older := func() *browser {
		t.Helper()
		other.say(anHourAgo)
		b := g.browser()
		if at := b.enter("other", "/any"); at.StatusCode != 200 {
			t.Fatalf("the login: %d %s", at.StatusCode, at.body)
		}
		g.up.taken()
		return b
	}
	t.Run("a person comes back", func(t *testing.T) {
		b := older()
		at := b.open("/fresh/page?x=y")
		if to, _ := url.Parse(at.Header.Get("Location")); at.StatusCode != 303 || to.Path != "/auth/other/login" || to.Query().Get("max_age") != "60" || to.Query().Get("return_to") != "/fresh/page?x=y" {
			t.Fatalf("%d to %s", at.StatusCode, at.Header.Get("Location"))
		}
		other.say(nil)
		if at = b.through(at); at.StatusCode != 200 || at.Request.URL.RequestURI() != "/fresh/page?x=y" {
			t.Errorf("back at %s with %d", at.Request.URL, at.StatusCode)
		}
		if got := other.last().Get("max_age"); got != "60" {
			t.Errorf("the provider was asked with max_age=%s", got)
		}
	})
	t.Run("a script is told where", func(t *testing.T) {
		at := older().ask("POST", "/fresh")
		var told struct {
			Error    string `json:"error"`
			LoginURL string `json:"login_url"`
		}
		json.Unmarshal([]byte(at.body), &told)
		if at.StatusCode != 401 || told.Error != "login_required" || told.LoginURL != g.base+"/auth/other/login?max_age=60" && told.LoginURL != "/auth/other/login?max_age=60" {
			t.Errorf("%d %s", at.StatusCode, at.body)
		}
	})
	for name, says := range map[string]map[string]any{
		"a provider that says the old time again": anHourAgo,
		"a provider that says no time":            {"auth_time": nil},
	} {
		t.Run(name+" leads to a page and in no circle", func(t *testing.T) {
			b := older()
			before := len(other.asked)
			other.say(says)
			at := b.through(b.open("/fresh"))
			if at.StatusCode != 502 || len(g.up.taken()) > 0 {
				t.Errorf("%d %s", at.StatusCode, at.body)
			}
			other.mu.Lock()
			defer other.mu.Unlock()
			if asked := len(other.asked) - before; asked != 1 {
				t.Errorf("the provider was asked %d times", asked)
			}
		})
	}
	t.Run("a session of which no time is known is sent once", func(t *testing.T) {
		other.say(map[string]any{"auth_time": nil})
		b := g.browser()
		b.enter("other", "/any")
		if at := b.ask("GET", "/fresh"); at.StatusCode != 403 {
			t.Errorf("just signed in, and the provider tells no time: %d, want 403", at.StatusCode)
		}
	})
	g.up.taken()
}

// TestA175_ReloadWithNarrowerRules: what the file says now counts for sessions
// that were there before, with their next request.
func TestA175_ReloadWithNarrowerRules(t *testing.T) {
	g := start(t, setup{extra: trusting})
	grace := g.browser()
	grace.signIn("grace", "/")
	verify := func() int {
		return grace.ask("GET", "/auth/verify/forward", "X-Forwarded-Uri", "/page", "X-Forwarded-Method", "GET", "X-Forwarded-Proto", "http", "X-Forwarded-Host", g.listen).StatusCode
	}
	if at := grace.ask("GET", "/page"); at.StatusCode != 200 || verify() != 200 {
		t.Fatalf("%d", at.StatusCode)
	}
	g.reload(setup{extra: trusting, routes: "\n  - {path: /, upstream: UPSTREAM, allow: {emails: [ada@example.com]}}\n"})
	g.up.taken()
	if at := grace.ask("GET", "/page"); at.StatusCode != 403 || verify() != 403 || len(g.up.taken()) > 0 {
		t.Errorf("POL-09 %d", at.StatusCode)
	}
	g.reload(setup{extra: trusting})
	if at := grace.ask("GET", "/page"); at.StatusCode != 200 {
		t.Errorf("the session has gone: %d", at.StatusCode)
	}
}

// TestCheckAgrees: what "wayleave check" says of a person and a request is what
// the process does.
func TestCheckAgrees(t *testing.T) {
	g, other := startTwo(t, setup{routes: policyRoutes + "  - {path: /open, methods: [GET], upstream: UPSTREAM, allow: public}\n  - {path: /either, upstream: UPSTREAM, allow: [{groups: [admins]}, {roles: [editor], max_age: 60s}]}\n"})
	type claims = map[string]any
	nobody := claims(nil)
	ada := claims{"email": "ada@example.com", "email_verified": true}
	unverified := claims{"email": "ada@example.com", "email_verified": false}
	admin := claims{"groups": []string{"admins"}}
	editor := claims{"roles": []string{"editor"}}
	tired := claims{"roles": []string{"editor"}, "auth_time": time.Now().Add(-time.Hour).Unix()}
	finance := claims{"department": "finance"}
	outcomes := map[string]int{"allowed": 200, "denied": 403, "has to sign in": 401, "has to sign in again": 401, "refused with 400, whoever asks": 400}
	for _, row := range []struct {
		who     claims
		request string
		says    string
	}{
		{nobody, "GET /open", "allowed"}, {nobody, "POST /open", "denied"}, {nobody, "GET /any", "has to sign in"}, {nobody, "GET /nobody", "denied"}, {nobody, "GET /elsewhere", "denied"},
		{nobody, "GET /open/../any", "refused with 400, whoever asks"}, {nobody, "GET /open%2fany", "refused with 400, whoever asks"}, {nobody, "GET /any?/open", "has to sign in"},
		{ada, "GET /mail", "allowed"}, {ada, "GET /domain", "allowed"}, {ada, "GET /dev", "denied"}, {ada, "GET /groups", "denied"}, {ada, "DELETE /any/x", "allowed"}, {ada, "GET /nobody", "denied"}, {ada, "GET /either", "denied"},
		{unverified, "GET /mail", "denied"}, {unverified, "GET /domain", "denied"}, {unverified, "GET /any", "allowed"},
		{admin, "GET /groups", "allowed"}, {admin, "GET /either", "allowed"}, {admin, "GET /roles", "denied"}, {admin, "GET /groupsx", "denied"},
		{editor, "GET /roles", "allowed"}, {editor, "GET /either", "allowed"}, {editor, "GET /fresh", "allowed"},
		{tired, "GET /roles", "allowed"}, {tired, "GET /either", "has to sign in again"}, {tired, "GET /fresh", "has to sign in again"},
		{finance, "GET /claim", "allowed"}, {finance, "GET /groups", "denied"},
	} {
		t.Run(fmt.Sprint(row.request, " ", row.who), func(t *testing.T) {
			if says := g.check(row.who, row.request); says != row.says {
				t.Errorf("check says %q, want %q", says, row.says)
			}
			b := g.browser()
			if row.who != nil {
				other.say(row.who)
				b.enter("other", "/any")
			}
			method, target, _ := strings.Cut(row.request, " ")
			answers := g.send(fmt.Sprintf("%s %s HTTP/1.1\r\nHost: %s\r\nCookie: %s\r\nConnection: close\r\n\r\n", method, target, g.listen, b.cookies()))
			if len(answers) != 1 || answers[0].StatusCode != outcomes[row.says] {
				t.Fatalf("the process answers %v", statuses(answers))
			}
			if again := strings.Contains(answers[0].body, "max_age"); again != (row.says == "has to sign in again") {
				t.Errorf("the process asks for %s", answers[0].body)
			}
		})
	}
}

// check runs "wayleave check" and returns the decision that it tells.
func (g *gateway) check(who map[string]any, request string) string {
	g.t.Helper()
	path, err := binary()
	if err != nil {
		g.t.Fatal(err)
	}
	args := []string{"check", "--config", g.file, "--request", request}
	if who != nil {
		person := map[string]any{"provider": "other", "claims": map[string]any{}}
		for name, value := range who {
			switch name {
			case "department":
				person["claims"] = map[string]any{name: []any{value}}
			case "auth_time":
				person[name] = time.Unix(value.(int64), 0)
			default:
				person[name] = value
			}
		}
		text, _ := json.Marshal(person)
		file := filepath.Join(g.t.TempDir(), "person.json")
		if err := os.WriteFile(file, text, 0o600); err != nil {
			g.t.Fatal(err)
		}
		args = append(args, "--as", file)
	}
	out, err := exec.Command(path, args...).Output()
	if err != nil {
		g.t.Fatalf("%v: %v %s", args, err, out)
	}
	says, _, _ := strings.Cut(string(out), ":")
	return says
}
