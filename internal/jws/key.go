package jws

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"fmt"
	"math/big"
	"slices"

	"github.com/wayleave/wayleave/internal/strictjson"
)

// Bounds of RSA keys: weaker ones are no protection, larger ones cost their
// user seconds for each signature, and so do large exponents.
const (
	minModulus  = 2048
	maxModulus  = 8192
	maxExponent = 1<<31 - 1
)

// Key is a public key that verifies signatures. It is immutable.
type Key struct {
	ID        string // kid; may be empty
	Algorithm string // alg; the only one the key may be used with, if it is there
	Issuer    string // the member issuer, by which Entra ID binds a key to a tenant

	public crypto.PublicKey // *rsa.PublicKey, *ecdsa.PublicKey or ed25519.PublicKey
}

// suits reports whether the key may verify signatures of an algorithm. One key
// is for one algorithm: its own alg binds.
func (k *Key) suits(alg string) bool {
	a, ok := algorithmOf(alg)
	if !ok || !a.fits(k.public) {
		return false
	}
	return k.Algorithm == "" || k.Algorithm == alg || a.okp // EdDSA and Ed25519 are one
}

// parseKey returns the key, or nil and why it is skipped.
func parseKey(v strictjson.Value) (*Key, Skipped) {
	jwk, ok, _ := v.AsObject()
	if !ok {
		return nil, Skipped{Reason: "not an object"}
	}
	var s Skipped
	kid, _, err := jwk.String("kid")
	if err != nil || len(kid) > maxKeyID {
		return nil, Skipped{Reason: "kid is not a string of at most 256 bytes"}
	}
	s.KeyID = printable(kid)
	for _, secret := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"} {
		if jwk.Has(secret) {
			s.Exposed, s.Reason = true, "a secret is published with it (member "+secret+")"
			return nil, s
		}
	}
	key := &Key{ID: kid}
	if s.Reason = key.readUse(jwk); s.Reason != "" {
		return nil, s
	}
	if key.public, err = publicKey(jwk); err != nil {
		s.Reason = err.Error()
		return nil, s
	}
	if key.Algorithm != "" && !key.suits(key.Algorithm) {
		s.Reason = "alg is not one for this key, or not supported"
		return nil, s
	}
	return key, s
}

// readUse reads the members that say what the key is for (RFC 7517 sections
// 4.2 to 4.4), and returns why it is not for us.
func (k *Key) readUse(jwk strictjson.Object) (reason string) {
	var err error
	if k.Algorithm, _, err = jwk.String("alg"); err != nil {
		return "alg is not a string"
	}
	use, used, err := jwk.String("use")
	if err != nil || used && use != "sig" {
		return "use is not sig"
	}
	ops, ok, err := jwk.Strings("key_ops")
	if err != nil || ok && !slices.Contains(ops, "verify") {
		return "key_ops has no verify"
	}
	if used && slices.ContainsFunc(ops, func(op string) bool { return op != "verify" && op != "sign" }) {
		return "key_ops goes beyond use"
	}
	slices.Sort(ops)
	if len(slices.Compact(ops)) != len(ops) {
		return "key_ops has the same operation twice"
	}
	if k.Issuer, _, err = jwk.String("issuer"); err != nil {
		return "issuer is not a string"
	}
	return ""
}

func publicKey(jwk strictjson.Object) (crypto.PublicKey, error) {
	kty, _, err := jwk.String("kty")
	if err != nil {
		return nil, err
	}
	switch kty {
	case "RSA":
		return rsaKey(jwk)
	case "EC":
		return ecKey(jwk)
	case "OKP":
		return okpKey(jwk)
	}
	return nil, fmt.Errorf("kty is none of RSA, EC, OKP")
}

// rsaKey: RFC 7518 section 6.3.1. Leading zeros of n are tolerated, because
// many have written them.
func rsaKey(jwk strictjson.Object) (crypto.PublicKey, error) {
	n, err := octets(jwk, "n")
	if err != nil {
		return nil, err
	}
	e, err := octets(jwk, "e")
	if err != nil {
		return nil, err
	}
	modulus, exponent := new(big.Int).SetBytes(n), new(big.Int).SetBytes(e)
	if bits := modulus.BitLen(); bits < minModulus || bits > maxModulus {
		return nil, fmt.Errorf("the RSA modulus has %d bits, not %d to %d", bits, minModulus, maxModulus)
	}
	if modulus.Bit(0) == 0 {
		return nil, fmt.Errorf("the RSA modulus is even")
	}
	if !exponent.IsInt64() || exponent.Int64() > maxExponent || exponent.Int64() < 3 || exponent.Bit(0) == 0 {
		return nil, fmt.Errorf("the RSA exponent is not an odd number from 3 to 2^31-1")
	}
	return &rsa.PublicKey{N: modulus, E: int(exponent.Int64())}, nil
}

// ecKey: RFC 7518 section 6.2.1, coordinates of full length, a point on the curve.
func ecKey(jwk strictjson.Object) (crypto.PublicKey, error) {
	crv, _, err := jwk.String("crv")
	if err != nil {
		return nil, err
	}
	curves := map[string]elliptic.Curve{"P-256": elliptic.P256(), "P-384": elliptic.P384(), "P-521": elliptic.P521()}
	curve, ok := curves[crv]
	if !ok {
		return nil, fmt.Errorf("crv is none of P-256, P-384, P-521")
	}
	x, err := octets(jwk, "x")
	if err != nil {
		return nil, err
	}
	y, err := octets(jwk, "y")
	if err != nil {
		return nil, err
	}
	if size := coordinateSize(curve); len(x) != size || len(y) != size {
		return nil, fmt.Errorf("the coordinates are not %d bytes long", size)
	}
	point := slices.Concat([]byte{4}, x, y) // uncompressed, SEC 1 section 2.3.3
	key, err := ecdsa.ParseUncompressedPublicKey(curve, point)
	if err != nil {
		return nil, fmt.Errorf("the point is not on the curve")
	}
	return key, nil
}

// okpKey: RFC 8037 section 2, Ed25519 only.
func okpKey(jwk strictjson.Object) (crypto.PublicKey, error) {
	if crv, _, err := jwk.String("crv"); err != nil || crv != "Ed25519" {
		return nil, fmt.Errorf("crv is not Ed25519")
	}
	x, err := octets(jwk, "x")
	if err != nil {
		return nil, err
	}
	if len(x) != ed25519.PublicKeySize || !soundEdwards25519(x) {
		return nil, fmt.Errorf("x is not a point of Ed25519 that can be a key")
	}
	return ed25519.PublicKey(x), nil
}

// octets decodes a member in strict base64url.
func octets(jwk strictjson.Object, name string) ([]byte, error) {
	text, ok, err := jwk.String(name)
	if err != nil {
		return nil, err
	}
	for i := range len(text) {
		ok = ok && inAlphabet[text[i]]
	}
	b, err := encoding.DecodeString(text)
	if err != nil || !ok || len(b) == 0 {
		return nil, fmt.Errorf("%s is not canonical base64url", name)
	}
	return b, nil
}

// printable reduces a kid from outside to what errors and logs may hold.
func printable(s string) string {
	b := []byte(s[:min(len(s), 64)])
	for i, c := range b {
		if c < 0x20 || c > 0x7e || c == '"' || c == '\\' {
			b[i] = '?'
		}
	}
	return string(b)
}
