package gateway_test

import (
	"sync/atomic"
	"testing"
	"time"
)

// stalls measures the time in which this process did not get to run. On a machine
// that others share it can be seconds at once, and what has to happen within a
// second is not late because nothing happened at all.
type stalls struct{ total, most atomic.Int64 }

const (
	beat  = 10 * time.Millisecond
	stall = 50 * time.Millisecond // shorter ones are the scheduler's business
)

func watchStalls(t testing.TB) *stalls {
	s, stop := new(stalls), make(chan struct{})
	t.Cleanup(func() { close(stop) })
	go func() {
		for last := time.Now(); ; last = time.Now() {
			select {
			case <-stop:
				return
			case <-time.After(beat): // it is the clock that is watched
			}
			if lost := time.Since(last) - beat; lost > stall {
				s.total.Add(int64(lost))
				s.most.Store(max(s.most.Load(), int64(lost)))
			}
		}
	}()
	return s
}

// lost is the sum since the beginning.
func (s *stalls) lost() time.Duration { return time.Duration(s.total.Load()) }

// longest is the longest one.
func (s *stalls) longest() time.Duration { return time.Duration(s.most.Load()) }
