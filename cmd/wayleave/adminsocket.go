package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
	"time"
)

// listenAdmin opens the admin socket, which only this user can use. One that a
// process left behind when it ended is replaced; one that somebody listens on
// is not.
func listenAdmin(address string) (net.Listener, error) {
	path, ok := strings.CutPrefix(address, "unix:")
	if !ok || path == "" {
		return nil, fmt.Errorf("--admin %s: give unix: and a path, such as unix:/run/wayleave/admin.sock", address)
	}
	if err := removeStale(path); err != nil {
		return nil, err
	}
	// The socket is made where nobody else looks and then moved, so that there
	// is no moment at which others could connect.
	dir, err := os.MkdirTemp(dirOf(path), ".wayleave-")
	if err != nil {
		return nil, fmt.Errorf("admin socket: %w", err)
	}
	defer os.Remove(dir)
	made := dir + "/s"
	ln, err := net.Listen("unix", made)
	if err != nil {
		return nil, fmt.Errorf("admin socket: %w", err)
	}
	ln.(*net.UnixListener).SetUnlinkOnClose(false) // it has another name by then
	if err := errors.Join(os.Chmod(made, 0o600), os.Rename(made, path)); err != nil {
		ln.Close()
		os.Remove(made)
		return nil, fmt.Errorf("admin socket: %w", err)
	}
	return &namedListener{ln, path}, nil
}

// namedListener removes its socket when it is closed.
type namedListener struct {
	net.Listener
	path string
}

func (l *namedListener) Close() error {
	return errors.Join(l.Listener.Close(), ignoreMissing(os.Remove(l.path)))
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func removeStale(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("admin socket: %w", err)
	case info.Mode()&fs.ModeSocket == 0:
		return fmt.Errorf("admin socket: there is a file at %s that is no socket", path)
	}
	if conn, err := net.DialTimeout("unix", path, time.Second); err == nil {
		conn.Close()
		return fmt.Errorf("admin socket: another process listens on %s", path)
	}
	return ignoreMissing(os.Remove(path))
}

func dirOf(path string) string {
	if i := strings.LastIndexByte(path, '/'); i > 0 {
		return path[:i]
	} else if i == 0 {
		return "/"
	}
	return "."
}
