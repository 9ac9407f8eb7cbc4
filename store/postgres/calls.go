package postgres

import (
	"context"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/wayleave/wayleave/store"
)

// Get implements [store.Store].
func (s *Store) Get(ctx context.Context, table store.Table, key store.Key) (store.Record, store.Version, bool, error) {
	var got row
	err := s.run(ctx, reading, func(ctx context.Context, conn *pgxpool.Conn) error {
		return got.scan(conn.QueryRow(ctx, getRecord, string(table), key[:]))
	})
	if err != nil {
		return store.Record{}, 0, false, failed("get", table, key, err)
	}
	return got.record, got.version, got.found, nil
}

// Create implements [store.Store]. It is sent once: see the package's comment
// on lost answers.
func (s *Store) Create(ctx context.Context, table store.Table, key store.Key, rec store.Record) (store.Version, error) {
	v, err := s.write(ctx, rec, createRecord, string(table), key[:])
	if err != nil {
		return 0, failed("create", table, key, err)
	}
	return v, nil
}

// Replace implements [store.Store]. It is sent once: see the package's comment
// on lost answers.
func (s *Store) Replace(ctx context.Context, table store.Table, key store.Key, old store.Version, rec store.Record) (store.Version, error) {
	// Those given are positive as int64, and no other uint64 turns into one.
	v, err := s.write(ctx, rec, replaceRecord, string(table), key[:], int64(old))
	if err != nil {
		return 0, failed("replace", table, key, err)
	}
	return v, nil
}

// write does what Create and Replace share. The record's parts follow the
// arguments that are given.
func (s *Store) write(ctx context.Context, rec store.Record, sql string, args ...any) (store.Version, error) {
	if err := check(rec); err != nil {
		return 0, err
	}
	if rec.Value == nil {
		rec.Value = []byte{} // nil would be NULL
	}
	args = append(args, rec.Value, rec.Expires, distinct(rec.Lookups))
	var version *int64
	var future, live bool
	err := s.run(ctx, writing, func(ctx context.Context, conn *pgxpool.Conn) error {
		err := conn.QueryRow(ctx, sql, args...).Scan(&version, &future, &live)
		if err == nil && version == nil && future && !live {
			return errOvertaken
		}
		return err
	})
	switch {
	case err != nil:
		return 0, err
	case version != nil:
		return store.Version(*version), nil
	case !future:
		return 0, fmt.Errorf("%w: by the database's clock it expired at %s", store.ErrNoExpiry, rec.Expires.UTC().Format(time.RFC3339))
	}
	return 0, store.ErrConflict
}

// Delete implements [store.Store]. It tells those who follow even if nothing
// was there: an earlier one may have removed it without an answer.
func (s *Store) Delete(ctx context.Context, table store.Table, key store.Key) error {
	_, err := s.take(ctx, table, key)
	if err == nil {
		err = s.tell(ctx, table, key)
	}
	if err != nil {
		return failed("delete", table, key, err)
	}
	return nil
}

// Take implements [store.Store]. If the answer is lost, the record may be, too.
func (s *Store) Take(ctx context.Context, table store.Table, key store.Key) (store.Record, bool, error) {
	got, err := s.take(ctx, table, key)
	if err == nil && got.found {
		err = s.tell(ctx, table, key)
	}
	if err != nil {
		return store.Record{}, false, failed("take", table, key, err)
	}
	return got.record, got.found, nil
}

func (s *Store) take(ctx context.Context, table store.Table, key store.Key) (got row, err error) {
	err = s.run(ctx, writing, func(ctx context.Context, conn *pgxpool.Conn) error {
		var batch pgx.Batch
		batch.Queue(lockRecord, string(table), key[:])
		batch.Queue(takeRecord, string(table), key[:]).QueryRow(got.scan)
		return conn.SendBatch(ctx, &batch).Close() // which says whether it was committed
	})
	return got, err
}

// tell lets those who follow know of an end, before it is acknowledged. That
// the caller leaves now is no reason to stop.
func (s *Store) tell(ctx context.Context, table store.Table, key store.Key) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.timeout/2)
	defer cancel()
	err := s.run(ctx, reading, func(ctx context.Context, conn *pgxpool.Conn) error {
		_, err := conn.Exec(ctx, notify, s.schema, string(table)+" "+hex.EncodeToString(key[:]))
		return err
	})
	if err != nil {
		return fmt.Errorf("it is removed, but others could not be told: %w", err)
	}
	return nil
}

// Lookup implements [store.Store].
func (s *Store) Lookup(ctx context.Context, table store.Table, secondary store.Key, limit int) ([]store.Key, bool, error) {
	keys, err := s.lookup(ctx, table, secondary, limit)
	if err != nil {
		return nil, false, failed("look up", table, secondary, err)
	}
	if len(keys) > limit {
		return keys[:limit], true, nil
	}
	return keys, false, nil
}

// lookup returns one key more than the limit if there is one.
func (s *Store) lookup(ctx context.Context, table store.Table, secondary store.Key, limit int) (keys []store.Key, err error) {
	if limit < 1 || limit > 1000 {
		return nil, fmt.Errorf("limit is %d, want 1 to 1000", limit)
	}
	err = s.run(ctx, reading, func(ctx context.Context, conn *pgxpool.Conn) error {
		rows, err := conn.Query(ctx, lookUpKeys, string(table), secondary[:], limit+1)
		if err != nil {
			return err
		}
		found, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
		if err != nil {
			return err
		}
		keys, err = toKeys(found)
		return err
	})
	return keys, err
}

func failed(what string, table store.Table, key store.Key, err error) error {
	return fmt.Errorf("%s %q %v in PostgreSQL: %w", what, table, key, err)
}
