// Package cookie finds one cookie in a request, exactly, and writes our own.
//
// Finding is stricter than net/http: a sibling site can add cookies to a
// request, so a name that comes twice is nobody's, and only the byte-exact
// name counts. It does not allocate, because it runs on every request.
package cookie

import (
	"net/http"
	"strings"
	"time"
)

// maxHeader bounds the work for one request.
const maxHeader = 32 << 10

// Find returns the value of the only cookie with this name. It returns n, how
// many there are; with any other number than one the value is empty, and the
// caller treats the cookie as absent.
func Find(h http.Header, name string) (value string, n int) {
	size := 0
	for _, line := range h["Cookie"] {
		if size += len(line); size > maxHeader {
			return "", 0
		}
		for line != "" {
			var pair string
			pair, line, _ = strings.Cut(line, ";")
			pair = trimBlanks(pair)
			if len(pair) > len(name) && pair[len(name)] == '=' && pair[:len(name)] == name {
				value = pair[len(name)+1:]
				n++
			}
		}
	}
	if n != 1 {
		return "", n
	}
	return value, n
}

// trimBlanks removes the blanks before a pair. There is one, nearly always.
func trimBlanks(pair string) string {
	for pair != "" && (pair[0] == ' ' || pair[0] == '\t') {
		pair = pair[1:]
	}
	return pair
}

// prefixes of the names that a Jar makes, in lower case.
var prefixes = [...]string{"__host-wayleave-", "__secure-wayleave-", "wayleave-"}

// Reserved reports whether a cookie's name is one of ours, or could be taken for
// one: browsers and programs differ about case and about blanks before a name.
func Reserved(name string) bool {
	name = strings.TrimSpace(name)
	for _, p := range prefixes {
		if len(name) >= len(p) && strings.EqualFold(name[:len(p)], p) {
			return true
		}
	}
	return false
}

// Without returns a Cookie header line without the cookies that are ours; the
// line itself where there are none.
func Without(line string) string {
	rest, kept, ours := line, make([]string, 0, 8), false
	for rest != "" {
		var pair string
		pair, rest, _ = strings.Cut(rest, ";")
		name, _, _ := strings.Cut(pair, "=")
		if Reserved(name) {
			ours = true
			continue
		}
		if pair = strings.TrimSpace(pair); pair != "" {
			kept = append(kept, pair)
		}
	}
	if !ours {
		return line
	}
	return strings.Join(kept, "; ")
}

// WithPrefix calls yield for each cookie whose name begins with prefix, at most 16 of them.
func WithPrefix(h http.Header, prefix string, yield func(name, value string)) {
	size, found := 0, 0
	for _, line := range h["Cookie"] {
		if size += len(line); size > maxHeader {
			return
		}
		for pair := range strings.SplitSeq(line, ";") {
			name, value, ok := strings.Cut(trimBlanks(pair), "=")
			if ok && strings.HasPrefix(name, prefix) {
				if found++; found > 16 {
					return
				}
				yield(name, value)
			}
		}
	}
}

// Jar names and writes the cookies of one app.
type Jar struct {
	// Secure is true on https. The names then carry the __Host- prefix,
	// which no sibling site can set.
	Secure bool
	// Instance tells apart apps on one http host: cookies ignore ports. Not used on https.
	Instance string
}

// Name returns the full name of a cookie that is sent to the whole host.
func (j Jar) Name(short string) string {
	if j.Secure {
		return "__Host-wayleave-" + short
	}
	return "wayleave-" + short + "-" + j.Instance
}

// PathName returns the full name of a cookie that is sent to one path only.
func (j Jar) PathName(short string) string {
	if j.Secure {
		return "__Secure-wayleave-" + short
	}
	return "wayleave-" + short + "-" + j.Instance
}

// Set writes a cookie for path. maxAge is rounded down to seconds; zero makes a cookie
// that lives as long as the browser runs. It is Lax: it comes along when the
// provider sends the browser back, and not with requests that another site makes.
func (j Jar) Set(w http.ResponseWriter, name, value, path string, maxAge time.Duration) {
	http.SetCookie(w, &http.Cookie{Name: name, Value: value, Path: path, MaxAge: int(maxAge / time.Second),
		Secure: j.Secure, HttpOnly: true, SameSite: http.SameSiteLaxMode})
}

// Clear deletes a cookie. Name, path and attributes must be those it was set
// with, or browsers keep it.
func (j Jar) Clear(w http.ResponseWriter, name, path string) {
	http.SetCookie(w, &http.Cookie{Name: name, Path: path, MaxAge: -1, Secure: j.Secure, HttpOnly: true, SameSite: http.SameSiteLaxMode})
}
