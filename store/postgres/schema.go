package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// ErrNewer says that the database was written by a newer version of this
// program. Migrations only go forward: start that version again.
var ErrNewer = errors.New("the database belongs to a newer version of this program")

// migrationTimeout is the longest that a store tries to bring the database up
// to date before it tells its callers that it could not.
const migrationTimeout = time.Minute

// migrations are applied in the order of their names, each once. A file that
// was ever released does not change any more. A running program of the version
// before must be able to work on what the next migration leaves.
//
//go:embed migrations/*.sql
var migrations embed.FS

// migrate brings the database up to date. If there is nothing to do it needs
// no right but to read, so that an operator may do the rest beforehand.
func (s *Store) migrate(ctx context.Context) error {
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return err
	}
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	done, err := applied(ctx, conn.Conn(), len(files))
	if err != nil || done == len(files) {
		return err
	}
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if err := s.lock(ctx, tx); err != nil {
			return err
		}
		done, err := applied(ctx, tx.Conn(), len(files)) // another process may have been faster
		if err != nil {
			return err
		}
		for number := done + 1; number <= len(files); number++ {
			if err := apply(ctx, tx, number, files[number-1]); err != nil {
				return err
			}
		}
		return nil
	})
}

// applied returns how many migrations the database has had, at most all.
func applied(ctx context.Context, conn *pgx.Conn, all int) (int, error) {
	var there bool
	if err := conn.QueryRow(ctx, `SELECT to_regclass('migrations') IS NOT NULL`).Scan(&there); err != nil || !there {
		return 0, err
	}
	var done int
	if err := conn.QueryRow(ctx, `SELECT coalesce(max(number), 0) FROM migrations`).Scan(&done); err != nil {
		return 0, err
	}
	if done > all {
		return 0, fmt.Errorf("%w: its schema has version %d, this program knows %d", ErrNewer, done, all)
	}
	return done, nil
}

// lock makes other processes wait until the transaction ends, and then makes
// what the migrations themselves need.
func (s *Store) lock(ctx context.Context, tx pgx.Tx) error {
	if _, err := tx.Exec(ctx, `SET LOCAL statement_timeout = 0`); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended('wayleave schema ' || $1, 0))`, s.schema); err != nil {
		return err
	}
	var there bool
	err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)`, s.schema).Scan(&there)
	if err != nil {
		return err
	}
	if !there { // IF NOT EXISTS would ask for the right to make it even where it exists
		_, err := tx.Exec(ctx, `CREATE SCHEMA `+pgx.Identifier{s.schema}.Sanitize())
		if said, ok := errors.AsType[*pgconn.PgError](err); ok && said.Code == "42501" {
			return fmt.Errorf("schema %s is not there and may not be made by this user, who should own it: %w", s.schema, err)
		}
		if err != nil {
			return err
		}
	}
	_, err = tx.Exec(ctx, `CREATE TABLE IF NOT EXISTS migrations (number int PRIMARY KEY, applied timestamptz NOT NULL DEFAULT now())`)
	return err
}

func apply(ctx context.Context, tx pgx.Tx, number int, file string) error {
	sql, err := migrations.ReadFile(file)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, string(sql)); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	_, err = tx.Exec(ctx, `INSERT INTO migrations (number) VALUES ($1)`, number)
	return err
}
