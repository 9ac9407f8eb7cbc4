// Package testservers is what the tests of all stores with a server share. The
// servers themselves are in the packages below it.
package testservers

import (
	"crypto/rand"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wayleave/wayleave/store"
)

// Watcher is one call of Follow, and what it has been told.
type Watcher struct {
	Current func() time.Time
	Stop    func()

	mu     sync.Mutex
	ended  map[store.Key]time.Time
	missed int
}

const table store.Table = "followed"

// Watch returns when the store follows its table of tests.
func Watch(t testing.TB, s store.Follower) *Watcher {
	t.Helper()
	w := &Watcher{ended: map[store.Key]time.Time{}}
	w.Current, w.Stop = s.Follow(table, func(k store.Key) {
		w.mu.Lock()
		defer w.mu.Unlock()
		if _, told := w.ended[k]; !told {
			w.ended[k] = time.Now()
		}
	}, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.missed++
	})
	t.Cleanup(w.Stop)
	w.AwaitCurrent(t)
	return w
}

// AwaitCurrent returns when current is later than its call.
func (w *Watcher) AwaitCurrent(t testing.TB) {
	t.Helper()
	now := time.Now()
	until(t, "current", func() bool { return w.Current().After(now) })
}

// Missed is how often some may have been missed.
func (w *Watcher) Missed() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.missed
}

// told returns when the end of a record was told first.
func (w *Watcher) told(k store.Key) (at time.Time, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	at, ok = w.ended[k]
	return at, ok
}

// forget makes it possible to see the next announcement of keys. It returns
// what Missed does.
func (w *Watcher) forget() (missed int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	clear(w.ended)
	return w.missed
}

// Ends writes records and lets them end, by Delete and by Take in turn, and
// checks what the contract says: when current is past the time at which the
// end was acknowledged, it has been told, unless missed was called. It returns
// how long each took, the shortest first.
func (w *Watcher) Ends(t testing.TB, s store.Store, callers, each int) (took []time.Duration) {
	t.Helper()
	keys := make([]store.Key, callers*each)
	together(callers, func(i int) {
		for j := range each {
			k := &keys[i*each+j]
			rand.Read(k[:])
			if _, err := s.Create(t.Context(), table, *k, store.Record{Expires: time.Now().Add(time.Hour)}); err != nil {
				t.Errorf("Create: %v", err)
			}
		}
	})
	w.AwaitCurrent(t)
	missed := w.forget() // that they were created, where that is told
	want := func(k store.Key) {
		if _, ok := w.told(k); !ok && w.Missed() == missed {
			t.Errorf("current is after the end of %v was acknowledged, and it was not told", k)
		}
	}
	var mu sync.Mutex
	together(callers, func(i int) {
		for j := range each {
			k, began, err := keys[i*each+j], time.Now(), error(nil)
			if j%2 == 0 {
				err = s.Delete(t.Context(), table, k)
			} else {
				_, _, err = s.Take(t.Context(), table, k)
			}
			done := time.Now()
			if err != nil {
				t.Errorf("Delete or Take: %v", err)
				return
			}
			if callers == 1 {
				until(t, "told", func() bool { _, ok := w.told(k); return ok || w.Missed() != missed })
			} else if j%8 == 0 { // seldom, so that many are under way at once
				until(t, "current", func() bool { return w.Current().After(done) })
				want(k)
			}
			if at, ok := w.told(k); ok {
				mu.Lock()
				took = append(took, at.Sub(began))
				mu.Unlock()
			}
		}
	})
	w.AwaitCurrent(t)
	for _, k := range keys {
		want(k)
	}
	slices.Sort(took)
	return took
}

// Server is one that can be kept from working.
type Server interface {
	Pause(testing.TB)
	Resume(testing.TB)
	Stop(testing.TB)
	Start(testing.TB)
}

// Follow proves what package store says of Follow: open opens one more store
// on the data of server.
func Follow(t *testing.T, server Server, open func(testing.TB) store.Follower) {
	a, b := open(t), open(t)
	w := Watch(t, b)
	t.Run("ends are told soon", func(t *testing.T) {
		took := w.Ends(t, a, 1, 300)
		t.Logf("from the call of Delete or Take: p50 %v, p99 %v, longest %v", took[len(took)/2], took[len(took)*99/100], took[len(took)-1])
		if p99 := took[len(took)*99/100]; p99 > 2*time.Second {
			t.Errorf("p99 %v", p99)
		}
	})
	t.Run("many at once", func(t *testing.T) { w.Ends(t, a, 32, 40) })
	t.Run("its own ends, too", func(t *testing.T) { w.Ends(t, b, 1, 2) })
	t.Run("those of another table are not told", func(t *testing.T) {
		var k store.Key
		rand.Read(k[:])
		if _, err := a.Create(t.Context(), "other", k, store.Record{Expires: time.Now().Add(time.Hour)}); err != nil {
			t.Fatal(err)
		}
		if err := a.Delete(t.Context(), "other", k); err != nil {
			t.Fatal(err)
		}
		w.AwaitCurrent(t)
		if _, ok := w.told(k); ok {
			t.Error("told")
		}
	})
	t.Run("two follow over one store", func(t *testing.T) {
		second := Watch(t, b)
		defer second.Stop()
		w.Ends(t, a, 1, 2)
		second.Ends(t, a, 1, 2)
	})
	t.Run("a server that hangs leaves current where it was", func(t *testing.T) {
		server.Pause(t)
		until(t, "over a second old", func() bool { return time.Since(w.Current()) > time.Second })
		server.Resume(t)
		w.AwaitCurrent(t)
		w.Ends(t, a, 1, 2)
	})
	t.Run("a server that restarts", func(t *testing.T) {
		missed := w.Missed()
		server.Stop(t)
		until(t, "unknown", func() bool { return w.Current().IsZero() })
		until(t, "missed", func() bool { return w.Missed() > missed })
		missed = w.Missed()
		server.Start(t)
		w.AwaitCurrent(t)
		if w.Missed() == missed {
			t.Error("nothing is said of what happened before it was connected again")
		}
		until(t, "answered", func() bool {
			_, _, _, err := a.Get(t.Context(), table, store.Key{})
			return err == nil
		})
		w.Ends(t, a, 1, 2)
	})
	t.Run("stop and Close end it", func(t *testing.T) {
		second := Watch(t, b)
		w.Stop()
		if !w.Current().IsZero() {
			t.Error("current is not zero after stop")
		}
		second.Ends(t, a, 1, 2) // goes on
		for range 10 {
			go b.Follow(table, func(store.Key) {}, func() {})
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		if !second.Current().IsZero() {
			t.Error("current is not zero after Close")
		}
		current, stop := b.Follow(table, func(store.Key) {}, func() {})
		if !current().IsZero() {
			t.Error("a closed store follows")
		}
		stop()
	})
}

// FollowEnds proves that stop ends all that Follow has begun. No other test may
// follow at the same time.
func FollowEnds(t *testing.T, s store.Follower) {
	Watch(t, s).Stop()
	stacks := make([]byte, 1<<20)
	until(t, "ended", func() bool {
		return !strings.Contains(string(stacks[:runtime.Stack(stacks, true)]), "(*follower)")
	})
}

func together(n int, do func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { do(i) })
	}
	wg.Wait()
}

// until waits for what comes true by itself.
func until(t testing.TB, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !is(); time.Sleep(500 * time.Microsecond) {
		if time.Now().After(deadline) {
			t.Errorf("after a minute still not %s", what)
			return
		}
	}
}
