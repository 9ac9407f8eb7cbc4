package oauth

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"sync"
)

// Secret is a value that must not be seen: a client secret, a token, a code, a
// verifier. However it is printed, logged or marshalled, it shows a
// fingerprint of eight hexadecimal digits, by which two values can be told
// apart within one process, and never itself. Only Reveal gives the value.
//
// The zero Secret is absent. A Secret is immutable and safe for concurrent use.
type Secret struct {
	// A pointer, because fmt prints the raw bytes of a string in an unexported
	// field of somebody's struct without ever asking for String.
	v *string
	// Two secrets are compared by what they reveal, never by ==, which would
	// compare pointers.
	_ [0]func()
}

// NewSecret wraps a value. The empty string makes the zero Secret.
func NewSecret(value string) Secret {
	if value == "" {
		return Secret{}
	}
	return Secret{v: &value}
}

// Reveal returns the value, or the empty string if there is none. Each call is
// a place to look at when secrets leak.
func (s Secret) Reveal() string {
	if s.v == nil {
		return ""
	}
	return *s.v
}

// IsZero reports whether there is no value.
func (s Secret) IsZero() bool { return s.v == nil }

// Len returns the length of the value in bytes.
func (s Secret) Len() int { return len(s.Reveal()) }

// String returns the fingerprint, or "none" for the zero Secret.
func (s Secret) String() string {
	if s.v == nil {
		return "none"
	}
	mac := hmac.New(sha256.New, fingerprintKey())
	mac.Write([]byte(*s.v))
	return "secret:" + hex.EncodeToString(mac.Sum(nil)[:4])
}

// fingerprintKey is new in each process, so that nobody can try guesses of a
// secret against a fingerprint in a log.
var fingerprintKey = sync.OnceValue(func() []byte {
	key := make([]byte, 32)
	rand.Read(key)
	return key
})

// Format prints the fingerprint for every verb of package fmt.
func (s Secret) Format(f fmt.State, _ rune) { fmt.Fprint(f, s.String()) }

// GoString returns the fingerprint.
func (s Secret) GoString() string { return s.String() }

// LogValue implements slog.LogValuer with the fingerprint.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText implements encoding.TextMarshaler, and with it JSON and XML,
// with the fingerprint. There is no way back: a Secret is not stored this way.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
