package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/wayleave/wayleave/gateway/canonical"
	"github.com/wayleave/wayleave/gateway/config"
	"github.com/wayleave/wayleave/gateway/rules"
)

// person is what --as reads.
type person struct {
	Provider      string              `json:"provider"`
	Email         string              `json:"email"`
	EmailVerified *bool               `json:"email_verified"` // missing: true, since that is what one asks about
	Groups        []string            `json:"groups"`
	Roles         []string            `json:"roles"`
	Scopes        []string            `json:"scopes"`
	Claims        map[string][]string `json:"claims"`
	AuthTime      time.Time           `json:"auth_time"` // missing: now
}

// explainDecision prints what the rules say about one request, and why.
func (c *invocation) explainDecision() int {
	cfg, err := config.Read(c.config, os.LookupEnv)
	if err != nil {
		return c.failConfig(err)
	}
	method, target, ok := strings.Cut(strings.TrimSpace(c.request), " ")
	if !ok || method != strings.ToUpper(method) {
		return c.misuse(fmt.Errorf(`--request %q: give a method in upper case and a path, such as "GET /admin"`, c.request))
	}
	site, path, err := siteOf(cfg, strings.TrimSpace(target))
	if err != nil {
		return c.fail(err)
	}
	where, err := canonical.Of(path)
	switch {
	case !canonical.Method(method):
		fmt.Fprintln(c.stdout, "refused with 405, whoever asks: the method is never passed on")
		return 0
	case strings.Contains(target, "#"):
		err = errors.New("ambiguous request target: it holds a fragment")
		fallthrough
	case err != nil:
		fmt.Fprintf(c.stdout, "refused with 400, whoever asks: %v\n", err)
		return 0
	case isOwnPage(cfg, site, where.Decoded):
		fmt.Fprintf(c.stdout, "no rule decides: %s is one of Wayleave's own pages\n", where.Decoded)
		return 0
	}
	subject, who, err := readPerson(c.as)
	if err != nil {
		return c.fail(err)
	}
	withClaims(cfg, &subject)
	var all []rules.Route
	for _, r := range site.Routes {
		all = append(all, r.Rule)
	}
	d := rules.New(all...).Decide(rules.Request{Method: method, Path: where.Decoded}, &subject, time.Now())
	fmt.Fprintf(c.stdout, "%s: %s %s, %s\n", d.Outcome, method, where.Decoded, who)
	if d.Route >= 0 {
		r := site.Routes[d.Route]
		line, column := cfg.Position(r.Path)
		area := r.Rule.Path + " and below"
		if r.Rule.Exact {
			area = r.Rule.Path + " alone"
		}
		fmt.Fprintf(c.stdout, "decided by %s:%d:%d, %s, for %s\n", c.config, line, column, r.Path, area)
	}
	for i, reason := range d.Reasons {
		if i > 0 {
			reason = "or " + reason
		}
		fmt.Fprintf(c.stdout, "  %s\n", reason)
	}
	return 0
}

// isOwnPage is wayleave.Auth.Owns for a file.
func isOwnPage(c *config.Config, s config.Site, path string) bool {
	below, own := strings.CutPrefix(path, s.BasePath)
	return own && (below == "" || below[0] == '/') ||
		slices.ContainsFunc(c.ProvidersOf(s), func(p config.Provider) bool { return p.CallbackPath != "" && p.CallbackPath == path })
}

// siteOf finds the site of a path or a URL. A path will do where there is one site.
func siteOf(c *config.Config, target string) (config.Site, string, error) {
	if strings.HasPrefix(target, "/") {
		if len(c.Sites) > 1 {
			return config.Site{}, "", errors.New("the file has several sites: give the whole URL, such as " + c.Sites[0].BaseURL + target)
		}
		path, _, _ := strings.Cut(target, "?")
		return c.Sites[0], path, nil
	}
	scheme, rest, _ := strings.Cut(target, "://")
	host, path := rest, ""
	if i := strings.IndexAny(rest, "/?"); i >= 0 {
		host, path = rest[:i], rest[i:]
	}
	path, _, _ = strings.Cut(path, "?")
	// The gateway forgives these two things in a Host header, and no others.
	host = strings.ToLower(host)
	usual, _ := strings.CutSuffix(host, map[string]string{"https": ":443", "http": ":80"}[scheme])
	for _, s := range c.Sites {
		if s.BaseURL == scheme+"://"+host || s.BaseURL == scheme+"://"+usual {
			return s, cmp.Or(path, "/"), nil
		}
	}
	return config.Site{}, "", fmt.Errorf("no site of the file has the address %s; a request there is refused with 421", target)
}

// withClaims puts groups and roles where the person's provider has them: rules
// can ask for them there, too.
func withClaims(c *config.Config, s *rules.Subject) {
	for _, p := range c.Providers {
		if s.Provider != "" && s.Provider != p.Name {
			continue
		}
		for name, values := range map[string][]string{p.Groups: s.Groups, p.Roles: s.Roles} {
			if s.Claims[name] == nil && values != nil {
				if s.Claims == nil {
					s.Claims = map[string][]string{}
				}
				s.Claims[name] = values
			}
		}
	}
}

func readPerson(file string) (s rules.Subject, who string, err error) {
	if file == "" {
		return rules.Subject{}, "nobody signed in", nil
	}
	in := io.Reader(os.Stdin)
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return s, "", err
		}
		defer f.Close()
		in = f
	}
	d := json.NewDecoder(io.LimitReader(in, 1<<20))
	d.DisallowUnknownFields()
	var p person
	if err := d.Decode(&p); err != nil {
		return s, "", fmt.Errorf("%s: %w; it has provider, email, email_verified, groups, roles, scopes, claims (lists of texts by name) and auth_time", file, err)
	}
	if p.AuthTime.IsZero() {
		p.AuthTime = time.Now()
	}
	s = rules.Subject{SignedIn: true, Provider: p.Provider, Email: p.Email, EmailVerified: p.EmailVerified == nil || *p.EmailVerified,
		Groups: p.Groups, Roles: p.Roles, Scopes: p.Scopes, Claims: p.Claims, AuthTime: p.AuthTime, Created: p.AuthTime}
	who = "the person of " + file
	if p.Email != "" {
		who = p.Email
	}
	return s, who, nil
}
