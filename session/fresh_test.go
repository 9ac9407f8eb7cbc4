package session_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wayleave/wayleave/internal/index"
	"github.com/wayleave/wayleave/session"
	"github.com/wayleave/wayleave/store"
	"github.com/wayleave/wayleave/store/memory"
	"github.com/wayleave/wayleave/store/storetest"
)

// wire is how one process hears of what others end. Tests cut it.
type wire struct {
	*storetest.Faulty
	mu     sync.Mutex
	ended  func(store.Key)
	missed func()
	since  time.Time // when it went silent; zero: it is alive
	dead   bool      // nothing is known at all
}

var _ store.Follower = (*wire)(nil)

func (w *wire) SingleProcess() bool { return false }

func (w *wire) Follow(_ store.Table, ended func(store.Key), missed func()) (func() time.Time, func()) {
	w.ended, w.missed = ended, missed
	return func() time.Time {
		w.mu.Lock()
		defer w.mu.Unlock()
		switch {
		case w.dead:
			return time.Time{}
		case w.since.IsZero():
			return time.Now()
		}
		return w.since
	}, func() {}
}

func (w *wire) set(since time.Time, dead bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.since, w.dead = since, dead
}

// Delete tells this process too, as a real store does.
func (w *wire) Delete(ctx context.Context, t store.Table, k store.Key) error {
	err := w.Faulty.Delete(ctx, t, k)
	if err == nil {
		w.ended(k)
	}
	return err
}

// followed is a bench whose first manager hears of what the second one ends.
type followed struct {
	*bench
	wire  *wire
	other *session.Manager
}

func newFollowed(t testing.TB) *followed {
	b := &bench{TB: t, store: storetest.Failing(memory.New(memory.Options{})), ring: ring(t, key32())}
	w := &wire{Faulty: b.store}
	b.Manager = session.NewManager(w, b.ring, index.New(w, b.ring), "https://app.example", life)
	return &followed{bench: b, wire: w, other: b.replica()}
}

// asked counts the questions to the store that f causes.
func (b *followed) asked(f func()) int {
	before := b.store.Calls(storetest.Get)
	f()
	return b.store.Calls(storetest.Get) - before
}

func (b *followed) wantAsked(n int, f func()) {
	b.Helper()
	if got := b.asked(f); got != n {
		b.Errorf("the store was asked %d times, want %d", got, n)
	}
}

func TestAWarmSessionNeedsNoRoundTrip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newFollowed(t)
		id, _ := b.create(ada())
		b.wantAsked(1, func() { wantAlive(t, b.Manager, id, "ada") })
		b.wantAsked(0, func() {
			for range 1000 {
				wantAlive(t, b.Manager, id, "ada")
			}
		})
		b.wantAsked(10, func() {
			for range 10 {
				if s, err := b.FindNow(t.Context(), id); s == nil || err != nil {
					t.Error(s, err)
				}
			}
		})
	})
}

func TestLGO12_NoCopyIsOlderThanFiveSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newFollowed(t)
		id, made := b.create(ada())
		wantAlive(t, b.Manager, id, "ada")
		// It ends, and this process is not told.
		if err := b.store.Delete(t.Context(), table, made.Key()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5*time.Second - 1)
		wantAlive(t, b.Manager, id, "ada")
		time.Sleep(time.Nanosecond)
		wantNone(t, b.Manager, id)
	})
}

func TestLGO12_A166_AnEndingElsewhereIsBelievedWhenItIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newFollowed(t)
		id, made := b.create(ada())
		other, _ := b.create(ada())
		wantAlive(t, b.Manager, id, "ada")
		wantAlive(t, b.Manager, other, "ada")
		if err := b.other.End(t.Context(), made); err != nil {
			t.Fatal(err)
		}
		b.wire.ended(made.Key())
		wantNone(t, b.Manager, id)
		b.wantAsked(0, func() { wantAlive(t, b.Manager, other, "ada") })
	})
}

// The trap: it is told just while this process reads the session, which then
// still exists.
func TestLGO12_A166_AnEndingThatIsToldDuringTheReadingCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newFollowed(t)
		id, made := b.create(ada())
		if _, err := b.Find(t.Context(), "not an id"); err != nil { // so that the index is loaded
			t.Fatal(err)
		}
		slow := &slowAnswer{wire: b.wire, read: make(chan struct{}), answer: make(chan struct{})}
		m := session.NewManager(slow, b.ring, index.New(b.store, b.ring), "https://app.example", life)
		found := make(chan *session.Session)
		go func() {
			s, err := m.Find(context.Background(), id)
			if err != nil {
				t.Error(err)
			}
			found <- s
		}()
		<-slow.read // the store has answered, and the answer is on its way
		if err := b.other.End(t.Context(), made); err != nil {
			t.Fatal(err)
		}
		b.wire.ended(made.Key())
		close(slow.answer)
		if <-found == nil {
			t.Fatal("the request that began before does not see the session; then this test shows nothing")
		}
		wantNone(t, m, id)
	})
}

// slowAnswer holds back the first answer about a session.
type slowAnswer struct {
	*wire
	once         sync.Once
	read, answer chan struct{}
}

func (s *slowAnswer) Get(ctx context.Context, t store.Table, k store.Key) (store.Record, store.Version, bool, error) {
	rec, v, found, err := s.wire.Get(ctx, t, k)
	if t == table {
		s.once.Do(func() { close(s.read); <-s.answer })
	}
	return rec, v, found, err
}

func TestLGO12_A169_ASilentStoreIsAskedEachTime(t *testing.T) {
	for name, silence := range map[string]func(*wire){
		"no word for a second": func(w *wire) { w.set(time.Now(), false); time.Sleep(time.Second) },
		"nothing is known":     func(w *wire) { w.set(time.Time{}, true) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newFollowed(t)
				id, made := b.create(ada())
				wantAlive(t, b.Manager, id, "ada")
				silence(b.wire)
				b.wantAsked(5, func() {
					for range 5 {
						wantAlive(t, b.Manager, id, "ada")
					}
				})
				if err := b.store.Delete(t.Context(), table, made.Key()); err != nil {
					t.Fatal(err)
				}
				wantNone(t, b.Manager, id)
			})
		})
	}
	t.Run("a word half a second ago", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			b := newFollowed(t)
			id, _ := b.create(ada())
			wantAlive(t, b.Manager, id, "ada")
			b.wire.set(time.Now(), false)
			time.Sleep(500 * time.Millisecond)
			b.wantAsked(0, func() { wantAlive(t, b.Manager, id, "ada") })
		})
	})
}

func TestLGO12_WhatMayHaveBeenMissedIsReadAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newFollowed(t)
		id, made := b.create(ada())
		wantAlive(t, b.Manager, id, "ada")
		b.wire.set(time.Time{}, true)
		if err := b.store.Delete(t.Context(), table, made.Key()); err != nil {
			t.Fatal(err)
		}
		b.wire.missed()
		b.wire.set(time.Time{}, false) // connected again
		wantNone(t, b.Manager, id)
	})
}

func TestLGO12_WhoEndsASessionRefusesItAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newFollowed(t)
		id, made := b.create(ada())
		wantAlive(t, b.Manager, id, "ada")
		b.wire.ended = func(store.Key) {} // nothing comes back from the store
		if err := b.End(t.Context(), made); err != nil {
			t.Fatal(err)
		}
		wantNone(t, b.Manager, id)
	})
}

// The trap: somebody reads the session between the decision to end it and its end.
func TestLGO12_A224_WhoReadsASessionWhileItEndsDoesNotKeepIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newFollowed(t)
		id, made := b.create(ada())
		b.wire.ended = func(store.Key) {} // nothing comes back from the store
		b.store.Block(storetest.Delete)
		ended := make(chan error)
		go func() { ended <- b.End(context.Background(), made) }()
		synctest.Wait()
		wantAlive(t, b.Manager, id, "ada")
		b.store.Heal()
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		wantNone(t, b.Manager, id)
	})
}

func TestSES16_AStoreThatIsDownIsAnErrorAsSoonAsItIsAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newFollowed(t)
		id, _ := b.create(ada())
		wantAlive(t, b.Manager, id, "ada")
		down := errors.New("the store is down")
		b.store.Fail(down, storetest.Get)
		wantAlive(t, b.Manager, id, "ada") // its word still counts
		if s, err := b.FindNow(t.Context(), id); s != nil || !errors.Is(err, down) {
			t.Errorf("session %v, error %v; want %v", s, err, down)
		}
		b.wire.set(time.Now(), false)
		time.Sleep(time.Second)
		if s, err := b.Find(t.Context(), id); s != nil || !errors.Is(err, down) {
			t.Errorf("session %v, error %v; want %v", s, err, down)
		}
	})
}

func TestSES11_ACopyDoesNotOutliveItsSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newFollowed(t)
		b.Manager = session.NewManager(b.wire, b.ring, index.New(b.wire, b.ring), "https://app.example", session.Lifetimes{Idle: 2 * time.Second, Absolute: 3 * time.Second})
		id, _ := b.create(ada())
		wantAlive(t, b.Manager, id, "ada")
		time.Sleep(2 * time.Second)
		wantNone(t, b.Manager, id)

		id, _ = b.create(ada())
		for range 29 {
			time.Sleep(100 * time.Millisecond)
			wantAlive(t, b.Manager, id, "ada")
		}
		time.Sleep(100 * time.Millisecond)
		wantNone(t, b.Manager, id)
	})
}

// A session that is in use goes on living although most requests do not ask.
func TestSES11_UseKeepsASessionAliveAlsoFromCopies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newFollowed(t)
		id, _ := b.create(ada())
		for range 3 * 60 * 60 / 2 {
			time.Sleep(2 * time.Second)
			wantAlive(t, b.Manager, id, "ada")
		}
		wantAlive(t, b.other, id, "ada")
		if n := b.store.Calls(storetest.Replace); n < 45 || n > 60 {
			t.Errorf("%d writes in three hours", n)
		}
	})
}

// Many sessions, many endings, two processes: whoever is told never serves
// a session that has ended.
func TestLGO12_A169_ForManyAtOnce(t *testing.T) {
	b := newFollowed(t)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 100 {
				id, made := b.create(ada())
				stop, readers := make(chan struct{}), sync.WaitGroup{}
				for range 2 {
					readers.Go(func() {
						for {
							if _, err := b.Find(context.Background(), id); err != nil {
								t.Error(err)
							}
							select {
							case <-stop:
								return
							default:
							}
						}
					})
				}
				if err := b.other.End(context.Background(), made); err != nil {
					t.Error(err)
				}
				b.wire.ended(made.Key())
				if s, err := b.Find(context.Background(), id); s != nil || err != nil {
					t.Errorf("session %v, error %v after its end was told", s, err)
				}
				close(stop)
				readers.Wait()
			}
		})
	}
	all.Wait()
}
