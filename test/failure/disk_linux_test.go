package failure_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// smallDisk puts a disk of some size, such as "2m", below a folder, and returns
// a folder on it that belongs to the same user. A megabyte of the disk is taken
// until makeRoom. It needs the right to mount.
func smallDisk(t *testing.T, below, size string) (dir string, makeRoom func()) {
	t.Helper()
	info, err := os.Stat(below)
	if err != nil {
		t.Fatal(err)
	}
	disk := filepath.Join(below, "disk")
	if err := os.Mkdir(disk, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "mode=755,size="+size); err != nil {
		t.Skipf("cannot mount a small disk: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(disk, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
		os.Remove(disk)
	})
	dir, ballast := filepath.Join(disk, "data"), filepath.Join(disk, "ballast")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if owner, ok := info.Sys().(*syscall.Stat_t); ok {
		if err := os.Chown(dir, int(owner.Uid), int(owner.Gid)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(ballast, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir, func() {
		if err := os.Remove(ballast); err != nil {
			t.Error(err)
		}
	}
}
