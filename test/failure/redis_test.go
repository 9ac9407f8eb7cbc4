package failure_test

import (
	"strings"
	"testing"
	"time"

	servers "github.com/wayleave/wayleave/internal/testservers/redis"
	"github.com/wayleave/wayleave/store"
	"github.com/wayleave/wayleave/store/redis"
)

// onRedis prepares a scene over a store that each replica opens by itself.
func onRedis(t *testing.T, url string) *scene {
	t.Helper()
	return newSite(t, func() store.Store { return openRedis(t, url) }).scene()
}

func openRedis(t testing.TB, url string) *redis.Store {
	t.Helper()
	s, err := redis.Open(t.Context(), url, redis.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestRedisSlow(t *testing.T) {
	t.Parallel()
	server := servers.Start(t, servers.Options{})
	slow(t, onRedis(t, server.URL()), server)
}

func TestRedisHangs(t *testing.T) {
	t.Parallel()
	server := servers.Start(t, servers.Options{})
	hangs(t, onRedis(t, server.URL()), server)
}

func TestRedisDies(t *testing.T) {
	t.Parallel()
	server := servers.Start(t, servers.Options{Durable: true})
	c := onRedis(t, server.URL())
	server.Crash(t)
	c.compare(t, lineOf(t), c.requests())
	c.redeemed(t)
	server.Start(t)
	c.recovered(t)
}

// TestRedisForgets: the server lost what it had, and runs.
func TestRedisForgets(t *testing.T) {
	t.Parallel()
	server := servers.Start(t, servers.Options{})
	c := onRedis(t, server.URL())
	server.Crash(t)
	server.Start(t)
	until(t, "connected again", func() bool { return pageOutcome(c.warm.copy().open(c.a, "/")) != "503" })
	until(t, "connected again", func() bool { return pageOutcome(c.warm.copy().open(c.b, "/")) != "503" })
	c.compare(t, lineOf(t), c.requests())
	c.wantOut(t, "who was signed in", c.calling)
	c.joined(t, openRedis(t, server.URL()))
}

// joined: whoever has signed in at one replica since the store lost everything
// is known to the others, also to one that starts only now.
func (c *scene) joined(t *testing.T, s store.Store) {
	t.Helper()
	for where, at := range map[string]*replica{"one that ran all the time": c.b, "one that starts now": c.replica(s)} {
		if got := pageOutcome(c.arriving.open(at, "/")); got != "200" {
			t.Errorf("who signed in at one replica, at %s: %s", where, got)
		}
	}
}

// TestRedisIsFull: it takes no more, and evicts nothing.
func TestRedisIsFull(t *testing.T) {
	t.Parallel()
	server := servers.Start(t, servers.Options{})
	c := onRedis(t, server.URL())
	server.CLI(t, "CONFIG", "SET", "maxmemory", "1", "maxmemory-policy", "noeviction")
	c.compare(t, lineOf(t), c.requests())
	c.redeemed(t)
	server.CLI(t, "CONFIG", "SET", "maxmemory", "0")
	c.recovered(t)
}

// TestRedisEvicts: Check warns of it; a record that is gone cannot be told from
// one that never was.
func TestRedisEvicts(t *testing.T) {
	t.Parallel()
	server := servers.Start(t, servers.Options{Durable: true})
	c := onRedis(t, server.URL())
	s := openRedis(t, server.URL())
	if warnings, err := s.Check(t.Context()); len(warnings) != 0 || err != nil {
		t.Errorf("before: Check warns of %q, %v", warnings, err)
	}
	server.CLI(t, "CONFIG", "SET", "maxmemory", "1", "maxmemory-policy", "allkeys-lru")
	warnings, err := s.Check(t.Context())
	if err != nil || !strings.Contains(strings.Join(warnings, "\n"), "may evict sessions and grants when its memory is full: set maxmemory-policy noeviction, it is allkeys-lru") {
		t.Errorf("Check warns of %q, %v", warnings, err)
	}
	until(t, "evicted", func() bool {
		_, _ = s.Create(t.Context(), "other", store.Key{}, store.Record{Expires: time.Now().Add(time.Hour)}) // refused, in the end
		return server.CLI(t, "DBSIZE") == "0"
	})
	server.CLI(t, "CONFIG", "SET", "maxmemory", "0")
	until(t, "told", func() bool { return pageOutcome(c.warm.open(c.a, "/")) != "200" })
	c.compare(t, lineOf(t), c.requests())
	c.joined(t, openRedis(t, server.URL()))
}

// TestRedisRefusesWrites, as one does that lost its replicas, that was made a
// replica itself, or that cannot write to its disk.
func TestRedisRefusesWrites(t *testing.T) {
	t.Parallel()
	server := servers.Start(t, servers.Options{})
	c := onRedis(t, server.URL())
	server.CLI(t, "CONFIG", "SET", "min-replicas-to-write", "1")
	c.compare(t, lineOf(t), c.requests())
	c.redeemed(t)
	server.CLI(t, "CONFIG", "SET", "min-replicas-to-write", "0")
	c.recovered(t)
}

// TestRedisDiskIsFull: it refuses writes by itself, until it could write again.
func TestRedisDiskIsFull(t *testing.T) {
	t.Parallel()
	dir, makeRoom := smallDisk(t, t.TempDir(), "2m")
	server := servers.Start(t, servers.Options{Settings: map[string]string{"dir": dir, "appendonly": "yes", "appendfsync": "everysec"}})
	c := onRedis(t, server.URL())
	s := openRedis(t, server.URL())
	fill(t, s, 4000)
	c.compare(t, lineOf(t), c.requests())
	c.redeemed(t)
	makeRoom()
	until(t, "written again", func() bool {
		_, err := s.Create(t.Context(), "other", store.Key{}, store.Record{Expires: time.Now().Add(time.Hour)})
		return err == nil
	})
	c.recovered(t)
}

// TestSentinelPromotes: the primary dies, and a replica takes its place.
func TestSentinelPromotes(t *testing.T) {
	t.Parallel()
	s := servers.StartSentinel(t, servers.SentinelOptions{Replicas: 2, DownAfter: 2 * time.Second})
	c := onRedis(t, s.URL())
	old := s.CrashPrimary(t)
	c.compare(t, lineOf(t), c.requests())
	c.redeemed(t)
	s.AwaitPromotion(t, old)
	c.recovered(t)
}

// TestSentinelPrimaryHangs: it is replaced all the same, and is a replica when
// it goes on.
func TestSentinelPrimaryHangs(t *testing.T) {
	t.Parallel()
	s := servers.StartSentinel(t, servers.SentinelOptions{Replicas: 2, DownAfter: 2 * time.Second})
	c := onRedis(t, s.URL())
	old := s.Primary()
	old.Pause(t)
	c.compare(t, lineOf(t), c.requests())
	s.AwaitPromotion(t, old)
	old.Resume(t)
	c.halfway = true
	c.recovered(t)
}

// TestSentinelLosesItsReplica: nobody confirms what the primary writes.
func TestSentinelLosesItsReplica(t *testing.T) {
	t.Parallel()
	s := servers.StartSentinel(t, servers.SentinelOptions{})
	c := onRedis(t, s.URL())
	s.Servers[1].Pause(t)
	c.compare(t, lineOf(t), c.requests())
	c.redeemed(t)
	s.Servers[1].Resume(t)
	c.recovered(t)
}

// TestClusterPromotes: one of three primaries dies, its replica takes its
// place, and it comes back as the replica's replica.
func TestClusterPromotes(t *testing.T) {
	t.Parallel()
	s := servers.StartCluster(t, servers.ClusterOptions{Replicas: 1, NodeTimeout: 2 * time.Second})
	c := onRedis(t, s.URL())
	s.Primaries[0].Crash(t)
	c.compare(t, lineOf(t), c.requests())
	until(t, "promoted", func() bool {
		return strings.Contains(s.Replicas[0].CLI(t, "INFO", "replication"), "role:master")
	})
	s.Primaries[0].Start(t)
	until(t, "confirmed by a replica", func() bool {
		return strings.Contains(s.Replicas[0].CLI(t, "INFO", "replication"), "state=online")
	})
	c.halfway = true
	c.recovered(t)
}

// TestClusterHandsOver: a primary gives its part to its replica in good order.
func TestClusterHandsOver(t *testing.T) {
	t.Parallel()
	s := servers.StartCluster(t, servers.ClusterOptions{Replicas: 1, NodeTimeout: 5 * time.Second})
	c := onRedis(t, s.URL())
	s.Failover(t, 0)
	c.compare(t, lineOf(t), c.requests())
	c.halfway = true
	c.recovered(t)
}
