package memory_test

import (
	"context"
	"errors"
	"math"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wayleave/wayleave/store"
	"github.com/wayleave/wayleave/store/memory"
)

func create(t *testing.T, s *memory.Store, n int, rec store.Record, want error) store.Version {
	t.Helper()
	v, err := s.Create(t.Context(), sessions, key(n), rec)
	if !errors.Is(err, want) {
		t.Fatalf("Create %d: error %v, want %v", n, err, want)
	}
	return v
}

func wantStats(t *testing.T, s *memory.Store, records int) {
	t.Helper()
	st := s.Stats()
	if st.Records != records || s.Len(sessions) != records || (st.Bytes == 0) != (records == 0) {
		t.Fatalf("store holds %d records, %d sessions, %d bytes; want %d records", st.Records, s.Len(sessions), st.Bytes, records)
	}
}

func TestA238_RecordsAreBounded(t *testing.T) {
	s := memory.New(memory.Options{MaxRecords: 3})
	ctx := t.Context()
	var v store.Version
	for n := range 3 {
		v = create(t, s, n, record(10), nil)
	}
	create(t, s, 3, record(10), store.ErrFull)
	if _, err := s.Create(ctx, "claims", key(3), record(1)); !errors.Is(err, store.ErrFull) {
		t.Errorf("another table: %v, want %v", err, store.ErrFull)
	}
	create(t, s, 2, record(10), store.ErrConflict) // not ErrFull: it is the truth that callers act on
	wantStats(t, s, 3)

	if _, err := s.Replace(ctx, sessions, key(2), v, record(20)); err != nil {
		t.Errorf("Replace in a full store: %v", err)
	}
	if _, _, found, err := s.Get(ctx, sessions, key(0)); !found || err != nil {
		t.Errorf("A017 a record in a full store: found %t, error %v", found, err)
	}
	if err := s.Delete(ctx, sessions, key(0)); err != nil {
		t.Fatal(err)
	}
	create(t, s, 3, record(10), nil)
	create(t, s, 4, record(10), store.ErrFull)
	if _, found, _ := s.Take(ctx, sessions, key(1)); !found {
		t.Fatal("Take: not found")
	}
	create(t, s, 4, record(10), nil)
	wantStats(t, s, 3)
}

func TestA238_BytesAreBounded(t *testing.T) {
	const limit = 100_000
	s := memory.New(memory.Options{MaxBytes: limit})
	ctx := t.Context()
	v := create(t, s, 0, record(10_000), nil)
	n := 1
	for ; s.Stats().Bytes+11_000 < limit; n++ {
		create(t, s, n, record(10_000, key(-1)), nil)
	}
	create(t, s, n, record(10_000), store.ErrFull)
	create(t, s, n, record(100), nil) // what is smaller may still find room
	n++

	// Replace may use an eighth more, and nothing beyond.
	size := 10_000
	for {
		w, err := s.Replace(ctx, sessions, key(0), v, record(size+1024))
		if err != nil {
			if !errors.Is(err, store.ErrFull) {
				t.Fatalf("Replace over the bound: %v, want %v", err, store.ErrFull)
			}
			break
		}
		v, size = w, size+1024
	}
	if got := s.Stats().Bytes; got <= limit+limit/8-5000 || got > limit+limit/8 {
		t.Fatalf("store holds %d bytes, want nearly %d", got, limit+limit/8)
	}
	create(t, s, n, record(0), store.ErrFull)

	// What does not grow always goes through, look-up keys included.
	v, err := s.Replace(ctx, sessions, key(0), v, record(size))
	if err != nil {
		t.Fatalf("Replace by the same size: %v", err)
	}
	if _, err = s.Replace(ctx, sessions, key(0), v, record(0, key(-1), key(-2))); err != nil {
		t.Fatalf("Replace by less: %v", err)
	}
	for i := range n {
		if err := s.Delete(ctx, sessions, key(i)); err != nil {
			t.Fatal(err)
		}
	}
	wantStats(t, s, 0)
}

func TestA238_ExpiredRecordsMakeRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memory.New(memory.Options{MaxRecords: 1000, MaxBytes: 600_000})
		brief := record(100)
		brief.Expires = time.Now().Add(time.Minute)
		for n := range 900 {
			create(t, s, n, brief, nil)
		}
		for n := 900; n < 1000; n++ {
			create(t, s, n, record(100), nil)
		}
		create(t, s, 1000, record(100), store.ErrFull)
		time.Sleep(time.Minute)
		wantStats(t, s, 1000) // nobody tidies an idle store, and nothing grows in it

		create(t, s, 1001, record(store.MaxValue), nil) // needs the room of many
		if err := s.Delete(t.Context(), sessions, key(1001)); err != nil {
			t.Fatal(err)
		}
		for n := 1002; n < 1902; n++ {
			create(t, s, n, record(100), nil)
		}
		create(t, s, 1902, record(100), store.ErrFull)
		wantStats(t, s, 1000)
		for n := 900; n < 1000; n++ {
			if _, _, found, err := s.Get(t.Context(), sessions, key(n)); !found || err != nil {
				t.Fatalf("live record %d: found %t, error %v", n, found, err)
			}
		}
	})
}

func TestA238_TheOnlyExpiredRecordMakesRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const full = 500
		s := memory.New(memory.Options{MaxRecords: full})
		for n := range full {
			rec := record(10)
			if n == full/2 {
				rec.Expires = time.Now().Add(time.Minute)
			}
			create(t, s, n, rec, nil)
		}
		create(t, s, full, record(10), store.ErrFull)
		time.Sleep(time.Minute)
		create(t, s, full, record(10), nil)
		create(t, s, full+1, record(10), store.ErrFull)
	})
}

// A record that was given more time, or less, does not hide others that have expired.
func TestA238_ReplacedExpiryIsTheOneThatCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const full = 1000
		s := memory.New(memory.Options{MaxRecords: full})
		expiring := func(n int, after time.Duration) store.Record {
			rec := record(10)
			rec.Expires = time.Now().Add(after + time.Duration(n)*time.Millisecond)
			return rec
		}
		for n := range full {
			before, after := time.Minute, time.Hour
			if n%2 == 1 {
				before, after = after, before
			}
			v := create(t, s, n, expiring(n, before), nil)
			if _, err := s.Replace(t.Context(), sessions, key(n), v, expiring(n, after)); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(2 * time.Minute)
		for n := full; n < full+full/2; n++ {
			create(t, s, n, record(10), nil)
		}
		create(t, s, 2*full, record(10), store.ErrFull)
		for n := range full {
			if _, _, found, _ := s.Get(t.Context(), sessions, key(n)); found != (n%2 == 0) {
				t.Fatalf("record %d: found %t", n, found)
			}
		}
	})
}

func TestA238_CloseLetsGoOfTheRecords(t *testing.T) {
	before := heapInUse()
	s := memory.New(memory.Options{})
	for n := range 20_000 {
		create(t, s, n, record(100, key(-n-1)), nil)
	}
	grown := heapInUse() - before
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if left := heapInUse() - before; left > grown/50 {
		t.Errorf("%d of %d bytes are still in use", left, grown)
	}
	runtime.KeepAlive(s)
}

// Any writes tidy up, also those that go to a single record.
func TestA238_MemoryReturnsToBaseline(t *testing.T) {
	const n = 100_000
	goroutines := runtime.NumGoroutine()
	synctest.Test(t, func(t *testing.T) {
		s := memory.New(memory.Options{})
		v := create(t, s, n, record(10), nil)
		before := heapInUse()
		for i := range n {
			rec := record(10, key(-i-1))
			rec.Expires = time.Now().Add(time.Minute)
			create(t, s, i, rec, nil)
		}
		grown := heapInUse() - before
		if counted := s.Stats().Bytes; grown < counted/2 {
			t.Fatalf("%d records take %d bytes, counted are %d", n, grown, counted)
		}
		time.Sleep(time.Minute)
		for range n / 2 {
			var err error
			if v, err = s.Replace(t.Context(), sessions, key(n), v, record(10)); err != nil {
				t.Fatal(err)
			}
		}
		wantStats(t, s, 1)
		left := heapInUse() - before
		t.Logf("%d of %d bytes are still in use", left, grown)
		if left > grown/100 {
			t.Error("the store does not give its memory back")
		}
		runtime.KeepAlive(s)
	})
	// The runtime counts its own goroutine for cleanups while it carries them out.
	now := runtime.NumGoroutine()
	for end := time.Now().Add(5 * time.Second); now > goroutines && time.Now().Before(end); now = runtime.NumGoroutine() {
		runtime.Gosched()
	}
	if now > goroutines {
		t.Errorf("%d goroutines, %d before", now, goroutines)
	}
}

// MaxBytes is a promise about the heap: what is counted must be what is used.
func TestA238_BytesAreCountedAsTheHeapHasThem(t *testing.T) {
	for _, c := range []struct {
		name                   string
		records, size, lookups int
	}{
		{"claims", 60_000, 60, 0},
		{"sessions", 60_000, 500, 2},
		{"small records with many look-up keys", 20_000, 1, 8},
		{"large values", 500, 33_000, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := heapInUse()
			s := memory.New(memory.Options{})
			for i := range c.records {
				var lookups []store.Key
				for j := range c.lookups {
					lookups = append(lookups, key(-8*i-j-1))
				}
				create(t, s, i, record(c.size, lookups...), nil)
			}
			used, counted := heapInUse()-before, s.Stats().Bytes
			t.Logf("%d bytes for each record, %.0f %% of what is counted", used/int64(c.records), 100*float64(used)/float64(counted))
			if used > counted*9/8 || used < counted/2 {
				t.Errorf("uses %d bytes, counted are %d", used, counted)
			}
			runtime.KeepAlive(s)
		})
	}
}

func heapInUse() int64 {
	runtime.GC()
	runtime.GC() // what the first one only found
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// Whoever can choose keys fills no part of the store before the whole.
func TestA017_ChosenKeysFillNothingEarly(t *testing.T) {
	s := memory.New(memory.Options{MaxRecords: 1000})
	for n := range 1000 {
		var k store.Key
		k[30], k[31] = byte(n>>8), byte(n)
		if _, err := s.Create(t.Context(), sessions, k, record(10)); err != nil {
			t.Fatalf("record %d: %v", n, err)
		}
	}
	create(t, s, 1, record(10), store.ErrFull)
}

func TestA238_BoundsHoldUnderConcurrentUse(t *testing.T) {
	const limit = 50
	s := memory.New(memory.Options{MaxRecords: limit})
	var created atomic.Int64
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for n := range 3000 {
				switch _, err := s.Create(t.Context(), sessions, key(w<<20+n), record(10)); {
				case err == nil:
					created.Add(1)
				case !errors.Is(err, store.ErrFull):
					t.Error(err)
				}
				if got := s.Stats().Records; got > limit {
					t.Errorf("%d records, at most %d", got, limit)
				}
				if n%3 == 0 {
					if _, found, _ := s.Take(t.Context(), sessions, key(w<<20+n)); found {
						created.Add(-1)
					}
				}
			}
		})
	}
	wg.Wait()
	wantStats(t, s, int(created.Load()))
}

func TestZeroOptionsGiveTheDefaults(t *testing.T) {
	for _, o := range []memory.Options{{}, {MaxRecords: -1, MaxBytes: -1}, {MaxBytes: math.MaxInt64}} {
		s := memory.New(o)
		v := create(t, s, 1, record(store.MaxValue-1), nil)
		if _, err := s.Replace(t.Context(), sessions, key(1), v, record(store.MaxValue)); err != nil {
			t.Error(err)
		}
		wantStats(t, s, 1)
		if !s.SingleProcess() {
			t.Error("SingleProcess is false")
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		wantStats(t, s, 0)
	}
}

// time.Time cannot compare such an instant: it wraps round.
func TestA233_AnExpiryBeyondTimeIsRefused(t *testing.T) {
	s := memory.New(memory.Options{})
	create(t, s, 1, store.Record{Expires: time.Unix(math.MaxInt64, 0)}, store.ErrNoExpiry)
	wantStats(t, s, 0)
}

// Other stores can keep no more, and a program must not come to rely on more.
func TestExpiresComesBackAsWallClockInUTC(t *testing.T) {
	s := memory.New(memory.Options{})
	rec := record(1)
	create(t, s, 1, rec, nil)
	if got, _, _, _ := s.Get(t.Context(), sessions, key(1)); got.Expires != rec.Expires.Round(0).UTC() {
		t.Errorf("expires %v, want %v", got.Expires, rec.Expires.Round(0).UTC())
	}
}

func TestGetDoesNotAllocate(t *testing.T) {
	s := memory.New(memory.Options{})
	create(t, s, 1, record(500, key(-1)), nil)
	ctx := context.Background()
	hit, miss := key(1), key(2)
	if n := testing.AllocsPerRun(100, func() {
		s.Get(ctx, sessions, hit)
		s.Get(ctx, sessions, miss)
	}); n != 0 {
		t.Errorf("Get allocates %v times", n)
	}
}
