package jws_test

import (
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/wayleave/wayleave/internal/jws"
)

func TestJWK01_JWK03_WhatParseRefuses(t *testing.T) {
	good := token(header("ES256"), `{"sub":"u"}`, signer("ES256", p256Key()))
	withHeader := func(h string) string { return replacePart(good, 0, b64([]byte(h))) }
	for _, c := range []struct {
		name, text string
		problem    jws.Problem
		want       string
	}{
		{"empty", "", jws.Malformed, "not three parts with dots between them"},
		{"one part", "abc", jws.Malformed, "not three parts with dots between them"},
		{"two parts", "a.b", jws.Malformed, "not three parts with dots between them"},
		{"four parts", good + ".x", jws.Malformed, "not three parts with dots between them"},
		{"A276 five parts", "a.b.c.d.e", jws.Encrypted, "the token is encrypted"},
		{"SH-87 JSON form", `{"payload":"","signatures":[{"header":{"a":"x.y.z"}}]}`, jws.Malformed, "characters outside of base64url"},
		{"A281 line break inside", good[:5] + "\n" + good[5:], jws.Malformed, "characters outside of base64url"},
		{"A281 line break at the end", good + "\n", jws.Malformed, "characters outside of base64url"},
		{"A281 space", " " + good, jws.Malformed, "characters outside of base64url"},
		{"A281 padding", good + "=", jws.Malformed, "characters outside of base64url"},
		{"A281 standard alphabet", replacePart(good, 1, "+/++"), jws.Malformed, "characters outside of base64url"},
		{"A281 trailing bits in the header", replacePart(good, 0, "e31"), jws.Malformed, "the header is not canonical base64url"},
		{"A281 trailing bits in the payload", replacePart(good, 1, "e31"), jws.Malformed, "the payload is not canonical base64url"},
		{"A281 trailing bits in the signature", replacePart(good, 2, "e31"), jws.Malformed, "the signature is not canonical base64url"},
		{"impossible length", replacePart(good, 2, "abcde"), jws.Malformed, "the signature is not canonical base64url"},
		{"JWK-02 too long", strings.Repeat("a", jws.MaxLength+1), jws.Malformed, "longer than 64 KiB"},
		{"header empty", replacePart(good, 0, ""), jws.Malformed, "the header is malformed: JSON refused at byte 0: unexpected end"},
		{"header not an object", withHeader(`[]`), jws.Malformed, "the header is malformed: JSON refused at byte 0: array at top level, not object"},
		{"header with more behind", withHeader(`{"alg":"ES256"}{}`), jws.Malformed, "the header is malformed: JSON refused at byte 15: something after the value"},
		{"A268 alg twice", withHeader(`{"alg":"ES256","alg":"none"}`), jws.Malformed, `the header is malformed: JSON refused at byte 15: member "alg" is there twice`},
		{"A268 alg twice in capitals", withHeader(`{"alg":"ES256","ALG":"none"}`), jws.Malformed, `the header is malformed: JSON refused at byte 15: member "ALG" differs from another only in case`},
		{"A268 alg twice by escape", withHeader(`{"alg":"ES256","\u0061lg":"none"}`), jws.Malformed, `the header is malformed: JSON refused at byte 15: member "alg" is there twice`},
		{"A268 kid with Kelvin sign", withHeader(`{"alg":"ES256","kid":"a","` + "\u212a" + `id":"b"}`), jws.Malformed, `the header is malformed: JSON refused at byte 25: member "???id" differs from another only in case`},
		{"A260 alg none", withHeader(`{"alg":"none"}`), jws.Algorithm, "the token is not signed"},
		{"A260 alg None", withHeader(`{"alg":"None"}`), jws.Algorithm, "the token is not signed"},
		{"A260 alg nOnE", withHeader(`{"alg":"nOnE"}`), jws.Algorithm, "the token is not signed"},
		{"A260 alg none with an empty signature", b64([]byte(`{"alg":"none"}`)) + ".e30.", jws.Algorithm, "the token is not signed"},
		{"A260 alg empty", withHeader(`{"alg":""}`), jws.Algorithm, "the header has no alg that is a string"},
		{"A260 alg missing", withHeader(`{"typ":"JWT"}`), jws.Algorithm, "the header has no alg that is a string"},
		{"A260 alg under another name", withHeader(`{"Alg":"ES256"}`), jws.Algorithm, "the header has no alg that is a string"},
		{"A260 alg null", withHeader(`{"alg":null}`), jws.Algorithm, "the header has no alg that is a string"},
		{"A260 alg array", withHeader(`{"alg":["ES256"]}`), jws.Algorithm, `the header has no alg that is a string: member "alg" is of kind array, not string`},
		{"A267 crit unknown", withHeader(`{"alg":"ES256","crit":["exp"],"exp":1}`), jws.Critical, "the header demands an extension (crit, b64), and none is understood"},
		{"A267 crit empty", withHeader(`{"alg":"ES256","crit":[]}`), jws.Critical, "the header demands an extension (crit, b64), and none is understood"},
		{"A267 crit null", withHeader(`{"alg":"ES256","crit":null}`), jws.Critical, "the header demands an extension (crit, b64), and none is understood"},
		{"A267 b64 false", withHeader(`{"alg":"ES256","b64":false,"crit":["b64"]}`), jws.Critical, "the header demands an extension (crit, b64), and none is understood"},
		{"A267 b64 without crit", withHeader(`{"alg":"ES256","b64":true}`), jws.Critical, "the header demands an extension (crit, b64), and none is understood"},
		{"A276 enc in three parts", withHeader(`{"alg":"RSA-OAEP","enc":"A128GCM"}`), jws.Encrypted, "the header is that of an encrypted token"},
		{"SH-90 zip", withHeader(`{"alg":"ES256","zip":"DEF"}`), jws.Malformed, "the header demands compression"},
		{"A265 kid is a number", withHeader(`{"alg":"ES256","kid":1}`), jws.Malformed, "kid is not a string of at most 256 bytes"},
		{"A265 kid is an array", withHeader(`{"alg":"ES256","kid":["a"]}`), jws.Malformed, "kid is not a string of at most 256 bytes"},
		{"A265 kid of 257 bytes", withHeader(`{"alg":"ES256","kid":"` + strings.Repeat("k", 257) + `"}`), jws.Malformed, "kid is not a string of at most 256 bytes"},
		{"A280 typ is a number", withHeader(`{"alg":"ES256","typ":1}`), jws.Malformed, "typ is not a string"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := jws.Parse(c.text)
			bad, ok := errors.AsType[*jws.Error](err)
			if !ok || bad.Problem != c.problem || err.Error() != c.want || got != nil {
				t.Errorf("got %v (%+v), want %s", err, bad, c.want)
			}
		})
	}
}

func TestParseKeepsWhatRoutesTheToken(t *testing.T) {
	kid := strings.Repeat("k", 256)
	got, err := jws.Parse(token(`{"typ":"at+jwt","kid":"`+kid+`","alg":"ES256","x":{"y":[1]}}`, `not even JSON`, signer("ES256", p256Key())))
	if err != nil || got.Algorithm != "ES256" || got.KeyID != kid || got.Type != "at+jwt" {
		t.Errorf("%+v %v", got, err)
	}
	for _, h := range []string{`{"alg":"ES256"}`, `{"alg":"ES256","kid":null,"typ":null}`, `{"alg":"ES256","kid":"","typ":""}`} {
		if got, err := jws.Parse(token(h, `{}`, signer("ES256", p256Key()))); err != nil || got.KeyID != "" || got.Type != "" {
			t.Errorf("%s: %+v %v", h, got, err)
		}
	}
	for _, kid := range []string{"../../dev/null", "' OR 1=1", ";cmd", "https://evil.example/k", "\\u0000"} { // A265: just names
		if _, err := jws.Parse(token(`{"alg":"ES256","kid":"`+kid+`"}`, `{}`, signer("ES256", p256Key()))); err != nil {
			t.Errorf("%s: %v", kid, err)
		}
	}
}

// JWK-02, SH-82, SH-91, SH-95: no input costs more than its length.
func TestJWK02_SH82_DotsCostNothing(t *testing.T) {
	for _, n := range []int{1_000_000, 16 << 20, jws.MaxLength} {
		dots := strings.Repeat(".", n)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		_, err := jws.Parse(dots)
		took := time.Since(start)
		runtime.ReadMemStats(&after)
		if err == nil {
			t.Fatal("accepted")
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 64<<10 || took > time.Second {
			t.Errorf("%d dots: %d bytes, %v", n, used, took)
		}
	}
}
