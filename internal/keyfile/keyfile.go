// Package keyfile keeps ring keys in a file that people can read and programs
// can change: one key a line, the first seals, all open.
//
//	# Keep this file secret.
//	wayleave-keys-1
//	KEY # id 090d67ad, added 2026-11-23T02:25:00Z, promoted 2026-11-23T02:26:10Z
//	KEY # id 5e0c11f2, added 2026-11-23T09:00:00Z
//
// KEY is 32 random bytes, as base64url when this package writes them, and in
// any usual base64 or hexadecimal when it reads them. What stands behind "#"
// may be left out; the id, where it is given, must be the key's own, so that a
// damaged line is noticed. Blank lines and other comments stay where they are.
//
// A file that holds nothing but one key, such as the output of
// "openssl rand -base64 32", is a ring of that key.
//
// [Read] gives the keys, [New] makes a file, [Update] changes one.
package keyfile

import (
	"crypto/rand"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/wayleave/wayleave/internal/seal"
)

// Error is a mistake in a key file, or one made with it.
type Error struct {
	File string
	Line int // from 1; 0 where it is about the file as a whole
	// Reason says what was expected, what came, and what to do. It carries no
	// part of any line.
	Reason string
}

func (e *Error) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("key file %s: %s", e.File, e.Reason)
	}
	return fmt.Sprintf("key file %s, line %d: %s", e.File, e.Line, e.Reason)
}

// File is a key file in memory. It is not safe for concurrent use while it is
// changed. However it is printed, its keys are not.
type File struct {
	path  string
	lines []line
}

// line is a key, or with a nil key a text that is kept as it is.
type line struct {
	text string
	key  *key
}

type key struct {
	Entry
	secret []byte
	note   string // what people wrote behind it
}

// Entry says about a key what is no secret.
type Entry struct {
	ID seal.KeyID
	// Added and Promoted are when the key came into the file and when it
	// became the one that seals. Zero: not known, or not yet.
	Added, Promoted time.Time
}

// Format keeps the keys out of every verb, and comments too, in which people
// keep old keys.
func (File) Format(w fmt.State, _ rune) { io.WriteString(w, "keyfile.File(hidden)") }

// Keys are copies of the keys in ring order, as [seal.NewRing] takes them.
func (f *File) Keys() [][]byte {
	var keys [][]byte
	for _, k := range f.keys() {
		keys = append(keys, slices.Clone(k.secret))
	}
	return keys
}

// Entries describes the keys, in ring order.
func (f *File) Entries() []Entry {
	var entries []Entry
	for _, k := range f.keys() {
		entries = append(entries, k.Entry)
	}
	return entries
}

// Waiting is the key that was added and has never been the one that seals. False:
// there is none, and the next step of a rotation is to add one.
func (f *File) Waiting() (Entry, bool) {
	entries := f.Entries()[1:]
	i := slices.IndexFunc(entries, func(e Entry) bool { return !e.Added.IsZero() && e.Promoted.IsZero() })
	if i < 0 {
		return Entry{}, false
	}
	return entries[i], true
}

// Add puts a new random key behind the others, where it opens and does not seal.
func (f *File) Add(now time.Time) Entry {
	for {
		secret := make([]byte, seal.KeySize)
		rand.Read(secret)
		ring, err := seal.NewRing(append(f.Keys(), secret)...)
		if err != nil {
			continue // its id is taken, or it looks like text: try another
		}
		ids := ring.IDs()
		added := &key{Entry: Entry{ID: ids[len(ids)-1], Added: now.UTC()}, secret: secret}
		f.lines = slices.Insert(f.lines, f.last()+1, line{key: added})
		return added.Entry
	}
}

// Promote moves a key to the front, where it seals.
func (f *File) Promote(id seal.KeyID, now time.Time) error {
	from, err := f.find(id)
	if err != nil {
		return err
	}
	to := f.first()
	if was := f.lines[to].key; was.Promoted.IsZero() {
		was.Promoted = was.Added // people moved it there: it is not waiting any more
	}
	promoted := f.lines[from]
	promoted.key.Promoted = now.UTC()
	f.lines = slices.Insert(slices.Delete(f.lines, from, from+1), to, promoted)
	return nil
}

// Drop removes a key for good. The one that seals is refused.
func (f *File) Drop(id seal.KeyID) error {
	i, err := f.find(id)
	if err != nil {
		return err
	}
	if i == f.first() {
		return &Error{File: f.path, Line: i + 1, Reason: fmt.Sprintf("key %s is the one that seals: rotate first, then drop it", id)}
	}
	f.lines = slices.Delete(f.lines, i, i+1)
	return nil
}

func (f *File) find(id seal.KeyID) (int, error) {
	i := slices.IndexFunc(f.lines, func(l line) bool { return l.key != nil && l.key.ID == id })
	if i < 0 {
		var ids []string
		for _, e := range f.Entries() {
			ids = append(ids, e.ID.String())
		}
		return 0, &Error{File: f.path, Reason: fmt.Sprintf("has no key %s, only %s", id, strings.Join(ids, ", "))}
	}
	return i, nil
}

func (f *File) keys() []*key {
	var keys []*key
	for _, l := range f.lines {
		if l.key != nil {
			keys = append(keys, l.key)
		}
	}
	return keys
}

func (f *File) first() int {
	return slices.IndexFunc(f.lines, func(l line) bool { return l.key != nil })
}

// last is the index of the last key, or of the last line where there is none yet.
func (f *File) last() int {
	for i, l := range slices.Backward(f.lines) {
		if l.key != nil {
			return i
		}
	}
	return len(f.lines) - 1
}
