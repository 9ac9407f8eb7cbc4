package devidp

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const logoutTokenLifetime = 2 * time.Minute

// logoutClaims are what differs from one logout token to the next, bent as the
// faults ask for.
func (s *Server) logoutClaims(f *faults, one session, client string) map[string]any {
	claims := map[string]any{"aud": client, "sub": one.subject, "sid": one.sid}
	if f.has("logout-nonce") {
		claims["nonce"] = rand.Text()
	}
	if f.has("logout-no-events") {
		claims["events"] = nil
	}
	if f.has("logout-wrong-audience") {
		claims["aud"] = client + "-other"
	}
	if f.has("logout-expired") {
		claims["iat"], claims["exp"] = s.now().Add(-2*time.Hour).Unix(), s.now().Add(-time.Hour).Unix()
	}
	return claims
}

// LogoutToken makes a logout token (OpenID Connect Back-Channel Logout section
// 2.4), right or wrong, signed with the provider's key. The claims are laid
// over iss, iat, exp (two minutes from now), jti (random) and events, and the
// headers over alg, kid and typ; a nil value removes a member. At least aud,
// and sub or sid, are the caller's. Another alg is only written, not used.
func (s *Server) LogoutToken(claims map[string]any, header ...map[string]any) (string, error) {
	key, err := s.keys.main()
	if err != nil {
		return "", err
	}
	now := s.now()
	payload := overlaid(map[string]any{
		"iss": s.options.Issuer, "iat": now.Unix(), "exp": now.Add(logoutTokenLifetime).Unix(), "jti": rand.Text(),
		"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}},
	}, claims)
	head := overlaid(map[string]any{"alg": key.Algorithm, "kid": key.KeyID, "typ": "logout+jwt"}, header...)
	return signRaw(key, head, payload)
}

// overlaid is base with the members of each layer in place of its own.
func overlaid(base map[string]any, layers ...map[string]any) map[string]any {
	for _, layer := range layers {
		for name, value := range layer {
			if value == nil {
				delete(base, name)
			} else {
				base[name] = value
			}
		}
	}
	return base
}

// signRaw signs whatever it is given, which go-jose rightly does not.
func signRaw(key jose.JSONWebKey, header, payload map[string]any) (string, error) {
	head, headErr := json.Marshal(header)
	body, bodyErr := json.Marshal(payload)
	if err := errors.Join(headErr, bodyErr); err != nil {
		return "", err
	}
	input := encode(head) + "." + encode(body)
	digest := sha256.Sum256([]byte(input))
	switch private := key.Key.(type) {
	case *rsa.PrivateKey:
		signature, err := rsa.SignPKCS1v15(nil, private, crypto.SHA256, digest[:])
		return input + "." + encode(signature), err
	case *ecdsa.PrivateKey:
		r, s, err := ecdsa.Sign(rand.Reader, private, digest[:])
		if err != nil {
			return "", err
		}
		return input + "." + encode(append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)), nil
	}
	return "", errors.New("the signing key is of a kind that is not expected")
}
