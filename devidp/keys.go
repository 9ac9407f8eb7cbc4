package devidp

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/go-jose/go-jose/v4"
)

// keys signs ID tokens. Keys are random at each start, and made when first
// needed, because an RSA key takes longer than all else a test server does.
type keys struct {
	algorithm jose.SignatureAlgorithm
	main      func() (jose.JSONWebKey, error)
	other     func() (jose.JSONWebKey, error) // for unknown-key and late-key
}

func newKeys(algorithm string) *keys {
	fresh := func() (jose.JSONWebKey, error) { return newKey(algorithm) }
	return &keys{jose.SignatureAlgorithm(algorithm), sync.OnceValues(fresh), sync.OnceValues(fresh)}
}

func newKey(algorithm string) (jose.JSONWebKey, error) {
	var private crypto.Signer
	var err error
	if algorithm == "ES256" {
		private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	} else {
		private, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	if err != nil {
		return jose.JSONWebKey{}, fmt.Errorf("making the signing key: %w", err)
	}
	return jose.JSONWebKey{Key: private, KeyID: rand.Text(), Algorithm: algorithm, Use: "sig"}, nil
}

// sign makes a compact JWS, honestly unless a fault says otherwise.
func (k *keys) sign(claims map[string]any, f *faults) (string, error) {
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	key, err := k.main()
	if f.has("unknown-key") || f.has("late-key") {
		key, err = k.other()
	}
	if err != nil {
		return "", err
	}
	signing := jose.SigningKey{Algorithm: k.algorithm, Key: key}
	header := (&jose.SignerOptions{}).WithType("JWT")
	switch {
	case f.has("alg-none"):
		return encode([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + encode(payload) + ".", nil
	case f.has("alg-hs256"):
		secret, err := publicPEM(key)
		if err != nil {
			return "", err
		}
		signing = jose.SigningKey{Algorithm: jose.HS256, Key: secret}
		header = header.WithHeader("kid", key.KeyID)
	}
	signer, err := jose.NewSigner(signing, header)
	if err != nil {
		return "", err
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", err
	}
	token, err := signed.CompactSerialize()
	if err == nil && f.has("bad-signature") {
		token = flipSignatureBit(token)
	}
	return token, err
}

// publicPEM is what a careless verifier would pass to an HMAC (RFC 8725
// section 2.1).
func publicPEM(key jose.JSONWebKey) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(key.Public().Key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), nil
}

func flipSignatureBit(token string) string {
	cut := strings.LastIndexByte(token, '.') + 1
	signature, err := base64.RawURLEncoding.DecodeString(token[cut:])
	if err != nil || len(signature) == 0 {
		return token
	}
	signature[len(signature)/2] ^= 1
	return token[:cut] + encode(signature)
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// jwks answers with the public keys (RFC 7517 section 5).
func (s *Server) jwks(w http.ResponseWriter, c *call) {
	if c.faults.has("jwks-500") {
		writeFailure(w)
		return
	}
	set, err := s.keys.published(c.faults, c.number)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"keys": set})
}

func (k *keys) published(f *faults, fetch int) ([]any, error) {
	main, err := k.main()
	if err != nil {
		return nil, err
	}
	set := []any{main.Public()}
	if f.has("late-key") && fetch > 1 {
		other, err := k.other()
		if err != nil {
			return nil, err
		}
		set = append(set, other.Public())
	}
	if f.has("jwks-strange-keys") {
		strange, err := strangeKeys()
		if err != nil {
			return nil, err
		}
		set = append(strange, set...)
	}
	return set, nil
}

// strangeKeys are legal or illegal neighbours that must not hide a good key.
func strangeKeys() ([]any, error) {
	private, err := newKey("ES256")
	if err != nil {
		return nil, err
	}
	encryption := private.Public()
	encryption.KeyID, encryption.Use, encryption.Algorithm = rand.Text(), "enc", "ECDH-ES"
	modulus := make([]byte, 64)
	rand.Read(modulus)
	modulus[0] |= 0x80
	modulus[len(modulus)-1] |= 1
	return []any{
		map[string]string{"kty": "LATTICE", "kid": rand.Text(), "use": "sig"},
		private,
		map[string]string{"kty": "oct", "kid": rand.Text(), "k": encode([]byte(rand.Text()))},
		map[string]string{"kty": "RSA", "kid": rand.Text(), "use": "sig", "alg": "RS256", "n": encode(modulus), "e": "AQAB"},
		encryption,
		nil,
	}, nil
}
