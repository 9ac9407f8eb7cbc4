package interop_test

import (
	"io"
	"net"
	"strconv"
	"sync"
	"testing"

	"github.com/wayleave/wayleave/test/oidcprovider"
)

// relay passes connections on to a provider while it is open. Closed, it
// refuses them, as a provider does that is down.
type relay struct {
	t    *testing.T
	addr string

	mu    sync.Mutex
	ln    net.Listener
	conns []net.Conn
}

func newRelay(t *testing.T) *relay {
	r := &relay{t: t, addr: net.JoinHostPort("127.0.0.1", strconv.Itoa(oidcprovider.FixedPort(t)))}
	t.Cleanup(r.close)
	return r
}

func (r *relay) url() string { return "http://" + r.addr }

func (r *relay) open(port int) {
	r.t.Helper()
	ln, err := net.Listen("tcp", r.addr)
	if err != nil {
		r.t.Fatal(err)
	}
	r.mu.Lock()
	r.ln = ln
	r.mu.Unlock()
	go func() {
		for {
			in, err := ln.Accept()
			if err != nil {
				return // closed
			}
			out, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
			if err != nil {
				in.Close()
				continue
			}
			r.mu.Lock()
			r.conns = append(r.conns, in, out)
			r.mu.Unlock()
			go pipe(in, out)
			go pipe(out, in)
		}
	}()
}

// pipe ends both connections when one side has ended.
func pipe(to, from net.Conn) {
	io.Copy(to, from)
	to.Close()
	from.Close()
}

func (r *relay) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ln != nil {
		r.ln.Close()
	}
	for _, c := range r.conns {
		c.Close()
	}
	r.ln, r.conns = nil, nil
}
