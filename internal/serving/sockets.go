package serving

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
)

// sockets are those that the process listens on. They stay open from the start
// to the end, so that connections wait while nobody accepts them.
type sockets struct{ held []*socket }

type socket struct {
	network, address string
	// spare is a handle besides those of the servers; nil on systems where a
	// listener has none, and then listener is the only one.
	spare    *os.File
	listener net.Listener
	used     bool
	made     bool // by us, and not passed to us
}

func (s *sockets) find(e Endpoint) *socket {
	i := slices.IndexFunc(s.held, func(h *socket) bool { return h.network == e.Network && h.address == e.Address })
	if i < 0 {
		return nil
	}
	return s.held[i]
}

// listen takes the socket that was passed to us for this address, or makes one.
func (s *sockets) listen(e Endpoint) error {
	if h := s.find(e); h != nil {
		if h.used {
			return fmt.Errorf("two listeners have the address %s", e.Address)
		}
		h.used = true
		return nil
	}
	ln, err := s.fresh(e)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", e.Address, err)
	}
	h := &socket{network: e.Network, address: e.Address, listener: ln, used: true, made: true}
	if h.spare, err = duplicate(ln); err != nil {
		return fmt.Errorf("listen on %s: %w", e.Address, errors.Join(err, ln.Close()))
	}
	if h.spare != nil {
		ln.Close()
		h.listener = nil
	}
	s.held = append(s.held, h)
	return nil
}

func (s *sockets) fresh(e Endpoint) (net.Listener, error) {
	switch e.Network {
	case "tcp":
		ln, err := net.Listen("tcp", e.Address)
		if errors.Is(err, syscall.EADDRINUSE) {
			return nil, fmt.Errorf("%w: stop the other program, or choose another address", err)
		}
		return ln, err
	case "unix":
		return ListenUnix(e.Address, cmp.Or(e.Mode, 0o660))
	case "systemd":
		return nil, fmt.Errorf("no socket of that name was passed to us, only %s: set FileDescriptorName in the socket unit, and start that", s.passed())
	}
	return nil, fmt.Errorf("unknown network %q: want tcp, unix or systemd", e.Network)
}

func (s *sockets) passed() string {
	var names []string
	for _, h := range s.held {
		if h.network == "systemd" {
			names = append(names, h.address)
		}
	}
	return cmp.Or(strings.Join(names, ", "), "none")
}

// listener is a new handle to the socket for a server, which closes it.
func (s *sockets) listener(e Endpoint) (net.Listener, error) {
	h := s.find(e)
	if h.spare == nil {
		return h.listener, nil
	}
	ln, err := net.FileListener(h.spare)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", e.Address, err)
	}
	return ln, nil
}

// drop closes what was passed to us and is not used, but what the service
// manager holds as well: a later configuration may use that.
func (s *sockets) drop() {
	s.held = slices.DeleteFunc(s.held, func(h *socket) bool {
		unused := !h.used && h.network != "systemd"
		if unused {
			h.close()
			h.remove()
		}
		return unused
	})
}

// leave leaves all of them to a successor.
func (s *sockets) leave() {
	s.close(false)
	s.held = nil
}

func (s *sockets) close(removeMade bool) {
	for _, h := range s.held {
		h.close()
		if h.made && removeMade {
			h.remove()
		}
	}
}

// remove removes the unix sockets that are ours. It is for the last process of
// a row, since a successor uses the same ones.
func (s *sockets) remove() {
	for _, h := range s.held {
		h.remove()
	}
}

func (h *socket) close() {
	if h.spare != nil {
		h.spare.Close()
	}
	if h.listener != nil {
		h.listener.Close()
	}
}

// refuse gives up our handle, so that with the server's one the socket itself is
// closed. Those of the service manager stay: it starts the next process for who
// connects.
func (h *socket) refuse() {
	if h.spare != nil && h.network != "systemd" {
		h.spare.Close()
	}
}

func (h *socket) remove() {
	if h.network == "unix" {
		os.Remove(h.address)
	}
}
