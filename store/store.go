// Package store is the contract between Wayleave and the place where it keeps
// things. Most programs never import it: they name a store in their
// configuration and get one that passes [github.com/wayleave/wayleave/store/storetest].
//
// A store holds opaque, already sealed bytes under already hashed keys. It
// never learns what a record means, and a copy of it is of no use without the
// keys that are kept elsewhere.
package store

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"
)

// KeySize is the length of a Key in bytes.
const KeySize = 32

// Key names one record. The caller makes it by hashing (usually with a keyed
// hash), so that neither the key nor a look-up key tells anything about what
// it names.
type Key [KeySize]byte

// String returns the first bytes of the key in hexadecimal: enough to tell two
// records apart in a log, not enough to use.
func (k Key) String() string { return hex.EncodeToString(k[:4]) }

// Table separates records of different meaning that could share a key, and
// lets a store expire or count them apart. Tables are few, fixed in the
// program, and made of lower-case ASCII letters.
type Table string

// Version identifies one written state of a record: no two writes under one
// key ever have the same, not even with a deletion in between or after a
// restart. Zero is no version. It has no order that callers may rely on.
type Version uint64

// Record is what a store keeps under a key.
type Record struct {
	// Value is opaque to the store. The store copies it on the way in and
	// the caller must not change what Get returned.
	Value []byte
	// Expires is when the record stops existing: from then on Get, Replace,
	// Take and Lookup act as if it had been deleted, whether or not the
	// store has removed it yet. The zero time is refused with ErrNoExpiry:
	// nothing here lives for ever. A store keeps it to the millisecond at
	// least, and may end a record that much earlier, never later.
	Expires time.Time
	// Lookups are the secondary keys under which Lookup finds this record.
	// They are replaced as a whole by each write. At most MaxLookups,
	// repeated ones counted.
	Lookups []Key
}

// Check returns ErrTooLarge or ErrNoExpiry, wrapped with the numbers, for a
// record that no store takes, whatever the time is. Stores call it before they
// write. That Expires is in the future is for each of them to check, by the
// clock that it expires records with.
func (r Record) Check() error {
	switch {
	case len(r.Value) > MaxValue:
		return fmt.Errorf("%w: value of %d bytes, at most %d", ErrTooLarge, len(r.Value), MaxValue)
	case len(r.Lookups) > MaxLookups:
		return fmt.Errorf("%w: %d look-up keys, at most %d", ErrTooLarge, len(r.Lookups), MaxLookups)
	case r.Expires.IsZero():
		return ErrNoExpiry
	}
	return nil
}

// Limits that every store enforces, so that a program that works with one
// works with all.
const (
	// MaxValue is the largest Value in bytes.
	MaxValue = 256 << 10
	// MaxLookups is the most secondary keys one record can have.
	MaxLookups = 8
)

// Errors that callers branch on. A store wraps them with what it was doing.
// Every other error means that the store could not do the work, now or at
// all: callers answer 503 and must never read it as "not there".
var (
	// ErrConflict: Create found a live record, or Replace found another
	// version than the one given (or none).
	ErrConflict = errors.New("record exists or has changed")
	// ErrFull: the store is bounded and cannot take the record. Create and
	// Replace return it.
	ErrFull = errors.New("store is full")
	// ErrTooLarge: the value is longer than MaxValue or there are more than MaxLookups.
	ErrTooLarge = errors.New("record is too large")
	// ErrNoExpiry: a record without an expiry, or one that has already expired.
	ErrNoExpiry = errors.New("record has no expiry in the future")
	// ErrClosed: the store was closed.
	ErrClosed = errors.New("store is closed")
)

// Store keeps records. All methods are safe for concurrent use, honour ctx
// (an ended one is an error that wraps its cause, and nothing is written), and
// retry transient errors themselves where that is safe: what they return
// cannot be helped by calling again at once. Absence is not an error.
type Store interface {
	// Get returns the live record under key with the version needed to
	// replace it, or found=false. rec.Value has no spare capacity, so that
	// appending to it copies.
	Get(ctx context.Context, table Table, key Key) (rec Record, v Version, found bool, err error)

	// Create writes a record if no live one exists under key, atomically
	// for all users of the store, or returns ErrConflict. It is what makes
	// an authorization code be redeemed once.
	Create(ctx context.Context, table Table, key Key, rec Record) (Version, error)

	// Replace writes a record if the live one still has version old, or
	// returns ErrConflict. A record that was deleted is not brought back: a
	// slow request cannot undo a logout.
	Replace(ctx context.Context, table Table, key Key, old Version, rec Record) (Version, error)

	// Delete removes the record. Deleting what is not there is no error.
	Delete(ctx context.Context, table Table, key Key) error

	// Take returns the live record and removes it, atomically: of many
	// concurrent callers at most one gets it.
	Take(ctx context.Context, table Table, key Key) (rec Record, found bool, err error)

	// Lookup returns the keys of live records of table that carry the
	// secondary key, at most limit (1 to 1000), in no particular order.
	// more tells whether the limit cut the list.
	Lookup(ctx context.Context, table Table, secondary Key, limit int) (keys []Key, more bool, err error)

	// Scan returns the keys of live records of a table, a page at a time: an
	// empty cursor begins, and an empty next ends. Each record that lives from
	// the first call to the last is returned at least once; one that is written
	// or removed meanwhile may be or not. limit (1 to 1000) is about how many a
	// page holds; a page may hold none and not be the last. A cursor is of use
	// to the store that made it, for minutes at least; another one is an error.
	Scan(ctx context.Context, table Table, cursor string, limit int) (keys []Key, next string, err error)

	// SingleProcess reports that only this process uses the records. Such a
	// store may keep short-lived claims in memory alone; in return pending
	// logins are tied to the process, so that a restart ends them instead of
	// forgetting which of them were already used.
	SingleProcess() bool

	// Close ends every goroutine the store started and releases what it
	// holds. It is safe to call twice; after it all methods return ErrClosed.
	Close() error
}

// Adviser is a Store that can say what is wrong with the configuration of its
// servers, such as that they may evict records.
type Adviser interface {
	Store
	// Check returns sentences for the operator; err says that the servers
	// could not be asked, or not all of them.
	Check(ctx context.Context) (warnings []string, err error)
}

// Follower is a Store of many processes that tells each of them which records
// the others have ended, so that they may use for a while what they have read
// without asking again.
type Follower interface {
	Store

	// Follow calls ended with the key of each record of the table that any
	// process deletes or takes from then on, and may call it for records that
	// changed otherwise. It calls missed when it may have missed some, such as
	// after a lost connection. Both are called one at a time and must return
	// at once. Follow itself returns at once, connects in the background, and
	// connects again when it has to, until stop is called or the store closed.
	//
	// current returns a moment of the past by this process's monotonic clock:
	// what was acknowledged as deleted or taken before it has been told, unless
	// missed was called. While all is well it is less than half a second ago.
	// The zero time means that nothing is known. current is cheap, and safe for
	// concurrent use.
	Follow(table Table, ended func(Key), missed func()) (current func() time.Time, stop func())
}
