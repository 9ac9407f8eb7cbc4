package failure_test

import (
	"context"
	"crypto/rand"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/valkey-io/valkey-go"
	"go.etcd.io/bbolt"

	"github.com/wayleave/wayleave/internal/index"
	"github.com/wayleave/wayleave/internal/seal"
	postgresservers "github.com/wayleave/wayleave/internal/testservers/postgres"
	servers "github.com/wayleave/wayleave/internal/testservers/redis"
	"github.com/wayleave/wayleave/session"
	"github.com/wayleave/wayleave/store"
	"github.com/wayleave/wayleave/store/embedded"
	"github.com/wayleave/wayleave/store/memory"
	"github.com/wayleave/wayleave/store/postgres"
)

// bench is a store beside the least that its server, or its disk, could do.
type bench struct {
	open func() store.Store
	read func() error // one round trip, or what there is instead
	// write makes something as large as a session as lasting as the store does.
	write func() error
	// size returns the bytes that all sessions take, on disk and in the
	// server's memory; zero where that cannot be told.
	size func() (disk, memory int64)
}

const (
	sessionSize = 450 // of a sealed record, about
)

var benches = []struct {
	name string
	make func(*testing.B) *bench
}{
	{"memory", benchMemory}, {"embedded", benchEmbedded}, {"redis", benchRedis}, {"sentinel", benchSentinel}, {"postgres", benchPostgres},
}

// onEach runs a benchmark on the stores that are named.
func onEach(b *testing.B, run func(*testing.B, *bench), names ...string) {
	for _, one := range benches {
		if slices.Contains(names, one.name) {
			b.Run(one.name, func(b *testing.B) { run(b, one.make(b)) })
		}
	}
}

// benchMemory: a map behind a lock.
func benchMemory(b *testing.B) *bench {
	var mu sync.Mutex
	m := map[[32]byte][]byte{}
	return &bench{
		open: func() store.Store {
			return closing(b, memory.New(memory.Options{MaxRecords: 2_000_000, MaxBytes: 4 << 30}))
		},
		read: func() error { mu.Lock(); defer mu.Unlock(); _ = m[[32]byte{}]; return nil },
		write: func() error {
			mu.Lock()
			defer mu.Unlock()
			m[randomKey()] = make([]byte, sessionSize)
			return nil
		},
	}
}

// benchEmbedded: a value of a bbolt file, and a file that is appended to and synced.
func benchEmbedded(b *testing.B) *bench {
	dir := b.TempDir()
	path := filepath.Join(dir, "store.db")
	db, err := bbolt.Open(filepath.Join(dir, "floor.db"), 0o600, nil)
	check(b, err)
	b.Cleanup(func() { db.Close() })
	name := []byte("name")
	check(b, db.Update(func(tx *bbolt.Tx) error {
		bucket, err := tx.CreateBucket(name)
		check(b, err)
		return bucket.Put(name, make([]byte, sessionSize))
	}))
	file, err := os.Create(filepath.Join(dir, "floor"))
	check(b, err)
	b.Cleanup(func() { file.Close() })
	return &bench{
		open: func() store.Store {
			s, err := embedded.Open(path, embedded.Options{})
			check(b, err)
			return closing(b, s)
		},
		read: func() error {
			return db.View(func(tx *bbolt.Tx) error { _ = slices.Clone(tx.Bucket(name).Get(name)); return nil })
		},
		write: func() error {
			if _, err := file.Write(make([]byte, sessionSize)); err != nil {
				return err
			}
			return file.Sync()
		},
		size: func() (int64, int64) { return sizeOf(b, path), 0 },
	}
}

// benchRedis: PING, and SET to a server that syncs what it acknowledges.
func benchRedis(b *testing.B) *bench {
	server := servers.Start(b, servers.Options{Durable: true})
	client := floorClient(b, server.Address())
	return &bench{
		open: func() store.Store { return openRedis(b, server.URL()) },
		read: func() error { return client.Do(context.Background(), client.B().Ping().Build()).Error() },
		write: func() error {
			return client.Do(context.Background(), client.B().Set().Key(name()).Value(string(make([]byte, sessionSize))).Px(time.Hour).Build()).Error()
		},
		size: func() (int64, int64) {
			// Rewritten, or each write that ever was would count. The server may
			// be at it by itself.
			rewritten := func() bool { return redisInfo(b, server, "aof_rewrite_in_progress") == 0 }
			until(b, "rewritten", rewritten)
			server.CLI(b, "BGREWRITEAOF")
			until(b, "rewritten", rewritten)
			return sizeOf(b, filepath.Join(server.Dir(), "appendonlydir")), redisInfo(b, server, "used_memory")
		},
	}
}

// benchSentinel: PING, and SET and WAIT for a replica.
func benchSentinel(b *testing.B) *bench {
	s := servers.StartSentinel(b, servers.SentinelOptions{})
	client := floorClient(b, s.Servers[0].Address())
	return &bench{
		open: func() store.Store { return openRedis(b, s.URL()) },
		read: func() error { return client.Do(context.Background(), client.B().Ping().Build()).Error() },
		write: func() error {
			own, release := client.Dedicate()
			defer release()
			for _, r := range own.DoMulti(context.Background(),
				client.B().Set().Key(name()).Value(string(make([]byte, sessionSize))).Px(time.Hour).Build(),
				client.B().Wait().Numreplicas(1).Timeout(1000).Build()) {
				if err := r.Error(); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// benchPostgres: SELECT 1, and INSERT on a server that syncs what it acknowledges.
func benchPostgres(b *testing.B) *bench {
	url := postgresservers.Start(b, postgresservers.Options{Durable: true}).Database(b)
	pool, err := pgxpool.New(b.Context(), url)
	check(b, err)
	b.Cleanup(pool.Close)
	_, err = pool.Exec(b.Context(), `CREATE TABLE floor (key bytea PRIMARY KEY, value bytea NOT NULL)`)
	check(b, err)
	return &bench{
		open: func() store.Store {
			s, err := postgres.Open(b.Context(), url, postgres.Options{})
			check(b, err)
			return closing(b, s)
		},
		read: func() error {
			var one int
			return pool.QueryRow(context.Background(), `SELECT 1`).Scan(&one)
		},
		write: func() error {
			k := randomKey()
			_, err := pool.Exec(context.Background(), `INSERT INTO floor VALUES ($1, $2)`, k[:], make([]byte, sessionSize))
			return err
		},
		size: func() (disk, _ int64) {
			check(b, pool.QueryRow(b.Context(), `SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint FROM pg_class c
				JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'wayleave' AND c.relkind = 'r'`).Scan(&disk))
			return disk, 0
		},
	}
}

func floorClient(b *testing.B, address string) valkey.Client {
	client, err := valkey.NewClient(valkey.ClientOption{InitAddress: []string{address}, ForceSingleClient: true, DisableCache: true})
	check(b, err)
	b.Cleanup(client.Close)
	return client
}

func closing(b *testing.B, s store.Store) store.Store {
	b.Cleanup(func() { s.Close() })
	return s
}

var life = session.Lifetimes{Idle: time.Hour, Absolute: 12 * time.Hour}

// manager returns one over a store, and how often that is called.
func manager(b *testing.B, s store.Store, ring *seal.Ring) (*session.Manager, *atomic.Int64) {
	calls := new(atomic.Int64)
	m := session.NewManager(count(s, calls), ring, index.New(s, ring), "https://app.example", life)
	b.Cleanup(m.Close)
	return m, calls
}

func person(n string) session.Session {
	const issuer = "https://id.example.com"
	return session.Session{
		User:           session.User{ID: "u" + n, Provider: "acme", Issuer: issuer, Subject: "s" + n, Email: n + "@example.com", EmailVerified: true, Name: "Ada Marsh"},
		ProviderIssuer: issuer, ProviderSubject: "s" + n, ProviderSession: "sid" + n, Device: "Firefox on Linux",
	}
}

func randomKey() (k [32]byte) {
	rand.Read(k[:])
	return k
}

func name() string { k := randomKey(); return string(k[:]) }

func check(b testing.TB, err error) {
	if err != nil {
		b.Helper()
		b.Fatal(err)
	}
}

func sizeOf(b *testing.B, path string) (n int64) {
	check(b, filepath.Walk(path, func(_ string, info os.FileInfo, err error) error {
		if err == nil && !info.IsDir() {
			n += info.Size()
		}
		return err
	}))
	return n
}
