// Package memory keeps records in the memory of this process: call [New]. A
// restart forgets everything, and no second process sees any of it, so it
// suits development, tests and programs whose users may sign in again after a
// restart.
//
// The store is bounded and starts no goroutine. Each write also removes a few
// records that have expired, so that an idle store keeps its garbage, but
// never more than its bounds allow.
package memory

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/wayleave/wayleave/store"
)

// Options bounds a store. The zero value suits most programs.
type Options struct {
	// MaxRecords is the most records, of all tables together. Zero or less: 1,000,000.
	MaxRecords int
	// MaxBytes is the most memory in bytes, counted as the values plus a
	// measured overhead for each record and look-up key. Zero or less:
	// 256 MiB. Replace alone may use an eighth more, so that a full store
	// refuses new sign-ins before it loses a token that was just rotated.
	// Go's garbage collector may let the process take about twice as much.
	MaxBytes int64
}

// shardCount is the number of independently locked parts. Lower it and busy
// machines wait for locks; raise it and a full store takes longer to search
// for expired records.
const shardCount = 64

// Store is a [store.Store] in memory, safe for concurrent use. Make it with
// [New]; the zero Store takes no record.
type Store struct {
	shards [shardCount]shard
	index  index
	bounds bounds
	hand   atomic.Uint32 // the shard that was tidied last
	closed atomic.Bool   // set before the shards are emptied, read under their locks
}

var _ store.Store = (*Store)(nil)

// New returns an empty store. It needs no Close before the program ends, and
// costs next to nothing until it is used.
func New(o Options) *Store {
	s := new(Store)
	s.bounds.limit(o)
	return s
}

// Get implements [store.Store]. It does not allocate: the value is the store's
// own, which no later write changes.
func (s *Store) Get(ctx context.Context, table store.Table, key store.Key) (store.Record, store.Version, bool, error) {
	st, err := s.get(ctx, table, key)
	switch {
	case err != nil:
		return store.Record{}, 0, false, failed("get", table, key, err)
	case st == nil:
		return store.Record{}, 0, false, nil
	}
	return st.record, st.version, true, nil
}

func (s *Store) get(ctx context.Context, table store.Table, key store.Key) (*state, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	sh := s.shard(key)
	sh.mu.RLock()
	defer sh.mu.RUnlock()
	if s.closed.Load() {
		return nil, store.ErrClosed
	}
	if n := sh.find(table, key); n != nil {
		return n.live(time.Now()), nil
	}
	return nil, nil
}

// Create implements [store.Store]. It returns store.ErrFull only if there is
// not even an expired record left to make room.
func (s *Store) Create(ctx context.Context, table store.Table, key store.Key, rec store.Record) (store.Version, error) {
	v, err := s.write(ctx, key, rec, func(sh *shard, st *state) error {
		if n := sh.find(table, key); n != nil {
			if n.live(time.Now()) != nil {
				return store.ErrConflict
			}
			s.remove(sh, n)
		}
		if !s.bounds.grow(1, st.cost, false) {
			return store.ErrFull
		}
		s.index.relink(sh.add(name{table, key}, st))
		return nil
	})
	if err != nil {
		return 0, failed("create", table, key, err)
	}
	return v, nil
}

// Replace implements [store.Store]. It returns store.ErrFull if the record
// grows and the store has no room even by the wider limit of [Options].
func (s *Store) Replace(ctx context.Context, table store.Table, key store.Key, old store.Version, rec store.Record) (store.Version, error) {
	v, err := s.write(ctx, key, rec, func(sh *shard, st *state) error {
		n := sh.find(table, key)
		if n == nil {
			return store.ErrConflict
		}
		was := n.live(time.Now())
		if was == nil || was.version != old {
			return store.ErrConflict
		}
		if !s.bounds.grow(0, st.cost-was.cost, true) {
			return store.ErrFull
		}
		sh.change(n, st)
		if !slices.Equal(was.record.Lookups, st.record.Lookups) {
			s.index.relink(n)
		}
		return nil
	})
	if err != nil {
		return 0, failed("replace", table, key, err)
	}
	return v, nil
}

// write does what Create and Replace share. put runs under the lock of the
// shard, and again whenever expired records have made room for it.
func (s *Store) write(ctx context.Context, key store.Key, rec store.Record, put func(*shard, *state) error) (store.Version, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if err := check(rec); err != nil {
		return 0, err
	}
	st := newState(rec)
	s.tidy()
	sh := s.shard(key)
	for {
		sh.mu.Lock()
		err := store.ErrClosed
		if !s.closed.Load() {
			err = put(sh, st)
		}
		sh.mu.Unlock()
		if err == nil {
			return st.version, nil
		}
		if !errors.Is(err, store.ErrFull) || !s.reclaim() {
			return 0, err
		}
	}
}

// Delete implements [store.Store].
func (s *Store) Delete(ctx context.Context, table store.Table, key store.Key) error {
	if _, err := s.take(ctx, table, key); err != nil {
		return failed("delete", table, key, err)
	}
	return nil
}

// Take implements [store.Store].
func (s *Store) Take(ctx context.Context, table store.Table, key store.Key) (store.Record, bool, error) {
	st, err := s.take(ctx, table, key)
	switch {
	case err != nil:
		return store.Record{}, false, failed("take", table, key, err)
	case st == nil:
		return store.Record{}, false, nil
	}
	return st.record, true, nil
}

func (s *Store) take(ctx context.Context, table store.Table, key store.Key) (*state, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	sh := s.shard(key)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if s.closed.Load() {
		return nil, store.ErrClosed
	}
	n := sh.find(table, key)
	if n == nil {
		return nil, nil
	}
	s.remove(sh, n)
	return n.live(time.Now()), nil
}

// Lookup implements [store.Store]. It visits no more records than it returns,
// but for those that have expired and are still there.
func (s *Store) Lookup(ctx context.Context, table store.Table, secondary store.Key, limit int) ([]store.Key, bool, error) {
	keys, more, err := s.lookup(ctx, table, secondary, limit)
	if err != nil {
		return nil, false, failed("look up", table, secondary, err)
	}
	return keys, more, nil
}

func (s *Store) lookup(ctx context.Context, table store.Table, secondary store.Key, limit int) ([]store.Key, bool, error) {
	if err := ctx.Err(); err != nil {
		return nil, false, err
	}
	if limit < 1 || limit > 1000 {
		return nil, false, fmt.Errorf("limit is %d, want 1 to 1000", limit)
	}
	keys, more := s.index.list(name{table, secondary}, limit)
	if s.closed.Load() { // asked last: what Close has emptied is not an answer
		return nil, false, store.ErrClosed
	}
	return keys, more, nil
}

// SingleProcess is true: no other process sees these records.
func (s *Store) SingleProcess() bool { return true }

// Close implements [store.Store]: it lets go of all records.
func (s *Store) Close() error {
	s.closed.Store(true)
	for i := range s.shards {
		s.shards[i].clear()
	}
	s.index.clear()
	s.bounds.clear()
	return nil
}

// shard trusts callers to hash their keys. With others all is still right, but
// slower.
func (s *Store) shard(key store.Key) *shard { return &s.shards[shardOf(key)] }

func shardOf(key store.Key) int { return int(key[0]) % shardCount }

func failed(what string, table store.Table, key store.Key, err error) error {
	return fmt.Errorf("%s %s %v in memory: %w", what, table, key, err)
}
