package jws_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"strings"
	"sync"
	"testing"

	"github.com/wayleave/wayleave/internal/jws"
)

// allAlgorithms is what the package supports.
var allAlgorithms = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"}

// Keys are made once: RSA keys take long.
var (
	rsaKey   = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })
	otherRSA = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })
	p256Key  = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) })
	p384Key  = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader)) })
	p521Key  = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P521(), rand.Reader)) })
	edKey    = sync.OnceValue(func() ed25519.PrivateKey { _, k, err := ed25519.GenerateKey(rand.Reader); return must(k, err) })
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func keyFor(alg string) crypto.Signer {
	switch alg {
	case "ES256":
		return p256Key()
	case "ES384":
		return p384Key()
	case "ES512":
		return p521Key()
	case "EdDSA", "Ed25519":
		return edKey()
	}
	return rsaKey()
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// token signs a payload under a header that is taken as it is.
func token(header, payload string, sign func(input []byte) []byte) string {
	input := b64([]byte(header)) + "." + b64([]byte(payload))
	return input + "." + b64(sign([]byte(input)))
}

// signer signs as the algorithm of that name does, with the key given.
func signer(alg string, key crypto.Signer) func([]byte) []byte {
	return func(input []byte) []byte {
		h := crypto.SHA256
		switch alg[2:] {
		case "384":
			h = crypto.SHA384
		case "512":
			h = crypto.SHA512
		}
		d := h.New()
		d.Write(input)
		switch alg[:2] {
		case "RS":
			return must(key.Sign(rand.Reader, d.Sum(nil), h))
		case "PS":
			return must(key.Sign(rand.Reader, d.Sum(nil), &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: h}))
		case "ES":
			k := key.(*ecdsa.PrivateKey)
			r, s, err := ecdsa.Sign(rand.Reader, k, d.Sum(nil))
			return raw(k.Curve, must(r, err), s)
		}
		return must(key.Sign(rand.Reader, input, crypto.Hash(0)))
	}
}

// raw writes R and S as RFC 7518 section 3.4 has them.
func raw(c elliptic.Curve, r, s *big.Int) []byte {
	size := (c.Params().BitSize + 7) / 8
	out := make([]byte, 2*size)
	r.FillBytes(out[:size])
	s.FillBytes(out[size:])
	return out
}

func hs256(secret []byte) func([]byte) []byte {
	return func(input []byte) []byte {
		m := hmac.New(sha256.New, secret)
		m.Write(input)
		return m.Sum(nil)
	}
}

// jwk describes a public key, with members added or replaced.
func jwk(public crypto.PublicKey, more ...string) map[string]any {
	m := map[string]any{}
	switch k := public.(type) {
	case *rsa.PublicKey:
		m["kty"], m["n"], m["e"] = "RSA", b64(k.N.Bytes()), b64(big.NewInt(int64(k.E)).Bytes())
	case *ecdsa.PublicKey:
		point := must(k.Bytes())[1:]
		m["kty"], m["crv"] = "EC", map[int]string{64: "P-256", 96: "P-384", 132: "P-521"}[len(point)]
		m["x"], m["y"] = b64(point[:len(point)/2]), b64(point[len(point)/2:])
	case ed25519.PublicKey:
		m["kty"], m["crv"], m["x"] = "OKP", "Ed25519", b64(k)
	}
	for i := 0; i < len(more); i += 2 {
		m[more[i]] = more[i+1]
	}
	return m
}

func keySet(keys ...any) []byte { return must(json.Marshal(map[string]any{"keys": keys})) }

// onlyKey reads a set of one key.
func onlyKey(t testing.TB, public crypto.PublicKey, more ...string) *jws.Key {
	t.Helper()
	set, skipped, err := jws.ParseSet(keySet(jwk(public, more...)))
	if err != nil || len(skipped) != 0 || set.Len() != 1 {
		t.Fatal(err, skipped)
	}
	for _, alg := range allAlgorithms {
		if found := set.Candidates(alg, ""); len(found) == 1 {
			return found[0]
		}
	}
	t.Fatal("the key suits no algorithm")
	return nil
}

func header(alg string) string { return `{"alg":"` + alg + `","kid":"k1","typ":"JWT"}` }

func replacePart(token string, part int, with string) string {
	parts := strings.Split(token, ".")
	parts[part] = with
	return strings.Join(parts, ".")
}
