// Package rules decides who may do what at a gateway, and says why.
//
// A [Table] is a list of routes; the first whose path and method fit decides.
// Each route has alternatives, one of which has to be met completely. What
// nothing allows is denied.
package rules

import (
	"slices"
	"strings"
	"time"
)

// Subject is who makes a request, as far as rules can ask. The zero Subject is
// nobody.
type Subject struct {
	SignedIn bool
	ID       string // stable, for people who look at a decision
	Provider string
	// Email counts only if the provider says that it is verified.
	Email         string
	EmailVerified bool
	Groups, Roles []string
	Scopes        []string            // granted
	Claims        map[string][]string // others, by name
	// AuthTime is when the person proved to the provider who they are, where the
	// provider says it; Created is when they signed in here. Zero: not known.
	AuthTime, Created time.Time
}

// Request is what is asked for. Path is decoded and canonical: the same that
// the upstream gets.
type Request struct {
	Method string
	Path   string
}

// Route is some of the paths of a site, and who may use them.
type Route struct {
	// Path is a prefix that ends at a slash or at the end: "/admin" is
	// /admin and everything below, and not /administrator.
	Path string
	// Exact: Path alone, and nothing below it.
	Exact bool
	// Methods, in upper case. Empty: all.
	Methods []string
	// API: requests are answered with 401 and never sent to sign in.
	API bool
	// Allow are alternatives. Empty: nobody.
	Allow []Alternative
}

// Alternative is met if all that is set in it is met. The zero Alternative is
// met by nobody.
type Alternative struct {
	Public   bool // everybody, signed in or not; with it nothing else can be set
	SignedIn bool // everybody who is signed in

	// Each list is met by any of its entries.
	Providers    []string
	Emails       []string
	EmailDomains []string
	Groups       []string
	Roles        []string
	Scopes       []string
	Claims       map[string][]string // each name is met by any of its values

	// MaxAge is how long ago the person may have proved who they are. Zero: any time.
	MaxAge time.Duration
}

// Outcome of a decision.
type Outcome int

// Outcomes. The zero Outcome denies.
const (
	Deny   Outcome = iota // signed in, and not allowed: 403
	SignIn                // not signed in, and signing in may help: the login, or 401
	Renew                 // signed in too long ago: the login, or 401
	Allow
)

func (o Outcome) String() string {
	return [...]string{"denied", "has to sign in", "has to sign in again", "allowed"}[o]
}

// Decision is an outcome and its reasons.
type Decision struct {
	Outcome Outcome
	// Route decided; -1 if none fits.
	Route int
	// Reasons are sentences for people, one for each alternative that was not
	// met, or the one that was. They name rules and not the subject's data.
	Reasons []string
	// MaxAge is what would do, if Outcome is Renew.
	MaxAge time.Duration
}

// Table is what a gateway was told, made ready to decide. The zero Table denies
// everything. It is immutable, and safe for concurrent use.
type Table struct {
	routes []Route
	allow  [][]alternative // of each route
}

// New makes a Table of routes, which are not changed from then on.
func New(routes ...Route) Table {
	t := Table{routes: routes}
	for _, r := range routes {
		var all []alternative
		for _, a := range r.Allow {
			all = append(all, a.ready())
		}
		t.allow = append(t.allow, all)
	}
	return t
}

// Find returns the index of the route that decides about a request, or -1.
func (t Table) Find(q Request) int {
	for i := range t.routes {
		if t.routes[i].fits(q) {
			return i
		}
	}
	return -1
}

// Decide finds the route and holds the subject against it. Where the subject is
// allowed it costs no allocation.
func (t Table) Decide(q Request, s *Subject, now time.Time) Decision {
	i := t.Find(q)
	if i < 0 {
		return Decision{Route: -1, Reasons: []string{"no route fits the path and method"}}
	}
	return t.At(i, s, now)
}

// At is Decide for a route that Find returned.
func (t Table) At(route int, s *Subject, now time.Time) Decision {
	d := decide(t.allow[route], s, now)
	d.Route = route
	return d
}

// Public reports whether everybody may use the route.
func (t Table) Public(route int) bool {
	return slices.ContainsFunc(t.allow[route], func(a alternative) bool { return a.public })
}

func (r *Route) fits(q Request) bool {
	if len(r.Methods) > 0 && !slices.Contains(r.Methods, q.Method) {
		return false
	}
	if r.Exact || r.Path == q.Path {
		return r.Path == q.Path
	}
	below, ok := strings.CutPrefix(q.Path, r.Path)
	return ok && (strings.HasSuffix(r.Path, "/") || strings.HasPrefix(below, "/"))
}

func decide(alternatives []alternative, s *Subject, now time.Time) Decision {
	for i := range alternatives {
		if a := &alternatives[i]; a.outcome(s, now) == Allow {
			return Decision{Outcome: Allow, Reasons: a.allowed}
		}
	}
	if len(alternatives) == 0 {
		return Decision{Reasons: []string{"nobody may use this route"}}
	}
	var d Decision
	for i := range alternatives {
		a := &alternatives[i]
		outcome := a.outcome(s, now)
		// Of what could help, the least is asked for.
		if outcome != Deny && (d.Outcome == Deny || outcome < d.Outcome) {
			d.Outcome = outcome
		}
		if outcome == Renew {
			d.MaxAge = max(d.MaxAge, a.maxAge)
		}
		d.Reasons = append(d.Reasons, a.missing(s, outcome))
	}
	return d
}
