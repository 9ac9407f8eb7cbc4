package redis_test

import (
	"flag"
	"os"
	"strconv"
	"testing"

	servers "github.com/wayleave/wayleave/internal/testservers/redis"
	"github.com/wayleave/wayleave/store"
	"github.com/wayleave/wayleave/store/storetest"
)

// arrangements are the ways in which servers can stand.
var arrangements = map[string]func(*testing.T) (url string){
	"single":   func(t *testing.T) string { return servers.Start(t, servers.Options{}).URL() },
	"sentinel": func(t *testing.T) string { return servers.StartSentinel(t, servers.SentinelOptions{}).URL() },
	"cluster":  func(t *testing.T) string { return servers.StartCluster(t, servers.ClusterOptions{Replicas: 1}).URL() },
}

// TestMain lets more tests run at once than there are processors: what takes
// long here is waiting for servers to notice each other.
func TestMain(m *testing.M) {
	flag.Parse()
	if n, err := strconv.Atoi(flag.Lookup("test.parallel").Value.String()); err == nil && n < 4 {
		flag.Set("test.parallel", "4")
	}
	os.Exit(m.Run())
}

// long asks for what takes minutes.
var long = os.Getenv("WAYLEAVE_TEST_LONG") == "1"

func TestStore(t *testing.T) {
	t.Parallel()
	for name, start := range arrangements {
		if name == "sentinel" && !long {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := start(t)
			h := storetest.Harness{
				Open:  func(t *testing.T) store.Store { return open(t, url) },
				Again: func(t *testing.T, _ store.Store) store.Store { return open(t, url) },
			}
			storetest.Run(t, h)
			if name == "cluster" || long { // which has all that the others have
				storetest.RunConcurrency(t, h)
			}
		})
	}
}
