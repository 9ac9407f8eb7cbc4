package embedded

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"github.com/wayleave/wayleave/store"
)

// Scan implements [store.Store]. A page visits at most limit records, in the
// order of their keys, and sees the file as it was at one moment. Between
// pages nothing is held, so that a scan keeps no writer from reusing room.
func (s *Store) Scan(ctx context.Context, table store.Table, cursor string, limit int) ([]store.Key, string, error) {
	if table == Claims {
		return s.claims.Scan(ctx, table, cursor, limit)
	}
	keys, next, err := s.scan(ctx, table, cursor, limit)
	if err != nil {
		return nil, "", fmt.Errorf("scan %s in the store file: %w", table, err)
	}
	return keys, next, nil
}

// scan returns as the next cursor the first key that was not visited.
func (s *Store) scan(ctx context.Context, table store.Table, cursor string, limit int) (keys []store.Key, next string, err error) {
	if err := s.usable(ctx); err != nil {
		return nil, "", err
	}
	if err := checkLimit(limit); err != nil {
		return nil, "", err
	}
	from, err := parseCursor(cursor)
	if err != nil {
		return nil, "", err
	}
	err = s.view(func(tx *bbolt.Tx) error {
		rows := tx.Bucket(rowBucket(table))
		if rows == nil {
			return nil
		}
		c, now := rows.Cursor(), time.Now()
		k, v := c.Seek(from)
		for ; k != nil && limit > 0; limit-- {
			r, err := decode(v)
			if err != nil {
				return err
			}
			if r.live(now) {
				keys = append(keys, store.Key(k))
			}
			k, v = c.Next()
		}
		next = hex.EncodeToString(k)
		return nil
	})
	return keys, next, err
}

// parseCursor returns the key to begin with. Its error repeats nothing of the
// cursor, which holds a whole key.
func parseCursor(cursor string) (from []byte, err error) {
	from, err = hex.DecodeString(cursor)
	if err != nil || len(from) != store.KeySize && cursor != "" {
		return nil, errors.New("the cursor is not one of this store")
	}
	return from, nil
}

func checkLimit(limit int) error {
	if limit < 1 || limit > 1000 {
		return fmt.Errorf("limit is %d, want 1 to 1000", limit)
	}
	return nil
}
