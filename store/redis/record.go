package redis

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/wayleave/wayleave/store"
)

// A record under its key is, in bytes:
//
//	1      format, 1
//	8      version
//	6      expiry in milliseconds since 1970
//	1      how many look-up keys follow
//	32 n   look-up keys
//	32     its own key
//	1 + n  its own table, length first
//	       value
//
// It names itself so that an answer to another question is never taken for it.
// The scripts read what is before the key, at fixed places.
const (
	format    = 1
	headSize  = 1 + 8 + 6 + 1
	headLimit = headSize + store.MaxLookups*store.KeySize
	maxExpiry = 1<<48 - 1 // in the year 10889
)

var (
	errForeign = errors.New("the server's answer belongs to another request")
	errFormat  = errors.New("the server holds something else under the key of a record")
)

// check enforces the limits of package store, but for the clock, which is the
// server's to read. Times before 1970 have no place in the format.
func check(rec store.Record) error {
	if err := rec.Check(); err != nil {
		return err
	}
	if rec.Expires.Unix() <= 0 {
		return store.ErrNoExpiry
	}
	return nil
}

// expiry returns when the record ends, in the unit that the server counts in.
func expiry(rec store.Record) int64 {
	if rec.Expires.After(time.UnixMilli(maxExpiry)) { // UnixMilli is not defined for all times
		return maxExpiry
	}
	return rec.Expires.UnixMilli()
}

// distinct returns the keys without repetitions.
func distinct(keys []store.Key) []store.Key {
	keys = slices.SortedFunc(slices.Values(keys), func(a, b store.Key) int { return bytes.Compare(a[:], b[:]) })
	return slices.Clip(slices.Compact(keys))
}

func encode(at name, v store.Version, rec store.Record, lookups []store.Key) []byte {
	b := make([]byte, 0, headLimit+store.KeySize+1+len(at.table)+len(rec.Value))
	b = append(b, format)
	b = binary.BigEndian.AppendUint64(b, uint64(v))
	ms := binary.BigEndian.AppendUint64(nil, uint64(expiry(rec)))
	b = append(b, ms[2:]...)
	b = append(b, byte(len(lookups)))
	for _, k := range lookups {
		b = append(b, k[:]...)
	}
	b = append(b, at.key[:]...)
	b = append(b, byte(len(at.table)))
	b = append(b, at.table...)
	return append(b, rec.Value...)
}

// head is the part of a record that scripts know.
type head struct {
	version store.Version
	expires time.Time
	lookups []store.Key
}

// parseHead also returns what follows. It copes with any bytes.
func parseHead(b []byte) (h head, rest []byte, err error) {
	if len(b) < headSize || b[0] != format {
		return head{}, nil, errFormat
	}
	n := int(b[headSize-1])
	if n > store.MaxLookups || len(b) < headSize+n*store.KeySize {
		return head{}, nil, errFormat
	}
	h.version = store.Version(binary.BigEndian.Uint64(b[1:]))
	h.expires = time.UnixMilli(int64(binary.BigEndian.Uint64(b[7:]) & maxExpiry)).UTC()
	rest = b[headSize:]
	for range n {
		h.lookups = append(h.lookups, store.Key(rest[:store.KeySize]))
		rest = rest[store.KeySize:]
	}
	return h, rest, nil
}

// decode also checks that the record is the one that was asked for. It copes
// with any bytes, and the value is a part of them.
func decode(at name, b []byte) (store.Record, store.Version, error) {
	h, rest, err := parseHead(b)
	if err != nil {
		return store.Record{}, 0, err
	}
	if len(rest) < store.KeySize+1 || len(rest) < store.KeySize+1+int(rest[store.KeySize]) {
		return store.Record{}, 0, errFormat
	}
	key, rest := rest[:store.KeySize], rest[store.KeySize:]
	table, value := rest[1:1+int(rest[0])], rest[1+int(rest[0]):]
	if !bytes.Equal(key, at.key[:]) || string(table) != string(at.table) {
		return store.Record{}, 0, errForeign
	}
	return store.Record{Value: slices.Clip(value), Expires: h.expires, Lookups: h.lookups}, h.version, nil
}

// name is where a record is, or a look-up key is registered.
type name struct {
	table store.Table
	key   store.Key
}

func newName(table store.Table, key store.Key) (name, error) {
	if table == "" || len(table) > 32 || strings.Trim(string(table), "abcdefghijklmnopqrstuvwxyz") != "" {
		return name{}, fmt.Errorf("table %q is not 1 to 32 lower-case letters", table)
	}
	return name{table, key}, nil
}

// in returns the key of the record. There is no hash tag in it: records spread
// over the whole cluster.
func (n name) in(prefix string) string {
	return prefix + ":" + string(n.table) + ":" + hex.EncodeToString(n.key[:])
}

// setIn returns the key of the set of records that carry n as a look-up key.
func (n name) setIn(prefix string) string {
	return prefix + ":" + string(n.table) + ".by:" + hex.EncodeToString(n.key[:])
}

// newVersion returns a version that was never given before under any key, and
// that is above old: the time in seconds, then 32 random bits. A counter would
// need a place to live, and would begin again when the record is deleted or
// evicted, or when a failover loses its last steps. The time in it tells how
// long an entry of a look-up set has waited for its record.
func newVersion(old store.Version) store.Version {
	v := store.Version(uint64(uint32(time.Now().Unix()))<<32 | uint64(rand.Uint32()))
	if v <= old && old+1<<24 > old {
		v = old + 1 + store.Version(rand.Uint32N(1<<24-1))
	}
	return max(v, 1)
}

// age is how long ago a version was made, in this process's eyes.
func age(v store.Version) time.Duration {
	return time.Since(time.Unix(int64(v>>32), 0))
}

// text is the version as it stands in records and entries.
func text(v store.Version) string {
	return string(binary.BigEndian.AppendUint64(nil, uint64(v)))
}
