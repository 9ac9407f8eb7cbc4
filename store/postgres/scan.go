package postgres

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/wayleave/wayleave/store"
)

var errCursor = errors.New("the cursor is not one of this kind of store")

// Scan implements [store.Store]. A cursor is the last key that was looked at,
// and never grows old.
func (s *Store) Scan(ctx context.Context, table store.Table, cursor string, limit int) ([]store.Key, string, error) {
	keys, next, err := s.scan(ctx, table, cursor, limit)
	if err != nil {
		return nil, "", fmt.Errorf("scan %q in PostgreSQL: %w", table, err)
	}
	return keys, next, nil
}

func (s *Store) scan(ctx context.Context, table store.Table, cursor string, limit int) (keys []store.Key, next string, err error) {
	if limit < 1 || limit > 1000 {
		return nil, "", fmt.Errorf("limit is %d, want 1 to 1000", limit)
	}
	after, err := hex.DecodeString(cursor)
	if cursor != "" && (err != nil || len(after) != store.KeySize || hex.EncodeToString(after) != cursor) {
		return nil, "", errCursor
	}
	err = s.run(ctx, reading, func(ctx context.Context, conn *pgxpool.Conn) error {
		keys, next = nil, ""
		rows, err := conn.Query(ctx, scanKeys, string(table), after, limit)
		if err != nil {
			return err
		}
		var key []byte
		var live bool
		n := 0
		_, err = pgx.ForEachRow(rows, []any{&key, &live}, func() error {
			found, err := toKeys([][]byte{key})
			if err == nil && live {
				keys = append(keys, found...)
			}
			if n++; n == limit {
				next = hex.EncodeToString(key)
			}
			return err
		})
		return err
	})
	return keys, next, err
}
