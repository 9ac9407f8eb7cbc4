package jws_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"math/big"
	"strings"
	"testing"

	"github.com/wayleave/wayleave/internal/jws"
)

// Parsing and verifying beside the bare signature check, for a token of 1.1 KB.
func BenchmarkVerify(b *testing.B) {
	payload := `{"sub":"` + strings.Repeat("x", 550) + `"}`
	for _, alg := range []string{"RS256", "ES256"} {
		private := keyFor(alg)
		text := token(header(alg), payload, signer(alg, private))
		key := onlyKey(b, private.Public())
		dot := strings.LastIndexByte(text, '.')
		signed, sig := []byte(text[:dot]), must(base64Decode(text[dot+1:]))
		b.Run(alg+"/bare", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				sum := sha256.Sum256(signed)
				switch k := private.Public().(type) {
				case *rsa.PublicKey:
					if rsa.VerifyPKCS1v15(k, crypto.SHA256, sum[:], sig) != nil {
						b.Fatal()
					}
				case *ecdsa.PublicKey:
					if !ecdsa.Verify(k, sum[:], new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:])) {
						b.Fatal()
					}
				}
			}
		})
		b.Run(alg+"/jws", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := must(jws.Parse(text)).Verify(key); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
