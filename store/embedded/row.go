package embedded

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/wayleave/wayleave/store"
)

// row is a record as the file has it. It is immutable once written.
type row struct {
	version store.Version
	expires int64 // in milliseconds since 1970, cut below
	lookups []store.Key
	value   []byte
}

// In the file: version (8 bytes), expires (8), number of look-up keys (1), the
// look-up keys, the value.
const rowHead = 8 + 8 + 1

// newRow copies the record, with its look-up keys in the order in which they
// can be compared and none of them twice.
func newRow(rec store.Record) *row {
	keys := slices.Clone(rec.Lookups)
	slices.SortFunc(keys, func(a, b store.Key) int { return bytes.Compare(a[:], b[:]) })
	return &row{
		expires: rec.Expires.UnixMilli(),
		lookups: slices.Clip(slices.Compact(keys)),
		value:   slices.Clip(bytes.Clone(rec.Value)),
	}
}

func (r *row) encode() []byte {
	b := make([]byte, 0, rowHead+len(r.lookups)*store.KeySize+len(r.value))
	b = binary.BigEndian.AppendUint64(b, uint64(r.version))
	b = binary.BigEndian.AppendUint64(b, uint64(r.expires))
	b = append(b, byte(len(r.lookups)))
	for _, k := range r.lookups {
		b = append(b, k[:]...)
	}
	return append(b, r.value...)
}

// decode reads what encode wrote. The value is still part of b.
func decode(b []byte) (*row, error) {
	if len(b) < rowHead {
		return nil, fmt.Errorf("%w: row of %d bytes", ErrDamaged, len(b))
	}
	r := &row{
		version: store.Version(binary.BigEndian.Uint64(b)),
		expires: int64(binary.BigEndian.Uint64(b[8:])),
	}
	n, b := int(b[16]), b[rowHead:]
	if n > store.MaxLookups || len(b) < n*store.KeySize {
		return nil, fmt.Errorf("%w: row with %d look-up keys in %d bytes", ErrDamaged, n, len(b))
	}
	if n > 0 {
		r.lookups = make([]store.Key, n)
	}
	for i := range r.lookups {
		b = b[copy(r.lookups[i][:], b):]
	}
	r.value = b
	return r, nil
}

// clone returns a row that outlives the transaction in which it was read.
func (r *row) clone() *row {
	c := *r
	c.value = slices.Clip(bytes.Clone(r.value))
	return &c
}

func (r *row) live(now time.Time) bool { return now.UnixMilli() < r.expires }

func (r *row) record() store.Record {
	return store.Record{Value: r.value, Expires: time.UnixMilli(r.expires).UTC(), Lookups: r.lookups}
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
