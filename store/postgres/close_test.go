package postgres_test

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/wayleave/wayleave/internal/testservers"
	servers "github.com/wayleave/wayleave/internal/testservers/postgres"
	"github.com/wayleave/wayleave/store"
	"github.com/wayleave/wayleave/store/postgres"
)

func TestCloseEndsEverything(t *testing.T) {
	address := shared.Server(t).Database(t)
	conn := psql(t, address)
	t.Run("of a store in use", func(t *testing.T) {
		s := openStore(t, address, postgres.Options{})
		mustCreate(t, s, sessions, randomKey(), lasting("v"))
		testservers.Watch(t, s)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		await(t, func() bool { return query[int](t, conn, connections) == 0 })
		awaitNoGoroutines(t)
	})
	t.Run("of a store that never reached its server", func(t *testing.T) {
		server := servers.Start(t, servers.Options{})
		address := server.Database(t)
		server.Stop(t)
		s := openStore(t, address, postgres.Options{})
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		_, _, _, err := s.Get(t.Context(), sessions, randomKey())
		wantError(t, err, store.ErrClosed)
		awaitNoGoroutines(t)
	})
	t.Run("of a store that waits for another's migration", func(t *testing.T) {
		address := shared.Server(t).Database(t)
		conn := psql(t, address)
		execute(t, conn, `SELECT pg_advisory_lock(hashtextextended('wayleave schema wayleave', 0))`)
		s := openStore(t, address, postgres.Options{Timeout: 100 * time.Millisecond})
		if _, err := s.Create(t.Context(), sessions, randomKey(), lasting("v")); err == nil {
			t.Error("Create before the migration: no error")
		}
		start := time.Now()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if took := time.Since(start); took > 20*time.Second {
			t.Errorf("Close took %v", took)
		}
		awaitNoGoroutines(t)
	})
}

// awaitNoGoroutines returns when nothing runs in the store or its driver.
func awaitNoGoroutines(t testing.TB) {
	t.Helper()
	buffer := make([]byte, 1<<20)
	running := func() string {
		var found []string
		for _, g := range strings.Split(string(buffer[:runtime.Stack(buffer, true)]), "\n\n")[1:] {
			if strings.Contains(g, "store/postgres.(") || strings.Contains(g, "pgxpool") || strings.Contains(g, "puddle") {
				found = append(found, g)
			}
		}
		return strings.Join(found, "\n\n")
	}
	deadline := time.Now().Add(10 * time.Second)
	for running() != "" {
		if time.Now().After(deadline) {
			t.Fatalf("still running:\n%s", running())
		}
		time.Sleep(5 * time.Millisecond)
	}
}
