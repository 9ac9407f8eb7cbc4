package embedded_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/wayleave/wayleave/store/embedded"
)

// A store that was waiting for the file while another one was put in its place
// must not go on with the old one, which nobody else will ever see.
func TestCompact_WhoWaitsForTheOldFileGetsTheNewOne(t *testing.T) {
	dir := t.TempDir()
	path, compacted := filepath.Join(dir, "store.db"), filepath.Join(dir, "compacted")
	s := open(t, compacted)
	create(t, s, 1, record("v"))
	closed(t, s)
	old, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Flock(int(old.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(200*time.Millisecond, func() {
		if err := os.Rename(compacted, path); err != nil {
			t.Error(err)
		}
		old.Close()
	})
	s, err = embedded.Open(path, embedded.Options{Wait: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	wantValue(t, s, 1, "v")
	create(t, s, 2, record("w"))
	closed(t, s)
	wantValue(t, open(t, path), 2, "w")
}

// smallDisk returns a path on a disk of two megabytes, a function that leaves
// little room on it, and one that makes room again.
func smallDisk(t *testing.T) (path string, crowdOut, makeRoom func()) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=2m"); err != nil {
		t.Skipf("cannot mount a small disk: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	ballast := filepath.Join(dir, "ballast")
	return filepath.Join(dir, "store.db"),
		func() {
			if err := os.WriteFile(ballast, make([]byte, 1<<20), 0o600); err != nil {
				t.Fatal(err)
			}
		},
		func() {
			if err := os.Remove(ballast); err != nil {
				t.Fatal(err)
			}
		}
}
