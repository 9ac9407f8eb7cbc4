package oauth

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wayleave/wayleave/internal/jws"
)

// keysServer is a provider's key set as the provider publishes it.
type keysServer struct {
	mu      sync.Mutex
	keys    []*idtKey
	err     error
	body    []byte        // in place of keys
	slow    time.Duration // how long an answer takes, decided when it begins
	fetches int
	bounds  []time.Duration // how long each fetch was allowed to take
}

func (s *keysServer) fetch(ctx context.Context) ([]byte, error) {
	s.mu.Lock()
	s.fetches++
	until, _ := ctx.Deadline()
	s.bounds = append(s.bounds, time.Until(until))
	slow, err, body := s.slow, s.err, s.body
	if body == nil {
		body = jwks(s.keys...)
	}
	s.mu.Unlock()
	select {
	case <-time.After(slow):
		return body, err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (s *keysServer) publish(keys ...*idtKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys = keys
}

func (s *keysServer) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

func (s *keysServer) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fetches
}

// login verifies a token with the key, made now.
func (s *keysServer) login(k *keySet, key *idtKey) error {
	c := newIDTCase()
	c.key, c.verifier.keys = key, k
	_, err := c.verify(context.Background())
	return err
}

// inKeysBubble runs a test with a provider of one key.
func inKeysBubble(t *testing.T, test func(t *testing.T, s *keysServer, k *keySet)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &keysServer{keys: []*idtKey{idtEC()}}
		test(t, s, newKeySet(s.fetch, teller{}))
		synctest.Wait()
	})
}

func TestKeysAreFetchedOnceAndWhenNeeded(t *testing.T) {
	inKeysBubble(t, func(t *testing.T, s *keysServer, k *keySet) {
		if s.count() != 0 {
			t.Error("fetched before anybody asked")
		}
		s.slow = time.Second
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				if err := s.login(k, idtEC()); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if s.count() != 1 || s.bounds[0] != keysTimeout {
			t.Errorf("%d fetches, bounded by %v", s.count(), s.bounds)
		}
	})
}

func TestAWaiterThatLeavesStopsNobody(t *testing.T) {
	inKeysBubble(t, func(t *testing.T, s *keysServer, k *keySet) {
		s.slow = 5 * time.Second
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		first := make(chan error, 1)
		go func() {
			_, err := k.current(ctx)
			first <- err
		}()
		synctest.Wait()
		second := make(chan error, 1)
		go func() {
			_, err := k.current(t.Context())
			second <- err
		}()
		if err := <-first; !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the first: %v", err)
		}
		if err := <-second; err != nil || s.count() != 1 {
			t.Errorf("the second: %v, %d fetches", err, s.count())
		}
	})
}

func TestAFetchEndsByItself(t *testing.T) {
	inKeysBubble(t, func(t *testing.T, s *keysServer, k *keySet) {
		s.slow = time.Hour
		start := time.Now()
		err := s.login(k, idtEC())
		if took := time.Since(start); !errors.Is(err, context.DeadlineExceeded) || took != keysTimeout || FaultOf(err) != FaultUnavailable {
			t.Errorf("%v after %v", err, took)
		}
	})
}

// JWK-12, A270: whatever the number of random kids, one forced fetch a minute.
func TestJWK12_A270_UnknownKidFlood(t *testing.T) {
	inKeysBubble(t, func(t *testing.T, s *keysServer, k *keySet) {
		flood := func() {
			var wg sync.WaitGroup
			for i := range 10_000 {
				wg.Go(func() {
					set, err := k.current(t.Context())
					if err == nil && len(set.Candidates("ES256", fmt.Sprintf("random-%d", i))) == 0 {
						_, _ = k.newer(t.Context(), set)
					}
				})
			}
			wg.Wait()
		}
		flood()
		if n := s.count(); n > 2 {
			t.Errorf("%d fetches", n)
		}
		time.Sleep(59 * time.Second)
		flood()
		if n := s.count(); n > 2 {
			t.Errorf("%d fetches within a minute", n)
		}
		time.Sleep(2 * time.Second)
		flood()
		if n := s.count(); n != 3 {
			t.Errorf("%d fetches after a minute", n)
		}
	})
}

func TestJWK12_RotationIsNoticed(t *testing.T) {
	one, two, three := newIDTEC("k1"), newIDTEC("k2"), newIDTEC("k3")
	inKeysBubble(t, func(t *testing.T, s *keysServer, k *keySet) {
		s.publish(one)
		if err := s.login(k, one); err != nil {
			t.Fatal(err)
		}
		// Right after the set was loaded: the first forced fetch is free.
		s.publish(two)
		if err := s.login(k, two); err != nil || s.count() != 2 {
			t.Fatal("the login after the rotation:", err, s.count())
		}
		// SH-196: what was withdrawn is refused.
		if err := s.login(k, one); CheckOf(err) != CheckKey || s.count() != 2 {
			t.Error("the withdrawn key:", err, s.count())
		}
		// A second rotation within the minute has to wait for its end.
		s.publish(three)
		if err := s.login(k, three); CheckOf(err) != CheckKey || s.count() != 2 {
			t.Error("within the minute:", err, s.count())
		}
		time.Sleep(time.Minute)
		if err := s.login(k, three); err != nil || s.count() != 3 {
			t.Error("after the minute:", err, s.count())
		}
	})
}

func TestJWK13_KeyReplacedUnderTheSameKid(t *testing.T) {
	one, two := newIDTEC("k"), newIDTEC("k")
	inKeysBubble(t, func(t *testing.T, s *keysServer, k *keySet) {
		s.publish(one)
		if err := s.login(k, one); err != nil {
			t.Fatal(err)
		}
		s.publish(two)
		if err := s.login(k, two); err != nil || s.count() != 2 {
			t.Error(err, s.count())
		}
		for range 100 {
			if err := s.login(k, one); CheckOf(err) != CheckSignature {
				t.Error(err)
			}
		}
		if s.count() != 2 {
			t.Errorf("%d fetches", s.count())
		}
	})
}

func TestTokensThatComeLateUseWhatOthersFetched(t *testing.T) {
	inKeysBubble(t, func(t *testing.T, s *keysServer, k *keySet) {
		old, err := k.current(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		fresh, err := k.newer(t.Context(), old)
		if err != nil || fresh == old {
			t.Fatal(err)
		}
		if again, err := k.newer(t.Context(), old); again != fresh || err != nil || s.count() != 2 {
			t.Error(err, s.count())
		}
		if none, err := k.newer(t.Context(), fresh); none != nil || err != errNoNewer || s.count() != 2 {
			t.Error(err, s.count())
		}
	})
}

// A271: several keys of one kid are all tried.
func TestJWK10_A271_DuplicateKids(t *testing.T) {
	one, two := newIDTEC("k"), newIDTEC("k")
	inKeysBubble(t, func(t *testing.T, s *keysServer, k *keySet) {
		s.publish(one, two)
		for _, key := range []*idtKey{one, two} {
			if err := s.login(k, key); err != nil || s.count() != 1 {
				t.Error(err, s.count())
			}
		}
	})
}

// A fetch that began before the rotation brings the old keys; the login goes on
// to fetch once more.
func TestJWK12_RotationDuringAFetch(t *testing.T) {
	one, two := newIDTEC("k1"), newIDTEC("k2")
	inKeysBubble(t, func(t *testing.T, s *keysServer, k *keySet) {
		s.publish(one)
		if err := s.login(k, one); err != nil {
			t.Fatal(err)
		}
		time.Sleep(keysFresh)
		old := jwks(one)
		s.body, s.slow = old, time.Second
		if err := s.login(k, one); err != nil { // starts the refresh in the background
			t.Fatal(err)
		}
		synctest.Wait()
		s.body, s.slow = nil, 0
		s.publish(two)
		if err := s.login(k, two); err != nil || s.count() != 3 {
			t.Error(err, s.count())
		}
	})
}

func TestJWK15_AgeOfTheKeys(t *testing.T) {
	inKeysBubble(t, func(t *testing.T, s *keysServer, k *keySet) {
		works := func(after time.Duration, fetches int) {
			t.Helper()
			time.Sleep(after)
			if err := s.login(k, idtEC()); err != nil {
				t.Errorf("after %v: %v", after, err)
			}
			synctest.Wait()
			if s.count() != fetches {
				t.Errorf("%d fetches, want %d", s.count(), fetches)
			}
		}
		works(0, 1)
		works(keysFresh-time.Second, 1)
		works(time.Second, 2)           // in the background
		works(keysFresh-time.Second, 2) // anew from there
		s.fail(errors.New("down"))
		works(time.Second, 3)  // fails in the background, the old ones serve
		works(time.Minute, 4)  // again, after the cool-down
		works(23*time.Hour, 5) // waits for the fetch, and still uses the old ones
		time.Sleep(keysUsable - 23*time.Hour)
		err := s.login(k, idtEC())
		if CheckOf(err) != CheckKey || FaultOf(err) != FaultUnavailable {
			t.Errorf("after a day: %v", err)
		}
		s.fail(nil)
		time.Sleep(maxCoolDown)
		if err := s.login(k, idtEC()); err != nil {
			t.Errorf("when the provider is back: %v", err)
		}
	})
}

// SH-196: a withdrawn key works only until the refresh, and after an hour
// without logins not even for the first of them.
func TestSH196_WithdrawnKeys(t *testing.T) {
	one, two := newIDTEC("k1"), newIDTEC("k2")
	inKeysBubble(t, func(t *testing.T, s *keysServer, k *keySet) {
		s.publish(one, two)
		if err := s.login(k, one); err != nil {
			t.Fatal(err)
		}
		s.publish(two)
		time.Sleep(keysFresh)
		if err := s.login(k, one); err != nil {
			t.Fatal("while the refresh runs:", err)
		}
		synctest.Wait()
		if err := s.login(k, one); CheckOf(err) != CheckKey {
			t.Error("after the refresh:", err)
		}
		s.publish(one)
		time.Sleep(keysAged)
		if err := s.login(k, two); CheckOf(err) != CheckKey {
			t.Error("after an hour:", err)
		}
	})
}

// A283: what is not a key set does not replace one.
func TestA283_LastGoodCopyStays(t *testing.T) {
	for _, body := range []string{"", "<html>", "[]", "{}", `{"keys":null}`, `{"keys":[],"keys":[]}`} {
		inKeysBubble(t, func(t *testing.T, s *keysServer, k *keySet) {
			if err := s.login(k, idtEC()); err != nil {
				t.Fatal(err)
			}
			s.body = []byte(body)
			time.Sleep(keysFresh)
			for range 2 {
				if err := s.login(k, idtEC()); err != nil {
					t.Errorf("%q: %v", body, err)
				}
				synctest.Wait()
			}
			if s.count() != 2 {
				t.Errorf("%d fetches", s.count())
			}
		})
	}
}

func TestAProviderThatIsDownIsNotHammered(t *testing.T) {
	inKeysBubble(t, func(t *testing.T, s *keysServer, k *keySet) {
		s.fail(errors.New("down"))
		var at []time.Duration
		start := time.Now()
		for time.Since(start) < 5*time.Minute {
			before := s.count()
			err := s.login(k, idtEC())
			e, ok := errors.AsType[*Error](err)
			if !ok || e.Check != CheckKey || e.Fault != FaultUnavailable || e.Step != StepTokens || e.RetryAfter > maxCoolDown {
				t.Fatalf("%+v", err)
			}
			if s.count() > before {
				at = append(at, time.Since(start))
			} else if e.RetryAfter <= 0 {
				t.Error("no hint when to come back")
			}
			time.Sleep(time.Second)
		}
		want := []time.Duration{0, 5, 15, 35, 75, 135, 195, 255}
		if len(at) != len(want) {
			t.Fatalf("fetched at %v", at)
		}
		for i := range at {
			if at[i] != want[i]*time.Second {
				t.Errorf("fetched at %v", at)
			}
		}
		// A token cannot cause what the cool-down forbids.
		if _, err := k.newer(t.Context(), nil); err == nil || s.count() != len(want) {
			t.Error(err, s.count())
		}
	})
}

// While the keys at hand are good, a failing forced fetch breaks nobody else's login.
func TestJWK12_ForcedFetchFails(t *testing.T) {
	inKeysBubble(t, func(t *testing.T, s *keysServer, k *keySet) {
		if err := s.login(k, idtEC()); err != nil {
			t.Fatal(err)
		}
		s.fail(errors.New("down"))
		if err := s.login(k, newIDTEC("new")); CheckOf(err) != CheckKey || FaultOf(err) != FaultUnavailable {
			t.Error("it cannot be known whether the key exists:", err)
		}
		if err := s.login(k, newIDTEC("new")); CheckOf(err) != CheckKey || s.count() != 2 {
			t.Error(err, s.count())
		}
		if err := s.login(k, idtEC()); err != nil {
			t.Error(err)
		}
	})
}

func TestErrorsOfTheKeySet(t *testing.T) {
	inKeysBubble(t, func(t *testing.T, s *keysServer, k *keySet) {
		s.fail(errors.New("no route to host"))
		const cure = "; look at jwks_uri in the provider's metadata and whether this machine can reach it"
		for _, want := range []string{
			"id-token-key: the provider's signing keys could not be fetched: no route to host" + cure,
			"id-token-key: the provider's signing keys could not be fetched: not tried again yet after: no route to host" + cure,
		} {
			if err := s.login(k, idtEC()); err == nil || err.Error() != want {
				t.Errorf("got  %v\nwant %s", err, want)
			}
		}
	})
}

func TestTheReasonOfTheFetchIsKept(t *testing.T) {
	inKeysBubble(t, func(t *testing.T, s *keysServer, k *keySet) {
		s.fail(fmt.Errorf("wrapped: %w", &Error{Step: StepConfigure, Check: CheckDiscoveryIssuer, Fault: FaultProvider, Reason: "another issuer", RetryAfter: 30 * time.Second}))
		for _, want := range []time.Duration{30 * time.Second, 30 * time.Second} {
			e, ok := errors.AsType[*Error](s.login(k, idtEC()))
			if !ok || e.Check != CheckDiscoveryIssuer || e.Fault != FaultProvider || e.Step != StepTokens || e.RetryAfter != want {
				t.Errorf("%+v", e)
			}
		}
	})
}

func TestKeysEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		exposed := newIDTEC("leak")
		exposed.jwk["d"] = "secret-canary"
		encryption := newIDTEC("enc")
		encryption.jwk["use"] = "enc"
		s := &keysServer{keys: []*idtKey{idtEC(), exposed, encryption}}
		var events []Event
		k := newKeySet(s.fetch, teller{provider: "acme", tell: func(_ context.Context, ev Event) { events = append(events, ev) }})
		if _, err := k.current(WithLogin(t.Context(), "login-1")); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if len(events) != 1 {
			t.Fatal(events)
		}
		ev, ok := events[0].(Established)
		if !ok || ev.Is.Login != "login-1" || ev.What != "keys in the provider's key set that verify signatures: 1" || len(ev.Params) != 2 ||
			ev.Params[0] != (Param{Name: "exposed", Value: "key 1 (leak): a secret is published with it (member d)"}) ||
			ev.Params[1] != (Param{Name: "skipped", Value: "key 2 (enc): use is not sig"}) {
			t.Errorf("%+v", events[0])
		}
		if strings.Contains(fmt.Sprintf("%+v", events), "canary") {
			t.Error("a secret was told")
		}
	})
}

// A set that is empty is an answer: the provider has withdrawn all keys.
func TestSH48_EmptySetFailsClosed(t *testing.T) {
	inKeysBubble(t, func(t *testing.T, s *keysServer, k *keySet) {
		s.publish()
		if err := s.login(k, idtEC()); CheckOf(err) != CheckKey {
			t.Error(err)
		}
	})
}

func BenchmarkKeysCurrent(b *testing.B) {
	k := newKeySet(func(context.Context) ([]byte, error) { return jwks(idtEC()), nil }, teller{})
	var set *jws.Set
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if set, err = k.current(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	_ = set
}
