// Package vault keeps grants: the tokens that a provider issued for a user.
// Most programs do not import it: package wayleave does, and hands out an
// HTTP client that is authorised.
//
// A grant has one row, which owns its refresh token. Everything else holds the
// row's key. Tokens are sealed before they reach the store. Within one process a
// refresh is made by one caller at a time; the new tokens are written before
// anyone uses them. Processes that share a store do not yet take turns: with a
// provider that revokes a grant when an old refresh token appears twice, two of
// them that refresh at the same instant can lose it.
package vault

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/wayleave/wayleave/internal/seal"
	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/store"
)

const (
	table   = store.Table("grant")
	purpose = seal.Purpose("grant")
)

// Margin is the life that a token handed out still has, at least: enough for a
// request to reach an API and be checked there.
const Margin = 10 * time.Second

// ErrNoGrant: there is no such grant any more, or it has ended at the
// provider. The user has to sign in again.
var ErrNoGrant = errors.New("the grant has ended; the user has to sign in again")

// ID names a grant.
type ID = store.Key

// Vault keeps grants in a store. It is safe for concurrent use.
type Vault struct {
	store store.Store
	ring  *seal.Ring
	// provider returns who refreshes the grants of a provider's entry; nil
	// if it is no longer configured.
	provider func(name string) Refresher

	mu      sync.Mutex
	flights map[ID]*flight
}

// New returns a Vault.
func New(s store.Store, ring *seal.Ring, provider func(name string) Refresher) *Vault {
	return &Vault{store: s, ring: ring, provider: provider, flights: map[ID]*flight{}}
}

// Keep stores the tokens of a new grant until expires, and returns its name.
func (v *Vault) Keep(ctx context.Context, provider, login string, t *oauth.Tokens, expires time.Time) (ID, error) {
	var id ID
	rand.Read(id[:])
	g := &grant{provider: provider, login: login, tokens: t, expires: expires}
	rec, err := v.record(id, g)
	if err != nil {
		return ID{}, err
	}
	if _, err := v.store.Create(ctx, table, id, rec); err != nil {
		return ID{}, fmt.Errorf("keep the grant: %w", err)
	}
	return id, nil
}

// Drop deletes a grant. Dropping what is not there is no error.
func (v *Vault) Drop(ctx context.Context, id ID) error {
	if id == (ID{}) {
		return nil
	}
	if err := v.store.Delete(ctx, table, id); err != nil {
		return fmt.Errorf("drop the grant: %w", err)
	}
	return nil
}

// Peek returns the tokens as they are, without refreshing them.
func (v *Vault) Peek(ctx context.Context, id ID) (*oauth.Tokens, error) {
	g, _, err := v.load(ctx, id)
	if err != nil {
		return nil, err
	}
	return g.tokens, nil
}

// Tokens returns tokens that are good for at least Margin, refreshing them if
// need be. A token of unknown lifetime is good until an API refuses it. A token
// that still lives is handed out also while it cannot be refreshed, unless the
// grant has ended: then, and if there is none, the error is ErrNoGrant. Any
// other error is passing, and the grant is as it was.
func (v *Vault) Tokens(ctx context.Context, id ID) (*oauth.Tokens, error) {
	g, _, err := v.load(ctx, id)
	if err != nil {
		return nil, err
	}
	if g.tokens.Valid(time.Now(), Margin) {
		return g.tokens, nil
	}
	fresh, err := v.refresh(ctx, id, g.tokens.AccessToken)
	if err != nil && !errors.Is(err, ErrNoGrant) && g.tokens.Valid(time.Now(), 0) {
		return g.tokens, nil
	}
	return fresh, err
}

// Renew returns other tokens than refused, which an API did not accept. Its
// errors are those of Tokens.
func (v *Vault) Renew(ctx context.Context, id ID, refused *oauth.Tokens) (*oauth.Tokens, error) {
	return v.refresh(ctx, id, refused.AccessToken)
}

func (v *Vault) load(ctx context.Context, id ID) (*grant, store.Version, error) {
	if id == (ID{}) {
		return nil, 0, ErrNoGrant
	}
	rec, version, found, err := v.store.Get(ctx, table, id)
	if err != nil {
		return nil, 0, fmt.Errorf("read the grant: %w", err)
	}
	if !found {
		return nil, 0, ErrNoGrant
	}
	plain, err := v.ring.Open(purpose, rec.Value, string(id[:]))
	if err != nil {
		return nil, 0, fmt.Errorf("%w: its record does not open: %w", ErrNoGrant, err)
	}
	g, err := decodeGrant(plain)
	if err != nil {
		return nil, 0, fmt.Errorf("%w: %w", ErrNoGrant, err)
	}
	if g.tokens == nil {
		return nil, 0, ErrNoGrant
	}
	g.expires = rec.Expires
	return g, version, nil
}

func (v *Vault) record(id ID, g *grant) (store.Record, error) {
	plain, err := g.encode()
	if err != nil {
		return store.Record{}, err
	}
	return store.Record{Value: v.ring.Seal(purpose, plain, string(id[:])), Expires: g.expires}, nil
}
