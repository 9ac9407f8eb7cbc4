package redis_test

import (
	"testing"

	servers "github.com/wayleave/wayleave/internal/testservers/redis"
	"github.com/wayleave/wayleave/store"
	"github.com/wayleave/wayleave/store/redis"
	"github.com/wayleave/wayleave/store/storetest"
)

func TestStore(t *testing.T) {
	for name, start := range map[string]func(*testing.T) (url string){
		"single": func(t *testing.T) string { return servers.Start(t, servers.Options{}).URL() },
		"sentinel": func(t *testing.T) string {
			return servers.StartSentinel(t, servers.SentinelOptions{}).URL()
		},
		"cluster": func(t *testing.T) string {
			return servers.StartCluster(t, servers.ClusterOptions{Replicas: 1}).URL()
		},
	} {
		t.Run(name, func(t *testing.T) {
			url := start(t)
			h := storetest.Harness{
				Open:  func(t *testing.T) store.Store { return open(t, url) },
				Again: func(t *testing.T, _ store.Store) store.Store { return open(t, url) },
			}
			storetest.Run(t, h)
			storetest.RunConcurrency(t, h)
		})
	}
}

func open(t testing.TB, url string) *redis.Store {
	t.Helper()
	s, err := redis.Open(t.Context(), url, redis.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}
