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
