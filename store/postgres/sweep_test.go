package postgres_test

import (
	"errors"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/wayleave/wayleave/store"
	"github.com/wayleave/wayleave/store/postgres"
)

func TestSweep(t *testing.T) {
	address := shared.Server(t).Database(t)
	s := openStore(t, address, postgres.Options{})
	conn := psql(t, address)
	execute(t, conn, `SET search_path = wayleave`)
	const expired = 2*postgres.SweepBatch + 10
	secondary := randomKey()
	for i := range expired {
		mustCreate(t, s, sessions, randomKey(), lasting(strconv.Itoa(i), secondary, randomKey()))
	}
	execute(t, conn, `UPDATE records SET expires = now() - interval '1 second'`)
	alive := randomKey()
	mustCreate(t, s, sessions, alive, lasting("alive", secondary))

	sweep := func(want int) {
		t.Helper()
		n, err := postgres.SweepOnce(s, t.Context())
		if err != nil || n != want {
			t.Fatalf("removed %d records, error %v; want %d", n, err, want)
		}
	}
	sweep(postgres.SweepBatch)
	if n := query[int](t, conn, `SELECT count(*)::int FROM records`); n != expired-postgres.SweepBatch+1 {
		t.Errorf("%d records left, want %d", n, expired-postgres.SweepBatch+1)
	}

	// A record that somebody is working on is left to them, and nobody waits.
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), `SELECT FROM records WHERE expires <= now() ORDER BY key LIMIT 10 FOR UPDATE`); err != nil {
		t.Fatal(err)
	}
	sweep(postgres.SweepBatch)
	sweep(0)
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	sweep(10)
	sweep(0)
	wantValue(t, s, sessions, alive, "alive")
	wantIndexInStep(t, conn)
	if n := query[int](t, conn, `SELECT count(*)::int FROM lookups`); n != 1 {
		t.Errorf("%d look-up rows left, want the one of the live record", n)
	}
}

func TestSweepersShareTheWork(t *testing.T) {
	address := shared.Server(t).Database(t)
	stores := []*postgres.Store{openStore(t, address, postgres.Options{}), openStore(t, address, postgres.Options{}), openStore(t, address, postgres.Options{})}
	conn := psql(t, address)
	execute(t, conn, `SET search_path = wayleave`)
	const expired = 4_000
	execute(t, conn, `INSERT INTO records SELECT 'sessions', sha256(i::text::bytea), i, 'v', now() - interval '1 hour', ARRAY[sha256(('s' || i)::bytea)]
		FROM generate_series(1, $1::int) AS i`, expired)
	execute(t, conn, `INSERT INTO lookups SELECT unnest(lookups), tbl, key FROM records`)
	removed := make([]int, len(stores))
	var wg sync.WaitGroup
	for i, s := range stores {
		wg.Go(func() {
			for {
				n, err := postgres.SweepOnce(s, t.Context())
				if err != nil {
					t.Error(err)
				}
				removed[i] += n
				if n == 0 {
					return
				}
			}
		})
	}
	wg.Wait()
	if sum := removed[0] + removed[1] + removed[2]; sum != expired {
		t.Errorf("removed %v, in all %d, want %d", removed, sum, expired)
	}
	if n := query[int](t, conn, `SELECT count(*)::int FROM records`) + query[int](t, conn, `SELECT count(*)::int FROM lookups`); n != 0 {
		t.Errorf("%d rows left", n)
	}
}

// Whatever happens at the same time, each look-up key of each record has its
// row afterwards, and there is no other row.
func TestIndexStaysInStepWithRecords(t *testing.T) {
	address := shared.Server(t).Database(t)
	stores := []store.Store{openStore(t, address, postgres.Options{}), openStore(t, address, postgres.Options{})}
	conn := psql(t, address)
	execute(t, conn, `SET search_path = wayleave`)
	keys, secondaries := make([]store.Key, 3), make([]store.Key, 4)
	for i := range keys {
		keys[i] = randomKey()
	}
	for i := range secondaries {
		secondaries[i] = randomKey()
	}
	record := func() store.Record {
		lookups := make([]store.Key, rand.IntN(4))
		for i := range lookups {
			lookups[i] = secondaries[rand.IntN(len(secondaries))]
		}
		life := time.Hour
		if rand.IntN(2) == 0 {
			life = time.Duration(1+rand.IntN(20)) * time.Millisecond
		}
		return store.Record{Value: []byte("v"), Expires: time.Now().Add(life), Lookups: lookups}
	}
	var wg sync.WaitGroup
	for i := range 8 {
		s := stores[i%len(stores)]
		wg.Go(func() {
			for range 300 {
				key := keys[rand.IntN(len(keys))]
				var err error
				switch rand.IntN(6) {
				case 0, 1:
					_, err = s.Create(t.Context(), sessions, key, record())
				case 2, 3:
					var v store.Version
					if _, v, _, err = s.Get(t.Context(), sessions, key); err == nil {
						_, err = s.Replace(t.Context(), sessions, key, v, record())
					}
				case 4:
					_, _, err = s.Take(t.Context(), sessions, key)
				case 5:
					_, err = postgres.SweepOnce(s.(*postgres.Store), t.Context())
				}
				if err != nil && !errors.Is(err, store.ErrConflict) && !errors.Is(err, store.ErrNoExpiry) {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	wantIndexInStep(t, conn)
}

func wantIndexInStep(t testing.TB, conn *pgx.Conn) {
	t.Helper()
	const carried = `SELECT unnest(lookups) AS secondary, tbl, key FROM records`
	if n := query[int](t, conn, `SELECT count(*)::int FROM (`+carried+` EXCEPT SELECT secondary, tbl, key FROM lookups) AS missing`); n != 0 {
		t.Errorf("%d look-up keys have no row", n)
	}
	if n := query[int](t, conn, `SELECT count(*)::int FROM (SELECT secondary, tbl, key FROM lookups EXCEPT `+carried+`) AS stale`); n != 0 {
		t.Errorf("%d rows belong to no record that carries the key", n)
	}
}
