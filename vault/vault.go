// Package vault keeps grants: the tokens that a provider issued for a user.
// Most programs do not import it: package wayleave does, and hands out an
// HTTP client that is authorised.
//
// A grant has one row, which owns its refresh token. Everything else holds the
// row's key. There are two kinds: the grant of a session ends with it, and a
// kept grant belongs to a user and a provider and outlives all sessions; see
// [Vault.Keep] and [Vault.KeepOffline].
//
// Tokens are sealed before they reach the store. A grant is refreshed by one
// caller at a time, of all processes that share the store, and the new tokens
// are written before anyone uses them.
package vault

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/wayleave/wayleave/internal/index"
	"github.com/wayleave/wayleave/internal/seal"
	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/store"
)

// Table and Purpose tell how rows are sealed, each under its own key, for
// whoever seals them anew when ring keys change.
const (
	Table   = store.Table("grant")
	Purpose = seal.Purpose("grant")
)

// Margin is the life that a token handed out still has, at least: enough for a
// request to reach an API and be checked there.
const Margin = 10 * time.Second

// ErrNoGrant: there is no such grant any more, or it has ended at the
// provider. The user has to sign in again.
var ErrNoGrant = errors.New("the grant has ended; the user has to sign in again")

// ID names a grant.
type ID = store.Key

// Provider is what the vault needs to know of one. The zero Provider is one
// that is not configured.
type Provider struct {
	Refresher Refresher
	Revoker   Revoker // nil: nothing is revoked
	// ClientID is the registration that grants are for: another one under the
	// same name could do nothing with them.
	ClientID string
	// RevocationEndsGrant: revoking one token takes back all that the user
	// ever granted to the app. It is done when a user disconnects the account,
	// and not when a session ends.
	RevocationEndsGrant bool
}

func (p Provider) known() bool { return p.Refresher != nil }

// Vault keeps grants in a store. It is safe for concurrent use.
type Vault struct {
	store store.Store
	ring  *seal.Ring
	index *index.Index
	// provider returns what is known of a provider's entry.
	provider func(name string) Provider
	names    []string // of those that are known

	mu       sync.Mutex
	flights  map[ID]*flight
	failures map[ID]*failure
	turns    map[string]chan struct{} // by provider
	work     sync.WaitGroup
	revoke   chan struct{} // has room for one: there is something to revoke
}

// New returns a Vault. provider tells of those that are named, and of others that
// it does not know them.
func New(s store.Store, ring *seal.Ring, x *index.Index, provider func(name string) Provider, names ...string) *Vault {
	return &Vault{store: s, ring: ring, index: x, provider: provider, names: names,
		flights: map[ID]*flight{}, failures: map[ID]*failure{}, turns: map[string]chan struct{}{}, revoke: make(chan struct{}, 1)}
}

// Wait returns when no refresh is under way, or with ctx: what a provider has
// rotated and nobody has written is lost. It is for the end of a program, when
// no new calls come.
func (v *Vault) Wait(ctx context.Context) error {
	done := make(chan struct{})
	go func() { v.work.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Keep stores the tokens of a login until expires, which is when its session
// ends at the latest, and returns the grant's name.
func (v *Vault) Keep(ctx context.Context, provider, login string, t *oauth.Tokens, expires time.Time) (ID, error) {
	return v.create(ctx, &grant{provider: provider, login: login, tokens: t, expires: expires})
}

// create writes a row under a new name.
func (v *Vault) create(ctx context.Context, g *grant) (ID, error) {
	var id ID
	rand.Read(id[:])
	rec, err := v.record(ctx, id, g)
	if err != nil {
		return ID{}, err
	}
	if _, err := v.store.Create(ctx, Table, id, rec); err != nil {
		return ID{}, fmt.Errorf("keep the grant: %w", err)
	}
	return id, nil
}

// Peek returns the tokens as they are, without refreshing them.
func (v *Vault) Peek(ctx context.Context, id ID) (*oauth.Tokens, error) {
	_, g, _, err := v.load(ctx, id)
	if err != nil {
		return nil, err
	}
	return g.tokens, nil
}

// IDToken returns the ID token of the login that made the grant, nil if there
// was none. It is for the hint that a provider gets at logout.
func (v *Vault) IDToken(ctx context.Context, id ID) (*oauth.IDToken, error) {
	g, _, err := v.read(ctx, id)
	if errors.Is(err, ErrNoGrant) || err == nil && g.tokens == nil {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return g.tokens.IDToken, nil
}

// Tokens returns tokens that are good for at least Margin, refreshing them if
// need be. A token of unknown lifetime is good until an API refuses it. A token
// that still lives is handed out also while it cannot be refreshed, unless the
// grant has ended: then, and if there is none, the error is ErrNoGrant. Any
// other error is passing, and the grant is as it was.
func (v *Vault) Tokens(ctx context.Context, id ID) (*oauth.Tokens, error) {
	id, g, _, err := v.load(ctx, id)
	if err != nil {
		return nil, err
	}
	if g.tokens.Valid(time.Now(), Margin) {
		return g.tokens, nil
	}
	fresh, err := v.refresh(ctx, id, g.tokens.AccessToken, false)
	if err != nil && !errors.Is(err, ErrNoGrant) && g.tokens.Valid(time.Now(), 0) {
		return g.tokens, nil
	}
	return fresh, err
}

// renewEvery is how often a grant is refreshed for APIs that refuse its token:
// one that refuses all of them must not keep the provider busy.
const renewEvery = 10 * time.Second

// Renew returns other tokens than refused, which an API did not accept. Its
// errors are those of Tokens, and [oauth.ErrJustRenewed] if that was done for
// this very token seconds ago.
func (v *Vault) Renew(ctx context.Context, id ID, refused *oauth.Tokens) (*oauth.Tokens, error) {
	id, g, _, err := v.load(ctx, id)
	if err != nil {
		return nil, err
	}
	if age := time.Since(g.renewed); same(g.tokens.AccessToken, refused.AccessToken) && age >= 0 && age < renewEvery {
		return nil, fmt.Errorf("renewed %v ago: %w", age.Round(time.Second), oauth.ErrJustRenewed)
	}
	return v.refresh(ctx, id, refused.AccessToken, true)
}

// load returns the row that owns the tokens of a grant, and its name. One that
// has ended is ErrNoGrant.
func (v *Vault) load(ctx context.Context, id ID) (ID, *grant, store.Version, error) {
	g, version, err := v.read(ctx, id)
	if err == nil && g.kept != (ID{}) {
		id = g.kept
		g, version, err = v.read(ctx, id)
	}
	switch {
	case err != nil:
		return ID{}, nil, 0, err
	case g.ended():
		return ID{}, nil, 0, ErrNoGrant
	}
	return id, g, version, nil
}

// read opens a row, whatever has become of the grant.
func (v *Vault) read(ctx context.Context, id ID) (*grant, store.Version, error) {
	if id == (ID{}) {
		return nil, 0, ErrNoGrant
	}
	rec, version, found, err := v.store.Get(ctx, Table, id)
	if err != nil {
		return nil, 0, fmt.Errorf("read the grant: %w", err)
	}
	if !found {
		return nil, 0, ErrNoGrant
	}
	plain, err := v.ring.Open(Purpose, rec.Value, string(id[:]))
	if err != nil {
		return nil, 0, fmt.Errorf("%w: its record does not open: %w", ErrNoGrant, err)
	}
	g, err := decodeGrant(plain)
	if err != nil {
		return nil, 0, fmt.Errorf("%w: %w", ErrNoGrant, err)
	}
	g.expires = rec.Expires
	return g, version, nil
}

func (v *Vault) record(ctx context.Context, id ID, g *grant) (store.Record, error) {
	plain, err := g.encode()
	if err != nil {
		return store.Record{}, err
	}
	rec := store.Record{Value: v.ring.Seal(Purpose, plain, string(id[:])), Expires: g.expires}
	switch {
	case g.revoking != nil:
		rec.Lookups, err = v.lookup(ctx, kindRevoking, g.provider)
	case g.user != "":
		rec.Lookups, err = v.lookup(ctx, kindUser, g.user)
	}
	return rec, err
}

func (v *Vault) lookup(ctx context.Context, kind byte, name string) ([]store.Key, error) {
	key, err := v.index.Key(ctx, kind, []byte(name))
	return []store.Key{key}, err
}
