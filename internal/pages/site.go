package pages

import (
	"cmp"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Site is how the pages of one app look and speak. The zero value is complete: an
// app without a name or a logo, in English.
type Site struct {
	// AppName is what people call the app, as in "Sign in to Finance Tracker".
	// Empty: no name on top, and "this app" in sentences.
	AppName string
	// LogoPath is a square mark beside the name: a path on our own origin, such as
	// "/logo.svg". Another origin is refused, because loading it would tell that
	// origin who is signing in. Empty: no logo.
	LogoPath string
	// Accent is the colour of the main button as "#rrggbb". Any will do: the text
	// on it is black or white, whichever reads better, and where the colour itself
	// is text it is darkened or lightened until it can be read. Empty: blue.
	Accent string
	// Language is the language of AppName and Texts as a BCP 47 tag, such as "en"
	// or "pt-BR". Languages written from right to left turn the pages round.
	// Empty: "en".
	Language string
	// Texts replaces sentences.
	Texts Texts
}

const (
	defaultAccent   = "#2f5bd0"
	defaultLanguage = "en"
	// RFC 5646, section 4.4.1: no shorter limit than 35 characters.
	maxLanguage = 35
)

// orDefaults fills the empty fields and names every mistake.
func (s Site) orDefaults() (Site, []error) {
	texts, mistakes := s.Texts.orDefaults()
	s.Texts = texts
	s.Accent = cmp.Or(s.Accent, defaultAccent)
	s.Language = cmp.Or(s.Language, defaultLanguage)
	if !isPlain(s.AppName) {
		mistakes = append(mistakes, fmt.Errorf("app name: want one line of valid text, got %q", s.AppName))
	}
	if s.LogoPath != "" && !isOwnPath(s.LogoPath) {
		mistakes = append(mistakes, fmt.Errorf("logo path: want a path on this origin such as \"/logo.svg\", got %q", s.LogoPath))
	}
	if _, ok := parseColor(s.Accent); !ok {
		mistakes = append(mistakes, fmt.Errorf("accent: want \"#rrggbb\", got %q", s.Accent))
	}
	if !isLanguage(s.Language) {
		mistakes = append(mistakes, fmt.Errorf("language: want a BCP 47 tag such as \"en\" or \"pt-BR\", got %q", s.Language))
	}
	return s, mistakes
}

// isPlain: text of the operator's own is refused, not repaired, when it holds what
// cannot be meant.
func isPlain(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

// isLanguage asks for the form of a tag (RFC 5646, section 2.1), not for its being
// registered.
func isLanguage(tag string) bool {
	for i, part := range strings.Split(tag, "-") {
		notAllowed := func(r rune) bool { return !isLetter(r) && (i == 0 || !isDigit(r)) }
		if part == "" || len(part) > 8 || strings.ContainsFunc(part, notAllowed) {
			return false
		}
	}
	primary, _, _ := strings.Cut(tag, "-")
	return len(tag) <= maxLanguage && len(primary) >= 2
}

func isLetter(r rune) bool { return 'a' <= r|0x20 && r|0x20 <= 'z' }
func isDigit(r rune) bool  { return '0' <= r && r <= '9' }

// rightToLeft are the scripts written that way, and the languages that are written
// in one of them when their tag names no script.
var rightToLeft = map[string]bool{
	"adlm": true, "arab": true, "hebr": true, "nkoo": true, "rohg": true, "syrc": true, "thaa": true,
	"ar": true, "ckb": true, "dv": true, "fa": true, "he": true, "ks": true, "nqo": true,
	"ps": true, "sd": true, "syr": true, "ug": true, "ur": true, "yi": true,
}

// direction is the dir attribute for a language.
func direction(tag string) string {
	parts := strings.Split(strings.ToLower(tag), "-")
	decides := parts[0]
	for _, part := range parts[1:] {
		if len(part) == 1 {
			break // extensions: "u-nu-arab" is about digits
		}
		if len(part) == 4 && !isDigit(rune(part[0])) {
			decides = part // the script: four characters, the first a letter
			break
		}
	}
	if rightToLeft[decides] {
		return "rtl"
	}
	return "ltr"
}
