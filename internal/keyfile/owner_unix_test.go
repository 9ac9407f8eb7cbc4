//go:build unix

package keyfile_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
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

// TestAFileOfRootMayBeHandedToAService reads files as a user that is not root,
// in a process of its own.
func TestAFileOfRootMayBeHandedToAService(t *testing.T) {
	const user, group = 4321, 1234
	if path := os.Getenv("KEYFILE_TEST_READ"); path != "" {
		_, err := keyfile.Read(path)
		var refused *keyfile.Error
		switch {
		case errors.As(err, &refused):
			os.Exit(3)
		case err != nil:
			fmt.Println(err)
			os.Exit(4)
		}
		os.Exit(0)
	}
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
	dir, err := os.MkdirTemp("", "keyfile")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	self := filepath.Join(dir, "test")
	binary, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Chmod(dir, 0o755), os.WriteFile(self, binary, 0o755)); err != nil {
		t.Fatal(err)
	}
	const reads, refuses = 0, 3
	for name, test := range map[string]struct {
		owner, user uint32
		mode        fs.FileMode
		want        int
	}{
		"a secret of Kubernetes with fsGroup":    {0, user, 0o440, reads},
		"root's own, given by group":             {0, user, 0o640, reads},
		"others read it, too":                    {0, user, 0o444, refuses},
		"the group can change it":                {0, user, 0o660, refuses},
		"the group can run it":                   {0, user, 0o450, refuses},
		"the service's own, and its group's":     {user, user, 0o440, refuses},
		"another user's, who could change it":    {5555, user, 0o440, refuses},
		"root is the service and needs no group": {0, 0, 0o440, refuses},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(dir, "keys")
			os.Remove(path)
			if err := errors.Join(os.WriteFile(path, []byte(seal.Encode(secret(1))), 0o600),
				os.Chown(path, int(test.owner), group), os.Chmod(path, test.mode)); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(self, "-test.run=^TestAFileOfRootMayBeHandedToAService$")
			cmd.Env = append(os.Environ(), "KEYFILE_TEST_READ="+path)
			cmd.Dir = dir
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: test.user, Gid: test.user, Groups: []uint32{group}}}
			out, err := cmd.CombinedOutput()
			if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != test.want {
				t.Errorf("status %v, want %d: %s", err, test.want, out)
			}
		})
	}
}
