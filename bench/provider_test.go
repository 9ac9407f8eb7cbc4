// Package bench compares Wayleave with other libraries. It is a module of its
// own, so that Wayleave does not depend on them. Run go -C bench run ./report
// for all numbers of docs/performance.md.
package bench

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const (
	clientID     = "client-1"
	clientSecret = "s3cret"
	redirectURI  = "http://localhost:8000/auth/acme/callback"
	accessToken  = "ya29.a0AfB_byC-0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz"
)

// server is a provider whose answers are made before anything is measured, so
// that signing does not hide what is.
type server struct {
	*httptest.Server
	alg      string
	key      crypto.Signer
	tokens   []byte // the token answer
	userinfo []byte
}

func newServer(b *testing.B, alg string) *server {
	b.Helper()
	s := &server{alg: alg}
	var err error
	if alg == "RS256" {
		s.key, err = rsa.GenerateKey(rand.Reader, 2048)
	} else {
		s.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	if err != nil {
		b.Fatal(err)
	}
	mux := http.NewServeMux()
	s.Server = httptest.NewServer(mux)
	b.Cleanup(s.Close)
	s.userinfo = toJSON(b, map[string]any{"sub": "110169484474386276334", "email": "ada.lovelace@example.com", "email_verified": true, "name": "Ada Lovelace"})
	serve := func(path string, body func() []byte) {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			r.ParseForm() // any server reads what it is sent
			w.Header().Set("Content-Type", "application/json")
			w.Write(body())
		})
	}
	metadata := toJSON(b, map[string]any{"issuer": s.URL, "authorization_endpoint": s.URL + "/authorize", "token_endpoint": s.URL + "/token",
		"userinfo_endpoint": s.URL + "/userinfo", "jwks_uri": s.URL + "/jwks", "response_types_supported": []string{"code"},
		"id_token_signing_alg_values_supported": []string{alg}, "code_challenge_methods_supported": []string{"S256"},
		"token_endpoint_auth_methods_supported": []string{"client_secret_basic"}})
	keys := toJSON(b, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: s.key.Public(), KeyID: "k1", Algorithm: alg, Use: "sig"}}})
	serve("/.well-known/openid-configuration", func() []byte { return metadata })
	serve("/jwks", func() []byte { return keys })
	serve("/token", func() []byte { return s.tokens })
	serve("/userinfo", func() []byte { return s.userinfo })
	return s
}

// grant makes the token endpoint answer with an ID token for this nonce, of
// 1.1 KB, as those of large providers are. It returns the ID token.
func (s *server) grant(b *testing.B, nonce string) string {
	b.Helper()
	pad := 300 // an ECDSA signature is shorter than one of RSA
	if s.alg == "RS256" {
		pad = 120
	}
	half := sha256.Sum256([]byte(accessToken))
	claims := toJSON(b, map[string]any{"iss": s.URL, "sub": "110169484474386276334", "aud": clientID, "azp": clientID, "nonce": nonce,
		"exp": time.Now().Add(time.Hour).Unix(), "iat": time.Now().Unix(), "at_hash": base64.RawURLEncoding.EncodeToString(half[:16]),
		"email": "ada.lovelace@example.com", "email_verified": true, "hd": "example.com", "name": "Ada Lovelace", "given_name": "Ada", "family_name": "Lovelace",
		"locale": "en", "picture": "https://images.example.com/a/" + strings.Repeat("p", pad), "sid": strings.Repeat("s", 32)})
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(s.alg), Key: jose.JSONWebKey{Key: s.key, KeyID: "k1"}}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		b.Fatal(err)
	}
	signed, err := signer.Sign(claims)
	if err != nil {
		b.Fatal(err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		b.Fatal(err)
	}
	s.tokens = toJSON(b, map[string]any{"access_token": accessToken, "token_type": "Bearer", "expires_in": 3600, "scope": "openid email profile",
		"refresh_token": "1//0123456789abcdefghijklmnopqrstuvwxyz", "id_token": token})
	return token
}

// bareCheck is the least that anybody could do with a token: hash and verify.
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

func toJSON(b *testing.B, v any) []byte {
	b.Helper()
	out, err := json.Marshal(v)
	if err != nil {
		b.Fatal(err)
	}
	return out
}

func parameter(b *testing.B, rawURL, name string) string {
	b.Helper()
	u, err := url.Parse(rawURL)
	if err != nil {
		b.Fatal(err)
	}
	return u.Query().Get(name)
}
