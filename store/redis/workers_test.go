package redis_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/wayleave/wayleave/store"
	"github.com/wayleave/wayleave/store/redis"
)

// workers use a store as sign-ins and sign-outs do, and know what was
// acknowledged.
type workers struct {
	mu      sync.Mutex
	records map[store.Key]string // what must be there; "" where nothing must be
	unsure  map[store.Key]bool   // a write of it failed, and may have happened
	acks    int
	failed  int
	last    time.Time // acknowledgement
	wrong   []string
	done    chan struct{}
	wg      sync.WaitGroup
}

func startWorkers(t *testing.T, s *redis.Store, n int) *workers {
	w := &workers{records: map[store.Key]string{}, unsure: map[store.Key]bool{}, done: make(chan struct{})}
	for range n {
		w.wg.Go(func() {
			for {
				select {
				case <-w.done:
					return
				default:
					w.live(t.Context(), s)
				}
			}
		})
	}
	t.Cleanup(w.stop)
	return w
}

// live is the life of one record: created, read, replaced, and for one in
// three its end.
func (w *workers) live(ctx context.Context, s *redis.Store) {
	k, value := key(), strconv.Itoa(rand.Int())
	v, err := s.Create(ctx, things, k, record("1"+value, key()))
	if !w.note(k, "1"+value, "Create", err) {
		return
	}
	rec, got, found, err := s.Get(ctx, things, k)
	if err == nil && (!found || got != v || string(rec.Value) != "1"+value) {
		w.complain("Get: found %t, version %d, want %d", found, got, v)
	}
	_, err = s.Replace(ctx, things, k, v, record("2"+value, key()))
	if !w.note(k, "2"+value, "Replace", err) || rand.IntN(3) > 0 {
		return
	}
	w.note(k, "", "Delete", s.Delete(ctx, things, k))
}

// note keeps what a write has led to.
func (w *workers) note(k store.Key, value, what string, err error) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil {
		w.unsure[k] = true
		w.failed++
		if errors.Is(err, store.ErrConflict) {
			w.wrong = append(w.wrong, fmt.Sprintf("%s: %v, though nobody else uses the key", what, err))
		}
		return false
	}
	w.records[k] = value
	w.acks++
	w.last = time.Now()
	return true
}

func (w *workers) complain(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wrong = append(w.wrong, fmt.Sprintf(format, args...))
}

// await returns when n more writes were acknowledged.
func (w *workers) await(t *testing.T, n int) {
	t.Helper()
	count := func() int { w.mu.Lock(); defer w.mu.Unlock(); return w.acks }
	n += count()
	eventually(t, "writing", func() bool { return count() >= n })
}

func (w *workers) failures() int { w.mu.Lock(); defer w.mu.Unlock(); return w.failed }

func (w *workers) gap(since time.Time) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last.Sub(since).Round(100 * time.Millisecond)
}

func (w *workers) stop() {
	w.mu.Lock()
	select {
	case <-w.done:
	default:
		close(w.done)
	}
	w.mu.Unlock()
	w.wg.Wait()
}

// verify compares what is there with what was acknowledged.
func (w *workers) verify(t *testing.T, s *redis.Store) {
	t.Helper()
	for _, wrong := range w.wrong {
		t.Error(wrong)
	}
	lost := 0
	for k, want := range w.records {
		if w.unsure[k] {
			continue
		}
		rec, _, found, err := s.Get(t.Context(), things, k)
		if err != nil {
			t.Fatal(err)
		}
		if found != (want != "") || string(rec.Value) != want {
			lost++
			t.Errorf("a record is there: %t, with value %q, want %q", found, rec.Value, want)
		}
	}
	t.Logf("%d writes acknowledged, %d failed, %d of %d records not as acknowledged", w.acks, w.failed, lost, len(w.records))
}
