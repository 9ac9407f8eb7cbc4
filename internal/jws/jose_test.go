package jws_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"math/rand/v2"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/wayleave/wayleave/internal/jws"
)

func base64Decode(s string) ([]byte, error) { return base64.RawURLEncoding.DecodeString(s) }

var joseAlgorithms = []jose.SignatureAlgorithm{jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512,
	jose.ES256, jose.ES384, jose.ES512, jose.EdDSA}

// What go-jose signs is accepted, and whatever is done to it, nothing is
// accepted that go-jose refuses.
func TestAgainstGoJose(t *testing.T) {
	for _, alg := range joseAlgorithms {
		t.Run(string(alg), func(t *testing.T) {
			private := keyFor(string(alg))
			signer := must(jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: jose.JSONWebKey{Key: private, KeyID: "k1"}}, nil))
			public := jose.JSONWebKey{Key: private.Public(), KeyID: "k1", Use: "sig", Algorithm: string(alg)}
			set, skipped, err := jws.ParseSet(must(json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{public}})))
			if err != nil || len(skipped) > 0 {
				t.Fatal(err, skipped)
			}
			key := set.Candidates(string(alg), "k1")[0]
			payload := []byte(`{"sub":"` + t.Name() + `"}`)
			text := must(must(signer.Sign(payload)).CompactSerialize())
			if got, err := verify(t, text, key); err != nil || !bytes.Equal(got, payload) {
				t.Fatalf("%s %v", got, err)
			}
			accepted := 0
			for i := range 300 {
				bad := mutate(text, i)
				parsed, err := jws.Parse(bad)
				if err != nil {
					continue
				}
				got, err := parsed.Verify(key)
				if err != nil {
					continue
				}
				accepted++
				theirs, err := jose.ParseSignedCompact(bad, joseAlgorithms)
				if err != nil {
					t.Fatalf("go-jose cannot parse %s", bad)
				}
				if want, err := theirs.Verify(public.Key); err != nil || !bytes.Equal(want, got) {
					t.Fatalf("go-jose refuses %s", bad)
				}
				if bad != text {
					t.Fatalf("accepted, although not what was signed: %s", bad)
				}
			}
			if accepted == 300 {
				t.Error("no mutation was one")
			}
		})
	}
}

// mutate changes a token in one of the ways in which bytes go wrong.
func mutate(text string, seed int) string {
	r := rand.New(rand.NewPCG(uint64(seed), 1))
	b := []byte(text)
	i, j := r.IntN(len(b)), r.IntN(len(b))
	switch seed % 6 {
	case 0:
		b[i] ^= 1 << r.IntN(8)
	case 1:
		b[i] = b[j]
	case 2:
		b = append(b[:i], b[i+1:]...)
	case 3:
		b = append(b[:i:i], append([]byte{b[j]}, b[i:]...)...)
	case 4:
		b = b[:i]
	case 5:
		const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."
		b[i] = alphabet[r.IntN(len(alphabet))]
	}
	return string(b)
}

func FuzzParse(f *testing.F) {
	for _, alg := range []string{"RS256", "ES256", "EdDSA"} {
		f.Add(token(header(alg), `{"sub":"u"}`, signer(alg, keyFor(alg))))
	}
	f.Add("..")
	f.Add("e30.e30.e30")
	keys := []*jws.Key{onlyKey(f, rsaKey().Public()), onlyKey(f, p256Key().Public()), onlyKey(f, p521Key().Public()), onlyKey(f, edKey().Public())}
	f.Fuzz(func(t *testing.T, text string) {
		parsed, err := jws.Parse(text)
		if (err == nil) != (parsed != nil) {
			t.Fatal("neither token nor error, or both")
		}
		if err != nil {
			return
		}
		for _, key := range keys {
			if payload, err := parsed.Verify(key); (err == nil) != (payload != nil) {
				t.Fatal("neither payload nor error, or both")
			}
		}
	})
}

func FuzzParseSet(f *testing.F) {
	f.Add(keySet(jwk(rsaKey().Public(), "kid", "r"), jwk(p256Key().Public()), jwk(edKey().Public(), "use", "sig")))
	f.Add([]byte(`{"keys":[null,{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}]}`))
	f.Add([]byte(`{"keys":[{"kty":"OKP","crv":"Ed25519","x":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}]}`))
	parsed := must(jws.Parse(token(header("RS256"), `{}`, signer("RS256", rsaKey()))))
	f.Fuzz(func(t *testing.T, data []byte) {
		set, skipped, err := jws.ParseSet(data)
		if err != nil {
			if set != nil {
				t.Fatal("set and error")
			}
			return
		}
		if set.Len() > 100 || len(skipped) > 101 {
			t.Fatal("too many")
		}
		for _, alg := range allAlgorithms {
			for _, key := range set.Candidates(alg, "") {
				_, _ = parsed.Verify(key)
			}
		}
	})
}
