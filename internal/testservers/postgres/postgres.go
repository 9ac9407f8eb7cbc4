// Package postgres starts private PostgreSQL servers for tests: no cluster of
// the machine is touched, and nothing is left behind.
//
// Most packages share one server among their tests:
//
//	var shared postgres.Shared
//
//	func TestMain(m *testing.M) { os.Exit(shared.Main(m)) }
//
//	func TestSomething(t *testing.T) { url := shared.Server(t).Database(t) … }
//
// A test that stops or restarts its server starts one of its own with [Start].
//
// It needs PostgreSQL's programs (Debian: postgresql). Without them a test
// skips with one clear line, or fails when WAYLEAVE_TEST_FULL=1.
package postgres

import (
	"crypto/rand"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Shared is one server for all tests of a package, started when the first of
// them asks for it, with the zero [Options]. The zero Shared is ready for use.
type Shared struct {
	mu     sync.Mutex
	server *Server
	err    error
	used   bool
	ready  bool // Main runs, so that somebody will stop the server
}

// Main runs the tests and then stops the server. It returns the exit status,
// for TestMain to pass on.
func (s *Shared) Main(m *testing.M) int {
	s.ready = true
	status := m.Run()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.server != nil {
		s.server.remove()
	}
	return status
}

// Server returns the server.
func (s *Shared) Server(t testing.TB) *Server {
	t.Helper()
	if !s.ready {
		t.Fatal("a shared server needs a TestMain that calls its Main")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.used {
		s.used = true
		s.server, s.err = start(Options{})
	}
	if s.err != nil {
		unavailable(t, s.err)
	}
	return s.server
}

// Start returns a server of the test's own, which ends with it.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	s, err := start(o)
	if err != nil {
		unavailable(t, err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the PostgreSQL server said at last:\n%s", s.process.Tail())
		}
		s.remove()
	})
	return s
}

// unavailable ends the test: quietly where a machine has only Go, as a failure
// in the full run, which must not skip anything, and where the programs are
// there and fail.
func unavailable(t testing.TB, err error) {
	t.Helper()
	if _, missing := err.(missingError); missing && os.Getenv("WAYLEAVE_TEST_FULL") != "1" {
		t.Skipf("PostgreSQL is not available: %v", err)
	}
	t.Fatalf("PostgreSQL is not available: %v", err)
}

// Database makes an empty database and returns its URL, with a user who owns
// the database and has no other rights, and with that user's password. The
// database is dropped when the test ends, whoever is still connected.
func (s *Server) Database(t testing.TB) string {
	t.Helper()
	name := "test_" + strings.ToLower(rand.Text())
	s.Exec(t, "CREATE DATABASE "+name+" OWNER "+owner)
	t.Cleanup(func() {
		if s.process.Running() {
			s.Exec(t, "DROP DATABASE "+name+" WITH (FORCE)")
		}
	})
	return s.url(owner, name)
}

// Exec runs one statement as the server's superuser, outside of any test's
// database, with arguments for $1 and so on.
func (s *Server) Exec(t testing.TB, sql string, args ...any) {
	t.Helper()
	ctx, cancel := brief() // not the test's context, which is over in a clean-up
	defer cancel()
	conn, err := pgx.Connect(ctx, s.url(superuser, "postgres"))
	if err != nil {
		t.Fatalf("connect to the test server: %v", err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, sql, args...); err != nil {
		t.Fatalf("run %q on the test server: %v", sql, err)
	}
}
