package embedded

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"github.com/wayleave/wayleave/store"
)

// Errors of Open and Compact that callers branch on.
var (
	// ErrInUse: another process, or another Store of this one, has the file open.
	ErrInUse = errors.New("the file is in use")
	// ErrExposed: the file's mode lets others than its owner at it.
	ErrExposed = errors.New("others than the owner have access to the file")
	// ErrForeign: the file is no store of this version of the program.
	ErrForeign = errors.New("the file is not a store of this version")
	// ErrDamaged: the file is a store, but cut off or otherwise destroyed. All
	// methods of a Store may return it as well.
	ErrDamaged = errors.New("the store file is damaged")
)

// openFile opens a file that is a store or, with create, becomes one.
func openFile(path string, wait time.Duration, create bool) (*bbolt.DB, *os.File, error) {
	for {
		fresh, err := examine(path, wait, create)
		if err != nil {
			return nil, nil, err
		}
		db, file, err := lock(path, wait, false)
		if err != nil {
			return nil, nil, explain(err)
		}
		// While we waited for the lock, Compact may have put another file in
		// the place of the one that we hold now.
		if same(file, path) {
			if err := prepare(db, file, fresh); err != nil {
				return nil, nil, errors.Join(err, db.Close())
			}
			return db, file, nil
		}
		if err := db.Close(); err != nil {
			return nil, nil, err
		}
	}
}

// examine looks at the file without changing it, which bbolt may do as soon as
// it opens a file for writing. It reports whether there is nothing in it yet.
func examine(path string, wait time.Duration, create bool) (fresh bool, err error) {
	info, err := os.Stat(path)
	switch {
	case create && errors.Is(err, fs.ErrNotExist):
		return true, nil
	case err != nil:
		return false, err
	case !info.Mode().IsRegular():
		return false, fmt.Errorf("%w: it is not a regular file", ErrForeign)
	case info.Mode().Perm()&0o077 != 0 && runtime.GOOS != "windows":
		return false, fmt.Errorf("%w: mode is %04o, want 0600: run chmod 600 on it", ErrExposed, info.Mode().Perm())
	case info.Size() == 0:
		return true, nil
	}
	db, file, err := lock(path, wait, true)
	if err != nil {
		return false, explain(err)
	}
	fresh, err = inspect(db, file)
	return fresh, errors.Join(err, db.Close())
}

// lock opens the file and locks it for all other processes, or, to read only,
// for those that write. A file whose list of free pages is destroyed stays
// locked until the process ends: bbolt panics then, and nothing can unmap it.
func lock(path string, wait time.Duration, readOnly bool) (db *bbolt.DB, file *os.File, err error) {
	err = guarded(func() (err error) {
		db, err = bbolt.Open(path, 0o600, &bbolt.Options{
			Timeout:      wait,
			ReadOnly:     readOnly,
			FreelistType: bbolt.FreelistMapType,
			NoStatistics: true,
			OpenFile: func(name string, flag int, mode os.FileMode) (*os.File, error) {
				file, err = os.OpenFile(name, flag, mode)
				return file, err
			},
		})
		return err
	})
	return db, file, err
}

// inspect tells a store from other files, and a whole one from a part of one.
func inspect(db *bbolt.DB, file *os.File) (fresh bool, err error) {
	info, err := file.Stat()
	if err != nil {
		return false, err
	}
	err = db.View(func(tx *bbolt.Tx) error {
		return guarded(func() error {
			if tx.Size() > info.Size() {
				return fmt.Errorf("%w: it has %d bytes, want at least %d: restore it from a copy", ErrDamaged, info.Size(), tx.Size())
			}
			meta := tx.Bucket(metaBucket)
			if meta == nil {
				first, _ := tx.Cursor().First()
				if fresh = first == nil; !fresh {
					return fmt.Errorf("%w: it is a bbolt file of another program: name another file", ErrForeign)
				}
				return nil
			}
			if got := meta.Get(formatKey); !bytes.Equal(got, format) {
				return fmt.Errorf("%w: its format is %.20q, want %q: use the version of the program that wrote it", ErrForeign, got, format)
			}
			return nil
		})
	})
	return fresh, err
}

// prepare makes a store of a file that has nothing in it, durably.
func prepare(db *bbolt.DB, file *os.File, created bool) error {
	fresh, err := inspect(db, file) // once more, now that nobody else can change it
	if err != nil {
		return err
	}
	if fresh {
		err = db.Update(func(tx *bbolt.Tx) error {
			meta, err := tx.CreateBucket(metaBucket)
			if err != nil {
				return err
			}
			if _, err := tx.CreateBucket(dueBucket); err != nil {
				return err
			}
			return meta.Put(formatKey, format)
		})
	}
	if err != nil || !created {
		return err
	}
	return syncDir(file.Name())
}

// explain says what bbolt's errors mean for a person.
func explain(err error) error {
	switch {
	case errors.Is(err, berrors.ErrTimeout):
		return fmt.Errorf("%w by another process, which must be stopped first; processes can share a Redis or PostgreSQL store", ErrInUse)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: create the directory first", err)
	case errors.Is(err, berrors.ErrChecksum):
		return fmt.Errorf("%w: restore it from a copy", ErrDamaged)
	case errors.Is(err, ErrDamaged):
		return err
	}
	if _, ok := errors.AsType[syscall.Errno](err); ok {
		return err
	}
	return fmt.Errorf("%w (%w): name another file", ErrForeign, err)
}

func same(file *os.File, path string) bool {
	held, err := file.Stat()
	if err != nil {
		return false
	}
	named, err := os.Stat(path)
	return err == nil && os.SameFile(held, named)
}

// syncDir makes a new name of a file survive a crash of the machine.
func syncDir(path string) error {
	if runtime.GOOS == "windows" {
		return nil // has no such call
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// whole reports whether the pages are there that every transaction begins with. A
// file can be cut off while it is mapped, and what is missing then faults: bbolt reads
// these before anything could guard that, and would keep its locks for ever.
func (s *Store) whole() error {
	info, err := s.file.Stat()
	switch {
	case errors.Is(err, fs.ErrClosed):
		return store.ErrClosed
	case err != nil:
		return err
	case info.Size() < s.head:
		return fmt.Errorf("%w: it has %d bytes, want at least %d: restore it from a copy", ErrDamaged, info.Size(), s.head)
	}
	return nil
}

// guarded turns into ErrDamaged what happens when a page of the file cannot be
// read (a fault, since the file is mapped into memory) or makes no sense
// (bbolt panics). One bad page then fails those who need it, not the program.
func guarded(fn func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v: restore it from a copy", ErrDamaged, p)
		}
	}()
	return fn()
}
