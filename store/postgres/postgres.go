// Package postgres keeps records in a PostgreSQL database, 14 or newer, which
// any number of equal processes may share: call [Open] with a URL.
//
// Tables live in a schema of their own, which is made and brought up to date at
// the first connection. The database's clock alone decides what has expired,
// so that all processes agree. What was acknowledged is as durable as the
// server makes it: synchronous_commit and its replication are the operator's.
//
// # When the server is away
//
// A Store survives restarts and failovers of its server: calls fail while it is
// away and work again afterwards. Reads are repeated where that can help.
// Writes are repeated only where it is certain that nothing was written. When
// the answer to a write is lost, the error says so, and the write may have
// happened: a caller who repeats a Create may then meet its own record as
// store.ErrConflict, and one who repeats a Replace its own new version.
//
// # Connections
//
// The session settings on which the statements rely are sent when a connection
// is made, so connect to the server itself, or through a pooler that keeps one
// server connection for each client ("session mode"). [Store.Follow] uses one
// connection more than the pool has.
package postgres

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/singleflight"

	"github.com/wayleave/wayleave/store"
)

// Options of a store. The zero value suits most programs.
type Options struct {
	// Schema holds all that the store makes in the database: a lower-case
	// ASCII letter, then such letters, digits and underscores, 63 at most.
	// Empty: "wayleave". It should hold nothing else.
	Schema string
	// MaxConns is the most connections at the same time. Zero or less: what
	// the URL says as pool_max_conns, or else 16.
	MaxConns int
	// Timeout is the longest that one call takes, repetitions and the wait for
	// a connection included, and that the server works on one statement. Delete
	// and Take may take half of it again to tell those who follow. Zero or
	// less: 5 s. A call whose context ends earlier ends with it, or up to
	// half a second later if it is already with the server.
	Timeout time.Duration
}

// Store is a [store.Follower] in PostgreSQL, safe for concurrent use. Make it
// with [Open].
type Store struct {
	pool      *pgxpool.Pool
	schema    string
	timeout   time.Duration
	encrypted bool // or no connection at all

	mu       sync.Mutex // held to close, and to begin a task that might come later
	closed   atomic.Bool
	migrated atomic.Bool
	first    singleflight.Group // the one migration that all calls wait for

	background context.Context // ends with Close
	stop       context.CancelFunc
	tasks      sync.WaitGroup
}

var _ store.Follower = (*Store)(nil)

// Open returns a store in the database that url names, such as
// postgres://user:password@db.example.com/wayleave. The parameters that
// PostgreSQL's own programs understand may follow, and several hosts may be
// named, of which one that takes writes is used. Without sslmode a connection
// to another machine is encrypted and the server's certificate verified, as
// with sslmode=verify-full.
//
// Open connects and migrates the database, but a server that is not there, or
// not ready within Options.Timeout, is no error: the store does both as soon
// as it can, and until then each call fails. It is an error when the URL cannot
// be used, when the server cannot prove who it is, when it answers that it
// never will (a wrong password, no such database, no right to make the
// schema), and when the database was written by a newer version of this
// program ([ErrNewer]). No error shows a password.
func Open(ctx context.Context, url string, o Options) (*Store, error) {
	config, err := configure(url, &o)
	if err != nil {
		return nil, err
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open PostgreSQL: %w", err)
	}
	s := &Store{pool: pool, schema: o.Schema, timeout: o.Timeout, encrypted: encrypted(config)}
	s.background, s.stop = context.WithCancel(context.WithoutCancel(ctx))

	first, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	if err := s.ready(first); s.final(err) || ctx.Err() != nil {
		s.Close()
		if s.unencrypted(err) {
			err = fmt.Errorf("%w (if nobody can listen in between, say so with sslmode=disable)", err)
		}
		return nil, fmt.Errorf("open PostgreSQL: %w", err)
	}
	s.tasks.Go(s.sweep)
	return s, nil
}

// ready returns when the schema is what this program expects. The first calls
// share one attempt, which does not end with the call that happened to begin
// it.
func (s *Store) ready(ctx context.Context) error {
	if s.migrated.Load() {
		return nil
	}
	attempt := s.first.DoChan("", func() (any, error) {
		ctx, cancel := context.WithTimeout(s.background, migrationTimeout)
		defer cancel()
		err := s.migrate(ctx)
		if err == nil {
			s.migrated.Store(true)
		}
		return nil, err
	})
	select {
	case result := <-attempt:
		return result.Err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// final tells the errors that a person must mend from those that pass: the
// server is reached, and says no or is not whom it should be.
func (s *Store) final(err error) bool {
	_, stranger := errors.AsType[*tls.CertificateVerificationError](err)
	if stranger || s.unencrypted(err) || errors.Is(err, ErrNewer) {
		return true
	}
	said, ok := errors.AsType[*pgconn.PgError](err)
	return ok && !passing(said.Code)
}

// unencrypted tells whether the server does not encrypt, for which pgx has no
// type, and we cannot do without.
func (s *Store) unencrypted(err error) bool {
	return s.encrypted && err != nil && strings.Contains(err.Error(), "server refused TLS connection")
}

// passing tells whether an SQLSTATE speaks of the server's present state, not
// of what it was asked: no connection, rolled back, out of resources, stopping
// or starting, or not the primary server.
func passing(code string) bool {
	switch code[:min(2, len(code))] {
	case "08", "40", "53", "57", "58":
		return true
	}
	return code == readOnly
}

// Kind is for [store.Open]: postgres and postgresql URLs, with the zero
// [Options].
func Kind() store.Kind {
	return store.Kind{
		Schemes: []string{"postgres", "postgresql"},
		Open: func(ctx context.Context, url string) (store.Store, error) {
			s, err := Open(ctx, url, Options{})
			if err != nil {
				return nil, err // not a nil *Store in an interface
			}
			return s, nil
		},
	}
}

// SingleProcess is false: others may use the same database.
func (s *Store) SingleProcess() bool { return false }

// Close implements [store.Store]. It waits for calls that are with the server,
// Options.Timeout and half a second at most.
func (s *Store) Close() error {
	s.mu.Lock()
	s.closed.Store(true)
	s.mu.Unlock()
	s.stop()
	s.tasks.Wait()
	s.pool.Close()
	return nil
}
