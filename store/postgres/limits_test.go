package postgres_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wayleave/wayleave/store"
	"github.com/wayleave/wayleave/store/postgres"
)

const connections = `SELECT count(*)::int FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'wayleave'`

// Somebody else is in the way: the call ends within its time and leaves nothing.
func TestTimeout(t *testing.T) {
	t.Parallel()
	address := shared.Server(t).Database(t)
	relay, through := newRelay(t, address)
	s := openStore(t, through, postgres.Options{Timeout: time.Second, MaxConns: 2})
	key := randomKey()
	v := mustCreate(t, s, sessions, key, lasting("before"))
	conn, watch := psql(t, address), psql(t, address)
	hold := func(t *testing.T) (release func()) {
		tx, err := conn.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec(t.Context(), `SELECT FROM wayleave.records FOR UPDATE`); err != nil {
			t.Fatal(err)
		}
		return func() {
			if err := tx.Rollback(t.Context()); err != nil {
				t.Error(err)
			}
		}
	}
	t.Run("a locked record", func(t *testing.T) {
		release := hold(t)
		start := time.Now()
		_, err := s.Replace(t.Context(), sessions, key, v, lasting("after"))
		if took := time.Since(start); err == nil || errors.Is(err, store.ErrConflict) || took > 5*time.Second {
			t.Errorf("Replace took %v, error %v", took, err)
		}
		wantValue(t, s, sessions, key, "before") // readers wait for nobody
		release()
		wantValue(t, s, sessions, key, "before")
	})
	t.Run("no connection left", func(t *testing.T) {
		release := hold(t)
		var enough atomic.Bool
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				for !enough.Load() {
					s.Delete(t.Context(), sessions, key)
				}
			})
		}
		await(t, func() bool { return waiting(t, watch) == 2 })
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		_, _, found, err := s.Get(ctx, sessions, key)
		if found {
			t.Error("found without a connection")
		}
		wantError(t, err, context.DeadlineExceeded)
		enough.Store(true)
		wg.Wait()
		release()
		mustCreate(t, s, sessions, randomKey(), lasting("v"))
	})
	t.Run("the server gives up, too", func(t *testing.T) {
		release := hold(t)
		defer release()
		var waited atomic.Bool
		var wg sync.WaitGroup
		wg.Go(func() {
			for !waited.Load() { // on a busy machine it may be over before we look
				s.Delete(t.Context(), sessions, key)
			}
		})
		await(t, func() bool { return waiting(t, watch) == 1 })
		waited.Store(true)
		relay.cut(true) // so that the server is not told
		wg.Wait()
		await(t, func() bool { return waiting(t, watch) == 0 })
	})
}

// A visitor who hangs up in the middle of a call costs no connection.
func TestHangingUp(t *testing.T) {
	address := shared.Server(t).Database(t)
	s := openStore(t, address, postgres.Options{MaxConns: 1})
	key := randomKey()
	mustCreate(t, s, sessions, key, lasting("v", key))
	wantValue(t, s, sessions, key, "v")
	conn, watch := psql(t, address), psql(t, address)
	const started = `SELECT backend_start FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'wayleave'`
	before := query[time.Time](t, watch, started)
	for good := 0; good < 5; {
		tx, err := conn.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec(t.Context(), `LOCK TABLE wayleave.records`); err != nil {
			t.Fatal(err)
		}
		ctx, hangUp := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { s.Get(ctx, sessions, key) })
		await(t, func() bool { return waiting(t, watch) == 1 })
		hungUp := time.Now()
		hangUp()
		if err := tx.Rollback(t.Context()); err != nil { // and the answer comes a moment later
			t.Fatal(err)
		}
		wg.Wait()
		late := time.Since(hungUp) > 200*time.Millisecond
		wantValue(t, s, sessions, key, "v")
		after := query[time.Time](t, watch, started)
		switch {
		case late: // a busy machine: that was more than a moment
			before = after
		case after != before:
			t.Fatal("the connection is another one")
		default:
			good++
		}
	}
}

func TestConnectionLimit(t *testing.T) {
	address := shared.Server(t).Database(t)
	for name, test := range map[string]struct {
		parameter string
		options   postgres.Options
		want      int
	}{
		"default":             {"", postgres.Options{}, 16},
		"URL":                 {"?pool_max_conns=3", postgres.Options{}, 3},
		"option":              {"", postgres.Options{MaxConns: 5}, 5},
		"option over the URL": {"?pool_max_conns=3", postgres.Options{MaxConns: 2}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			conn := psql(t, address)
			await(t, func() bool { return query[int](t, conn, connections) == 0 }) // those of the test before
			test.options.Timeout = 30 * time.Second                                // a busy machine takes long to connect so often
			s := openStore(t, address+test.parameter, test.options)
			tx, err := conn.Begin(t.Context()) // keeps all connections busy
			if err != nil {
				t.Fatal(err)
			}
			if _, err := tx.Exec(t.Context(), `LOCK TABLE wayleave.records`); err != nil {
				t.Fatal(err)
			}
			var wg sync.WaitGroup
			for range 40 {
				wg.Go(func() {
					if _, err := s.Create(t.Context(), sessions, randomKey(), lasting("v")); err != nil {
						t.Error(err)
					}
				})
			}
			watch := psql(t, address)
			await(t, func() bool { return query[int](t, watch, connections) >= test.want })
			if n := query[int](t, watch, connections); n != test.want {
				t.Errorf("%d connections, want %d", n, test.want)
			}
			if err := tx.Rollback(t.Context()); err != nil {
				t.Fatal(err)
			}
			wg.Wait()
			if n := query[int](t, watch, connections); n != test.want {
				t.Errorf("%d connections, want %d", n, test.want)
			}
		})
	}
}
