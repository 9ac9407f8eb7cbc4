package redis_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	servers "github.com/wayleave/wayleave/internal/testservers/redis"
	"github.com/wayleave/wayleave/store"
	"github.com/wayleave/wayleave/store/redis"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		settings map[string]string
		want     []string // parts of the warnings
	}{
		"all is well":             {map[string]string{"appendonly": "yes", "maxmemory": "100mb"}, nil},
		"evicts, without a limit": {map[string]string{"appendonly": "yes", "maxmemory-policy": "allkeys-lru"}, nil},
		"evicts":                  {map[string]string{"appendonly": "yes", "maxmemory": "100mb", "maxmemory-policy": "volatile-ttl"}, []string{"volatile-ttl"}},
		"forgets":                 {nil, []string{"appendonly"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := servers.Start(t, servers.Options{Settings: c.settings})
			wantWarnings(t, open(t, s.URL()), c.want...)
		})
	}
	t.Run("too few replicas", func(t *testing.T) {
		s := servers.StartSentinel(t, servers.SentinelOptions{Server: servers.Options{Durable: true}})
		wantWarnings(t, open(t, s.URL()))
		wantWarnings(t, open(t, s.URL()+"?replicas=2"), "waits for 2 replicas, and 1 are connected")
	})
	t.Run("a cluster", func(t *testing.T) {
		c := servers.StartCluster(t, servers.ClusterOptions{})
		c.Primaries[1].CLI(t, "CONFIG", "SET", "maxmemory", "100mb", "maxmemory-policy", "allkeys-lru")
		st := openWith(t, c.URL()+"?replicas=0", redis.Options{Timeout: time.Second})
		wantWarnings(t, st, "allkeys-lru", "appendonly", "appendonly", "appendonly")
		c.Primaries[0].Stop(t)
		if warnings, err := st.Check(t.Context()); err == nil || len(warnings) < 3 {
			t.Errorf("Check with a node stopped: %q, %v, want the others' warnings and an error", warnings, err)
		}
		st.Close()
		_, err := st.Check(t.Context())
		wantErr(t, err, store.ErrClosed)
	})
}

func wantWarnings(t *testing.T, s *redis.Store, want ...string) {
	t.Helper()
	got, err := s.Check(t.Context())
	if err != nil || len(got) != len(want) {
		t.Fatalf("Check: %q, %v, want %q", got, err, want)
	}
	for _, w := range want {
		if !slices.ContainsFunc(got, func(g string) bool { return strings.Contains(g, w) }) {
			t.Errorf("Check: %q, want %q", got, w)
		}
	}
}
