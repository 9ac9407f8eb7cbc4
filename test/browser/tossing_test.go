package browser_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"

	"github.com/wayleave/wayleave/test/browser"
)

// tossed are the cookies with which a sibling site tries to be believed: the
// attacker's own, valid ones, under every name that might pass for ours.
func tossed(own map[string]string) (lines []string) {
	for short, value := range own {
		name := "wayleave-" + short
		for _, line := range []string{
			name + "=" + value + "; Path=/",
			name + "=" + value + "; Path=/auth",
			"__Secure-" + name + "=" + value + "; Path=/; Secure",
			"__Secure-" + name + "=" + value + "; Path=/dashboard; Secure",
			"__Host-" + name + "=" + value + "; Path=/; Secure",
			"__Host-" + name + "=" + value + "; Path=/auth; Secure",
			"__host-" + name + "=" + value + "; Path=/; Secure",
			"__HOST-" + name + "=" + value + "; Path=/; Secure",
			"=__Host-" + name + "=" + value + "; Path=/; Secure",
			"=__Secure-" + name + "=" + value + "; Path=/; Secure",
			"\u00a0__Host-" + name + "=" + value + "; Path=/; Secure",
			"\u2000__Host-" + name + "=" + value + "; Path=/; Secure",
			"__Host-" + name + "\t=" + value + "; Path=/; Secure",
			"%5F%5FHost-" + name + "=" + value + "; Path=/; Secure",
			`sandwich="; Path=/auth; Secure`,
			"__Host-" + name + "=" + value + "; Path=/; Secure; Partitioned",
			"$Version=1; Path=/",
		} {
			lines = append(lines, line+"; Domain=finance.test")
		}
		// Without a domain it is permitted, and is the sibling's alone.
		lines = append(lines, "__Host-"+name+"="+value+"; Path=/; Secure")
	}
	for i := range 20 {
		lines = append(lines, fmt.Sprintf("__Secure-wayleave-return-AAAAAAAAAAAAAA%02d=junk; Path=/auth/google/; Secure; Domain=finance.test", i))
	}
	return lines
}

// junk is n cookies of a size, for all hosts below finance.test.
func junk(n, size int) (lines []string) {
	for i := range n {
		lines = append(lines, fmt.Sprintf("junk%d=%s; Path=/; Secure; HttpOnly; Domain=finance.test", i, strings.Repeat("x", size)))
	}
	return lines
}

// TestA121_A122_ASiblingTossesCookies before, during and after a login. Nobody
// becomes the attacker by it, and the login still ends as the right person.
func TestA121_A122_ASiblingTossesCookies(t *testing.T) {
	s := newSecureTracker(t)
	mallory := s.stranger()
	lines := tossed(mallory.signIn("grace"))
	b := browser.Start(t, s.options)
	tab, other := b.Tab(t), b.Tab(t)
	s.evil.set(lines, mallory.callback("grace", "/dashboard"), "")
	toss := []browser.Step{browser.Goto(sibling + "/toss"), browser.WaitText("tossed")}

	other.Do(toss...)
	checkTossed(t, b.Cookies(t))
	if name := s.who(tab); name != "nobody" {
		t.Fatalf("with the attacker's cookies, %s is signed in", name)
	}
	tab.Do(browser.Goto(s.base+"/dashboard"), browser.WaitText("Choose an account"))
	other.Do(toss...)
	tab.Do(s.answer("ada"), browser.WaitText("Hello, Ada Marsh"), browser.WaitURL(s.base+"/dashboard"))
	other.Do(toss...)
	tab.Do(browser.Reload(), browser.WaitText("Hello, Ada Marsh"))
	if name := s.who(tab); name != "Ada Marsh" {
		t.Errorf("after the login, %s is signed in", name)
	}

	// A010: and with a callback of the attacker's own, in a browser that holds
	// the attacker's binding cookie under another name.
	tab.Do(browser.Goto(sibling+"/link"), browser.Click("Win a prize"), browser.WaitText("Hello, Ada Marsh"))
	s.forget(tab)
	other.Do(toss...)
	tab.Do(browser.Goto(sibling+"/link"), browser.Click("Win a prize"), browser.WaitURL(s.issuer+"/consent"))
	if name := s.who(tab); name != "nobody" {
		t.Errorf("the attacker's callback signed %s in", name)
	}
}

// checkTossed: chromium keeps the prefixes' promise, and what it took can be
// told from ours.
func checkTossed(t *testing.T, cookies []*network.Cookie) {
	t.Helper()
	taken := 0
	for _, c := range cookies {
		prefixed := strings.HasPrefix(strings.ToLower(c.Name), "__host-") || c.Name == "" && strings.HasPrefix(strings.ToLower(c.Value), "__host-")
		if prefixed && c.Domain != "evil.finance.test" {
			t.Errorf("chromium took %q for %s", c.Name, c.Domain)
		}
		if c.Domain == ".finance.test" {
			taken++
		}
	}
	if taken < 20 {
		t.Errorf("chromium took %d cookies for the whole site: the attack is not the one that is meant", taken)
	}
}

// TestA123_ASiblingFillsTheCookieJar so that the app's cookies are pushed out, or
// drowned. The person is signed in, or is told that it did not work; they are
// not sent round and round, and all is well when the junk has gone.
func TestA123_ASiblingFillsTheCookieJar(t *testing.T) {
	s := newSecureTracker(t)
	b := browser.Start(t, s.options)
	small, many, large := junk(150, 20), junk(400, 20), junk(120, 400)
	for name, c := range map[string]struct {
		lines []string
		when  string // of the login
		works bool   // all fits, and the login must succeed
	}{
		"150 small ones, before":             {small, "before", true},
		"150 small ones, during the login":   {small, "during", true},
		"more than a browser keeps, during":  {many, "during", false},
		"more than a browser keeps, after":   {many, "after", false},
		"more than the app looks at, before": {large, "before", false},
		"more than the app looks at, after":  {large, "after", false},
	} {
		t.Run(name, func(t *testing.T) {
			tab, other := b.Tab(t), b.Tab(t)
			toss := func(when string) {
				if when == c.when {
					s.evil.set(c.lines, "", "")
					other.Do(browser.Goto(sibling+"/toss"), browser.WaitText("tossed"))
				}
			}
			s.forget(tab)
			asked := s.idp.Count("authorize")
			toss("before")
			tab.Do(browser.Goto(s.base+"/dashboard"), s.atTheProvider())
			toss("during")
			tab.Do(s.answer("ada"))
			if c.when == "after" {
				toss("after")
				tab.Do(browser.Goto(s.base+"/dashboard"), s.answer("ada"))
			}
			if n := s.idp.Count("authorize") - asked; n > 4 {
				t.Errorf("the browser was sent to the provider %d times", n)
			}
			if strings.Contains(tab.Text(), "Hello, Ada Marsh") {
				return
			}
			if c.works {
				t.Errorf("the login ended with %q", tab.Text())
			}
			tab.Do(browser.WaitText("Sign in again"), browser.Screenshot("told"))
			s.forget(tab)
			s.signIn(tab, "ada")
		})
	}
}
