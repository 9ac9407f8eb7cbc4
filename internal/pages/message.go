package pages

import (
	"maps"
	"net/url"
	"slices"
	"strings"
	"unicode"
)

// Message is a page that says one thing. Title and Text come from [Texts]; Who,
// Detail and Reference may come from anywhere.
type Message struct {
	Title string
	Text  string
	// Detail is shown small below Text: untrusted text, such as what a provider
	// said. At most 200 characters of it are shown, and its direction cannot spill
	// into ours. Empty: nothing.
	Detail string
	// Who is the name or address of the person signed in, for Texts.SignedInAs;
	// untrusted as Detail is. Empty: nothing.
	Who string
	// Actions are what the person can do, the best one first and Primary.
	Actions []Action
	// Reference leads from the page to the log entry. Empty: nothing.
	Reference string
	// Status is the HTTP status that the page belongs to. It is not shown.
	Status int
}

// SignIn is the page on which to choose a provider.
type SignIn struct {
	Actions []Action // one for each provider: a link, since a login starts with a GET
	Note    string   // a sentence above the buttons; empty: nothing
}

// Action is one thing that a person can do: a link, or with Post a form of one
// button.
type Action struct {
	Label string // all that the button says
	// Mark is a letter or two drawn in a circle before the label: a provider's
	// initial. Empty: none.
	Mark string
	// URL is an absolute path on this origin or an https URL. An action with
	// another one ("javascript:", "//host") is left out of the page.
	URL     string
	Post    bool
	Primary bool // drawn in the accent colour
	// Fields are the form's hidden fields, by name. Only with Post.
	Fields map[string]string
}

// field is one hidden field, in an order that does not change between renderings.
type field struct{ name, value string }

func (a Action) fields() []field {
	var list []field
	for _, name := range slices.Sorted(maps.Keys(a.Fields)) {
		list = append(list, field{name, a.Fields[name]})
	}
	return list
}

func (a Action) class() string {
	if a.Primary {
		return "action primary"
	}
	return "action"
}

// allowed are the actions whose URL may stand in a page.
func allowed(actions []Action) []Action {
	refused := func(a Action) bool { return !isOwnPath(a.URL) && !isHTTPS(a.URL) }
	return slices.DeleteFunc(slices.Clone(actions), refused)
}

// isOwnPath: browsers read a backslash as a slash and drop tabs and line ends
// before they parse, so "/\host" and "/<tab>/host" are other origins to them.
func isOwnPath(s string) bool {
	return strings.HasPrefix(s, "/") && !strings.HasPrefix(s, "//") && isVisibleASCII(s)
}

// isHTTPS leaves no room for a browser to find another host than Go does.
func isHTTPS(s string) bool {
	u, err := url.Parse(s)
	return err == nil && isVisibleASCII(s) && strings.HasPrefix(s, "https://") && u.Hostname() != "" && u.User == nil
}

func isVisibleASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '\\' })
}

// maxUntrusted is how many characters of an untrusted text are shown.
const maxUntrusted = 200

// untrusted makes a text safe to read beside ours. Controls of direction would
// reach beyond the <bdi> that the text stands in; joiners stay, since names in
// some scripts need them.
func untrusted(s string) string {
	var shown strings.Builder
	count := 0
	for _, r := range strings.TrimSpace(s) {
		if unicode.Is(unicode.Bidi_Control, r) {
			continue
		}
		if count++; count > maxUntrusted {
			shown.WriteRune('…')
			break
		}
		if unicode.IsControl(r) {
			r = ' '
		}
		shown.WriteRune(r)
	}
	return shown.String()
}
