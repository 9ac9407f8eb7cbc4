package storetest_test

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/wayleave/wayleave/store"
	"github.com/wayleave/wayleave/store/memory"
	"github.com/wayleave/wayleave/store/storetest"
)

// handle is one opening of a store that others may have open, too: closing it
// leaves the records.
type handle struct {
	store.Store
	single bool
	closed *atomic.Bool
}

func open(s store.Store, single bool) store.Store {
	return handle{s, single, new(atomic.Bool)}
}

func (h handle) SingleProcess() bool { return h.single }

func (h handle) Close() error {
	h.closed.Store(true)
	return nil
}

func (h handle) Get(ctx context.Context, t store.Table, k store.Key) (store.Record, store.Version, bool, error) {
	if h.closed.Load() {
		return store.Record{}, 0, false, store.ErrClosed
	}
	return h.Store.Get(ctx, t, k)
}

func (h handle) Create(ctx context.Context, t store.Table, k store.Key, rec store.Record) (store.Version, error) {
	if h.closed.Load() {
		return 0, store.ErrClosed
	}
	return h.Store.Create(ctx, t, k, rec)
}

func (h handle) Replace(ctx context.Context, t store.Table, k store.Key, old store.Version, rec store.Record) (store.Version, error) {
	if h.closed.Load() {
		return 0, store.ErrClosed
	}
	return h.Store.Replace(ctx, t, k, old, rec)
}

func (h handle) Delete(ctx context.Context, t store.Table, k store.Key) error {
	if h.closed.Load() {
		return store.ErrClosed
	}
	return h.Store.Delete(ctx, t, k)
}

func (h handle) Take(ctx context.Context, t store.Table, k store.Key) (store.Record, bool, error) {
	if h.closed.Load() {
		return store.Record{}, false, store.ErrClosed
	}
	return h.Store.Take(ctx, t, k)
}

func (h handle) Lookup(ctx context.Context, t store.Table, secondary store.Key, limit int) ([]store.Key, bool, error) {
	if h.closed.Load() {
		return nil, false, store.ErrClosed
	}
	return h.Store.Lookup(ctx, t, secondary, limit)
}

func (h handle) Scan(ctx context.Context, t store.Table, cursor string, limit int) ([]store.Key, string, error) {
	if h.closed.Load() {
		return nil, "", store.ErrClosed
	}
	return h.Store.Scan(ctx, t, cursor, limit)
}

// A store that others share, and whose clock the suite has to wait for.
func TestSuiteWithReplicasInRealTime(t *testing.T) {
	shared := memory.New(memory.Options{})
	h := storetest.Harness{
		Open:  func(*testing.T) store.Store { return open(shared, false) },
		Again: func(*testing.T, store.Store) store.Store { return open(shared, false) },
	}
	storetest.Run(t, h)
	storetest.RunConcurrency(t, h)
}

// A store of one process whose records outlive it.
func TestSuiteWithRestarts(t *testing.T) {
	storetest.Run(t, storetest.Harness{
		Open: func(*testing.T) store.Store { return open(memory.New(memory.Options{}), true) },
		Again: func(t *testing.T, s store.Store) store.Store {
			if !s.(handle).closed.Load() {
				t.Error("opened again before it was closed")
			}
			return open(s.(handle).Store, true)
		},
		Bubble: true,
	})
}
