package memory

import (
	"sync/atomic"

	"github.com/wayleave/wayleave/store"
)

// bounds counts what all shards hold together. The counters are shared, not
// divided among the shards, so that no choice of keys fills the store early.
type bounds struct {
	maxRecords, maxBytes int64
	records, bytes       atomic.Int64
}

func (b *bounds) limit(o Options) {
	b.maxRecords, b.maxBytes = int64(o.MaxRecords), o.MaxBytes
	if b.maxRecords <= 0 {
		b.maxRecords = 1_000_000
	}
	if b.maxBytes <= 0 {
		b.maxBytes = 256 << 20
	}
	b.maxBytes = min(b.maxBytes, 1<<60) // so that no sum overflows
}

// grow counts what is about to be written, or reports that there is no room
// for it. wide gives the room that is kept for records that exist already.
func (b *bounds) grow(records, bytes int64, wide bool) bool {
	most := b.maxBytes
	if wide {
		most += most / 8
	}
	if !raise(&b.records, records, b.maxRecords) {
		return false
	}
	if !raise(&b.bytes, bytes, most) {
		b.records.Add(-records)
		return false
	}
	return true
}

func (b *bounds) shrink(records, bytes int64) {
	b.records.Add(-records)
	b.bytes.Add(-bytes)
}

func (b *bounds) clear() {
	b.records.Store(0)
	b.bytes.Store(0)
}

// raise adds to a counter if the sum is at most the limit.
func raise(n *atomic.Int64, by, limit int64) bool {
	for {
		old := n.Load()
		if old+by > limit {
			return false
		}
		if n.CompareAndSwap(old, old+by) {
			return true
		}
	}
}

// Stats is what a store holds.
type Stats struct {
	Records int   // of all tables, with those that have expired and are still there
	Bytes   int64 // as [Options] counts them
}

// Stats returns what the store holds now. It takes no lock.
func (s *Store) Stats() Stats {
	return Stats{Records: int(s.bounds.records.Load()), Bytes: s.bounds.bytes.Load()}
}

// Len returns how many records of a table the store holds, with those that
// have expired and are still there. What was deleted or taken does not count.
func (s *Store) Len(table store.Table) int {
	sum := 0
	for i := range s.shards {
		sum += s.shards[i].len(table)
	}
	return sum
}
