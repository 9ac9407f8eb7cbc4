// Package seal is the only place where this program encrypts. Most callers
// need a [Ring], its Seal and its Open, and one [Purpose] constant of their
// own:
//
//	sealed := ring.Seal("return-cookie", plaintext, baseURL)
//	plaintext, err := ring.Open("return-cookie", sealed, baseURL)
//
// A sealed message is
//
//	version (1) ‖ key id (4) ‖ random (24) ‖ AES-256-GCM ciphertext and tag
//
// HKDF-SHA256 (RFC 5869) over the ring key that the key id names, with the
// random bytes as salt and one label each, gives this message's own AES key
// and GCM nonce. Random nonces under one key would wear it out after 2^32
// messages, which is one day of flood for a public login page; with a key of
// its own for each message there is no such limit.
//
// The purpose is part of the labels and of the associated data, so that what
// was sealed for one purpose opens for no other.
//
// The nonce is derived, not drawn by the cipher, which the Go runtime forbids
// in its strictest FIPS mode: Seal and Open work under GODEBUG=fips140=on and
// panic under fips140=only.
package seal

import (
	"encoding/base64"
	"errors"
)

// Sizes in bytes.
const (
	KeySize    = 32 // of a ring key
	idSize     = 4
	randomSize = 24
	headerSize = 1 + idSize + randomSize
	nonceSize  = 12
	tagSize    = 16
)

// version is the first byte of each message. Anything about the format that
// changes, labels included, takes another number.
const version = 1

// Overhead is by how many bytes a sealed message exceeds its plaintext.
func Overhead() int { return headerSize + tagSize }

// Purpose says what a message is for. It is a constant in the source, never
// input; the empty purpose panics.
type Purpose string

// Why a message does not open. None of the texts carries any of its bytes.
var (
	// ErrMalformed means that this was never a message of ours: too short, of
	// an unknown version, or not base64url.
	ErrMalformed = errors.New("sealed message is malformed")
	// ErrUnknownKey means that its key is not, or no longer, in the ring.
	ErrUnknownKey = errors.New("sealed message names a key that is not in the ring")
	// ErrTampered means that it was changed, or sealed for another purpose or
	// with other associated data. Nobody can tell which.
	ErrTampered = errors.New("sealed message does not open here: changed, or sealed for something else")
)

var base64url = base64.RawURLEncoding.Strict()

// Encode writes b as base64url without padding (RFC 4648 §5), which travels
// in URLs and cookies as it is.
func Encode(b []byte) string { return base64url.EncodeToString(b) }

// Decode reads what Encode wrote and nothing else: there is exactly one text
// for each byte string. The error is ErrMalformed.
func Decode(s string) ([]byte, error) {
	// First the alphabet: encoding/base64 skips CR and LF wherever they stand.
	for i := range len(s) {
		if !inAlphabet(s[i]) {
			return nil, ErrMalformed
		}
	}
	b, err := base64url.DecodeString(s)
	if err != nil {
		return nil, ErrMalformed
	}
	return b, nil
}

func inAlphabet(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_'
}
