//go:build linux

package main

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// lane is a target with its connections.
type lane struct {
	target
	workers []worker
	sum     result
	took    []time.Duration // of paced
}

// worker asks on one connection.
type worker interface {
	once() error
}

func (j job) lane(t target) (*lane, error) {
	l := &lane{target: t}
	for range j.Connections {
		var w worker = &visitor{browser: new(browser), target: t}
		if j.Kind != "login" {
			c, err := dial(t.Address)
			if err != nil {
				return nil, err
			}
			w = &reader{c, get(t.Path, t.Address, t.Header), t.Want}
		}
		l.workers = append(l.workers, w)
	}
	return l, nil
}

// result is the sum of all turns.
func (l *lane) result() result {
	slices.Sort(l.took)
	if n := len(l.took); n > 0 {
		l.sum.P50, l.sum.P99 = l.took[n/2], l.took[n*99/100]
	}
	return l.sum
}

func (l *lane) forget() { l.sum, l.took = result{}, nil }

// turn works for a while, and ends when all that was asked is answered.
func (l *lane) turn(j job) error {
	var wg sync.WaitGroup
	var begun, done atomic.Int64
	errs := make([]error, len(l.workers))
	paced := make([][]time.Duration, len(l.workers))
	before, began := processorTime(l.Pids), now()
	for i, w := range l.workers {
		wg.Go(func() {
			if j.Kind == "paced" {
				paced[i], errs[i] = j.pace(i, w, began)
				done.Add(int64(len(paced[i])))
				return
			}
			for errs[i] == nil && (l.Count == 0 && now() < began+j.Turn || begun.Add(1) <= int64(l.Count)) {
				if errs[i] = w.once(); errs[i] == nil {
					done.Add(1)
				}
			}
		})
	}
	wg.Wait()
	l.sum.Took += now() - began
	l.sum.CPU += processorTime(l.Pids) - before
	l.sum.Requests += int(done.Load())
	for _, took := range paced {
		l.took = append(l.took, took...)
	}
	return errors.Join(errs...)
}

// pace asks at fixed times, whether or not earlier answers came late, and
// measures from the time at which a request was due.
func (j job) pace(i int, w worker, began time.Duration) (took []time.Duration, err error) {
	every := time.Second * time.Duration(j.Connections) / time.Duration(j.Rate)
	for due := began + every*time.Duration(i)/time.Duration(j.Connections); due < began+j.Turn; due += every {
		since := due
		if wait := due - now(); wait > 0 {
			// Not time.Sleep, which is rounded to milliseconds when nothing else goes on.
			_ = syscall.Nanosleep(new(syscall.NsecToTimespec(int64(wait))), nil)
			since = now() // that we were woken late is not the server's fault
		}
		if err := w.once(); err != nil {
			return nil, err
		}
		took = append(took, now()-since)
	}
	return took, nil
}

var start = time.Now()

// now is the time since the process has started.
func now() time.Duration { return time.Since(start) }
