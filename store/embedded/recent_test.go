package embedded_test

import (
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/wayleave/wayleave/store"
	"github.com/wayleave/wayleave/store/embedded"
)

// neighbours are keys that fall into one slot of recent records.
func neighbours(n int) []store.Key {
	keys := make([]store.Key, n)
	for i := range keys {
		keys[i][31] = byte(i)
	}
	return keys
}

// Each record counts upwards. A reader never sees a number lower than one that
// was confirmed before it asked, or that any reader has seen before.
func TestA224_Recent_NobodySeesAnOlderStateAgain(t *testing.T) {
	for _, size := range []int{0, 8 << 10} { // kept in memory, and too large for that
		t.Run(fmt.Sprint(size, " bytes more"), func(t *testing.T) {
			s := open(t, inMemory(t))
			pad := strings.Repeat(" ", size)
			keys := neighbours(3)
			seen := make([]atomic.Int64, len(keys))
			var done atomic.Bool
			var writers, readers sync.WaitGroup
			for i, k := range keys {
				writers.Go(func() { countUp(t, s, k, pad, &seen[i]) })
				for range 2 {
					readers.Go(func() {
						for ; !done.Load(); runtime.Gosched() {
							least := seen[i].Load()
							rec, _, found, err := s.Get(t.Context(), sessions, k)
							if err != nil {
								t.Error(err)
								return
							}
							n := int64(0)
							if found {
								n, _ = strconv.ParseInt(strings.TrimSpace(string(rec.Value)), 10, 64)
							} else if least%2 == 0 {
								continue // deleted, or not made yet
							} else {
								n = least + 1 // was deleted since
							}
							if n < least {
								t.Errorf("saw %d after %d", n, least)
								return
							}
							raise(&seen[i], n)
						}
					})
				}
			}
			writers.Wait()
			done.Store(true)
			readers.Wait()
		})
	}
}

// countUp writes odd numbers and deletes the record in between, which counts
// as the even number.
func countUp(t *testing.T, s *embedded.Store, k store.Key, pad string, seen *atomic.Int64) {
	for n := int64(1); n < 240; n += 4 {
		v, err := s.Create(t.Context(), sessions, k, record(strconv.FormatInt(n, 10)+pad))
		if err != nil {
			t.Error(err)
			return
		}
		raise(seen, n)
		if _, err := s.Replace(t.Context(), sessions, k, v, record(strconv.FormatInt(n+2, 10)+pad)); err != nil {
			t.Error(err)
			return
		}
		raise(seen, n+2)
		if err := s.Delete(t.Context(), sessions, k); err != nil {
			t.Error(err)
			return
		}
		raise(seen, n+3)
	}
}

func raise(n *atomic.Int64, to int64) {
	for old := n.Load(); old < to; old = n.Load() {
		if n.CompareAndSwap(old, to) {
			return
		}
	}
}

func TestRecent_RecordsOfOneSlotDoNotMix(t *testing.T) {
	s := open(t, inMemory(t))
	keys := neighbours(5)
	for _, table := range []store.Table{"a", "b"} {
		for i, k := range keys {
			if _, err := s.Create(t.Context(), table, k, record(string(table)+strconv.Itoa(i))); err != nil {
				t.Fatal(err)
			}
		}
	}
	for range 2 {
		for i, k := range keys {
			for _, table := range []store.Table{"a", "b"} {
				rec, _, found, err := s.Get(t.Context(), table, k)
				if want := string(table) + strconv.Itoa(i); err != nil || !found || string(rec.Value) != want {
					t.Errorf("%q, %t, %v; want %q", rec.Value, found, err, want)
				}
			}
		}
	}
}

func TestRecent_FindingARecordAgainAllocatesNothing(t *testing.T) {
	s := open(t, inMemory(t))
	create(t, s, 1, record("v", key(2)))
	ctx, k := t.Context(), key(1)
	if n := testing.AllocsPerRun(100, func() { s.Get(ctx, sessions, k) }); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}
