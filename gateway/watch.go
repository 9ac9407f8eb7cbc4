package gateway

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/wayleave/wayleave/store"
)

// Ready asks the store for something that is not there.
func (g *Gateway) Ready(ctx context.Context) error {
	_, _, _, err := g.o.Store.Get(ctx, "session", store.Key{})
	return err
}

// Watch returns a store that is timed. It follows and advises if s does.
func (m *Metrics) Watch(s store.Store) store.Store {
	w := &watched{Store: s, timers: m.newTimers()}
	if f, ok := s.(store.Follower); ok {
		return &watchedFollower{watched: w, f: f}
	}
	return w
}

// watched is a store with a clock. What it does not time is the store's own.
type watched struct {
	store.Store
	timers [4][2]prometheus.Observer // by operation and outcome
}

type watchedFollower struct {
	*watched
	f store.Follower
}

// Follow implements store.Follower.
func (w *watchedFollower) Follow(t store.Table, ended func(store.Key), missed func()) (func() time.Time, func()) {
	return w.f.Follow(t, ended, missed)
}

// Check implements store.Adviser.
func (w *watched) Check(ctx context.Context) ([]string, error) {
	if a, ok := w.Store.(store.Adviser); ok {
		return a.Check(ctx)
	}
	return nil, nil
}

// took notes an answer. A conflict is an answer like another.
func (w *watched) took(o operation, began time.Time, err error) {
	outcome := answeredOK
	if err != nil && !errors.Is(err, store.ErrConflict) {
		outcome = answeredError
	}
	w.timers[o][outcome].Observe(time.Since(began).Seconds())
}

type operation int

const (
	opGet operation = iota
	opCreate
	opReplace
	opDelete
)

const (
	answeredOK = iota
	answeredError
)

// newTimers resolves the labels once: a look-up happens for each request.
func (m *Metrics) newTimers() (t [4][2]prometheus.Observer) {
	for o, operation := range []string{"get", "create", "replace", "delete"} {
		for i, outcome := range []string{"ok", "error"} {
			t[o][i] = m.storeTime.WithLabelValues(operation, outcome)
		}
	}
	return t
}

// Get implements store.Store.
func (w *watched) Get(ctx context.Context, t store.Table, k store.Key) (r store.Record, v store.Version, found bool, err error) {
	defer func(began time.Time) { w.took(opGet, began, err) }(time.Now())
	return w.Store.Get(ctx, t, k)
}

// Create implements store.Store.
func (w *watched) Create(ctx context.Context, t store.Table, k store.Key, r store.Record) (v store.Version, err error) {
	defer func(began time.Time) { w.took(opCreate, began, err) }(time.Now())
	return w.Store.Create(ctx, t, k, r)
}

// Replace implements store.Store.
func (w *watched) Replace(ctx context.Context, t store.Table, k store.Key, old store.Version, r store.Record) (v store.Version, err error) {
	defer func(began time.Time) { w.took(opReplace, began, err) }(time.Now())
	return w.Store.Replace(ctx, t, k, old, r)
}

// Delete implements store.Store.
func (w *watched) Delete(ctx context.Context, t store.Table, k store.Key) (err error) {
	defer func(began time.Time) { w.took(opDelete, began, err) }(time.Now())
	return w.Store.Delete(ctx, t, k)
}
