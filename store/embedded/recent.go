package embedded

import (
	"sync/atomic"

	"github.com/wayleave/wayleave/store"
)

const (
	recentSlots = 1 << 14
	recentValue = 4 << 10 // larger values are not kept
)

// recent holds rows that were used lately, each in the one slot that its key
// falls into. The next row there takes its place, so the memory is bounded and
// nothing has to be evicted.
//
// A slot never gives a state that another reader has already seen replaced:
// before a commit the writer covers the slots of what it is about to change,
// so that readers go to the file, where the change shows to all at once; after
// it, the slots get the new state. And a reader that comes back from the file
// fills a slot only if nobody has touched it since the reader set out.
type recent [recentSlots]slot

type slot struct{ now atomic.Pointer[kept] }

// kept is immutable, and each one that is stored is new, so that two equal
// pointers mean that nothing happened in between.
type kept struct {
	table   store.Table
	key     store.Key
	row     *row // nil: nothing is kept
	covered bool // a commit is under way: nobody may fill the slot
}

func (c *recent) slot(key store.Key) *slot {
	return &c[(int(key[0])<<8|int(key[1]))%recentSlots]
}

func (s *slot) load() *kept { return s.now.Load() }

func (k *kept) holds(table store.Table, key store.Key) *row {
	if k != nil && k.row != nil && k.key == key && k.table == table {
		return k.row
	}
	return nil
}

// learn keeps what was read from the file after seen was loaded.
func (s *slot) learn(seen *kept, table store.Table, key store.Key, r *row) {
	if len(r.value) <= recentValue && (seen == nil || !seen.covered) {
		s.now.CompareAndSwap(seen, &kept{table: table, key: key, row: r})
	}
}

// cover is called by the writer before it commits a change of the key.
func (s *slot) cover() { s.now.Store(&kept{covered: true}) }

// settle is called by the writer after it. Without a row it only uncovers. Of
// several changes in one slot the first to settle counts.
func (s *slot) settle(table store.Table, key store.Key, r *row) {
	if !s.load().covered {
		return
	}
	if r != nil && len(r.value) > recentValue {
		r = nil
	}
	s.now.Store(&kept{table: table, key: key, row: r})
}
