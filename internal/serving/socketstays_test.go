//go:build unix

package serving_test

import (
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// TestRestart_ThePredecessorsSocketStays: a successor that listens elsewhere, and
// then cannot open what it needs, leaves the old process reachable.
func TestRestart_ThePredecessorsSocketStays(t *testing.T) {
	dir, err := os.MkdirTemp("", "wl")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	s := settings{Network: "unix", Address: filepath.Join(dir, "a"), Linger: 100 * time.Millisecond}
	r := run(t, s)
	r.await("listening", 0)
	reach := func() {
		t.Helper()
		conn, err := net.Dial("unix", s.Address)
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
	}
	reach()
	bad := s
	bad.Address, bad.CannotOpen = filepath.Join(dir, "b"), true
	r.set(bad)
	r.signal(r.pid(), syscall.SIGUSR2)
	r.await("restart failed, this process goes on", 0)
	reach()
	r.signal(r.pid(), syscall.SIGTERM)
	r.exited(0)
}
