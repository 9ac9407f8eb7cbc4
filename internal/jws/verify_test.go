package jws_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"strings"
	"testing"

	"github.com/wayleave/wayleave/internal/jws"
)

// verify runs a token against one key.
func verify(t testing.TB, text string, key *jws.Key) ([]byte, error) {
	t.Helper()
	parsed, err := jws.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return parsed.Verify(key)
}

func refused(t testing.TB, text string, key *jws.Key, want jws.Problem) {
	t.Helper()
	payload, err := verify(t, text, key)
	if bad, ok := errors.AsType[*jws.Error](err); !ok || bad.Problem != want || payload != nil {
		t.Errorf("got %q %v, want problem %d", payload, err, want)
	}
}

func TestJWK21_EveryAlgorithmVerifies(t *testing.T) {
	for _, alg := range allAlgorithms {
		t.Run(alg, func(t *testing.T) {
			key := keyFor(alg)
			text := token(header(alg), `{"sub":"u"}`, signer(alg, key))
			if payload, err := verify(t, text, onlyKey(t, key.Public())); err != nil || string(payload) != `{"sub":"u"}` {
				t.Errorf("%s %v", payload, err)
			}
			bound := onlyKey(t, key.Public(), "alg", alg, "use", "sig", "kid", "k1")
			if _, err := verify(t, text, bound); err != nil {
				t.Error(err)
			}
			if !jws.Supported(alg) {
				t.Error("not supported")
			}
		})
	}
}

func TestJWK04_A262_KeyAndAlgorithmAgree(t *testing.T) {
	for _, alg := range allAlgorithms {
		for _, other := range allAlgorithms {
			same := keyFor(alg).Public().(interface{ Equal(crypto.PublicKey) bool }).Equal(keyFor(other).Public())
			text := token(header(alg), `{}`, signer(alg, keyFor(alg)))
			if !same {
				refused(t, text, onlyKey(t, keyFor(other).Public()), jws.KeyMismatch)
			}
			// A key that names its algorithm is for no other, even if its kind would do.
			if bound := onlyKey(t, keyFor(other).Public(), "alg", other); alg != other && !(alg[:2] == "Ed" && other[:2] == "Ed") {
				refused(t, text, bound, jws.KeyMismatch)
			}
		}
	}
	// The header says another algorithm of the same family than the signature is made with.
	refused(t, token(header("RS512"), `{}`, signer("RS256", rsaKey())), onlyKey(t, rsaKey().Public()), jws.BadSignature)
	refused(t, token(header("PS256"), `{}`, signer("RS256", rsaKey())), onlyKey(t, rsaKey().Public()), jws.BadSignature)
	refused(t, token(header("RS256"), `{}`, signer("PS256", rsaKey())), onlyKey(t, rsaKey().Public()), jws.BadSignature)
}

func TestJWK21_BothNamesOfEd25519(t *testing.T) {
	for _, names := range [][2]string{{"EdDSA", "Ed25519"}, {"Ed25519", "EdDSA"}} {
		text := token(header(names[0]), `{}`, signer(names[0], edKey()))
		if _, err := verify(t, text, onlyKey(t, edKey().Public(), "alg", names[1])); err != nil {
			t.Errorf("token %s, key %s: %v", names[0], names[1], err)
		}
	}
}

// JWK-04: the public key, in every form that one could mistake for a secret.
func TestJWK04_HS256WithThePublicKeyAsSecret(t *testing.T) {
	public := &rsaKey().PublicKey
	der := must(x509.MarshalPKIXPublicKey(public))
	for _, secret := range [][]byte{der, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), public.N.Bytes(), x509.MarshalPKCS1PublicKey(public)} {
		refused(t, token(header("HS256"), `{}`, hs256(secret)), onlyKey(t, public), jws.Algorithm)
		refused(t, token(header("RS256"), `{}`, hs256(secret)), onlyKey(t, public), jws.BadSignature)
	}
	for _, alg := range []string{"HS256", "HS384", "HS512", "RS1", "ES256K", "ES", "Ed448", "rs256", "RS256 ", "ML-DSA-44"} {
		if jws.Supported(alg) {
			t.Error(alg)
		}
		refused(t, token(header(alg), `{}`, hs256(nil)), onlyKey(t, public), jws.Algorithm)
	}
}

func TestA263_A264_KeysInHeadersAreIgnored(t *testing.T) {
	evil := otherRSA()
	n := b64(evil.N.Bytes())
	for _, h := range []string{
		`{"alg":"RS256","kid":"k1","jwk":{"kty":"RSA","n":"` + n + `","e":"AQAB"}}`,
		`{"alg":"RS256","kid":"k1","jku":"http://127.0.0.1:1/jwks"}`,
		`{"alg":"RS256","kid":"k1","x5u":"http://127.0.0.1:1/cert","x5t":"AAAA"}`,
		`{"alg":"RS256","kid":"k1","x5c":["AAAA"]}`,
	} {
		refused(t, token(h, `{}`, signer("RS256", evil)), onlyKey(t, rsaKey().Public()), jws.BadSignature)
		if _, err := verify(t, token(h, `{}`, signer("RS256", rsaKey())), onlyKey(t, rsaKey().Public())); err != nil {
			t.Errorf("%s: %v", h, err) // the issuer's own key still is good
		}
	}
}

func TestA278_PartsOfTwoTokens(t *testing.T) {
	for _, alg := range allAlgorithms {
		key := onlyKey(t, keyFor(alg).Public())
		sign := signer(alg, keyFor(alg))
		one, two := token(header(alg), `{"sub":"one"}`, sign), token(`{"kid":"k2","alg":"`+alg+`"}`, `{"sub":"two"}`, sign)
		for part := range 3 {
			swapped := replacePart(one, part, strings.Split(two, ".")[part])
			refused(t, swapped, key, jws.BadSignature)
		}
		refused(t, replacePart(one, 2, ""), key, jws.BadSignature)
	}
}

func TestA275_ECDSASignatures(t *testing.T) {
	for _, alg := range []string{"ES256", "ES384", "ES512"} {
		t.Run(alg, func(t *testing.T) {
			key := keyFor(alg).(*ecdsa.PrivateKey)
			order := key.Curve.Params().N
			public := onlyKey(t, key.Public())
			good := token(header(alg), `{}`, signer(alg, key))
			sig := must(base64Decode(strings.Split(good, ".")[2]))
			half := len(sig) / 2
			r, s := new(big.Int).SetBytes(sig[:half]), new(big.Int).SetBytes(sig[half:])
			with := func(sig []byte) string { return replacePart(good, 2, b64(sig)) }
			zero, one := new(big.Int), big.NewInt(1)
			limit := new(big.Int).Lsh(one, uint(8*half))
			for name, bad := range map[string][]byte{
				"psychic: both zero":   make([]byte, len(sig)),
				"r zero":               raw(key.Curve, zero, s),
				"s zero":               raw(key.Curve, r, zero),
				"both one":             raw(key.Curve, one, one),
				"r is the order":       raw(key.Curve, order, s),
				"s is the order":       raw(key.Curve, r, order),
				"all bits":             bytes.Repeat([]byte{0xff}, len(sig)),
				"swapped":              raw(key.Curve, s, r),
				"a byte too short":     sig[:len(sig)-1],
				"a byte too long":      append(bytes.Clone(sig), 0),
				"leading zeros":        append(make([]byte, 2), sig...),
				"one half":             sig[:half],
				"empty":                {},
				"DER":                  must(key.Sign(rand.Reader, digest(alg, good), nil)),
				"first bit flipped":    append([]byte{sig[0] ^ 0x80}, sig[1:]...),
				"last bit flipped":     append(bytes.Clone(sig[:len(sig)-1]), sig[len(sig)-1]^1),
				"r plus the order":     nil,
				"s plus the order":     nil,
				"s one less than zero": raw(key.Curve, r, new(big.Int).Sub(order, one)),
			} {
				if sum := new(big.Int).Add(r, order); name == "r plus the order" {
					if sum.Cmp(limit) >= 0 {
						continue
					}
					bad = raw(key.Curve, sum, s)
				}
				if sum := new(big.Int).Add(s, order); name == "s plus the order" {
					if sum.Cmp(limit) >= 0 {
						continue
					}
					bad = raw(key.Curve, r, sum)
				}
				t.Run(name, func(t *testing.T) { refused(t, with(bad), public, jws.BadSignature) })
			}
			// Both S and -S verify; no deny-list here goes by bytes.
			if _, err := verify(t, with(raw(key.Curve, r, new(big.Int).Sub(order, s))), public); err != nil {
				t.Error("high s:", err)
			}
		})
	}
}

func digest(alg, text string) []byte {
	h := map[string]crypto.Hash{"ES256": crypto.SHA256, "ES384": crypto.SHA384, "ES512": crypto.SHA512}[alg].New()
	h.Write([]byte(text[:strings.LastIndexByte(text, '.')]))
	return h.Sum(nil)
}

func TestJWK16_PSSSaltIsAsLongAsTheHash(t *testing.T) {
	for _, salt := range []int{0, 20, 31, 33, 64, rsa.PSSSaltLengthAuto} {
		text := token(header("PS256"), `{}`, func(input []byte) []byte {
			sum := sha256.Sum256(input)
			return must(rsa.SignPSS(rand.Reader, rsaKey(), crypto.SHA256, sum[:], &rsa.PSSOptions{SaltLength: salt}))
		})
		refused(t, text, onlyKey(t, rsaKey().Public()), jws.BadSignature)
	}
}

func TestJWK16_RSASignatureLength(t *testing.T) {
	key := onlyKey(t, rsaKey().Public())
	for _, alg := range []string{"RS256", "PS256"} {
		good := token(header(alg), `{}`, signer(alg, rsaKey()))
		sig := must(base64Decode(strings.Split(good, ".")[2]))
		plusN := new(big.Int).Add(new(big.Int).SetBytes(sig), rsaKey().N)
		for _, bad := range [][]byte{append([]byte{0}, sig...), sig[1:], append(bytes.Clone(sig), 0), plusN.Bytes(), make([]byte, 256), rsaKey().N.Bytes()} {
			refused(t, replacePart(good, 2, b64(bad)), key, jws.BadSignature)
		}
	}
}

func TestJWK16_Ed25519IsCanonical(t *testing.T) {
	key := onlyKey(t, edKey().Public())
	good := token(header("EdDSA"), `{}`, signer("EdDSA", edKey()))
	sig := must(base64Decode(strings.Split(good, ".")[2]))
	order, _ := new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)
	s := new(big.Int).SetBytes(reversed(sig[32:]))
	plus := s.Add(s, order).FillBytes(make([]byte, 32))
	for name, bad := range map[string][]byte{
		"S plus the order": append(bytes.Clone(sig[:32]), reversed(plus)...),
		"a byte too short": sig[:63],
		"a byte too long":  append(bytes.Clone(sig), 0),
		"zeros":            make([]byte, 64),
		"empty":            {},
	} {
		t.Run(name, func(t *testing.T) { refused(t, replacePart(good, 2, b64(bad)), key, jws.BadSignature) })
	}
	if ed25519.SignatureSize != len(sig) {
		t.Error("length")
	}
}

func reversed(b []byte) []byte {
	out := make([]byte, len(b))
	for i, c := range b {
		out[len(b)-1-i] = c
	}
	return out
}

func TestTOK19_HashOf(t *testing.T) {
	for alg, want := range map[string]crypto.Hash{
		"RS256": crypto.SHA256, "PS256": crypto.SHA256, "ES256": crypto.SHA256, "RS384": crypto.SHA384, "PS384": crypto.SHA384,
		"ES384": crypto.SHA384, "RS512": crypto.SHA512, "PS512": crypto.SHA512, "ES512": crypto.SHA512, "EdDSA": crypto.SHA512, "Ed25519": crypto.SHA512,
	} {
		if got, ok := jws.HashOf(alg); got != want || !ok {
			t.Error(alg, got, ok)
		}
	}
	if _, ok := jws.HashOf("HS256"); ok {
		t.Error("HS256")
	}
}
