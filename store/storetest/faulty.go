package storetest

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/wayleave/wayleave/store"
)

// Op names a method of a store. String gives the method's name.
type Op uint8

// The methods that a [Faulty] can be told about.
const (
	Get Op = iota
	Create
	Replace
	Delete
	Take
	Lookup
	Scan
	ops // how many there are
)

// String returns the name of the method.
func (op Op) String() string {
	return [ops]string{"Get", "Create", "Replace", "Delete", "Take", "Lookup", "Scan"}[op]
}

// Faulty is a store that misbehaves as it is told, at any time and for each
// method apart, and is otherwise the store that it wraps. Each of Fail, Lose,
// Block and Slow takes the place of what the method was told before; without
// a method they mean all methods. It is safe for concurrent use.
type Faulty struct {
	store.Store
	mu     sync.Mutex
	faults [ops]fault
	calls  [ops]int
}

// fault is what one method does wrong. The zero fault does nothing wrong.
type fault struct {
	err    error
	lost   bool          // err comes after the work, not instead
	wait   time.Duration // before the work
	healed chan struct{} // not nil: wait until it is closed
}

// Failing wraps s in a store that does nothing wrong yet.
func Failing(s store.Store) *Faulty { return &Faulty{Store: s} }

// Fail makes calls return err without reaching the store.
func (f *Faulty) Fail(err error, methods ...Op) { f.set(fault{err: err}, methods) }

// Lose makes calls do their work and return err all the same, as when the
// connection breaks before the answer arrives. Where the store's own answer
// is an error, that is returned.
func (f *Faulty) Lose(err error, methods ...Op) { f.set(fault{err: err, lost: true}, methods) }

// Block makes calls wait until their context ends, and return its error, or
// until the method is told otherwise, and go on to the store.
func (f *Faulty) Block(methods ...Op) { f.set(fault{healed: make(chan struct{})}, methods) }

// Slow makes calls wait for d, or until their context ends, before they reach
// the store.
func (f *Faulty) Slow(d time.Duration, methods ...Op) { f.set(fault{wait: d}, methods) }

// Heal ends what methods do wrong.
func (f *Faulty) Heal(methods ...Op) { f.set(fault{}, methods) }

// Calls returns how often a method was called, whatever became of it.
func (f *Faulty) Calls(method Op) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls[method]
}

func (f *Faulty) set(to fault, methods []Op) {
	if len(methods) == 0 {
		methods = []Op{Get, Create, Replace, Delete, Take, Lookup, Scan}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, op := range methods {
		if was := f.faults[op].healed; was != nil {
			close(was)
		}
		if to.healed != nil {
			to.healed = make(chan struct{}) // each method is healed apart
		}
		f.faults[op] = to
	}
}

// before counts a call and does what is wrong before the work. It returns the
// error to return after the work, if the answer is to be lost.
func (f *Faulty) before(ctx context.Context, op Op) (lost, err error) {
	f.mu.Lock()
	f.calls[op]++
	now := f.faults[op]
	f.mu.Unlock()
	switch {
	case now.lost:
		return fmt.Errorf("%v: %w", op, now.err), nil
	case now.err != nil:
		return nil, fmt.Errorf("%v: %w", op, now.err)
	case now.healed != nil:
		err = wait(ctx, now.healed)
	case now.wait > 0:
		timer := time.NewTimer(now.wait)
		defer timer.Stop()
		err = wait(ctx, timer.C)
	}
	if err != nil {
		return nil, fmt.Errorf("%v: %w", op, err)
	}
	return nil, nil
}

func wait[T any](ctx context.Context, until <-chan T) error {
	select {
	case <-until:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Get implements [store.Store].
func (f *Faulty) Get(ctx context.Context, table store.Table, key store.Key) (store.Record, store.Version, bool, error) {
	lost, err := f.before(ctx, Get)
	if err != nil {
		return store.Record{}, 0, false, err
	}
	rec, v, found, err := f.Store.Get(ctx, table, key)
	if err == nil && lost != nil {
		return store.Record{}, 0, false, lost
	}
	return rec, v, found, err
}

// Create implements [store.Store].
func (f *Faulty) Create(ctx context.Context, table store.Table, key store.Key, rec store.Record) (store.Version, error) {
	lost, err := f.before(ctx, Create)
	if err != nil {
		return 0, err
	}
	v, err := f.Store.Create(ctx, table, key, rec)
	if err == nil && lost != nil {
		return 0, lost
	}
	return v, err
}

// Replace implements [store.Store].
func (f *Faulty) Replace(ctx context.Context, table store.Table, key store.Key, old store.Version, rec store.Record) (store.Version, error) {
	lost, err := f.before(ctx, Replace)
	if err != nil {
		return 0, err
	}
	v, err := f.Store.Replace(ctx, table, key, old, rec)
	if err == nil && lost != nil {
		return 0, lost
	}
	return v, err
}

// Delete implements [store.Store].
func (f *Faulty) Delete(ctx context.Context, table store.Table, key store.Key) error {
	lost, err := f.before(ctx, Delete)
	if err != nil {
		return err
	}
	if err := f.Store.Delete(ctx, table, key); err != nil {
		return err
	}
	return lost
}

// Take implements [store.Store].
func (f *Faulty) Take(ctx context.Context, table store.Table, key store.Key) (store.Record, bool, error) {
	lost, err := f.before(ctx, Take)
	if err != nil {
		return store.Record{}, false, err
	}
	rec, found, err := f.Store.Take(ctx, table, key)
	if err == nil && lost != nil {
		return store.Record{}, false, lost
	}
	return rec, found, err
}

// Lookup implements [store.Store].
func (f *Faulty) Lookup(ctx context.Context, table store.Table, secondary store.Key, limit int) ([]store.Key, bool, error) {
	lost, err := f.before(ctx, Lookup)
	if err != nil {
		return nil, false, err
	}
	keys, more, err := f.Store.Lookup(ctx, table, secondary, limit)
	if err == nil && lost != nil {
		return nil, false, lost
	}
	return keys, more, err
}

// Scan implements [store.Store].
func (f *Faulty) Scan(ctx context.Context, table store.Table, cursor string, limit int) ([]store.Key, string, error) {
	lost, err := f.before(ctx, Scan)
	if err != nil {
		return nil, "", err
	}
	keys, next, err := f.Store.Scan(ctx, table, cursor, limit)
	if err == nil && lost != nil {
		return nil, "", lost
	}
	return keys, next, err
}
