package vault_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/store"
	"github.com/wayleave/wayleave/store/storetest"
	"github.com/wayleave/wayleave/vault"
)

// asked is a call that runs beside the test.
type asked struct {
	done   chan struct{}
	tokens *oauth.Tokens
	err    error
}

func ask(f func() (*oauth.Tokens, error)) *asked {
	a := &asked{done: make(chan struct{})}
	go func() {
		defer close(a.done)
		a.tokens, a.err = f()
	}()
	return a
}

// answered reports whether the call has returned, now that nothing moves.
func (a *asked) answered() bool {
	synctest.Wait()
	select {
	case <-a.done:
		return true
	default:
		return false
	}
}

func (b *bench) ask(ctx context.Context, id vault.ID) *asked {
	return ask(func() (*oauth.Tokens, error) { return b.Tokens(ctx, id) })
}

func TestAPI08_TokensAreRefreshedOnlyWhenNeeded(t *testing.T) {
	for name, tc := range map[string]struct {
		life time.Duration
		want string
	}{
		"a good while to live":      {time.Hour, "user-access-1"},
		"just more than the margin": {vault.Margin + 1, "user-access-1"},
		"the margin":                {vault.Margin, "user-access-2"},
		"less than the margin":      {time.Second, "user-access-2"},
		"ended this very moment":    {0, "user-access-2"},
		"ended long ago":            {-time.Hour, "user-access-2"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				id := b.keep(tc.life)
				got, err := b.Tokens(t.Context(), id)
				wantTokens(t, got, err, tc.want)
				b.wantRow(id, tc.want)
				if want := b.p.serial - 1; b.p.called() != want {
					t.Errorf("%d refreshes, want %d", b.p.called(), want)
				}
			})
		})
	}
}

func TestAPI08_UnknownLifetimeMeansUntilItIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.p.life = 0
		id := b.keepTokens(b.p.present())
		time.Sleep(11 * time.Hour)
		first, err := b.Tokens(t.Context(), id)
		wantTokens(t, first, err, "user-access-1")
		got, err := b.Renew(t.Context(), id, first)
		wantTokens(t, got, err, "user-access-2")
		got, err = b.Tokens(t.Context(), id)
		wantTokens(t, got, err, "user-access-2")
		if n := b.p.called(); n != 1 {
			t.Errorf("%d refreshes", n)
		}
	})
}

// One request may be told of a refused token long after others got a new one.
func TestRenewWithATokenThatIsNoLongerThereIsNoRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		id := b.keep(time.Hour)
		first, _ := b.Peek(t.Context(), id)
		for range 5 {
			got, err := b.Renew(t.Context(), id, first)
			wantTokens(t, got, err, "user-access-2")
		}
		if n := b.p.called(); n != 1 {
			t.Errorf("%d refreshes", n)
		}
		time.Sleep(9*time.Minute + 55*time.Second) // the second one has 5 s left
		got, err := b.Renew(t.Context(), id, first)
		wantTokens(t, got, err, "user-access-3")
	})
}

func TestREF03_ManyCallersOfOneProcessMakeOneRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.p.during = func(context.Context) { time.Sleep(50 * time.Millisecond) }
		id := b.keep(-time.Second)
		for generation := 2; generation < 7; generation++ {
			var all sync.WaitGroup
			for i := range 200 {
				all.Go(func() {
					time.Sleep(time.Duration(i%3) * 40 * time.Millisecond) // some come during, some after
					got, err := b.Tokens(t.Context(), id)
					if err != nil || got.AccessToken.Reveal() != b.p.access(generation) {
						t.Errorf("caller %d: %v, %v", i, got, err)
					}
				})
			}
			all.Wait()
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

// The same with real time, for the race detector to see.
func TestREF03_ManyCallersAtOnceMakeOneRefresh(t *testing.T) {
	b := newBench(t)
	id := b.keep(-time.Second)
	var all sync.WaitGroup
	for range 200 {
		all.Go(func() {
			got, err := b.Tokens(t.Context(), id)
			if err != nil || got.AccessToken.Reveal() != "user-access-2" {
				t.Errorf("%v, %v", got, err)
			}
		})
	}
	all.Wait()
	if n := b.p.called(); n != 1 {
		t.Errorf("%d refreshes", n)
	}
}

func TestACallerThatLeavesDoesNotStopTheRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		heard := make(chan error, 1)
		b.p.during = func(ctx context.Context) { time.Sleep(5 * time.Second); heard <- ctx.Err() }
		id := b.keep(-time.Second)
		gone := errors.New("the browser has gone")
		ctx, leave := context.WithCancelCause(t.Context())
		first := b.ask(ctx, id)
		synctest.Wait()
		stays := b.ask(t.Context(), id)
		synctest.Wait()
		leave(gone)
		if !first.answered() || first.err != gone || first.tokens != nil {
			t.Fatalf("who left got %v, %v", first.tokens, first.err)
		}
		<-stays.done
		wantTokens(t, stays.tokens, stays.err, "user-access-2")
		if err := <-heard; err != nil {
			t.Errorf("the provider was told %v", err)
		}
		b.wantRow(id, "user-access-2")
		if n := b.p.called(); n != 1 {
			t.Errorf("%d refreshes", n)
		}
	})
}

func TestARefreshHasADeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.p.answer = func(_, _ *oauth.Tokens) (*oauth.Tokens, error) { return nil, context.DeadlineExceeded }
		b.p.during = func(ctx context.Context) { <-ctx.Done() }
		id := b.keep(-time.Second)
		start := time.Now()
		got, err := b.Tokens(t.Context(), id)
		wantFailed(t, got, err, context.DeadlineExceeded)
		if took := time.Since(start); took != 20*time.Second {
			t.Errorf("given up after %v", took)
		}
	})
}

func TestREF04_NewTokensAreWrittenBeforeAnyoneHasThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		id := b.keep(-time.Second)
		b.store.Block(storetest.Replace)
		first, second := b.ask(t.Context(), id), b.ask(t.Context(), id)
		if first.answered() || second.answered() {
			t.Fatal("tokens were handed out before they were written")
		}
		if b.store.Calls(storetest.Replace) != 1 || b.p.called() != 1 {
			t.Fatalf("%d writes, %d refreshes", b.store.Calls(storetest.Replace), b.p.called())
		}
		b.store.Heal()
		for _, a := range []*asked{first, second} {
			<-a.done
			wantTokens(t, a.tokens, a.err, "user-access-2")
		}
		b.wantRow(id, "user-access-2")
	})
}

func TestREF04_AStoreThatFailsAfterARotationIsAskedAgain(t *testing.T) {
	down := errors.New("the store is down")
	for _, outage := range []time.Duration{10 * time.Millisecond, 3 * time.Second, 18 * time.Second} {
		t.Run(outage.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				id := b.keep(-time.Second)
				b.store.Fail(down, storetest.Replace)
				start := time.Now()
				a := b.ask(t.Context(), id)
				time.Sleep(outage)
				if a.answered() {
					t.Fatalf("%v, %v while the store was down", a.tokens, a.err)
				}
				b.store.Heal()
				<-a.done
				wantTokens(t, a.tokens, a.err, "user-access-2")
				if late := time.Since(start) - outage; late > time.Second {
					t.Errorf("noticed %v after the store was back", late)
				}
				b.wantRow(id, "user-access-2")
			})
		})
	}
}

// A provider that took almost all the time leaves the store its own.
func TestREF04_ASlowProviderLeavesTimeForTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.p.during = func(context.Context) { time.Sleep(19 * time.Second) }
		id := b.keep(-time.Second)
		b.store.Fail(errors.New("the store is down"), storetest.Replace)
		a := b.ask(t.Context(), id)
		time.Sleep(30 * time.Second)
		b.store.Heal()
		<-a.done
		wantTokens(t, a.tokens, a.err, "user-access-2")
	})
}

func TestREF04_AStoreThatStaysDownIsAnErrorInTheEnd(t *testing.T) {
	down := errors.New("the store is down")
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		id := b.keep(-time.Second)
		b.store.Fail(down, storetest.Replace)
		start := time.Now()
		got, err := b.Tokens(t.Context(), id)
		wantFailed(t, got, err, down)
		if took := time.Since(start); took != 20*time.Second {
			t.Errorf("given up after %v", took)
		}
		if b.p.called() != 1 || b.store.Calls(storetest.Replace) < 10 {
			t.Errorf("%d refreshes, %d attempts to write", b.p.called(), b.store.Calls(storetest.Replace))
		}
		b.wantRow(id, "user-access-1")
	})
}

// A store that hangs is not waited for longer than one that fails.
func TestREF04_AStoreThatHangsIsAnErrorInTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		id := b.keep(-time.Second)
		b.store.Block(storetest.Replace)
		start := time.Now()
		got, err := b.Tokens(t.Context(), id)
		wantFailed(t, got, err, context.DeadlineExceeded)
		if took := time.Since(start); took != 20*time.Second {
			t.Errorf("given up after %v", took)
		}
	})
}

func TestAWriteThatCannotSucceedIsNotRepeated(t *testing.T) {
	for _, cause := range []error{store.ErrClosed, store.ErrTooLarge, store.ErrNoExpiry} {
		t.Run(cause.Error(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				id := b.keep(-time.Second)
				b.store.Fail(cause, storetest.Replace)
				got, err := b.Tokens(t.Context(), id)
				wantFailed(t, got, err, cause)
				if n := b.store.Calls(storetest.Replace); n != 1 {
					t.Errorf("%d attempts", n)
				}
			})
		})
	}
}

// The connection breaks after the write and before its answer: the second
// attempt finds a version that it does not know, which is its own.
func TestREF04_AWriteWhoseAnswerIsLostCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		id := b.keep(-time.Second)
		b.store.Lose(errors.New("connection reset"), storetest.Replace)
		got, err := b.Tokens(t.Context(), id)
		wantTokens(t, got, err, "user-access-2")
		if n := b.store.Calls(storetest.Replace); n != 2 {
			t.Errorf("%d attempts", n)
		}
		b.wantRow(id, "user-access-2")
	})
}

func TestA224_AGrantDroppedWhileItIsRefreshedStaysDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		id := b.keep(-time.Second)
		b.p.after = func(ctx context.Context) {
			if err := b.Drop(ctx, id); err != nil {
				t.Error(err)
			}
		}
		got, err := b.Tokens(t.Context(), id)
		wantEnded(t, got, err)
		got, err = b.Peek(t.Context(), id)
		wantEnded(t, got, err)
	})
}

func TestREF05_AnEndedGrantIsDroppedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		id := b.keep(-time.Second)
		b.p.fail = errInvalidGrant
		got, err := b.Tokens(t.Context(), id)
		wantEnded(t, got, err)
		if oauth.ProviderCode(err) != "invalid_grant" {
			t.Errorf("the cause is not in %v", err)
		}
		for range 3 {
			got, err = b.Tokens(t.Context(), id)
			wantEnded(t, got, err)
		}
		if n := b.p.called(); n != 1 {
			t.Errorf("%d refreshes of an ended grant", n)
		}
		if rec, _, found, _ := b.store.Get(t.Context(), table, id); found && len(rec.Value) > 200 {
			t.Errorf("SH-208: %d bytes are still in the store, enough for tokens", len(rec.Value))
		}
		if got, err := b.Peek(t.Context(), id); got != nil || !errors.Is(err, vault.ErrNoGrant) {
			t.Errorf("tokens %v, error %v", got, err)
		}
	})
}

func TestREF05_A180_InvalidGrantIsBelievedOnlyAfterReadingTheRowAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		other := b.replica()
		id := b.keep(-time.Second)
		b.p.during = func(ctx context.Context) {
			b.p.set(func(p *fakeProvider) { p.during = nil })
			// The other replica is faster: our refresh token is spent when we arrive.
			got, err := other.Tokens(ctx, id)
			wantTokens(t, got, err, "user-access-2")
		}
		got, err := b.Tokens(t.Context(), id)
		wantTokens(t, got, err, "user-access-2")
		b.wantRow(id, "user-access-2")
		if n := b.p.called(); n != 2 {
			t.Errorf("%d refreshes, want both replicas'", n)
		}
	})
}

func TestREF05_WhatTheOtherReplicaWroteStaysEvenIfItIsShortLived(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.p.life = time.Second
		other := b.replica()
		id := b.keep(-time.Second)
		b.p.during = func(ctx context.Context) {
			b.p.set(func(p *fakeProvider) { p.during = nil })
			if _, err := other.Tokens(ctx, id); err != nil {
				t.Error(err)
			}
			time.Sleep(2 * time.Second)
		}
		if _, err := b.Tokens(t.Context(), id); err != nil {
			t.Error(err)
		}
		b.wantRow(id, "user-access-2")
	})
}

func TestREF05_InvalidGrantIsNotBelievedWhileTheRowCannotBeRead(t *testing.T) {
	down := errors.New("the store is down")
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		id := b.keep(-time.Second)
		b.p.fail = errInvalidGrant
		b.p.during = func(context.Context) { b.store.Fail(down, storetest.Get) }
		got, err := b.Tokens(t.Context(), id)
		wantFailed(t, got, err, down)
		b.wantRow(id, "user-access-1")
	})
}

// Where refresh tokens do not rotate, two replicas can both succeed. The one
// that writes second must not take that for a dropped grant.
func TestA180_TwoReplicasMayBothSucceed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		other := b.replica()
		id := b.keep(-time.Second)
		b.p.answer = func(_, fresh *oauth.Tokens) (*oauth.Tokens, error) {
			if fresh == nil { // spent: this provider does not mind
				fresh = &oauth.Tokens{AccessToken: oauth.NewSecret("user-access-3"), Type: "Bearer", Expires: time.Now().Add(time.Hour)}
			}
			return fresh, nil
		}
		b.p.during = func(ctx context.Context) {
			b.p.set(func(p *fakeProvider) { p.during = nil })
			got, err := other.Tokens(ctx, id)
			wantTokens(t, got, err, "user-access-2")
		}
		got, err := b.Tokens(t.Context(), id)
		wantTokens(t, got, err, "user-access-2")
		b.wantRow(id, "user-access-2")
	})
}

func TestREF06_A187_APassingFailureDestroysNothing(t *testing.T) {
	for name, fail := range map[string]error{
		"no connection":    &oauth.Error{Check: oauth.CheckTokenHTTP, Fault: oauth.FaultUnavailable, Reason: "the provider could not be reached"},
		"status 500":       &oauth.Error{Check: oauth.CheckTokenHTTP, Fault: oauth.FaultUnavailable, Reason: "the token endpoint asks to come back later"},
		"a page, not JSON": &oauth.Error{Check: oauth.CheckTokenHTTP, Fault: oauth.FaultProvider, Reason: "the token endpoint did not answer with JSON"},
		"no access token":  &oauth.Error{Check: oauth.CheckTokenAnswer, Fault: oauth.FaultProvider, Reason: "the token answer has no usable access token"},
		"invalid_client":   &oauth.Error{Check: oauth.CheckTokenAnswer, Fault: oauth.FaultProvider, Err: &oauth.ProviderError{Code: "invalid_client"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				id := b.keep(5 * time.Second)
				before, version := b.row(id)
				b.p.fail = fail

				got, err := b.Tokens(t.Context(), id)
				wantTokens(t, got, err, "user-access-1")
				got, err = b.Renew(t.Context(), id, got)
				wantFailed(t, got, err, fail)
				time.Sleep(5 * time.Second)
				got, err = b.Tokens(t.Context(), id)
				wantFailed(t, got, err, fail)

				if after, v := b.row(id); v != version || !slices.Equal(after.Value, before.Value) {
					t.Error("the row was changed")
				}
				b.p.set(func(p *fakeProvider) { p.fail = nil })
				time.Sleep(2 * time.Second)
				got, err = b.Tokens(t.Context(), id)
				wantTokens(t, got, err, "user-access-2")
			})
		})
	}
}

func TestREF06_AProviderInTroubleIsAskedLessAndLess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		id := b.keep(-time.Second)
		b.p.fail = &oauth.Error{Check: oauth.CheckTokenHTTP, Fault: oauth.FaultUnavailable, Reason: "the provider could not be reached"}
		var gaps []time.Duration
		last := time.Now()
		for began := time.Now(); time.Since(began) < 10*time.Minute; time.Sleep(100 * time.Millisecond) {
			before := b.p.called()
			got, err := b.Tokens(t.Context(), id)
			wantFailed(t, got, err, b.p.fail)
			if b.p.called() != before {
				gaps, last = append(gaps, time.Since(last)), time.Now()
			}
		}
		if n := len(gaps); n < 12 || n > 30 {
			t.Errorf("%d attempts in ten minutes of 6000 requests", n)
		}
		for i, gap := range gaps[2:] {
			least := min(time.Second<<i, time.Minute) / 2
			if gap < least || gap > 2*least+time.Second {
				t.Errorf("attempt %d came %v after the one before; want %v to %v", i+3, gap, least, 2*least)
			}
		}
	})
}

// After an outage all grants may be due at the same moment.
func TestREF13_AProviderIsAskedForSoManyAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		var mu sync.Mutex
		now, most := 0, 0
		count := func(by int) {
			mu.Lock()
			defer mu.Unlock()
			now += by
			most = max(most, now)
		}
		b.p.during = func(context.Context) { count(1); time.Sleep(100 * time.Millisecond); count(-1) }
		b.p.answer = func(_, _ *oauth.Tokens) (*oauth.Tokens, error) {
			return &oauth.Tokens{AccessToken: oauth.NewSecret("fresh"), Type: "Bearer", Expires: time.Now().Add(time.Hour)}, nil
		}
		var ids []vault.ID
		for range 500 {
			ids = append(ids, b.keep(-time.Second))
		}
		var all sync.WaitGroup
		for _, id := range ids {
			all.Go(func() {
				if got, err := b.Tokens(t.Context(), id); err != nil || got.AccessToken.Reveal() != "fresh" {
					t.Errorf("%v, %v", got, err)
				}
			})
		}
		all.Wait()
		if most > 32 || b.p.called() != 500 {
			t.Errorf("%d refreshes, up to %d at the same time", b.p.called(), most)
		}
	})
}

func TestREF07_A184_AnAnswerAboutAnotherPersonEndsTheGrant(t *testing.T) {
	for name, fail := range map[string]*oauth.Error{
		"A184 another person": {Check: oauth.CheckRefresh, Fault: oauth.FaultProvider, Reason: "the refreshed ID token speaks of another person than the first"},
		"A184 another app":    {Check: oauth.CheckAudience, Fault: oauth.FaultProvider, Reason: "the ID token was made for another app"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				id := b.keep(5 * time.Second)
				b.p.fail = fail
				got, err := b.Tokens(t.Context(), id)
				if got != nil || !errors.Is(err, vault.ErrNoGrant) || !errors.Is(err, fail) {
					t.Fatalf("tokens %v, error %v", got, err)
				}
				b.p.set(func(p *fakeProvider) { p.fail = nil })
				if got, err = b.Tokens(t.Context(), id); got != nil || !errors.Is(err, vault.ErrNoGrant) {
					t.Errorf("afterwards: tokens %v, error %v", got, err)
				}
			})
		})
	}
}

func TestREF06_ATokenThatLivesIsHandedOutWhileTheStoreDoesNotTakeAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		id := b.keep(5 * time.Second)
		b.store.Fail(store.ErrClosed, storetest.Replace)
		got, err := b.Tokens(t.Context(), id)
		wantTokens(t, got, err, "user-access-1")
	})
}

func TestAGrantThatCannotBeRefreshedLastsAsLongAsItsToken(t *testing.T) {
	for name, tc := range map[string]struct{ provider, refresh string }{
		"no refresh token":                          {"acme", ""},
		"A239 the provider is no longer configured": {"gone", "user-refresh-1"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				tokens := b.p.present()
				tokens.RefreshToken, tokens.Expires = oauth.NewSecret(tc.refresh), time.Now().Add(time.Minute)
				id, err := b.Keep(t.Context(), tc.provider, "", tokens, time.Now().Add(time.Hour))
				if err != nil {
					t.Fatal(err)
				}
				got, err := b.Tokens(t.Context(), id)
				wantTokens(t, got, err, "user-access-1")
				time.Sleep(time.Minute)
				got, err = b.Tokens(t.Context(), id)
				wantEnded(t, got, err)
				got, err = b.Renew(t.Context(), id, tokens)
				wantEnded(t, got, err)
				if b.p.called() != 0 {
					t.Errorf("%d refreshes", b.p.called())
				}
				b.wantRow(id, "user-access-1")
			})
		})
	}
}

// gated holds back one of the questions to the store, by its number.
type gated struct {
	store.Store
	asked, held atomic.Int32
	open        chan struct{}
}

func (g *gated) Get(ctx context.Context, t store.Table, k store.Key) (store.Record, store.Version, bool, error) {
	if g.asked.Add(1) == g.held.Load() {
		<-g.open
	}
	return g.Store.Get(ctx, t, k)
}

// Somebody's refresh for an older token is under way; it will find the token
// that we know to be refused, and be content with it. We must not be.
func TestRenewNeverReturnsTheRefusedToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		id := b.keep(time.Hour)
		refused, _ := b.Peek(t.Context(), id)
		older := &oauth.Tokens{AccessToken: oauth.NewSecret("user-access-0")}
		g := &gated{Store: b.store, open: make(chan struct{})}
		g.held.Store(2) // the one of the refresh itself
		v := b.over(g)
		first := ask(func() (*oauth.Tokens, error) { return v.Renew(t.Context(), id, older) })
		synctest.Wait()
		second := ask(func() (*oauth.Tokens, error) { return v.Renew(t.Context(), id, refused) })
		synctest.Wait()
		if first.answered() || second.answered() || g.asked.Load() != 3 {
			t.Fatalf("the store was asked %d times; want one refresh that waits for it, and both waiting for that", g.asked.Load())
		}
		close(g.open)
		<-first.done
		wantTokens(t, first.tokens, first.err, "user-access-1")
		<-second.done
		wantTokens(t, second.tokens, second.err, "user-access-2")
		if n := b.p.called(); n != 1 {
			t.Errorf("%d refreshes", n)
		}
	})
}

// Some providers answer a refresh with the access token that they gave before.
func TestAProviderMayReturnTheSameAccessToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		id := b.keep(-time.Second)
		b.p.answer = func(old, fresh *oauth.Tokens) (*oauth.Tokens, error) {
			fresh.AccessToken = old.AccessToken
			return fresh, nil
		}
		got, err := b.Tokens(t.Context(), id)
		wantTokens(t, got, err, "user-access-1")
		if !got.Valid(time.Now(), vault.Margin) || got.RefreshToken.Reveal() != "user-refresh-2" {
			t.Errorf("%+v", got)
		}
		b.wantRow(id, "user-access-1")
	})
}

func TestARefreshBelongsToTheStoryOfItsLogin(t *testing.T) {
	b := newBench(t)
	id := b.keep(-time.Second)
	if _, err := b.Tokens(oauth.WithLogin(t.Context(), "another"), id); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(b.p.logins, []string{"login-1"}) {
		t.Errorf("logins %q", b.p.logins)
	}
}
