package devidp

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"regexp"
	"slices"
	"time"
)

var verifierForm = regexp.MustCompile(`^[A-Za-z0-9._~-]{43,128}$`)

// addCode stores a code that works for codeLifetime.
func (m *memory) addCode(c code, now time.Time) string {
	value := newSecret("4")
	c.expires = now.Add(codeLifetime)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.codes.put(value, &c, now)
	return value
}

// redeem spends a code (RFC 6749 section 4.1.3, RFC 7636 section 4.6). The
// first attempt by the right client spends it, whatever comes of that attempt;
// the second one shows that the code leaked, and revokes what the first
// obtained. An attempt by another client changes nothing, or anyone registered
// here could spoil the logins of others.
func (m *memory) redeem(value, clientID, redirectURI, verifier string, now time.Time) (*grant, *tokenError) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c, ok := m.codes.get(value, now)
	switch {
	case !ok:
		return nil, invalidGrant("the code is unknown or has expired")
	case c.clientID != clientID:
		return nil, invalidGrant("the code was issued to another client")
	case c.used:
		c.revoked = true
		return nil, invalidGrant("the code was used before; the tokens made from it are revoked")
	}
	c.used = true
	switch {
	case !now.Before(c.expires):
		return nil, invalidGrant("the code is unknown or has expired")
	case redirectURI != c.redirectURI:
		return nil, invalidGrant("redirect_uri differs from the one in the authorization request")
	case c.challenge == "" && verifier != "":
		return nil, invalidGrant("code_verifier came, but the authorization request had no code_challenge")
	case c.challenge != "" && !verifierMatches(verifier, c.challenge):
		return nil, invalidGrant("code_verifier does not match the code_challenge")
	}
	return c.grant, nil
}

func verifierMatches(verifier, challenge string) bool {
	hash := sha256.Sum256([]byte(verifier))
	expected := base64.RawURLEncoding.EncodeToString(hash[:])
	return verifierForm.MatchString(verifier) &&
		subtle.ConstantTimeCompare([]byte(expected), []byte(challenge)) == 1
}

// rotate spends a refresh token (RFC 9700 section 4.14.2). A token that was
// spent before means that two parties hold it, so the whole family ends. Scopes
// may only shrink, and asking for more does not cost the token. With keep the
// token stays good, for providers that do not rotate.
func (m *memory) rotate(value, clientID string, scopes []string, keep bool, now time.Time) (*grant, *tokenError) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.refresh.get(value, now)
	switch {
	case !ok:
		return nil, invalidGrant("the refresh token is unknown or has expired")
	case r.clientID != clientID:
		return nil, invalidGrant("the refresh token was issued to another client")
	case r.revoked:
		return nil, invalidGrant("the grant was revoked")
	case r.used:
		r.revoked = true
		return nil, invalidGrant("the refresh token was used before; all tokens of its family are revoked")
	case slices.ContainsFunc(scopes, func(s string) bool { return !slices.Contains(r.scopes, s) }):
		return nil, &tokenError{400, "invalid_scope", "scope asks for more than was granted"}
	}
	r.used = !keep
	return r.grant, nil
}

func (m *memory) addAccess(g *grant, scopes []string, now time.Time) string {
	value := newSecret("at")
	m.mu.Lock()
	defer m.mu.Unlock()
	m.access.put(value, access{g, scopes}, now)
	return value
}

func (m *memory) addRefresh(g *grant, now time.Time) string {
	value := newSecret("rt")
	m.mu.Lock()
	defer m.mu.Unlock()
	m.refresh.put(value, &refresh{grant: g}, now)
	return value
}

// accessToken returns what an access token opens, if it is live.
func (m *memory) accessToken(value string, now time.Time) (access, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	a, ok := m.access.get(value, now)
	if !ok || a.revoked {
		return access{}, false
	}
	return a, true
}
