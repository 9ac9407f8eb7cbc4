package embedded

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"syscall"
	"time"

	"go.etcd.io/bbolt"

	"github.com/wayleave/wayleave/store"
)

const (
	// A batch is large enough that the wait for the disk is shared by all who
	// came while the last one was written, and small enough that nobody waits
	// long for the others.
	batchWrites = 256
	batchBytes  = 4 << 20
)

// write is what one caller wants. The caller fills it in and lets go of it
// until done is closed, or for good if it does not wait that long.
type write struct {
	ctx   context.Context
	table store.Table
	key   store.Key
	old   store.Version
	row   *row // to be written, or that was taken
	apply func(*batch, *write) error
	err   error
	done  chan struct{}
}

// do hands the work to the writer and waits for the disk. If ctx ends before
// the writer gets to it, nothing is written. If ctx ends later, do returns at
// once as well: a disk that hangs must not hold every request of the program.
func (s *Store) do(ctx context.Context, w *write) error {
	if err := s.usable(ctx); err != nil {
		return err
	}
	w.ctx, w.done = ctx, make(chan struct{})
	select {
	case s.queue <- w:
	case <-ctx.Done():
		return ctx.Err()
	case <-s.closing:
		return store.ErrClosed
	}
	select {
	case <-w.done:
		return w.err
	case <-ctx.Done():
		return fmt.Errorf("the disk has not confirmed the write, which may still happen: %w", ctx.Err())
	}
}

// run is the only goroutine that writes to the file.
func (s *Store) run() {
	defer close(s.ended)
	sweeper := sweeper{sweepRows}
	sweep := time.NewTimer(sweepEvery)
	defer sweep.Stop()
	for {
		select {
		case w := <-s.queue:
			s.work(s.gather(w))
		case <-sweep.C:
			sweep.Reset(sweeper.step(s))
		case <-s.closing:
			return
		}
	}
}

// gather returns the first write with all others that are waiting, and those
// that come as soon as they get a chance to run: the callers whom the last
// commit has answered are often just about to write again, and better off in
// this one than waiting for it.
func (s *Store) gather(first *write) []*write {
	ws, size := []*write{first}, first.size()
	for fresh := true; len(ws) < batchWrites && size < batchBytes; {
		select {
		case w := <-s.queue:
			ws, size, fresh = append(ws, w), size+w.size(), true
			continue
		default:
		}
		if !fresh {
			break
		}
		fresh = false
		runtime.Gosched()
	}
	return ws
}

func (w *write) size() int {
	if w.row == nil {
		return 0
	}
	return len(w.row.value)
}

// work does what the callers want in one transaction. If that fails it fails
// for all of them, even for those who met a conflict: it may have been with
// something that is not written now.
func (s *Store) work(ws []*write) {
	err := s.update(func(b *batch) error {
		for _, w := range ws {
			if w.err = w.ctx.Err(); w.err != nil {
				continue
			}
			if err := w.apply(b, w); err != nil {
				return err
			}
		}
		return nil
	})
	// A damaged page fails only those who need it, and a full disk only those
	// for whom the pages that the last commit freed are not enough.
	if len(ws) > 1 && (errors.Is(err, ErrDamaged) || noRoom(err)) {
		for _, w := range ws {
			s.work([]*write{w})
		}
		return
	}
	for _, w := range ws {
		if err != nil {
			w.err = err
		}
		close(w.done)
	}
}

// update runs fn in one transaction and returns when the disk has it, or when
// nothing of it will remain.
func (s *Store) update(fn func(*batch) error) error {
	if s.broken != nil {
		return s.broken
	}
	if err := s.whole(); err != nil {
		return err
	}
	tx, err := s.db.Begin(true)
	if err != nil {
		return err
	}
	var b *batch
	err = guarded(func() error {
		b = newBatch(tx)
		return fn(b)
	})
	if err != nil || !b.dirty {
		return errors.Join(err, tx.Rollback())
	}
	for _, c := range b.changed {
		s.recent.slot(c.key).cover()
	}
	id := tx.ID()
	if err = guarded(func() error { return s.commit(tx) }); err != nil {
		_ = tx.Rollback() // is an error where the commit has done it
		s.distrust(err, id)
	}
	for _, c := range slices.Backward(b.changed) { // the last change of a row is the one that shows
		if err != nil {
			c.row = nil
		}
		s.recent.slot(c.key).settle(c.table, c.key, c.row)
	}
	if noRoom(err) {
		return fmt.Errorf("the store file cannot grow, make room on its disk (what was confirmed is safe): %w", err)
	}
	return err
}

func noRoom(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG)
}

// distrust ends all writing if a failed commit makes it unsafe. That is so if
// the transaction shows although it failed, because only the last wait for the
// disk did: the disk may have another state then than we read, and one more
// write could destroy both.
func (s *Store) distrust(failure error, id int) {
	err := s.view(func(tx *bbolt.Tx) error {
		if tx.ID() >= id {
			return errors.New("the disk did not confirm a write that has reached the file: check the disk and restart")
		}
		return nil
	})
	if err != nil || errors.Is(failure, ErrDamaged) {
		s.broken = errors.Join(err, failure)
	}
}
