package wayleave

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/wayleave/wayleave/internal/index"
	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/store"
)

// A logout token is accepted once (OpenID Connect Back-Channel Logout section
// 2.6): its jti is claimed, at first for as long as it may take to carry it out,
// and when that is done for as long as the token could be sent again. So a token
// whose logout broke off, with the store, is good again soon.
const (
	tokenTable   = store.Table("jti")
	tokenKind    = byte('j')
	tokenPending = 30 * time.Second
)

// tokenClaim is a claimed logout token.
type tokenClaim struct {
	l       *ledger
	key     store.Key
	version store.Version
	until   time.Time
}

// claimToken claims a logout token. It returns nil for all callers but one.
func (l *ledger) claimToken(ctx context.Context, provider string, t *oauth.LogoutToken) (*tokenClaim, error) {
	ctx, cancel := context.WithTimeout(ctx, storeDeadline)
	defer cancel()
	c := &tokenClaim{l: l, until: t.RememberUntil}
	var err error
	if c.key, err = l.index.Key(ctx, tokenKind, index.Join(provider, t.Issuer, t.ID)); err == nil {
		soon := time.Now().Add(tokenPending)
		if c.until.Before(soon) {
			soon = c.until
		}
		c.version, err = l.store.Create(ctx, tokenTable, c.key, store.Record{Expires: soon})
	}
	switch {
	case errors.Is(err, store.ErrConflict):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("claim the logout token: %w", err)
	}
	return c, nil
}

// keep makes the claim last: the logout has been carried out.
func (c *tokenClaim) keep(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, storeDeadline)
	defer cancel()
	_, err := c.l.store.Replace(ctx, tokenTable, c.key, c.version, store.Record{Expires: c.until})
	if err != nil && !errors.Is(err, store.ErrConflict) { // then somebody carries it out once more
		return fmt.Errorf("keep the claim of the logout token: %w", err)
	}
	return nil
}

// release takes the claim back at once, for a logout that did not work.
func (c *tokenClaim) release(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeDeadline)
	defer cancel()
	_ = c.l.store.Delete(ctx, tokenTable, c.key) // if it stays, it ends by itself soon
}
