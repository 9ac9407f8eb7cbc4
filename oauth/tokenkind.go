package oauth

import "strings"

// tokenKind is what differs between ID tokens and logout tokens, which for the
// rest are verified alike (OpenID Connect Back-Channel Logout section 2.6).
type tokenKind struct {
	a, noun  string   // "an ID token", "the ID token"
	types    []string // permitted values of typ; "" is none
	wantType string   // the same, for people
	checks   string   // how the names of the checks begin
	fault    Fault    // whose fault it is unless a check knows better
}

var idTokenKind = tokenKind{a: "an ID token", noun: "the ID token", types: []string{"", "jwt", "application/jwt"}, wantType: "typ JWT, or none",
	checks: string(CheckIDToken), fault: FaultProvider}

// checkFor is the name of a check for this kind of token.
func (k tokenKind) checkFor(check Check) Check {
	if rest, ok := strings.CutPrefix(string(check), string(CheckIDToken)); ok {
		return Check(k.checks + rest)
	}
	return check
}
