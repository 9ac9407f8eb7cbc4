package devidp

import (
	"slices"
	"strings"
)

// scope is one thing a client can ask for, and how the consent page says it.
type scope struct {
	name     string
	noun     string // in "wants to access your …"; empty: not mentioned there
	sentence string
}

var scopes = []scope{
	{"openid", "", "Know who you are when you sign in"},
	{"email", "email", "See your e-mail address"},
	{"profile", "profile", "See your name and picture"},
	{"transactions.read", "transactions", "See your accounts and transactions, without changing anything"},
	{"offline_access", "", "Keep this access while you are away"},
}

func scopeNames() []string {
	var names []string
	for _, s := range scopes {
		names = append(names, s.name)
	}
	return names
}

// knownScopes splits a scope parameter, in its order, without repetitions and
// without what is not known here, which OpenID Connect Core section 3.1.2.1 has
// providers ignore.
func knownScopes(parameter string) []string {
	var known []string
	for name := range strings.SplitSeq(parameter, " ") {
		if slices.Contains(scopeNames(), name) && !slices.Contains(known, name) {
			known = append(known, name)
		}
	}
	return known
}

// wants completes "Finance Tracker wants to …".
func wants(names []string) string {
	var nouns []string
	for _, s := range scopes {
		if s.noun != "" && slices.Contains(names, s.name) {
			nouns = append(nouns, s.noun)
		}
	}
	switch last := len(nouns) - 1; last {
	case -1:
		return "know who you are"
	case 0:
		return "access your " + nouns[0]
	default:
		return "access your " + strings.Join(nouns[:last], ", ") + " and " + nouns[last]
	}
}
