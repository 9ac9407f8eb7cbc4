package trace

import (
	"errors"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/wayleave/wayleave/oauth"
)

// finding makes a Finding of a check. What the event leaves out is taken from
// the error.
func finding(step oauth.Step, c oauth.Check, expected, got string, err error) Finding {
	c = oauth.Check(clean(string(c)))
	says, stops := Explain(c)
	f := Finding{Check: c, Step: step, Passed: err == nil, Says: says, Stops: stops, Expected: expected, Got: got, Err: err}
	if e, ok := errors.AsType[*oauth.Error](err); ok {
		f.Reason, f.Cure = e.Reason, e.Cure
		if expected == "" && got == "" {
			f.Expected, f.Got = e.Expected, e.Got
		}
		if e.Err != nil {
			f.Reason += ": " + e.Err.Error()
		}
	} else if err != nil {
		f.Reason = err.Error()
	}
	f.Expected, f.Got = clean(f.Expected), clean(f.Got)
	f.Reason, f.Cure = sentence(clean(f.Reason)), sentence(clean(f.Cure))
	return f
}

// maxText is the longest text from outside that is shown, in bytes.
const maxText = 2000

// clean makes a text from outside fit to be shown. Control characters could
// drive a terminal; characters that change the direction of writing or that
// are not seen could make one thing look like another, on pages too.
func clean(s string) string {
	if len(s) > maxText {
		cut := maxText
		for cut > 0 && !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = s[:cut] + "…"
	}
	return strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

func cleanParams(params []oauth.Param) []oauth.Param {
	out := slices.Clone(params)
	for i, p := range out {
		out[i].Name, out[i].Value = clean(p.Name), clean(p.Value)
	}
	return out
}

// sentence gives a text a capital and a full stop.
func sentence(s string) string {
	if s == "" {
		return ""
	}
	first, size := utf8.DecodeRuneInString(s)
	s = string(unicode.ToUpper(first)) + s[size:]
	if !strings.HasSuffix(s, ".") && !strings.HasSuffix(s, "!") && !strings.HasSuffix(s, "?") {
		s += "."
	}
	return s
}

// claim is what a check found: its sentence, or that it is not so.
func (f Finding) claim() string {
	if f.Passed {
		return f.Says
	}
	return "Not so: " + f.Says
}

// came is what came, in words where that is nothing.
func (f Finding) came() string {
	if f.Got == "" && f.Expected != "" {
		return "nothing"
	}
	return f.Got
}

// fact is one thing to know about a check.
type fact struct{ Name, Text string }

// facts lists what there is to know about a check, most telling first. What
// was expected and what came are one and the same if it passed.
func (f Finding) facts() []fact {
	stops := fact{"stops", f.Stops}
	if f.Passed {
		return withText(fact{"checked", f.Got}, stops)
	}
	return withText(fact{"why", f.Reason}, fact{"expected", f.Expected}, fact{"came", f.came()}, stops, fact{"to do", f.Cure})
}

func withText(facts ...fact) []fact {
	return slices.DeleteFunc(facts, func(f fact) bool { return f.Text == "" })
}
