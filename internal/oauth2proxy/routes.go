package oauth2proxy

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// upstream is a server, and the paths that it serves. With no address it is
// none: a proxy in front only asks who may pass.
type upstream struct {
	area
	address string
}

// upstreams are in the order in which theirs looks them up: longest path first.
func (c *conversion) upstreams() []upstream {
	var all []upstream
	for _, raw := range c.list("upstream") {
		u, why := readUpstream(raw)
		if why == "" && slices.ContainsFunc(all, func(other upstream) bool { return other.area == u.area }) {
			why = "two have the same path; the first is taken"
		}
		if below := (area{path: c.basePath}); why == "" && below.holds(u.area) {
			why = "one is at the path of the gateway's own pages, base_path"
		}
		if why != "" {
			c.tell("upstream", Changed, "%s", why)
			continue
		}
		if len(all) < mostEntries-mostRoutes {
			all = append(all, u)
		}
	}
	if len(all) == 0 {
		if !c.has("upstream") {
			c.tell("upstream", Changed, "it is not set: the route only answers a proxy in front that asks (forward-auth); write upstream if the gateway passes requests on")
		}
		all = []upstream{{area: everything}}
		c.asked = true
	}
	slices.SortStableFunc(all, func(a, b upstream) int {
		if a.exact != b.exact && strings.TrimSuffix(a.path, "/") == strings.TrimSuffix(b.path, "/") {
			return map[bool]int{true: -1, false: 1}[a.exact]
		}
		return len(b.path) - len(a.path)
	})
	return all
}

// readUpstream reads one, or says why there is none of ours. A path that ends
// with a slash is a prefix to theirs, another one is exact.
func readUpstream(raw string) (upstream, string) {
	u, err := url.Parse(raw)
	if err != nil {
		return upstream{}, "one is not an address, and is left out"
	}
	switch u.Scheme {
	case "unix":
		if socketPath(u.Path) {
			return upstream{everything, "unix:" + u.Path}, ""
		}
	case "file":
		return upstream{}, "files are not served: put a web server in front of them and name it here"
	case "static":
		return upstream{}, "fixed answers are not given; with auth_request none is needed"
	case "http", "https":
		at := area{path: u.Path, exact: !strings.HasSuffix(u.Path, "/")}
		if u.Path == "" {
			at = everything
		}
		if plainHost(u.Host) && u.User == nil && u.RawQuery == "" && u.Fragment == "" && clean(at.path) {
			return upstream{at, u.Scheme + "://" + u.Host}, ""
		}
	}
	return upstream{}, "one is not http://HOST:PORT/PATH, https:// or unix:///PATH in its plain form, and is left out"
}

// spread divides an area among the upstreams: those below it first, and then
// the one that serves the rest.
func spread(a area, upstreams []upstream) []upstream {
	var out []upstream
	for _, u := range upstreams {
		switch {
		case a.holds(u.area) && u.area != a:
			out = append(out, u)
		case u.holds(a):
			return append(out, upstream{a, u.address})
		}
	}
	return out
}

// routes: what is public first, then what is for programs, then the rest. The
// first that fits decides, and theirs asks in this order.
func (c *conversion) routes() []entries {
	t := &table{conversion: c, upstreams: c.upstreams()}
	if c.yes("skip-auth-preflight", false) {
		t.add(everything, []string{"OPTIONS"}, "public", false)
	}
	for _, flag := range []string{"skip-auth-route", "skip-auth-regex"} {
		t.skipped(flag)
	}
	allow := c.allow()
	for _, expression := range c.list("api-route") {
		found, narrower, ok := areas(expression)
		switch {
		case !ok:
			c.tell("api-route", NotNeeded, "an expression that is no plain path is left out: requests of scripts get 401 anyway, only navigations are sent to sign in")
		case narrower:
			c.tell("api-route", Changed, "a prefix ends at a slash: ^/api is /api and all below it, and not /apiary")
		}
		for _, a := range found {
			t.add(a, nil, allow, true)
		}
	}
	for _, u := range t.upstreams {
		t.put(u, nil, allow, c.yes("force-json-errors", false))
	}
	return t.rows
}

// table grows by routes.
type table struct {
	*conversion
	upstreams []upstream
	rows      []entries
	taken     []taken
}

type taken struct {
	area
	methods []string
}

// mostRoutes leaves room for those of the upstreams.
const mostRoutes = 500

func (t *table) add(a area, methods []string, allow any, api bool) {
	for _, u := range spread(a, t.upstreams) {
		if len(t.rows) >= mostRoutes {
			return
		}
		t.put(u, methods, allow, api)
	}
}

// put writes a route, unless an earlier one decides all that it is for.
func (t *table) put(u upstream, methods []string, allow any, api bool) {
	for _, earlier := range t.taken {
		if earlier.holds(u.area) && (earlier.methods == nil || slices.Equal(earlier.methods, methods)) {
			return
		}
	}
	if below := (area{path: t.basePath}); below.holds(u.area) {
		return
	}
	t.taken = append(t.taken, taken{u.area, methods})
	var r entries
	r.add(map[bool]string{true: "exact", false: "path"}[u.exact], u.path)
	r.addIf("methods", methods)
	if u.address != "" {
		r.add("upstream", t.server(u.address))
	}
	r.add("allow", allow)
	if api {
		r.add("api", true)
	}
	t.rows = append(t.rows, append(r, t.identity(u)...))
}

// server adds to an address what is set for all of theirs.
func (c *conversion) server(address string) any {
	s := entries{{key: "url", value: address}}
	if d, ok := c.period("upstream-timeout"); ok && d.Hours() <= 24*365 {
		s.add("timeout", written(d))
	}
	if !c.yes("pass-host-header", true) {
		s.add("pass_host", false)
	}
	if len(s) == 1 {
		return address
	}
	return s
}

var methodForm = regexp.MustCompile(`^[A-Z][A-Z_-]{0,31}$`)

// skipped writes the public routes of METHOD=EXPRESSION, METHOD!=EXPRESSION or
// EXPRESSION.
func (t *table) skipped(flag string) {
	for _, written := range t.list(flag) {
		method, expression, isRoute := strings.Cut(written, "=")
		if flag == "skip-auth-regex" || !isRoute {
			method, expression = "", written
		}
		var methods []string
		if method != "" {
			methods = []string{strings.ToUpper(method)}
		}
		found, narrower, ok := areas(expression)
		if !ok || method != "" && !methodForm.MatchString(methods[0]) {
			t.tell(flag, Changed, "an expression that is not one or a few plain paths stays a comment: write a path or prefix for it, or leave those pages behind the login")
			t.rows = append(t.rows, commented(written, methods))
			continue
		}
		if narrower {
			t.tell(flag, Changed, "a dot is a dot, and a prefix ends at a slash: ^/docs is /docs and all below it, and not /docs-old; ours never lets in more")
		}
		for _, a := range found {
			t.add(a, methods, "public", false)
		}
	}
}

// commented is a route for a person to complete.
func commented(written string, methods []string) entries {
	text := "Public for theirs: " + quote(written) + "\n- path: /…\n"
	if len(methods) == 1 && methodForm.MatchString(methods[0]) {
		text += "  methods: " + flow(methods) + "\n"
	}
	var e entries
	e.remark(text + "  allow: public")
	return e
}
