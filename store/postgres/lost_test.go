package postgres_test

import (
	"errors"
	"sync"
	"testing"

	"github.com/wayleave/wayleave/store"
	"github.com/wayleave/wayleave/store/postgres"
)

// behindRelay returns a store with one connection, on which all statements
// have been used, so that the next thing the server says is an answer.
func behindRelay(t *testing.T) (*relay, *postgres.Store, string) {
	t.Helper()
	address := shared.Server(t).Database(t)
	r, through := newRelay(t, address)
	s := openStore(t, through, postgres.Options{MaxConns: 1})
	useAll(t, s)
	return r, s, address
}

func useAll(t testing.TB, s store.Store) {
	t.Helper()
	key := randomKey()
	v := mustCreate(t, s, sessions, key, lasting("v", key))
	if _, err := s.Replace(t.Context(), sessions, key, v, lasting("w", key)); err != nil {
		t.Fatal(err)
	}
	wantValue(t, s, sessions, key, "w")
	if _, _, err := s.Lookup(t.Context(), sessions, key, 1); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Take(t.Context(), sessions, key); err != nil {
		t.Fatal(err)
	}
}

func TestLostAnswers(t *testing.T) {
	wantLost := func(t *testing.T, err error) {
		t.Helper()
		if err == nil || !postgres.AnswerLost(err) || errors.Is(err, store.ErrConflict) {
			t.Fatalf("error is %v, want one that says that it may have been written", err)
		}
	}
	t.Run("a Create is not repeated, so that it does not meet itself", func(t *testing.T) {
		r, s, address := behindRelay(t)
		key := randomKey()
		r.loseAnswer()
		_, err := s.Create(t.Context(), sessions, key, lasting("once", key))
		wantLost(t, err)
		conn := psql(t, address)
		// The server may still be at it.
		await(t, func() bool { return query[int](t, conn, `SELECT count(*)::int FROM wayleave.records`) == 1 })
		if n := query[int64](t, conn, `SELECT last_value FROM wayleave.versions`); n != 3 {
			t.Errorf("the last version given is %d, want 3: two by the preparation and one", n)
		}
		wantValue(t, s, sessions, key, "once")
		_, err = s.Create(t.Context(), sessions, key, lasting("twice"))
		wantError(t, err, store.ErrConflict)
	})
	t.Run("a Replace is not repeated", func(t *testing.T) {
		r, s, _ := behindRelay(t)
		key := randomKey()
		v := mustCreate(t, s, sessions, key, lasting("before"))
		r.loseAnswer()
		_, err := s.Replace(t.Context(), sessions, key, v, lasting("after"))
		wantLost(t, err)
		await(t, func() bool {
			rec, _, _, err := s.Get(t.Context(), sessions, key)
			return err == nil && string(rec.Value) == "after"
		})
	})
	t.Run("a Take and a Delete are not repeated", func(t *testing.T) {
		r, s, _ := behindRelay(t)
		taken, deleted := randomKey(), randomKey()
		mustCreate(t, s, sessions, taken, lasting("v"))
		mustCreate(t, s, sessions, deleted, lasting("v"))
		r.loseAnswer()
		rec, found, err := s.Take(t.Context(), sessions, taken)
		wantLost(t, err)
		if found || rec.Value != nil {
			t.Errorf("Take returned %q, %t beside its error", rec.Value, found)
		}
		useAll(t, s) // on the new connection
		r.loseAnswer()
		wantLost(t, s.Delete(t.Context(), sessions, deleted))
		for _, key := range []store.Key{taken, deleted} {
			await(t, func() bool {
				_, _, found, err := s.Get(t.Context(), sessions, key)
				return err == nil && !found
			})
		}
	})
	t.Run("a Get and a Lookup are repeated", func(t *testing.T) {
		r, s, _ := behindRelay(t)
		key := randomKey()
		mustCreate(t, s, sessions, key, lasting("there", key))
		r.loseAnswer()
		wantValue(t, s, sessions, key, "there")
		r.loseAnswer()
		if keys, _, err := s.Lookup(t.Context(), sessions, key, 1); err != nil || len(keys) != 1 {
			t.Errorf("Lookup: %v, error %v", keys, err)
		}
	})
	t.Run("one broken connection costs one write, however many there are", func(t *testing.T) {
		address := shared.Server(t).Database(t)
		r, through := newRelay(t, address)
		s := openStore(t, through, postgres.Options{MaxConns: 8})
		conn := psql(t, address)
		together := func(work func()) {
			var wg sync.WaitGroup
			for range 8 {
				wg.Go(work)
			}
			wg.Wait()
		}
		for query[int](t, conn, connections) < 8 {
			together(func() { mustCreate(t, s, sessions, randomKey(), lasting("v")) })
		}
		r.cut(false)
		failed := 0
		for range 20 {
			if _, err := s.Create(t.Context(), sessions, randomKey(), lasting("v")); err != nil {
				wantLost(t, err)
				failed++
			}
		}
		if failed > 1 {
			t.Errorf("%d writes failed after all connections broke, want 1 at most", failed)
		}
	})
}
