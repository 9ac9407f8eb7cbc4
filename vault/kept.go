package vault

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/wayleave/wayleave/internal/index"
	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/store"
)

// Kinds of keys in the index.
const (
	kindKept     = byte('k') // the row of a user's kept grant at a provider
	kindUser     = byte('g') // all kept grants of a user
	kindRevoking = byte('r') // all rows that wait to be revoked at a provider
)

// keptFor is how long a kept grant lives after it was last granted or
// refreshed. Providers end refresh tokens that nobody uses long before.
const keptFor = 400 * 24 * time.Hour

// KeepOffline stores the tokens of a login for use while the user is away, in
// the one row that this user has for the provider, and returns the name under
// which the session knows them. It keeps them when the session ends; only
// [Vault.Disconnect] gives them up.
//
// A login that brought no refresh token, as many do after the first, leaves
// the row as it is. If there is none, its tokens live with the session, as
// those of Keep.
func (v *Vault) KeepOffline(ctx context.Context, user, provider, login string, t *oauth.Tokens, expires time.Time) (ID, error) {
	id, kept, err := v.keep(ctx, &grant{provider: provider, login: login, user: user, tokens: t, since: time.Now()})
	if err != nil {
		return ID{}, err
	}
	if !kept {
		return v.Keep(ctx, provider, login, t, expires)
	}
	return v.create(ctx, &grant{provider: provider, login: login, kept: id, tokens: &oauth.Tokens{IDToken: t.IDToken}, expires: expires})
}

// keep writes a kept grant and reports whether there is one now.
func (v *Vault) keep(ctx context.Context, g *grant) (id ID, kept bool, err error) {
	if id, err = v.keptID(ctx, g.user, g.provider); err != nil {
		return ID{}, false, err
	}
	g.expires = g.since.Add(keptFor)
	for range 10 {
		old, version, err := v.read(ctx, id)
		absent := errors.Is(err, ErrNoGrant)
		switch {
		case err != nil && !absent:
			return ID{}, false, err
		case g.tokens.RefreshToken.IsZero():
			return id, !absent && !old.ended(), nil
		case absent:
			err = v.createAt(ctx, id, g)
		default:
			// Whoever refreshes the old tokens at this moment sees by the
			// row's version that it is not theirs any more.
			_, err = v.replace(ctx, id, version, g)
		}
		if err == nil || !errors.Is(err, store.ErrConflict) {
			return id, err == nil, err
		}
	}
	return ID{}, false, errors.New("keep the grant: its row changes all the time")
}

func (v *Vault) createAt(ctx context.Context, id ID, g *grant) error {
	rec, err := v.record(ctx, id, g)
	if err == nil {
		_, err = v.store.Create(ctx, Table, id, rec)
	}
	if errors.Is(err, store.ErrConflict) {
		// Maybe there is a row that does not open: sealed with a key that
		// has been removed. It is of no use to anyone.
		if _, version, found, getErr := v.store.Get(ctx, Table, id); getErr == nil && found {
			_, _, readErr := v.read(ctx, id)
			if errors.Is(readErr, ErrNoGrant) {
				_, err = v.store.Replace(ctx, Table, id, version, rec)
			}
		}
	}
	if err != nil {
		return fmt.Errorf("keep the grant: %w", err)
	}
	return nil
}

// replace writes a row over the version that is known.
func (v *Vault) replace(ctx context.Context, id ID, old store.Version, g *grant) (store.Version, error) {
	rec, err := v.record(ctx, id, g)
	if err != nil {
		return 0, err
	}
	version, err := v.store.Replace(ctx, Table, id, old, rec)
	if err != nil {
		return 0, fmt.Errorf("write the grant: %w", err)
	}
	return version, nil
}

func (v *Vault) keptID(ctx context.Context, user, provider string) (ID, error) {
	return v.index.Key(ctx, kindKept, index.Join(user, provider, v.provider(provider).ClientID))
}

// Kept returns the name of the kept grant that a user has for a provider, or
// ErrNoGrant.
func (v *Vault) Kept(ctx context.Context, user, provider string) (ID, error) {
	id, err := v.keptID(ctx, user, provider)
	if err != nil {
		return ID{}, err
	}
	_, _, _, err = v.load(ctx, id)
	return id, err
}

// KeptGrant describes a kept grant to its owner.
type KeptGrant struct {
	Provider string
	Since    time.Time
	Scopes   []string
	// Ended: the provider does not honour it any more. The user has to sign
	// in again, with consent.
	Ended bool
}

// KeptGrants returns the kept grants of a user, by provider's name.
func (v *Vault) KeptGrants(ctx context.Context, user string) ([]KeptGrant, error) {
	key, err := v.index.Key(ctx, kindUser, []byte(user))
	if err != nil {
		return nil, err
	}
	ids, _, err := v.store.Lookup(ctx, Table, key, 100)
	if err != nil {
		return nil, fmt.Errorf("list the user's grants: %w", err)
	}
	var list []KeptGrant
	for _, id := range ids {
		g, _, err := v.read(ctx, id)
		switch {
		case errors.Is(err, ErrNoGrant):
			continue
		case err != nil:
			return nil, err
		case g.user != user || g.revoking != nil:
			continue
		}
		k := KeptGrant{Provider: g.provider, Since: g.since, Ended: g.tokens == nil}
		if g.tokens != nil {
			k.Scopes = g.tokens.Scopes
		}
		list = append(list, k)
	}
	slices.SortFunc(list, func(a, b KeptGrant) int { return cmp.Compare(a.Provider, b.Provider) })
	return list, nil
}
