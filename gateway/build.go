package gateway

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"

	"github.com/wayleave/wayleave"
	"github.com/wayleave/wayleave/gateway/assertion"
	"github.com/wayleave/wayleave/gateway/config"
	"github.com/wayleave/wayleave/gateway/identity"
	"github.com/wayleave/wayleave/gateway/rules"
	"github.com/wayleave/wayleave/internal/seal"
	"github.com/wayleave/wayleave/provider"
)

// newSite makes one site of a file.
func (g *Gateway) newSite(c *config.Config, cs config.Site) (*site, error) {
	base, err := url.Parse(cs.BaseURL)
	if err != nil {
		return nil, fmt.Errorf("base_url: %w", err)
	}
	s := &site{g: g, base: base, host: base.Host, basePath: cs.BasePath, asked: cs.ForwardAuth, names: map[string]providerNames{}}
	providers, err := s.providers(c, cs)
	if err != nil {
		return nil, err
	}
	s.auth, err = wayleave.New(wayleave.Config{
		BaseURL: cs.BaseURL, BasePath: cs.BasePath, Home: cs.Home, Providers: providers, Keys: g.o.Keys, Store: g.o.Store,
		IdleTimeout: c.Session.Idle, SessionLifetime: c.Session.Lifetime, SessionsPerUser: c.Session.PerUser, LogoutHereOnly: c.Session.LogoutHereOnly,
		SessionClaims: s.claimsUsed(cs), LoginRate: c.Limits.Logins, ClientAddress: g.peers.address,
		Branding: wayleave.Branding{AppName: cs.Branding.AppName, LogoPath: cs.Branding.LogoPath, Accent: cs.Branding.Accent, Language: cs.Branding.Language},
		OnEvent:  g.event, Logger: g.o.Logger,
	})
	if err != nil {
		if placed := c.ConfigMistakes(cs, err); len(placed) > 0 {
			return nil, placed
		}
		return nil, err
	}
	if s.signer, err = assertion.New(g.ring, cs.BaseURL); err == nil {
		err = s.addRoutes(c, cs)
	}
	if err != nil {
		return nil, errors.Join(err, s.auth.Close())
	}
	return s, nil
}

// providers makes the site's providers.
func (s *site) providers(c *config.Config, cs config.Site) ([]provider.Config, error) {
	var list []provider.Config
	var errs []error
	for _, cp := range c.ProvidersOf(cs) {
		p, err := providerConfig(cp)
		if err != nil {
			errs = append(errs, config.Mistakes{c.Mistake("providers."+cp.Name+".ca_file", err.Error(), "")})
			continue
		}
		list = append(list, p)
		s.names[cp.Name] = providerNames{groups: cp.Groups, roles: cp.Roles}
	}
	return list, errors.Join(errs...)
}

func providerConfig(c config.Provider) (provider.Config, error) {
	p := c.Config()
	if c.CAFile == "" {
		return p, nil
	}
	pool, err := config.ReadAuthorities(c.CAFile)
	p.RootCAs = pool
	return p, err
}

// claimsUsed are the claims that the site's rules and headers need.
func (s *site) claimsUsed(cs config.Site) []string {
	used := map[string]bool{}
	for _, n := range s.names {
		used[n.groups], used[n.roles] = true, true
	}
	for _, r := range cs.Routes {
		for _, a := range r.Rule.Allow {
			for name := range a.Claims {
				used[name] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(used))
}

func (s *site) addRoutes(c *config.Config, cs config.Site) error {
	var errs []error
	var all []rules.Route
	for _, cr := range cs.Routes {
		r, mistake := s.newRoute(c, cr)
		if mistake != nil {
			errs = append(errs, config.Mistakes{*mistake})
			continue
		}
		s.routes = append(s.routes, r)
		all = append(all, cr.Rule)
	}
	s.table = rules.New(all...)
	return errors.Join(errs...)
}

func (s *site) newRoute(c *config.Config, cr config.Route) (*route, *config.Mistake) {
	wrong := func(key, reason, cure string) (*route, *config.Mistake) {
		return nil, new(c.Mistake(cr.Path+"."+key, reason, cure))
	}
	r := &route{site: s, rule: cr.Rule, headers: cr.Headers, audience: cr.Assertion, tokenOf: cr.TokenOf,
		origins: append([]string{s.base.Scheme + "://" + s.base.Host}, cr.Origins...), maxBody: cr.MaxBody, keepAuthorization: cr.PassAuthorization,
		streams: cr.Upstream.URL != nil && (cr.Upstream.H2C || cr.Upstream.URL.Scheme == "https")}
	if r.maxBody == 0 {
		r.maxBody = c.Limits.Body
	}
	if r.tokenOf != "" {
		r.csrf = http.NewCrossOriginProtection()
		for _, origin := range r.origins {
			if err := r.csrf.AddTrustedOrigin(origin); err != nil {
				return wrong("origins", err.Error(), "")
			}
		}
	}
	if cr.Upstream.URL == nil {
		if !s.g.peers.any() {
			return wrong("upstream", "is missing, and without trusted_proxies nobody can ask about the route", "add an upstream, or the proxies that ask")
		}
		return r, nil
	}
	transport := s.g.o.Transport
	if transport == nil {
		var err error
		if transport, err = s.g.transport(cr.Upstream); err != nil {
			return wrong("upstream.ca_file", err.Error(), "")
		}
	}
	r.proxy = s.newProxy(r, cr.Upstream, transport)
	return r, nil
}

// newGuard removes from requests what any upstream of the file could believe: a
// name that one route uses is dangerous on every other.
func newGuard(c *config.Config) *identity.Guard {
	var used []identity.Names
	for _, s := range c.Sites {
		for _, r := range s.Routes {
			used = append(used, r.Headers)
		}
	}
	return identity.NewGuard(used...)
}

func newRing(keys [][]byte) (*seal.Ring, error) {
	if len(keys) == 0 {
		return seal.NewRandomRing(), nil
	}
	return seal.NewRing(keys...)
}
