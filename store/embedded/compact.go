package embedded

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"go.etcd.io/bbolt"
)

// Compact makes the file of a store as small as what it holds, and returns its
// size in bytes before and after. A file does not shrink by itself, but it
// uses its room again, so this is worth while only after an unusual crowd: as
// long as most of a large file is free, each write costs some more.
//
// It needs the file for itself ([ErrInUse] otherwise) and room for a second
// one beside it, named with ".compact" at the end. The new file takes the
// place of the old one in one step at the end: if anything goes wrong before,
// even the power, the old one is untouched.
func Compact(path string) (before, after int64, err error) {
	before, after, err = compact(path)
	if err != nil {
		return 0, 0, fmt.Errorf("compact store %s: %w", path, err)
	}
	return before, after, nil
}

func compact(path string) (before, after int64, err error) {
	if path, err = filepath.EvalSymlinks(path); err != nil { // a link is to stay one
		return 0, 0, err
	}
	src, _, err := openFile(path, wait(0), false)
	if err != nil {
		return 0, 0, err
	}
	// Held until the new file is in place, so that nobody writes to the old.
	defer func() { err = errors.Join(err, src.Close()) }()

	beside := path + ".compact"
	if err := os.RemoveAll(beside); err != nil { // of an attempt that was cut off
		return 0, 0, err
	}
	defer os.Remove(beside) // does nothing after the rename
	if err := copyTo(beside, src); err != nil {
		return 0, 0, err
	}
	if before, err = size(path); err != nil {
		return 0, 0, err
	}
	if after, err = size(beside); err != nil {
		return 0, 0, err
	}
	if err := os.Rename(beside, path); err != nil {
		return 0, 0, err
	}
	return before, after, syncDir(path)
}

func copyTo(path string, src *bbolt.DB) error {
	dst, _, err := lock(path, wait(0), false)
	if err != nil {
		return err
	}
	dst.NoSync = true // once at the end is enough
	err = guarded(func() error { return bbolt.Compact(dst, src, batchBytes) })
	return errors.Join(err, dst.Sync(), dst.Close())
}

func size(path string) (int64, error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}
