package failure_test

import (
	"fmt"
	"testing"
	"time"
)

// pausable is a server of any kind.
type pausable interface {
	Pause(testing.TB)
	Resume(testing.TB)
}

// slow: each request that needs the server waits for it, and then gets what it
// always does.
func slow(t *testing.T, c *scene, server pausable) {
	t.Helper()
	server.Pause(t)
	resumed := make(chan struct{})
	time.AfterFunc(700*time.Millisecond, func() { server.Resume(t); close(resumed) })
	c.compare(t, lineOf(t), c.requests())
	<-resumed
	c.redeemed(t)
	c.recovered(t)
}

// hangs: connections stand, and nothing comes over them.
func hangs(t *testing.T, c *scene, server pausable) {
	t.Helper()
	requests := c.requests()
	warm := requests["page, warm"]
	// A copy is good while the store has just said that it is. On a busy
	// machine that moment can be over before the first request is made.
	copied := false
	for attempt := 0; !copied; attempt++ {
		if attempt == 5 {
			t.Fatal("no request was served from a copy")
		}
		until(t, "served from a copy", func() bool {
			before := c.calls.Load()
			return warm() == "200" && c.calls.Load() == before
		})
		server.Pause(t)
		if copied = warm() == "200"; !copied {
			server.Resume(t)
		}
	}
	paused := time.Now()
	requests["page, warm"] = func() string {
		began := time.Now()
		got := warm()
		if late := began.Sub(paused); got == "200" && late > time.Second {
			return fmt.Sprintf("200 from a copy %v after the store's last word", late)
		}
		return got
	}
	c.compare(t, lineOf(t), requests)
	c.redeemed(t)
	server.Resume(t)
	c.recovered(t)
}
