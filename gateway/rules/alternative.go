package rules

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// alternative is an Alternative made ready: its sentences are written once.
type alternative struct {
	public     bool
	conditions []condition // in the order in which people read them
	maxAge     time.Duration
	allowed    []string // the reason, where it is met
	all        string   // all that it needs
}

// condition is one thing that an alternative asks for.
type condition struct {
	says string // after "needs "
	met  func(*Subject) bool
}

// maxSkew is how far a provider's clock may be ahead.
const maxSkew = time.Minute

// outcome holds a subject against an alternative. One that asks for nothing is a
// mistake, and must not let everybody in.
func (a *alternative) outcome(s *Subject, now time.Time) Outcome {
	switch {
	case a.public:
		return Allow
	case len(a.conditions) == 0:
		return Deny
	case !s.SignedIn:
		return SignIn
	}
	for i := range a.conditions {
		if !a.conditions[i].met(s) {
			return Deny
		}
	}
	if a.maxAge == 0 {
		return Allow
	}
	switch age := now.Sub(s.AuthTime); {
	case s.AuthTime.IsZero() && now.Sub(s.Created) < a.maxAge:
		return Deny // signing in once more would not tell either
	case s.AuthTime.IsZero() || age > a.maxAge || age < -maxSkew:
		return Renew
	}
	return Allow
}

// missing says what an alternative needs that the subject has not.
func (a *alternative) missing(s *Subject, o Outcome) string {
	if len(a.conditions) == 0 {
		return "the rule allows nobody"
	}
	if o == SignIn {
		return "needs " + a.all
	}
	var list []string
	for _, c := range a.conditions {
		if !c.met(s) {
			list = append(list, c.says)
		}
	}
	if len(list) == 0 && o == Deny {
		return a.ageSays() + ", and the provider does not say when the person proved who they are"
	}
	if len(list) == 0 {
		return a.ageSays()
	}
	return "needs " + strings.Join(list, " and ")
}

func (a *alternative) ageSays() string {
	return fmt.Sprintf("needs a sign-in of the last %v", a.maxAge)
}

// ready is what New makes of an alternative.
func (a Alternative) ready() alternative {
	r := alternative{public: a.Public, maxAge: a.MaxAge}
	if a.Public {
		r.allowed = []string{"the route is public"}
		return r
	}
	add := func(says string, met func(*Subject) bool) {
		r.conditions = append(r.conditions, condition{says, met})
	}
	anyOf := func(what string, wanted []string, has func(*Subject) []string) {
		if len(wanted) == 0 {
			return
		}
		add(what+" "+strings.Join(wanted, " or "), func(s *Subject) bool {
			list := has(s)
			return slices.ContainsFunc(wanted, func(w string) bool { return w != "" && slices.Contains(list, w) })
		})
	}
	if a.SignedIn || a.MaxAge > 0 {
		add("to be signed in", func(s *Subject) bool { return s.SignedIn })
	}
	if len(a.Providers) > 0 {
		add("the provider "+strings.Join(a.Providers, " or "), func(s *Subject) bool { return s.Provider != "" && slices.Contains(a.Providers, s.Provider) })
	}
	if len(a.Emails) > 0 {
		add("the verified address "+strings.Join(a.Emails, " or "), func(s *Subject) bool {
			address, _ := mailbox(s)
			return address != "" && slices.ContainsFunc(a.Emails, func(e string) bool { return strings.EqualFold(e, address) })
		})
	}
	if len(a.EmailDomains) > 0 {
		add("a verified address at "+strings.Join(a.EmailDomains, " or "), func(s *Subject) bool {
			_, domain := mailbox(s)
			return domain != "" && slices.ContainsFunc(a.EmailDomains, func(d string) bool { return inDomain(domain, d) })
		})
	}
	anyOf("the group", a.Groups, func(s *Subject) []string { return s.Groups })
	anyOf("the role", a.Roles, func(s *Subject) []string { return s.Roles })
	anyOf("the scope", a.Scopes, func(s *Subject) []string { return s.Scopes })
	for _, name := range slices.Sorted(maps.Keys(a.Claims)) {
		if len(a.Claims[name]) == 0 {
			add("the claim "+name+" to be one of nothing", func(*Subject) bool { return false })
		}
		anyOf("the claim "+name+" to be", a.Claims[name], func(s *Subject) []string { return s.Claims[name] })
	}
	var all []string
	for _, c := range r.conditions {
		all = append(all, c.says)
	}
	if a.MaxAge > 0 {
		all = append(all, fmt.Sprintf("a sign-in of the last %v", a.MaxAge))
	}
	r.all = strings.Join(all, " and ")
	r.allowed = []string{"is allowed: has " + r.all}
	return r
}
