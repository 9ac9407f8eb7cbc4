package config

import (
	"fmt"
	"net/url"
	"path"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/wayleave/wayleave/gateway/canonical"
)

var siteShape = object("an entry of sites", "a map with base_url and routes", []key[Site]{
	at("base_url", baseURL(), func(s *Site) *string { return &s.BaseURL }, "The public address of the site, as browsers see it.").must(),
	at("base_path", basePath(), func(s *Site) *string { return &s.BasePath }, "Where its sign-in pages are.").says("/auth"),
	at("home", homePath(), func(s *Site) *string { return &s.Home }, "Where people go who asked for no page.").says("/"),
	at("branding", brandingShape, func(s *Site) *Branding { return &s.Branding }, "How its sign-in pages look."),
	at("providers", list(text("the name of a provider"), 1), func(s *Site) *[]string { return &s.Providers }, "The names of those that people can sign in with here.").says("all of them"),
	at("forward_auth", boolean(), func(s *Site) *bool { return &s.ForwardAuth }, forwardAuthDoc).says("true where a route has no upstream"),
	at("routes", routesShape, func(s *Site) *[]Route { return &s.Routes }, "Who may use which paths, and what serves them.").must(),
}, checkSite)

func baseURL() shape[string] { return origin("an address such as https://app.example.com") }

func basePath() shape[string] {
	const what = "a path such as /auth"
	return scalar(what, pattern(`^/[^?#%{}\\ ]+$`, "/auth"), func(text string) (string, *fault) {
		if f := cleanPath(text); f != nil {
			return "", f
		}
		if text == "/" || strings.HasSuffix(text, "/") || strings.ContainsAny(text, "{}%") {
			return "", &fault{cure: "use a path of its own, without a slash at the end"}
		}
		return text, nil
	})
}

func homePath() shape[string] {
	return scalar("a page of the app such as /start", pattern(`^/`, "/", "/start"), func(text string) (string, *fault) {
		u, err := url.Parse(text)
		if err != nil || u.Host != "" || u.Scheme != "" || strings.HasPrefix(text, "//") || !strings.HasPrefix(text, "/") || path.Clean(u.Path)+"/" != strings.TrimSuffix(u.Path, "/")+"/" && u.Path != "/" {
			return "", &fault{cure: "begin it with one slash"}
		}
		return text, nil
	})
}

// cleanPath refuses a path that the gateway would never see, or would see
// under another spelling. Paths are written decoded.
func cleanPath(text string) *fault {
	switch {
	case strings.ContainsAny(text, `*^[]{}|\`) || strings.HasSuffix(text, "$"):
		return &fault{"looks like a pattern, and paths are prefixes", "write /api for /api and everything below it, or exact: /api for that alone"}
	case !strings.HasPrefix(text, "/"):
		return &fault{cure: "begin it with a slash"}
	case strings.Contains(text, "?"):
		return &fault{"holds a question mark: rules see paths, not queries", "write the path alone"}
	}
	p, err := canonical.Of((&url.URL{Path: text}).EscapedPath())
	if err == nil && p.Decoded == text {
		return nil
	}
	if strings.Contains(text, "%") {
		if p, err = canonical.Of(text); err == nil {
			return &fault{"is encoded", "write it as people read it: " + p.Decoded}
		}
	}
	return &fault{"is no path that a request can have: " + strings.TrimPrefix(fmt.Sprint(err), "ambiguous path: "), ""}
}

var brandingShape = object("branding", "a map", []key[Branding]{
	at("app_name", text("a name"), func(b *Branding) *string { return &b.AppName }, "What people call the app, as in \"Sign in to Finance Tracker\"."),
	at("logo", matching("a path such as /logo.svg", `^/[^/\\]`, "it is a path on the app's own origin", "/logo.svg"), func(b *Branding) *string { return &b.LogoPath },
		"A square picture: a path on the app's own origin, which has to be public."),
	at("accent", matching(`a colour such as "#1a7f37"`, `^#[0-9a-fA-F]{6}$`, "write it in quotes, with six digits", "#1a7f37"), func(b *Branding) *string { return &b.Accent },
		"The colour of the main button, in quotes."),
	at("language", matching("a language such as en or pt-BR", `^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$`, "", "en", "pt-BR"), func(b *Branding) *string { return &b.Language },
		"The language of app_name."),
}, nil)

// routesShape knows its place, so that mistakes found later can be told there.
var routesShape = func() shape[[]Route] {
	sh := list(routeShape, 1)
	read := sh.read
	sh.read = func(d *decoder, n *yaml.Node, path string, into *[]Route) {
		read(d, n, path, into)
		for i := range *into {
			(*into)[i].Path = path
			if entry := fmt.Sprintf("%s[%d]", path, i); d.has(entry) {
				(*into)[i].Path = entry
			}
		}
	}
	return sh
}()

// checkSite fills in what routes are held against.
func checkSite(d *decoder, f found, s *Site) {
	s.Path = f.path
	for _, fill := range []struct {
		to  *string
		def string
	}{{&s.BasePath, "/auth"}, {&s.Home, "/"}} {
		if *fill.to == "" {
			*fill.to = fill.def
		}
	}
	below := func(p string) bool { return p == s.BasePath || strings.HasPrefix(p, s.BasePath+"/") }
	if home, _, _ := strings.Cut(s.Home, "?"); below(home) {
		n, path := f.at("home")
		d.bad(n, path, "lies below base_path ("+s.BasePath+")", "use a page of the app")
	}
	for i := range s.Routes {
		r := &s.Routes[i]
		s.ForwardAuth = s.ForwardAuth || r.Upstream.URL == nil
		key := "path"
		if r.Rule.Exact {
			key = "exact"
		}
		at := join(r.Path, key)
		if below(r.Rule.Path) {
			d.badAt(d.places[at], at, "lies below base_path ("+s.BasePath+"), where the sign-in pages are", "use another path, or move base_path")
			continue
		}
		checkReached(d, s, i, at)
		checkOtherMethods(d, s, i)
	}
}
