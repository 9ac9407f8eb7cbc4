package serving

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// signals are those of the process, sorted by what they ask for.
type signals struct {
	end     context.Context // done: drain and end
	now     context.Context // done: end at once
	reload  chan os.Signal
	restart chan os.Signal
	stop    func()
}

func takeSignals(ctx context.Context) *signals {
	s := &signals{reload: make(chan os.Signal, 1), restart: make(chan os.Signal, 1)}
	var end, now context.CancelFunc
	s.end, end = context.WithCancel(ctx)
	s.now, now = context.WithCancel(context.WithoutCancel(ctx))
	terminate := make(chan os.Signal, 2)
	signal.Notify(terminate, os.Interrupt, syscall.SIGTERM)
	notifyMore(s.reload, s.restart)
	stopped := make(chan struct{})
	s.stop = func() {
		signal.Stop(terminate)
		signal.Stop(s.reload)
		signal.Stop(s.restart)
		close(stopped)
		end()
		now()
	}
	go func() {
		for _, next := range []context.CancelFunc{end, now} {
			select {
			case <-terminate:
				next()
			case <-stopped:
				return
			}
		}
	}()
	return s
}

// interrupted is the error of an end without time for it.
func (s *signals) interrupted() error {
	if s.now.Err() != nil {
		return ErrInterrupted
	}
	return nil
}
