//go:build unix

package keyfile

import (
	"io/fs"
	"os"
	"syscall"
)

// chownLike gives the file the owner of another one.
func chownLike(file *os.File, other fs.FileInfo) error {
	mine, err := file.Stat()
	if err != nil {
		return err
	}
	have, want := mine.Sys().(*syscall.Stat_t), other.Sys().(*syscall.Stat_t)
	if have.Uid == want.Uid {
		return nil
	}
	return file.Chown(int(want.Uid), int(want.Gid))
}

// handed reports whether the file is root's, and no one but its group can read it
// besides. We are not root, so whoever deploys us has given it to us that way:
// by fsGroup for a Kubernetes secret, or by an access list, which shows as the
// group's mode, for a credential of systemd. Files of our own owner are not meant,
// since there a mode that is too wide is a slip of ours.
func handed(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && handedTo(os.Geteuid(), stat.Uid, info.Mode().Perm())
}

func handedTo(user int, owner uint32, mode fs.FileMode) bool {
	return user != 0 && owner == 0 && mode&0o037 == 0
}
