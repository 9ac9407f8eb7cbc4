// Package canonical gives each resource one path: the one that rules are held
// against and the one that the upstream gets are the same, and a path that two
// programs could read differently is refused.
package canonical

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// MaxPath is the longest path in bytes, as it is sent.
const MaxPath = 8 << 10

// Path is a path that has one meaning.
type Path struct {
	// Decoded is what rules are held against. It begins with a slash, holds no
	// empty segment (but for a slash at the end), no "." or "..", no control
	// character, backslash or semicolon.
	Decoded string
	// Escaped is what is sent to the upstream: each byte encoded that has to be,
	// in one way.
	Escaped string
}

// Error says why a path is ambiguous. It repeats nothing of the path.
type Error struct{ Reason string }

func (e *Error) Error() string { return "ambiguous path: " + e.Reason }

// Of reads the path of a request as it was sent (RFC 9112 section 3.2), without
// the query: escaped is [net/url.URL.EscapedPath], or the part of the request
// target before the question mark. The error is an *Error, to be answered
// with 400.
func Of(escaped string) (Path, error) {
	refuse := func(reason string, arg ...any) (Path, error) { return Path{}, &Error{fmt.Sprintf(reason, arg...)} }
	if len(escaped) > MaxPath {
		return refuse("it is longer than %d bytes", MaxPath)
	}
	if !strings.HasPrefix(escaped, "/") {
		return refuse("it does not begin with a slash")
	}
	if allPlain(escaped) { // as nearly all are
		if reason := segments(escaped); reason != "" {
			return refuse("%s", reason)
		}
		return Path{Decoded: escaped, Escaped: escaped}, nil
	}
	decoded := make([]byte, 0, len(escaped))
	for i := 0; i < len(escaped); i++ {
		c := escaped[i]
		encoded := c == '%'
		if encoded {
			var ok bool
			if c, ok = unhex(escaped[i+1:]); !ok {
				return refuse("a percent sign is not followed by two hexadecimal digits")
			}
			i += 2
		}
		switch {
		case c < 0x20 || c == 0x7f:
			return refuse("it holds a control character")
		case c == '\\':
			return refuse("it holds a backslash, which some read as a slash")
		case c == '/' && encoded:
			return refuse("it holds an encoded slash")
		case c == ';':
			return refuse("it holds a semicolon, behind which some see parameters")
		case !encoded && (c == '#' || c == '?' || c == ' ' || c >= 0x80):
			return refuse("it holds a character that has to be encoded")
		}
		decoded = append(decoded, c)
	}
	for i, c := range decoded {
		if _, twice := unhex(string(decoded[i+1 : min(i+3, len(decoded))])); c == '%' && twice {
			return refuse("it is encoded twice")
		}
	}
	if !utf8.Valid(decoded) {
		return refuse("it is not UTF-8")
	}
	p := Path{Decoded: string(decoded)}
	if reason := segments(p.Decoded); reason != "" {
		return refuse("%s", reason)
	}
	p.Escaped = escape(decoded)
	return p, nil
}

// segments says what is wrong with the parts between the slashes.
func segments(path string) string {
	rest := path[1:]
	for rest != "" {
		segment, after, more := strings.Cut(rest, "/")
		switch segment {
		case "":
			return "it holds an empty segment"
		case ".", "..":
			return "it holds a dot segment"
		}
		if strings.TrimRight(segment, ". ") == "" {
			return "it holds a segment of dots and spaces, which some drop"
		}
		if !more {
			break
		}
		rest = after
	}
	return ""
}

func unhex(s string) (byte, bool) {
	if len(s) < 2 {
		return 0, false
	}
	high, ok1 := digit(s[0])
	low, ok2 := digit(s[1])
	return high<<4 | low, ok1 && ok2
}

func digit(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

// escape encodes what RFC 3986 section 3.3 does not allow in a path.
func escape(path []byte) string {
	const hexDigits = "0123456789ABCDEF"
	var b strings.Builder
	for _, c := range path {
		if plain(c) {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(hexDigits[c>>4])
		b.WriteByte(hexDigits[c&15])
	}
	return b.String()
}

// plain are the bytes that stand for themselves.
func plain(c byte) bool { return c < 0x80 && plainTable[c] }

var plainTable = func() (t [0x80]bool) {
	for c := range byte(0x80) {
		t[c] = 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("/-._~!$&'()*+,=:@", c) >= 0
	}
	return t
}()

func allPlain(s string) bool {
	for i := range len(s) {
		if !plain(s[i]) {
			return false
		}
	}
	return true
}
