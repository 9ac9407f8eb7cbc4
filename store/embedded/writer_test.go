package embedded_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wayleave/wayleave/store"
	"github.com/wayleave/wayleave/store/embedded"
)

// gate holds up the commits of a store, so that what happens meanwhile is
// certain. It must be made in the bubble of the store.
type gate struct {
	commits atomic.Int64
	held    chan struct{} // nil: open
	fail    func(commit func() error) error
}

func newGate(s *embedded.Store) *gate {
	g := &gate{}
	s.OnCommit(func(commit func() error) error {
		g.commits.Add(1)
		if g.held != nil {
			<-g.held
		}
		if g.fail != nil {
			return g.fail(commit)
		}
		return commit()
	})
	return g
}

// behind starts the calls while a commit is under way, lets all of them
// arrive, does what is to be done meanwhile, and returns when the calls have
// ended. It returns how many commits they took.
func (g *gate) behind(t *testing.T, s *embedded.Store, meanwhile func(), calls ...func()) int64 {
	create(t, s, blocker, record("blocker"))
	g.held = make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() { s.Delete(t.Context(), sessions, key(blocker)) })
	synctest.Wait()
	before := g.commits.Load()
	for _, call := range calls {
		wg.Go(call)
	}
	synctest.Wait()
	meanwhile()
	close(g.held)
	wg.Wait()
	synctest.Wait() // for writes that nobody waits for any more
	g.held = nil
	return g.commits.Load() - before
}

func nothing() {}

// blocker is the key of a record whose removal holds up the others.
const blocker = 1 << 40

// gated runs a test in a bubble, with a store whose commits it controls.
func gated(t *testing.T, run func(*testing.T, *embedded.Store, *gate)) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, inMemory(t))
		g := newGate(s)
		run(t, s, g)
		if err := s.Verify(); err != nil {
			t.Error(err)
		}
	})
}

func TestWriter_WhoWaitsTogetherSharesOneCommit(t *testing.T) {
	gated(t, func(t *testing.T, s *embedded.Store, g *gate) {
		var calls []func()
		for n := range embedded.BatchWrites {
			calls = append(calls, func() { create(t, s, n, record("v")) })
		}
		if got := g.behind(t, s, nothing, calls...); got != 1 {
			t.Errorf("%d writes took %d commits, want 1", len(calls), got)
		}
		for n := range calls {
			wantValue(t, s, n, "v")
		}
	})
}

func TestA238_Writer_BatchesAreBounded(t *testing.T) {
	for name, c := range map[string]struct {
		writes, size int
		commits      int64
	}{
		"in number": {embedded.BatchWrites + 1, 1, 2},
		"in bytes":  {2 * embedded.BatchBytes / store.MaxValue, store.MaxValue, 2},
	} {
		t.Run(name, func(t *testing.T) {
			gated(t, func(t *testing.T, s *embedded.Store, g *gate) {
				value := strings.Repeat("v", c.size)
				var calls []func()
				for n := range c.writes {
					calls = append(calls, func() { create(t, s, n, record(value)) })
				}
				if got := g.behind(t, s, nothing, calls...); got != c.commits {
					t.Errorf("%d writes took %d commits, want %d", c.writes, got, c.commits)
				}
			})
		})
	}
}

func TestWriter_EachCallerGetsItsOwnAnswer(t *testing.T) {
	gated(t, func(t *testing.T, s *embedded.Store, g *gate) {
		ctx := t.Context()
		v := create(t, s, 1, record("old", key(9)))
		create(t, s, 2, record("two"))
		create(t, s, 3, record("three"))
		var errs [3]error
		got := g.behind(t, s, nothing,
			func() { _, errs[0] = s.Create(ctx, sessions, key(2), record("late")) },
			func() { _, errs[1] = s.Replace(ctx, sessions, key(1), v, record("new", key(9))) },
			func() { _, errs[2] = s.Replace(ctx, sessions, key(2), 1<<60, record("late")) },
			func() {
				if rec, found, err := s.Take(ctx, sessions, key(3)); !found || err != nil || string(rec.Value) != "three" {
					t.Errorf("Take: %q, %t, %v", rec.Value, found, err)
				}
			},
			func() {
				if _, found, err := s.Take(ctx, sessions, key(4)); found || err != nil {
					t.Errorf("Take of nothing: %t, %v", found, err)
				}
			},
			func() {
				if err := s.Delete(ctx, sessions, key(4)); err != nil {
					t.Errorf("Delete of nothing: %v", err)
				}
			},
		)
		if got != 1 {
			t.Errorf("took %d commits, want 1", got)
		}
		wantErr(t, errs[0], store.ErrConflict)
		wantErr(t, errs[1], nil)
		wantErr(t, errs[2], store.ErrConflict)
		wantValue(t, s, 1, "new")
		wantValue(t, s, 2, "two")
		wantValue(t, s, 3, "")
	})
}

func TestWriter_OfManyChangesOfOneRecordTheLastOneShows(t *testing.T) {
	gated(t, func(t *testing.T, s *embedded.Store, g *gate) {
		for range 20 {
			var calls []func()
			for range 5 {
				calls = append(calls,
					func() { s.Create(t.Context(), sessions, key(1), record("v")) },
					func() { s.Delete(t.Context(), sessions, key(1)) })
			}
			g.behind(t, s, nothing, calls...)
			rec, _, found, err := s.Get(t.Context(), sessions, key(1))
			if err != nil {
				t.Fatal(err)
			}
			s.Forget()
			inFile, _, foundInFile, _ := s.Get(t.Context(), sessions, key(1))
			if found != foundInFile || string(rec.Value) != string(inFile.Value) {
				t.Fatalf("found %t, in the file %t", found, foundInFile)
			}
		}
	})
}

func TestWriter_WhatChangesNothingIsNotCommitted(t *testing.T) {
	gated(t, func(t *testing.T, s *embedded.Store, g *gate) {
		create(t, s, 1, record("v"))
		before := g.commits.Load()
		if _, err := s.Create(t.Context(), sessions, key(1), record("w")); !errors.Is(err, store.ErrConflict) {
			t.Error(err)
		}
		if err := s.Delete(t.Context(), sessions, key(2)); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Minute) // and nothing expires
		if g.commits.Load() != before {
			t.Errorf("%d commits", g.commits.Load()-before)
		}
	})
}

func TestWriter_AContextThatEndsBeforeItsTurnWritesNothing(t *testing.T) {
	gated(t, func(t *testing.T, s *embedded.Store, g *gate) {
		v := create(t, s, 1, record("old", key(9)))
		ctx, cancel := context.WithCancel(t.Context())
		late, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		g.behind(t, s,
			func() {
				time.Sleep(2 * time.Second)
				cancel()
			},
			func() {
				_, err := s.Create(ctx, sessions, key(2), record("v", key(9)))
				wantErr(t, err, context.Canceled)
			},
			func() {
				_, err := s.Replace(late, sessions, key(1), v, record("new", key(9)))
				wantErr(t, err, context.DeadlineExceeded)
			},
			func() { wantErr(t, s.Delete(ctx, sessions, key(1)), context.Canceled) },
		)
		wantValue(t, s, 1, "old")
		wantValue(t, s, 2, "")
		wantContents(t, s, 1, 1, 1)
	})
}

// A disk that hangs must not hold those who wait for it for ever.
func TestWriter_AContextThatEndsDuringTheCommitEndsTheWait(t *testing.T) {
	gated(t, func(t *testing.T, s *embedded.Store, g *gate) {
		create(t, s, 0, record("before"))
		s.Forget()
		g.held = make(chan struct{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := s.Create(ctx, sessions, key(1), record("v"))
		wantErr(t, err, context.DeadlineExceeded)
		wantCure(t, err, "may still happen")
		wantValue(t, s, 0, "before") // reading goes on
		close(g.held)
		synctest.Wait()
		wantValue(t, s, 1, "v") // as was said, it may
	})
}

func TestClose_FinishesWhatHasBegunAndRefusesTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := inMemory(t)
		s := open(t, path)
		g := newGate(s)
		g.held = make(chan struct{})
		var wg sync.WaitGroup
		wg.Go(func() { create(t, s, 1, record("v")) })
		synctest.Wait()
		wg.Go(func() {
			_, err := s.Create(t.Context(), sessions, key(2), record("v"))
			wantErr(t, err, store.ErrClosed)
		})
		synctest.Wait()
		wg.Go(func() { closed(t, s) })
		synctest.Wait()
		_, _, _, err := s.Get(t.Context(), sessions, key(1))
		wantErr(t, err, store.ErrClosed)
		close(g.held)
		wg.Wait()

		s = open(t, path)
		wantValue(t, s, 1, "v")
		wantValue(t, s, 2, "")
	})
}
