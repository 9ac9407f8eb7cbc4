package rules

import "strings"

// mailbox returns an address that is verified and reads the same to everybody,
// and its domain in lower case; else nothing. One with two at signs, quotes,
// comments or letters that are not ASCII is none for a decision.
func mailbox(s *Subject) (address, domain string) {
	if !s.EmailVerified || len(s.Email) > 254 {
		return "", ""
	}
	local, domain, ok := strings.Cut(s.Email, "@")
	if !ok || local == "" || len(local) > 64 || strings.Contains(domain, "@") || !isDomain(domain) {
		return "", ""
	}
	for i := range len(local) {
		if c := local[i]; !isAlphanumeric(c) && strings.IndexByte("!#$%&'*+-/=?^_`{|}~.", c) < 0 {
			return "", ""
		}
	}
	return s.Email, strings.ToLower(domain)
}

func isDomain(d string) bool {
	if d == "" || strings.HasPrefix(d, ".") || strings.HasSuffix(d, ".") || strings.Contains(d, "..") {
		return false
	}
	for i := range len(d) {
		if c := d[i]; !isAlphanumeric(c) && c != '-' && c != '.' {
			return false
		}
	}
	return true
}

func isAlphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// inDomain: "acme.example" is that domain alone, ".acme.example" all below it.
func inDomain(domain, wanted string) bool {
	wanted = strings.ToLower(wanted)
	if strings.HasPrefix(wanted, ".") {
		return len(wanted) > 1 && strings.HasSuffix(domain, wanted)
	}
	return domain == wanted
}
