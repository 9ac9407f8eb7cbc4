package serving

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// server is an http.Server that can be ended without its clients noticing.
type server struct {
	http     *http.Server
	handler  http.Handler
	listener net.Listener
	cancel   context.CancelFunc // of the context that all requests have

	lastAnswers atomic.Bool   // each answer is its connection's last one
	requests    atomic.Int64  // that a handler works on, hijacked ones too
	connections sync.Map      // net.Conn to *atomic.Int32, its http.ConnState; no hijacked ones
	stop        sync.Once     // accepting
	stopped     chan struct{} // closed when no connection is accepted any more
}

func (p *process) serve(e Endpoint, h http.Handler, broken chan<- error) (*server, error) {
	ln, err := p.sockets.listener(e)
	if err != nil {
		return nil, err
	}
	base, cancel := context.WithCancel(context.Background())
	s := &server{handler: h, listener: ln, cancel: cancel, stopped: make(chan struct{})}
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(e.TLS != nil)
	protocols.SetUnencryptedHTTP2(e.TLS == nil && e.H2C)
	s.http = &http.Server{
		Handler:           s,
		Protocols:         &protocols,
		MaxHeaderBytes:    cmp.Or(e.Header, 32<<10),
		ReadHeaderTimeout: cmp.Or(e.HeaderTime, 10*time.Second),
		IdleTimeout:       cmp.Or(e.Idle, 2*time.Minute),
		ConnState:         s.note,
		// "OPTIONS *" is the handler's to refuse, as other requests are.
		DisableGeneralOptionsHandler: true,
		BaseContext:                  func(net.Listener) context.Context { return base },
		ErrorLog:                     log.New(complaints{p.log.With("listener", e.Name)}, "", 0),
	}
	address := ln.Addr().String()
	if e.Network == "unix" { // the socket was made elsewhere, and moved
		address = e.Address
	}
	p.log.Info("listening", "listener", e.Name, "address", address, "tls", e.TLS != nil)
	go func() {
		err := s.run(e.TLS)
		close(s.stopped)
		// Closing the listener, as stopAccepting does, is no error.
		if !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
			broken <- fmt.Errorf("listener %s: %w", e.Name, err)
		}
	}()
	return s, nil
}

// complaints are what net/http has to say: mostly about peers, which is no matter
// of ours, but a panic of a handler is.
type complaints struct{ log *slog.Logger }

func (c complaints) Write(b []byte) (int, error) {
	level := slog.LevelDebug
	if bytes.Contains(b, []byte(": panic serving ")) {
		level = slog.LevelError
	}
	c.log.Log(context.Background(), level, string(bytes.TrimSpace(b)))
	return len(b), nil
}

func (s *server) run(certificates *Certificates) error {
	if certificates == nil {
		return s.http.Serve(s.listener)
	}
	s.http.TLSConfig = certificates.Config()
	return s.http.ServeTLS(s.listener, "", "")
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.requests.Add(1)
	defer s.requests.Add(-1)
	// An upgrade has its own Connection header. HTTP/2 makes a GOAWAY of ours.
	if s.lastAnswers.Load() && r.Header["Upgrade"] == nil {
		w.Header().Set("Connection", "close")
	}
	s.handler.ServeHTTP(w, r)
}

// note is called twice for each request, so it costs a look-up and no lock.
func (s *server) note(conn net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		s.connections.Store(conn, new(atomic.Int32)) // StateNew is 0
	case http.StateClosed, http.StateHijacked:
		s.connections.Delete(conn)
	default:
		if is, ok := s.connections.Load(conn); ok {
			is.(*atomic.Int32).Store(int32(state))
		}
	}
}

// in lists the connections that are in one of the states.
func (s *server) in(states ...http.ConnState) (conns []net.Conn) {
	s.connections.Range(func(conn, is any) bool {
		if slices.Contains(states, http.ConnState(is.(*atomic.Int32).Load())) {
			conns = append(conns, conn.(net.Conn))
		}
		return true
	})
	return conns
}

func (s *server) unconnected() bool {
	return len(s.in(http.StateNew, http.StateActive, http.StateIdle)) == 0
}

// stopAccepting leaves connections that come from now on to whoever else has
// the socket; those that have come stay.
func (s *server) stopAccepting() {
	s.stop.Do(func() { s.listener.Close() })
	<-s.stopped
}

// silence is how long a connection that has not sent a request may take for it
// after the last one was accepted. Browsers open some that they never use.
const silence = 500 * time.Millisecond

// finish waits until the requests under way have ended, and cuts off those that
// still run when limit ends. It comes after stopAccepting.
//
// Shutdown of http.Server alone would lose requests: from its beginning on, what
// is read from a connection is dropped without an answer. So all connections
// have to be idle or gone before.
func (s *server) finish(limit context.Context) {
	patience := time.AfterFunc(silence, func() {
		for _, conn := range s.in(http.StateNew) {
			conn.Close()
		}
	})
	defer patience.Stop()
	// Handlers that serve a hijacked connection do not return before its end.
	waitUntil(limit, func() bool {
		return len(s.in(http.StateNew, http.StateActive)) == 0 && s.requests.Load() == 0
	})
	s.http.Shutdown(limit)
	s.cancel()
	s.http.Close()
	// A moment for handlers that were cut off: what they use is closed next.
	moment, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	waitUntil(moment, func() bool { return s.requests.Load() == 0 })
}
