package embedded

import (
	"errors"
	"io/fs"

	"go.etcd.io/bbolt"
)

// Most writes and bytes of values that share one commit.
const (
	BatchWrites = batchWrites
	BatchBytes  = batchBytes
)

// OnCommit puts f in the place of the commit, which it may call. It must be
// called before the first write.
func (s *Store) OnCommit(f func(commit func() error) error) {
	s.commit = func(tx *bbolt.Tx) error { return f(tx.Commit) }
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

// IsSystem reports whether err comes from the file system.
func IsSystem(err error) bool {
	_, ok := errors.AsType[*fs.PathError](err)
	return ok
}
