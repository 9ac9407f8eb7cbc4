// Package failure_test takes the store away from an app, in all ways that
// docs/failure.md lists, and looks at what each kind of request gets. The
// document is the table that the tests go by: each runs the line that names it.
package failure_test

import (
	"flag"
	"os"
	"testing"
	"time"

	"github.com/wayleave/wayleave/internal/testservers/postgres"
)

var shared postgres.Shared

func TestMain(m *testing.M) {
	// What these tests do most of all is wait.
	_ = flag.Set("test.parallel", "8") // -parallel on the command line still wins
	flag.Parse()
	os.Exit(shared.Main(m))
}

// until waits for what comes true by itself.
func until(t testing.TB, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("after a minute still not %s", what)
		}
	}
}
