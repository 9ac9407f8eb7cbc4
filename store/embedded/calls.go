package embedded

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"github.com/wayleave/wayleave/store"
)

// Get implements [store.Store]. A record that was used recently is found
// without a look into the file, and without allocating.
func (s *Store) Get(ctx context.Context, table store.Table, key store.Key) (store.Record, store.Version, bool, error) {
	if table == Claims {
		return s.claims.Get(ctx, table, key)
	}
	r, err := s.get(ctx, table, key)
	switch {
	case err != nil:
		return store.Record{}, 0, false, failed("get", table, key, err)
	case r == nil || !r.live(time.Now()):
		return store.Record{}, 0, false, nil
	}
	return r.record(), r.version, true, nil
}

func (s *Store) get(ctx context.Context, table store.Table, key store.Key) (*row, error) {
	if err := s.usable(ctx); err != nil {
		return nil, err
	}
	slot := s.recent.slot(key)
	seen := slot.load()
	if r := seen.holds(table, key); r != nil {
		return r, nil
	}
	var r *row
	err := s.view(func(tx *bbolt.Tx) (err error) {
		if r, err = read(tx, table, key); r != nil {
			r = r.clone()
		}
		return err
	})
	if r != nil {
		slot.learn(seen, table, key, r)
	}
	return r, err
}

// Lookup implements [store.Store].
func (s *Store) Lookup(ctx context.Context, table store.Table, secondary store.Key, limit int) ([]store.Key, bool, error) {
	if table == Claims {
		return s.claims.Lookup(ctx, table, secondary, limit)
	}
	keys, more, err := s.lookup(ctx, table, secondary, limit)
	if err != nil {
		return nil, false, failed("look up", table, secondary, err)
	}
	return keys, more, nil
}

func (s *Store) lookup(ctx context.Context, table store.Table, secondary store.Key, limit int) (keys []store.Key, more bool, err error) {
	if err := s.usable(ctx); err != nil {
		return nil, false, err
	}
	if err := checkLimit(limit); err != nil {
		return nil, false, err
	}
	err = s.view(func(tx *bbolt.Tx) error {
		now := time.Now()
		for key := range listed(tx, table, secondary) {
			r, err := read(tx, table, key)
			switch {
			case err != nil:
				return err
			case r == nil || !r.live(now):
			case len(keys) == limit:
				more = true
				return nil
			default:
				keys = append(keys, key)
			}
		}
		return nil
	})
	return keys, more, err
}

// Create implements [store.Store]. When it returns, the disk has the record.
func (s *Store) Create(ctx context.Context, table store.Table, key store.Key, rec store.Record) (store.Version, error) {
	if table == Claims {
		return s.claims.Create(ctx, table, key, rec)
	}
	w := &write{table: table, key: key, apply: (*batch).create}
	if err := s.put(ctx, w, rec); err != nil {
		return 0, failed("create", table, key, err)
	}
	return w.row.version, nil
}

// Replace implements [store.Store]. When it returns, the disk has the record.
func (s *Store) Replace(ctx context.Context, table store.Table, key store.Key, old store.Version, rec store.Record) (store.Version, error) {
	if table == Claims {
		return s.claims.Replace(ctx, table, key, old, rec)
	}
	w := &write{table: table, key: key, old: old, apply: (*batch).replace}
	if err := s.put(ctx, w, rec); err != nil {
		return 0, failed("replace", table, key, err)
	}
	return w.row.version, nil
}

func (s *Store) put(ctx context.Context, w *write, rec store.Record) (err error) {
	if err := check(rec); err != nil {
		return err
	}
	w.row = newRow(rec)
	return s.do(ctx, w)
}

// Delete implements [store.Store]. When it returns, the disk knows of it.
func (s *Store) Delete(ctx context.Context, table store.Table, key store.Key) error {
	if table == Claims {
		return s.claims.Delete(ctx, table, key)
	}
	if err := s.do(ctx, &write{table: table, key: key, apply: (*batch).take}); err != nil {
		return failed("delete", table, key, err)
	}
	return nil
}

// Take implements [store.Store]. When it returns, the disk knows of it.
func (s *Store) Take(ctx context.Context, table store.Table, key store.Key) (store.Record, bool, error) {
	if table == Claims {
		return s.claims.Take(ctx, table, key)
	}
	w := &write{table: table, key: key, apply: (*batch).take}
	if err := s.do(ctx, w); err != nil {
		return store.Record{}, false, failed("take", table, key, err)
	}
	if w.row == nil {
		return store.Record{}, false, nil
	}
	return w.row.record(), true, nil
}

// usable tells whether a call may begin.
func (s *Store) usable(ctx context.Context) error {
	select {
	case <-s.closing:
		return store.ErrClosed
	default:
		return ctx.Err()
	}
}

// view reads from one state of the file, which no writer changes meanwhile.
func (s *Store) view(fn func(*bbolt.Tx) error) error {
	if err := s.whole(); err != nil {
		return err
	}
	err := s.db.View(func(tx *bbolt.Tx) error {
		return guarded(func() error { return fn(tx) })
	})
	if errors.Is(err, berrors.ErrDatabaseNotOpen) {
		return store.ErrClosed
	}
	return err
}

func failed(what string, table store.Table, key store.Key, err error) error {
	return fmt.Errorf("%s %s %v in the store file: %w", what, table, key, err)
}
