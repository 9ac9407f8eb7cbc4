package oauth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"
)

// BenchmarkIDToken measures a complete verification beside the bare signature
// check of the same token, in turns, and reports their ratio as x-bare. The
// token has 1.1 KB, as those of large providers have.
func BenchmarkIDToken(b *testing.B) {
	for _, alg := range []string{"RS256", "ES256"} {
		b.Run(alg, func(b *testing.B) {
			c := newIDTCase()
			pad := 300 // an ECDSA signature is shorter than one of RSA
			if c.alg = alg; alg == "RS256" {
				c.key, pad = idtRSA(), 120
			}
			maps.Copy(c.claims, map[string]any{"azp": "client-1", "at_hash": atHash(idtAccess), "email": "ada.lovelace@example.com", "email_verified": true,
				"hd": "example.com", "name": "Ada Lovelace", "given_name": "Ada", "family_name": "Lovelace", "locale": "en",
				"picture": "https://images.example.com/a/" + strings.Repeat("p", pad), "sid": strings.Repeat("s", 32), "exp": at(time.Hour)})
			c.verifier.maxTokenAge = time.Hour
			token := c.token()
			if _, err := c.verifier.verify(b.Context(), token, c.want); err != nil {
				b.Fatal(err)
			}
			bare := bareCheck(c.key.signer.Public(), token)
			var whole, floor []time.Duration
			b.ReportAllocs()
			for b.Loop() {
				start := time.Now()
				if _, err := c.verifier.verify(b.Context(), token, c.want); err != nil {
					b.Fatal(err)
				}
				between := time.Now()
				if !bare() {
					b.Fatal("signature")
				}
				floor, whole = append(floor, time.Since(between)), append(whole, between.Sub(start))
			}
			slices.Sort(floor)
			slices.Sort(whole)
			// Medians, because other work on the machine hits the longer of the two more often.
			verify, least := float64(whole[len(whole)/2]), float64(floor[len(floor)/2])
			b.ReportMetric(verify, "ns/verify")
			b.ReportMetric(least, "ns/bare")
			b.ReportMetric(verify/least, "x-bare")
			b.ReportMetric(float64(len(token)), "token-bytes")
		})
	}
}

// bareCheck is the least that anybody could do: hash and verify.
func bareCheck(public crypto.PublicKey, token string) func() bool {
	dot := strings.LastIndexByte(token, '.')
	signed := []byte(token[:dot])
	sig, err := base64.RawURLEncoding.DecodeString(token[dot+1:])
	if err != nil {
		panic(err)
	}
	return func() bool {
		sum := sha256.Sum256(signed)
		if k, ok := public.(*rsa.PublicKey); ok {
			return rsa.VerifyPKCS1v15(k, crypto.SHA256, sum[:], sig) == nil
		}
		return ecdsa.Verify(public.(*ecdsa.PublicKey), sum[:], new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:]))
	}
}
