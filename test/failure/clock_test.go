package failure_test

import (
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	servers "github.com/wayleave/wayleave/internal/testservers/redis"
	"github.com/wayleave/wayleave/store"
)

// In a bubble of synctest the clock begins with the year 2000, and sleeping puts
// it forward: so an app can have a clock of its own, which neither its provider
// nor a server shares. Two hours are more than sessions live without requests.

func TestFileClockJumpsAhead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s := openFile(t, path)
	c := onFile(t, s)
	clockJumps(t, 2*time.Hour, c, func() store.Store { s.Close(); s = openFile(t, path); return s })
}

func TestFileClockJumpsBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s := openFile(t, path)
	c := onFile(t, s)
	clockJumps(t, -2*time.Hour, c, func() store.Store { s.Close(); s = openFile(t, path); return s })
}

func TestRedisClockOfTheAppIsAhead(t *testing.T) {
	t.Parallel()
	server := servers.Start(t, servers.Options{})
	c := onRedis(t, server.URL())
	clockJumps(t, 2*time.Hour, c, func() store.Store { return openRedis(t, server.URL()) })
	c.recovered(t)
}

func TestRedisClockOfTheAppIsBehind(t *testing.T) {
	t.Parallel()
	server := servers.Start(t, servers.Options{})
	c := onRedis(t, server.URL())
	clockJumps(t, -2*time.Hour, c, func() store.Store { return openRedis(t, server.URL()) })
	c.recovered(t)
}

func TestPostgresClockOfTheAppIsAhead(t *testing.T) {
	url := shared.Server(t).Database(t)
	c := onPostgres(t, url)
	clockJumps(t, 2*time.Hour, c, func() store.Store { return openPostgres(t, url) })
	c.recovered(t)
}

func TestPostgresClockOfTheAppIsBehind(t *testing.T) {
	url := shared.Server(t).Database(t)
	c := onPostgres(t, url)
	clockJumps(t, -2*time.Hour, c, func() store.Store { return openPostgres(t, url) })
	c.recovered(t)
}

// clockJumps runs two other replicas, over one more store, with a clock that
// is wrong.
func clockJumps(t *testing.T, by time.Duration, c *scene, open func() store.Store) {
	t.Helper()
	want, now := lineOf(t), time.Now()
	a, b := c.a, c.b
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(now) + by)
		s := open()
		c.a, c.b = c.replica(s), c.replica(s)
		c.compare(t, want, c.requests())
		c.a.auth.Close()
		c.b.auth.Close()
		s.Close()
	})
	c.a, c.b = a, b
}
