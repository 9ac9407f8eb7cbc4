package failure_test

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/wayleave/wayleave/store"
)

// count counts the calls that reading a session costs.
func count(s store.Store, calls *atomic.Int64) store.Store {
	if f, ok := s.(store.Follower); ok {
		return countedFollower{counted{s, calls}, f}
	}
	return counted{s, calls}
}

type counted struct {
	store.Store
	calls *atomic.Int64
}

func (s counted) Get(ctx context.Context, t store.Table, k store.Key) (store.Record, store.Version, bool, error) {
	s.calls.Add(1)
	return s.Store.Get(ctx, t, k)
}

func (s counted) Replace(ctx context.Context, t store.Table, k store.Key, v store.Version, r store.Record) (store.Version, error) {
	s.calls.Add(1)
	return s.Store.Replace(ctx, t, k, v, r)
}

// countedFollower is counted where the store tells what others end.
type countedFollower struct {
	counted
	follower store.Follower
}

func (s countedFollower) Follow(t store.Table, ended func(store.Key), missed func()) (func() time.Time, func()) {
	return s.follower.Follow(t, ended, missed)
}
