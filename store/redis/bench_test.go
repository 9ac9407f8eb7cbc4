package redis_test

import (
	"context"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/valkey-io/valkey-go"

	servers "github.com/wayleave/wayleave/internal/testservers/redis"
	"github.com/wayleave/wayleave/store"
	"github.com/wayleave/wayleave/store/redis"
)

const filled = 1024 // records in the store while it is measured

var value = strings.Repeat("v", 700) // a session

// callers runs a benchmark with one caller and with 64.
func callers(b *testing.B, call func(i int) error) {
	b.Run("1 caller", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			if err := call(i); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("64 callers", func(b *testing.B) {
		b.ReportAllocs()
		b.SetParallelism(max(1, 64/runtime.GOMAXPROCS(0)))
		var n atomic.Int64
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if err := call(int(n.Add(1))); err != nil {
					b.Error(err)
					return
				}
			}
		})
	})
}

// What a call, and what a Get cannot do without.
func BenchmarkFloor(b *testing.B) {
	s := servers.Start(b, servers.Options{})
	client, err := valkey.NewClient(valkey.ClientOption{InitAddress: []string{s.Address()}, ForceSingleClient: true, DisableCache: true})
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	ctx := context.Background()
	if err := client.Do(ctx, client.B().Set().Key("k").Value(value).Build()).Error(); err != nil {
		b.Fatal(err)
	}
	b.Run("PING", func(b *testing.B) {
		callers(b, func(int) error { return client.Do(ctx, client.B().Ping().Build()).Error() })
	})
	b.Run("GET", func(b *testing.B) {
		callers(b, func(int) error {
			got, err := client.Do(ctx, client.B().Get().Key("k").Build()).ToString()
			if err == nil && len(got) != len(value) {
				b.Error("short value")
			}
			return err
		})
	})
}

func BenchmarkSingle(b *testing.B) {
	benchmark(b, servers.Start(b, servers.Options{}).URL())
}

// With a replica that confirms each write.
func BenchmarkSentinel(b *testing.B) {
	benchmark(b, servers.StartSentinel(b, servers.SentinelOptions{}).URL())
}

func benchmark(b *testing.B, url string) {
	s := open(b, url)
	ctx, second := context.Background(), key()
	var ks [filled]store.Key
	for i := range ks {
		ks[i] = key()
		create(b, s, ks[i], record(value, key()))
	}
	b.Run("Get", func(b *testing.B) {
		callers(b, func(i int) error {
			_, _, found, err := s.Get(ctx, things, ks[i%filled])
			if err == nil && !found {
				b.Error("not found")
			}
			return err
		})
	})
	b.Run("Get of nothing", func(b *testing.B) {
		callers(b, func(int) error {
			_, _, _, err := s.Get(ctx, things, second)
			return err
		})
	})
	b.Run("Create", func(b *testing.B) {
		callers(b, func(int) error {
			_, err := s.Create(ctx, things, key(), passing())
			return err
		})
	})
	b.Run("Create with a look-up key", func(b *testing.B) {
		callers(b, func(int) error {
			_, err := s.Create(ctx, things, key(), passing(key()))
			return err
		})
	})
	b.Run("Replace", func(b *testing.B) { replacing(b, s) })
	b.Run("Replace with a look-up key", func(b *testing.B) { replacing(b, s, second) })
	b.Run("Lookup of ten", func(b *testing.B) {
		ten := key()
		for range 10 {
			create(b, s, key(), record(value, ten))
		}
		callers(b, func(int) error {
			got, _, err := s.Lookup(ctx, things, ten, 100)
			if err == nil && len(got) != 10 {
				b.Error("not ten")
			}
			return err
		})
	})
}

// replacing gives each caller a record of its own for each call.
func replacing(b *testing.B, s *redis.Store, lookups ...store.Key) {
	type slot struct {
		key     store.Key
		version store.Version
	}
	slots := make(chan slot, 256)
	for range cap(slots) {
		k := key()
		slots <- slot{k, create(b, s, k, record(value, lookups...))}
	}
	callers(b, func(int) error {
		at := <-slots
		v, err := s.Replace(context.Background(), things, at.key, at.version, record(value, lookups...))
		slots <- slot{at.key, v}
		return err
	})
}

// passing returns a record that the server soon forgets.
func passing(lookups ...store.Key) store.Record {
	rec := record(value, lookups...)
	rec.Expires = time.Now().Add(5 * time.Second)
	return rec
}
