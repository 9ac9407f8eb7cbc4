package identity

import (
	"net/http"
	"strings"
)

// User is what an upstream is told. The zero User is nobody: all headers are
// there and empty, so that nothing of a client's can stand in for them.
type User struct {
	ID, Provider, Subject string
	// Email is told only if EmailVerified.
	Email         string
	EmailVerified bool
	Name          string
	Groups        []string
}

// maxGroups is how many bytes of groups are told: upstreams refuse requests
// whose headers are too large.
const maxGroups = 4 << 10

// Set writes the headers. Call [Guard.Clean] before.
//
// Values are ASCII: what is not, and the percent sign, is percent-encoded
// UTF-8. Groups are separated by commas; a comma in a name is encoded.
func (n Names) Set(h http.Header, u User) {
	email := u.Email
	if !u.EmailVerified {
		email = ""
	}
	groups, cut := joined(u.Groups)
	names := [...]string{n.User, n.Provider, n.Subject, n.Email, n.Name, n.Groups, n.GroupsCut}
	values := []string{encoded(u.ID), encoded(u.Provider), encoded(u.Subject), encoded(email), encoded(u.Name), groups, cut}
	for i, name := range names {
		if name != "" { // one allocation for all values: this runs on every request
			h[http.CanonicalHeaderKey(name)] = values[i : i+1 : i+1]
		}
	}
}

// joined lists whole groups as long as they fit.
func joined(groups []string) (list, cut string) {
	if len(groups) == 0 {
		return "", ""
	}
	var b strings.Builder
	for _, g := range groups {
		g = strings.ReplaceAll(encoded(g), ",", "%2C")
		if g == "" {
			continue
		}
		if b.Len()+len(g)+1 > maxGroups {
			return b.String(), "true"
		}
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		b.WriteString(g)
	}
	return b.String(), ""
}

// encoded makes a text safe in a header: it holds neither controls nor bytes
// beyond ASCII, and blanks at its ends survive.
func encoded(s string) string {
	safe := func(i int) bool {
		c := s[i]
		return c > 0x20 && c < 0x7f && c != '%' || c == 0x20 && i > 0 && i < len(s)-1
	}
	first := 0
	for first < len(s) && safe(first) {
		first++
	}
	if first == len(s) {
		return s
	}
	const digits = "0123456789ABCDEF"
	b := append(make([]byte, 0, len(s)+16), s[:first]...)
	for i := first; i < len(s); i++ {
		if safe(i) {
			b = append(b, s[i])
		} else {
			b = append(b, '%', digits[s[i]>>4], digits[s[i]&15])
		}
	}
	return string(b)
}
