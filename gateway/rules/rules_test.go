package rules_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wayleave/wayleave/gateway/rules"
)

var now = time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)

func ada(change ...func(*rules.Subject)) rules.Subject {
	s := rules.Subject{SignedIn: true, ID: "u1", Provider: "acme", Email: "ada@acme.example", EmailVerified: true,
		Groups: []string{"staff", "finance"}, Roles: []string{"editor"}, Scopes: []string{"openid", "accounts"},
		Claims: map[string][]string{"tenant": {"t1"}}, AuthTime: now.Add(-10 * time.Minute)}
	for _, c := range change {
		c(&s)
	}
	return s
}

func route(a ...rules.Alternative) rules.Table { return rules.New(rules.Route{Path: "/", Allow: a}) }

func TestPOL07_WhoMeetsAnAlternative(t *testing.T) {
	nobody := rules.Subject{}
	for _, tc := range []struct {
		name string
		rule rules.Alternative
		who  rules.Subject
		want rules.Outcome
	}{
		{"public, nobody", rules.Alternative{Public: true}, nobody, rules.Allow},
		{"public, somebody", rules.Alternative{Public: true}, ada(), rules.Allow},
		{"signed in", rules.Alternative{SignedIn: true}, ada(), rules.Allow},
		{"not signed in", rules.Alternative{SignedIn: true}, nobody, rules.SignIn},
		{"POL-07 an empty rule", rules.Alternative{}, ada(), rules.Deny},
		{"POL-07 an empty rule, nobody", rules.Alternative{}, nobody, rules.Deny},
		{"a provider", rules.Alternative{Providers: []string{"other", "acme"}}, ada(), rules.Allow},
		{"another provider", rules.Alternative{Providers: []string{"other"}}, ada(), rules.Deny},
		{"an address", rules.Alternative{Emails: []string{"Ada@ACME.example"}}, ada(), rules.Allow},
		{"another address", rules.Alternative{Emails: []string{"bob@acme.example"}}, ada(), rules.Deny},
		{"POL-03 an address that is not verified", rules.Alternative{Emails: []string{"ada@acme.example"}}, ada(func(s *rules.Subject) { s.EmailVerified = false }), rules.Deny},
		{"a domain", rules.Alternative{EmailDomains: []string{"acme.example"}}, ada(), rules.Allow},
		{"POL-03 a domain that is not verified", rules.Alternative{EmailDomains: []string{"acme.example"}}, ada(func(s *rules.Subject) { s.EmailVerified = false }), rules.Deny},
		{"POL-04 a longer domain", rules.Alternative{EmailDomains: []string{"acme.example"}}, ada(func(s *rules.Subject) { s.Email = "ada@notacme.example" }), rules.Deny},
		{"POL-04 a domain below", rules.Alternative{EmailDomains: []string{"acme.example"}}, ada(func(s *rules.Subject) { s.Email = "ada@x.acme.example" }), rules.Deny},
		{"POL-04 a domain below that is asked for", rules.Alternative{EmailDomains: []string{".acme.example"}}, ada(func(s *rules.Subject) { s.Email = "ada@x.acme.example" }), rules.Allow},
		{"POL-04 that domain itself", rules.Alternative{EmailDomains: []string{".acme.example"}}, ada(), rules.Deny},
		{"POL-04 two at signs", rules.Alternative{EmailDomains: []string{"acme.example"}}, ada(func(s *rules.Subject) { s.Email = "ada@evil.example@acme.example" }), rules.Deny},
		{"POL-04 a quoted part", rules.Alternative{EmailDomains: []string{"acme.example"}}, ada(func(s *rules.Subject) { s.Email = `"a@evil.example "@acme.example` }), rules.Deny},
		{"POL-04 a comment", rules.Alternative{EmailDomains: []string{"acme.example"}}, ada(func(s *rules.Subject) { s.Email = "ada@acme.example(evil.example)" }), rules.Deny},
		{"POL-04 a line end", rules.Alternative{EmailDomains: []string{"acme.example"}}, ada(func(s *rules.Subject) { s.Email = "ada@evil.example\n@acme.example" }), rules.Deny},
		{"POL-04 letters that look alike", rules.Alternative{EmailDomains: []string{"acme.example"}}, ada(func(s *rules.Subject) { s.Email = "ada@асme.example" }), rules.Deny},
		{"POL-04 no domain asked for", rules.Alternative{EmailDomains: []string{""}}, ada(), rules.Deny},
		{"POL-04 only a dot asked for", rules.Alternative{EmailDomains: []string{"."}}, ada(), rules.Deny},
		{"a group", rules.Alternative{Groups: []string{"admin", "finance"}}, ada(), rules.Allow},
		{"POL-06 a group in another case", rules.Alternative{Groups: []string{"Finance"}}, ada(), rules.Deny},
		{"POL-06 no groups", rules.Alternative{Groups: []string{"finance"}}, ada(func(s *rules.Subject) { s.Groups = nil }), rules.Deny},
		{"POL-06 an empty group", rules.Alternative{Groups: []string{""}}, ada(func(s *rules.Subject) { s.Groups = []string{""} }), rules.Deny},
		{"a role", rules.Alternative{Roles: []string{"editor"}}, ada(), rules.Allow},
		{"a scope", rules.Alternative{Scopes: []string{"accounts"}}, ada(), rules.Allow},
		{"another scope", rules.Alternative{Scopes: []string{"payments"}}, ada(), rules.Deny},
		{"a claim", rules.Alternative{Claims: map[string][]string{"tenant": {"t0", "t1"}}}, ada(), rules.Allow},
		{"another claim", rules.Alternative{Claims: map[string][]string{"tenant": {"t0"}}}, ada(), rules.Deny},
		{"a claim that is missing", rules.Alternative{Claims: map[string][]string{"plan": {"gold"}}}, ada(), rules.Deny},
		{"a claim of no values", rules.Alternative{Claims: map[string][]string{"tenant": {}}}, ada(), rules.Deny},
		{"all of it", rules.Alternative{Providers: []string{"acme"}, Groups: []string{"staff"}, EmailDomains: []string{"acme.example"}}, ada(), rules.Allow},
		{"all but one", rules.Alternative{Providers: []string{"acme"}, Groups: []string{"admin"}, EmailDomains: []string{"acme.example"}}, ada(), rules.Deny},
		{"recently", rules.Alternative{MaxAge: time.Hour}, ada(), rules.Allow},
		{"POL-11 not recently", rules.Alternative{MaxAge: time.Minute}, ada(), rules.Renew},
		{"POL-11 nobody knows when", rules.Alternative{MaxAge: time.Hour}, ada(func(s *rules.Subject) { s.AuthTime = time.Time{} }), rules.Renew},
		{"POL-11 signed in just now, and nobody knows when", rules.Alternative{MaxAge: time.Hour}, ada(func(s *rules.Subject) { s.AuthTime, s.Created = time.Time{}, now.Add(-time.Minute) }), rules.Deny},
		{"POL-11 in the future", rules.Alternative{MaxAge: time.Hour}, ada(func(s *rules.Subject) { s.AuthTime = now.Add(time.Hour) }), rules.Renew},
		{"not recently, and never allowed", rules.Alternative{MaxAge: time.Minute, Groups: []string{"admin"}}, ada(), rules.Deny},
		{"what is kept of somebody who is not signed in", rules.Alternative{Groups: []string{"staff"}}, ada(func(s *rules.Subject) { s.SignedIn = false }), rules.SignIn},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := route(tc.rule).Decide(rules.Request{Method: "GET", Path: "/x"}, &tc.who, now)
			if d.Outcome != tc.want || d.Route != 0 || len(d.Reasons) != 1 {
				t.Errorf("%v %q, want %v", d.Outcome, d.Reasons, tc.want)
			}
		})
	}
}

func TestPOL07_AlternativesAreTriedInTurn(t *testing.T) {
	admins, recent := rules.Alternative{Groups: []string{"admin"}}, rules.Alternative{MaxAge: time.Minute}
	for name, tc := range map[string]struct {
		table rules.Table
		who   rules.Subject
		want  rules.Outcome
	}{
		"the second is met":                 {route(admins, rules.Alternative{SignedIn: true}), ada(), rules.Allow},
		"none is met":                       {route(admins, rules.Alternative{Roles: []string{"owner"}}), ada(), rules.Deny},
		"one would be met by a new sign-in": {route(admins, recent), ada(), rules.Renew},
		"the same the other way round":      {route(recent, admins), ada(), rules.Renew},
		"nobody":                            {route(admins, recent), rules.Subject{}, rules.SignIn},
		"no alternatives":                   {route(), ada(), rules.Deny},
		"no routes":                         {rules.Table{}, ada(), rules.Deny},
	} {
		t.Run(name, func(t *testing.T) {
			if d := tc.table.Decide(rules.Request{Method: "GET", Path: "/"}, &tc.who, now); d.Outcome != tc.want {
				t.Errorf("%v %q, want %v", d.Outcome, d.Reasons, tc.want)
			}
		})
	}
}

func TestPRX05_A151_A152_TheFirstRouteThatFitsDecides(t *testing.T) {
	public, in := []rules.Alternative{{Public: true}}, []rules.Alternative{{SignedIn: true}}
	routes := []rules.Route{
		{Path: "/status", Exact: true, Methods: []string{"GET", "HEAD"}, Allow: public},
		{Path: "/assets/", Methods: []string{"GET"}, Allow: public},
		{Path: "/api", API: true, Allow: in},
		{Path: "/", Allow: in},
	}
	table := rules.New(routes...)
	for _, tc := range []struct {
		method, path string
		route        int
	}{
		{"GET", "/status", 0}, {"HEAD", "/status", 0}, {"POST", "/status", 3}, {"get", "/status", 3}, {"OPTIONS", "/status", 3},
		{"GET", "/status/", 3}, {"GET", "/status/x", 3}, {"GET", "/statusx", 3}, {"GET", "/Status", 3},
		{"GET", "/assets/a.css", 1}, {"GET", "/assets", 3}, {"GET", "/assetsx", 3}, {"HEAD", "/assets/a.css", 3},
		{"GET", "/api", 2}, {"GET", "/api/", 2}, {"DELETE", "/api/x", 2}, {"GET", "/apix", 3},
		{"GET", "/", 3},
	} {
		q := rules.Request{Method: tc.method, Path: tc.path}
		if d := table.Decide(q, &rules.Subject{}, now); d.Route != tc.route {
			t.Errorf("%s %s: route %d, want %d", tc.method, tc.path, d.Route, tc.route)
		}
		if i := table.Find(q); i != tc.route || table.Public(i) != (tc.route < 2) {
			t.Errorf("%s %s: found route %d", tc.method, tc.path, i)
		}
	}
	if d := rules.New(routes[:1]...).Decide(rules.Request{Method: "GET", Path: "/x"}, new(ada()), now); d.Outcome != rules.Deny || d.Route != -1 {
		t.Errorf("no route fits: %+v", d)
	}
}

func TestADecisionNamesRulesAndNotThePerson(t *testing.T) {
	rule := rules.Alternative{Providers: []string{"other"}, EmailDomains: []string{"corp.example"}, Groups: []string{"admin", "ops"}, MaxAge: time.Hour}
	d := route(rule).Decide(rules.Request{Method: "GET", Path: "/"}, new(ada()), now)
	want := "needs the provider other and a verified address at corp.example and the group admin or ops"
	if fmt.Sprint(d.Reasons) != "["+want+"]" {
		t.Errorf("%q, want %q", d.Reasons, want)
	}
	if strings.Contains(strings.Join(d.Reasons, " "), "ada") {
		t.Error("it names the person")
	}
}

func TestWhoIsAllowedCostsNoAllocation(t *testing.T) {
	table := route(rules.Alternative{Groups: []string{"admin"}}, rules.Alternative{EmailDomains: []string{"acme.example"}, Groups: []string{"staff"}, MaxAge: time.Hour})
	s, q := ada(), rules.Request{Method: "GET", Path: "/x/y"}
	if n := testing.AllocsPerRun(100, func() {
		if table.Decide(q, &s, now).Outcome != rules.Allow {
			t.Fatal("denied")
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
