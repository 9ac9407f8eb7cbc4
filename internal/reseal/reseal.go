// Package reseal seals stored records anew with the first key of a ring, so
// that older keys can be removed. It runs beside everything else that uses the
// store: what is written meanwhile wins.
package reseal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/wayleave/wayleave/internal/seal"
	"github.com/wayleave/wayleave/store"
)

// Table is a table whose records are sealed for one purpose, each with its key
// as associated data.
type Table struct {
	Name    store.Table
	Purpose seal.Purpose
}

// Progress counts records.
type Progress struct {
	Seen     int // looked at
	Resealed int // sealed anew
	// Unknown were sealed with keys that are not in the ring: nobody can read
	// them, and they end by themselves.
	Unknown int
}

const (
	page  = 200
	pause = 5 * time.Millisecond // after each page, so that others have their turn
)

// Run seals anew what is not sealed with the ring's first key, and tells the
// progress after each page. It ends with the first error of the store.
func Run(ctx context.Context, s store.Store, ring *seal.Ring, tables []Table, progress func(Progress)) error {
	var p Progress
	return each(ctx, s, tables, func(t Table, key store.Key, rec store.Record, v store.Version) error {
		p.Seen++
		switch id, err := seal.KeyOf(rec.Value); {
		case err != nil:
			p.Unknown++
			return nil
		case id == ring.Active():
			return nil
		}
		plain, err := ring.Open(t.Purpose, rec.Value, string(key[:]))
		if err != nil {
			p.Unknown++
			return nil
		}
		rec.Value = ring.Seal(t.Purpose, plain, string(key[:]))
		_, err = s.Replace(ctx, t.Name, key, v, rec)
		switch {
		case errors.Is(err, store.ErrConflict), errors.Is(err, store.ErrNoExpiry):
			return nil // written, ended or expired meanwhile
		case err != nil:
			return fmt.Errorf("seal a record anew: %w", err)
		}
		p.Resealed++
		return nil
	}, func() { progress(p) })
}

// Count returns how many records each key seals.
func Count(ctx context.Context, s store.Store, tables []Table) (map[seal.KeyID]int, error) {
	counts := map[seal.KeyID]int{}
	err := each(ctx, s, tables, func(_ Table, _ store.Key, rec store.Record, _ store.Version) error {
		if id, err := seal.KeyOf(rec.Value); err == nil {
			counts[id]++
		}
		return nil
	}, func() {})
	return counts, err
}

func each(ctx context.Context, s store.Store, tables []Table, do func(Table, store.Key, store.Record, store.Version) error, paged func()) error {
	for _, t := range tables {
		for cursor, first := "", true; first || cursor != ""; first = false {
			keys, next, err := s.Scan(ctx, t.Name, cursor, page)
			if err != nil {
				return fmt.Errorf("list the records: %w", err)
			}
			for _, key := range keys {
				rec, v, found, err := s.Get(ctx, t.Name, key)
				if err != nil {
					return fmt.Errorf("read a record: %w", err)
				}
				if found {
					if err := do(t, key, rec, v); err != nil {
						return err
					}
				}
			}
			paged()
			cursor = next
			select {
			case <-time.After(pause):
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
	}
	return nil
}
