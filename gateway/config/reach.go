package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/wayleave/wayleave/gateway/rules"
)

// The first route that fits decides. These look for routes whose place in the
// list is probably not what was meant.

// checkReached: a route behind one that has all of its requests never decides.
func checkReached(d *decoder, s *Site, i int, at string) {
	for j := range i {
		if s.Routes[j].covers(&s.Routes[i]) {
			d.warnings = append(d.warnings, d.mistake(d.places[at], at, fmt.Sprintf("is never reached: the route of line %d has all of its paths and methods", d.places[s.Routes[j].Path].line),
				"put this route before that one"))
			return
		}
	}
}

// checkOtherMethods: what a route asks for is asked of its methods alone. Others
// at its path go on to a wider route, which may ask for less.
func checkOtherMethods(d *decoder, s *Site, i int) {
	r := &s.Routes[i]
	if len(r.Rule.Methods) == 0 || slices.ContainsFunc(r.Rule.Allow, func(a rules.Alternative) bool { return a.Public }) {
		return
	}
	for j := range s.Routes {
		wider := &s.Routes[j]
		switch same := wider.Rule.Path == r.Rule.Path; {
		case same && j != i && (j > i || len(wider.Rule.Methods) == 0):
			return // which is looked at, or decides about all others
		case j > i && wider.hasPath(r) && len(wider.Rule.Allow) > 0 && !slices.Equal(wider.Rule.Methods, r.Rule.Methods):
			at := join(r.Path, "methods")
			d.warnings = append(d.warnings, d.mistake(d.places[at], at, fmt.Sprintf("other methods at %s are decided by the route of line %d", r.Rule.Path, d.places[wider.Path].line),
				"if that is not meant, put a route for "+r.Rule.Path+" without methods behind this one, such as with allow: nobody"))
			return
		}
	}
}

// covers reports whether no request is left for a later route.
func (r *Route) covers(later *Route) bool {
	a, b := r.Rule, later.Rule
	if a.Path == "" || b.Path == "" {
		return false
	}
	for _, m := range b.Methods {
		if len(a.Methods) > 0 && !slices.Contains(a.Methods, m) {
			return false
		}
	}
	if len(a.Methods) > 0 && len(b.Methods) == 0 {
		return false
	}
	return r.hasPath(later)
}

// hasPath reports whether all paths of the other route are this one's too.
func (r *Route) hasPath(other *Route) bool {
	a, b := r.Rule, other.Rule
	if a.Path == b.Path {
		return !a.Exact || b.Exact
	}
	return !a.Exact && strings.HasPrefix(b.Path, strings.TrimSuffix(a.Path, "/")+"/")
}
