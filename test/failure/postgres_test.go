package failure_test

import (
	"strings"
	"testing"

	servers "github.com/wayleave/wayleave/internal/testservers/postgres"
	"github.com/wayleave/wayleave/store"
	"github.com/wayleave/wayleave/store/postgres"
)

// onPostgres prepares a scene over a store that each replica opens by itself.
func onPostgres(t *testing.T, url string) *scene {
	t.Helper()
	return newSite(t, func() store.Store { return openPostgres(t, url) }).scene()
}

func openPostgres(t testing.TB, url string) *postgres.Store {
	t.Helper()
	s, err := postgres.Open(t.Context(), url, postgres.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// Servers are dear to start. The tests with t.Parallel have one of their own;
// the others take turns with the shared one before those go on.

func TestPostgresSlow(t *testing.T) {
	server := shared.Server(t)
	slow(t, onPostgres(t, server.Database(t)), server)
}

func TestPostgresHangs(t *testing.T) {
	t.Parallel()
	server := servers.Start(t, servers.Options{})
	hangs(t, onPostgres(t, server.Database(t)), server)
}

func TestPostgresDies(t *testing.T) {
	server := shared.Server(t)
	c := onPostgres(t, server.Database(t))
	server.Crash(t)
	c.compare(t, lineOf(t), c.requests())
	c.redeemed(t)
	server.Start(t)
	c.recovered(t)
}

// TestPostgresIsReadOnly, as one is that was demoted.
func TestPostgresIsReadOnly(t *testing.T) {
	server := shared.Server(t)
	c := onPostgres(t, server.Database(t))
	set := func(value string) {
		server.Exec(t, `ALTER SYSTEM SET default_transaction_read_only = `+value)
		server.Restart(t)
	}
	set("on")
	c.compare(t, lineOf(t), c.requests())
	c.redeemed(t)
	set("off")
	c.recovered(t)
}

// TestPostgresDiskIsFull: that of its tables. One that cannot write its log
// ends, as in TestPostgresDies.
func TestPostgresDiskIsFull(t *testing.T) {
	server := shared.Server(t)
	dir, makeRoom := smallDisk(t, server.Dir(), "24m")
	server.Exec(t, `CREATE TABLESPACE small LOCATION '`+dir+`'`)
	t.Cleanup(func() { server.Exec(t, `DROP TABLESPACE small`) })
	url := server.Database(t)
	server.Exec(t, `ALTER DATABASE `+url[strings.LastIndexByte(url, '/')+1:]+` SET TABLESPACE small`)
	c := onPostgres(t, url)
	full(t, c, openPostgres(t, url))
	c.compare(t, lineOf(t), c.requests())
	makeRoom()
	c.halfway = true
	c.recovered(t)
}
