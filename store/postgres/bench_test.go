package postgres_test

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	servers "github.com/wayleave/wayleave/internal/testservers/postgres"
	"github.com/wayleave/wayleave/store"
	"github.com/wayleave/wayleave/store/postgres"
)

// Each benchmark runs with one caller and with 64 of them, against a server
// that syncs what it acknowledges. The floor is one round trip that does
// nothing, and one that writes a row and nothing else.

func benchServer(b *testing.B) string {
	return servers.Start(b, servers.Options{Durable: true}).Database(b)
}

// callers runs call in a loop, by one and by many at the same time.
func callers(b *testing.B, name string, call func(caller, n int) error) {
	for _, many := range []int{1, 64} {
		b.Run(fmt.Sprintf("%s/%d callers", name, many), func(b *testing.B) {
			if many == 1 {
				n := 0
				for b.Loop() {
					if err := call(0, n); err != nil {
						b.Fatal(err)
					}
					n++
				}
				return
			}
			var next atomic.Int64
			b.SetParallelism(max(1, many/runtime.GOMAXPROCS(0)))
			b.RunParallel(func(pb *testing.PB) {
				caller := int(next.Add(1))
				for n := 0; pb.Next(); n++ {
					if err := call(caller, n); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}

const valueSize = 500

func benchRecord(lookups int) store.Record {
	rec := lasting(string(make([]byte, valueSize)))
	for range lookups {
		rec.Lookups = append(rec.Lookups, randomKey())
	}
	return rec
}

func BenchmarkFloor(b *testing.B) {
	address := benchServer(b)
	pool, err := pgxpool.New(b.Context(), address+"?pool_max_conns=16")
	if err != nil {
		b.Fatal(err)
	}
	defer pool.Close()
	if _, err := pool.Exec(b.Context(), `CREATE SCHEMA floor; CREATE TABLE floor.rows (key bytea PRIMARY KEY, value bytea NOT NULL)`); err != nil {
		b.Fatal(err)
	}
	callers(b, "select", func(int, int) error {
		var one int
		return pool.QueryRow(b.Context(), `SELECT 1`).Scan(&one)
	})
	value := make([]byte, valueSize)
	callers(b, "insert", func(int, int) error {
		key := randomKey()
		_, err := pool.Exec(b.Context(), `INSERT INTO floor.rows VALUES ($1, $2)`, key[:], value)
		return err
	})
}

func BenchmarkGet(b *testing.B) {
	s := openStore(b, benchServer(b), postgres.Options{})
	keys := make([]store.Key, 1000)
	for i := range keys {
		keys[i] = randomKey()
		mustCreate(b, s, sessions, keys[i], benchRecord(2))
	}
	callers(b, "hit", func(caller, n int) error {
		_, _, found, err := s.Get(b.Context(), sessions, keys[(caller*31+n)%len(keys)])
		if err == nil && !found {
			b.Error("not found")
		}
		return err
	})
	callers(b, "miss", func(int, int) error {
		_, _, _, err := s.Get(b.Context(), sessions, randomKey())
		return err
	})
}

func BenchmarkCreate(b *testing.B) {
	s := openStore(b, benchServer(b), postgres.Options{})
	for _, lookups := range []int{0, 2} {
		callers(b, fmt.Sprintf("%d look-up keys", lookups), func(int, int) error {
			_, err := s.Create(b.Context(), sessions, randomKey(), benchRecord(lookups))
			return err
		})
	}
}

func BenchmarkReplace(b *testing.B) {
	s := openStore(b, benchServer(b), postgres.Options{})
	type own struct {
		key     store.Key
		version store.Version
		rec     store.Record
	}
	records := make([]own, 256) // one for each caller
	for i := range records {
		records[i] = own{key: randomKey(), rec: benchRecord(2)}
		records[i].version = mustCreate(b, s, sessions, records[i].key, records[i].rec)
	}
	callers(b, "same look-up keys", func(caller, n int) error {
		mine := &records[caller]
		rec := mine.rec
		rec.Expires = rec.Expires.Add(time.Duration(n) * time.Millisecond) // as a session that is used
		v, err := s.Replace(b.Context(), sessions, mine.key, mine.version, rec)
		mine.version = v
		return err
	})
	callers(b, "new look-up keys", func(caller, n int) error {
		mine := &records[caller]
		v, err := s.Replace(b.Context(), sessions, mine.key, mine.version, benchRecord(2))
		mine.version = v
		return err
	})
}

func BenchmarkTake(b *testing.B) {
	s := openStore(b, benchServer(b), postgres.Options{})
	callers(b, "after its Create", func(int, int) error {
		key := randomKey()
		if _, err := s.Create(b.Context(), sessions, key, benchRecord(2)); err != nil {
			return err
		}
		_, found, err := s.Take(b.Context(), sessions, key)
		if err == nil && !found {
			b.Error("not found")
		}
		return err
	})
}

func BenchmarkLookup(b *testing.B) {
	s := openStore(b, benchServer(b), postgres.Options{})
	secondary := randomKey()
	for range 1000 {
		mustCreate(b, s, sessions, randomKey(), benchRecord(2))
	}
	for range 10 {
		mustCreate(b, s, sessions, randomKey(), lasting("v", secondary))
	}
	callers(b, "10 of 1010", func(int, int) error {
		keys, _, err := s.Lookup(b.Context(), sessions, secondary, 100)
		if err == nil && len(keys) != 10 {
			b.Error("not found")
		}
		return err
	})
}
