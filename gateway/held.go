package gateway

import (
	"io"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/wayleave/wayleave/store"
)

// held are the connections that stay open: WebSockets and event streams. Each
// lives no longer than the session that it was opened with, and none longer than
// its gateway.
type held struct {
	metrics *Metrics

	mu       sync.Mutex
	sessions map[store.Key]*holding // under the zero key, those of nobody
	running  bool
	closed   bool
	stop     chan struct{}
}

// holding are the connections of one session.
type holding struct {
	site *site
	// asks is a request with the session's cookie, to look the session up again.
	// Nil: nobody is signed in, and nothing is to be asked.
	asks    *http.Request
	expires time.Time
	ends    map[*func()]struct{}
	// silent is since when the store cannot say.
	silent time.Time
}

const (
	// lookEvery is how often sessions are looked at: half of the second in which
	// a connection ends after its session.
	lookEvery = 400 * time.Millisecond
	// maxSilent is how long connections stay while the store cannot say.
	maxSilent = 30 * time.Second
)

func newHeld(m *Metrics) *held {
	return &held{metrics: m, sessions: map[store.Key]*holding{}, stop: make(chan struct{})}
}

// add registers a connection and returns what takes it away again. end has to be
// quick, and may be called more than once.
func (h *held) add(v *visit, end func()) (remove func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		end()
		return func() {}
	}
	var key store.Key
	if v.session != nil {
		key = v.session.Key()
	}
	s := h.sessions[key]
	if s == nil {
		s = &holding{site: v.site, ends: map[*func()]struct{}{}}
		if v.session != nil {
			s.asks = &http.Request{Header: http.Header{"Cookie": v.r.Header["Cookie"]}}
			s.expires = v.session.Expires
		}
		h.sessions[key] = s
	}
	s.ends[&end] = struct{}{}
	h.metrics.held.Inc()
	if !h.running {
		h.running = true
		go h.look()
	}
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if _, ok := s.ends[&end]; !ok {
			return
		}
		delete(s.ends, &end)
		h.metrics.held.Dec()
		if len(s.ends) == 0 && h.sessions[key] == s {
			delete(h.sessions, key)
		}
	}
}

// look goes on while there are connections.
func (h *held) look() {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-h.stop:
			return
		case <-tick.C:
		}
		h.mu.Lock()
		if len(h.sessions) == 0 {
			h.running = false
			h.mu.Unlock()
			return
		}
		all := slices.Collect(maps.Values(h.sessions))
		h.mu.Unlock()
		h.lookAt(all)
	}
}

// lookAt asks several at once: a store that hangs would hold up all others.
func (h *held) lookAt(all []*holding) {
	var asking sync.WaitGroup
	next := make(chan *holding)
	for range min(len(all), 32) {
		asking.Go(func() {
			for s := range next {
				if !s.lives(time.Now()) {
					h.end(s)
				}
			}
		})
	}
	for _, s := range all {
		next <- s
	}
	close(next)
	asking.Wait()
}

// lives is called by one goroutine at a time.
func (s *holding) lives(now time.Time) bool {
	switch {
	case s.asks == nil:
		return true
	case !now.Before(s.expires):
		return false
	}
	lives, err := s.site.auth.StillSignedIn(s.asks)
	switch {
	case err == nil:
		s.silent = time.Time{}
		return lives
	case s.silent.IsZero():
		s.silent = now
		s.site.g.o.Logger.Warn("the store cannot say whether the session of open connections lives", "error", err)
	}
	return now.Sub(s.silent) < maxSilent
}

func (h *held) end(s *holding) {
	h.mu.Lock()
	ends := make([]func(), 0, len(s.ends))
	for end := range s.ends {
		ends = append(ends, *end)
	}
	h.mu.Unlock()
	for _, end := range ends {
		end()
	}
}

// close ends every connection, and those that come later.
func (h *held) close() {
	h.mu.Lock()
	if !h.closed {
		h.closed = true
		close(h.stop)
	}
	all := slices.Collect(maps.Values(h.sessions))
	h.mu.Unlock()
	for _, s := range all {
		h.end(s)
	}
}

// body makes the body of an event stream end with its session.
func (h *held) body(v *visit, b io.ReadCloser) io.ReadCloser {
	stream := &heldBody{ReadCloser: b}
	stream.remove = h.add(v, func() { b.Close() })
	return stream
}

type heldBody struct {
	io.ReadCloser
	remove func()
}

func (b *heldBody) Close() error {
	b.remove()
	return b.ReadCloser.Close()
}
