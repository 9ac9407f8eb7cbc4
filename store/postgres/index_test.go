package postgres_test

import (
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/wayleave/wayleave/store"
	"github.com/wayleave/wayleave/store/postgres"
)

// Each write leaves a row for each look-up key of the record, and no other.
func TestIndexFollowsEachWrite(t *testing.T) {
	address := shared.Server(t).Database(t)
	s := openStore(t, address, postgres.Options{})
	conn := psql(t, address)
	execute(t, conn, `SET search_path = wayleave`)
	a, b, c := randomKey(), randomKey(), randomKey()
	wantRows := func(t *testing.T, want int) {
		t.Helper()
		wantIndexInStep(t, conn)
		if n := query[int](t, conn, `SELECT count(*)::int FROM lookups`); n != want {
			t.Errorf("%d rows, want %d", n, want)
		}
		execute(t, conn, `TRUNCATE records, lookups`)
	}
	t.Run("Replace with some of the same keys", func(t *testing.T) {
		key := randomKey()
		v := mustCreate(t, s, sessions, key, lasting("old", a, b))
		if _, err := s.Replace(t.Context(), sessions, key, v, lasting("new", b, c)); err != nil {
			t.Fatal(err)
		}
		wantRows(t, 2)
	})
	t.Run("Create in the place of an expired record with some of the same keys", func(t *testing.T) {
		key := randomKey()
		mustCreate(t, s, sessions, key, lasting("old", a, b))
		execute(t, conn, `UPDATE records SET expires = now() - interval '1 second'`)
		mustCreate(t, s, sessions, key, lasting("new", b, c))
		wantRows(t, 2)
	})
	t.Run("Create and Replace that are refused", func(t *testing.T) {
		key := randomKey()
		v := mustCreate(t, s, sessions, key, lasting("old", a))
		_, err := s.Create(t.Context(), sessions, key, lasting("new", b))
		wantError(t, err, store.ErrConflict)
		_, err = s.Replace(t.Context(), sessions, key, v+1, lasting("new", c))
		wantError(t, err, store.ErrConflict)
		wantRows(t, 1)
	})
	t.Run("Take and Delete", func(t *testing.T) {
		taken, deleted := randomKey(), randomKey()
		mustCreate(t, s, sessions, taken, lasting("v", a, b))
		mustCreate(t, s, sessions, deleted, lasting("v", a, b))
		mustCreate(t, s, sessions, randomKey(), lasting("v", a))
		if _, _, err := s.Take(t.Context(), sessions, taken); err != nil {
			t.Fatal(err)
		}
		if err := s.Delete(t.Context(), sessions, deleted); err != nil {
			t.Fatal(err)
		}
		wantRows(t, 1)
	})
	t.Run("Create that waited for another, whose record has expired meanwhile", func(t *testing.T) {
		key := randomKey()
		tx, err := conn.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for sql, args := range map[string][]any{
			`INSERT INTO records VALUES ('sessions', $1, nextval('versions'), 'old', now(), ARRAY[$2::bytea])`: {key[:], a[:]},
			`INSERT INTO lookups VALUES ($2, 'sessions', $1)`:                                                  {key[:], a[:]},
		} {
			if _, err := tx.Exec(t.Context(), sql, args...); err != nil {
				t.Fatal(err)
			}
		}
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := s.Create(t.Context(), sessions, key, lasting("new", b)); err != nil {
				t.Error(err)
			}
		})
		watch := psql(t, address)
		await(t, func() bool { return waiting(t, watch) == 1 })
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		wg.Wait()
		wantValue(t, s, sessions, key, "new")
		wantRows(t, 1)
	})
	t.Run("Take that waited for a Replace with other keys", func(t *testing.T) {
		key := randomKey()
		v := mustCreate(t, s, sessions, key, lasting("old", a))
		tx, err := conn.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec(t.Context(), `SELECT FROM records FOR UPDATE`); err != nil {
			t.Fatal(err)
		}
		watch := psql(t, address)
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := s.Replace(t.Context(), sessions, key, v, lasting("new", b)); err != nil {
				t.Error(err)
			}
		})
		await(t, func() bool { return waiting(t, watch) == 1 })
		wg.Go(func() {
			if rec, found, err := s.Take(t.Context(), sessions, key); err != nil || !found || string(rec.Value) != "new" {
				t.Errorf("Take: %q, %t, error %v", rec.Value, found, err)
			}
		})
		await(t, func() bool { return waiting(t, watch) == 2 })
		if err := tx.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
		wg.Wait()
		wantRows(t, 0)
	})
}

// waiting counts who waits for a lock in this database.
func waiting(t testing.TB, conn *pgx.Conn) int {
	t.Helper()
	return query[int](t, conn, `SELECT count(*)::int FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`)
}

// Whatever happens at the same time, each look-up key of each record has its
// row afterwards, and there is no other row.
func TestIndexStaysInStepWithRecords(t *testing.T) {
	t.Parallel()
	address := shared.Server(t).Database(t)
	stores := []store.Store{openStore(t, address, postgres.Options{}), openStore(t, address, postgres.Options{})}
	conn := psql(t, address)
	execute(t, conn, `SET search_path = wayleave`)
	keys, secondaries := make([]store.Key, 3), make([]store.Key, 100)
	for i := range keys {
		keys[i] = randomKey()
	}
	for i := range secondaries {
		secondaries[i] = randomKey()
	}
	record := func() store.Record {
		lookups := make([]store.Key, rand.IntN(store.MaxLookups+1))
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
			for range 400 {
				key := keys[rand.IntN(len(keys))]
				var err error
				switch rand.IntN(12) {
				case 0, 1, 2, 3, 4, 5:
					_, err = s.Create(t.Context(), sessions, key, record())
				case 6, 7, 8, 9:
					var v store.Version
					if _, v, _, err = s.Get(t.Context(), sessions, key); err == nil {
						_, err = s.Replace(t.Context(), sessions, key, v, record())
					}
				case 10:
					_, _, err = s.Take(t.Context(), sessions, key)
				case 11:
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
