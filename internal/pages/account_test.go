package pages_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wayleave/wayleave/internal/pages"
)

var at = time.Date(2026, 11, 23, 2, 25, 59, 0, time.FixedZone("", -5*3600))

// fullAccount is an account page that uses all there is.
func fullAccount() pages.Account {
	end := pages.Action{URL: "/auth/account/end", Fields: map[string]string{"session": "s2"}}
	return pages.Account{
		Who: "ada@example.com", Status: "That session is signed out.", MoreSessions: true,
		Sessions: []pages.AccountSession{
			{Device: "Chrome on Android", SignedInAt: at, LastSeenAt: at.Add(time.Hour), End: end},
			{Device: "Firefox on Linux", SignedInAt: at, Current: true, End: pages.Action{URL: "/auth/logout"}},
		},
		EndOthers: pages.Action{URL: "/auth/account/end-others"},
		Connections: []pages.AccountConnection{
			{Name: "Google", Mark: "G", At: at, Scopes: []string{"openid", "https://id.example/read"},
				Disconnect: pages.Action{URL: "/auth/google/disconnect", Fields: map[string]string{"csrf": "c"}}},
			{Name: "Acme"},
		},
		Actions: []pages.Action{{Label: "Go to Finance Tracker", URL: "/"}},
	}
}

// saying is an account page with one text wherever one can be.
func saying(s string) pages.Account {
	action := pages.Action{Label: s, Mark: s, URL: "/x", Fields: map[string]string{s: s}}
	return pages.Account{Who: s, Status: s, EndOthers: action, Actions: []pages.Action{action},
		Sessions:    []pages.AccountSession{{Device: s, End: action}},
		Connections: []pages.AccountConnection{{Name: s, Mark: s, Scopes: []string{s}, Disconnect: action}}}
}

func textsIn(found []element) []string {
	var texts []string
	for _, e := range found {
		texts = append(texts, strings.TrimSpace(e.text))
	}
	return texts
}

func TestTheAccountPageShowsAllThatItHas(t *testing.T) {
	found := elements(t, account(t, newPages(t, tracker), fullAccount()))
	texts := textsIn(found)
	for _, want := range []string{"Your account", "Signed in as", "ada@example.com", "That session is signed out.",
		"Where you are signed in", "Only 2 of your sessions are shown; there are more.", "Chrome on Android", "Firefox on Linux",
		"This browser", "Signed in", "Last seen", "2026-11-23 07:25 UTC", "2026-11-23 08:25 UTC", "Sign out", "Sign out everywhere else",
		"Connected accounts", "Google", "G", "Connected", "What was granted:", "openid", "https://id.example/read", "Disconnect",
		"After you disconnect an account, Finance Tracker can no longer use it, not even for work it does while you are away. You can connect it again.",
		"Acme", "Go to Finance Tracker"} {
		if !slices.Contains(texts, want) {
			t.Errorf("%q is missing in %q", want, texts)
		}
	}
	var forms, fields, times []string
	for _, e := range found {
		switch e.name {
		case "form":
			forms = append(forms, e.attr["method"]+" "+e.attr["action"])
		case "input":
			fields = append(fields, e.attr["type"]+" "+e.attr["name"]+"="+e.attr["value"])
		case "time":
			times = append(times, e.attr["datetime"])
		}
	}
	if want := []string{"post /auth/logout", "post /auth/account/end", "post /auth/account/end-others", "post /auth/google/disconnect"}; !slices.Equal(forms, want) {
		t.Errorf("the forms are %q, want %q", forms, want)
	}
	if want := []string{"hidden session=s2", "hidden csrf=c"}; !slices.Equal(fields, want) {
		t.Errorf("the fields are %q, want %q", fields, want)
	}
	if want := []string{"2026-11-23T07:25:59Z", "2026-11-23T07:25:59Z", "2026-11-23T08:25:59Z", "2026-11-23T07:25:59Z"}; !slices.Equal(times, want) {
		t.Errorf("the times are %q, want %q", times, want)
	}
	if len(all(found, "button")) != len(forms) {
		t.Error("a form does not have one button")
	}
}

func TestThisBrowserStandsFirst(t *testing.T) {
	a := fullAccount()
	names := textsIn(slices.DeleteFunc(elements(t, account(t, newPages(t, tracker), a)), func(e element) bool { return e.name != "bdi" }))
	if first, second := slices.Index(names, "Firefox on Linux"), slices.Index(names, "Chrome on Android"); first < 0 || first > second {
		t.Errorf("the sessions are in the order of %q", names)
	}
	if !reflect.DeepEqual(a, fullAccount()) {
		t.Error("drawing changed the caller's account")
	}
}

func TestWhatIsNotThereIsNotDrawn(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*pages.Account)
		absent string
		added  bool // by the change, for the page to leave out
	}{
		"no others, no button":             {func(a *pages.Account) { a.Sessions, a.MoreSessions = a.Sessions[1:], false }, "Sign out everywhere else", false},
		"others, but no URL":               {func(a *pages.Account) { a.EndOthers.URL = "" }, "Sign out everywhere else", false},
		"others, but a foreign URL":        {func(a *pages.Account) { a.EndOthers.URL = "//evil.example" }, "Sign out everywhere else", false},
		"a session with a foreign URL":     {func(a *pages.Account) { a.Sessions[0].End.URL = "javascript:1" }, "javascript", true},
		"a connection with a foreign URL":  {func(a *pages.Account) { a.Connections[0].Disconnect.URL = `/\evil` }, "isconnect", false},
		"all sessions shown":               {func(a *pages.Account) { a.MoreSessions = false }, "there are more", false},
		"nothing happened":                 {func(a *pages.Account) { a.Status = "" }, "role=", false},
		"no connections":                   {func(a *pages.Account) { a.Connections = nil }, "Connected accounts", false},
		"no scopes known":                  {func(a *pages.Account) { a.Connections[0].Scopes = nil }, "What was granted", false},
		"no session is this browser's":     {func(a *pages.Account) { a.Sessions[1].Current = false }, "This browser", false},
		"no time known":                    {func(a *pages.Account) { a.Sessions[0].LastSeenAt = time.Time{} }, "Last seen", false},
		"nobody is named":                  {func(a *pages.Account) { a.Who = "\u202e" }, "Signed in as", false},
		"the thirty-first scope":           {func(a *pages.Account) { a.Connections[0].Scopes = append(slices.Repeat([]string{"s"}, 30), "last") }, "last<", true},
		"a scope of nothing but controls":  {func(a *pages.Account) { a.Connections[0].Scopes = []string{"\u202e"} }, "<code>", true},
		"a device with a direction of its": {func(a *pages.Account) { a.Sessions[0].Device = "a\u202eb" }, "\u202e", true},
	} {
		t.Run(name, func(t *testing.T) {
			p, a := newPages(t, tracker), fullAccount()
			if !test.added && !strings.Contains(account(t, p, a), test.absent) {
				t.Fatalf("%q is missing in any case", test.absent)
			}
			test.change(&a)
			page := account(t, p, a)
			if body := page[strings.Index(page, "<main"):]; strings.Contains(body, test.absent) {
				t.Errorf("%q is in\n%s", test.absent, body)
			}
		})
	}
}

func TestOthersAreOfferedToEndAlsoWhenNoneIsShown(t *testing.T) {
	a := fullAccount()
	a.Sessions = a.Sessions[1:]
	if page := account(t, newPages(t, tracker), a); !strings.Contains(page, "Sign out everywhere else") {
		t.Error("the button is missing")
	}
}

func TestTheAccountPageSpeaksOtherLanguages(t *testing.T) {
	site := pages.Site{AppName: "Ä", Language: "de", Texts: pages.Texts{AccountTitle: "Ihr Konto", AccountSignedIn: "%s angemeldet",
		AccountEnd: "Abmelden", AccountDisconnectMeans: "%s verliert den Zugriff."}}
	page := account(t, newPages(t, site), fullAccount())
	for _, want := range []string{"<h1>Ihr Konto</h1>", `<time datetime="2026-11-23T07:25:59Z">2026-11-23 07:25 UTC</time> angemeldet`, "Abmelden", "Ä verliert den Zugriff."} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is missing in\n%s", want, page[strings.Index(page, "<main"):])
		}
	}
}

// TestAButtonSaysWhatItIsAbout, to those who cannot see what stands beside it.
func TestAButtonSaysWhatItIsAbout(t *testing.T) {
	found := elements(t, account(t, newPages(t, tracker), fullAccount()))
	ids := map[string]int{}
	for _, e := range found {
		ids[e.attr["id"]]++
	}
	described := 0
	for _, b := range all(found, "button") {
		if about, ok := b.attr["aria-describedby"]; ok {
			described++
			if ids[about] != 1 {
				t.Errorf("%d elements with the id %q", ids[about], about)
			}
		}
	}
	if described != 3 {
		t.Errorf("%d buttons say what they are about, want 3", described)
	}
}
