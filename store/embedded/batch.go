package embedded

import (
	"errors"
	"slices"
	"time"

	"go.etcd.io/bbolt"

	"github.com/wayleave/wayleave/store"
)

// batch is one transaction of the file, with the work of many callers.
//
// Its methods for callers put what a caller must know into write.err, as long
// as nothing was changed for it; what they return ends the whole batch.
type batch struct {
	tx      *bbolt.Tx
	meta    *bbolt.Bucket
	due     *bbolt.Bucket
	dirty   bool // there is something to commit
	changed []change
}

// change is what the slots of recent rows have to learn.
type change struct {
	table store.Table
	key   store.Key
	row   *row // nil: removed
}

func newBatch(tx *bbolt.Tx) *batch {
	return &batch{tx: tx, meta: tx.Bucket(metaBucket), due: tx.Bucket(dueBucket)}
}

func (b *batch) create(w *write) error {
	was, err := read(b.tx, w.table, w.key)
	switch {
	case err != nil:
		w.err = err
		return nil
	case was != nil && was.live(time.Now()):
		w.err = store.ErrConflict
		return nil
	}
	return b.put(w, was)
}

func (b *batch) replace(w *write) error {
	was, err := read(b.tx, w.table, w.key)
	switch {
	case err != nil:
		w.err = err
		return nil
	case was == nil || !was.live(time.Now()) || was.version != w.old:
		w.err = store.ErrConflict
		return nil
	}
	return b.put(w, was)
}

// take removes the row and leaves it in w.row. One that has expired is left to
// the sweeper, which costs no caller a wait for the disk.
func (b *batch) take(w *write) error {
	w.row = nil
	was, err := read(b.tx, w.table, w.key)
	switch {
	case err != nil:
		w.err = err
		return nil
	case was == nil || !was.live(time.Now()):
		return nil
	}
	w.row = was.clone()
	return b.remove(w.table, w.key, w.row)
}

// put writes w.row in place of was, which may be nil.
func (b *batch) put(w *write, was *row) error {
	b.dirty = true
	version, err := b.meta.NextSequence()
	if err != nil {
		return err
	}
	w.row.version = store.Version(version)
	if was == nil {
		was = &row{expires: w.row.expires + 1}
	}
	if err := b.link(w, was.lookups); err != nil {
		return err
	}
	if w.row.expires < was.expires {
		if err := b.due.Put(dueKey(w.row.expires, w.table, w.key), nothing); err != nil {
			return err
		}
	}
	rows, err := b.tx.CreateBucketIfNotExists(rowBucket(w.table))
	if err != nil {
		return err
	}
	b.changed = append(b.changed, change{w.table, w.key, w.row})
	return rows.Put(w.key[:], w.row.encode())
}

// link makes the row be found by its look-up keys, and no longer by old ones.
func (b *batch) link(w *write, old []store.Key) error {
	if slices.Equal(w.row.lookups, old) {
		return nil
	}
	links, err := b.tx.CreateBucketIfNotExists(lookBucket(w.table))
	if err != nil {
		return err
	}
	for _, k := range old {
		if err := links.Delete(lookKey(k, w.key)); err != nil {
			return err
		}
	}
	for _, k := range w.row.lookups {
		if err := links.Put(lookKey(k, w.key), nothing); err != nil {
			return err
		}
	}
	return nil
}

// remove deletes a row and what leads to it. An entry in due that is earlier
// than the row's expiry stays until its time.
func (b *batch) remove(table store.Table, key store.Key, was *row) error {
	b.dirty = true
	links := b.tx.Bucket(lookBucket(table))
	for _, k := range was.lookups {
		if err := links.Delete(lookKey(k, key)); err != nil {
			return err
		}
	}
	b.changed = append(b.changed, change{table: table, key: key})
	return errors.Join(
		b.due.Delete(dueKey(was.expires, table, key)),
		b.tx.Bucket(rowBucket(table)).Delete(key[:]),
	)
}
