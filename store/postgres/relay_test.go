package postgres_test

import (
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
)

// relay stands between a store and its server, and can cut the wire at the
// worst moment.
type relay struct {
	address string
	armed   atomic.Bool
	mu      sync.Mutex
	open    []net.Conn
	refuse  bool
}

// newRelay returns a relay to the server of a URL, and the URL through it.
func newRelay(t testing.TB, address string) (*relay, string) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{address: u.Host}
	var tasks sync.WaitGroup
	tasks.Go(func() {
		for {
			client, err := ln.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", r.address)
			if err != nil || !r.keep(client, server) {
				client.Close()
				continue
			}
			tasks.Go(func() { r.pass(server, client, false) })
			tasks.Go(func() { r.pass(client, server, true) })
		}
	})
	t.Cleanup(func() {
		ln.Close()
		r.cut(true)
		tasks.Wait()
	})
	u.Host = ln.Addr().String()
	return r, u.String()
}

// loseAnswer cuts the wire in place of the next thing that the server says.
func (r *relay) loseAnswer() { r.armed.Store(true) }

func (r *relay) keep(conns ...net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.open = append(r.open, conns...)
	return !r.refuse
}

// cut cuts all wires, and refuses new ones if it is for ever.
func (r *relay) cut(forEver bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.open {
		c.Close()
	}
	r.open, r.refuse = nil, forEver
}

func (r *relay) pass(to, from net.Conn, answers bool) {
	defer to.Close()
	defer from.Close()
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil || answers && r.armed.CompareAndSwap(true, false) {
			return
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}
