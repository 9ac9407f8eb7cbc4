package vault

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/wayleave/wayleave/oauth"
)

// refreshDeadline bounds one refresh, whoever waits for it; keepDeadline is the
// time after it in which the store has to take the result.
const (
	refreshDeadline = 20 * time.Second
	keepDeadline    = 20 * time.Second
	// atOnce is how many grants of one provider a process refreshes at the
	// same time: after an outage all of them may be due.
	atOnce = 32
)

// Refresher asks a provider for new tokens. [oauth.Client] is one.
type Refresher interface {
	Refresh(ctx context.Context, old *oauth.Tokens) (*oauth.Tokens, error)
}

// flight is one refresh under way, shared by all of this process who wait for it.
type flight struct {
	old    oauth.Secret // the access token that is no longer good enough
	forced bool         // an API refused it
	done   chan struct{}
	tokens *oauth.Tokens
	err    error
}

// refresh joins the refresh that is under way, or starts one. It runs detached
// from the caller: who has spent a refresh token must hear the answer.
func (v *Vault) refresh(ctx context.Context, id ID, old oauth.Secret, forced bool) (*oauth.Tokens, error) {
	for {
		f, err := v.join(ctx, id, old, forced)
		if err != nil {
			return nil, err
		}
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

func (v *Vault) join(ctx context.Context, id ID, old oauth.Secret, forced bool) (*flight, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if f := v.flights[id]; f != nil {
		return f, nil
	}
	if f := v.failures[id]; f != nil && time.Now().Before(f.until) {
		return nil, f.err
	}
	f := &flight{old: old, forced: forced, done: make(chan struct{})}
	v.flights[id] = f
	v.work.Go(func() { v.run(context.WithoutCancel(ctx), id, f) })
	return f, nil
}

func same(a, b oauth.Secret) bool { return a.Reveal() == b.Reveal() }

func (v *Vault) run(ctx context.Context, id ID, f *flight) {
	f.tokens, f.err = v.renewRow(ctx, id, f)
	v.mu.Lock()
	delete(v.flights, id)
	v.mu.Unlock()
	close(f.done)
}

// renewRow takes the grant into its hands, refreshes it unless somebody else
// has, and writes the result before it returns it.
func (v *Vault) renewRow(ctx context.Context, id ID, f *flight) (*oauth.Tokens, error) {
	h, ready, err := v.take(ctx, id, f.old)
	if h == nil {
		return ready, err
	}
	p := v.provider(h.grant.provider).Refresher
	ctx = oauth.WithLogin(ctx, h.grant.login)
	fresh, err := h.ask(ctx, p)
	h.leave()
	switch {
	case err == nil:
		v.forgive(id)
		return h.write(ctx, fresh, f.forced)
	case oauth.EndsGrant(err):
		v.forgive(id)
		return h.end(ctx, err)
	}
	v.remember(id, err)
	h.release(ctx)
	return nil, err
}

// ask makes the call. An answer that got lost on its way is asked for once more,
// at once: a provider that has rotated the refresh token already accepts it
// again for a moment, if it ever does. It is not if somebody has taken the lease
// meanwhile.
func (h *holding) ask(ctx context.Context, p Refresher) (*oauth.Tokens, error) {
	ctx, cancel := context.WithTimeout(ctx, refreshDeadline)
	defer cancel()
	type answer struct {
		tokens *oauth.Tokens
		err    error
	}
	got := make(chan answer, 1)
	old := h.grant.tokens // renew changes h
	ask := func() {
		// Of a goroutine, nobody else would catch a panic of the app's OnEvent.
		defer func() {
			if p := recover(); p != nil {
				got <- answer{nil, fmt.Errorf("panic while refreshing, of type %T", p)}
			}
		}()
		t, err := p.Refresh(ctx, old)
		got <- answer{t, err}
	}
	go ask()
	tick := time.NewTicker(leaseRenewal)
	defer tick.Stop()
	for again := true; ; {
		select {
		case a := <-got:
			if again && !h.doubted && oauth.Unanswered(a.err) && ctx.Err() == nil {
				again = false
				go ask()
				continue
			}
			return a.tokens, a.err
		case <-tick.C:
			h.renew(ctx)
		}
	}
}

// turn waits for one of the provider's places.
func (v *Vault) turn(ctx context.Context, provider string) (leave func(), err error) {
	v.mu.Lock()
	places := v.turns[provider]
	if places == nil {
		places = make(chan struct{}, atOnce)
		v.turns[provider] = places
	}
	v.mu.Unlock()
	select {
	case places <- struct{}{}:
		return func() { <-places }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("wait to refresh: %w", context.Cause(ctx))
	}
}

// failure is a refresh that did not work and may work later.
type failure struct {
	err   error
	count int
	until time.Time // nobody tries before
}

const maxFailures = 10_000 // grants; more are not remembered

// remember makes the next attempts wait, longer each time and not all at once:
// a provider in trouble is not helped by being asked again and again.
func (v *Vault) remember(id ID, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	f := v.failures[id]
	if f == nil {
		if len(v.failures) >= maxFailures {
			clear(v.failures)
		}
		f = &failure{}
		v.failures[id] = f
	}
	f.err, f.count = err, f.count+1
	if f.count == 1 {
		return // a single failure may be over: whoever tries again is not held up
	}
	pause := min(time.Second<<min(f.count-2, 6), time.Minute)
	f.until = time.Now().Add(pause/2 + rand.N(pause/2))
}

func (v *Vault) forgive(id ID) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.failures, id)
}
