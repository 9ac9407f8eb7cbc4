// Package jws reads and verifies signed tokens: JSON Web Signatures in compact
// form (RFC 7515 section 3.1), signed with a key from the provider's key set.
//
//	token, err := jws.Parse(text)            // nothing is believed yet
//	set, skipped, err := jws.ParseSet(body)  // the provider's keys
//	for _, key := range set.Candidates(token.Algorithm, token.KeyID) {
//		payload, err := token.Verify(key)    // the only way to the payload
//	}
//
// It is small because it refuses: no JSON form, no encryption, no critical
// extensions, no keys from headers, no unsigned tokens, no symmetric
// algorithms (HS256 would make every holder of the client secret an issuer).
// The caller must still check the algorithm against its own allow-list, and
// every claim.
package jws

import (
	"encoding/base64"
	"strings"

	"github.com/wayleave/wayleave/internal/strictjson"
)

// Limits of a token.
const (
	MaxLength = 64 << 10 // of the whole token, in bytes
	maxKeyID  = 256      // of kid, in bytes
)

// Token is a token whose form is right and whose signature has not been
// verified. It is immutable and safe for concurrent use.
type Token struct {
	// Algorithm, KeyID and Type are alg, kid and typ of the header. They are
	// claims of whoever sent the token, good for choosing a key among those
	// one has already. KeyID and Type are empty where the header has none.
	Algorithm string
	KeyID     string
	Type      string

	signed    string // header and payload as they came, with the dot between them
	payload   []byte
	signature []byte
}

// encoding is base64url without padding, and without the several texts for one
// value that its last character could make (trailing bits).
var encoding = base64.RawURLEncoding.Strict()

// Parse reads a token. The error is an *Error. The length is checked before
// anything else, and the parts are counted before they are split.
func Parse(text string) (*Token, error) {
	if len(text) > MaxLength {
		return nil, malformed("longer than 64 KiB")
	}
	switch parts := strings.Count(text, ".") + 1; {
	case parts == 5:
		return nil, &Error{Problem: Encrypted, Reason: "the token is encrypted"}
	case parts != 3:
		return nil, malformed("not three parts with dots between them")
	}
	for i := range len(text) {
		if !inAlphabet[text[i]] {
			return nil, malformed("characters outside of base64url")
		}
	}
	dot, last := strings.IndexByte(text, '.'), strings.LastIndexByte(text, '.')
	header, err := encoding.DecodeString(text[:dot])
	if err != nil {
		return nil, malformed("the header is not canonical base64url")
	}
	payload, err := encoding.DecodeString(text[dot+1 : last])
	if err != nil {
		return nil, malformed("the payload is not canonical base64url")
	}
	signature, err := encoding.DecodeString(text[last+1:])
	if err != nil {
		return nil, malformed("the signature is not canonical base64url")
	}
	t := &Token{signed: text[:last], payload: payload, signature: signature}
	if err := t.readHeader(header); err != nil {
		return nil, err
	}
	return t, nil
}

// inAlphabet has the characters of base64url and the dot. The decoder is not
// asked, because it skips line breaks.
var inAlphabet = func() (t [256]bool) {
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.") {
		t[c] = true
	}
	return t
}()

// readHeader takes what is needed. Members that offer a key or say where to
// get one (jwk, jku, x5u, x5c, x5t) are not looked at, nor are unknown ones.
func (t *Token) readHeader(data []byte) error {
	header, err := strictjson.Parse(data, MaxLength)
	if err != nil {
		return &Error{Problem: Malformed, Reason: "the header is malformed", Err: err}
	}
	switch {
	case header.Has("crit"), header.Has("b64"):
		return &Error{Problem: Critical, Reason: "the header demands an extension (crit, b64), and none is understood"}
	case header.Has("enc"):
		return &Error{Problem: Encrypted, Reason: "the header is that of an encrypted token"}
	case header.Has("zip"):
		return malformed("the header demands compression")
	}
	alg, ok, err := header.String("alg")
	switch {
	case err != nil || !ok || alg == "":
		return &Error{Problem: Algorithm, Reason: "the header has no alg that is a string", Err: err}
	case strings.EqualFold(alg, "none"):
		return &Error{Problem: Algorithm, Reason: "the token is not signed"}
	}
	t.Algorithm = alg
	if t.KeyID, _, err = header.String("kid"); err != nil || len(t.KeyID) > maxKeyID {
		return malformed("kid is not a string of at most 256 bytes")
	}
	if t.Type, _, err = header.String("typ"); err != nil {
		return malformed("typ is not a string")
	}
	return nil
}
