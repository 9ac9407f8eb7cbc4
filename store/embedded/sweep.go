package embedded

import (
	"fmt"
	"slices"
	"time"
)

const (
	sweepRows  = batchWrites           // at most, in one transaction: callers wait no longer than for each other
	sweepEvery = time.Second           // while nothing expires
	sweepAgain = 20 * time.Millisecond // while there is more to remove, which keeps pace with any crowd
)

// sweeper removes rows that have expired, in steps between which callers have
// their turn. The writer's own.
type sweeper struct{ rows int } // in the next step

// step removes some of what has expired and returns when to go on. What goes
// wrong is tried again then; callers who write meet the same error.
//
// On a full disk a large step has no room to be written, but a small one has,
// in the pages that the last one freed, and so the store helps itself.
func (sw *sweeper) step(s *Store) time.Duration {
	var more bool
	err := s.update(func(b *batch) (err error) {
		more, err = b.sweep(sw.rows)
		return err
	})
	switch {
	case err != nil:
		sw.rows = max(sw.rows/4, 1)
		return sweepEvery
	case more:
		sw.rows = min(sw.rows*2, sweepRows)
		return sweepAgain
	}
	return sweepEvery
}

// sweep removes rows that have expired, at most that many, and reports
// whether there may be more.
func (b *batch) sweep(most int) (more bool, err error) {
	now := time.Now()
	var entries [][]byte
	c := b.due.Cursor()
	for k, _ := c.First(); k != nil && len(entries) < most; k, _ = c.Next() {
		if expires, _, _ := parseDue(k); expires > now.UnixMilli() {
			break
		}
		entries = append(entries, slices.Clone(k))
	}
	for _, k := range entries {
		if err := b.settle(k, now); err != nil {
			return false, fmt.Errorf("remove expired records: %w", err)
		}
	}
	return len(entries) == most, nil
}

// settle deals with an entry of due whose time has come.
func (b *batch) settle(entry []byte, now time.Time) error {
	b.dirty = true
	if err := b.due.Delete(entry); err != nil {
		return err
	}
	_, table, key := parseDue(entry)
	was, err := read(b.tx, table, key)
	switch {
	case err != nil || was == nil: // a damaged row is for the one who asks for it
		return nil
	case was.live(now):
		return b.due.Put(dueKey(was.expires, table, key), nothing)
	}
	return b.remove(table, key, was)
}
