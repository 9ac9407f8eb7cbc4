// Package assertion signs who is there, for upstreams that want proof rather
// than to trust the network: a JWT (RFC 7519) with ES256 (RFC 7518 section 3.4),
// made for one upstream and good for two minutes.
//
// The keys are derived from the ring, so that all replicas sign with the same
// one, nothing else has to be kept, and a rotation of the ring rotates them: the
// key set lists one for each ring key.
package assertion

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/wayleave/wayleave/internal/seal"
	"github.com/wayleave/wayleave/session"
	"github.com/wayleave/wayleave/store"
)

const (
	// Lifetime is how long an assertion is good for: exp minus iat.
	Lifetime = 2 * time.Minute
	// cachedFor is how long one is handed out again: it is good for at least
	// another minute then.
	cachedFor = time.Minute
	maxCached = 10_000
)

// Signer makes assertions of one site. It is safe for concurrent use.
type Signer struct {
	issuer string
	keys   []key // the first signs

	mu     sync.Mutex
	cached map[cacheKey]cacheEntry
}

type key struct {
	id      string
	private *ecdsa.PrivateKey
	header  string
}

type cacheKey struct {
	session  store.Key
	audience string
}

type cacheEntry struct {
	token string
	until time.Time
}

// New returns a Signer for a site; issuer is its base URL.
func New(ring *seal.Ring, issuer string) (*Signer, error) {
	s := &Signer{issuer: issuer, cached: map[cacheKey]cacheEntry{}}
	for _, secret := range ring.Derive("assertion", "ES256", 8*32) {
		k, err := newKey(secret)
		if err != nil {
			return nil, err
		}
		s.keys = append(s.keys, k)
	}
	return s, nil
}

// newKey takes the first of the candidates that is a private key of P-256:
// nearly every 32 bytes are one.
func newKey(secret []byte) (key, error) {
	for ; len(secret) >= 32; secret = secret[32:] {
		private, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), secret[:32])
		if err != nil {
			continue
		}
		public, err := private.PublicKey.Bytes()
		if err != nil {
			return key{}, err
		}
		sum := sha256.Sum256(public)
		k := key{id: encode(sum[:12]), private: private}
		k.header = encode(fmt.Appendf(nil, `{"alg":"ES256","kid":%q,"typ":"JWT"}`, k.id))
		return k, nil
	}
	return key{}, fmt.Errorf("no signing key can be derived from the ring")
}

// Claims are what an assertion says. Subject is the stable id of the account:
// the same that is sent as X-Wayleave-User.
type Claims struct {
	Issuer   string   `json:"iss"`
	Subject  string   `json:"sub"`
	Audience string   `json:"aud"`
	IssuedAt int64    `json:"iat"`
	Expires  int64    `json:"exp"`
	Email    string   `json:"email,omitempty"` // only if verified
	Name     string   `json:"name,omitempty"`
	Provider string   `json:"provider"`
	ProvSub  string   `json:"provider_sub"`
	Groups   []string `json:"groups,omitempty"`
	AuthTime int64    `json:"auth_time,omitempty"`
}

// Sign returns an assertion about the session's user for the audience; it may be
// one of the last minute.
func (s *Signer) Sign(ses *session.Session, groups []string, audience string) (string, error) {
	now := time.Now()
	at := cacheKey{ses.Key(), audience}
	s.mu.Lock()
	e, ok := s.cached[at]
	s.mu.Unlock()
	if ok && now.Before(e.until) {
		return e.token, nil
	}
	token, err := s.sign(ses, groups, audience, now)
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.cached) >= maxCached {
		clear(s.cached)
	}
	s.cached[at] = cacheEntry{token, now.Add(cachedFor)}
	return token, nil
}

func (s *Signer) sign(ses *session.Session, groups []string, audience string, now time.Time) (string, error) {
	c := Claims{Issuer: s.issuer, Subject: ses.ID, Audience: audience, IssuedAt: now.Unix(), Expires: now.Add(Lifetime).Unix(),
		Name: ses.Name, Provider: ses.Provider, ProvSub: ses.Subject, Groups: groups}
	if ses.EmailVerified {
		c.Email = ses.Email
	}
	if !ses.AuthTime.IsZero() {
		c.AuthTime = ses.AuthTime.Unix()
	}
	// It ends with the session, if that is sooner.
	c.Expires = min(c.Expires, ses.Expires.Unix())
	payload, err := json.Marshal(c)
	if err != nil {
		return "", err
	}
	k := s.keys[0]
	input := k.header + "." + encode(payload)
	sum := sha256.Sum256([]byte(input))
	r, v, err := ecdsa.Sign(rand.Reader, k.private, sum[:])
	if err != nil {
		return "", err
	}
	var sig [64]byte // RFC 7518 section 3.4
	r.FillBytes(sig[:32])
	v.FillBytes(sig[32:])
	return input + "." + encode(sig[:]), nil
}

// KeySet returns the public keys as a JWK set (RFC 7517 section 5), the signing
// one first. There is nothing private in it.
func (s *Signer) KeySet() []byte {
	type jwk struct {
		Type  string `json:"kty"`
		Curve string `json:"crv"`
		Use   string `json:"use"`
		Alg   string `json:"alg"`
		ID    string `json:"kid"`
		X     string `json:"x"`
		Y     string `json:"y"`
	}
	set := struct {
		Keys []jwk `json:"keys"`
	}{Keys: []jwk{}}
	for _, k := range s.keys {
		public, err := k.private.PublicKey.Bytes()
		if err != nil || len(public) != 65 {
			continue // derived keys are never without a point
		}
		set.Keys = append(set.Keys, jwk{"EC", "P-256", "sig", "ES256", k.id, encode(public[1:33]), encode(public[33:])})
	}
	b, _ := json.Marshal(set) // strings alone
	return b
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
