package memory

import (
	"bytes"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/wayleave/wayleave/store"
)

// name is where a record is, or a look-up key is registered.
type name struct {
	table store.Table
	key   store.Key
}

// node is the place of one record. What the record says is exchanged as a
// whole, so that a reader who holds a state is never surprised by a writer.
type node struct {
	name
	now   atomic.Pointer[state]
	place int    // in the shard's expiry heap
	links []link // in the index, one for each look-up key
}

// live returns the state of the record unless it has expired.
func (n *node) live(now time.Time) *state {
	if st := n.now.Load(); now.Before(st.record.Expires) {
		return st
	}
	return nil
}

// state is one written state of a record, immutable once it is in a node.
type state struct {
	record  store.Record
	version store.Version
	cost    int64 // in bytes, as Options counts them
}

// What a record and a look-up key take beside the value, in bytes, on 64-bit
// machines: a test compares them with the heap.
const (
	recordOverhead = 336
	lookupOverhead = 240
)

// newState copies the record, in a form in which two equal sets of look-up
// keys are equal slices.
func newState(rec store.Record) *state {
	value := bytes.Clone(rec.Value)
	keys := slices.Clone(rec.Lookups)
	slices.SortFunc(keys, func(a, b store.Key) int { return bytes.Compare(a[:], b[:]) })
	keys = slices.Compact(keys)
	return &state{
		record: store.Record{
			// Clipped, so that readers who append do not share the spare room.
			Value: slices.Clip(value),
			// Other stores can only keep the wall clock, so this one does too.
			Expires: rec.Expires.Round(0).UTC(),
			Lookups: slices.Clip(keys),
		},
		cost: int64(recordOverhead + cap(value) + lookupOverhead*len(keys)),
	}
}

// check enforces the limits of package store.
func check(rec store.Record) error {
	if err := rec.Check(); err != nil {
		return err
	}
	if !rec.Expires.Round(0).After(time.Now()) {
		return fmt.Errorf("%w: it expired at %s", store.ErrNoExpiry, rec.Expires.UTC().Format(time.RFC3339))
	}
	return nil
}
