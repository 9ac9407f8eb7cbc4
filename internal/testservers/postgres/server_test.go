package postgres_test

import (
	"os"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/wayleave/wayleave/internal/testservers/postgres"
)

var shared postgres.Shared

func TestMain(m *testing.M) { os.Exit(shared.Main(m)) }

func TestServerKeepsWhatItHasAcknowledged(t *testing.T) {
	for name, again := range map[string]func(*postgres.Server, testing.TB){
		"restart": (*postgres.Server).Restart,
		"crash":   func(s *postgres.Server, t testing.TB) { s.Crash(t); s.Start(t) },
	} {
		t.Run(name, func(t *testing.T) {
			s := postgres.Start(t, postgres.Options{Durable: true})
			url := s.Database(t)
			run(t, url, `CREATE TABLE kept AS SELECT 1 AS n`)
			address := s.Address()
			again(s, t)
			if s.Address() != address {
				t.Errorf("address is %s, was %s", s.Address(), address)
			}
			if n := run(t, url, `SELECT count(*) FROM kept`); n != "SELECT 1" {
				t.Errorf("answer is %s, want SELECT 1", n)
			}
		})
	}
}

func TestStoppedServerIsAway(t *testing.T) {
	s := postgres.Start(t, postgres.Options{})
	url := s.Database(t)
	s.Stop(t)
	s.Stop(t) // twice is harmless
	if conn, err := pgx.Connect(t.Context(), url); err == nil {
		conn.Close(t.Context())
		t.Error("connected to a stopped server")
	}
	s.Start(t)
	run(t, url, `SELECT 1`)
}

func TestDatabasesAreApart(t *testing.T) {
	s := shared.Server(t)
	if s != shared.Server(t) {
		t.Error("two servers, want one")
	}
	one, two := s.Database(t), s.Database(t)
	run(t, one, `CREATE SCHEMA mine`)
	run(t, two, `CREATE SCHEMA mine`)
	var dropped string
	t.Run("for a while", func(t *testing.T) {
		dropped = s.Database(t)
		run(t, dropped, `SELECT 1`)
	})
	if conn, err := pgx.Connect(t.Context(), dropped); err == nil {
		conn.Close(t.Context())
		t.Error("a database outlived its test")
	}
}

func TestSettings(t *testing.T) {
	s := postgres.Start(t, postgres.Options{Settings: map[string]string{"max_connections": "33"}})
	conn, err := pgx.Connect(t.Context(), s.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	var most, fsync string
	if err := conn.QueryRow(t.Context(), `SELECT current_setting('max_connections'), current_setting('fsync')`).Scan(&most, &fsync); err != nil {
		t.Fatal(err)
	}
	if most != "33" || fsync != "off" {
		t.Errorf("max_connections is %s, want 33; fsync is %s, want off", most, fsync)
	}
}

// run runs one statement and returns the server's word for what it did.
func run(t *testing.T, url, sql string) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	tag, err := conn.Exec(t.Context(), sql)
	if err != nil {
		t.Fatal(err)
	}
	return tag.String()
}
