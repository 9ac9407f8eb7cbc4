package vault

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/store"
)

// refreshDeadline bounds one refresh, whoever waits for it; keepDeadline is the
// time after it in which the store has to take the result.
const (
	refreshDeadline = 20 * time.Second
	keepDeadline    = 20 * time.Second
	// racePatience is how long another process gets to write what it refreshed.
	racePatience = 5 * time.Second
)

// Refresher asks a provider for new tokens. [oauth.Client] is one.
type Refresher interface {
	Refresh(ctx context.Context, old *oauth.Tokens) (*oauth.Tokens, error)
}

// flight is one refresh under way, shared by all who wait for it.
type flight struct {
	old    oauth.Secret // the access token that is no longer good enough
	done   chan struct{}
	tokens *oauth.Tokens
	err    error
}

// refresh joins the refresh that is under way, or starts one. It runs detached
// from the caller: who has spent a refresh token must hear the answer.
func (v *Vault) refresh(ctx context.Context, id ID, old oauth.Secret) (*oauth.Tokens, error) {
	for {
		f := v.join(ctx, id, old)
		select {
		case <-f.done:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		// A flight for somebody who had an older token may find the very one
		// that this caller cannot use, and see no need to refresh.
		if f.err != nil || same(f.old, old) || !same(f.tokens.AccessToken, old) {
			return f.tokens, f.err
		}
	}
}

func (v *Vault) join(ctx context.Context, id ID, old oauth.Secret) *flight {
	v.mu.Lock()
	defer v.mu.Unlock()
	f := v.flights[id]
	if f == nil {
		f = &flight{old: old, done: make(chan struct{})}
		v.flights[id] = f
		go v.run(context.WithoutCancel(ctx), id, f)
	}
	return f
}

func same(a, b oauth.Secret) bool { return a.Reveal() == b.Reveal() }

func (v *Vault) run(ctx context.Context, id ID, f *flight) {
	ctx, cancel := context.WithTimeout(ctx, refreshDeadline)
	defer cancel()
	f.tokens, f.err = v.renewRow(ctx, id, f.old)
	v.mu.Lock()
	delete(v.flights, id)
	v.mu.Unlock()
	close(f.done)
}

// renewRow re-reads the row, refreshes unless somebody else has, and writes
// the result before it returns it.
func (v *Vault) renewRow(ctx context.Context, id ID, old oauth.Secret) (*oauth.Tokens, error) {
	g, version, err := v.load(ctx, id)
	if err != nil {
		return nil, err
	}
	if !same(g.tokens.AccessToken, old) && g.tokens.Valid(time.Now(), Margin) {
		return g.tokens, nil
	}
	p := v.provider(g.provider)
	if p == nil || g.tokens.RefreshToken.IsZero() {
		return nil, fmt.Errorf("the access token has expired and cannot be refreshed: %w", ErrNoGrant)
	}
	fresh, err := p.Refresh(oauth.WithLogin(ctx, g.login), g.tokens)
	if err != nil {
		if oauth.EndsGrant(err) {
			return v.believeEnd(ctx, id, version, err)
		}
		return nil, err
	}
	next := *g
	next.tokens = fresh
	return v.replace(ctx, id, version, &next)
}

// replace writes the row and returns its tokens. It does not give up at the
// first failure: the old refresh token may be spent, and this is the only copy
// of the new one.
func (v *Vault) replace(ctx context.Context, id ID, version store.Version, g *grant) (*oauth.Tokens, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keepDeadline)
	defer cancel()
	rec, err := v.record(id, g)
	if err != nil {
		return nil, err
	}
	for pause := 20 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		_, err := v.store.Replace(ctx, table, id, version, rec)
		switch {
		case err == nil:
			return g.tokens, nil
		case errors.Is(err, store.ErrConflict):
			// The grant was dropped, or another process was faster, or this
			// was written before and only the answer was lost. What the row
			// says now is right in each case.
			return v.Peek(ctx, id)
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

// believeEnd marks a grant that has ended at the provider, unless the row has
// moved on meanwhile: then somebody else was faster, and the refresh token that
// was refused is no longer the grant's.
//
// Other processes may share the store, and one of them may be about to write
// the tokens that made ours old. So the row is watched for a while before the
// provider is believed. That makes losing a grant to such a race unlikely, not
// impossible.
func (v *Vault) believeEnd(ctx context.Context, id ID, version store.Version, cause error) (*oauth.Tokens, error) {
	patience := time.Duration(0)
	if !v.store.SingleProcess() {
		patience = racePatience
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience+keepDeadline)
	defer cancel()
	for began := time.Now(); ; {
		g, now, err := v.load(ctx, id)
		if err != nil {
			return nil, err
		}
		if now != version {
			return g.tokens, nil
		}
		if time.Since(began) >= patience {
			return v.end(ctx, id, version, g, cause)
		}
		select {
		case <-time.After(250 * time.Millisecond):
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: %w", context.Cause(ctx), cause)
		}
	}
}

// end writes that the grant has ended, if nobody has written the row since.
func (v *Vault) end(ctx context.Context, id ID, version store.Version, g *grant, cause error) (*oauth.Tokens, error) {
	ended := *g
	ended.tokens = nil
	rec, err := v.record(id, &ended)
	if err != nil {
		return nil, err
	}
	switch _, err := v.store.Replace(ctx, table, id, version, rec); {
	case errors.Is(err, store.ErrConflict):
		return v.Peek(ctx, id)
	case err != nil:
		return nil, fmt.Errorf("record that the grant has ended: %w", err)
	}
	return nil, fmt.Errorf("%w: %w", ErrNoGrant, cause)
}
