package serving

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"
)

// ErrInterrupted is what [Run] returns when a second signal ended it at once.
var ErrInterrupted = errors.New("ended at once by a second signal")

// process is a running [Program].
type process struct {
	log     *slog.Logger
	plan    *Plan
	sockets *sockets
	signals *signals
	// predecessor is nil without one, and once it has been told that we serve.
	predecessor *predecessor
	manager     manager
	binary      string // that a successor is started from
	watched     *watched
}

// Run runs the program until ctx ends or a signal says so, and returns nil when
// all ended in good order. One call per process: it takes its signals, and what
// the service manager or a predecessor has passed to it.
func Run(ctx context.Context, program Program) (err error) {
	p := &process{log: cmp.Or(program.Log, slog.Default()), binary: ownBinary()}
	p.signals = takeSignals(ctx)
	defer p.signals.stop()
	p.sockets, p.predecessor, err = inherit()
	if err != nil {
		return err
	}
	defer func() {
		p.predecessor.failed(err)
		p.sockets.close(err != nil)
	}()
	p.manager = serviceManager(p.predecessor != nil)

	if p.plan, err = program.Prepare(p.signals.end); err != nil {
		return err
	}
	p.watched = watch(p.plan.Files) // what changes from here on is not what was prepared
	for _, e := range p.endpoints() {
		if err := p.sockets.listen(e); err != nil {
			return err
		}
	}
	if err := p.predecessor.prepared(p.signals.end, p.plan.Exclusive); err != nil {
		return err
	}
	return p.live()
}

func (p *process) endpoints() []Endpoint {
	if p.plan.Health.Network == "" {
		return p.plan.Endpoints
	}
	return append(p.plan.Endpoints[:len(p.plan.Endpoints):len(p.plan.Endpoints)], p.plan.Health)
}

// live serves until the end.
func (p *process) live() error {
	s, err := p.open()
	if err != nil {
		return err
	}
	p.manager.tell("READY=1", fmt.Sprintf("MAINPID=%d", os.Getpid()), "STATUS=serving")
	p.sockets.drop() // what the predecessor listened on and we do not
	p.predecessor.serving()
	p.predecessor = nil
	defer p.manager.keepAwake()()

	poll := time.NewTicker(time.Second)
	defer poll.Stop()
	for {
		select {
		case <-p.signals.end.Done():
			return p.end(s)
		case err := <-s.broken:
			return errors.Join(err, p.end(s))
		case <-p.signals.reload:
			p.watched.settle()
			p.reload(s, "signal")
		case <-poll.C:
			if p.watched.changed() {
				p.reload(s, "file")
			}
		case <-p.signals.restart:
			if s, err = p.restart(s); s == nil {
				return err
			}
		}
	}
}

// end drains and closes for good.
func (p *process) end(s *session) error {
	s.health.set("draining")
	s.lastAnswers()
	p.manager.tell("STOPPING=1", "STATUS=draining")
	p.log.Info("ending", "drain", p.plan.drain().String())
	err := s.close(ending{now: p.signals.now, linger: p.plan.linger(), drain: p.plan.drain(), refuse: p.refuse})
	p.sockets.remove()
	if p.signals.now.Err() == nil {
		p.log.Info("ended")
	}
	return errors.Join(err, p.signals.interrupted())
}

// refuse is for the moment from which on connections would wait for nobody.
func (p *process) refuse() {
	for _, e := range p.plan.Endpoints {
		p.sockets.find(e).refuse()
	}
}

func (p *process) reload(s *session, why string) {
	p.manager.reloading()
	defer func() { p.manager.tell("READY=1", "STATUS=serving") }()
	failed := false
	for _, e := range p.plan.Endpoints {
		if e.TLS == nil {
			continue
		}
		if err := e.TLS.Reload(); err != nil {
			failed = true
			p.log.Error("reload failed, the old certificate stays", "why", why, "listener", e.Name, "error", err)
		}
	}
	if s.service.Reload != nil {
		err := s.service.Reload(p.signals.end)
		p.watched.learn()
		if err != nil {
			failed = true
			p.log.Error("reload failed, the old configuration stays", "why", why, "error", err)
		}
	}
	if !failed {
		p.log.Info("reloaded", "why", why)
	}
}

// restart hands over to a new process. It returns the session that goes on, or
// none when the new process serves.
func (p *process) restart(s *session) (*session, error) {
	p.log.Info("restarting", "binary", p.binary)
	p.manager.tell("STATUS=restarting")
	next, err := start(p.binary, p.sockets)
	if err != nil {
		return p.goOn(s, err), nil
	}
	release := false
	answer, err := next.await(p.signals.end, "prepared")
	if err == nil {
		release = p.plan.Exclusive != "" && p.plan.Exclusive == answer.Exclusive
		if release {
			if err := s.close(ending{now: p.signals.now, linger: p.plan.linger(), drain: min(p.plan.drain(), releaseDrain), handOver: true}); err != nil {
				p.log.Error("closing for the successor", "error", err)
			}
		}
		err = next.proceed(p.signals.end)
	}
	switch {
	case err == nil:
		p.sockets.leave()
		if !release {
			s.stopAccepting()
		}
		p.log.Info("handed over", "successor", next.pid())
		if !release {
			err = s.close(ending{now: p.signals.now, linger: p.plan.linger(), drain: p.plan.drain(), handOver: true})
		}
		p.log.Info("ended")
		return nil, err
	case !release:
		next.kill()
		return p.goOn(s, err), nil
	}
	next.kill()
	if p.signals.end.Err() != nil {
		p.sockets.remove()
		return nil, p.signals.interrupted()
	}
	if s, openErr := p.open(); openErr == nil {
		return p.goOn(s, err), nil
	} else {
		return nil, fmt.Errorf("the successor failed (%w), and we cannot open again what we closed for it: %w", err, openErr)
	}
}

func (p *process) goOn(s *session, err error) *session {
	p.log.Error("restart failed, this process goes on", "error", err)
	p.manager.tell("STATUS=serving; the last restart failed")
	return s
}
