// Package gateway puts sign-in in front of apps in any language: as a reverse
// proxy, or as the one that answers a proxy's question whether a request may
// pass.
//
// A request goes through the files of this package in this order: [Gateway]
// finds the site of its host and refuses what no upstream should see
// (gateway.go, admit.go), the site finds out who it is and what the rules say
// (site.go), and the route passes it on (proxy.go, upgrade.go) or the answer goes
// to the proxy that asked (verify.go).
package gateway

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/wayleave/wayleave"
	"github.com/wayleave/wayleave/gateway/config"
	"github.com/wayleave/wayleave/gateway/identity"
	"github.com/wayleave/wayleave/internal/seal"
	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/store"
)

// Options are what a gateway needs besides its file.
type Options struct {
	// Store and Keys as in wayleave.Config. The caller closes the store, after
	// the gateway.
	Store store.Store
	Keys  [][]byte
	// Logger gets what went wrong. Nil: nobody does.
	Logger *slog.Logger
	// RequestLog gets one line for each request where the file wants that, in one
	// Write each, from many goroutines at once. Nil: none.
	RequestLog io.Writer
	// Metrics counts. Nil: nobody does.
	Metrics *Metrics
	// OnEvent hears the story of each login, besides Metrics. Nil: nobody does.
	OnEvent func(context.Context, oauth.Event)
	// Transport makes the requests to upstreams. Nil: one for each upstream, as
	// the file says.
	Transport http.RoundTripper
}

// Gateway serves what one file says. It is safe for concurrent use. A file that
// changed makes another Gateway, which may share store and keys.
type Gateway struct {
	o      Options
	limits config.Limits
	log    config.Log
	// logging: there is a line for each request.
	logging bool
	sites   map[string]*site // by host, as in the Host header
	all     []*site
	peers   peers
	guard   *identity.Guard
	ring    *seal.Ring
	held    *held

	transports map[string]*http.Transport
}

// New makes a Gateway. It connects to nothing. The error joins all mistakes that
// only show here; see [config.Read] for those of the file itself.
func New(c *config.Config, o Options) (*Gateway, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Metrics == nil {
		o.Metrics = NewMetrics()
	}
	g := &Gateway{o: o, limits: c.Limits, log: c.Log, sites: map[string]*site{}, peers: peers{c.TrustedProxies, c.TrustUnix},
		guard: newGuard(c), transports: map[string]*http.Transport{}}
	g.held = newHeld(g.o.Metrics)
	g.logging = g.logsRequests()
	var err error
	if g.ring, err = newRing(o.Keys); err != nil {
		return nil, err
	}
	var errs []error
	for _, cs := range c.Sites {
		s, err := g.newSite(c, cs)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		g.sites[s.host] = s
		g.all = append(g.all, s)
	}
	if err := errors.Join(errs...); err != nil {
		g.Close()
		return nil, err
	}
	return g, nil
}

// Check asks the store whether it answers and was sealed with the keys.
func (g *Gateway) Check(ctx context.Context) error {
	for _, s := range g.all {
		if err := s.auth.Check(ctx); err != nil {
			return err
		}
	}
	return nil
}

// AdminHandler serves "wayleave sessions" and "wayleave keys"; see
// wayleave.Auth.AdminHandler. All sites share one store.
func (g *Gateway) AdminHandler() http.Handler { return g.all[0].auth.AdminHandler() }

// CheckProviders asks the providers of each site; see wayleave.Auth.CheckProviders.
func (g *Gateway) CheckProviders(ctx context.Context) []wayleave.ProviderCheck {
	var all []wayleave.ProviderCheck
	for _, s := range g.all {
		all = append(all, s.auth.CheckProviders(ctx)...)
	}
	return all
}

// event tells about logins.
func (g *Gateway) event(ctx context.Context, e oauth.Event) {
	g.o.Metrics.event(e)
	if c, ok := e.(oauth.Checked); ok && c.Err != nil && c.Check == oauth.CheckRefresh {
		g.o.Logger.LogAttrs(ctx, slog.LevelWarn, "refresh failed", slog.String("provider", c.Is.Provider), slog.String("login", c.Is.Login), slog.String("error", c.Err.Error()))
	}
	if g.o.OnEvent != nil {
		g.o.OnEvent(ctx, e)
	}
}

// EndHeld ends WebSockets and event streams, and those that are opened from now on.
// A server that stops calls it when it takes no more connections.
func (g *Gateway) EndHeld() { g.held.close() }

// Close waits for logins and refreshes that are under way, at most 45 seconds,
// and closes connections to upstreams. Stop serving requests first.
func (g *Gateway) Close() error {
	g.held.close()
	var errs []error
	for _, s := range g.all {
		errs = append(errs, s.auth.Close())
	}
	for _, t := range g.transports {
		t.CloseIdleConnections()
	}
	return errors.Join(errs...)
}

// ServeHTTP implements http.Handler.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v := visit{g: g, began: time.Now(), r: r, answer: answer{ResponseWriter: w, last: w.Header().Get("Connection") == "close"}}
	v.client, v.trusted = g.peers.client(r)
	v.boundBody()
	defer v.told() // also when a handler panics to cut the connection
	if s, rest, ok := g.verifies(r, v.trusted); ok {
		s.verify(&v, rest)
		return
	}
	if !v.admit() {
		return
	}
	v.site.serve(&v)
}

// siteOf returns the site of a Host header, or nil. The default port may stand
// there, and letters may be of any case; nothing else is forgiven.
func (g *Gateway) siteOf(host string) *site {
	if s := g.sites[host]; s != nil {
		return s
	}
	host = strings.ToLower(host)
	for _, port := range [...]struct{ suffix, scheme string }{{":443", "https"}, {":80", "http"}} {
		if name, ok := strings.CutSuffix(host, port.suffix); ok {
			if s := g.sites[name]; s != nil && s.base.Scheme == port.scheme {
				return s
			}
		}
	}
	return g.sites[host]
}
