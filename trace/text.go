package trace

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/wayleave/wayleave/oauth"
)

// TextOptions say how WriteText writes. The zero value is 80 columns in UTF-8
// without colour, which is right for a file.
type TextOptions struct {
	Width   int  // columns; 0 means 80, less than 40 means 40
	Color   bool // ANSI colours
	ASCII   bool // ASCII only, for terminals and logs that know nothing else
	Explain bool // say what each parameter means and what each check stops
}

// TerminalOptions returns the options that suit f: colour only if f is a
// terminal and neither NO_COLOR nor TERM=dumb is set, ASCII if the locale is
// not UTF-8, and the width that COLUMNS says.
func TerminalOptions(f *os.File) TextOptions {
	var o TextOptions
	info, err := f.Stat()
	terminal := err == nil && info.Mode()&os.ModeCharDevice != 0
	o.Color = terminal && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	locale := strings.ToLower(cmp.Or(os.Getenv("LC_ALL"), os.Getenv("LC_CTYPE"), os.Getenv("LANG"), "utf-8"))
	o.ASCII = !strings.Contains(locale, "utf-8") && !strings.Contains(locale, "utf8")
	o.Width, _ = strconv.Atoi(os.Getenv("COLUMNS"))
	return o
}

// WriteText writes the story for a terminal: the steps, who said what to whom
// with which parameters, and every check. URLs are never broken, so that they
// can be copied; all other lines keep to the width. The error is that of w.
func (s *Story) WriteText(w io.Writer, o TextOptions) error {
	p := &printer{o: o, width: max(cmp.Or(o.Width, 80), 40)}
	p.head(s)
	for _, b := range s.bands() {
		p.band(b)
	}
	p.end(s)
	text := p.b.String()
	if o.ASCII {
		text = ascii(text)
	}
	_, err := io.WriteString(w, text)
	return err
}

func (p *printer) head(s *Story) {
	if s.Login == "" {
		p.line(bold, "Outside of any login")
		return
	}
	p.wrap(bold, "", fmt.Sprintf("Login %s at %s, %s: %s", clean(s.Login), s.Provider, s.Started.Format(time.DateTime), s.headline()))
	if s.Refused != nil {
		p.finding(*s.Refused, "  ", true)
	}
	if s.headless() {
		p.wrap(dim, "  ", beginningLost)
	}
}

func (p *printer) band(b band) {
	p.line(0, "")
	p.wrap(bold, "", b.Label+" — "+b.Title)
	if b.Intro != "" {
		p.wrap(dim, "", b.Intro)
	}
	for _, e := range b.Entries {
		p.entry(e)
	}
}

func (p *printer) entry(e Entry) {
	const indent = "     "
	p.line(0, "")
	route := name(e.From) + " → " + name(e.To)
	if e.Unseen {
		route = name(e.From) + " ⇢ " + name(e.To)
	}
	if e.From == e.To {
		route = name(e.From)
	}
	p.line(bold, strings.TrimRight(fmt.Sprintf("%3d. %s%s", e.Number, route, suffix(e)), " "))
	p.wrap(0, indent, e.What)
	if e.URL != "" {
		p.line(accent, indent+strings.TrimSpace(e.Method+" "+e.URL))
	}
	p.params(e.Params, indent+"  ")
	if e.Problem != "" && len(e.Checks) == 0 {
		p.wrap(bad, indent, e.Problem)
	}
	for _, f := range e.Checks {
		p.finding(f, indent, !f.Passed || p.o.Explain)
	}
}

// suffix is what an answer says of itself on the first line.
func suffix(e Entry) string {
	var parts []string
	if e.Status != 0 {
		parts = append(parts, "status "+strconv.Itoa(e.Status))
	}
	if e.Took > 0 {
		parts = append(parts, took(e.Took))
	}
	if parts == nil {
		return ""
	}
	return "  (" + strings.Join(parts, ", ") + ")"
}

// took rounds a duration to what a person can use.
func took(d time.Duration) string {
	switch {
	case d >= time.Second:
		return d.Round(100 * time.Millisecond).String()
	case d >= time.Millisecond:
		return d.Round(time.Millisecond).String()
	}
	return d.Round(time.Microsecond).String()
}

// params writes names and values in two columns.
func (p *printer) params(params []oauth.Param, indent string) {
	column := 0
	for _, param := range params {
		column = max(column, min(utf8.RuneCountInString(param.Name), 24, p.width/3))
	}
	for _, param := range params {
		p.hang(0, indent, param.Name, column+2, param.Value)
		if m := meaning(param.Name); m != "" && p.o.Explain {
			p.hang(dim, indent, "", column+2, m)
		}
	}
}

// finding writes one check, at length if it matters.
func (p *printer) finding(f Finding, indent string, long bool) {
	mark, color := "✓ ", good
	if !f.Passed {
		mark, color = "✗ ", bad
	}
	p.hang(color, indent, mark, 2, f.claim())
	if !long {
		return
	}
	for _, fact := range f.facts() {
		p.hang(0, indent+"  ", fact.Name, 10, fact.Text)
	}
}

func (p *printer) end(s *Story) {
	p.line(0, "")
	if s.Dropped > 0 {
		p.wrap(dim, "", fmt.Sprintf("%d events from the middle were too many to keep.", s.Dropped))
	}
	if s.Login == "" {
		return
	}
	summary := fmt.Sprintf("%s. %s.", s.headline(), count(s.passed(), "check", "passed"))
	color := good
	if s.Refused != nil {
		color = bad
		summary += fmt.Sprintf(" Ended by: %s.", s.Refused.Check)
	}
	p.wrap(color, "", summary)
}

// count says "1 check passed", "2 checks passed".
func count(n int, noun, rest string) string {
	if n != 1 {
		noun += "s"
	}
	return strings.TrimSpace(fmt.Sprintf("%d %s %s", n, noun, rest))
}

const beginningLost = "The beginning of this login is not recorded here: it was begun before the app was started, or by another copy of it."
