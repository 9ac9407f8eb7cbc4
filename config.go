package wayleave

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/provider"
	"github.com/wayleave/wayleave/store"
	"github.com/wayleave/wayleave/store/memory"
)

// Config says how an app signs its users in. BaseURL, and a provider, are
// required. It is copied by New and read-only from then on.
//
//	permitted:  BaseURL: "https://app.example.com"
//	permitted:  BaseURL: "http://localhost:8000" (http is for this machine only)
//	prohibited: BaseURL: "http://app.example.com", "https://app.example.com/app"
type Config struct {
	// BaseURL is the public address of the app, as browsers see it: scheme
	// and host, without path. Redirect URIs and cookies are made from it,
	// never from what a request says about itself.
	BaseURL string
	// BasePath is the path under which the handler is mounted. Default: "/auth".
	BasePath string
	// Home is where people go who asked for no page. Default: "/".
	Home string

	// Providers are those that users can sign in with, in the order in which
	// the sign-in page lists them.
	Providers []provider.Config

	// Keys seal everything that leaves the process: cookies, states, stored
	// tokens. Each is 32 random bytes; the first one seals, all open. Without
	// keys, random ones are made at each start, and only the memory store can be used.
	Keys [][]byte
	// Store keeps sessions and grants. Nil: a memory store, which forgets
	// them when the process ends. The caller closes a store that it passed.
	Store store.Store

	// IdleTimeout ends a session without requests; SessionLifetime ends it in
	// any case. Defaults: 1 hour, 12 hours. At most 30 days.
	IdleTimeout     time.Duration
	SessionLifetime time.Duration

	// SessionsPerUser is how many sessions one user can have; with one more,
	// the oldest ends. Default: 100. Negative: no limit.
	SessionsPerUser int
	// LogoutHereOnly leaves the provider's own session alone when a user
	// signs out here. Default: where the provider has a place for it, the
	// browser goes there and signs out too, so that on a shared computer the
	// next person cannot come back with one click.
	LogoutHereOnly bool

	// SessionClaims are the claims to keep in the session, for decisions about
	// what a person may do, each a name such as "groups" or a path such as
	// "realm_access.roles"; see [provider.Identity.Values]. They say what was
	// true at the login. Default: none.
	SessionClaims []string

	// OnSignIn is called when a person has proved who they are, before a
	// session exists: create the user, or refuse with an error. An error made
	// by [Deny] is shown to the person; any other is logged, and they see that
	// it did not work. It is called once per login, maybe from several
	// goroutines for several people, with a context that ends after a few seconds.
	OnSignIn func(ctx context.Context, id *provider.Identity) error

	// Branding is how the pages look and what they say.
	Branding Branding

	// APITransport makes the requests of [Auth.Client]. Default: http.DefaultTransport.
	APITransport http.RoundTripper

	// LoginRate is how many logins a second one address may complete, and how
	// many back-channel logouts; ten times as many at once. Default: 50.
	LoginRate float64
	// ClientAddress returns the address of the person's machine for rate
	// limits; of an IPv6 address the first 64 bits count. Default: the peer of the
	// connection, which is right unless a proxy stands in front.
	ClientAddress func(*http.Request) string

	// OnEvent hears the story of each login; see [oauth.Event].
	OnEvent func(context.Context, oauth.Event)
	// Logger gets one line for each login that failed, and what the people
	// in it are shown as its reference. Default: none.
	Logger *slog.Logger

	_ struct{} // keyed fields only
}

// Deny makes an error for OnSignIn whose text is shown to the person.
func Deny(reason string) error { return &denied{reason} }

type denied struct{ reason string }

func (d *denied) Error() string { return d.reason }

// maxLifetime caps how long a session can live.
const maxLifetime = 30 * 24 * time.Hour

// normalise fills in defaults and returns all mistakes.
func (c *Config) normalise() []error {
	var errs []error
	bad := func(field, reason, cure string) {
		errs = append(errs, &oauth.ConfigError{Field: field, Reason: reason, Cure: cure})
	}
	if reason, cure := c.checkBaseURL(); reason != "" {
		bad("BaseURL", reason, cure)
		c.BaseURL = "https://app.invalid"
	}
	c.BaseURL = strings.TrimSuffix(c.BaseURL, "/")
	if c.BasePath == "" {
		c.BasePath = "/auth"
	}
	if !isCleanPath(c.BasePath) {
		bad("BasePath", fmt.Sprintf("is %q, which is not a clean path such as /auth", c.BasePath), "")
		c.BasePath = "/auth" // one mistake is told once: what is made of it is right again
	}
	if c.Home == "" {
		c.Home = "/"
	}
	if home, ok := cleanReturnTo(c.Home, c.BasePath); ok {
		c.Home = home
	} else {
		bad("Home", fmt.Sprintf("is %q, which is not a page of the app", c.Home), "use a path on the app's own origin that is not below BasePath")
	}
	if c.IdleTimeout == 0 {
		c.IdleTimeout = time.Hour
		if c.SessionLifetime > 0 {
			c.IdleTimeout = min(c.IdleTimeout, c.SessionLifetime)
		}
	}
	if c.SessionLifetime == 0 {
		c.SessionLifetime = max(12*time.Hour, c.IdleTimeout)
	}
	if c.IdleTimeout < time.Second || c.SessionLifetime < c.IdleTimeout || c.SessionLifetime > maxLifetime {
		bad("SessionLifetime", fmt.Sprintf("is %v with an IdleTimeout of %v", c.SessionLifetime, c.IdleTimeout), "use at least a second for idle, no more than the lifetime, and at most 30 days for that")
	}
	if c.SessionsPerUser == 0 {
		c.SessionsPerUser = 100
	}
	if len(c.Providers) == 0 {
		bad("Providers", "is empty", "add one, such as {Preset: provider.Google(), ClientID: …, ClientSecret: …}")
	}
	if _, inMemory := c.Store.(*memory.Store); len(c.Keys) == 0 && c.Store != nil && !inMemory {
		bad("Keys", "is empty, and the store outlives this process", "make 32 random bytes once, keep them, and give them to all processes")
	}
	if c.LoginRate == 0 {
		c.LoginRate = 50
	}
	if c.LoginRate < 0 {
		bad("LoginRate", fmt.Sprintf("is %g", c.LoginRate), "use a number above zero")
	}
	if c.ClientAddress == nil {
		c.ClientAddress = peerAddress
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return errs
}

// checkBaseURL says what is wrong with BaseURL, or nothing.
func (c *Config) checkBaseURL() (reason, cure string) {
	cure = "use the address at which browsers reach the app, such as https://app.example.com"
	u, err := url.Parse(c.BaseURL)
	switch {
	case c.BaseURL == "":
		return "is missing", cure
	case err != nil || u.Host == "" || strings.TrimSuffix(c.BaseURL, "/") != u.Scheme+"://"+u.Host:
		return "must be scheme and host, without user, path, query and fragment", cure
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		return "is http", "use https; http is for localhost only"
	case u.Scheme != "http" && u.Scheme != "https":
		return "is neither http nor https", cure
	case strings.ToLower(u.Host) != u.Host:
		return "has upper-case letters in its host", "write the host in lower case, as browsers do"
	}
	return "", ""
}

// newProviders makes the providers, each with its callback.
func (c *Config) newProviders(tell func(context.Context, oauth.Event)) ([]*provider.Provider, error) {
	var errs []error
	var out []*provider.Provider
	names, places := map[string]bool{}, map[string]string{}
	taken := map[string]bool{c.BasePath: true}
	for _, own := range []string{"/session", "/logout", "/signed-out", "/account", "/account/end", "/account/disconnect"} {
		taken[c.BasePath+own] = true
	}
	for _, pc := range c.Providers {
		callback := c.callbackPath(pc)
		p, err := provider.New(pc, c.BaseURL+callback, tell)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		switch {
		case !isCleanPath(callback):
			errs = append(errs, &oauth.ConfigError{Provider: p.Name(), Field: "CallbackPath", Reason: fmt.Sprintf("is %q, which is not a clean path such as /auth/%s/callback", callback, p.Name())})
		case taken[callback] || strings.HasPrefix(callback, c.BasePath+"/") && strings.HasSuffix(callback, "/login"):
			errs = append(errs, &oauth.ConfigError{Provider: p.Name(), Field: "CallbackPath", Reason: fmt.Sprintf("is %q, which something else is served at", callback), Cure: "give each provider a callback of its own"})
		}
		taken[callback] = true
		if names[p.Name()] {
			errs = append(errs, &oauth.ConfigError{Provider: p.Name(), Field: "Name", Reason: "is used twice", Cure: "give each provider a name of its own"})
		}
		// One issuer is one authorization server (RFC 9207 section 4): two
		// entries may be two registrations there, but not two places.
		place := strings.Join([]string{pc.AuthorizationURL, pc.TokenURL, pc.JWKSURL}, " ")
		if other, seen := places[p.Realm()]; seen && other != place {
			errs = append(errs, &oauth.ConfigError{Provider: p.Name(), Field: "Issuer", Reason: "is that of another entry, with other endpoints", Cure: "give entries of one issuer the same endpoints"})
		}
		names[p.Name()], places[p.Realm()] = true, place
		out = append(out, p)
	}
	return out, errors.Join(errs...)
}

// isCleanPath reports whether p is a path with one spelling only.
func isCleanPath(p string) bool {
	return strings.HasPrefix(p, "/") && p != "/" && path.Clean(p) == p && !strings.ContainsAny(p, "{}?#%\\ ")
}

// callbackPath is one path per provider, always: an answer that arrives at
// another provider's path is refused (RFC 9700 section 4.4.2.2).
func (c *Config) callbackPath(pc provider.Config) string {
	if pc.CallbackPath != "" {
		return pc.CallbackPath
	}
	return c.BasePath + "/" + pc.EffectiveName() + "/callback"
}
