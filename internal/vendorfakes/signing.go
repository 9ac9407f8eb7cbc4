package vendorfakes

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"math/big"
	"sync"
)

// signingKey is made once: it takes longer than the rest of a test.
var signingKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

const keyID = "6f7254101f56e41cf35c9926de84a2d552b4c6f1"

// key is the published half, with members besides.
func key(private *rsa.PrivateKey, more object) object {
	k := object{
		"kty": "RSA", "alg": "RS256", "use": "sig", "kid": keyID,
		"n": encode(private.N.Bytes()), "e": encode(big.NewInt(int64(private.E)).Bytes()),
	}
	maps.Copy(k, more)
	return k
}

// sign makes an ID token.
func sign(private *rsa.PrivateKey, claims object) (string, error) {
	header, err := json.Marshal(object{"alg": "RS256", "kid": keyID, "typ": "JWT"})
	if err != nil {
		return "", err
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	signed := encode(header) + "." + encode(payload)
	sum := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(rand.Reader, private, crypto.SHA256, sum[:])
	return signed + "." + encode(signature), err
}

// hashOf is what at_hash says of an access token.
func hashOf(token string) string {
	sum := sha256.Sum256([]byte(token))
	return encode(sum[:16])
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
