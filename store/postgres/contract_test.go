package postgres_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wayleave/wayleave/store"
	"github.com/wayleave/wayleave/store/postgres"
)

// Table names are constants of the program. Should one ever not be, it still is
// only a value.
func TestHostileTableNames(t *testing.T) {
	address := shared.Server(t).Database(t)
	s := openStore(t, address, postgres.Options{})
	key, secondary := randomKey(), randomKey()
	mustCreate(t, s, sessions, key, lasting("safe", secondary))
	for _, table := range []store.Table{
		"'; DROP TABLE wayleave.records; --", `"; DROP TABLE wayleave.records; --`, "$1", "$1 OR true", "' OR 'a'='a", "sessions' --", "sessions\\", "%", "_", "*",
		"", " ", "SESSIONS", "sessions ", "\n", "ümlaut", store.Table(strings.Repeat("x", 1000)), "NULL", "{sessions}", "sessions,others",
	} {
		t.Run(fmt.Sprintf("%.20q", string(table)), func(t *testing.T) {
			if _, _, found, err := s.Get(t.Context(), table, key); err != nil || found {
				t.Errorf("Get: found %t, error %v", found, err)
			}
			if keys, _, err := s.Lookup(t.Context(), table, secondary, 10); err != nil || len(keys) != 0 {
				t.Errorf("Lookup: %v, error %v", keys, err)
			}
			v := mustCreate(t, s, table, key, lasting("other", secondary))
			if _, err := s.Replace(t.Context(), table, key, v, lasting("another", secondary)); err != nil {
				t.Errorf("Replace: %v", err)
			}
			wantValue(t, s, table, key, "another")
			if keys, _, err := s.Lookup(t.Context(), table, secondary, 10); err != nil || len(keys) != 1 {
				t.Errorf("Lookup: %v, error %v", keys, err)
			}
			if rec, found, err := s.Take(t.Context(), table, key); err != nil || !found || string(rec.Value) != "another" {
				t.Errorf("Take: %q, %t, error %v", rec.Value, found, err)
			}
			if err := s.Delete(t.Context(), table, key); err != nil {
				t.Errorf("Delete: %v", err)
			}
			wantValue(t, s, sessions, key, "safe")
		})
	}
	for _, table := range []store.Table{"zero\x00byte", "not\xffUTF-8"} {
		t.Run(fmt.Sprintf("%q is an error", string(table)), func(t *testing.T) {
			if _, _, found, err := s.Get(t.Context(), table, key); err == nil || found {
				t.Errorf("Get: found %t, error %v", found, err)
			}
			if _, err := s.Create(t.Context(), table, key, lasting("v")); err == nil {
				t.Error("Create: no error")
			}
			wantValue(t, s, sessions, key, "safe")
		})
	}
}

// What the session shows times in has no part in what they are.
func TestTimeZones(t *testing.T) {
	t.Parallel()
	address := shared.Server(t).Database(t)
	conn := psql(t, address)
	execute(t, conn, `DO $$ BEGIN
		EXECUTE format('ALTER DATABASE %I SET timezone = ''Pacific/Kiritimati''', current_database());
		EXECUTE format('ALTER DATABASE %I SET datestyle = ''SQL, DMY''', current_database());
	END $$`)
	for _, parameters := range []string{"", "?timezone=America/Los_Angeles", "?timezone=UTC&datestyle=German", "?default_query_exec_mode=simple_protocol", "?default_query_exec_mode=exec"} {
		t.Run(parameters, func(t *testing.T) {
			s := openStore(t, address+parameters, postgres.Options{})
			key := randomKey()
			rec := lasting("v", key)
			v := mustCreate(t, s, sessions, key, rec)
			got, _, found, err := s.Get(t.Context(), sessions, key)
			if early := rec.Expires.Sub(got.Expires); err != nil || !found || early < 0 || early >= time.Microsecond || got.Expires.Location() != time.UTC {
				t.Errorf("expires %v, want %v at most a microsecond earlier and in UTC; found %t, error %v", got.Expires, rec.Expires, found, err)
			}
			past := rec
			past.Expires = time.Now().Add(-time.Second).In(time.FixedZone("east", 14*60*60))
			_, err = s.Replace(t.Context(), sessions, key, v, past)
			wantError(t, err, store.ErrNoExpiry)
			soon := rec
			soon.Expires = time.Now().Add(time.Second).In(time.FixedZone("west", -12*60*60))
			if _, err = s.Replace(t.Context(), sessions, key, v, soon); err != nil {
				t.Fatal(err)
			}
			await(t, func() bool {
				_, _, found, err := s.Get(t.Context(), sessions, key)
				if err != nil {
					t.Fatal(err)
				}
				return !found
			})
			if now := time.Now(); now.Before(soon.Expires.Add(-100 * time.Millisecond)) {
				t.Errorf("gone %v early", soon.Expires.Sub(now))
			}
		})
	}
}

// What a database gives to sessions that ask for nothing has no part in how the
// store works.
func TestDefaultsOfTheDatabase(t *testing.T) {
	address := shared.Server(t).Database(t)
	conn := psql(t, address)
	for name, value := range map[string]string{
		"default_transaction_isolation": "serializable", "search_path": "public", "statement_timeout": "1", "application_name": "other",
	} {
		execute(t, conn, fmt.Sprintf(`DO $$ BEGIN EXECUTE format('ALTER DATABASE %%I SET %s = %%L', current_database(), '%s'); END $$`, name, value))
	}
	s := openStore(t, address, postgres.Options{})
	for range 5 {
		key := randomKey()
		var created atomic.Int64
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				_, err := s.Create(t.Context(), sessions, key, lasting("v", key))
				switch {
				case err == nil:
					created.Add(1)
				case !errors.Is(err, store.ErrConflict):
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := created.Load(); n != 1 {
			t.Errorf("%d of 50 created the record, want 1", n)
		}
	}
}

// A program whose clock is far behind or far ahead sees the same records as
// everyone else. In a bubble the clock begins with the year 2000, and sleeping
// puts it forward.
func TestA238_OnlyTheDatabaseTellsTheTime(t *testing.T) {
	address := shared.Server(t).Database(t)
	s := openStore(t, address, postgres.Options{})
	conn := psql(t, address)
	for name, skew := range map[string]time.Duration{"behind": 0, "ahead by two hours": 2 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			alive, dead := randomKey(), randomKey()
			mustCreate(t, s, sessions, alive, lasting("alive", alive))
			v := mustCreate(t, s, sessions, dead, lasting("dead", alive))
			execute(t, conn, `UPDATE wayleave.records SET expires = now() - interval '1 second' WHERE value = 'dead'`)
			now := time.Now()
			synctest.Test(t, func(t *testing.T) {
				if skew > 0 {
					time.Sleep(time.Until(now) + skew)
				}
				s, err := postgres.Open(t.Context(), address, postgres.Options{})
				if err != nil {
					t.Fatal(err)
				}
				defer s.Close()
				wantValue(t, s, sessions, alive, "alive")
				if _, _, found, err := s.Get(t.Context(), sessions, dead); err != nil || found {
					t.Errorf("Get of what has expired: found %t, error %v", found, err)
				}
				if keys, _, err := s.Lookup(t.Context(), sessions, alive, 10); err != nil || len(keys) != 1 || keys[0] != alive {
					t.Errorf("Lookup: %v, error %v", keys, err)
				}
				fresh := store.Record{Value: []byte("fresh"), Expires: now.Add(time.Hour)}
				_, err = s.Replace(t.Context(), sessions, dead, v, fresh)
				wantError(t, err, store.ErrConflict)
				_, err = s.Create(t.Context(), sessions, dead, store.Record{Value: []byte("late"), Expires: now.Add(-time.Second)})
				wantError(t, err, store.ErrNoExpiry)
				mustCreate(t, s, sessions, dead, fresh)
				wantValue(t, s, sessions, dead, "fresh")
			})
		})
	}
}

func TestExpiryBeyondTheLastYear(t *testing.T) {
	s := openStore(t, shared.Server(t).Database(t), postgres.Options{})
	for _, year := range []int{10_000, 294_277, 1_000_000} {
		rec := store.Record{Expires: time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)}
		if _, err := s.Create(t.Context(), sessions, randomKey(), rec); err == nil || !strings.Contains(err.Error(), "at most 9999") {
			t.Errorf("the year %d: error is %v", year, err)
		}
	}
}
