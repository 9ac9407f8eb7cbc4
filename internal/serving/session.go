package serving

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// session is the time between the opening and the closing of a [Service], with
// its servers.
type session struct {
	service *Service
	servers []*server
	health  *health
	monitor *server // nil: no health listener
	broken  chan error
}

func (p *process) open() (*session, error) {
	s := &session{health: new(health), broken: make(chan error, len(p.plan.Endpoints)+1)}
	s.health.set("starting")
	if e := p.plan.Health; e.Network != "" {
		monitor, err := p.serve(e, s.health, s.broken)
		if err != nil {
			return nil, err
		}
		s.monitor = monitor
	}
	service, err := p.plan.Open(p.signals.end)
	if err != nil {
		return nil, errors.Join(err, s.close(ending{now: p.signals.now}))
	}
	s.service = service
	// From here on who connects is served, be it a moment later.
	s.health.open(service)
	for _, e := range p.plan.Endpoints {
		h := service.Handlers[e.Name]
		if h == nil {
			err = fmt.Errorf("there is no handler for the listener %q", e.Name)
		}
		var srv *server
		if err == nil {
			srv, err = p.serve(e, h, s.broken)
		}
		if err != nil {
			return nil, errors.Join(err, s.close(ending{now: p.signals.now}))
		}
		s.servers = append(s.servers, srv)
	}
	return s, nil
}

// ending is how a session is closed.
type ending struct {
	now           context.Context // ends when there is no time at all
	linger, drain time.Duration
	handOver      bool   // a successor takes the health listener, too
	refuse        func() // nil: connections wait for who accepts them next
}

// stopAccepting leaves new connections to a successor.
func (s *session) stopAccepting() {
	for _, srv := range s.servers {
		srv.stopAccepting()
	}
	if s.monitor != nil {
		s.monitor.stopAccepting()
	}
}

// lastAnswers makes each answer from now on its connection's last one.
func (s *session) lastAnswers() {
	for _, srv := range s.servers {
		srv.lastAnswers.Store(true)
	}
}

// close ends in steps that no client notices: first each answer says that it is
// the connection's last one, while new connections are still taken; then none
// are taken, and requests under way finish; then the service is closed.
func (s *session) close(how ending) error {
	s.lastAnswers()
	linger, cancel := context.WithTimeout(how.now, how.linger)
	defer cancel()
	waitUntil(linger, func() bool {
		return !slices.ContainsFunc(s.servers, func(srv *server) bool { return !srv.unconnected() })
	})
	if how.refuse != nil {
		how.refuse()
	}
	for _, srv := range s.servers {
		srv.stopAccepting()
	}
	if s.service != nil && s.service.Drain != nil {
		s.service.Drain()
	}
	limit, cancel := context.WithTimeout(how.now, how.drain)
	defer cancel()
	var all sync.WaitGroup
	for _, srv := range s.servers {
		all.Go(func() { srv.finish(limit) })
	}
	if s.monitor != nil && how.handOver {
		s.monitor.stopAccepting()
		all.Go(func() { s.monitor.finish(limit) })
	}
	all.Wait()
	if s.monitor != nil {
		defer s.monitor.http.Close()
	}
	if s.service == nil || s.service.Close == nil || how.now.Err() != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(how.now, closing)
	defer cancel()
	return s.service.Close(ctx)
}

// waitUntil polls, because what it waits for is noted on the way of each
// request, where a note is all that it may cost.
func waitUntil(ctx context.Context, done func() bool) {
	poll := time.NewTicker(10 * time.Millisecond)
	defer poll.Stop()
	for !done() {
		select {
		case <-poll.C:
		case <-ctx.Done():
			return
		}
	}
}
