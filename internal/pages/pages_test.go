package pages_test

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/wayleave/wayleave/internal/pages"
)

var tracker = pages.Site{AppName: "Finance Tracker", LogoPath: "/logo.svg", Accent: "#0f7a5c"}

// everything is a message that uses all there is.
func everything() pages.Message {
	return pages.Message{
		Title: "Access denied", Text: "Nothing was shared.", Detail: "access_denied", Who: "ada@example.com",
		Reference: "7F3K-Q2MD", Status: 403,
		Actions: []pages.Action{
			{Label: "Sign in again", URL: "/auth/google/login?return_to=%2Fa%3Fb&x=y", Primary: true},
			{Label: "Sign out", URL: "/auth/logout", Post: true, Fields: map[string]string{"csrf": `a"b`, "all": "yes"}},
			{Label: "Help", Mark: "?", URL: "https://help.example.com/sign-in"},
		},
	}
}

var providers = pages.SignIn{Note: "Please sign in.", Actions: []pages.Action{
	{Label: "Sign in with Google", Mark: "G", URL: "/auth/google/login"},
	{Label: "Sign in with Acme", Mark: "A", URL: "/auth/acme/login"},
}}

func everyPage(t *testing.T, p *pages.Pages) map[string]string {
	return map[string]string{
		"sign-in":           signIn(t, p, providers),
		"sign-in, nothing":  signIn(t, p, pages.SignIn{}),
		"message":           message(t, p, everything()),
		"account":           account(t, p, fullAccount()),
		"account, nothing":  account(t, p, pages.Account{}),
		"message, only one": message(t, p, pages.Message{Title: "Signed out"}),
	}
}

func TestPagesAreCompleteDocuments(t *testing.T) {
	for name, page := range everyPage(t, newPages(t, tracker)) {
		t.Run(name, func(t *testing.T) {
			if !strings.HasPrefix(page, "<!doctype html>") {
				t.Errorf("the page begins with %q", page[:20])
			}
			found := elements(t, page)
			for _, tag := range []string{"html", "head", "title", "style", "body", "main", "h1"} {
				if n := len(all(found, tag)); n != 1 {
					t.Errorf("%d times <%s>, want one", n, tag)
				}
			}
			if html := all(found, "html")[0].attr; html["lang"] != "en" || html["dir"] != "ltr" {
				t.Errorf("html has %v", html)
			}
			heading := all(found, "h1")[0].text
			if title := all(found, "title")[0].text; heading == "" || !strings.Contains(title, heading) || !strings.Contains(title, "Finance Tracker") {
				t.Errorf("title is %q, heading is %q", title, heading)
			}
			said := map[string]string{}
			for _, m := range all(found, "meta") {
				said[m.attr["name"]] = m.attr["content"]
			}
			want := map[string]string{"": "", "viewport": "width=device-width, initial-scale=1",
				"color-scheme": "light dark", "referrer": "no-referrer", "robots": "noindex"}
			if !maps.Equal(said, want) {
				t.Errorf("meta elements say %v, want %v", said, want)
			}
			for _, b := range append(all(found, "button"), all(found, "a")...) {
				if !strings.HasPrefix(b.attr["class"], "action") {
					t.Errorf("<%s> is not drawn as a button", b.name)
				}
			}
		})
	}
}

func TestA055PagesHaveNoScriptsAndNothingFromElsewhere(t *testing.T) {
	for name, page := range everyPage(t, newPages(t, tracker)) {
		t.Run(name, func(t *testing.T) {
			wantOnlyAllowed(t, page)
			for _, img := range all(elements(t, page), "img") {
				if img.attr["src"] != "/logo.svg" {
					t.Errorf("an image from %q", img.attr["src"])
				}
			}
			style := all(elements(t, page), "style")[0].text
			for _, loads := range []string{"url(", "@import", "image-set", "src:", "\\", "<"} {
				if strings.Contains(style, loads) {
					t.Errorf("the style has %q", loads)
				}
			}
		})
	}
}

func TestAMessageShowsAllThatItHas(t *testing.T) {
	found := elements(t, message(t, newPages(t, tracker), everything()))
	var texts []string
	for _, e := range found {
		texts = append(texts, strings.TrimSpace(e.text))
	}
	for _, want := range []string{"Access denied", "Nothing was shared.", "access_denied", "Signed in as", "ada@example.com",
		"Reference", "7F3K-Q2MD", "Sign in again", "Sign out", "Help", "?", "Finance Tracker"} {
		if !slices.Contains(texts, want) {
			t.Errorf("%q is missing", want)
		}
	}
	var links []string
	for _, a := range all(found, "a") {
		links = append(links, a.attr["href"])
	}
	if want := []string{"/auth/google/login?return_to=%2Fa%3Fb&x=y", "https://help.example.com/sign-in"}; !slices.Equal(links, want) {
		t.Errorf("links go to %q, want %q", links, want)
	}
	form := all(found, "form")[0].attr
	if form["method"] != "post" || form["action"] != "/auth/logout" || form["autocomplete"] != "off" {
		t.Errorf("the form has %v", form)
	}
	var fields []string
	for _, f := range all(found, "input") {
		fields = append(fields, f.attr["type"]+" "+f.attr["name"]+"="+f.attr["value"])
	}
	if want := []string{"hidden all=yes", `hidden csrf=a"b`}; !slices.Equal(fields, want) {
		t.Errorf("the form sends %q, want %q", fields, want)
	}
	if n := len(all(found, "button")); n != 1 {
		t.Errorf("%d buttons, want one", n)
	}
}

func TestAnEmptyPartLeavesNoTrace(t *testing.T) {
	found := elements(t, message(t, newPages(t, pages.Site{}), pages.Message{Title: "Signed out"}))
	var body []string
	for i, e := range found {
		if e.name == "body" {
			for _, inside := range found[i+1:] {
				body = append(body, inside.name)
			}
		}
	}
	if !slices.Equal(body, []string{"main", "h1"}) {
		t.Errorf("the body has %q", body)
	}
	if title := all(found, "title")[0].text; title != "Signed out" {
		t.Errorf("the title is %q", title)
	}
}

func TestSignInNamesTheApp(t *testing.T) {
	tests := map[string]struct {
		site pages.Site
		want string
	}{
		"by its name":          {tracker, "Sign in to Finance Tracker"},
		"without one":          {pages.Site{}, "Sign in to this app"},
		"in other words":       {pages.Site{AppName: "Ä", Texts: pages.Texts{SignInTitle: "Bei %s anmelden"}}, "Bei Ä anmelden"},
		"or not at all":        {pages.Site{AppName: "Ä", Texts: pages.Texts{SignInTitle: "Anmelden"}}, "Anmelden"},
		"with its own ThisApp": {pages.Site{Texts: pages.Texts{ThisApp: "100 %"}}, "Sign in to 100 %"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			found := elements(t, signIn(t, newPages(t, test.site), providers))
			if got := all(found, "h1")[0].text; got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestOneSitesPagesAreDrawnByManyAtOnce(t *testing.T) {
	p := newPages(t, tracker)
	m := everything()
	want := message(t, p, m)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 50 {
				var page bytes.Buffer
				if err := p.RenderMessage(&page, m); err != nil || page.String() != want {
					t.Errorf("another page, or %v", err)
				}
				if err := p.RenderSignIn(io.Discard, providers); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	if len(m.Actions) != 3 || m.Actions[0].URL != everything().Actions[0].URL {
		t.Error("drawing changed the caller's actions")
	}
}

func TestTheCallersActionsStayAsTheyWere(t *testing.T) {
	actions := []pages.Action{{Label: "bad", URL: "javascript:1"}, {Label: "good", URL: "/"}}
	message(t, newPages(t, tracker), pages.Message{Title: "T", Actions: actions})
	if actions[0].Label != "bad" || actions[1].Label != "good" {
		t.Errorf("got %v", actions)
	}
}

type writer struct {
	calls int
	err   error
}

func (w *writer) Write(b []byte) (int, error) {
	w.calls++
	return len(b), w.err
}

func TestAPageIsWrittenInOnePiece(t *testing.T) {
	p := newPages(t, tracker)
	w := new(writer)
	if err := p.RenderMessage(w, everything()); err != nil || w.calls != 1 {
		t.Errorf("%d writes, %v", w.calls, err)
	}
	gone := errors.New("connection lost")
	if err := p.RenderSignIn(&writer{err: gone}, providers); !errors.Is(err, gone) {
		t.Errorf("got %v, want the writer's error", err)
	}
}

func BenchmarkRenderMessage(b *testing.B) {
	p := newPages(b, tracker)
	m := everything()
	b.ReportAllocs()
	for b.Loop() {
		if err := p.RenderMessage(io.Discard, m); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRenderSignIn(b *testing.B) {
	p := newPages(b, tracker)
	b.ReportAllocs()
	for b.Loop() {
		if err := p.RenderSignIn(io.Discard, providers); err != nil {
			b.Fatal(err)
		}
	}
}
