// Package index makes the keys under which records are stored: keyed hashes,
// so that a copy of the store tells nothing about who is in it.
//
// The key of these hashes is random, made once, and kept in the store itself,
// sealed. So it can outlive the ring keys that are rotated, and all processes
// that share a store agree on it.
package index

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wayleave/wayleave/internal/seal"
	"github.com/wayleave/wayleave/store"
)

// Table is where the index keeps its own key.
const Table = store.Table("meta")

const (
	purpose = seal.Purpose("index")
	// lifetime stands for "as long as the store": a record needs an expiry.
	lifetime = 20 * 365 * 24 * time.Hour
	// loadDeadline bounds how long the first requests wait for a store that does
	// not answer.
	loadDeadline = 5 * time.Second
)

// Index hashes names into keys. It reads its own key when first needed, so
// that a store that is down does not keep an app from starting. It is safe for
// concurrent use.
type Index struct {
	store store.Store
	ring  *seal.Ring
	known atomic.Pointer[hashes] // nil until the key is known
}

// hashes are HMACs with the index's own key, ready for use.
type hashes struct {
	key  []byte
	pool sync.Pool // of *hasher
}

// New returns an Index over a store.
func New(s store.Store, ring *seal.Ring) *Index { return &Index{store: s, ring: ring} }

// Key returns the key for a name of a kind, such as ('s', session id). Two
// kinds never share a key. It does not allocate once the index's own key is
// known. The error means that the store could not be read, or that it belongs
// to other ring keys.
func (x *Index) Key(ctx context.Context, kind byte, name []byte) (store.Key, error) {
	known := x.known.Load()
	if known == nil {
		var err error
		if known, err = x.load(ctx); err != nil {
			return store.Key{}, err
		}
	}
	h := known.pool.Get().(*hasher)
	defer known.pool.Put(h)
	return h.sum(kind, name), nil
}

// Confirm makes sure that the store still has the key that this process works
// with, and otherwise puts it back, or takes the one that is there instead. A
// store that lost what it held would be given another key by the next process to
// start, and neither would find what the other has written.
func (x *Index) Confirm(ctx context.Context) error {
	_, err := x.load(ctx)
	return err
}

// Join makes one name, for Key, of several. Each has its length before it, so
// that names which are parted elsewhere, or are more or fewer, never make the
// same, whatever is in them.
func Join(parts ...string) []byte {
	var b []byte
	for _, part := range parts {
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(part))), part...)
	}
	return b
}

// hasher is an HMAC with room for what goes in and comes out, kept for reuse:
// making one costs more than using it.
type hasher struct {
	mac hash.Hash
	in  []byte
	out [sha256.Size]byte
}

func (h *hasher) sum(kind byte, name []byte) store.Key {
	h.in = append(append(h.in[:0], kind), name...)
	h.mac.Reset()
	h.mac.Write(h.in)
	h.mac.Sum(h.out[:0])
	return h.out
}

// where the index keeps its own key.
var where = store.Key(sha256.Sum256([]byte("wayleave index key")))

// Made reports whether some index has used the store, without making one.
func Made(ctx context.Context, s store.Store) (bool, error) {
	_, _, found, err := s.Get(ctx, Table, where)
	return found, err
}

// load reads the key, or makes it if this is the first use of the store. Many
// may do so at once, in this process and others: the store lets one of them
// make it, and nobody waits for somebody else's slow answer.
func (x *Index) load(ctx context.Context) (*hashes, error) {
	ctx, cancel := context.WithTimeout(ctx, loadDeadline)
	defer cancel()
	known := x.known.Load()
	for range 3 {
		rec, version, found, err := x.store.Get(ctx, Table, where)
		if err != nil {
			return nil, fmt.Errorf("read the index key: %w", err)
		}
		if found {
			key, err := x.ring.Open(purpose, rec.Value)
			if err != nil {
				return nil, fmt.Errorf("open the index key, which was sealed with other keys than the configured ones: %w", err)
			}
			if by, err := seal.KeyOf(rec.Value); err == nil && by != x.ring.Active() {
				// Keys are being rotated: sealed by the first one, the
				// index outlives the others. If this fails, whoever
				// confirms it next does it.
				_, _ = x.store.Replace(ctx, Table, where, version, x.record(key))
			}
			return x.use(key), nil
		}
		key := make([]byte, sha256.Size)
		rand.Read(key)
		if known != nil {
			key = known.key
		}
		_, err = x.store.Create(ctx, Table, where, x.record(key))
		if err == nil {
			return x.use(key), nil
		}
		if !errors.Is(err, store.ErrConflict) {
			return nil, fmt.Errorf("write the index key: %w", err)
		}
		// Another process was first: read its key.
	}
	return nil, errors.New("the index key appears and disappears")
}

func (x *Index) record(key []byte) store.Record {
	return store.Record{Value: x.ring.Seal(purpose, key), Expires: time.Now().Add(lifetime)}
}

func (x *Index) use(key []byte) *hashes {
	if known := x.known.Load(); known != nil && bytes.Equal(known.key, key) {
		return known
	}
	made := &hashes{key: key, pool: sync.Pool{New: func() any { return &hasher{mac: hmac.New(sha256.New, key)} }}}
	x.known.Store(made)
	return made
}
