package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"log/slog"
	"strconv"
	"sync/atomic"
)

// Seal encrypts plaintext under the ring's first key. aad is what the message
// belongs to (a host, a table and row, a cookie name); it is not stored, and
// Open must be given the same strings in the same order. Purposes and aad are
// length-prefixed: ("a", "bc") and ("ab", "c") differ.
func (r *Ring) Seal(p Purpose, plaintext []byte, aad ...string) []byte {
	return r.NewEnvelope(p).Seal(plaintext, aad...)
}

// Open decrypts what Seal made for the same purpose and aad. The error is
// ErrMalformed, ErrUnknownKey or ErrTampered; to a stranger all three are
// answered alike.
func (r *Ring) Open(p Purpose, sealed []byte, aad ...string) ([]byte, error) {
	_, plaintext, err := r.OpenEnvelope(p, sealed, aad...)
	return plaintext, err
}

// Envelope is one message in the making, or one that was opened, for a caller
// that needs further secrets tied to it. Its methods are safe for concurrent
// use.
type Envelope struct {
	purpose Purpose
	id      KeyID
	random  [randomSize]byte
	secret  *[sha256.Size]byte // HKDF's pseudorandom key; a pointer, so that fmt shows an address
	sealed  atomic.Bool
}

// NewEnvelope draws the random bytes of a message to be.
func (r *Ring) NewEnvelope(p Purpose) *Envelope {
	var random [randomSize]byte
	rand.Read(random[:]) // never fails: the runtime ends the program instead
	active := r.keys()[0]
	return newEnvelope(p, active.id, active.secret, random)
}

// OpenEnvelope is Open for a caller that also needs the values it derived
// when sealing. The opened envelope seals nothing: its key was used.
func (r *Ring) OpenEnvelope(p Purpose, sealed []byte, aad ...string) (*Envelope, []byte, error) {
	if len(sealed) < Overhead() || sealed[0] != version {
		return nil, nil, ErrMalformed
	}
	id := KeyID(sealed[1:])
	secret, ok := r.secretOf(id)
	if !ok {
		return nil, nil, ErrUnknownKey
	}
	e := newEnvelope(p, id, secret, [randomSize]byte(sealed[1+idSize:]))
	e.sealed.Store(true)
	plaintext, err := e.cipher().Open(nil, e.nonce(), sealed[headerSize:], e.associated(aad))
	if err != nil {
		return nil, nil, ErrTampered
	}
	return e, plaintext, nil
}

func newEnvelope(p Purpose, id KeyID, key []byte, random [randomSize]byte) *Envelope {
	if p == "" {
		panic("seal: empty purpose")
	}
	prk, err := hkdf.Extract(sha256.New, key, random[:])
	if err != nil {
		panic("seal: " + err.Error()) // only for keys shorter than NewRing accepts
	}
	return &Envelope{purpose: p, id: id, random: random, secret: (*[sha256.Size]byte)(prk)}
}

// Random is the message's random bytes. They travel in clear and name the
// message uniquely.
func (e *Envelope) Random() [randomSize]byte { return e.random }

// Derive gives n secret bytes that belong to this message: the same for the
// same label and n each time, also after opening, and otherwise unrelated to
// each other and to the key that seals. It panics if n is above 8160.
func (e *Envelope) Derive(label string, n int) []byte {
	return e.expand(n, "derive", label)
}

// Seal encrypts plaintext as [Ring.Seal] does. A second call, or one on an
// opened envelope, panics: it would use one key and nonce for two messages,
// which gives both away.
func (e *Envelope) Seal(plaintext []byte, aad ...string) []byte {
	if e.sealed.Swap(true) {
		panic("seal: an envelope seals once")
	}
	out := make([]byte, 0, Overhead()+len(plaintext))
	out = append(out, version)
	out = append(out, e.id[:]...)
	out = append(out, e.random[:]...)
	return e.cipher().Seal(out, e.nonce(), plaintext, e.associated(aad))
}

func (e *Envelope) cipher() cipher.AEAD {
	block, err := aes.NewCipher(e.expand(KeySize, "key", ""))
	if err != nil {
		panic("seal: " + err.Error()) // only for other key sizes
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		panic("seal: " + err.Error()) // only for other block sizes
	}
	return gcm
}

func (e *Envelope) nonce() []byte { return e.expand(nonceSize, "nonce", "") }

// expand is HKDF-Expand. The length is part of the label: HKDF's shorter
// output is otherwise the beginning of the longer one.
func (e *Envelope) expand(n int, use, label string) []byte {
	info := fields("wayleave seal", strconv.Itoa(version), string(e.purpose), use, label, strconv.Itoa(n))
	b, err := hkdf.Expand(sha256.New, e.secret[:], string(info), n)
	if err != nil {
		panic("seal: " + err.Error()) // only for lengths that HKDF cannot give
	}
	return b
}

func (e *Envelope) associated(aad []string) []byte {
	own := []string{string([]byte{version}), string(e.purpose), string(e.id[:])}
	return fields(append(own, aad...)...)
}

// fields joins strings so that no two lists give the same bytes: each is
// preceded by its length.
func fields(list ...string) []byte {
	size := 0
	for _, s := range list {
		size += 4 + len(s)
	}
	b := make([]byte, 0, size)
	for _, s := range list {
		b = binary.BigEndian.AppendUint32(b, uint32(len(s)))
		b = append(b, s...)
	}
	return b
}

const hiddenEnvelope = "seal.Envelope(hidden)"

// Format keeps the derived secrets out of text, whatever the verb.
func (*Envelope) Format(f fmt.State, _ rune) { fmt.Fprint(f, hiddenEnvelope) }

// LogValue keeps the derived secrets out of logs.
func (*Envelope) LogValue() slog.Value { return slog.StringValue(hiddenEnvelope) }
