package replicas_test

import (
	"bytes"
	"io"
	"net"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// relay stands between one replica and the store's server.
type relay struct {
	listener net.Listener
	server   string
	pumps    sync.WaitGroup

	mu    sync.Mutex
	cond  sync.Cond
	mode  mode
	conns map[*link]struct{}
}

// mode is what a relay does to the connections that it passes on.
type mode int

const (
	passing       mode = iota
	stallAll           // nothing gets through, and nobody is told
	stallFollower      // only the connection that hears of sessions that end
	dropFollower       // it is cut, again and again
	loseEnds           // it hears of other sessions than those that end
)

// link is one connection of the replica, and the one to the server.
type link struct {
	sides    [2]net.Conn
	follower bool
}

func newRelay(t testing.TB, server string) *relay {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{listener: ln, server: server, conns: map[*link]struct{}{}}
	r.cond.L = &r.mu
	r.pumps.Go(r.accept)
	t.Cleanup(func() {
		ln.Close()
		r.set(passing)
		r.cut(func(*link) bool { return true })
		r.pumps.Wait()
	})
	return r
}

// in returns the URL of a store with the relay in the server's place.
func (r *relay) in(url string) string {
	return strings.Replace(url, r.server, r.listener.Addr().String(), 1)
}

func (r *relay) accept() {
	for {
		replica, err := r.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", r.server)
		if err != nil {
			replica.Close()
			continue
		}
		l := &link{sides: [2]net.Conn{replica, server}}
		r.mu.Lock()
		r.conns[l] = struct{}{}
		r.mu.Unlock()
		r.pumps.Go(func() { r.pump(l, 0) })
		r.pumps.Go(func() { r.pump(l, 1) })
	}
}

func (r *relay) set(m mode) {
	r.mu.Lock()
	r.mode = m
	r.cond.Broadcast()
	r.mu.Unlock()
	if m == dropFollower {
		r.cut(func(l *link) bool { return l.follower })
	}
}

func (r *relay) cut(which func(*link) bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for l := range r.conns {
		if which(l) {
			l.sides[0].Close()
			l.sides[1].Close()
		}
	}
}

// pump passes on what one side says.
func (r *relay) pump(l *link, from int) {
	defer func() {
		l.sides[0].Close()
		l.sides[1].Close()
		r.mu.Lock()
		delete(r.conns, l)
		r.mu.Unlock()
	}()
	for buf := make([]byte, 64<<10); ; {
		n, err := l.sides[from].Read(buf)
		if n > 0 {
			err = r.pass(l, from, buf[:n])
		}
		if err != nil {
			return
		}
	}
}

// ends are what a server says of a session that has ended, in Redis and in PostgreSQL.
var ends = regexp.MustCompile("session[: ][0-9a-f]{64}")

func (r *relay) pass(l *link, from int, said []byte) error {
	r.mu.Lock()
	if from == 0 && (bytes.Contains(said, []byte("TRACKING")) || bytes.Contains(said, []byte("LISTEN"))) {
		l.follower = true
	}
	for r.mode == stallAll || r.mode == stallFollower && l.follower {
		r.cond.Wait()
	}
	m := r.mode
	follower := l.follower
	r.mu.Unlock()
	if m == dropFollower && follower {
		return io.EOF
	}
	if m == loseEnds && follower && from == 1 {
		said = ends.ReplaceAllFunc(said, func(b []byte) []byte {
			slices.Reverse(b[len("session "):])
			return b
		})
	}
	_, err := l.sides[1-from].Write(said)
	return err
}
