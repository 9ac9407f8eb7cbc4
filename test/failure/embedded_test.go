package failure_test

import (
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/wayleave/wayleave/store"
	"github.com/wayleave/wayleave/store/embedded"
)

// onFile prepares a scene over one store in a file. There are two replicas all
// the same, so that one of them knows no session.
func onFile(t *testing.T, s store.Store) *scene {
	t.Helper()
	return newSite(t, func() store.Store { return s }).scene()
}

func openFile(t testing.TB, path string) *embedded.Store {
	t.Helper()
	s, err := embedded.Open(path, embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// TestFileDiskIsFull: what was written is there, and what needs room waits for
// none. New tokens, which nobody else has, are held until there is.
func TestFileDiskIsFull(t *testing.T) {
	dir, makeRoom := smallDisk(t, t.TempDir(), "2m")
	s := openFile(t, filepath.Join(dir, "store.db"))
	c := onFile(t, s)
	full(t, c, s)
	requests := c.requests()
	// First of all, since who signs out makes room.
	arrived := requests["callback"]()
	requests["callback"] = func() string { return arrived }
	var others sync.WaitGroup
	for name, request := range requests {
		if name != "refresh" {
			others.Add(1)
			requests[name] = func() string { defer others.Done(); return request() }
		}
	}
	refresh := requests["refresh"]
	requests["refresh"] = func() string {
		go func() { others.Wait(); makeRoom() }()
		return refresh()
	}
	c.compare(t, lineOf(t), requests)
	c.halfway = true // to end a session takes no room, to give up its tokens may
	c.recovered(t)
}

// full leaves no room. Small changes find some in pages that others have left;
// so in the end people sign in until several in a row could not.
func full(t *testing.T, c *scene, s store.Store) {
	t.Helper()
	for _, size := range []int{4000, 1000, 100} {
		fill(t, s, size)
	}
	for refused := 0; refused < 5; refused++ {
		b := c.browser()
		if got := callbackOutcome(b.open(c.a, b.callback())); got != "503" {
			refused = 0
		}
	}
	c.tokensAsked = c.idp.Count("token")
}

// fill writes records of a size until there is no room for another one.
func fill(t *testing.T, s store.Store, size int) {
	t.Helper()
	for range 100_000 {
		var k store.Key
		value := make([]byte, size)
		rand.Read(k[:])
		rand.Read(value) // or it would be compressed
		_, err := s.Create(t.Context(), "other", k, store.Record{Value: value, Expires: time.Now().Add(time.Hour)})
		if err != nil {
			if text := err.Error(); !errors.Is(err, syscall.ENOSPC) && !strings.Contains(text, "SQLSTATE 53100") && !strings.Contains(text, "MISCONF") {
				t.Fatalf("instead of a full disk: %v", err)
			}
			return
		}
	}
	t.Fatal("the disk is not full")
}

// TestFileIsCutOff, as by somebody who restored half of it.
func TestFileIsCutOff(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store.db")
	c := onFile(t, openFile(t, path))
	if err := os.Truncate(path, 8192); err != nil {
		t.Fatal(err)
	}
	c.compare(t, lineOf(t), c.requests())
}

// TestFileAppRestarts: the process ends and another one begins. Logins that were
// under way begin again by themselves: what guards them was in memory.
func TestFileAppRestarts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s := openFile(t, path)
	c := onFile(t, s)
	c.a.auth.Close()
	c.b.auth.Close()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again := openFile(t, path)
	c.a, c.b = c.replica(again), c.replica(again)
	c.compare(t, lineOf(t), c.requests())
	c.recovered(t)
}
