// Package embedded keeps records in one file of this machine: call [Open].
// There is no server to run, a record that was written survives a crash of
// the process and of the machine, and a second process is refused. Programs
// that run more than one process use a store that can be shared.
//
// The file is a bbolt database, on a local disk that keeps its promise when it
// says that a write is safe. Its pages are used again after records end, so
// that it grows to its busiest day and not beyond; [Compact] makes it smaller
// while no program runs. What was deleted may stay readable in such a page
// until it is used again, sealed as it was. Copy the file only while no
// program has it open.
package embedded

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"go.etcd.io/bbolt"

	"github.com/wayleave/wayleave/store"
	"github.com/wayleave/wayleave/store/memory"
)

// Claims is the one table that is kept in memory alone. A claim lives for
// minutes, guards a login of this very process, and would cost a write to the
// disk for each callback: the [store.Store.SingleProcess] rule ties pending
// logins to the process, so claims may end with it.
const Claims = store.Table("claim")

// Options adjusts a store. The zero value suits most programs.
type Options struct {
	// Wait is how long Open waits for another process to let go of the file,
	// for instance one that is just ending. Zero or less: one second.
	Wait time.Duration
	// Claims bounds the memory for the table [Claims].
	Claims memory.Options
}

// Store is a [store.Store] in one file, safe for concurrent use. Make it with
// [Open]. It keeps some recently used records in memory as well, 16,384 of up to
// 4 KiB each, so that reading them costs no look into the file.
type Store struct {
	db     *bbolt.DB
	file   *os.File // that db has open
	head   int64    // bytes that every transaction reads first
	claims *memory.Store
	recent recent

	queue   chan *write
	closing chan struct{} // closed by Close
	ended   chan struct{} // closed by the writer
	close   func() error  // once

	// commit is replaced by tests that need a disk which fails.
	commit func(*bbolt.Tx) error
	// broken is why nothing can be written any more. The writer's own.
	broken error
}

var _ store.Store = (*Store)(nil)

// Open opens the store in the file, which it creates with mode 0600 if it is
// missing; the directory must exist. It returns [ErrInUse], [ErrExposed],
// [ErrForeign] or [ErrDamaged] with a text that names the cure, or an error of
// the file system, and in none of these cases has it changed the file.
func Open(path string, o Options) (*Store, error) {
	db, file, err := openFile(path, wait(o.Wait), true)
	if err != nil {
		return nil, fmt.Errorf("open store %s: %w", path, err)
	}
	s := &Store{
		db:      db,
		file:    file,
		head:    2 * int64(db.Info().PageSize),
		claims:  memory.New(o.Claims),
		queue:   make(chan *write),
		closing: make(chan struct{}),
		ended:   make(chan struct{}),
		commit:  (*bbolt.Tx).Commit,
	}
	s.close = sync.OnceValue(s.shut)
	go s.run()
	return s, nil
}

func wait(d time.Duration) time.Duration { return cmp.Or(max(d, 0), time.Second) }

// SingleProcess is true: the file is locked while the store is open.
func (s *Store) SingleProcess() bool { return true }

// Close implements [store.Store]: it waits for the writes that have begun.
func (s *Store) Close() error { return s.close() }

func (s *Store) shut() error {
	close(s.closing)
	<-s.ended
	return errors.Join(s.claims.Close(), s.db.Close())
}
