package vault

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/store"
)

// A grant that is given up is revoked at the provider, which may be down at
// that moment. So its row stays, useless to everyone else, until that is done
// or a day has passed: it is found under a key of its own, by whichever process
// looks first.
const (
	revokeFor      = 24 * time.Hour
	revokeDeadline = 15 * time.Second
	firstRetry     = time.Minute
	lastRetry      = time.Hour
	lookAround     = time.Minute // for what other processes have left
)

// Revoker tells a provider that tokens are no longer needed (RFC 7009).
// [oauth.Client] is one.
type Revoker interface {
	Revoke(ctx context.Context, t *oauth.Tokens) error
}

// Drop gives up the grant of a session: nobody gets tokens from it any more,
// and they are revoked, unless that would end more than this session. What it
// refers to, if that is a kept grant, stays. A grant of a provider that is not
// known here is left to a process that knows it. Dropping what is not there is no error.
func (v *Vault) Drop(ctx context.Context, id ID) error {
	return v.giveUp(ctx, id, func(g *grant) bool {
		return g.kept == (ID{}) && !v.provider(g.provider).RevocationEndsGrant
	})
}

// Forget gives up the grant of a session without telling the provider.
func (v *Vault) Forget(ctx context.Context, id ID) error {
	return v.giveUp(ctx, id, func(*grant) bool { return false })
}

// Disconnect gives up the kept grant that a user has for a provider, and has
// it revoked. Disconnecting what is not there is no error.
func (v *Vault) Disconnect(ctx context.Context, user, provider string) error {
	id, err := v.keptID(ctx, user, provider)
	if err != nil {
		return err
	}
	return v.giveUp(ctx, id, func(*grant) bool { return true })
}

func (v *Vault) giveUp(ctx context.Context, id ID, revoke func(*grant) bool) error {
	if id == (ID{}) {
		return nil
	}
	for range 100 { // a refresh writes the row a few times, no more
		g, version, err := v.read(ctx, id)
		if err != nil && !errors.Is(err, ErrNoGrant) {
			return err
		}
		switch {
		case err != nil, g.tokens == nil: // no row, or nothing in it to revoke
			return v.remove(ctx, id)
		case g.revoking != nil:
			return nil // given up before
		}
		p := v.provider(g.provider)
		if !revoke(g) || p.known() && p.Revoker == nil {
			return v.remove(ctx, id)
		}
		g.revoking, g.held = &revoking{}, false
		g.expires = time.Now().Add(revokeFor)
		_, err = v.replace(ctx, id, version, g)
		if err == nil {
			v.wake()
		}
		if !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
	return errors.New("drop the grant: its row changes all the time")
}

func (v *Vault) remove(ctx context.Context, id ID) error {
	if err := v.store.Delete(ctx, Table, id); err != nil {
		return fmt.Errorf("drop the grant: %w", err)
	}
	return nil
}

// discard gives up tokens that came for a grant which had been given up
// meanwhile.
func (v *Vault) discard(ctx context.Context, g *grant, late *oauth.Tokens) error {
	p := v.provider(g.provider)
	if p.Revoker == nil || p.RevocationEndsGrant && g.user == "" {
		return nil
	}
	_, err := v.create(ctx, &grant{provider: g.provider, login: g.login, tokens: late, revoking: &revoking{}, expires: time.Now().Add(revokeFor)})
	if err == nil {
		v.wake()
	}
	return err
}

func (v *Vault) wake() {
	select {
	case v.revoke <- struct{}{}:
	default:
	}
}

// Work revokes what has been given up, here and by processes that are gone,
// until ctx ends. failed hears of each failure; another attempt follows.
func (v *Vault) Work(ctx context.Context, failed func(provider string, err error)) {
	tick := time.NewTicker(lookAround)
	defer tick.Stop()
	for {
		v.RevokeDue(ctx, failed)
		select {
		case <-v.revoke:
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// RevokeDue makes one round of [Vault.Work].
func (v *Vault) RevokeDue(ctx context.Context, failed func(provider string, err error)) {
	for _, name := range v.names {
		v.revokeAt(ctx, name, failed)
	}
}

// revokeAt makes the round of one provider. Another one that is down, or that
// nobody knows any more, leaves rows enough to hide these.
func (v *Vault) revokeAt(ctx context.Context, name string, failed func(provider string, err error)) {
	key, err := v.index.Key(ctx, kindRevoking, []byte(name))
	if err != nil {
		return // whoever uses the store is told
	}
	ids, _, err := v.store.Lookup(ctx, Table, key, 1000)
	if err != nil {
		return
	}
	for _, id := range ids {
		if ctx.Err() != nil {
			return
		}
		if provider, err := v.revokeOne(ctx, id); err != nil && failed != nil {
			failed(provider, err)
		}
	}
}

// revokeOne makes one attempt, if one is due and no other process makes it.
func (v *Vault) revokeOne(ctx context.Context, id ID) (provider string, err error) {
	defer func() { // nobody else would catch a panic of the app's OnEvent
		if p := recover(); p != nil {
			err = fmt.Errorf("panic while revoking, of type %T", p)
		}
	}()
	g, version, err := v.read(ctx, id)
	if err != nil || g.revoking == nil || g.tokens == nil || time.Until(g.revoking.Next) > 0 {
		return "", nil // gone, or not due
	}
	p := v.provider(g.provider)
	switch {
	case g.user == "" && (p.Revoker == nil || p.RevocationEndsGrant):
		return "", v.remove(ctx, id) // given up where nobody knew that nothing is to be done
	case p.Revoker == nil:
		return "", nil // the row of a kept grant, which may be in use again; else it expires
	}
	next := *g
	next.revoking = &revoking{Attempts: g.revoking.Attempts + 1, Next: time.Now().Add(min(firstRetry<<min(g.revoking.Attempts, 10), lastRetry))}
	if version, err = v.replace(ctx, id, version, &next); err != nil {
		return "", nil // somebody else's now, or the store is down: another round finds it
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), revokeDeadline)
	defer cancel()
	if err := p.Revoker.Revoke(oauth.WithLogin(ctx, g.login), g.tokens); err != nil && !cannotRevoke(err) {
		return g.provider, fmt.Errorf("revoke, attempt %d: %w", next.revoking.Attempts, err)
	}
	if g.user == "" {
		if err := v.store.Delete(ctx, Table, id); err != nil {
			return g.provider, fmt.Errorf("revoked, and its row is still there: %w", err)
		}
		return "", nil
	}
	// Not deleted: the user may have connected the account again meanwhile,
	// in the same row.
	next.tokens, next.expires = nil, time.Now().Add(time.Second)
	if _, err := v.replace(ctx, id, version, &next); err != nil && !errors.Is(err, store.ErrConflict) {
		return g.provider, fmt.Errorf("revoked, but not written down: %w", err)
	}
	return "", nil
}

// cannotRevoke reports errors that would be the same for ever: the provider
// takes no tokens back, or none of this kind.
func cannotRevoke(err error) bool {
	return oauth.FaultOf(err) == oauth.FaultCaller || oauth.ProviderCode(err) == "unsupported_token_type"
}
