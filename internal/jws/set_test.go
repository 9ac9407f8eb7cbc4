package jws_test

import (
	"crypto/ecdh"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/wayleave/wayleave/internal/jws"
	"github.com/wayleave/wayleave/internal/strictjson"
)

// modulus makes a number of so many bits that could be an RSA modulus.
func modulus(bits int) *big.Int {
	n := new(big.Int).Lsh(big.NewInt(1), uint(bits-1))
	return n.SetBit(n.Add(n, big.NewInt(12345)), 0, 1)
}

func with(m map[string]any, more ...any) map[string]any {
	for i := 0; i < len(more); i += 2 {
		if more[i+1] == nil {
			delete(m, more[i].(string))
		} else {
			m[more[i].(string)] = more[i+1]
		}
	}
	return m
}

// JWK-14, A271 to A274: each broken key stands between two good ones, which
// must go on working.
func TestJWK14_A272_BrokenKeysAreSkippedOneByOne(t *testing.T) {
	rsaJWK := func(more ...any) map[string]any { return with(jwk(rsaKey().Public(), "kid", "bad"), more...) }
	ecJWK := func(more ...any) map[string]any { return with(jwk(p256Key().Public(), "kid", "bad"), more...) }
	okpJWK := func(more ...any) map[string]any { return with(jwk(edKey().Public(), "kid", "bad"), more...) }
	x25519 := must(ecdh.X25519().GenerateKey(rand.Reader)).PublicKey().Bytes()
	point := must(p256Key().PublicKey.Bytes())
	p := p256Key().Curve.Params().P
	fieldPrime := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 255), big.NewInt(19))
	const badExponent = "the RSA exponent is not an odd number from 3 to 2^31-1"
	for _, c := range []struct {
		name    string
		key     any
		reason  string
		exposed bool
	}{
		{"null", nil, "not an object", false},
		{"number", 1, "not an object", false},
		{"array", []int{1}, "not an object", false},
		{"empty object", map[string]any{}, "kty is none of RSA, EC, OKP", false},
		{"kty missing", rsaJWK("kty", nil), "kty is none of RSA, EC, OKP", false},
		{"kty unknown", rsaJWK("kty", "AKP"), "kty is none of RSA, EC, OKP", false},
		{"kty in other case", rsaJWK("kty", "rsa"), "kty is none of RSA, EC, OKP", false},
		{"kty a number", rsaJWK("kty", 1), `member "kty" is of kind number, not string`, false},
		{"symmetric", map[string]any{"kty": "oct", "k": "AAAA", "kid": "bad"}, "a secret is published with it (member k)", true},
		{"private RSA", rsaJWK("d", "AQAB"), "a secret is published with it (member d)", true},
		{"private RSA by its factors", rsaJWK("p", "AQAB", "q", "AQAB"), "a secret is published with it (member p)", true},
		{"private EC", ecJWK("d", "AQAB"), "a secret is published with it (member d)", true},
		{"private member null", ecJWK("d", (*string)(nil)), "a secret is published with it (member d)", true},
		{"for encryption", rsaJWK("use", "enc"), "use is not sig", false},
		{"use unknown", rsaJWK("use", "SIG"), "use is not sig", false},
		{"use a number", rsaJWK("use", 1), "use is not sig", false},
		{"key_ops without verify", rsaJWK("key_ops", []string{"encrypt"}), "key_ops has no verify", false},
		{"key_ops empty", rsaJWK("key_ops", []string{}), "key_ops has no verify", false},
		{"key_ops a string", rsaJWK("key_ops", "verify"), "key_ops has no verify", false},
		{"key_ops against use", rsaJWK("use", "sig", "key_ops", []string{"wrapKey"}), "key_ops has no verify", false},
		{"key_ops beyond use", rsaJWK("use", "sig", "key_ops", []string{"verify", "encrypt"}), "key_ops goes beyond use", false},
		{"key_ops with a double", rsaJWK("key_ops", []string{"verify", "sign", "verify"}), "key_ops has the same operation twice", false},
		{"alg for encryption", rsaJWK("alg", "RSA-OAEP"), "alg is not one for this key, or not supported", false},
		{"A262 alg of another curve", ecJWK("alg", "ES384"), "alg is not one for this key, or not supported", false},
		{"A262 alg HS256 on an RSA key", rsaJWK("alg", "HS256"), "alg is not one for this key, or not supported", false},
		{"alg a number", rsaJWK("alg", 1), "alg is not a string", false},
		{"kid a number", rsaJWK("kid", 1), "kid is not a string of at most 256 bytes", false},
		{"kid of 257 bytes", rsaJWK("kid", strings.Repeat("k", 257)), "kid is not a string of at most 256 bytes", false},
		{"A312 issuer a number", rsaJWK("issuer", 1), "issuer is not a string", false},

		{"A273 RSA of 512 bits", rsaJWK("n", b64(modulus(512).Bytes())), "the RSA modulus has 512 bits, not 2048 to 8192", false},
		{"A273 RSA of 1024 bits", rsaJWK("n", b64(modulus(1024).Bytes())), "the RSA modulus has 1024 bits, not 2048 to 8192", false},
		{"A273 RSA of 2047 bits", rsaJWK("n", b64(modulus(2047).Bytes())), "the RSA modulus has 2047 bits, not 2048 to 8192", false},
		{"A273 RSA of 8193 bits", rsaJWK("n", b64(modulus(8193).Bytes())), "the RSA modulus has 8193 bits, not 2048 to 8192", false},
		{"A273 RSA of 131072 bits", rsaJWK("n", b64(modulus(131072).Bytes())), "the RSA modulus has 131072 bits, not 2048 to 8192", false},
		{"A273 zero modulus", rsaJWK("n", b64(make([]byte, 256))), "the RSA modulus has 0 bits, not 2048 to 8192", false},
		{"A273 even modulus", rsaJWK("n", b64(new(big.Int).Sub(modulus(2048), big.NewInt(1)).Bytes())), "the RSA modulus is even", false},
		{"A273 exponent 0", rsaJWK("e", "AA"), badExponent, false},
		{"A273 exponent 1", rsaJWK("e", "AQ"), badExponent, false},
		{"A273 exponent 2", rsaJWK("e", "Ag"), badExponent, false},
		{"A273 exponent even", rsaJWK("e", "AQAA"), badExponent, false},
		{"A273 exponent 2^31+1", rsaJWK("e", b64([]byte{0x80, 0, 0, 1})), badExponent, false},
		{"A273 exponent 2^64+3", rsaJWK("e", b64([]byte{1, 0, 0, 0, 0, 0, 0, 0, 3})), badExponent, false},
		{"n missing", rsaJWK("n", nil), "n is not canonical base64url", false},
		{"n empty", rsaJWK("n", ""), "n is not canonical base64url", false},
		{"n a number", rsaJWK("n", 5), `member "n" is of kind number, not string`, false},
		{"n garbage", rsaJWK("n", "!!"), "n is not canonical base64url", false},
		{"n with padding", rsaJWK("n", "AQ=="), "n is not canonical base64url", false},
		{"n with a line break", rsaJWK("n", "AQ\nAB"), "n is not canonical base64url", false},
		{"e missing", rsaJWK("e", nil), "e is not canonical base64url", false},
		{"e with trailing bits", rsaJWK("e", "AR"), "e is not canonical base64url", false},

		{"crv missing", ecJWK("crv", nil), "crv is none of P-256, P-384, P-521", false},
		{"crv unknown", ecJWK("crv", "secp256k1"), "crv is none of P-256, P-384, P-521", false},
		{"crv a number", ecJWK("crv", 256), `member "crv" is of kind number, not string`, false},
		{"A274 off the curve", ecJWK("y", b64(append(make([]byte, 31), 5))), "the point is not on the curve", false},
		{"A274 infinity", ecJWK("x", b64(make([]byte, 32)), "y", b64(make([]byte, 32))), "the point is not on the curve", false},
		{"A274 x not reduced", ecJWK("x", b64(p.Bytes())), "the point is not on the curve", false},
		{"A274 coordinates cut", ecJWK("x", b64(point[1:32])), "the coordinates are not 32 bytes long", false},
		{"A274 coordinates padded", ecJWK("x", b64(append([]byte{0}, point[1:33]...))), "the coordinates are not 32 bytes long", false},
		{"A274 of another curve", ecJWK("crv", "P-384"), "the coordinates are not 48 bytes long", false},
		{"x missing", ecJWK("x", nil), "x is not canonical base64url", false},
		{"y missing", ecJWK("y", nil), "y is not canonical base64url", false},

		{"A274 X25519", okpJWK("crv", "X25519", "x", b64(x25519)), "crv is not Ed25519", false},
		{"A274 Ed448", okpJWK("crv", "Ed448"), "crv is not Ed25519", false},
		{"A274 OKP of 31 bytes", okpJWK("x", b64(make([]byte, 31))), "x is not a point of Ed25519 that can be a key", false},
		{"A274 OKP off the curve", okpJWK("x", b64(append([]byte{2}, make([]byte, 31)...))), "x is not a point of Ed25519 that can be a key", false},
		{"A274 OKP not reduced", okpJWK("x", b64(reversed(fieldPrime.Bytes()))), "x is not a point of Ed25519 that can be a key", false},
		{"A274 OKP minus zero", okpJWK("x", b64(append(append([]byte{1}, make([]byte, 30)...), 0x80))), "x is not a point of Ed25519 that can be a key", false},
		{"A274 OKP of order 1", okpJWK("x", b64(append([]byte{1}, make([]byte, 31)...))), "x is not a point of Ed25519 that can be a key", false},
		{"A274 OKP of order 2", okpJWK("x", b64(reversed(new(big.Int).Sub(fieldPrime, big.NewInt(1)).Bytes()))), "x is not a point of Ed25519 that can be a key", false},
		{"A274 OKP of order 4", okpJWK("x", b64(make([]byte, 32))), "x is not a point of Ed25519 that can be a key", false},
		{"A274 OKP of order 8", okpJWK("x", b64(must(hex.DecodeString("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a")))), "x is not a point of Ed25519 that can be a key", false},
		{"A274 OKP of order 8, another", okpJWK("x", b64(must(hex.DecodeString("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05")))), "x is not a point of Ed25519 that can be a key", false},
		{"OKP x missing", okpJWK("x", nil), "x is not canonical base64url", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			set, skipped, err := jws.ParseSet(keySet(jwk(rsaKey().Public(), "kid", "r"), c.key, jwk(p256Key().Public(), "kid", "e")))
			if err != nil {
				t.Fatal(err)
			}
			if len(skipped) != 1 || skipped[0].Index != 1 || skipped[0].Reason != c.reason || skipped[0].Exposed != c.exposed {
				t.Errorf("skipped %+v, want %s", skipped, c.reason)
			}
			if set.Len() != 2 || len(set.Candidates("RS256", "r")) != 1 || len(set.Candidates("ES256", "e")) != 1 {
				t.Error("the good keys are gone")
			}
			for _, alg := range allAlgorithms {
				if len(set.Candidates(alg, "bad")) != 0 {
					t.Error("the bad key is offered for", alg)
				}
			}
		})
	}
}

func TestJWK14_WhatIsTolerated(t *testing.T) {
	rsaJWK := func(more ...any) map[string]any { return with(jwk(rsaKey().Public()), more...) }
	for name, key := range map[string]map[string]any{
		"no kid, use, alg":         rsaJWK(),
		"leading zero in n":        rsaJWK("n", b64(append([]byte{0}, rsaKey().N.Bytes()...))),
		"exponent 3":               rsaJWK("e", "Aw"),
		"exponent 2^31-1":          rsaJWK("e", b64([]byte{0x7f, 0xff, 0xff, 0xff})),
		"2048 bits":                rsaJWK("n", b64(modulus(2048).Bytes())),
		"8192 bits":                rsaJWK("n", b64(modulus(8192).Bytes())),
		"key_ops and use":          rsaJWK("use", "sig", "key_ops", []string{"sign", "verify"}),
		"certificates":             rsaJWK("x5c", []string{"not looked at"}, "x5t", "AAAA", "x5u", "http://127.0.0.1:1/"),
		"members nobody knows":     rsaJWK("nbf", 1, "status", map[string]any{"a": nil}),
		"kid of 256 bytes":         rsaJWK("kid", strings.Repeat("k", 256)),
		"Ed25519 with both signs":  with(jwk(edKey().Public())),
		"P-521 with leading zeros": with(jwk(p521Key().Public())),
	} {
		if set, skipped, err := jws.ParseSet(keySet(key)); err != nil || len(skipped) != 0 || set.Len() != 1 {
			t.Errorf("%s: %v %v", name, skipped, err)
		}
	}
}

func TestA272_TheDocumentItself(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"HTML", `<html>`, "JSON refused at byte 0: a value was expected"},
		{"array", `[]`, "JSON refused at byte 0: array at top level, not object"},
		{"no keys", `{}`, `member "keys" is of kind nothing, not array`},
		{"keys null", `{"keys":null}`, `member "keys" is of kind null, not array`},
		{"keys an object", `{"keys":{}}`, `member "keys" is of kind object, not array`},
		{"keys twice", `{"keys":[],"keys":[]}`, `JSON refused at byte 11: member "keys" is there twice`},
		{"A268 a key with n twice", `{"keys":[{"kty":"RSA","n":"AQAB","n":"AQ"}]}`, `JSON refused at byte 33: member "n" is there twice`},
		{"10 MB", `{"keys":[],"pad":"` + strings.Repeat("x", 10<<20) + `"}`, "JSON longer than 1048576 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if set, skipped, err := jws.ParseSet([]byte(c.text)); err == nil || err.Error() != c.want || set != nil || skipped != nil {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
	if set, skipped, err := jws.ParseSet([]byte(`{"keys":[]}`)); err != nil || set.Len() != 0 || len(skipped) != 0 {
		t.Error("an empty set is one", err)
	}
	_, _, err := jws.ParseSet([]byte(`{"keys":5}`))
	if _, ok := errors.AsType[*strictjson.TypeError](err); !ok {
		t.Error(err)
	}
}

func TestJWK14_AtMostAHundredKeys(t *testing.T) {
	var keys []any
	for i := range 100 {
		keys = append(keys, jwk(edKey().Public(), "kid", fmt.Sprint(i)))
	}
	set, skipped, err := jws.ParseSet(keySet(keys...))
	if err != nil || set.Len() != 100 || len(skipped) != 0 {
		t.Fatal(set.Len(), skipped, err)
	}
	set, skipped, err = jws.ParseSet(keySet(append(keys, keys...)...))
	if err != nil || set.Len() != 100 || len(skipped) != 1 || skipped[0].String() != "key 100: this and all further keys are beyond the limit of 100" {
		t.Error(set.Len(), skipped, err)
	}
	// A272: a hundred thousand keys that are nothing.
	many := `{"keys":[` + strings.Repeat("{},", 99_999) + `{}]}`
	if set, skipped, err = jws.ParseSet([]byte(many)); err != nil || set.Len() != 0 || len(skipped) != 101 {
		t.Error(set.Len(), len(skipped), err)
	}
}

func TestJWK10_JWK11_Candidates(t *testing.T) {
	set, _, err := jws.ParseSet(keySet(
		jwk(rsaKey().Public(), "kid", "a"),
		jwk(otherRSA().Public(), "kid", "a"),             // A271: the same kid again
		jwk(p256Key().Public(), "kid", "a"),              // and for another algorithm
		jwk(rsaKey().Public(), "kid", "b", "use", "enc"), // never
		jwk(rsaKey().Public(), "kid", "c", "alg", "PS256"),
		jwk(edKey().Public()), // without kid
	))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		alg, kid string
		want     []string
	}{
		{"RS256", "a", []string{"a", "a"}},
		{"ES256", "a", []string{"a"}},
		{"ES384", "a", nil},
		{"RS256", "b", nil},
		{"RS256", "c", nil},
		{"PS256", "c", []string{"c"}},
		{"PS256", "", []string{"a", "a", "c"}},
		{"RS256", "A", nil},
		{"RS256", "a ", nil},
		{"EdDSA", "", []string{""}},
		{"EdDSA", "a", nil},
		{"HS256", "a", nil},
		{"none", "", nil},
		{"", "", nil},
	} {
		var got []string
		for _, k := range set.Candidates(c.alg, c.kid) {
			got = append(got, k.ID)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s %q: %q, want %q", c.alg, c.kid, got, c.want)
		}
	}
	var nine []any
	for range 9 {
		nine = append(nine, jwk(p256Key().Public(), "kid", "k"))
	}
	set, _, _ = jws.ParseSet(keySet(nine...))
	if n := len(set.Candidates("ES256", "k")); n != 8 {
		t.Errorf("%d candidates", n)
	}
}

func TestSkippedHoldsNoSurprises(t *testing.T) {
	_, skipped, _ := jws.ParseSet(keySet(map[string]any{"kid": "a\n\"\u202e" + strings.Repeat("x", 100), "kty": "oct", "k": "canary"}))
	if len(skipped) != 1 {
		t.Fatal(skipped)
	}
	if s := skipped[0].String(); strings.ContainsAny(s, "\n\"\u202e") || strings.Contains(s, "canary") || len(s) > 150 {
		t.Errorf("%q", s)
	}
}
