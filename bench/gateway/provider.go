//go:build linux

package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const (
	clientID     = "app"
	clientSecret = "s3cret-of-the-bench"
)

// provider signs whoever comes in at once, each time another person, with ES256.
// It checks what a code is bound to, so that a login is one.
type provider struct {
	issuer string
	signer jose.Signer
	keys   jose.JSONWebKeySet
	people atomic.Int64

	mu    sync.Mutex
	codes map[string]url.Values // the authorization request behind each code
}

func serveProvider(address string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	p := &provider{issuer: "http://" + address, codes: map[string]url.Values{}}
	p.keys.Keys = []jose.JSONWebKey{{Key: key.Public(), KeyID: "k1", Algorithm: "ES256", Use: "sig"}}
	p.signer, err = jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: "k1"}}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{"issuer": p.issuer, "authorization_endpoint": p.issuer + "/authorize", "token_endpoint": p.issuer + "/token", "jwks_uri": p.issuer + "/jwks",
			"response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"}, "id_token_signing_alg_values_supported": []string{"ES256"},
			"code_challenge_methods_supported": []string{"S256"}, "token_endpoint_auth_methods_supported": []string{"client_secret_basic"},
			"authorization_response_iss_parameter_supported": true})
	})
	mux.HandleFunc("GET /jwks", func(w http.ResponseWriter, _ *http.Request) { answer(w, p.keys) })
	mux.HandleFunc("GET /authorize", p.authorize)
	mux.HandleFunc("POST /token", p.token)
	return http.ListenAndServe(address, mux)
}

func (p *provider) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	code := rand.Text()
	p.mu.Lock()
	p.codes[code] = q
	p.mu.Unlock()
	back := url.Values{"code": {code}, "state": {q.Get("state")}, "iss": {p.issuer}}
	w.Header().Set("Location", q.Get("redirect_uri")+"?"+back.Encode())
	w.WriteHeader(http.StatusSeeOther)
}

func (p *provider) token(w http.ResponseWriter, r *http.Request) {
	code := r.PostFormValue("code")
	p.mu.Lock()
	q, ok := p.codes[code]
	delete(p.codes, code)
	p.mu.Unlock()
	id, secret, _ := r.BasicAuth()
	sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	if !ok || id != clientID || secret != clientSecret || r.PostFormValue("redirect_uri") != q.Get("redirect_uri") ||
		q.Get("code_challenge") != base64.RawURLEncoding.EncodeToString(sum[:]) {
		w.WriteHeader(http.StatusBadRequest)
		answer(w, map[string]string{"error": "invalid_grant"})
		return
	}
	token, err := p.idToken(q.Get("nonce"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	answer(w, map[string]any{"access_token": accessToken, "token_type": "Bearer", "expires_in": 3600, "scope": q.Get("scope"),
		"refresh_token": "1//0123456789abcdefghijklmnopqrstuvwxyz", "id_token": token})
}

// accessToken is as long as those of large providers.
var accessToken = "ya29.a0AfB_byC-" + strings.Repeat("0123456789abcdefghijklmnopqrstuvwxyz", 19)

// idToken has 1.1 KB.
func (p *provider) idToken(nonce string) (string, error) {
	now, half := time.Now().Unix(), sha256.Sum256([]byte(accessToken))
	claims, err := json.Marshal(map[string]any{"iss": p.issuer, "sub": "1101694844743" + strconv.FormatInt(p.people.Add(1), 10), "aud": clientID, "azp": clientID, "nonce": nonce,
		"exp": now + 3600, "iat": now, "auth_time": now, "at_hash": base64.RawURLEncoding.EncodeToString(half[:16]),
		"email": "ada.lovelace@example.com", "email_verified": true, "hd": "example.com", "name": "Ada Lovelace", "given_name": "Ada", "family_name": "Lovelace",
		"locale": "en", "groups": []string{"staff", "finance"}, "picture": "https://images.example.com/a/" + strings.Repeat("p", 250), "sid": rand.Text()})
	if err != nil {
		return "", err
	}
	signed, err := p.signer.Sign(claims)
	if err != nil {
		return "", err
	}
	return signed.CompactSerialize()
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(v)
}
