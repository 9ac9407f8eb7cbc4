package jws

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	_ "crypto/sha256" // RS256, PS256, ES256
	_ "crypto/sha512" // all others
	"math/big"
)

// algorithm is one entry of the registry (RFC 7518 section 3.1, RFC 8037, RFC 9864).
type algorithm struct {
	hash  crypto.Hash // 0 where the signature takes the message itself
	curve elliptic.Curve
	pss   bool
	okp   bool
}

func algorithmOf(name string) (a algorithm, ok bool) {
	switch name {
	case "RS256":
		a = algorithm{hash: crypto.SHA256}
	case "RS384":
		a = algorithm{hash: crypto.SHA384}
	case "RS512":
		a = algorithm{hash: crypto.SHA512}
	case "PS256":
		a = algorithm{hash: crypto.SHA256, pss: true}
	case "PS384":
		a = algorithm{hash: crypto.SHA384, pss: true}
	case "PS512":
		a = algorithm{hash: crypto.SHA512, pss: true}
	case "ES256":
		a = algorithm{hash: crypto.SHA256, curve: elliptic.P256()}
	case "ES384":
		a = algorithm{hash: crypto.SHA384, curve: elliptic.P384()}
	case "ES512":
		a = algorithm{hash: crypto.SHA512, curve: elliptic.P521()}
	case "EdDSA", "Ed25519": // two names for one thing since RFC 9864
		a = algorithm{okp: true}
	default:
		return a, false
	}
	return a, true
}

// Supported reports whether signatures of this algorithm can be verified.
func Supported(name string) bool {
	_, ok := algorithmOf(name)
	return ok
}

// HashOf returns the hash that an algorithm uses, as needed for at_hash (OpenID
// Connect Core section 3.1.3.6); SHA-512 for Ed25519, which uses it inside.
func HashOf(name string) (h crypto.Hash, ok bool) {
	a, ok := algorithmOf(name)
	if a.okp {
		return crypto.SHA512, true
	}
	return a.hash, ok
}

// fits reports whether key and algorithm agree.
func (a algorithm) fits(public crypto.PublicKey) bool {
	switch k := public.(type) {
	case *rsa.PublicKey:
		return a.curve == nil && !a.okp
	case *ecdsa.PublicKey:
		return a.curve != nil && k.Curve == a.curve
	case ed25519.PublicKey:
		return a.okp
	}
	return false
}

// Verify verifies the signature with one key and returns the payload, which
// must not be changed. The error is an *Error.
func (t *Token) Verify(key *Key) (payload []byte, err error) {
	a, ok := algorithmOf(t.Algorithm)
	if !ok {
		return nil, &Error{Problem: Algorithm, Reason: "the algorithm is not supported"}
	}
	if !key.suits(t.Algorithm) {
		return nil, &Error{Problem: KeyMismatch, Reason: "the key is not one for this algorithm"}
	}
	message := []byte(t.signed)
	if a.hash != 0 {
		h := a.hash.New()
		h.Write(message)
		message = h.Sum(nil)
	}
	if !a.verify(key.public, message, t.signature) {
		return nil, &Error{Problem: BadSignature, Reason: "the signature does not verify"}
	}
	return t.payload, nil
}

func (a algorithm) verify(public crypto.PublicKey, digest, signature []byte) bool {
	switch k := public.(type) {
	case *rsa.PublicKey:
		if a.pss {
			// RFC 7518 section 3.5: the salt is as long as the hash.
			return rsa.VerifyPSS(k, a.hash, digest, signature, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}) == nil
		}
		return rsa.VerifyPKCS1v15(k, a.hash, digest, signature) == nil
	case *ecdsa.PublicKey:
		// RFC 7518 section 3.4: R and S, each as long as the curve's order.
		size := coordinateSize(k.Curve)
		if len(signature) != 2*size {
			return false
		}
		r, s := new(big.Int).SetBytes(signature[:size]), new(big.Int).SetBytes(signature[size:])
		return ecdsa.Verify(k, digest, r, s)
	case ed25519.PublicKey:
		return ed25519.Verify(k, digest, signature)
	}
	return false
}

// coordinateSize is the length in bytes of a coordinate, and of R and of S.
func coordinateSize(c elliptic.Curve) int { return (c.Params().BitSize + 7) / 8 }
