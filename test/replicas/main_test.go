// Package replicas_test runs several processes of one app on one store, with a
// provider that is strict about refresh tokens, and takes servers, connections
// and processes away from them. What is short here is repeated longer with
// WAYLEAVE_REPLICAS=long.
package replicas_test

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/wayleave/wayleave/internal/keyfile"
	"github.com/wayleave/wayleave/internal/testservers/postgres"
	"github.com/wayleave/wayleave/internal/testservers/redis"
)

var (
	shared postgres.Shared
	// folder holds the app and what its processes keep. Its name is short:
	// those of sockets are limited.
	folder string
)

func TestMain(m *testing.M) {
	var err error
	if folder, err = os.MkdirTemp("", "wl-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	// Most of these tests wait most of the time.
	flag.Parse()
	flag.Set("test.parallel", "4")
	status := shared.Main(m)
	os.RemoveAll(folder)
	os.Exit(status)
}

// build builds the app as the tests are built.
var build = sync.OnceValues(func() (path string, err error) {
	path = filepath.Join(folder, "app")
	args := []string{"build", "-o", path}
	if raceDetector {
		args = append(args, "-race")
	}
	if out, err := exec.Command("go", append(args, "./app")...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the app: %w: %s", err, out)
	}
	return path, nil
})

// long chooses between the two forms of a test.
func long[T any](short, long T) T {
	if os.Getenv("WAYLEAVE_REPLICAS") == "long" {
		return long
	}
	return short
}

// database is an empty store, with keys to seal what is kept in it.
type database struct {
	url      string
	server   string // its address
	keys     string // file
	replicas int    // for tests that have time for one number only
}

func newDatabase(t *testing.T, url, server string, replicas int) database {
	t.Helper()
	keys := filepath.Join(t.TempDir(), "keys")
	if _, err := keyfile.New(keys, time.Now()); err != nil {
		t.Fatal(err)
	}
	return database{url, server, keys, replicas}
}

// onEach runs a test on each store that processes share.
func onEach(t *testing.T, test func(t *testing.T, db database)) {
	t.Run("redis", func(t *testing.T) {
		s := redis.Start(t, redis.Options{})
		test(t, newDatabase(t, s.URL(), s.Address(), 3))
	})
	t.Run("postgres", func(t *testing.T) {
		s := shared.Server(t)
		test(t, newDatabase(t, s.Database(t), s.Address(), 2))
	})
}

// until waits for what comes true by itself.
func until(t testing.TB, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !is(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("after a minute still not %s", what)
		}
	}
}

// together calls do from many goroutines at the same moment.
func together(n int, do func(i int)) {
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		wg.Go(func() { <-start; do(i) })
	}
	close(start)
	wg.Wait()
}

// spread calls do from a few goroutines.
func spread(n, workers int, do func(i int)) {
	next := make(chan int)
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for i := range next {
				do(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
}

// quantiles describes durations.
func quantiles(all []time.Duration) (text string, longest time.Duration) {
	if len(all) == 0 {
		return "none", 0
	}
	slices.Sort(all)
	at := func(q float64) time.Duration { return all[int(q*float64(len(all)-1))].Round(10 * time.Microsecond) }
	longest = all[len(all)-1]
	return fmt.Sprintf("p50 %v, p99 %v, longest %v of %d", at(0.5), at(0.99), longest.Round(10*time.Microsecond), len(all)), longest
}
