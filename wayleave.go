// Package wayleave signs users in with OAuth 2.0 and OpenID Connect, and calls
// APIs on their behalf.
//
// An app makes one [Auth] with [New], mounts it under /auth/, and wraps what
// needs a user with [Auth.RequireLogin]:
//
//	auth, err := wayleave.New(wayleave.Config{
//		BaseURL:   "http://localhost:8000",
//		Providers: []provider.Config{{Preset: provider.Google(), ClientID: id, ClientSecret: oauth.NewSecret(secret)}},
//	})
//	…
//	mux.Handle("/auth/", auth)
//	mux.Handle("/", auth.RequireLogin(home))
//
// In home, [CurrentUser] says who is there, and [Auth.Client] is an HTTP client
// that carries the user's access token and refreshes it.
//
// The flow itself, one method per step, is package oauth; this package adds
// what a web server needs around it: cookies, single use, sessions, pages.
package wayleave

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/wayleave/wayleave/internal/cookie"
	"github.com/wayleave/wayleave/internal/index"
	"github.com/wayleave/wayleave/internal/pages"
	"github.com/wayleave/wayleave/internal/seal"
	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/provider"
	"github.com/wayleave/wayleave/session"
	"github.com/wayleave/wayleave/store"
	"github.com/wayleave/wayleave/store/memory"
	"github.com/wayleave/wayleave/vault"
)

// Auth is the sign-in of one app: an http.Handler for everything under
// Config.BasePath, and what the app's own handlers need. It is safe for
// concurrent use. [Auth.Close] ends what it started.
type Auth struct {
	cfg       Config
	base      *url.URL
	providers []*provider.Provider
	handlers  map[string]http.Handler // by path
	avoid     []string                // paths that nobody returns to: our own
	pages     *pages.Pages

	ring     *seal.Ring
	sealer   *oauth.Sealer
	index    *index.Index
	store    store.Store
	ownStore bool
	sessions *session.Manager
	vault    *vault.Vault
	claims   *ledger

	jar     cookie.Jar
	process uint64 // ties pending logins to the claims that protect them; see claimsLife
	csrf    http.CrossOriginProtection

	byAddress *limiter
	byBrowser *limiter

	usualAnswer atomic.Pointer[[]byte] // see loginRequired

	exchanges sync.WaitGroup // logins that are being completed
	upkeep    *upkeep
}

// New checks cfg and makes an Auth. It connects to nothing: providers and
// stores across a network are asked when they are first needed. The error joins
// all mistakes, each an [*oauth.ConfigError].
func New(cfg Config) (*Auth, error) {
	errs := cfg.normalise()
	a := &Auth{cfg: cfg}
	var err error
	if a.providers, err = cfg.newProviders(cfg.OnEvent); err != nil {
		errs = append(errs, err)
	}
	if a.pages, err = pages.New(cfg.Branding.site()); err != nil {
		errs = append(errs, &oauth.ConfigError{Field: "Branding", Reason: err.Error()})
	}
	if err := a.makeRing(); err != nil {
		errs = append(errs, &oauth.ConfigError{Field: "Keys", Reason: err.Error(), Cure: "make each of 32 bytes from a cryptographic random source"})
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	a.base, _ = url.Parse(cfg.BaseURL) // parsed before
	a.jar = cookie.Jar{Secure: a.base.Scheme == "https", Instance: instanceOf(cfg.BaseURL)}
	a.openStore()
	a.byAddress = newLimiter(cfg.LoginRate, max(1, 10*cfg.LoginRate))
	a.byBrowser = newLimiter(20, 200)
	a.avoid = []string{cfg.BasePath}
	for _, p := range a.providers {
		a.avoid = append(a.avoid, a.callbackPathOf(p))
	}
	a.handlers = a.routes()
	a.upkeep = newUpkeep()
	// A proxy in front may change the Host header: our origin is still this one.
	if err := a.csrf.AddTrustedOrigin(cfg.BaseURL); err != nil {
		return nil, err
	}
	return a, nil
}

func (a *Auth) makeRing() error {
	keys := a.cfg.Keys
	if len(keys) == 0 {
		key := make([]byte, seal.KeySize)
		rand.Read(key)
		keys = [][]byte{key}
	}
	var err error
	if a.ring, err = seal.NewRing(keys...); err != nil {
		return err
	}
	a.sealer, err = oauth.NewSealer(a.cfg.BaseURL, keys...)
	return err
}

func (a *Auth) openStore() {
	a.store = a.cfg.Store
	if a.store == nil {
		a.store, a.ownStore = memory.New(memory.Options{}), true
	}
	a.index = index.New(a.store, a.ring)
	a.sessions = session.NewManager(a.store, a.ring, a.index, a.cfg.BaseURL, session.Lifetimes{Idle: a.cfg.IdleTimeout, Absolute: a.cfg.SessionLifetime, PerUser: a.cfg.SessionsPerUser})
	var names []string
	for _, p := range a.providers {
		names = append(names, p.Name())
	}
	a.vault = vault.New(a.store, a.ring, a.index, func(name string) vault.Provider {
		p := a.provider(name)
		if p == nil {
			return vault.Provider{}
		}
		return vault.Provider{Refresher: p.Client, Revoker: p.Client, ClientID: p.Client.ClientID(), RevocationEndsGrant: p.RevocationEndsGrant()}
	}, names...)
	a.claims = &ledger{store: a.store, index: a.index, ring: a.ring}
	if a.ownStore {
		// In a place of their own, so that a flood of callbacks cannot take
		// the room of sessions.
		a.claims.store = memory.New(memory.Options{MaxRecords: 250_000, MaxBytes: 64 << 20})
	}
	a.process = a.claims.claimsLife(context.Background()) // a store across a network is asked nothing yet
}

// Check asks the store whether it answers and was sealed with the configured
// keys: an app that calls it when it starts hears of wrong keys then, and not
// from its users. What is merely unwise about the store's servers, such as that
// they may evict sessions, is logged as a warning.
func (a *Auth) Check(ctx context.Context) error {
	if _, err := a.index.Key(ctx, claimKind, nil); err != nil {
		return err
	}
	if s, ok := a.store.(store.Adviser); ok {
		warnings, err := s.Check(ctx)
		if err != nil {
			return err
		}
		for _, w := range warnings {
			a.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "the store's servers are not as they should be", slog.String("warning", w))
		}
	}
	a.startUpkeep()
	return nil
}

// Close waits for logins and refreshes that are under way, at most 45 seconds,
// and ends what goes on beside the requests. It closes connections that are kept
// open, and the store if New made it. Stop serving requests first.
func (a *Auth) Close() error {
	a.finish()
	for _, p := range a.providers {
		p.Client.CloseIdle()
	}
	if a.ownStore {
		return errors.Join(a.store.Close(), a.claims.store.Close())
	}
	return nil
}

// provider returns the provider with that name, or nil.
func (a *Auth) provider(name string) *provider.Provider {
	for _, p := range a.providers {
		if p.Name() == name {
			return p
		}
	}
	return nil
}

// instanceOf tells apart apps on one http host, whose cookies would otherwise
// overwrite each other: cookies ignore ports.
func instanceOf(baseURL string) string {
	sum := sha256.Sum256([]byte(baseURL))
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:5]))[:6]
}
