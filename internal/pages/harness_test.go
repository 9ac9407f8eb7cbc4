package pages_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/wayleave/wayleave/internal/pages"
)

func newPages(t testing.TB, site pages.Site) *pages.Pages {
	t.Helper()
	p, err := pages.New(site)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func message(t testing.TB, p *pages.Pages, m pages.Message) string {
	t.Helper()
	var page bytes.Buffer
	if err := p.RenderMessage(&page, m); err != nil {
		t.Fatal(err)
	}
	return page.String()
}

func signIn(t testing.TB, p *pages.Pages, s pages.SignIn) string {
	t.Helper()
	var page bytes.Buffer
	if err := p.RenderSignIn(&page, s); err != nil {
		t.Fatal(err)
	}
	return page.String()
}

func account(t testing.TB, p *pages.Pages, a pages.Account) string {
	t.Helper()
	var page bytes.Buffer
	if err := p.RenderAccount(&page, a); err != nil {
		t.Fatal(err)
	}
	return page.String()
}

// element is one start tag with its attributes, and the text right inside it.
type element struct {
	name string
	attr map[string]string
	text string
}

// elements reads a page with a parser that is not the template's. Characters that
// XML does not know are replaced first: they are text to a browser.
func elements(t testing.TB, page string) []element {
	t.Helper()
	known := func(r rune) rune {
		if r == '\t' || r == '\n' || r == '\r' || r >= 0x20 && r <= 0xFFFD || r >= 0x10000 {
			return r
		}
		return '?'
	}
	d := xml.NewDecoder(strings.NewReader(strings.Map(known, page)))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	var found []element
	var open []int
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			t.Fatalf("the page does not parse: %v\n%s", err, page)
		}
		switch token := token.(type) {
		case xml.StartElement:
			e := element{name: token.Name.Local, attr: map[string]string{}}
			for _, a := range token.Attr {
				e.attr[a.Name.Local] = a.Value
			}
			open = append(open, len(found))
			found = append(found, e)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			if len(open) > 0 {
				found[open[len(open)-1]].text += string(token)
			}
		case xml.Comment, xml.ProcInst:
			t.Fatalf("a comment or a processing instruction in the page: %v", token)
		}
	}
}

func all(list []element, name string) []element {
	var found []element
	for _, e := range list {
		if e.name == name {
			found = append(found, e)
		}
	}
	return found
}

// allowedAttributes is everything that our pages are made of. Scripts, handlers,
// style attributes, links to style sheets, frames and refreshes are not in it.
var allowedAttributes = map[string][]string{
	"html": {"lang", "dir"}, "head": nil, "meta": {"charset", "name", "content"}, "title": nil, "style": nil,
	"body": nil, "main": nil, "div": {"class"}, "img": {"src", "alt", "width", "height"}, "h1": nil, "h2": nil, "p": {"class", "role"},
	"ul": {"class"}, "li": nil, "time": {"datetime"}, "bdi": nil, "strong": {"id"}, "code": nil, "span": {"class", "aria-hidden"}, "a": {"class", "href"},
	"form": {"method", "action", "autocomplete"}, "input": {"type", "name", "value"}, "button": {"class", "aria-describedby"},
}

func wantOnlyAllowed(t testing.TB, page string) {
	t.Helper()
	for _, e := range elements(t, page) {
		allowed, ok := allowedAttributes[e.name]
		if !ok {
			t.Errorf("<%s> in a page", e.name)
		}
		for name := range e.attr {
			if !slices.Contains(allowed, name) {
				t.Errorf("<%s %s> in a page", e.name, name)
			}
		}
	}
}

// skeleton is a page without any text: the tags, their order and attribute names.
var textAndValues = regexp.MustCompile(`(="[^"]*")|(>[^<]*<)`)

func skeleton(page string) string {
	return textAndValues.ReplaceAllStringFunc(page, func(s string) string {
		if s[0] == '>' {
			return "><"
		}
		return `=""`
	})
}
