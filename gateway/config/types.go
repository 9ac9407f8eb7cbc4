// Package config reads the file that says what a gateway protects, and for whom.
//
// [Read] reports all mistakes at once, each with its place in the file and a
// cure. The types are what a file means: addresses parsed, defaults filled in,
// secrets fetched. How a file is written is declared once, in tables of keys
// (file.go, site.go, route.go, allow.go, provider.go): from them come the
// reading, the suggestions, the [Schema] for editors, and the reference in
// docs/config.md.
package config

import (
	"net/netip"
	"net/url"
	"slices"
	"time"

	"github.com/wayleave/wayleave/gateway/identity"
	"github.com/wayleave/wayleave/gateway/rules"
	"github.com/wayleave/wayleave/oauth"
)

// Config is one file. It is read-only after [Read], and safe for concurrent use.
type Config struct {
	// Files were read: the file itself and those it names secrets and values in.
	// A change of one of them is a change of the configuration.
	Files []string
	// Warnings are of a file that is valid and probably not what was meant.
	Warnings Mistakes

	Listen Address // default 127.0.0.1:8000
	TLS    TLS
	Sites  []Site // one at least; base_url and routes at the top of the file are one site
	// Keys are paths of key files, made by "wayleave keys new"; the first key of
	// the first one seals. Empty with the memory store only.
	Keys      []string
	Store     oauth.Secret // URL, see store.Open: it may hold a password; relative file paths are relative to the config file's folder
	Providers []Provider   // in the order of the file
	// TrustedProxies may say for whom they speak, in X-Forwarded headers and to
	// the forward-auth addresses. Empty: nobody.
	TrustedProxies []netip.Prefix
	TrustUnix      bool    // "unix" in the list: peers of a unix socket
	Health         Address // /livez, /readyz and /metrics; zero: off
	Admin          Address // unix socket for "wayleave sessions"; zero: off
	Session        Session
	Limits         Limits
	Log            Log

	file   string
	places map[string]place
}

// ProvidersOf are the providers that people can sign in with at a site: those that
// it names, or all.
func (c *Config) ProvidersOf(s Site) []Provider {
	if len(s.Providers) == 0 {
		return c.Providers
	}
	var list []Provider
	for _, p := range c.Providers {
		if slices.Contains(s.Providers, p.Name) {
			list = append(list, p)
		}
	}
	return list
}

// Address is where to listen: "host:port", "unix:/path", or "systemd:name", a
// socket passed by the service manager under that name. The zero Address is none.
type Address struct{ Network, Address string } // Network: tcp, unix, systemd

// TLS is a certificate with its key, as PEM files that are read again when they
// change. The zero TLS is a plain listener.
type TLS struct{ Certificate, Key string }

// Site is what browsers see under one base URL.
type Site struct {
	BaseURL   string   // scheme and host
	BasePath  string   // default /auth
	Home      string   // default /
	Providers []string // names; default: all
	// ForwardAuth answers proxies that ask. Read sets it where a route has no upstream.
	ForwardAuth bool
	Routes      []Route
	Branding    Branding
	// Path in the file, for messages: "sites[0]", or empty for the top.
	Path string
}

// Branding is how our pages look; see wayleave.Branding.
type Branding struct {
	AppName  string
	LogoPath string // on the app's own origin
	Accent   string // #rrggbb
	Language string
}

// Route is some of the paths of a site: who may use them, and what serves them.
type Route struct {
	Rule     rules.Route
	Upstream Upstream
	Headers  identity.Names // what tells the upstream who is there; default identity.Default
	// Assertion is the audience of the signed assertion; empty: none.
	Assertion string
	// TokenOf is the provider whose access token of the user is sent as
	// Authorization: a token is for the upstreams of its provider, and never goes to
	// another's. Empty: none is sent.
	TokenOf string
	// PassAuthorization leaves the client's own Authorization header in the
	// request: the upstream checks it itself. Default: it is removed.
	PassAuthorization bool
	// Origins, besides the site's own, may open WebSockets.
	Origins []string
	// MaxBody in bytes; 0: Limits.Body, -1: none.
	MaxBody int64
	// Path in the file, for messages: "sites[0].routes[2]".
	Path string

	accessToken bool // asked for
}

// Upstream is the server behind. The zero Upstream is none: the route is for
// forward-auth only.
type Upstream struct {
	// URL has the scheme http or https. Its path, without a slash at the end,
	// is put in front of the request's.
	URL      *url.URL
	Socket   string        // of a unix socket; URL is then http://localhost
	H2C      bool          // HTTP/2 without TLS; written as the scheme h2c
	CAFile   string        // PEM file, instead of the system's roots
	PassHost bool          // the upstream sees the public Host; default true
	Timeout  time.Duration // until its answer begins; default 60 s
}

// Provider is one entry of providers.
type Provider struct {
	Name, Label, Preset string // Preset: google, github, entra or empty; default: Name, if it is one
	ClientID            string
	ClientSecret        oauth.Secret
	ClientAuth          oauth.ClientAuth
	Issuer              string
	Tenants             []string

	AuthorizeURL, TokenURL, UserInfoURL, JWKSURL, RevocationURL, EndSessionURL string

	Scopes, MoreScopes, RequireScopes []string
	Offline                           bool
	AuthParams                        map[string]string
	RequireClaims                     map[string][]string
	RequireLogoutType                 bool
	Subject                           string
	CallbackPath                      string
	CAFile                            string
	AllowAddresses                    []netip.Prefix
	Development                       bool
	DevelopmentHosts                  []string
	// Groups and Roles are the claims that hold them, as dotted paths: "groups"
	// and "roles" unless the entry says otherwise, "realm_access.roles" for some.
	Groups, Roles string
	// Path in the file, for messages: "providers.acme".
	Path string
}

// Session bounds sessions; see wayleave.Config.
type Session struct {
	Idle, Lifetime time.Duration // default 1 h, 12 h
	PerUser        int           // default 100, -1: no limit
	LogoutHereOnly bool
}

// Limits bound what one client can cost.
type Limits struct {
	Header     int           // bytes of request line and header; default 32 KiB
	Body       int64         // bytes; default 100 MiB, -1: none
	HeaderTime time.Duration // until the header has arrived; default 10 s
	BodyTime   time.Duration // without any progress of a body; default 30 s
	Idle       time.Duration // of a kept connection; default 2 min
	Upgraded   time.Duration // longest life of a WebSocket; default 12 h
	Logins     float64       // completed, per second and address; default 50
	Drain      time.Duration // for requests under way at the end; default 30 s
}

// Log is what is logged, to the standard output.
type Log struct {
	Level    string // debug, info, warn, error; default info
	Format   string // json, text; default json
	Requests bool   // one line for each request; default true
	Emails   bool   // e-mail addresses in clear; default false
}
