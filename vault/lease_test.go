package vault_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/store"
	"github.com/wayleave/wayleave/vault"
)

// shared is a store that other processes use too.
type shared struct{ store.Store }

func (shared) SingleProcess() bool { return false }

// mortal is a process's way to the store, which ends when the process does.
type mortal struct {
	store.Store
	mu   sync.Mutex
	dead bool
}

var errDead = errors.New("the process is dead")

func (m *mortal) die() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.dead = true
}

func (m *mortal) Replace(ctx context.Context, t store.Table, k store.Key, old store.Version, rec store.Record) (store.Version, error) {
	m.mu.Lock()
	dead := m.dead
	m.mu.Unlock()
	if dead {
		return 0, errDead
	}
	return m.Store.Replace(ctx, t, k, old, rec)
}

// replicas are processes that share the bench's store.
func (b *bench) replicas(n int) []*vault.Vault {
	var all []*vault.Vault
	for range n {
		all = append(all, b.over(shared{b.store}))
	}
	return all
}

func TestREF03_A180_ReplicasMakeOneRefreshTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		all := b.replicas(3)
		b.p.during = func(context.Context) { time.Sleep(300 * time.Millisecond) }
		id := b.keep(-time.Second)
		for generation := 2; generation < 7; generation++ {
			var callers sync.WaitGroup
			for i := range 600 {
				callers.Go(func() {
					got, err := all[i%3].Tokens(t.Context(), id)
					if err != nil || got.AccessToken.Reveal() != b.p.access(generation) {
						t.Errorf("caller %d: %v, %v", i, got, err)
					}
				})
			}
			callers.Wait()
			if n := b.p.called(); n != generation-1 {
				t.Fatalf("%d refreshes in %d generations", n, generation-1)
			}
			time.Sleep(10 * time.Minute)
		}
		if b.p.revoked {
			t.Error("a refresh token was used twice")
		}
	})
}

// The call takes longer than a lease that nobody renews would live.
func TestREF03_ASlowRefreshIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		all := b.replicas(2)
		b.p.during = func(context.Context) { time.Sleep(19 * time.Second) }
		id := b.keep(-time.Second)
		ask := func(v *vault.Vault) *asked {
			return ask(func() (*oauth.Tokens, error) { return v.Tokens(t.Context(), id) })
		}
		first := ask(all[0])
		time.Sleep(time.Second)
		second := ask(all[1])
		<-first.done
		wantTokens(t, first.tokens, first.err, "user-access-2")
		<-second.done
		wantTokens(t, second.tokens, second.err, "user-access-2")
		if n := b.p.called(); n != 1 {
			t.Errorf("%d refreshes", n)
		}
	})
}

// A process dies between taking the lease and asking the provider.
func TestREF03_ALeaseEndsWithItsProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		dying := &mortal{Store: shared{b.store}}
		one, other := b.over(dying), b.over(shared{b.store})
		id := b.keep(-time.Second)
		b.p.during = func(ctx context.Context) {
			b.p.set(func(p *fakeProvider) { p.during = nil })
			dying.die()
			<-ctx.Done() // and the request never arrives
		}
		b.p.answer = func(_, fresh *oauth.Tokens) (*oauth.Tokens, error) {
			if fresh == nil {
				return nil, context.DeadlineExceeded
			}
			return fresh, nil
		}
		lost := ask(func() (*oauth.Tokens, error) { return one.Tokens(t.Context(), id) })
		synctest.Wait()
		start := time.Now()
		got, err := other.Tokens(t.Context(), id)
		wantTokens(t, got, err, "user-access-2")
		if waited := time.Since(start); waited < 6*time.Second || waited > 7*time.Second {
			t.Errorf("taken over after %v", waited)
		}
		<-lost.done
		b.wantRow(id, "user-access-2")
	})
}

// The worst case: a process stops (a paused machine), another one takes over and
// spends the same refresh token, and the first one wakes up with the answer.
func TestREF02_WhoWakesUpLateStillKeepsTheOnlyGoodTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.p.life = time.Hour
		stalled := &mortal{Store: shared{b.store}}
		one, other := b.over(stalled), b.over(shared{b.store})
		id := b.keep(-time.Second)
		b.p.after = func(context.Context) {
			b.p.set(func(p *fakeProvider) { p.after = nil })
			stalled.die() // it has the answer, and neither renews nor writes
			time.Sleep(9 * time.Second)
			stalled.mu.Lock()
			stalled.dead = false
			stalled.mu.Unlock()
		}
		first := ask(func() (*oauth.Tokens, error) { return one.Tokens(t.Context(), id) })
		synctest.Wait()
		got, err := other.Tokens(t.Context(), id) // takes over after 6 s, and is refused: the token is spent
		wantTokens(t, got, err, "user-access-2")
		<-first.done
		wantTokens(t, first.tokens, first.err, "user-access-2")
		b.wantRow(id, "user-access-2")
	})
}

func TestREF06_AFailureGivesTheLeaseBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		all := b.replicas(2)
		id := b.keep(-time.Second)
		b.p.fail = &oauth.Error{Check: oauth.CheckTokenHTTP, Fault: oauth.FaultUnavailable, Reason: "the provider could not be reached"}
		got, err := all[0].Tokens(t.Context(), id)
		wantFailed(t, got, err, b.p.fail)
		b.p.set(func(p *fakeProvider) { p.fail = nil })
		start := time.Now()
		got, err = all[1].Tokens(t.Context(), id)
		wantTokens(t, got, err, "user-access-2")
		if waited := time.Since(start); waited > time.Second {
			t.Errorf("the other replica waited %v", waited)
		}
	})
}

func TestREF05_AnEndIsBelievedAtOnceByWhoHoldsTheLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		one := b.replicas(1)[0]
		id := b.keep(-time.Second)
		b.p.fail = errInvalidGrant
		start := time.Now()
		got, err := one.Tokens(t.Context(), id)
		wantEnded(t, got, err)
		if waited := time.Since(start); waited > time.Second {
			t.Errorf("believed after %v", waited)
		}
		got, err = one.Tokens(t.Context(), id)
		wantEnded(t, got, err)
		if n := b.p.called(); n != 1 {
			t.Errorf("%d refreshes", n)
		}
	})
}

func TestREF04_AnAnswerThatGotLostIsAskedForOnce(t *testing.T) {
	for name, tc := range map[string]struct {
		losses int
		want   string
	}{"one answer lost": {1, "user-access-2"}, "two": {2, ""}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				id := b.keep(-time.Second)
				fresh := b.p.present()
				fresh.AccessToken, fresh.Expires = oauth.NewSecret("user-access-2"), time.Now().Add(time.Hour)
				b.p.answer = func(_, _ *oauth.Tokens) (*oauth.Tokens, error) {
					if b.p.called() <= tc.losses {
						return nil, unanswered(t)
					}
					return fresh, nil
				}
				got, err := b.Tokens(t.Context(), id)
				if tc.want == "" {
					if err == nil || errors.Is(err, vault.ErrNoGrant) || b.p.called() != 2 {
						t.Errorf("%v, %v after %d calls", got, err, b.p.called())
					}
					return
				}
				wantTokens(t, got, err, tc.want)
			})
		})
	}
}

// The app hears of each refresh, and what hears can panic.
func TestAPanicDuringARefreshEndsNeitherProcessNorGrant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		id := b.keep(-time.Second)
		b.p.during = func(context.Context) { panic("oops") }
		if got, err := b.Tokens(t.Context(), id); got != nil || err == nil || errors.Is(err, vault.ErrNoGrant) {
			t.Errorf("%v, %v", got, err)
		}
		b.p.set(func(p *fakeProvider) { p.during = nil })
		got, err := b.Tokens(t.Context(), id)
		wantTokens(t, got, err, "user-access-2")
	})
}

// An API that refuses every token must not keep the provider busy.
func TestA176_ATokenThatIsSecondsOldIsNotRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		id := b.keep(time.Hour)
		got, err := b.Peek(t.Context(), id)
		wantTokens(t, got, err, "user-access-1")
		for range 100 {
			renewed, err := b.Renew(t.Context(), id, got)
			if err == nil {
				got = renewed
			} else if !errors.Is(err, oauth.ErrJustRenewed) {
				t.Fatal(err)
			}
			time.Sleep(100 * time.Millisecond)
		}
		if n := b.p.called(); n != 1 {
			t.Errorf("%d refreshes in ten seconds", n)
		}
		time.Sleep(time.Second)
		got, err = b.Renew(t.Context(), id, got)
		wantTokens(t, got, err, "user-access-3")
	})
}

// Closing waits for what must not be broken off.
func TestREF04_WaitReturnsWhenTheLastRefreshIsWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.p.during = func(context.Context) { time.Sleep(5 * time.Second) }
		id := b.keep(-time.Second)
		ctx, leave := context.WithCancel(t.Context())
		go func() { _, _ = b.Tokens(ctx, id) }()
		synctest.Wait()
		leave()
		if err := b.Wait(t.Context()); err != nil {
			t.Error(err)
		}
		b.wantRow(id, "user-access-2")
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		b.keep(-time.Second)
		if err := b.Wait(short); err != nil {
			t.Errorf("nothing to wait for: %v", err)
		}
	})
}

// A grant that is given up while others refresh it, by any of them: the late
// tokens go back to the provider.
func TestA224_LateTokensOfADroppedGrantAreRevoked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		all := b.replicas(2)
		id := b.keep(-time.Second)
		b.p.after = func(ctx context.Context) {
			if err := all[1].Drop(ctx, id); err != nil {
				t.Error(err)
			}
		}
		got, err := all[0].Tokens(t.Context(), id)
		wantEnded(t, got, err)
		all[0].RevokeDue(t.Context(), nil)
		all[1].RevokeDue(t.Context(), nil)
		b.wantReturned("user-refresh-1", "user-refresh-2")
	})
}
