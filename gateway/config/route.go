package config

import (
	"regexp"
	"strings"
	"time"
)

var routeShape = object("a route", "a map with path, allow and upstream", []key[Route]{
	at("path", routePath(), func(r *Route) *string { return &r.Rule.Path },
		"A prefix: `/admin` is /admin and everything below it, and not /administrator. Written decoded, as people read it."),
	at("exact", routePath(), func(r *Route) *string { return &r.Rule.Path },
		"One path alone, instead of `path`."),
	at("methods", list(method(), 1), func(r *Route) *[]string { return &r.Rule.Methods },
		"The methods of this route, in upper case.").says("all of them"),
	at("allow", allowShape, allowed,
		"Who may: `public`, `signed_in`, `nobody`, or conditions. Within a map all have to be met; of a list of maps, one.").must(),
	at("upstream", upstreamShape, func(r *Route) *Upstream { return &r.Upstream },
		"Where the app is. Without it, the route only answers a proxy in front (forward-auth)."),
	at("timeout", duration(), func(r *Route) *time.Duration { return &r.Upstream.Timeout },
		"How long until the upstream's answer begins.").says("60s"),
	at("api", boolean(), func(r *Route) *bool { return &r.Rule.API },
		"Answer 401 and never with a page or a redirect to sign in.").or("false"),
	at("headers", headersShape, names,
		"The headers that tell the upstream who is there: `wayleave`, `oauth2-proxy`, `none`, or names of your own.").or("wayleave"),
	at("assertion", text("the audience, such as the upstream's address"), func(r *Route) *string { return &r.Assertion },
		"Send a signed token for this audience in X-Wayleave-Assertion."),
	at("access_token", boolean(), func(r *Route) *bool { return &r.accessToken },
		"Send the user's access token to this upstream as `Authorization`.").or("false"),
	at("pass_authorization", boolean(), func(r *Route) *bool { return &r.PassAuthorization },
		"Leave the client's own `Authorization` in the request, for an upstream that checks it itself. Else it is removed.").or("false"),
	at("origins", list(origin("an origin such as https://app.example.com"), 1), func(r *Route) *[]string { return &r.Origins },
		"Other origins whose pages may open WebSockets here."),
	at("max_body", size(true), func(r *Route) *int64 { return &r.MaxBody },
		"The largest body of a request.").says("limits.body"),
}, checkRoute)

func routePath() shape[string] {
	return scalar("a path such as /admin", pattern(`^/[^?*^|\\\[\]{}]*$`, "/", "/admin"), func(text string) (string, *fault) {
		return text, cleanPath(text)
	})
}

var methodRE = regexp.MustCompile("^[A-Z][A-Z0-9_-]{0,31}$")

func method() shape[string] {
	return scalar("a method such as GET", pattern(methodRE.String(), "GET", "POST"), func(text string) (string, *fault) {
		upper := strings.ToUpper(text)
		switch {
		case methodRE.MatchString(text):
			return text, nil
		case methodRE.MatchString(upper):
			return "", &fault{cure: "write " + upper}
		}
		return "", &fault{}
	})
}

func checkRoute(d *decoder, f found, r *Route) {
	r.Rule.Exact = f.has("exact")
	switch {
	case f.has("path") && f.has("exact"):
		n, path := f.at("exact")
		d.bad(n, path, "stands beside path", "keep one of them")
	case !f.has("path") && !f.has("exact"):
		d.missing(f.n, join(f.path, "path"), "write path: /admin for /admin and everything below it, or exact: /admin for that alone")
	case f.has("path") && strings.HasSuffix(r.Rule.Path, "/") && r.Rule.Path != "/":
		n, path := f.at("path")
		without := strings.TrimSuffix(r.Rule.Path, "/")
		d.warn(n, path, "does not cover "+without+" itself, which another route decides", "write "+without)
	}
	for _, name := range []string{"timeout", "access_token"} {
		if n, path := f.at(name); f.has(name) && !f.has("upstream") && !d.wrong(join(f.path, "upstream")) && (name != "access_token" || r.accessToken) {
			d.bad(n, path, "needs an upstream", "write where the app is, or remove this key")
		}
	}
	if n, path := f.at("pass_authorization"); r.accessToken && r.PassAuthorization {
		d.bad(n, path, "stands beside access_token, and both are one header", "keep one of them")
	}
	if n, path := f.at("timeout"); f.has("timeout") && d.has(join(f.path, "upstream.timeout")) {
		d.bad(n, path, "is told by upstream too", "keep one of them")
	}
}
