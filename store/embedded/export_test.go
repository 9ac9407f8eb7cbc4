package embedded

import (
	"context"
	"errors"

	"go.etcd.io/bbolt"

	"github.com/wayleave/wayleave/store"
)

// Most writes and bytes of values that share one commit.
const (
	BatchWrites = batchWrites
	BatchBytes  = batchBytes
)

// OnCommit puts f in the place of the commit, which it may call. Nobody may
// write meanwhile.
func (s *Store) OnCommit(f func(commit func() error) error) {
	s.commit = func(tx *bbolt.Tx) error { return f(tx.Commit) }
	// A call that changes nothing, so that the writer certainly knows.
	_ = s.do(context.Background(), &write{table: "none", apply: (*batch).take})
}

// Contents counts the entries of the file by kind.
func (s *Store) Contents() (rows, links, due int, err error) {
	err = s.db.View(func(tx *bbolt.Tx) error {
		return tx.ForEach(func(name []byte, b *bbolt.Bucket) error {
			switch n := b.Stats().KeyN; {
			case string(name) == "due":
				due += n
			case string(name[:4]) == "row/":
				rows += n
			case string(name[:5]) == "look/":
				links += n
			}
			return nil
		})
	})
	return rows, links, due, err
}

// Verify checks every page of the file and every row's entries.
func (s *Store) Verify() (err error) {
	return s.db.View(func(tx *bbolt.Tx) error {
		for e := range tx.Check() {
			err = errors.Join(err, e)
		}
		return err
	})
}

// Forget empties the slots of recent records.
func (s *Store) Forget() {
	for i := range s.recent {
		s.recent[i].now.Store(nil)
	}
}

// Path returns the name of the file.
func (s *Store) Path() string { return s.db.Path() }

// Hurry lets commits not wait for the disk, to fill a store for a benchmark.
func (s *Store) Hurry(on bool) {
	s.db.NoSync = on
	if !on {
		_ = s.db.Sync()
	}
}

// ForgetOne empties the slot of a key.
func (s *Store) ForgetOne(k store.Key) { s.recent.slot(k).now.Store(nil) }

// Commits returns how many transactions the file has seen.
func (s *Store) Commits() (n int) {
	_ = s.db.View(func(tx *bbolt.Tx) error {
		n = tx.ID()
		return nil
	})
	return n
}
