// Package storetest proves that a store keeps the contract of package store:
// call [Run] and [RunConcurrency] from its tests. For the tests of what uses a
// store, [Failing] makes any store fail on command.
//
//	func TestStore(t *testing.T) {
//		h := storetest.Harness{Open: func(t *testing.T) store.Store { … }}
//		storetest.Run(t, h)
//		storetest.RunConcurrency(t, h)
//	}
package storetest

import (
	"testing"
	"testing/synctest"

	"github.com/wayleave/wayleave/store"
)

// Harness tells the suite how to reach the store under test. Only Open is
// needed.
type Harness struct {
	// Open returns a store with room for 10,000 records. The stores of two
	// calls may share their data: the suite makes up new keys each time. The
	// suite closes what it opened. Open is called from several goroutines.
	Open func(t *testing.T) store.Store

	// Again opens one more store on the data of s: while s is in use, or,
	// if s says SingleProcess, after s was closed. Nil is for a store whose
	// data ends with it; then nothing is said of replicas and restarts.
	Again func(t *testing.T, s store.Store) store.Store

	// Bubble is for a store that takes the time from package time and waits
	// for no other process. Each case then runs in a bubble of
	// [testing/synctest], where waiting costs nothing, where expiry is held
	// to the millisecond, and where a goroutine that outlives Close fails
	// the case. Other stores are waited for, a few seconds in all.
	Bubble bool
}

// Run proves what one user of the store sees, case by case and by random
// sequences of calls, compared with a model.
func Run(t *testing.T, h Harness) {
	groups := map[string]cases{
		"create":  creating,
		"replace": replacing,
		"remove":  removing,
		"lookup":  lookingUp,
		"scan":    scanning,
		"expiry":  expiring,
		"limits":  limits,
		"calls":   calling,
	}
	if h.Bubble {
		groups["exact time"] = exactTime
	}
	if h.Again != nil {
		groups["again"] = again
	}
	for group, cs := range groups {
		t.Run(group, func(t *testing.T) {
			for name, run := range cs {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					h.in(t, run)
				})
			}
		})
	}
	t.Run("model", func(t *testing.T) { runModel(t, h) })
}

// RunConcurrency proves what many users of the store see at the same time; of
// several stores, where Harness.Again can open another beside the first. It is
// worth most under the race detector.
func RunConcurrency(t *testing.T, h Harness) {
	h.Bubble = false // real time, real races
	for name, run := range concurrent {
		t.Run(name, func(t *testing.T) { h.in(t, run) })
	}
}

// cases are parts of the suite by what they show.
type cases map[string]func(*fixture)

// in runs one case with a store of its own.
func (h Harness) in(t *testing.T, run func(*fixture)) {
	body := func(t *testing.T) {
		f := &fixture{T: t, h: h, Store: h.Open(t), table: "things"}
		t.Cleanup(func() { f.Store.Close() })
		run(f)
	}
	if h.Bubble {
		synctest.Test(t, body)
		return
	}
	body(t)
}

// replicas returns the store and, where there can be one, a second beside it.
func (f *fixture) replicas() []store.Store {
	all := []store.Store{f.Store}
	if f.h.Again != nil && !f.SingleProcess() {
		second := f.h.Again(f.T, f.Store)
		f.Cleanup(func() { second.Close() })
		all = append(all, second)
	}
	return all
}
