package embedded_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/wayleave/wayleave/store"
	"github.com/wayleave/wayleave/store/embedded"
)

func TestA238_Expiry_AnIdleStoreRemovesWhatHasExpired(t *testing.T) {
	gated(t, func(t *testing.T, s *embedded.Store, g *gate) {
		const n = 1000
		for i := range n {
			rec := record("v", key(-i), key(-5000))
			if i%10 != 0 {
				rec.Expires = time.Now().Add(time.Minute)
			}
			create(t, s, i, rec)
		}
		wantContents(t, s, n, 2*n, n)
		before := g.commits.Load()
		time.Sleep(time.Minute + 1200*time.Millisecond)
		wantContents(t, s, n/10, n/5, n/10)
		// In steps, between which others have their turn.
		if steps := g.commits.Load() - before; steps < 4 || steps > 6 {
			t.Errorf("%d records were removed in %d steps", n*9/10, steps)
		}
		before = g.commits.Load()
		time.Sleep(30 * time.Minute)
		if g.commits.Load() != before {
			t.Errorf("%d commits although nothing had expired", g.commits.Load()-before)
		}
		wantValue(t, s, 0, "v")
		wantValue(t, s, 1, "")
		time.Sleep(time.Hour)
		wantContents(t, s, 0, 0, 0)
	})
}

// A session that is used has its expiry moved again and again; only the row is
// written then, and the entry for its removal follows when its time comes.
func TestA238_Expiry_ARecordThatIsProlongedStaysAndIsRemovedInTheEnd(t *testing.T) {
	gated(t, func(t *testing.T, s *embedded.Store, g *gate) {
		rec := record("v", key(-1))
		rec.Expires = time.Now().Add(time.Minute)
		v := create(t, s, 1, rec)
		for range 100 {
			time.Sleep(30 * time.Second)
			rec.Expires = time.Now().Add(time.Minute)
			var err error
			if v, err = s.Replace(t.Context(), sessions, key(1), v, rec); err != nil {
				t.Fatal(err)
			}
			wantContents(t, s, 1, 1, 1)
		}
		time.Sleep(58 * time.Second)
		wantValue(t, s, 1, "v")
		time.Sleep(5 * time.Second)
		wantContents(t, s, 0, 0, 0)
	})
}

func TestA238_Expiry_ARecordThatIsShortenedIsRemovedAtItsTime(t *testing.T) {
	gated(t, func(t *testing.T, s *embedded.Store, g *gate) {
		rec := record("v", key(-1))
		v := create(t, s, 1, rec)
		rec.Expires = time.Now().Add(time.Minute)
		if _, err := s.Replace(t.Context(), sessions, key(1), v, rec); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute + 2*time.Second)
		wantContents(t, s, 0, 0, 1) // the later entry stays until its time
		create(t, s, 1, record("w"))
		time.Sleep(59 * time.Minute)
		wantValue(t, s, 1, "w") // and does no harm to a record made since
		wantContents(t, s, 1, 0, 1)
		time.Sleep(2 * time.Minute)
		wantContents(t, s, 0, 0, 0)
	})
}

// Between two sweeps, what has expired is in the file and yet not there.
func TestA238_Expiry_WhatHasExpiredIsGoneBeforeItIsRemoved(t *testing.T) {
	gated(t, func(t *testing.T, s *embedded.Store, g *gate) {
		ctx := t.Context()
		rec := record("v", key(-1))
		rec.Expires = time.Now().Add(1500 * time.Millisecond)
		var v store.Version
		for n := range 5 {
			v = create(t, s, n, rec)
		}
		time.Sleep(1600 * time.Millisecond)
		s.Forget()
		wantContents(t, s, 5, 5, 5)
		before := g.commits.Load()
		if keys, more, err := s.Lookup(ctx, sessions, key(-1), 1); len(keys) != 0 || more || err != nil {
			t.Errorf("Lookup: %v, %t, %v", keys, more, err)
		}
		wantValue(t, s, 0, "")
		if _, found, err := s.Take(ctx, sessions, key(1)); found || err != nil {
			t.Errorf("Take: %t, %v", found, err)
		}
		wantErr(t, s.Delete(ctx, sessions, key(2)), nil)
		_, err := s.Replace(ctx, sessions, key(4), v, record("late"))
		wantErr(t, err, store.ErrConflict)
		if g.commits.Load() != before {
			t.Error("somebody waited for the disk")
		}
		create(t, s, 3, record("new", key(-2)))
		wantValue(t, s, 3, "new")
		time.Sleep(time.Second)
		wantValue(t, s, 3, "new")
		wantContents(t, s, 1, 1, 1)
	})
}

func TestA238_Expiry_DeletedRecordsLeaveNothing(t *testing.T) {
	gated(t, func(t *testing.T, s *embedded.Store, g *gate) {
		create(t, s, 1, record("v", key(-1), key(-2)))
		v := create(t, s, 2, record("v", key(-1)))
		if _, err := s.Replace(t.Context(), sessions, key(2), v, record("w")); err != nil {
			t.Fatal(err)
		}
		if err := s.Delete(t.Context(), sessions, key(1)); err != nil {
			t.Fatal(err)
		}
		if _, found, err := s.Take(t.Context(), sessions, key(2)); !found || err != nil {
			t.Fatal(found, err)
		}
		wantContents(t, s, 0, 0, 0)
	})
}

// What expired while no program ran is removed in steps, and calls go on.
func TestA238_Expiry_ALargeBacklogHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 5000
		path := inMemory(t)
		s := open(t, path)
		fill(t, s, n, 1)
		closed(t, s)
		time.Sleep(2 * time.Hour)

		s = open(t, path)
		g := newGate(s)
		time.Sleep(time.Second)
		sweeps, calls := int64(0), 0
		for {
			rows, _, _, err := s.Contents()
			if err != nil {
				t.Fatal(err)
			}
			if rows <= calls {
				break
			}
			before := g.commits.Load()
			create(t, s, n+calls, record("w"))
			calls++
			if g.commits.Load() > before+2 {
				t.Fatalf("a call waited for %d commits", g.commits.Load()-before)
			}
			time.Sleep(10 * time.Millisecond)
			sweeps += g.commits.Load() - before - 1
		}
		if sweeps < 15 || calls < 15 {
			t.Errorf("%d sweeps and %d calls for %d records", sweeps, calls, n)
		}
	})
}
