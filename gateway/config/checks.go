package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/wayleave/wayleave/gateway/rules"
)

// checkFile looks at what concerns several parts of the file.
func checkFile(d *decoder, f found, c *written) {
	for _, p := range c.peers {
		c.TrustUnix = c.TrustUnix || p.unix
		if !p.unix {
			c.TrustedProxies = append(c.TrustedProxies, p.prefix)
		}
	}
	top := slices.DeleteFunc([]string{"base_url", "base_path", "home", "branding", "forward_auth", "routes"}, func(k string) bool { return !f.has(k) })
	switch {
	case f.has("sites") && len(top) > 0:
		n, path := f.at(top[0])
		d.bad(n, path, "is of one site, and there is a list of sites too", "move it into an entry of sites")
	case f.has("sites"):
		c.Sites = c.sites
	default:
		for _, name := range []string{"base_url", "routes"} {
			if !f.has(name) {
				d.missing(f.n, name, siteCure[name])
			}
		}
		checkSite(d, f, topSite(c))
	}
	if !f.has("keys") && !d.misspelt["keys"] && !c.Store.IsZero() && c.Store.Reveal() != "memory:" {
		d.bad(f.n, "keys", "is missing, and the store outlives this process", `make a file with "wayleave keys new FILE" and name it here`)
	}
	checkListeners(d, f, c.Config)
	baseURLs := map[string]bool{}
	for i := range c.Sites {
		s := &c.Sites[i]
		if baseURLs[s.BaseURL] && s.BaseURL != "" {
			d.badAt(d.places[join(s.Path, "base_url")], join(s.Path, "base_url"), "is that of another site", "give each site an address of its own, or put the routes into one")
		}
		baseURLs[s.BaseURL] = true
		checkSiteProviders(d, c.Config, s)
		for j := range s.Routes {
			checkForwardAuth(d, c.Config, &s.Routes[j])
		}
	}
}

var siteCure = map[string]string{
	"base_url": "write the address at which browsers reach the app, such as https://app.example.com",
	"routes":   "write a list such as [{path: /, upstream: http://127.0.0.1:3000, allow: signed_in}]",
}

// checkListeners: health has an address of its own, and tells the inside.
func checkListeners(d *decoder, f found, c *Config) {
	n, path := f.at("health")
	switch {
	case c.Health == Address{}:
	case c.Health == c.Listen:
		d.bad(n, path, "is the address of listen", "give it an address of its own, such as 127.0.0.1:8002")
	case !c.Health.isLocal():
		d.warn(n, path, "other machines can reach the metrics at this address", "use 127.0.0.1 unless a firewall keeps others away")
	}
	if c.Admin == (Address{}) {
		return
	}
	for _, other := range []struct {
		name string
		Address
	}{{"listen", c.Listen}, {"health", c.Health}} {
		if c.Admin == other.Address {
			n, path := f.at("admin")
			d.bad(n, path, "is the address of "+other.name, "give it a socket of its own, such as unix:/run/wayleave/admin.sock")
		}
	}
}

// checkForwardAuth: a route without upstream is asked about by a proxy.
func checkForwardAuth(d *decoder, c *Config, r *Route) {
	if r.Upstream.URL == nil && len(c.TrustedProxies) == 0 && !c.TrustUnix && !d.wrong(join(r.Path, "upstream")) && !d.wrong("trusted_proxies") {
		d.badAt(d.places[r.Path], join(r.Path, "upstream"), "is missing", "write where the app is, such as http://127.0.0.1:3000; for forward-auth list the proxy in trusted_proxies")
	}
}

// checkSiteProviders holds the names of providers, in sites and in rules,
// against those that there are.
func checkSiteProviders(d *decoder, c *Config, s *Site) {
	var all []string
	for _, p := range c.Providers {
		all = append(all, p.Name)
	}
	check := func(path string, names, known []string, where string) {
		for i, name := range names {
			at := path
			if entry := fmt.Sprintf("%s[%d]", path, i); d.has(entry) {
				at = entry
			}
			if name != "" && !slices.Contains(known, name) && len(known) > 0 {
				cure := didYouMean(name, known)
				if cure == "" {
					cure = "there are " + strings.Join(known, ", ")
				}
				d.badAt(d.places[at], at, fmt.Sprintf("no provider of %s is called %q", where, shortened(name)), cure)
			}
		}
	}
	check(join(s.Path, "providers"), s.Providers, all, "this file")
	offered, where := all, "this file"
	if len(s.Providers) > 0 {
		offered, where = s.Providers, "this site"
	}
	for i := range s.Routes {
		r := &s.Routes[i]
		checkToken(d, r, offered)
		for j, a := range r.Rule.Allow {
			path := d.allowPath(r, j)
			check(join(path, "providers"), a.Providers, offered, where)
			if len(a.Groups) > 0 && !d.anyGroups(c, offered, a) {
				at := join(path, "groups")
				d.warnings = append(d.warnings, d.mistake(d.places[at], at, "no provider here tells groups, so that this allows nobody", "use another condition, or say in the provider's entry where groups are"))
			}
		}
	}
}

// checkToken finds out whose token a route's upstream gets.
func checkToken(d *decoder, r *Route, offered []string) {
	at := join(r.Path, "access_token")
	if !r.accessToken || len(offered) == 0 || d.wrong(at) || d.wrong(join(r.Path, "allow")) {
		return
	}
	if r.TokenOf = oneProvider(r.Rule.Allow, offered); r.TokenOf == "" {
		d.badAt(d.places[at], at, "it is not clear whose token the upstream gets", "name one provider in each alternative of allow, such as allow: {providers: ["+offered[0]+"]}")
	}
}

// oneProvider is the provider that everybody who is allowed signed in with, or "".
func oneProvider(allow []rules.Alternative, offered []string) string {
	if len(offered) == 1 {
		return offered[0]
	}
	one := ""
	for _, a := range allow {
		if len(a.Providers) != 1 || one != "" && one != a.Providers[0] {
			return ""
		}
		one = a.Providers[0]
	}
	return one
}

// allowPath is where an alternative stands: allow, or an entry of it.
func (d *decoder) allowPath(r *Route, i int) string {
	path := join(r.Path, "allow")
	if entry := fmt.Sprintf("%s[%d]", path, i); d.has(entry) {
		return entry
	}
	return path
}

// anyGroups reports whether some provider of a rule could tell groups. Google
// and GitHub do not by themselves.
func (d *decoder) anyGroups(c *Config, offered []string, a rules.Alternative) bool {
	return slices.ContainsFunc(c.Providers, func(p Provider) bool {
		asked := slices.Contains(offered, p.Name) && (len(a.Providers) == 0 || slices.Contains(a.Providers, p.Name))
		return asked && (p.Preset != "google" && p.Preset != "github" || d.has(join(p.Path, "groups")))
	})
}
