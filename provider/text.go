package provider

import (
	"net/url"
	"strings"
	"unicode"

	"github.com/wayleave/wayleave/internal/strictjson"
)

// Limits for what is kept of a profile: users write it, and it is stored with
// each of their sessions.
const (
	maxEmail   = 254 // RFC 5321 section 4.5.3.1.3, less the angle brackets
	maxName    = 200 // characters
	maxPicture = 2048
)

// emailAddress returns a value that is one address, else "": a string with one
// "@" inside, and nothing that could end a line, make a list, or hide a second
// address. A user name is no address, whatever member it is found in.
func emailAddress(v strictjson.Value) string {
	s, _, err := v.AsString()
	local, domain, _ := strings.Cut(s, "@")
	if err != nil || local == "" || domain == "" || len(s) > maxEmail || strings.Contains(domain, "@") {
		return ""
	}
	if strings.ContainsAny(s, "\"(),:;<>[\\]") || strings.ContainsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }) {
		return ""
	}
	return s
}

// displayName returns a name without control characters, cut to what pages
// have room for.
func displayName(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, s)
	n := 0
	for i := range s {
		if n++; n > maxName {
			return strings.TrimSpace(s[:i])
		}
	}
	return strings.TrimSpace(s)
}

// pictureAt evaluates an expression of Profile.Picture.
func pictureAt(doc strictjson.Object, expression string) string {
	if strings.Contains(expression, "{") {
		return filled(doc, expression)
	}
	return textAt(doc, expression)
}

// pictureURL returns s if a browser would only fetch it, else "".
func pictureURL(s string) string {
	u, err := url.Parse(s)
	if err != nil || len(s) > maxPicture || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil {
		return ""
	}
	return s
}

// firstOf returns the first result that is not empty.
func firstOf(expressions []string, evaluate func(string) string) string {
	for _, e := range expressions {
		if s := evaluate(e); s != "" {
			return s
		}
	}
	return ""
}
