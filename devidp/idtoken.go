package devidp

import (
	"crypto/rand"
	"crypto/sha256"
	"maps"
	"time"
)

const idTokenLifetime = time.Hour

// idToken states who signed in (OpenID Connect Core section 2 and 3.1.3.6).
func (s *Server) idToken(c *call, g *grant, accessToken, nonce string) (string, error) {
	now := s.now()
	claims := s.claims(g.person, g.scopes)
	maps.Copy(claims, map[string]any{
		"iss":       s.options.Issuer,
		"aud":       g.clientID,
		"iat":       now.Unix(),
		"exp":       now.Add(idTokenLifetime).Unix(),
		"auth_time": g.authTime.Unix(),
		"sid":       g.sid,
		"at_hash":   atHash(accessToken),
	})
	if nonce != "" {
		claims["nonce"] = nonce
	}
	s.bendClaims(claims, c, g, nonce)
	return s.keys.sign(claims, c.faults)
}

// atHash is the left half of SHA-256, the hash of both RS256 and ES256.
func atHash(accessToken string) string {
	hash := sha256.Sum256([]byte(accessToken))
	return encode(hash[:len(hash)/2])
}

// bendClaims turns honest claims into those that the faults ask for. Where a
// wrong value is needed it is close to the right one, so that a comparison that
// is nearly exact shows.
func (s *Server) bendClaims(claims map[string]any, c *call, g *grant, nonce string) {
	now := s.now()
	bend := func(fault string, change func()) {
		if c.faults.has(fault) {
			change()
		}
	}
	bend("wrong-nonce", func() { claims["nonce"] = nonce + rand.Text()[:1] })
	bend("missing-nonce", func() { delete(claims, "nonce") })
	bend("wrong-issuer", func() { claims["iss"] = s.options.Issuer + "/" })
	bend("wrong-audience", func() { claims["aud"] = g.clientID + "-other" })
	bend("extra-audience", func() { claims["aud"] = []string{g.clientID, "https://stranger.example"} })
	bend("expired-token", func() {
		claims["iat"], claims["exp"] = now.Add(-2*time.Hour).Unix(), now.Add(-time.Hour).Unix()
	})
	bend("issued-in-future", func() {
		claims["iat"], claims["exp"] = now.Add(time.Hour).Unix(), now.Add(2*time.Hour).Unix()
	})
	bend("missing-sub", func() { delete(claims, "sub") })
	bend("wrong-at-hash", func() { claims["at_hash"] = atHash(newSecret("at")) })
	bend("refresh-other-sub", func() {
		if c.params.Get("grant_type") == "refresh_token" {
			claims["sub"] = somebodyElse(g.person)
		}
	})
}
