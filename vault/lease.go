package vault

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/store"
)

// Processes that share a store take turns by a lease in the grant's own row.
// Taking it changes the row's version, so that whoever held it before can no
// longer write what it knows without seeing that the row has moved: the version
// is the fence. Nobody compares clocks: a lease has ended when the row did not
// change for leaseLife while somebody watched it.
//
// Where one process has the store to itself, its flights take turns already,
// and nothing is written but the result.
const (
	leaseLife    = 6 * time.Second
	leaseRenewal = 2 * time.Second
)

// holding is a grant in the hands of this process.
type holding struct {
	v       *Vault
	id      ID
	grant   *grant // as it was read
	version store.Version
	leave   func() // gives back the provider's place; see turn
	leased  bool
	// doubted: somebody else may be refreshing too. It was held by another
	// when its lease ended, or somebody took it from us.
	doubted bool
}

// take returns a holding, or tokens that somebody else has refreshed, or an error.
// A holding has one of the provider's places. That comes before the lease, which
// could run out while it waits for one.
func (v *Vault) take(ctx context.Context, id ID, old oauth.Secret) (*holding, *oauth.Tokens, error) {
	ctx, cancel := context.WithTimeout(ctx, leaseLife+refreshDeadline)
	defer cancel()
	var leave func()
	defer func() {
		if leave != nil {
			leave()
		}
	}()
	var watched store.Version // the version that somebody else holds
	var since time.Time
	for pause := 20 * time.Millisecond; ; pause = min(2*pause, 250*time.Millisecond) {
		_, g, version, err := v.load(ctx, id)
		if err != nil {
			return nil, nil, err
		}
		if !same(g.tokens.AccessToken, old) && g.tokens.Valid(time.Now(), Margin) {
			return nil, g.tokens, nil
		}
		if v.provider(g.provider).Refresher == nil || g.tokens.RefreshToken.IsZero() {
			return nil, nil, fmt.Errorf("the access token has expired and cannot be refreshed: %w", ErrNoGrant)
		}
		if g.held && version != watched {
			watched, since = version, time.Now()
		}
		free := v.store.SingleProcess() || !g.held || time.Since(since) >= leaseLife
		switch {
		case free && leave == nil:
			if leave, err = v.turn(ctx, g.provider); err != nil {
				return nil, nil, err
			}
			continue // the row may have changed meanwhile
		case free:
			h := &holding{v: v, id: id, grant: g, version: version, leave: leave, doubted: g.held}
			if !v.store.SingleProcess() {
				err = h.claim(ctx)
			}
			if err == nil {
				leave = nil
				return h, nil, nil
			}
			if !errors.Is(err, store.ErrConflict) {
				return nil, nil, err
			}
		case leave != nil:
			leave()
			leave = nil
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil, nil, fmt.Errorf("wait for the refresh of another process: %w", context.Cause(ctx))
		}
	}
}

// claim marks the row as held, if nobody has written it since it was read.
func (h *holding) claim(ctx context.Context) error {
	next := *h.grant
	next.held = true
	return h.replace(ctx, &next)
}

// renew writes the row as it is, under another version: it shows the others
// that we are still at it.
func (h *holding) renew(ctx context.Context) {
	if !h.leased || h.doubted {
		return
	}
	if err := h.replace(ctx, h.grant); errors.Is(err, store.ErrConflict) {
		h.doubted = true
	}
}

// release lets the others try.
func (h *holding) release(ctx context.Context) {
	if !h.leased {
		return
	}
	next := *h.grant
	next.held = false
	_ = h.replace(context.WithoutCancel(ctx), &next) // if it fails, the lease ends by itself
}

// replace writes the row over the version that we know.
func (h *holding) replace(ctx context.Context, next *grant) error {
	version, err := h.v.replace(ctx, h.id, h.version, next)
	if err != nil {
		return err
	}
	h.grant, h.version, h.leased = next, version, true
	return nil
}

// write keeps fresh tokens and returns those that the grant has then. It does
// not give up at the first failure: the old refresh token may be spent, and
// this is the only copy of the new one.
func (h *holding) write(ctx context.Context, fresh *oauth.Tokens, forced bool) (*oauth.Tokens, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keepDeadline)
	defer cancel()
	next := *h.grant
	next.tokens, next.held = fresh, false
	if forced {
		next.renewed = time.Now()
	}
	if next.user != "" {
		next.expires = time.Now().Add(keptFor)
	}
	rec, err := h.v.record(ctx, h.id, &next)
	if err != nil {
		return nil, err
	}
	for pause := 20 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		_, err := h.v.store.Replace(ctx, Table, h.id, h.version, rec)
		switch {
		case err == nil:
			return fresh, nil
		case errors.Is(err, store.ErrConflict):
			tokens, again, conflict := h.overtaken(ctx, fresh)
			if !again {
				return tokens, conflict
			}
			err = cmp.Or(conflict, err)
		case errors.Is(err, store.ErrClosed), errors.Is(err, store.ErrTooLarge), errors.Is(err, store.ErrNoExpiry):
			return nil, fmt.Errorf("keep the refreshed grant: %w", err)
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil, fmt.Errorf("keep the refreshed grant: %w", err)
		}
	}
}

// overtaken decides what becomes of fresh tokens when the row has changed
// under us. If it still has the tokens that we started from (somebody only took
// the lease, or gave it back), ours are newer: again. If it has other ones,
// those are good: another process was faster, or this is our own write, whose
// answer was lost. If the grant was given up, ours are given up too.
func (h *holding) overtaken(ctx context.Context, fresh *oauth.Tokens) (now *oauth.Tokens, again bool, err error) {
	g, version, err := h.v.read(ctx, h.id)
	switch {
	case errors.Is(err, ErrNoGrant) || err == nil && g.ended():
		if err := h.v.discard(ctx, h.grant, fresh); err != nil {
			return nil, false, errors.Join(ErrNoGrant, err)
		}
		return nil, false, ErrNoGrant
	case err != nil:
		return nil, true, err
	case !same(g.tokens.AccessToken, h.grant.tokens.AccessToken) || !same(g.tokens.RefreshToken, h.grant.tokens.RefreshToken):
		return g.tokens, false, nil
	}
	h.version = version
	return nil, true, nil
}

// end marks a grant that has ended at the provider, unless the row has moved
// on: then somebody else was faster, and the refresh token that was refused is
// no longer the grant's.
//
// Where somebody else may have been refreshing too, the row is watched for a
// while before the provider is believed: the other may be about to write the
// tokens that made ours old.
func (h *holding) end(ctx context.Context, cause error) (*oauth.Tokens, error) {
	patience := time.Duration(0)
	if h.doubted {
		patience = leaseLife
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience+keepDeadline)
	defer cancel()
	for began := time.Now(); ; {
		_, g, version, err := h.v.load(ctx, h.id)
		switch {
		case err != nil:
			return nil, err
		case !same(g.tokens.AccessToken, h.grant.tokens.AccessToken) || !same(g.tokens.RefreshToken, h.grant.tokens.RefreshToken):
			return g.tokens, nil
		case version != h.version && !h.doubted:
			h.doubted, patience = true, leaseLife
		}
		if time.Since(began) >= patience {
			h.version = version
			return h.writeEnd(ctx, g, cause)
		}
		select {
		case <-time.After(250 * time.Millisecond):
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: %w", context.Cause(ctx), cause)
		}
	}
}

// writeEnd writes that the grant has ended, if nobody has written the row since.
func (h *holding) writeEnd(ctx context.Context, g *grant, cause error) (*oauth.Tokens, error) {
	ended := *g
	ended.tokens, ended.held = nil, false
	switch err := h.replace(ctx, &ended); {
	case errors.Is(err, store.ErrConflict):
		return h.v.Peek(ctx, h.id)
	case err != nil:
		return nil, fmt.Errorf("record that the grant has ended: %w", err)
	}
	return nil, fmt.Errorf("%w: %w", ErrNoGrant, cause)
}
