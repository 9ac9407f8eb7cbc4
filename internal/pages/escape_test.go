package pages_test

import (
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/wayleave/wayleave/internal/pages"
)

// hostile is what strangers put where a name or a description is expected.
var hostile = []string{
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' onmouseover='alert(1)`, `</title><script>alert(1)</script>`,
	`</style><script>alert(1)</script>`, `<svg/onload=alert(1)>`, `<!--`, `-->`, `<![CDATA[`, `<meta http-equiv=refresh content=0>`,
	`<base href=//evil.example>`, `</bdi></p></main><h1>Owned</h1>`, `&lt;script&gt;`, `&#60;script&#62;`, `<a href="javascript:alert(1)">x</a>`,
	`{{ .Secret }}`, `%s%d%n%!s(MISSING)`, "\x00<script>", "<\x00script>", "\xff\xfe<script>", "+ADw-script+AD4-", "`-alert(1)-`",
	"\u202e\u2066<b>", "<scr\u200bipt>", strings.Repeat("<script>", 1_250), strings.Repeat("\u202e", 10_000),
}

func TestA052WhateverIsSaidStaysText(t *testing.T) {
	p := newPages(t, tracker)
	draw := func(s string) map[string]string {
		action := pages.Action{Label: s, Mark: s, URL: "/login"}
		form := pages.Action{Label: s, Mark: s, URL: "/logout", Post: true, Fields: map[string]string{s: s}}
		actions := []pages.Action{action, form}
		m := pages.Message{Title: s, Text: s, Detail: s, Who: s, Reference: s, Actions: actions}
		return map[string]string{"message": message(t, p, m), "sign-in": signIn(t, p, pages.SignIn{Note: s, Actions: actions}),
			"account": account(t, p, saying(s))}
	}
	harmless := draw("text")
	for _, s := range hostile {
		for name, page := range draw(s) {
			wantOnlyAllowed(t, page)
			if strings.Trim(s, "\u202e") == "" {
				continue // its untrusted parts are rightly absent
			}
			if got, want := skeleton(page), skeleton(harmless[name]); got != want {
				t.Errorf("%.60q changes the %s page to\n%s\nfrom\n%s", s, name, got, want)
			}
		}
	}
}

func TestA259TextsAreNotTemplates(t *testing.T) {
	texts := pages.Texts{SignInTitle: "<b>%s</b> {{.}} 100% %d %v %", SignInWith: "%s<script>"}
	p := newPages(t, pages.Site{AppName: "<i>App</i>", Texts: texts})
	page := signIn(t, p, providers)
	wantOnlyAllowed(t, page)
	if got, want := all(elements(t, page), "h1")[0].text, "<b><i>App</i></b> {{.}} 100% %d %v %"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAFieldIsSentAsItIs(t *testing.T) {
	value := "a\"b<c>&amp;'\t\n\u202e%"
	page := message(t, newPages(t, tracker), pages.Message{Title: "T", Actions: []pages.Action{
		{URL: "/logout", Post: true, Fields: map[string]string{"token": value}}}})
	if got := all(elements(t, page), "input")[0].attr["value"]; got != value {
		t.Errorf("got %q, want %q", got, value)
	}
}

func TestCBK14UntrustedTextIsShortAndKeepsItsDirection(t *testing.T) {
	tests := map[string]struct{ said, want string }{
		"a name":                  {"Ada Lovelace", "Ada Lovelace"},
		"a name with a joiner":    {"می\u200cخواهم", "می\u200cخواهم"},
		"an emoji with a joiner":  {"👩\u200d💻", "👩\u200d💻"},
		"overrides are dropped":   {"a\u202egpj.exe\u202c", "agpj.exe"},
		"isolates are dropped":    {"a\u2069\u2066\u2067\u2068b", "ab"},
		"marks are dropped":       {"a\u200e\u200f\u061cb", "ab"},
		"lines become one":        {"a\r\nb\x00c\u0085d", "a  b c d"},
		"space around goes":       {" \n a \t", "a"},
		"200 characters are kept": {strings.Repeat("é", 200), strings.Repeat("é", 200)},
		"201 are not":             {strings.Repeat("é", 201), strings.Repeat("é", 200) + "…"},
		"not UTF-8":               {"a\xffb", "a\ufffdb"},
		"100 kB":                  {strings.Repeat("x", 100_000), strings.Repeat("x", 200) + "…"},
		"dropped ones count not":  {strings.Repeat("\u202e", 5000) + "a", "a"},
	}
	p := newPages(t, pages.Site{Texts: pages.Texts{ErrorIDLabel: "Ref"}})
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			page := message(t, p, pages.Message{Title: "T", Who: test.said, Detail: test.said, Reference: test.said})
			if !utf8.ValidString(page) {
				t.Error("the page is not UTF-8")
			}
			for _, want := range []string{"<bdi><strong>" + test.want + "</strong></bdi>", "<bdi>" + test.want + "</bdi>", "<bdi><code>" + test.want + "</code></bdi>"} {
				if !strings.Contains(page, want) {
					t.Errorf("want %q in\n%s", want, page[strings.Index(page, "<main"):])
				}
			}
		})
	}
}

func TestWhoStandsWhereTheSentenceSays(t *testing.T) {
	for sentence, want := range map[string]string{
		"":                     `<p class="who">Signed in as <bdi><strong>Ada</strong></bdi></p>`,
		"Als %s angemeldet":    `<p class="who">Als <bdi><strong>Ada</strong></bdi> angemeldet</p>`,
		"%s":                   `<p class="who"><bdi><strong>Ada</strong></bdi></p>`,
		"Das sind Sie gerade:": `<p class="who">Das sind Sie gerade:<bdi><strong>Ada</strong></bdi></p>`,
	} {
		page := message(t, newPages(t, pages.Site{Texts: pages.Texts{SignedInAs: sentence}}), pages.Message{Title: "T", Who: "Ada"})
		if !strings.Contains(page, want) {
			t.Errorf("want %q in\n%s", want, page[strings.Index(page, "<main"):])
		}
	}
}

func TestA094OnlyOwnPathsAndHTTPSBecomeActions(t *testing.T) {
	good := []string{"/", "/auth/google/login", "/a?b=c&d=%2F%2Fe#f", "/a//b", "/a:b", "/%5Cevil", "/javascript:alert(1)",
		"https://help.example.com", "https://help.example.com:8443/a?b=c", "https://[2001:db8::1]/"}
	bad := []string{"", " ", "login", "./login", "?a=b", "#a", "//evil.example", "///evil.example", `/\evil.example`, `\/evil.example`, `/a\b`,
		"/\t/evil.example", "/\n/evil.example", "\t/a", " /a", "/a b", "/a\x00", "/\u2028", "/ü", "/\x7f",
		"javascript:alert(1)", "JaVaScRiPt:alert(1)", "java\tscript:alert(1)", "\x01javascript:alert(1)", "javascript://a/%0aalert(1)",
		"data:text/html,<script>", "vbscript:x", "blob:https://a/b", "intent://a", "about:blank", "file:///etc/passwd", "view-source:x",
		"http://help.example.com", "https:help.example.com", "https:/help.example.com", "https:///help.example.com", `https:\\help.example.com`,
		"https://", "https://:443", "https://user@help.example.com", "https://good.example:80@evil.example", `https://good.example\@evil.example`,
		"https://evil.example\n", "HTTPS://help.example.com", "https://a b/", "https://%zz/", "https://bücher.example/", `https://help.example.com/\a`, "ftp://a/"}
	p := newPages(t, tracker)
	for _, post := range []bool{false, true} {
		for _, u := range good {
			if !offers(t, p, u, post) {
				t.Errorf("%q is left out, post %v", u, post)
			}
		}
		for _, u := range bad {
			if offers(t, p, u, post) {
				t.Errorf("%q became an action, post %v", u, post)
			}
		}
	}
}

// offers tells whether both pages have an action with that URL. The action beside
// it must be there in any case.
func offers(t testing.TB, p *pages.Pages, u string, post bool) bool {
	t.Helper()
	actions := []pages.Action{{Label: "it", URL: u, Post: post}, {Label: "home", URL: "/home"}}
	count := 0
	for _, page := range []string{
		message(t, p, pages.Message{Title: "T", Actions: actions}),
		signIn(t, p, pages.SignIn{Actions: actions}),
	} {
		wantOnlyAllowed(t, page)
		home := 0
		for _, e := range elements(t, page) {
			to, isLink := e.attr["href"]
			if !isLink {
				to, isLink = e.attr["action"]
			}
			switch {
			case isLink && to == "/home":
				home++
			case isLink && to == u:
				count++
			case isLink:
				t.Errorf("%q became %q", u, to)
			}
		}
		if home != 1 {
			t.Errorf("beside %q the other action appears %d times", u, home)
		}
	}
	return count == 2
}

func FuzzA052Message(f *testing.F) {
	for _, s := range hostile {
		f.Add(s, s)
	}
	p := newPages(f, tracker)
	f.Fuzz(func(t *testing.T, a, b string) {
		wantOnlyAllowed(t, message(t, p, pages.Message{Title: a, Text: b, Detail: a, Who: b, Reference: a,
			Actions: []pages.Action{{Label: a, Mark: b, URL: "/", Post: true, Fields: map[string]string{a: b}}}}))
	})
}

func FuzzA052Account(f *testing.F) {
	for _, s := range hostile {
		f.Add(s)
	}
	p := newPages(f, tracker)
	f.Fuzz(func(t *testing.T, s string) {
		wantOnlyAllowed(t, account(t, p, saying(s)))
	})
}

func FuzzA094ActionURL(f *testing.F) {
	f.Add("/auth/login")
	f.Add("https://help.example.com/a")
	f.Add(`/\evil.example`)
	f.Add("https://a@b")
	p := newPages(f, pages.Site{})
	f.Fuzz(func(t *testing.T, u string) {
		if u == "/home" || !offers(t, p, u, false) {
			return
		}
		base, _ := url.Parse("https://app.example")
		to, err := base.Parse(u)
		if err != nil {
			return // a browser finds a path here, and so does isOwnPath
		}
		if to.Scheme != "https" || to.User != nil || strings.HasPrefix(u, "/") && to.Host != base.Host {
			t.Errorf("%q leads to %v", u, to)
		}
	})
}
