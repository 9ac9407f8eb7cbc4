package wayleave

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxReturnTo is the longest page address that is remembered, in bytes.
const maxReturnTo = 2048

// cleanReturnTo checks where a person wants to go after signing in. Only a path
// on our own origin passes, and what is returned was put together again from
// its parts. It is checked when a login starts and again when it ends.
//
// Rather than parse like a browser it refuses everything that two parsers read
// differently: backslashes, control characters and spaces, raw or after one
// decoding; a second slash or backslash at the start, raw or encoded; dot
// segments that could uncover one. avoid are the paths of our own endpoints,
// which would sign in or out again.
func cleanReturnTo(raw string, avoid ...string) (string, bool) {
	if raw == "" || len(raw) > maxReturnTo || raw[0] != '/' || !utf8.ValidString(raw) {
		return "", false
	}
	for i := range len(raw) {
		if c := raw[i]; c <= 0x20 || c == 0x7f || c == '\\' {
			return "", false
		}
	}
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" {
		return "", false
	}
	if !plainPath(u.Path) || slices.ContainsFunc(avoid, func(ours string) bool { return within(u.Path, ours) }) {
		return "", false
	}
	if q, err := url.QueryUnescape(u.RawQuery); err != nil || strings.ContainsAny(q, "\x00\r\n") {
		return "", false
	}
	u.Fragment, u.RawFragment = "", ""
	u.RawQuery = asciiOnly(u.RawQuery)
	out := u.String()
	if !strings.HasPrefix(out, "/") || strings.HasPrefix(out, "//") {
		return "", false
	}
	return out, true
}

// asciiOnly encodes what cannot stand in a header, and leaves the rest as it is.
func asciiOnly(query string) string {
	var b strings.Builder
	for i := range len(query) {
		if c := query[i]; c < 0x80 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// plainPath checks a path after one decoding.
func plainPath(p string) bool {
	if !strings.HasPrefix(p, "/") || !utf8.ValidString(p) {
		return false
	}
	for _, r := range p {
		// Format characters turn text around or hide it; some readers of
		// addresses drop them, and with them a segment's meaning.
		if r < 0x20 || r >= 0x7f && r < 0xa1 || r == '\\' || r >= 0x200b && r <= 0x200f || r >= 0x2028 && r <= 0x202e || r >= 0x2060 && r <= 0x206f || r == 0xfeff {
			return false
		}
	}
	rest := strings.TrimPrefix(p, "/")
	// Characters that are folded to a slash, backslash or dot somewhere.
	if strings.HasPrefix(rest, "/") || strings.HasPrefix(rest, "\uff0f") || strings.HasPrefix(rest, "\uff3c") || strings.HasPrefix(rest, "\u3002") {
		return false
	}
	for segment := range strings.SplitSeq(p, "/") {
		if segment == "." || segment == ".." {
			return false
		}
	}
	return true
}

// within reports whether path lies at or below base.
func within(path, base string) bool {
	return path == base || strings.HasPrefix(path, base+"/")
}

// pathAndQuery is the page that a request asked for, as it may be returned to.
func pathAndQuery(u *url.URL) string {
	p := u.EscapedPath()
	if u.RawQuery != "" {
		p += "?" + u.RawQuery
	}
	return p
}
