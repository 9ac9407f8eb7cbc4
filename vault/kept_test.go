package vault_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wayleave/wayleave/internal/egress"
	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/store/storetest"
	"github.com/wayleave/wayleave/vault"
)

// unanswered is what package oauth returns for a request without an answer.
func unanswered(t *testing.T) error {
	t.Helper()
	err := error(&oauth.Error{Check: oauth.CheckTokenHTTP, Fault: oauth.FaultUnavailable, Err: egress.ErrUnreachable})
	if !oauth.Unanswered(err) {
		t.Fatal("that is not what an unanswered request looks like")
	}
	return err
}

// login is a sign-in of ada whose entry asks for offline access.
func (b *bench) login(t *oauth.Tokens) vault.ID {
	b.Helper()
	id, err := b.KeepOffline(context.Background(), "ada", "acme", "login-1", t, time.Now().Add(12*time.Hour))
	if err != nil {
		b.Fatal(err)
	}
	return id
}

// wantReturned fails unless exactly these tokens were revoked, in any order.
func (b *bench) wantReturned(want ...string) {
	b.Helper()
	b.p.mu.Lock()
	got := slices.Clone(b.p.returned)
	b.p.mu.Unlock()
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		b.Errorf("revoked %q, want %q", got, want)
	}
}

func (b *bench) kept() *oauth.Tokens {
	b.Helper()
	id, err := b.Kept(context.Background(), "ada", "acme")
	if err != nil {
		b.Fatal(err)
	}
	t, err := b.Peek(context.Background(), id)
	if err != nil {
		b.Fatal(err)
	}
	return t
}

func TestAKeptGrantOutlivesItsSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		session := b.login(b.p.present())
		got, err := b.Tokens(t.Context(), session)
		wantTokens(t, got, err, "user-access-1")
		if err := b.Drop(t.Context(), session); err != nil {
			t.Fatal(err)
		}
		got, err = b.Tokens(t.Context(), session)
		wantEnded(t, got, err)
		b.RevokeDue(t.Context(), nil)
		b.wantReturned()

		id, err := b.Kept(t.Context(), "ada", "acme")
		if err != nil {
			t.Fatal(err)
		}
		for month := range 12 {
			time.Sleep(30 * 24 * time.Hour)
			got, err = b.Tokens(t.Context(), id)
			wantTokens(t, got, err, b.p.access(month+2))
		}
	})
}

func TestAKeptGrantBelongsToOneUserAndProvider(t *testing.T) {
	b := newBench(t)
	b.login(b.p.present())
	for _, other := range [][2]string{{"bob", "acme"}, {"ada", "other"}, {"", "acme"}, {"ada\x00acme", ""}} {
		if _, err := b.Kept(t.Context(), other[0], other[1]); !errors.Is(err, vault.ErrNoGrant) {
			t.Errorf("%q has the grant: %v", other, err)
		}
	}
	list, err := b.KeptGrants(t.Context(), "bob")
	if err != nil || len(list) != 0 {
		t.Errorf("bob has %v, %v", list, err)
	}
}

// Two apps may share a store, and call their own registrations by one name.
func TestREF16_AKeptGrantBelongsToOneRegistration(t *testing.T) {
	b := newBench(t)
	b.login(b.p.present())
	b.client = "another registration"
	if _, err := b.Kept(t.Context(), "ada", "acme"); !errors.Is(err, vault.ErrNoGrant) {
		t.Errorf("another registration has the grant: %v", err)
	}
	b.client = ""
	if got := b.kept(); got.RefreshToken.Reveal() != "user-refresh-1" {
		t.Errorf("kept %v", got)
	}
}

func TestALoginWithoutARefreshTokenOverwritesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.login(b.p.present())
		again := b.p.present()
		again.AccessToken, again.RefreshToken = oauth.NewSecret("of the second login"), oauth.Secret{}
		second := b.login(again)
		if got := b.kept(); got.RefreshToken.Reveal() != "user-refresh-1" {
			t.Errorf("the kept grant has %v", got)
		}
		time.Sleep(time.Hour)
		got, err := b.Tokens(t.Context(), second)
		wantTokens(t, got, err, "user-access-2")
	})
}

// Without a refresh token there is nothing to keep: the tokens live with the session.
func TestWithoutARefreshTokenNothingIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		tokens := b.p.present()
		tokens.RefreshToken = oauth.Secret{}
		id := b.login(tokens)
		got, err := b.Tokens(t.Context(), id)
		wantTokens(t, got, err, "user-access-1")
		if _, err := b.Kept(t.Context(), "ada", "acme"); !errors.Is(err, vault.ErrNoGrant) {
			t.Errorf("kept: %v", err)
		}
		list, err := b.KeptGrants(t.Context(), "ada")
		if err != nil || len(list) != 0 {
			t.Errorf("listed: %v, %v", list, err)
		}
	})
}

func TestALoginWithConsentRenewsAKeptGrantThatEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		tokens := b.p.present()
		tokens.Expires = time.Now()
		id := b.login(tokens)
		b.p.fail = errInvalidGrant
		got, err := b.Tokens(t.Context(), id)
		wantEnded(t, got, err)
		list, err := b.KeptGrants(t.Context(), "ada")
		if err != nil || len(list) != 1 || !list[0].Ended {
			t.Fatalf("listed %+v, %v; want one that has ended", list, err)
		}
		b.p.set(func(p *fakeProvider) { p.fail, p.serial = nil, 7 })
		b.login(b.p.present())
		got, err = b.Tokens(t.Context(), id) // the older session has it too
		wantTokens(t, got, err, "user-access-7")
		list, err = b.KeptGrants(t.Context(), "ada")
		if err != nil || len(list) != 1 || list[0].Ended || !slices.Equal(list[0].Scopes, []string{"accounts"}) {
			t.Errorf("listed %+v, %v", list, err)
		}
	})
}

// Somebody refreshes the old tokens while the person signs in anew, with consent.
func TestREF02_ANewGrantIsNotOverwrittenByARefreshOfTheOldOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		old := b.p.present()
		old.Expires = time.Now()
		id := b.login(old)
		b.p.after = func(context.Context) {
			b.p.set(func(p *fakeProvider) { p.after = nil })
			granted := &oauth.Tokens{AccessToken: oauth.NewSecret("new-access"), Type: "Bearer", RefreshToken: oauth.NewSecret("new-refresh"), Expires: time.Now().Add(time.Hour)}
			b.login(granted)
		}
		got, err := b.replicas(1)[0].Tokens(t.Context(), id)
		wantTokens(t, got, err, "new-access")
		if k := b.kept(); k.RefreshToken.Reveal() != "new-refresh" {
			t.Errorf("the kept grant has %s", k.RefreshToken.Reveal())
		}
	})
}

func TestREF03_SessionsOfOneKeptGrantRefreshItOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.p.during = func(context.Context) { time.Sleep(time.Second) }
		tokens := b.p.present()
		tokens.Expires = time.Now()
		ids := []vault.ID{b.login(tokens), b.login(tokens), b.login(tokens)}
		var all sync.WaitGroup
		for _, v := range b.replicas(3) {
			for _, id := range ids {
				all.Go(func() {
					got, err := v.Tokens(t.Context(), id)
					if err != nil || got.AccessToken.Reveal() != "user-access-2" {
						t.Errorf("%v, %v", got, err)
					}
				})
			}
		}
		all.Wait()
		if n := b.p.called(); n != 1 {
			t.Errorf("%d refreshes", n)
		}
	})
}

func TestREV03_ASessionGrantIsRevokedWithItsSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		id := b.keep(time.Hour)
		if err := b.Drop(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		got, err := b.Tokens(t.Context(), id)
		wantEnded(t, got, err)
		b.RevokeDue(t.Context(), nil)
		b.wantReturned("user-refresh-1")
		b.RevokeDue(t.Context(), nil)
		time.Sleep(2 * time.Minute)
		b.RevokeDue(t.Context(), nil)
		b.wantReturned("user-refresh-1")
		if _, _, found, _ := b.store.Get(t.Context(), table, id); found {
			t.Error("its row is still there")
		}
	})
}

func TestAGrantIsNotRevokedWhere(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*bench)
		give   func(context.Context, *bench, vault.ID) error
	}{
		"revocation would end more than the session": {func(b *bench) { b.wide = true }, func(ctx context.Context, b *bench, id vault.ID) error { return b.Drop(ctx, id) }},
		"the provider takes nothing back":            {func(b *bench) { b.unrevoked = true }, func(ctx context.Context, b *bench, id vault.ID) error { return b.Drop(ctx, id) }},
		"LGO-14 nobody proved who asks":              {func(*bench) {}, func(ctx context.Context, b *bench, id vault.ID) error { return b.Forget(ctx, id) }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				tc.change(b)
				id := b.keep(time.Hour)
				if err := tc.give(t.Context(), b, id); err != nil {
					t.Fatal(err)
				}
				got, err := b.Tokens(t.Context(), id)
				wantEnded(t, got, err)
				b.RevokeDue(t.Context(), nil)
				b.wantReturned()
				if _, _, found, _ := b.store.Get(t.Context(), table, id); found {
					t.Error("its row is still there")
				}
			})
		})
	}
}

func TestDisconnectRevokesAlsoWhereThatEndsEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.wide = true
		id := b.login(b.p.present())
		if err := b.Disconnect(t.Context(), "ada", "acme"); err != nil {
			t.Fatal(err)
		}
		got, err := b.Tokens(t.Context(), id)
		wantEnded(t, got, err)
		if _, err := b.Kept(t.Context(), "ada", "acme"); !errors.Is(err, vault.ErrNoGrant) {
			t.Errorf("still kept: %v", err)
		}
		b.RevokeDue(t.Context(), nil)
		b.wantReturned("user-refresh-1")
		if list, err := b.KeptGrants(t.Context(), "ada"); err != nil || len(list) != 0 {
			t.Errorf("listed %v, %v", list, err)
		}
		if err := b.Disconnect(t.Context(), "ada", "acme"); err != nil {
			t.Errorf("a second time: %v", err)
		}
		if err := b.Disconnect(t.Context(), "nobody", "acme"); err != nil {
			t.Errorf("for somebody else: %v", err)
		}
	})
}

// Where the end of one token is the end of all, one that waits to be revoked
// must not take a newer grant along.
func TestAUserWhoConnectsAgainIsNotDisconnectedAfterwards(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.wide = true
		b.login(b.p.present())
		b.p.refuse = unanswered(t)
		if err := b.Disconnect(t.Context(), "ada", "acme"); err != nil {
			t.Fatal(err)
		}
		b.RevokeDue(t.Context(), nil)
		b.p.set(func(p *fakeProvider) { p.refuse, p.returned, p.serial = nil, nil, 9 })
		b.login(b.p.present())
		for range 100 {
			time.Sleep(10 * time.Minute)
			b.RevokeDue(t.Context(), nil)
		}
		b.wantReturned()
		if got := b.kept(); got.RefreshToken.Reveal() != "user-refresh-9" {
			t.Errorf("kept %v", got)
		}
	})
}

func TestREV02_REV03_AProviderThatIsDownIsToldLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		id := b.keep(time.Hour)
		b.p.refuse = unanswered(t)
		if err := b.Drop(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		var heard []error
		for range 6 * 60 { // six hours
			b.RevokeDue(t.Context(), func(provider string, err error) { heard = append(heard, err) })
			time.Sleep(time.Minute)
		}
		if n := len(heard); n < 8 || n > 14 {
			t.Errorf("%d attempts in six hours", n)
		}
		b.p.set(func(p *fakeProvider) { p.refuse, p.returned = nil, nil })
		time.Sleep(time.Hour)
		b.replicas(1)[0].RevokeDue(t.Context(), nil) // a process that knows of nothing
		b.wantReturned("user-refresh-1")
	})
}

func TestREV03_ATokenThatCannotBeRevokedIsForgottenAfterADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		id := b.keep(time.Hour)
		b.p.refuse = unanswered(t)
		if err := b.Drop(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		for range 25 {
			b.RevokeDue(t.Context(), nil)
			time.Sleep(time.Hour)
		}
		if _, _, found, _ := b.store.Get(t.Context(), table, id); found {
			t.Error("its row is still there")
		}
	})
}

func TestAProviderThatNeverTakesTokensBackIsAskedOnce(t *testing.T) {
	for name, refuse := range map[string]error{
		"no endpoint":            &oauth.Error{Check: oauth.CheckRevocation, Fault: oauth.FaultCaller, Reason: "the provider has no revocation endpoint"},
		"none of tokens of ours": &oauth.Error{Check: oauth.CheckRevocation, Fault: oauth.FaultProvider, Err: &oauth.ProviderError{Code: "unsupported_token_type"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				b.p.refuse = refuse
				id := b.keep(time.Hour)
				if err := b.Drop(t.Context(), id); err != nil {
					t.Fatal(err)
				}
				for range 100 {
					b.RevokeDue(t.Context(), func(_ string, err error) { t.Error(err) })
					time.Sleep(time.Minute)
				}
				b.wantReturned("user-refresh-1")
			})
		})
	}
}

func TestREV03_ReplicasRevokeATokenOnce(t *testing.T) {
	b := newBench(t)
	id := b.keep(time.Hour)
	if err := b.Drop(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for _, v := range b.replicas(20) {
		all.Go(func() { v.RevokeDue(t.Context(), nil) })
	}
	all.Wait()
	b.wantReturned("user-refresh-1")
}

func TestWorkRevokesWhatIsDroppedNowAndWhatOthersLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		left := b.keep(time.Hour)
		if err := b.replicas(1)[0].Drop(t.Context(), left); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { b.Work(ctx, nil); close(done) }()
		synctest.Wait()
		b.wantReturned("user-refresh-1")
		b.p.set(func(p *fakeProvider) { p.returned = nil })
		mine := b.keep(time.Hour)
		if err := b.Drop(t.Context(), mine); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		b.wantReturned("user-refresh-1")
		stop()
		<-done
	})
}

func TestSES16_AGrantIsNotTakenForDroppedWhileTheStoreIsDown(t *testing.T) {
	b := newBench(t)
	id := b.keep(time.Hour)
	down := errors.New("the store is down")
	b.store.Fail(down, storetest.Get, storetest.Replace, storetest.Delete)
	if err := b.Drop(t.Context(), id); !errors.Is(err, down) {
		t.Errorf("dropped: %v", err)
	}
	if err := b.Disconnect(t.Context(), "ada", "acme"); !errors.Is(err, down) {
		t.Errorf("disconnected: %v", err)
	}
	if _, err := b.KeepOffline(t.Context(), "ada", "acme", "", b.p.present(), time.Now().Add(time.Hour)); !errors.Is(err, down) {
		t.Errorf("kept: %v", err)
	}
	b.wantRow(id, "user-access-1")
}
