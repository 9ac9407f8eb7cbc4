package keyfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// maxSize is far beyond any ring, and keeps a wrong path from filling memory.
const maxSize = 64 << 10

// header is the beginning of each file that [New] makes.
const header = `# Keys of wayleave: the first one seals, all of them open what was sealed.
# Keep them secret and keep a copy: without them, all that was sealed is lost.
# Change this file with: wayleave keys rotate, wayleave keys drop
` + versionWord + "\n"

// Read reads a key file. One that others than its owner can read is refused,
// unless root lets a service that is not root read it through its group, with
// mode 0440 or 0640: so mount Kubernetes and systemd what they keep.
// Mistakes are *Error, all of them joined; what the system refuses is as os
// reports it.
func Read(path string) (*File, error) {
	f, _, err := read(path)
	return f, err
}

func read(path string) (*File, fs.FileInfo, error) {
	// Before opening it, which waits for ever where nobody writes to a pipe.
	if info, err := os.Stat(path); err != nil {
		return nil, nil, fmt.Errorf("key file: %w", err)
	} else if !info.Mode().IsRegular() {
		return nil, nil, &Error{File: path, Reason: "is not a regular file"}
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, nil, fmt.Errorf("key file: %w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, nil, fmt.Errorf("key file: %w", err)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 && !handed(info) && runtime.GOOS != "windows" {
		return nil, nil, &Error{File: path, Reason: fmt.Sprintf(
			"others can read or change it (mode %04o, want 0600): run chmod 600 on it, and rotate the keys if it was so for long", mode)}
	}
	text, err := io.ReadAll(io.LimitReader(file, maxSize+1))
	if err != nil {
		return nil, nil, fmt.Errorf("key file: %w", err)
	}
	if len(text) > maxSize {
		return nil, nil, &Error{File: path, Reason: fmt.Sprintf("has more than %d bytes: this is no key file", maxSize)}
	}
	f, err := parse(path, string(text))
	return f, info, err
}

// New makes a file of one random key, which seals from now on. A file that is
// there already is never overwritten.
func New(path string, now time.Time) (Entry, error) {
	next, err := begin(path)
	if err != nil {
		return Entry{}, err
	}
	defer next.abandon()
	if _, err := os.Lstat(path); err == nil {
		return Entry{}, &Error{File: path, Reason: "is there already and stays as it is; wayleave keys rotate adds a key to it"}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return Entry{}, fmt.Errorf("key file: %w", err)
	}
	f := &File{path: path}
	for text := range strings.Lines(header) {
		f.lines = append(f.lines, line{text: strings.TrimSuffix(text, "\n")})
	}
	first := f.Add(now)
	if err := f.Promote(first.ID, now); err != nil {
		return Entry{}, err
	}
	return f.Entries()[0], next.commit(f.text(), nil)
}

// Update reads the file, lets change work on it, and replaces it in one step: a
// reader sees the old file or the new one, also after a crash. When change
// fails, nothing happens. Updates of one file keep each other out.
func Update(path string, change func(*File) error) error {
	// A name that is a link stays one.
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return fmt.Errorf("key file: %w", err)
	}
	next, err := begin(path)
	if err != nil {
		return err
	}
	defer next.abandon()
	f, was, err := read(path)
	if err != nil {
		return err
	}
	if err := change(f); err != nil {
		return err
	}
	return next.commit(f.text(), was)
}

// successor is the file that takes the place of another. Its name is always the
// same, so that there can be only one at a time.
type successor struct {
	*os.File
	path string // of the other
	done bool
}

func begin(path string) (*successor, error) {
	name := path + ".new"
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, &Error{File: path, Reason: fmt.Sprintf(
			"%s is there: another command changes the keys, or one was interrupted; if none runs, remove that file and try again", name)}
	}
	if err != nil {
		return nil, fmt.Errorf("key file: %w", err)
	}
	return &successor{File: file, path: path}, nil
}

// commit writes the text and gives the file its name, and the owner of the one
// before: a file that root rotates must stay readable for the service.
func (s *successor) commit(text string, was fs.FileInfo) error {
	_, err := s.WriteString(text)
	if err == nil && was != nil {
		err = chownLike(s.File, was)
	}
	if err == nil {
		err = s.Sync()
	}
	if err = errors.Join(err, s.Close()); err == nil {
		err = os.Rename(s.Name(), s.path)
	}
	if err != nil {
		return fmt.Errorf("key file: %w", err)
	}
	s.done = true
	if err := syncDir(s.path); err != nil {
		return fmt.Errorf("key file: %w", err)
	}
	return nil
}

func (s *successor) abandon() {
	if !s.done {
		s.Close()
		os.Remove(s.Name())
	}
}

// syncDir makes the new name survive a crash of the machine.
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
