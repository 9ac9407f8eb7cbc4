package oauth2proxy

import (
	"encoding/csv"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// setting is an option that is set.
type setting struct {
	*option
	written string // its name, as it is written
	values  []string
	line    int
	rank    rank
	bad     string // why it cannot be read; its values are then not used
	noted   bool   // a special note stands for the general one
}

// rank is whose word counts.
type rank int

const (
	inFile rank = iota
	inEnvironment
	onCommandLine
)

// settings are all that was found.
type settings struct {
	given map[string]*setting // by flag
	notes []Note
}

func (s *settings) note(option string, line int, kind Kind, text string) {
	s.notes = append(s.notes, Note{option, line, kind, text})
}

// set takes one setting. Lists on the command line add up, as theirs do.
func (s *settings) set(new setting) {
	old := s.given[new.flag]
	switch {
	case old == nil || new.rank > old.rank:
	case new.rank < old.rank:
		return
	case new.kind == list && new.rank == onCommandLine:
		new.values = slices.Concat(old.values, new.values)
		if old.bad != "" {
			new.bad = old.bad
		}
	default:
		s.note(new.written, new.line, Changed, "it is set twice; the last one counts")
	}
	s.given[new.flag] = &new
}

// name looks an option up; one that is unknown gets a note.
func (s *settings) name(written string, line int) *option {
	plain := strings.TrimPrefix(spelling(strings.TrimLeft(written, "-")), "oauth2_proxy_")
	if o := byName[plain]; o != nil {
		return o
	}
	hint := "oauth2-proxy " + Version + " has no such option"
	if o, ok := nearest(plain); ok {
		near := o.display()
		if strings.HasPrefix(written, "-") {
			near = "--" + o.flag
		}
		hint += "; the nearest is " + near
	}
	if !printableName(written) {
		written = "an option"
	}
	s.note(written, line, Unknown, hint)
	return nil
}

var nameForm = regexp.MustCompile(`^-{0,2}[A-Za-z][A-Za-z0-9_-]{0,60}$`)

// printableName: a name that could be the rest of a secret is not repeated.
func printableName(name string) bool {
	if !nameForm.MatchString(name) {
		return false
	}
	for _, part := range []string{"secret", "password", "token", "key"} {
		if strings.Contains(strings.ToLower(name), part) {
			return false
		}
	}
	return true
}

// smuggled finds a secret in the value of another option, as it gets there
// when quotes do not match.
var smuggled = regexp.MustCompile(`(?i)(secret|password|jwt[-_]key|signature[-_]key|github[-_]token|account[-_]json|connection[-_]urls?)["']?\s*[=: ]\s*\S`)

// finish looks at the values.
func (s *settings) finish() {
	var secrets []string
	for _, v := range s.given {
		for _, value := range v.values {
			if v.is(secret) && len(value) > 5 {
				secrets = append(secrets, value)
			}
		}
	}
	for _, v := range s.given {
		if v.is(secret) || v.bad != "" {
			continue
		}
		for _, value := range v.values {
			switch {
			case smuggled.MatchString(value) || slices.ContainsFunc(secrets, func(secret string) bool { return strings.Contains(value, secret) }):
				v.bad = "its value seems to hold a secret, and is not used"
			case !utf8.ValidString(value) || len(value) > 8<<10 || strings.ContainsFunc(value, func(r rune) bool { return r < 0x20 || r == 0x7f || r == '\u2028' || r == '\u2029' }):
				v.bad = "its value is not text of one line, or is too long"
			case strings.HasPrefix(value, "${") || strings.HasPrefix(value, "$("):
				v.bad = "its value is a variable, which is not known here"
			}
		}
		if len(v.values) > mostEntries {
			v.bad = "it has more than 1000 values"
		}
		if v.kind == list && len(v.values) > 0 && !slices.ContainsFunc(v.values, func(e string) bool { return strings.TrimSpace(e) != "" }) {
			v.bad = "it holds only empty values"
		}
		if v.kind == boolean && v.bad == "" && len(v.values) > 0 {
			if _, err := strconv.ParseBool(v.values[0]); err != nil {
				v.bad = "its value is neither true nor false"
			}
		}
	}
}

// has reports whether an option is set and readable.
func (s *settings) has(flag string) bool {
	v := s.given[flag]
	return v != nil && v.bad == "" && len(v.values) > 0 && (v.kind == list || strings.TrimSpace(v.values[0]) != "")
}

// text returns the value of an option that is one text, or nothing.
func (s *settings) text(flag string) string {
	if !s.has(flag) {
		return ""
	}
	return strings.TrimSpace(s.given[flag].values[0])
}

// list returns the values that are not empty.
func (s *settings) list(flag string) []string {
	if !s.has(flag) {
		return nil
	}
	var out []string
	for _, v := range s.given[flag].values {
		if v = strings.TrimSpace(v); v != "" {
			out = append(out, v)
		}
	}
	return out
}

func (s *settings) yes(flag string, otherwise bool) bool {
	if v, err := strconv.ParseBool(s.text(flag)); err == nil {
		return v
	}
	return otherwise
}

// period returns a duration; a bare number is nanoseconds to theirs, and surely
// a mistake.
func (s *settings) period(flag string) (time.Duration, bool) {
	d, err := time.ParseDuration(s.text(flag))
	return d, err == nil && d > 0
}

// split reads a list that is written as one text, as theirs does: with commas,
// and quotes around what holds one.
func split(value string) []string {
	if value == "" {
		return nil
	}
	r := csv.NewReader(strings.NewReader(value))
	if fields, err := r.Read(); err == nil {
		return fields
	}
	return strings.Split(value, ",")
}
