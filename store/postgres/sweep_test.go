package postgres_test

import (
	"strconv"
	"sync"
	"testing"

	"github.com/wayleave/wayleave/store/postgres"
)

func TestSweep(t *testing.T) {
	t.Parallel()
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
	t.Parallel()
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
