package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"

	"github.com/wayleave/wayleave/internal/serving"
)

// listenAdmin opens the demo's admin socket, which only this user can use.
func listenAdmin(address string) (net.Listener, error) {
	path, ok := strings.CutPrefix(address, "unix:")
	if !ok || path == "" {
		return nil, fmt.Errorf("--admin %s: give unix: and a path, such as unix:/run/wayleave/admin.sock", address)
	}
	ln, err := serving.ListenUnix(path, 0o600)
	if err != nil {
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
	return errors.Join(l.Listener.Close(), os.Remove(l.path))
}
