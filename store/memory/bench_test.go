package memory_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wayleave/wayleave/store"
	"github.com/wayleave/wayleave/store/memory"
)

const sessions store.Table = "sessions"

// key scatters, as the hashes do that callers use for keys.
func key(n int) (k store.Key) {
	for i := range 4 {
		x := uint64(n)*4 + uint64(i) + 1
		x *= 0x9e3779b97f4a7c15
		x ^= x >> 29
		x *= 0xbf58476d1ce4e5b9
		x ^= x >> 32
		binary.LittleEndian.PutUint64(k[8*i:], x)
	}
	return k
}

func record(size int, lookups ...store.Key) store.Record {
	return store.Record{Value: make([]byte, size), Expires: time.Now().Add(time.Hour), Lookups: lookups}
}

const filled = 100_000 // sessions in the store while it is measured

func fill(tb testing.TB, n int) *memory.Store {
	tb.Helper()
	s := memory.New(memory.Options{MaxRecords: 100 << 20, MaxBytes: 1 << 40})
	for i := range n {
		if _, err := s.Create(tb.Context(), sessions, key(i), record(500, key(-2*i-1), key(-2*i-2))); err != nil {
			tb.Fatal(err)
		}
	}
	return s
}

// What a Get cannot do without: the clock, a lock, and a map.
func BenchmarkGetFloor(b *testing.B) {
	m := make(map[store.Key]*store.Record, filled)
	for i := range filled {
		m[key(i)] = new(record(500))
	}
	keys := make([]store.Key, 1024)
	for i := range keys {
		keys[i] = key(i * 97 % filled)
	}
	var mu sync.RWMutex
	i := 0
	for b.Loop() {
		mu.RLock()
		if rec := m[keys[i%1024]]; rec == nil || !time.Now().Before(rec.Expires) {
			b.Fatal("not found")
		}
		mu.RUnlock()
		i++
	}
}

func BenchmarkClock(b *testing.B) {
	for b.Loop() {
		if time.Now().IsZero() {
			b.Fatal("no time")
		}
	}
}

func BenchmarkGet(b *testing.B) {
	s := fill(b, filled)
	ctx := context.Background()
	for _, bm := range []struct {
		name  string
		first int
	}{{"hit", 0}, {"miss", filled}} {
		keys := make([]store.Key, 1024) // made ahead; more than fit the nearest cache together with their records
		for i := range keys {
			keys[i] = key(bm.first + i*97%filled)
		}
		b.Run(bm.name, func(b *testing.B) {
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				if _, _, found, err := s.Get(ctx, sessions, keys[i%1024]); err != nil || found != (bm.first == 0) {
					b.Fatal(found, err)
				}
				i++
			}
		})
		b.Run(bm.name+"/parallel", func(b *testing.B) {
			b.ReportAllocs()
			var start atomic.Int64
			b.RunParallel(func(pb *testing.PB) {
				for i := int(start.Add(331)); pb.Next(); i++ {
					if _, _, found, err := s.Get(ctx, sessions, keys[i%1024]); err != nil || found != (bm.first == 0) {
						b.Error(found, err)
						return
					}
				}
			})
		})
	}
	b.Run("hit/parallel one key", func(b *testing.B) {
		one := key(1)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if _, _, _, err := s.Get(ctx, sessions, one); err != nil {
					b.Error(err)
					return
				}
			}
		})
	})
}

func BenchmarkCreate(b *testing.B) {
	for _, bm := range []struct {
		name string
		keys []store.Key
	}{{"no look-up keys", nil}, {"two look-up keys", []store.Key{key(-1), key(-2)}}} {
		b.Run(bm.name, func(b *testing.B) {
			b.ReportAllocs()
			s := fill(b, filled)
			rec := record(500, bm.keys...)
			ctx, i := b.Context(), filled
			for b.Loop() {
				if _, err := s.Create(ctx, sessions, key(i), rec); err != nil {
					b.Fatal(err)
				}
				i++
			}
		})
	}
	b.Run("refused because full", func(b *testing.B) {
		s := memory.New(memory.Options{MaxRecords: 1})
		ctx := b.Context()
		s.Create(ctx, sessions, key(0), record(1))
		rec := record(500)
		for b.Loop() {
			if _, err := s.Create(ctx, sessions, key(1), rec); err == nil {
				b.Fatal("created")
			}
		}
	})
}

// A record that expires makes room for the next: the steady state of claims.
func BenchmarkCreateExpiring(b *testing.B) {
	b.ReportAllocs()
	s := memory.New(memory.Options{MaxRecords: 10_000})
	ctx, i := b.Context(), 0
	for b.Loop() {
		rec := store.Record{Value: make([]byte, 100), Expires: time.Now().Add(5 * time.Millisecond)}
		if _, err := s.Create(ctx, sessions, key(i), rec); err != nil {
			b.Fatal(err)
		}
		i++
	}
}

func BenchmarkReplace(b *testing.B) {
	b.ReportAllocs()
	s := fill(b, filled)
	ctx := b.Context()
	versions := make([]store.Version, 1024)
	keys := make([]store.Key, 1024)
	recs := make([]store.Record, 1024)
	for i := range versions {
		keys[i] = key(i * 97)
		recs[i], versions[i], _, _ = s.Get(ctx, sessions, keys[i])
	}
	i := 0
	for b.Loop() {
		n := i % 1024
		rec := recs[n]
		rec.Expires = rec.Expires.Add(time.Duration(i) * time.Microsecond)
		v, err := s.Replace(ctx, sessions, keys[n], versions[n], rec)
		if err != nil {
			b.Fatal(err)
		}
		versions[n] = v
		i++
	}
}

func BenchmarkLookup(b *testing.B) {
	b.ReportAllocs()
	s := fill(b, filled)
	ctx, i := b.Context(), 0
	for b.Loop() {
		if keys, _, err := s.Lookup(ctx, sessions, key(-2*(i%1024)-1), 10); err != nil || len(keys) != 1 {
			b.Fatal(keys, err)
		}
		i++
	}
}

// A page costs more than its records: the shard that it begins in is sorted.
func BenchmarkScan(b *testing.B) {
	s := fill(b, filled)
	for _, limit := range []int{10, 1000} {
		b.Run(fmt.Sprint("limit=", limit), func(b *testing.B) {
			b.ReportAllocs()
			cursor := ""
			for b.Loop() {
				_, next, err := s.Scan(b.Context(), sessions, cursor, limit)
				if err != nil {
					b.Fatal(err)
				}
				cursor = next
			}
		})
	}
}
