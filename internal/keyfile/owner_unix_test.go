//go:build unix

package keyfile_test

import (
	"os"
	"syscall"
	"testing"

	"github.com/wayleave/wayleave/internal/keyfile"
	"github.com/wayleave/wayleave/internal/seal"
)

// TestAFileKeepsItsOwner, or a service could not read its keys after root
// rotated them.
func TestAFileKeepsItsOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
	path := write(t, seal.Encode(secret(1)), 0o600)
	if err := os.Chown(path, 4321, 1234); err != nil {
		t.Fatal(err)
	}
	if err := keyfile.Update(path, func(f *keyfile.File) error { f.Add(now); return nil }); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if stat := info.Sys().(*syscall.Stat_t); stat.Uid != 4321 || stat.Gid != 1234 || info.Mode() != 0o600 {
		t.Errorf("belongs to %d:%d with mode %v", stat.Uid, stat.Gid, info.Mode())
	}
}
