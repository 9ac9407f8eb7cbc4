package seal

import (
	"bytes"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
)

// KeyID names a ring key inside a message. It is derived from the key, so that
// it needs no configuration and says nothing about the key's bytes.
type KeyID [idSize]byte

// String is the id in hexadecimal. It is not secret.
func (id KeyID) String() string { return fmt.Sprintf("%x", id[:]) }

// Ring holds the keys: the first seals, all open. Make one with [NewRing]; the
// zero Ring panics when used. A Ring never changes and is safe for concurrent
// use. However it is printed, its keys are not.
type Ring struct {
	// A func, since reflection (fmt with unexported fields, dumps in test
	// failures) looks through structs, slices and pointers but not into it.
	keys func() []ringKey
}

type ringKey struct {
	id     KeyID
	secret []byte
}

// KeyError says why a key was refused.
type KeyError struct {
	Index  int    // position in the call to NewRing, from 0; -1: no key given
	Reason string // for people; carries no key bytes
}

func (e *KeyError) Error() string {
	if e.Index < 0 {
		return e.Reason
	}
	return fmt.Sprintf("key %d: %s", e.Index+1, e.Reason)
}

// NewRing makes a ring of copies of the given keys, each [KeySize] random
// bytes. To rotate, add the new key behind the current one everywhere, then
// move it to the front, then drop the old one when nothing sealed by it is
// needed any more. All mistakes are reported at once, each as a *KeyError in
// a joined error.
func NewRing(keys ...[]byte) (*Ring, error) {
	if len(keys) == 0 {
		return nil, &KeyError{Index: -1, Reason: "no key given; at least one is needed"}
	}
	var mistakes []error
	accepted := make([]ringKey, 0, len(keys))
	for i, key := range keys {
		reason := weakness(key)
		if reason == "" {
			reason = clash(accepted, key)
		}
		if reason != "" {
			mistakes = append(mistakes, &KeyError{Index: i, Reason: reason})
			continue
		}
		accepted = append(accepted, ringKey{id: idOf(key), secret: bytes.Clone(key)})
	}
	if len(mistakes) > 0 {
		return nil, errors.Join(mistakes...)
	}
	return &Ring{keys: func() []ringKey { return accepted }}, nil
}

// NewRandomRing makes a ring of one fresh key, for what need not outlive the
// process.
func NewRandomRing() *Ring {
	for {
		key := make([]byte, KeySize)
		rand.Read(key) // never fails: the runtime ends the program instead
		// One random key in 10^13 looks like text and is refused.
		if ring, err := NewRing(key); err == nil {
			return ring
		}
	}
}

// Active is the id of the key that seals.
func (r *Ring) Active() KeyID { return r.keys()[0].id }

// IDs are the ids of all keys, in ring order.
func (r *Ring) IDs() []KeyID {
	var ids []KeyID
	for _, key := range r.keys() {
		ids = append(ids, key.id)
	}
	return ids
}

// KeyOf returns the id of the key that a message was sealed with, or
// ErrMalformed. It does not open the message, which may be a forgery.
func KeyOf(sealed []byte) (KeyID, error) {
	if len(sealed) < Overhead() || sealed[0] != version {
		return KeyID{}, ErrMalformed
	}
	return KeyID(sealed[1 : 1+idSize]), nil
}

// Derive gives n secret bytes for each key, in ring order: the same for the same
// key, purpose, label and n in every process, and otherwise unrelated to what is
// sealed with it. It is for what several processes have to agree on without
// telling each other. It panics if n is above 8160.
func (r *Ring) Derive(p Purpose, label string, n int) [][]byte {
	var all [][]byte
	for _, key := range r.keys() {
		// No message has random bytes that are all zero.
		all = append(all, newEnvelope(p, key.id, key.secret, [randomSize]byte{}).Derive(label, n))
	}
	return all
}

func (r *Ring) secretOf(id KeyID) ([]byte, bool) {
	for _, key := range r.keys() {
		if key.id == id {
			return key.secret, true
		}
	}
	return nil, false
}

const hidden = "seal.Ring(hidden)"

// String keeps the keys out of text.
func (Ring) String() string { return hidden }

// GoString keeps the keys out of %#v.
func (Ring) GoString() string { return hidden }

// Format keeps the keys out of every other verb.
func (Ring) Format(f fmt.State, _ rune) { fmt.Fprint(f, hidden) }

// LogValue keeps the keys out of logs.
func (Ring) LogValue() slog.Value { return slog.StringValue(hidden) }

// weakness says what is wrong with a key by itself, or "". Text is refused
// because a passphrase, or hexadecimal that nobody decoded, has far less than
// 256 bits of randomness at the same length.
func weakness(key []byte) string {
	if len(key) != KeySize {
		return fmt.Sprintf("is %d bytes long, must be exactly %d", len(key), KeySize)
	}
	zero, text := true, true
	for _, c := range key {
		zero = zero && c == 0
		text = text && 0x20 <= c && c < 0x7f
	}
	switch {
	case zero:
		return "is all zeros"
	case text:
		return "is text, must be random bytes (decode hexadecimal or base64 first)"
	}
	return ""
}

// clash says why a key cannot join those already accepted, or "".
func clash(accepted []ringKey, key []byte) string {
	for _, other := range accepted {
		switch {
		case bytes.Equal(other.secret, key):
			return "is the same as an earlier key"
		case other.id == idOf(key):
			return "has the same id as an earlier key; make another one"
		}
	}
	return ""
}

func idOf(key []byte) KeyID {
	b, err := hkdf.Key(sha256.New, key, nil, string(fields("wayleave seal", "key id")), idSize)
	if err != nil {
		panic("seal: key id: " + err.Error()) // only for lengths that HKDF cannot give
	}
	return KeyID(b)
}
