//go:build !unix

package serving

import (
	"context"
	"errors"
	"net"
	"os"
)

// successor is none: sockets cannot be passed on here.
type successor struct{}

func start(string, *sockets) (*successor, error) {
	return nil, errors.New("a restart without interruption is not possible on this system")
}

func (*successor) await(context.Context, string) (message, error) { return message{}, nil }
func (*successor) proceed(context.Context) error                  { return nil }
func (*successor) kill()                                          {}
func (*successor) pid() int                                       { return 0 }

// duplicate has nothing to give: a listener has one handle.
func duplicate(net.Listener) (*os.File, error) { return nil, nil }

func closeOnExec(int) {}
