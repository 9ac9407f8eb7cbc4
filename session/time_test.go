package session_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/wayleave/wayleave/internal/seal"
	"github.com/wayleave/wayleave/session"
	"github.com/wayleave/wayleave/store/memory"
	"github.com/wayleave/wayleave/store/storetest"
)

func TestSES11_ASessionWithoutRequestsEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		id, _ := b.create(ada())
		time.Sleep(life.Idle - time.Millisecond)
		wantAlive(t, b.Manager, id, "ada") // and begins another hour
		time.Sleep(life.Idle - time.Millisecond)
		wantAlive(t, b.Manager, id, "ada")
		time.Sleep(life.Idle)
		wantNone(t, b.Manager, id)
		wantNone(t, b.replica(), id)
	})
}

func TestSES11_ASessionEndsInAnyCase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		id, made := b.create(ada())
		end := made.Created.Add(life.Absolute)
		for time.Until(end) > time.Minute {
			time.Sleep(time.Minute)
			wantAlive(t, b.Manager, id, "ada")
		}
		time.Sleep(time.Until(end) - time.Millisecond)
		wantAlive(t, b.Manager, id, "ada")
		if kept := b.row(made.Key()).Expires; kept.After(end) {
			t.Errorf("the store keeps the record for %v more", kept.Sub(end))
		}
		time.Sleep(time.Millisecond)
		wantNone(t, b.Manager, id)
		wantNone(t, b.replica(), id)
	})
}

// The absolute end stands in the sealed record, not only in the store's own
// expiry, which somebody with access to the store could move.
func TestSES11_AMovedExpiryIsOfNoUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		id, made := b.create(ada())
		rec := b.row(made.Key())
		rec.Expires = rec.Expires.Add(1000 * time.Hour)
		b.setRow(made.Key(), rec)
		wantAlive(t, b.Manager, id, "ada")
		time.Sleep(life.Absolute)
		wantNone(t, b.Manager, id)
		wantNone(t, b.replica(), id)
	})
}

// Requests at any times: the session ends after the idle time, at most a
// twentieth earlier, and never lives beyond the absolute end.
func TestSES11_ForAnyTimesOfRequests(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		idle := time.Duration(rapid.Int64Range(int64(time.Second), int64(2*time.Hour)).Draw(r, "idle"))
		absolute := idle * time.Duration(rapid.IntRange(1, 20).Draw(r, "lives"))
		pauses := rapid.SliceOfN(rapid.Int64Range(0, int64(idle)+int64(idle)/10), 0, 50).Draw(r, "pauses")
		wrong := ""
		synctest.Test(t, func(t *testing.T) { wrong = requestsAt(t, idle, absolute, pauses) })
		if wrong != "" {
			r.Fatal(wrong)
		}
	})
}

// requestsAt makes a session and a request after each pause, until one finds
// nothing. It says what is wrong with that, or "".
func requestsAt(t *testing.T, idle, absolute time.Duration, pauses []int64) string {
	m := managerFor(memory.New(memory.Options{}), seal.NewRandomRing(), session.Lifetimes{Idle: idle, Absolute: absolute})
	id, _, _, err := m.Create(t.Context(), ada())
	if err != nil {
		return err.Error()
	}
	created, seen := time.Now(), time.Now()
	for _, p := range pauses {
		time.Sleep(time.Duration(p))
		found, err := m.Find(t.Context(), id)
		if err != nil {
			return err.Error()
		}
		pause, age := time.Since(seen), time.Since(created)
		must := pause < idle-idle/20-time.Millisecond && age < absolute-time.Millisecond
		may := pause < idle && age < absolute
		if found == nil && must || found != nil && !may {
			return fmt.Sprintf("found %v %v after the last request and %v after the login", found, pause, age)
		}
		if found == nil {
			return ""
		}
		seen = time.Now()
	}
	return ""
}

func TestLastSeenIsWrittenRarely(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		id, made := b.create(ada())
		for range 3600 {
			time.Sleep(time.Second)
			s := wantAlive(t, b.Manager, id, "ada")
			if late := time.Since(s.LastSeen); late > life.Idle/20+2*time.Second {
				t.Fatalf("last seen %v ago", late)
			}
		}
		if n := b.store.Calls(storetest.Replace); n < 15 || n > 20 {
			t.Errorf("%d writes in an hour of 3600 requests", n)
		}
		if s := wantAlive(t, b.Manager, id, "ada"); !s.Created.Equal(made.Created) || !s.Expires.Equal(made.Expires) {
			t.Errorf("a request moved Created to %v and Expires to %v", s.Created, s.Expires)
		}
	})
}

func TestAFailedTouchIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		id, made := b.create(ada())
		b.store.Fail(errors.New("read only"), storetest.Replace)
		time.Sleep(30 * time.Minute)
		wantAlive(t, b.Manager, id, "ada")
		wantAlive(t, b.Manager, id, "ada")
		if n := b.store.Calls(storetest.Replace); n != 2 {
			t.Errorf("%d attempts in two requests", n)
		}
		b.store.Heal()
		wantAlive(t, b.Manager, id, "ada")
		if end := b.row(made.Key()).Expires; time.Until(end) != life.Idle {
			t.Errorf("the session lives another %v", time.Until(end))
		}
	})
}

func TestTwoReplicasMayTouchOneSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		replicas := []*session.Manager{b.Manager, b.replica()}
		id, _ := b.create(ada())
		for i := range 11 {
			var all sync.WaitGroup
			for _, m := range replicas {
				all.Go(func() { wantAlive(t, m, id, "ada") })
			}
			all.Wait()
			time.Sleep(59 * time.Minute)
			wantAlive(t, replicas[i%2], id, "ada")
		}
	})
}

// The trap: a request that began before the logout writes the session back.
func TestA224_ATouchNeverUndoesALogout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		id, made := b.create(ada())
		time.Sleep(30 * time.Minute)
		b.store.Block(storetest.Replace)
		slow := make(chan error, 1)
		go func() {
			_, err := b.Find(context.Background(), id) // has read the record, and is about to write it
			slow <- err
		}()
		synctest.Wait()
		if b.store.Calls(storetest.Replace) != 1 {
			t.Fatal("the request does not write")
		}
		if err := b.End(t.Context(), made); err != nil {
			t.Fatal(err)
		}
		b.store.Heal()
		if err := <-slow; err != nil {
			t.Errorf("the slow request: %v", err)
		}
		wantNone(t, b.Manager, id)
		wantNone(t, b.replica(), id)
	})
}

// The same by chance, for the race detector: every request that begins after
// the logout finds nothing, however many are under way.
func TestA224_ALogoutAmongManyRequests(t *testing.T) {
	s := storetest.Failing(memory.New(memory.Options{}))
	m := managerFor(s, seal.NewRandomRing(), session.Lifetimes{Idle: 200 * time.Millisecond, Absolute: time.Hour})
	for range 10 {
		id, made, _, err := m.Create(t.Context(), ada())
		if err != nil {
			t.Fatal(err)
		}
		stop := make(chan struct{})
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
					}
					if _, err := m.Find(context.Background(), id); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		for before := s.Calls(storetest.Replace); s.Calls(storetest.Replace) < before+2; {
			runtime.Gosched() // until the requests write
		}
		if err := m.End(t.Context(), made); err != nil {
			t.Error(err)
		}
		for range 100 {
			wantNone(t, m, id)
		}
		close(stop)
		all.Wait()
		wantNone(t, m, id)
	}
}
