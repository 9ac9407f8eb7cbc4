package oauth

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// idtKey is a signing key as a provider has it.
type idtKey struct {
	kid    string
	signer crypto.Signer
	jwk    map[string]any
}

func newIDTKey(kid string, signer crypto.Signer) *idtKey {
	m := map[string]any{"kid": kid, "use": "sig"}
	switch p := signer.Public().(type) {
	case *rsa.PublicKey:
		m["kty"], m["n"], m["e"] = "RSA", b64url(p.N.Bytes()), "AQAB"
	case *ecdsa.PublicKey:
		point, err := p.Bytes()
		if err != nil {
			panic(err)
		}
		m["kty"], m["crv"], m["x"], m["y"] = "EC", "P-256", b64url(point[1:33]), b64url(point[33:])
	case ed25519.PublicKey:
		m["kty"], m["crv"], m["x"] = "OKP", "Ed25519", b64url(p)
	}
	return &idtKey{kid: kid, signer: signer, jwk: m}
}

func b64url(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// The keys are made once, because RSA keys take long.
var (
	idtRSA = sync.OnceValue(func() *idtKey {
		k, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		return newIDTKey("r1", k)
	})
	idtEC = sync.OnceValue(func() *idtKey { return newIDTEC("e1") })
	idtEd = sync.OnceValue(func() *idtKey {
		_, k, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			panic(err)
		}
		return newIDTKey("o1", k)
	})
)

func newIDTEC(kid string) *idtKey {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return newIDTKey(kid, k)
}

// sign makes a compact JWS of a header and a payload, taken as they are.
func (k *idtKey) sign(alg, header, payload string) string {
	input := b64url([]byte(header)) + "." + b64url([]byte(payload))
	d256 := sha256.Sum256([]byte(input))
	var sig []byte
	var err error
	switch alg {
	case "RS256":
		sig, err = k.signer.Sign(rand.Reader, d256[:], crypto.SHA256)
	case "PS256":
		sig, err = k.signer.Sign(rand.Reader, d256[:], &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256})
	case "RS512":
		d512 := sha512.Sum512([]byte(input))
		sig, err = k.signer.Sign(rand.Reader, d512[:], crypto.SHA512)
	case "ES256":
		var r, s *big.Int
		if r, s, err = ecdsa.Sign(rand.Reader, k.signer.(*ecdsa.PrivateKey), d256[:]); err == nil {
			sig = append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
		}
	case "EdDSA", "Ed25519":
		sig, err = k.signer.Sign(rand.Reader, []byte(input), crypto.Hash(0))
	}
	if err != nil {
		panic(err)
	}
	return input + "." + b64url(sig)
}

func jwks(keys ...*idtKey) []byte {
	list := []map[string]any{}
	for _, k := range keys {
		list = append(list, k.jwk)
	}
	data, err := json.Marshal(map[string]any{"keys": list})
	if err != nil {
		panic(err)
	}
	return data
}

// idtCase is one ID token and what it is held against. Its zero changes make a
// token that is accepted.
type idtCase struct {
	claims   map[string]any
	payload  string // in place of claims
	alg      string
	header   string // in place of the usual one
	key      *idtKey
	raw      string // in place of a signed token
	verifier idTokenVerifier
	want     idTokenExpectation
}

const (
	idtNonce  = "nonce-canary-4f1d"
	idtAccess = "access-canary-93ab"
	idtCode   = "code-canary-77c0"
	idtTenant = "72f988bf-86f1-41af-91ab-2d7cd011db47"
)

// newIDTCase is to be called in a bubble of synctest: its clock says
// 2000-01-01T00:00:00Z.
func newIDTCase() *idtCase {
	now := time.Now().Unix()
	return &idtCase{
		claims: map[string]any{"iss": "https://id.example.com", "sub": "user-1", "aud": "client-1", "exp": now + 300, "iat": now, "nonce": idtNonce},
		alg:    "ES256",
		key:    idtEC(),
		verifier: idTokenVerifier{issuer: "https://id.example.com", clientID: "client-1", algorithms: DefaultAlgorithms(),
			keys: newKeySet(func(context.Context) ([]byte, error) { return jwks(idtRSA(), idtEC(), idtEd()), nil }, teller{})},
		want: idTokenExpectation{step: StepTokens, nonce: idtNonce, accessToken: idtAccess, code: idtCode, maxAge: -1, startedAt: time.Now()},
	}
}

func (c *idtCase) token() string {
	if c.raw != "" {
		return c.raw
	}
	payload := c.payload
	if payload == "" {
		data, err := json.Marshal(c.claims)
		if err != nil {
			panic(err)
		}
		payload = string(data)
	}
	header := c.header
	if header == "" {
		header = fmt.Sprintf(`{"alg":%q,"kid":%q,"typ":"JWT"}`, c.alg, c.key.kid)
	}
	return c.key.sign(c.alg, header, payload)
}

func (c *idtCase) verify(ctx context.Context) (*IDToken, error) {
	return c.verifier.verify(ctx, c.token(), c.want)
}

// entra makes the case one of a provider with an issuer for each tenant.
func (c *idtCase) entra(tid string, tenants ...string) {
	c.verifier.issuer = "https://login.example.com/{tenantid}/v2.0"
	c.verifier.tenants = tenants
	c.claims["iss"] = "https://login.example.com/" + tid + "/v2.0"
	c.claims["tid"] = tid
}

// keyBoundTo publishes the key with a member issuer.
func (c *idtCase) keyBoundTo(issuer string) {
	jwk := maps.Clone(c.key.jwk)
	jwk["issuer"] = issuer
	bound := jwks(&idtKey{jwk: jwk})
	c.verifier.keys = newKeySet(func(context.Context) ([]byte, error) { return bound, nil }, teller{})
}

func atHash(value string) string {
	sum := sha256.Sum256([]byte(value))
	return b64url(sum[:16])
}

func at(offset time.Duration) int64 { return time.Now().Add(offset).Unix() }

// secondLogin is the login that a refresh answer is compared with.
func (c *idtCase) refresh() *IDToken {
	old, err := c.verify(context.Background())
	if err != nil {
		panic(err)
	}
	c.want = idTokenExpectation{step: StepUse, accessToken: idtAccess, maxAge: -1, refresh: old}
	delete(c.claims, "nonce")
	return old
}

func TestIDTokenRefusals(t *testing.T) {
	for _, c := range idtRefusals {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cs := newIDTCase()
				c.change(cs)
				token, err := cs.verify(t.Context())
				if token != nil {
					t.Error("IDT-14: a token came with the error")
				}
				e, ok := err.(*Error)
				if !ok {
					t.Fatalf("got %v", err)
				}
				fault := FaultProvider
				if c.fault != 0 {
					fault = c.fault
				}
				if e.Check != c.check || e.Step != cs.want.step || e.Fault != fault {
					t.Errorf("got check %s, %s, fault %d", e.Check, e.Step, e.Fault)
				}
				if err.Error() != string(c.check)+": "+c.text {
					t.Errorf("got  %s\nwant %s: %s", err, c.check, c.text)
				}
			})
		})
	}
}

type idtRefusal struct {
	name   string
	change func(*idtCase)
	check  Check
	text   string // behind the check's name
	fault  Fault  // FaultProvider if zero
}

// claim changes one claim; nil removes it.
func claim(name string, value any) func(*idtCase) {
	return func(c *idtCase) {
		if c.claims[name] = value; value == nil {
			delete(c.claims, name)
		}
	}
}

type null struct{}

func (null) MarshalJSON() ([]byte, error) { return []byte("null"), nil }

func number(text string) json.RawMessage { return json.RawMessage(text) }

var idtRefusals = []idtRefusal{
	{name: "A260 unsigned", check: CheckAlgorithm, text: "the ID token names no algorithm that could be accepted: the token is not signed", change: func(c *idtCase) {
		c.raw = strings.Join([]string{b64url([]byte(`{"alg":"none"}`)), strings.Split(c.token(), ".")[1], ""}, ".")
	}},
	{name: "JWK-01 not a token", check: CheckIDToken, text: "the ID token is not a signed compact JWT: not three parts with dots between them", change: func(c *idtCase) { c.raw = "opaque" }},
	{name: "JWK-01 empty", check: CheckIDToken, text: "the ID token is not a signed compact JWT: not three parts with dots between them", change: func(c *idtCase) { c.raw = " " }},
	{name: "A276 encrypted", check: CheckIDToken, text: "the ID token is not a signed compact JWT: the token is encrypted", change: func(c *idtCase) { c.raw = "a.b.c.d.e" }},
	{name: "A267 crit", check: CheckIDToken, text: "the ID token is not a signed compact JWT: the header demands an extension (crit, b64), and none is understood", change: func(c *idtCase) { c.header = `{"alg":"ES256","kid":"e1","crit":["x"]}` }},
	{name: "A280 access token", check: CheckIDToken, text: "the token is of another kind than an ID token (expected typ JWT, or none, got at+jwt)", change: func(c *idtCase) { c.header = `{"alg":"ES256","kid":"e1","typ":"at+jwt"}` }},
	{name: "A280 access token with prefix", check: CheckIDToken, text: "the token is of another kind than an ID token (expected typ JWT, or none, got application/at+jwt)", change: func(c *idtCase) { c.header = `{"alg":"ES256","kid":"e1","typ":"application/at+jwt"}` }},
	{name: "A279 logout token", check: CheckIDToken, text: "the token is of another kind than an ID token (expected typ JWT, or none, got logout+jwt)", change: func(c *idtCase) { c.header = `{"alg":"ES256","kid":"e1","typ":"logout+jwt"}` }},
	{name: "A279 DPoP proof", check: CheckIDToken, text: "the token is of another kind than an ID token (expected typ JWT, or none, got dpop+jwt)", change: func(c *idtCase) { c.header = `{"alg":"ES256","kid":"e1","typ":"dpop+jwt"}` }},
	{name: "A280 typ nobody knows", check: CheckIDToken, text: "the token is of another kind than an ID token (expected typ JWT, or none, got JWT2?)", change: func(c *idtCase) { c.header = `{"alg":"ES256","kid":"e1","typ":"JWT2\n"}` }},

	{name: "IDT-15 algorithm not in the list", check: CheckAlgorithm, text: "the ID token is signed with an algorithm that is not accepted here (expected RS256, PS256, ES256, ES384, ES512, EdDSA, Ed25519, got RS512); choose one of the accepted algorithms in the registration at the provider", change: func(c *idtCase) { c.key, c.alg = idtRSA(), "RS512" }},
	{name: "IDT-15 algorithm not that of the registration", check: CheckAlgorithm, text: "the ID token is signed with an algorithm that is not accepted here (expected RS256, got ES256); choose one of the accepted algorithms in the registration at the provider", change: func(c *idtCase) { c.verifier.algorithms = []string{"RS256"} }},
	{name: "A260 algorithm in other case", check: CheckAlgorithm, text: "the ID token is signed with an algorithm that is not accepted here (expected RS256, PS256, ES256, ES384, ES512, EdDSA, Ed25519, got es256); choose one of the accepted algorithms in the registration at the provider", change: func(c *idtCase) { c.header = `{"alg":"es256","kid":"e1"}` }},
	{name: "no algorithm in common", check: CheckAlgorithm, text: "the ID token is signed with an algorithm that is not accepted here (expected nothing, got ES256); choose one of the accepted algorithms in the registration at the provider", change: func(c *idtCase) { c.verifier.algorithms = nil }},
	{name: "JWK-05 IDT-16 HS256", check: CheckAlgorithm, text: "the ID token is signed with the client secret, which is not supported, because everyone who has the secret could then sign ID tokens (expected RS256, PS256, ES256, ES384, ES512, EdDSA, Ed25519, got HS256); choose one of the accepted algorithms in the registration at the provider", change: func(c *idtCase) {
		input := b64url([]byte(`{"alg":"HS256"}`)) + "." + strings.Split(c.token(), ".")[1]
		m := hmac.New(sha256.New, []byte("client secret"))
		m.Write([]byte(input))
		c.raw = input + "." + b64url(m.Sum(nil))
	}},
	{name: "JWK-05 HS256 even if it were listed", check: CheckAlgorithm, text: "the ID token is signed with the client secret, which is not supported, because everyone who has the secret could then sign ID tokens (expected HS256, got HS256); choose one of the accepted algorithms in the registration at the provider", change: func(c *idtCase) {
		c.verifier.algorithms = []string{"HS256"}
		c.raw = b64url([]byte(`{"alg":"HS256"}`)) + ".e30.AAAA"
	}},

	{name: "JWK-12 unknown kid", check: CheckKey, text: "the issuer does not publish the key that the ID token is signed with (expected a key of the issuer for ES256, got kid nobody's); if the provider has just changed its keys, try again in a minute", change: func(c *idtCase) { c.header = `{"alg":"ES256","kid":"nobody's"}` }},
	{name: "A262 kid of another kind of key", check: CheckKey, text: "the issuer does not publish the key that the ID token is signed with (expected a key of the issuer for ES256, got kid r1); if the provider has just changed its keys, try again in a minute", change: func(c *idtCase) { c.header = `{"alg":"ES256","kid":"r1"}` }},
	{name: "JWK-11 no kid and no key for the algorithm", check: CheckKey, text: "the issuer does not publish the key that the ID token is signed with (expected a key of the issuer for ES256, got no kid); if the provider has just changed its keys, try again in a minute", change: func(c *idtCase) {
		c.header = `{"alg":"ES256"}`
		c.verifier.keys = newKeySet(func(context.Context) ([]byte, error) { return jwks(idtRSA()), nil }, teller{})
	}},
	{name: "JWK-15 no keys to be had", check: CheckKey, fault: FaultUnavailable, text: "the provider's signing keys could not be fetched: connection refused; look at jwks_uri in the provider's metadata and whether this machine can reach it", change: func(c *idtCase) {
		c.verifier.keys = newKeySet(func(context.Context) ([]byte, error) { return nil, fmt.Errorf("connection refused") }, teller{})
	}},
	{name: "JWK-15 key set malformed", check: CheckKey, text: "the provider's key set is malformed: JSON refused at byte 0: array at top level, not object", change: func(c *idtCase) {
		c.verifier.keys = newKeySet(func(context.Context) ([]byte, error) { return []byte(`[]`), nil }, teller{})
	}},
	{name: "A263 signed with another key", check: CheckSignature, text: "the ID token's signature does not verify (expected a signature by one of the issuer's keys, got another one); if the provider has just replaced a key without renaming it, try again in a minute", change: func(c *idtCase) { c.key = newIDTEC("e1") }},
	{name: "JWK-19 bad signature before bad claims", check: CheckSignature, text: "the ID token's signature does not verify (expected a signature by one of the issuer's keys, got another one); if the provider has just replaced a key without renaming it, try again in a minute", change: func(c *idtCase) {
		c.key = newIDTEC("e1")
		c.claims["iss"], c.claims["exp"] = "https://evil.example", 1
	}},
	{name: "A278 payload of another token", check: CheckSignature, text: "the ID token's signature does not verify (expected a signature by one of the issuer's keys, got another one); if the provider has just replaced a key without renaming it, try again in a minute", change: func(c *idtCase) {
		other := strings.Split(c.token(), ".")[1]
		c.claims["sub"] = "user-2"
		mine := strings.Split(c.token(), ".")
		c.raw = mine[0] + "." + other + "." + mine[2]
	}},

	{name: "claims not an object", check: CheckIDToken, text: "the ID token's claims are malformed: JSON refused at byte 0: string at top level, not object", change: func(c *idtCase) { c.payload = `"x"` }},
	{name: "claims not JSON", check: CheckIDToken, text: "the ID token's claims are malformed: JSON refused at byte 6: a colon was expected", change: func(c *idtCase) { c.payload = `{"iss"` }},
	{name: "A279 logout token without typ, where the nonce is waived", check: CheckIDToken, text: "the token is of another kind than an ID token (expected an ID token, got a token with events)", change: func(c *idtCase) {
		c.want.nonceWaived = true
		delete(c.claims, "nonce")
		c.claims["events"] = map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}}
	}},
	{name: "JWK-08 A268 claim twice", check: CheckIDToken, text: `the ID token's claims are malformed: JSON refused at byte 11: member "sub" is there twice`, change: func(c *idtCase) { c.payload = `{"sub":"a","sub":"b"}` }},
	{name: "JWK-08 A268 claim twice in capitals", check: CheckIDToken, text: `the ID token's claims are malformed: JSON refused at byte 11: member "SUB" differs from another only in case`, change: func(c *idtCase) { c.payload = `{"sub":"a","SUB":"b"}` }},
	{name: "JWK-08 A268 claim twice with long s", check: CheckIDToken, text: `the ID token's claims are malformed: JSON refused at byte 11: member "??ub" differs from another only in case`, change: func(c *idtCase) { c.payload = `{"sub":"a","ſub":"b"}` }},
	{name: "A298 lone surrogate", check: CheckIDToken, text: "the ID token's claims are malformed: JSON refused at byte 8: lone surrogate", change: func(c *idtCase) { c.payload = `{"sub":"\ud800"}` }},

	{name: "IDT-01 iss missing", check: CheckIssuer, text: "the ID token has no iss that is a string (expected https://id.example.com, got nothing)", change: claim("iss", nil)},
	{name: "IDT-01 iss null", check: CheckIssuer, text: "the ID token has no iss that is a string (expected https://id.example.com, got nothing)", change: claim("iss", null{})},
	{name: "IDT-01 iss empty", check: CheckIssuer, text: "the ID token has no iss that is a string (expected https://id.example.com, got nothing)", change: claim("iss", "")},
	{name: "IDT-01 iss an array", check: CheckIssuer, text: "the ID token has no iss that is a string (expected https://id.example.com, got a value of kind array)", change: claim("iss", []string{"https://id.example.com"})},
	{name: "IDT-02 A289 iss with a slash", check: CheckIssuer, text: "the ID token is from another issuer (expected https://id.example.com, got https://id.example.com/)", change: claim("iss", "https://id.example.com/")},
	{name: "IDT-02 A289 iss in capitals", check: CheckIssuer, text: "the ID token is from another issuer (expected https://id.example.com, got https://ID.example.com)", change: claim("iss", "https://ID.example.com")},
	{name: "IDT-02 A289 iss with the default port", check: CheckIssuer, text: "the ID token is from another issuer (expected https://id.example.com, got https://id.example.com:443)", change: claim("iss", "https://id.example.com:443")},
	{name: "IDT-02 A289 iss with http", check: CheckIssuer, text: "the ID token is from another issuer (expected https://id.example.com, got http://id.example.com)", change: claim("iss", "http://id.example.com")},
	{name: "IDT-02 A289 iss percent-encoded", check: CheckIssuer, text: "the ID token is from another issuer (expected https://id.example.com, got https://id.example%2Ecom)", change: claim("iss", "https://id.example%2Ecom")},
	{name: "IDT-02 A289 iss a homograph", check: CheckIssuer, text: "the ID token is from another issuer (expected https://id.example.com, got https://??d.example.com)", change: claim("iss", "https://іd.example.com")},
	{name: "IDT-02 iss under another name", check: CheckIssuer, text: "the ID token has no iss that is a string (expected https://id.example.com, got nothing)", change: func(c *idtCase) { c.claims["ISS"] = c.claims["iss"]; delete(c.claims, "iss") }},
	{name: "no issuer configured", check: CheckIssuer, text: "the ID token is from another issuer (expected nothing, got https://id.example.com)", change: func(c *idtCase) { c.verifier.issuer = "" }},
	{name: "A300 legacy name of the issuer, not configured", check: CheckIssuer, text: "the ID token is from another issuer (expected https://id.example.com, got id.example.com)", change: claim("iss", "id.example.com")},
	{name: "DIS-18 A289 literal template", check: CheckIssuer, text: "the ID token is from another issuer (expected https://login.example.com/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0, got https://login.example.com/{tenantid}/v2.0)", change: func(c *idtCase) {
		c.entra(idtTenant, "*")
		c.claims["iss"] = "https://login.example.com/{tenantid}/v2.0"
	}},
	{name: "DIS-18 A289 literal template as tid", check: CheckIssuer, text: "the issuer is a template, and the ID token has no tid to complete it (expected tid, a GUID, got {tenantid})", change: func(c *idtCase) { c.entra("{tenantid}", "*") }},
	{name: "DIS-18 literal template as alias", check: CheckIssuer, text: "the ID token is from another issuer (expected https://login.example.com/{tenantid}/v2.0, got https://login.example.com/{tenantid}/v2.0)", change: func(c *idtCase) {
		c.entra("{tenantid}", "*")
		c.verifier.issuerAliases = []string{"https://login.example.com/{tenantid}/v2.0"}
	}},
	{name: "DIS-18 A311 tenant not listed", check: CheckIssuer, fault: FaultDenied, text: "the account is of a tenant that may not sign in here (expected one of the tenants that may sign in, got 72f988bf-86f1-41af-91ab-2d7cd011db47); add the tenant to Tenants if it should", change: func(c *idtCase) { c.entra(idtTenant, "9188040d-6c67-4c5b-b112-36a304b66dad") }},
	{name: "DIS-18 A311 no tenant listed", check: CheckIssuer, fault: FaultDenied, text: "the account is of a tenant that may not sign in here (expected one of the tenants that may sign in, got 72f988bf-86f1-41af-91ab-2d7cd011db47); add the tenant to Tenants if it should", change: func(c *idtCase) { c.entra(idtTenant) }},
	{name: "DIS-18 A289 issuer of another tenant than tid", check: CheckIssuer, text: "the ID token is from another issuer (expected https://login.example.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0, got https://login.example.com/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0)", change: func(c *idtCase) {
		c.entra(idtTenant, "*")
		c.claims["tid"] = "9188040d-6c67-4c5b-b112-36a304b66dad"
	}},
	{name: "DIS-18 tid missing", check: CheckIssuer, text: "the issuer is a template, and the ID token has no tid to complete it (expected tid, a GUID, got nothing)", change: func(c *idtCase) { c.entra(idtTenant, "*"); delete(c.claims, "tid") }},
	{name: "DIS-18 tid a number", check: CheckIssuer, text: "the issuer is a template, and the ID token has no tid to complete it (expected tid, a GUID, got a value of kind number)", change: func(c *idtCase) { c.entra(idtTenant, "*"); c.claims["tid"] = 5 }},
	{name: "DIS-18 tid a path", check: CheckIssuer, text: "the issuer is a template, and the ID token has no tid to complete it (expected tid, a GUID, got ../../evil.example)", change: func(c *idtCase) { c.entra("../../evil.example", "*") }},
	{name: "DIS-18 tid almost a GUID", check: CheckIssuer, text: "the issuer is a template, and the ID token has no tid to complete it (expected tid, a GUID, got 72f988bf-86f1-41af-91ab-2d7cd011db4g)", change: func(c *idtCase) { c.entra("72f988bf-86f1-41af-91ab-2d7cd011db4g", "*") }},
	{name: "DIS-18 A289 older issuer of the same tenant", check: CheckIssuer, text: "the ID token is from another issuer (expected https://login.example.com/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0, got https://sts.example.com/72f988bf-86f1-41af-91ab-2d7cd011db47/)", change: func(c *idtCase) {
		c.entra(idtTenant, "*")
		c.claims["iss"] = "https://sts.example.com/" + idtTenant + "/"
	}},
	{name: "A312 key bound to another tenant", check: CheckKey, text: "the ID token is signed with a key that is bound to another issuer (expected https://login.example.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0, got https://login.example.com/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0)", change: func(c *idtCase) {
		c.entra(idtTenant, "*")
		c.keyBoundTo("https://login.example.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0")
	}},
	{name: "A312 key bound to another template", check: CheckKey, text: "the ID token is signed with a key that is bound to another issuer (expected https://sts.example.com/72f988bf-86f1-41af-91ab-2d7cd011db47/, got https://login.example.com/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0)", change: func(c *idtCase) {
		c.entra(idtTenant, "*")
		c.keyBoundTo("https://sts.example.com/{tenantid}/")
	}},

	{name: "IDT-01 sub missing", check: CheckSubject, text: "the ID token has no sub that is a string (expected 1 to 255 ASCII characters, got nothing)", change: claim("sub", nil)},
	{name: "IDT-01 A290 sub null", check: CheckSubject, text: "the ID token has no sub that is a string (expected 1 to 255 ASCII characters, got nothing)", change: claim("sub", null{})},
	{name: "IDT-03 A290 sub empty", check: CheckSubject, text: "the ID token has no sub that is a string (expected 1 to 255 ASCII characters, got nothing)", change: claim("sub", "")},
	{name: "IDT-03 A290 sub a number", check: CheckSubject, text: "the ID token has no sub that is a string (expected 1 to 255 ASCII characters, got a value of kind number)", change: claim("sub", 248289761001)},
	{name: "IDT-03 A290 sub an array", check: CheckSubject, text: "the ID token has no sub that is a string (expected 1 to 255 ASCII characters, got a value of kind array)", change: claim("sub", []string{"user-1"})},
	{name: "IDT-03 A290 sub of 256 characters", check: CheckSubject, text: "sub is too long, or has characters that may look like others (expected 1 to 255 ASCII characters, got xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx)", change: claim("sub", strings.Repeat("x", 256))},
	{name: "IDT-03 A290 sub with a control character", check: CheckSubject, text: "sub is too long, or has characters that may look like others (expected 1 to 255 ASCII characters, got user-1?)", change: claim("sub", "user-1\x00")},
	{name: "IDT-03 A298 sub outside of ASCII", check: CheckSubject, text: "sub is too long, or has characters that may look like others (expected 1 to 255 ASCII characters, got j??rgen)", change: claim("sub", "jürgen")},

	{name: "IDT-01 A287 aud missing", check: CheckAudience, text: "the ID token has no aud (expected client-1, got nothing)", change: claim("aud", nil)},
	{name: "A287 aud null", check: CheckAudience, text: "the ID token has no aud (expected client-1, got nothing)", change: claim("aud", null{})},
	{name: "SH-93 A287 aud an empty array", check: CheckAudience, text: "the ID token has no aud (expected client-1, got nothing)", change: claim("aud", []string{})},
	{name: "SH-93 A287 aud a number", check: CheckAudience, text: `aud is neither a string nor an array of strings: member "aud" is of kind number, not array`, change: claim("aud", 1)},
	{name: "SH-93 A287 aud nested", check: CheckAudience, text: `aud is neither a string nor an array of strings: member "0" is of kind array, not string`, change: claim("aud", [][]string{{"client-1"}})},
	{name: "SH-93 A287 aud an object", check: CheckAudience, text: `aud is neither a string nor an array of strings: member "aud" is of kind object, not array`, change: claim("aud", map[string]any{"client-1": true})},
	{name: "IDT-04 A287 aud of mixed types", check: CheckAudience, text: `aud is neither a string nor an array of strings: member "1" is of kind number, not string`, change: claim("aud", []any{"client-1", 1})},
	{name: "A287 aud another client", check: CheckAudience, text: "the ID token is meant for another client (expected client-1, got client-2)", change: claim("aud", "client-2")},
	{name: "A287 aud a prefix", check: CheckAudience, text: "the ID token is meant for another client (expected client-1, got client-)", change: claim("aud", "client-")},
	{name: "A287 aud with something behind", check: CheckAudience, text: "the ID token is meant for another client (expected client-1, got client-1 client-2)", change: claim("aud", "client-1 client-2")},
	{name: "A287 aud in other case", check: CheckAudience, text: "the ID token is meant for another client (expected client-1, got Client-1)", change: claim("aud", "Client-1")},
	{name: "A287 aud of other clients", check: CheckAudience, text: "the ID token is meant for another client (expected client-1, got client-2 client-3)", change: claim("aud", []string{"client-2", "client-3"})},
	{name: "IDT-04 A287 aud with one that is not trusted", check: CheckAudience, text: "the ID token is also meant for an audience that is not trusted (expected client-1, got client-1 api)", change: func(c *idtCase) {
		c.claims["aud"], c.claims["azp"] = []string{"client-1", "api"}, "client-1"
	}},
	{name: "IDT-04 aud with a double", check: CheckAudience, text: "aud has the same value twice (expected client-1, got client-1 client-1)", change: claim("aud", []string{"client-1", "client-1"})},
	{name: "IDT-04 aud with an empty one", check: CheckAudience, text: "the ID token is also meant for an audience that is not trusted (expected client-1, got client-1 )", change: claim("aud", []string{"client-1", ""})},
	{name: "no client id configured", check: CheckAudience, text: "the ID token is meant for another client", change: func(c *idtCase) { c.verifier.clientID = ""; c.claims["aud"] = "" }},

	{name: "IDT-05 A288 azp another client", check: CheckAuthorizedParty, text: "the ID token was issued to another client (expected client-1, got client-2)", change: claim("azp", "client-2")},
	{name: "IDT-05 azp a number", check: CheckAuthorizedParty, text: "the ID token was issued to another client (expected client-1, got a value of kind number)", change: claim("azp", 1)},
	{name: "IDT-05 A288 two audiences without azp", check: CheckAuthorizedParty, text: "the ID token has several audiences, and does not say which of them it was issued to (expected client-1, got nothing)", change: func(c *idtCase) {
		c.claims["aud"], c.verifier.trustedAudiences = []string{"client-1", "api"}, []string{"api"}
	}},

	{name: "IDT-01 exp missing", check: CheckExpiry, text: "the ID token has no exp (expected seconds since 1970, got nothing)", change: claim("exp", nil)},
	{name: "IDT-01 exp null", check: CheckExpiry, text: "the ID token has no exp (expected seconds since 1970, got nothing)", change: claim("exp", null{})},
	{name: "IDT-09 A291 exp a string", check: CheckExpiry, text: `the ID token's exp is not a number of seconds since 1970: member "exp" is of kind string, not number`, change: claim("exp", "5")},
	{name: "IDT-09 A291 exp negative", check: CheckExpiry, text: "the ID token's exp is not a number of seconds since 1970: before 1970", change: claim("exp", -1)},
	{name: "IDT-09 A291 exp 1e400", check: CheckExpiry, text: "the ID token's exp is not a number of seconds since 1970: after the year 9999", change: claim("exp", number("1e400"))},
	{name: "IDT-09 A291 exp 9.3e18", check: CheckExpiry, text: "the ID token's exp is not a number of seconds since 1970: after the year 9999", change: claim("exp", number("9.3e18"))},
	{name: "IDT-09 A291 exp 1.5", check: CheckExpiry, text: "the ID token has expired (expected after 1999-12-31T23:59:00Z, got 1970-01-01T00:00:01Z)", change: claim("exp", number("1.5"))},
	{name: "IDT-06 A291 exp past by the leeway and a second", check: CheckExpiry, text: "the ID token has expired (expected after 1999-12-31T23:59:00Z, got 1999-12-31T23:58:59Z); if the token was made just now, this machine's clock is 361 seconds ahead: set it by NTP", change: func(c *idtCase) {
		c.claims["exp"], c.claims["iat"] = at(-61*time.Second), at(-361*time.Second)
	}},
	{name: "IDT-06 exp past by exactly the leeway", check: CheckExpiry, text: "the ID token has expired (expected after 1999-12-31T23:59:00Z, got 1999-12-31T23:59:00Z)", change: claim("exp", number("946684740"))},
	{name: "IDT-06 leeway of an hour is five minutes", check: CheckExpiry, text: "the ID token has expired (expected after 1999-12-31T23:55:00Z, got 1999-12-31T23:54:59Z)", change: func(c *idtCase) {
		c.claims["exp"], c.verifier.leeway = at(-301*time.Second), time.Hour
	}},

	{name: "IDT-01 iat missing", check: CheckIssuedAt, text: "the ID token has no iat (expected seconds since 1970, got nothing)", change: claim("iat", nil)},
	{name: "IDT-09 A291 iat a string", check: CheckIssuedAt, text: `the ID token's iat is not a number of seconds since 1970: member "iat" is of kind string, not number`, change: claim("iat", "946684800")},
	{name: "IDT-07 A291 iat a minute and a second ahead", check: CheckIssuedAt, text: "the ID token was issued in the future (expected at or before 2000-01-01T00:01:00Z, got 2000-01-01T00:01:01Z); if the token was made just now, this machine's clock is 61 seconds behind: set it by NTP", change: claim("iat", number("946684861"))},
	{name: "IDT-07 iat 11 seconds ahead with a leeway of 1", check: CheckIssuedAt, text: "the ID token was issued in the future (expected at or before 2000-01-01T00:00:10Z, got 2000-01-01T00:00:11Z); if the token was made just now, this machine's clock is 11 seconds behind: set it by NTP", change: func(c *idtCase) {
		c.claims["iat"], c.verifier.leeway = at(11*time.Second), time.Second
	}},
	{name: "IDT-07 iat 61 seconds ahead with a leeway of five minutes", check: CheckIssuedAt, text: "the ID token was issued in the future (expected at or before 2000-01-01T00:01:00Z, got 2000-01-01T00:01:01Z); if the token was made just now, this machine's clock is 61 seconds behind: set it by NTP", change: func(c *idtCase) {
		c.claims["iat"], c.verifier.leeway = at(61*time.Second), 5*time.Minute
	}},
	{name: "IDT-07 A299 iat a week ago", check: CheckIssuedAt, text: "the ID token was issued too long ago (expected at or after 1999-12-31T23:49:00Z, got 1999-12-25T00:00:00Z); if the token was made just now, this machine's clock is 604800 seconds ahead: set it by NTP", change: func(c *idtCase) { c.claims["iat"] = at(-7 * 24 * time.Hour) }},
	{name: "IDT-07 iat past by ten minutes, the leeway and a second", check: CheckIssuedAt, text: "the ID token was issued too long ago (expected at or after 1999-12-31T23:49:00Z, got 1999-12-31T23:48:59Z); if the token was made just now, this machine's clock is 661 seconds ahead: set it by NTP", change: func(c *idtCase) { c.claims["iat"] = at(-661 * time.Second) }},

	{name: "IDT-08 A291 nbf ahead by the leeway and a second", check: CheckNotBefore, text: "the ID token is not valid yet (expected at or before 2000-01-01T00:01:00Z, got 2000-01-01T00:01:01Z); if the token was made just now, this machine's clock is 61 seconds behind: set it by NTP", change: claim("nbf", number("946684861"))},
	{name: "IDT-08 nbf a string", check: CheckNotBefore, text: `the ID token's nbf is not a number of seconds since 1970: member "nbf" is of kind string, not number`, change: claim("nbf", "946684800")},
	{name: "IDT-09 nbf beyond the year 9999", check: CheckNotBefore, text: "the ID token's nbf is not a number of seconds since 1970: after the year 9999", change: claim("nbf", number("1e12"))},

	{name: "IDT-10 A286 nonce missing", check: CheckNonce, text: "the ID token was not made for this login (expected the value that was sent, got nothing)", change: claim("nonce", nil)},
	{name: "IDT-10 A286 nonce null", check: CheckNonce, text: "the ID token was not made for this login (expected the value that was sent, got nothing)", change: claim("nonce", null{})},
	{name: "IDT-10 A286 nonce empty", check: CheckNonce, text: "the ID token was not made for this login (expected the value that was sent, got nothing)", change: claim("nonce", "")},
	{name: "IDT-10 A286 nonce wrong", check: CheckNonce, text: "the ID token was not made for this login (expected the value that was sent, got another value)", change: claim("nonce", "other-canary-55")},
	{name: "IDT-10 A286 nonce an array", check: CheckNonce, text: "the ID token was not made for this login (expected the value that was sent, got a value of kind array)", change: claim("nonce", []string{idtNonce})},
	{name: "IDT-10 A286 nonce a prefix", check: CheckNonce, text: "the ID token was not made for this login (expected the value that was sent, got another value)", change: claim("nonce", idtNonce[:5])},
	{name: "IDT-10 nonce neither sent nor returned", check: CheckNonce, text: "no nonce was sent, so that nothing ties the ID token to this login", change: func(c *idtCase) { delete(c.claims, "nonce"); c.want.nonce = "" }},
	{name: "IDT-10 nonce returned and none sent", check: CheckNonce, text: "no nonce was sent, so that nothing ties the ID token to this login", change: func(c *idtCase) { c.want.nonce = "" }},
	{name: "IDT-11 nonce waived, returned and wrong", check: CheckNonce, text: "the ID token was not made for this login (expected the value that was sent, got another value)", change: func(c *idtCase) { c.want.nonceWaived = true; c.claims["nonce"] = "other-canary-55" }},
	{name: "IDT-11 nonce waived and a number", check: CheckNonce, text: "the ID token was not made for this login (expected the value that was sent, got a value of kind number)", change: func(c *idtCase) { c.want.nonceWaived = true; c.claims["nonce"] = 1 }},

	{name: "TOK-19 IDT-12 A292 at_hash of another token", check: CheckTokenHash, text: "at_hash says that the ID token did not come with the access token (expected the hash of the access token, got another value)", change: func(c *idtCase) { c.claims["at_hash"] = atHash("another") }},
	{name: "A292 at_hash too short", check: CheckTokenHash, text: "at_hash says that the ID token did not come with the access token (expected the hash of the access token, got another value)", change: func(c *idtCase) { c.claims["at_hash"] = atHash(idtAccess)[:20] }},
	{name: "A292 at_hash the whole hash", check: CheckTokenHash, text: "at_hash says that the ID token did not come with the access token (expected the hash of the access token, got another value)", change: func(c *idtCase) {
		sum := sha256.Sum256([]byte(idtAccess))
		c.claims["at_hash"] = b64url(sum[:])
	}},
	{name: "A292 at_hash a number", check: CheckTokenHash, text: "at_hash says that the ID token did not come with the access token (expected the hash of the access token, got another value)", change: claim("at_hash", 1)},
	{name: "TOK-19 at_hash and no access token", check: CheckTokenHash, text: "at_hash says that the ID token did not come with the access token (expected the hash of the access token, got another value)", change: func(c *idtCase) {
		c.claims["at_hash"], c.want.accessToken = atHash(""), ""
	}},
	{name: "TOK-19 at_hash by the wrong hash", check: CheckTokenHash, text: "at_hash says that the ID token did not come with the access token (expected the hash of the access token, got another value)", change: func(c *idtCase) {
		c.key, c.alg = idtEd(), "EdDSA"
		c.claims["at_hash"] = atHash(idtAccess)
	}},
	{name: "TOK-19 A292 c_hash of another code", check: CheckTokenHash, text: "c_hash says that the ID token did not come with the code (expected the hash of the code, got another value)", change: func(c *idtCase) { c.claims["c_hash"] = atHash("another") }},

	{name: "IDT-17 auth_time missing", check: CheckAuthTime, text: "the ID token has no auth_time (expected seconds since 1970, got nothing)", change: func(c *idtCase) { c.want.maxAge = time.Hour }},
	{name: "IDT-17 auth_time a string", check: CheckAuthTime, text: `the ID token's auth_time is not a number of seconds since 1970: member "auth_time" is of kind string, not number`, change: func(c *idtCase) { c.want.maxAge = time.Hour; c.claims["auth_time"] = "946684800" }},
	{name: "IDT-17 auth_time too old by a second", check: CheckAuthTime, text: "the person signed in at the provider too long ago, although max_age was sent (expected at or after 1999-12-31T22:59:00Z, got 1999-12-31T22:58:59Z)", change: func(c *idtCase) {
		c.want.maxAge, c.claims["auth_time"] = time.Hour, at(-time.Hour-61*time.Second)
	}},
	{name: "IDT-17 auth_time in the future", check: CheckAuthTime, text: "auth_time is in the future (expected at or before 2000-01-01T00:01:00Z, got 2000-01-01T00:01:01Z); if the token was made just now, this machine's clock is 61 seconds behind: set it by NTP", change: func(c *idtCase) {
		c.want.maxAge, c.claims["auth_time"] = time.Hour, at(61*time.Second)
	}},
	{name: "IDT-19 auth_time before the login began", check: CheckAuthTime, text: "the person signed in at the provider too long ago, although max_age was sent (expected at or after 1999-12-31T23:59:00Z, got 1999-12-31T23:58:59Z)", change: func(c *idtCase) {
		c.want.maxAge, c.claims["auth_time"] = 0, at(-61*time.Second)
	}},
	{name: "IDT-18 acr missing", check: CheckACR, fault: FaultDenied, text: "the person did not sign in at the provider in the way that is required (expected gold or silver, got nothing)", change: func(c *idtCase) { c.want.acrValues = []string{"gold", "silver"} }},
	{name: "IDT-18 acr another", check: CheckACR, fault: FaultDenied, text: "the person did not sign in at the provider in the way that is required (expected gold, got Gold)", change: func(c *idtCase) { c.want.acrValues = []string{"gold"}; c.claims["acr"] = "Gold" }},
	{name: "IDT-18 acr a number", check: CheckACR, fault: FaultDenied, text: "the person did not sign in at the provider in the way that is required (expected 1, got nothing)", change: func(c *idtCase) { c.want.acrValues = []string{"1"}; c.claims["acr"] = 1 }},
	{name: "IDT-18 acr 0", check: CheckACR, fault: FaultDenied, text: "the person did not sign in at the provider in the way that is required (expected 0, got 0)", change: func(c *idtCase) { c.want.acrValues = []string{"0"}; c.claims["acr"] = "0" }},

	{name: "IDT-18 acr missing where an empty one was asked for", check: CheckACR, fault: FaultDenied, text: "the person did not sign in at the provider in the way that is required", change: func(c *idtCase) { c.want.acrValues = []string{""} }},

	{name: "POL-05 A301 hd missing", check: CheckClaim, fault: FaultDenied, text: "the account lacks a claim that is required here, or its value is not permitted (expected hd acme.example, got nothing)", change: func(c *idtCase) { c.verifier.requireClaims = map[string][]string{"hd": {"acme.example"}} }},
	{name: "POL-05 A301 hd another", check: CheckClaim, fault: FaultDenied, text: "the account lacks a claim that is required here, or its value is not permitted (expected hd acme.example or acme.test, got evil.example)", change: func(c *idtCase) {
		c.verifier.requireClaims, c.claims["hd"] = map[string][]string{"hd": {"acme.example", "acme.test"}}, "evil.example"
	}},
	{name: "POL-05 hd empty where any will do", check: CheckClaim, fault: FaultDenied, text: "the account lacks a claim that is required here, or its value is not permitted (expected hd *, got nothing)", change: func(c *idtCase) {
		c.verifier.requireClaims, c.claims["hd"] = map[string][]string{"hd": {"*"}}, ""
	}},
	{name: "POL-05 array of an empty string where any will do", check: CheckClaim, fault: FaultDenied, text: "the account lacks a claim that is required here, or its value is not permitted (expected groups *, got nothing)", change: func(c *idtCase) {
		c.verifier.requireClaims, c.claims["groups"] = map[string][]string{"groups": {"*"}}, []string{""}
	}},
	{name: "POL-05 no value permitted", check: CheckClaim, fault: FaultDenied, text: "the account lacks a claim that is required here, or its value is not permitted (expected hd , got acme.example)", change: func(c *idtCase) {
		c.verifier.requireClaims, c.claims["hd"] = map[string][]string{"hd": nil}, "acme.example"
	}},
	{name: "claim false where true is demanded", check: CheckClaim, fault: FaultDenied, text: "the account lacks a claim that is required here, or its value is not permitted (expected email_verified true, got false)", change: func(c *idtCase) {
		c.verifier.requireClaims, c.claims["email_verified"] = map[string][]string{"email_verified": {"true"}}, false
	}},

	{name: "REF-07 refreshed token of another issuer", check: CheckIssuer, text: "the ID token is from another issuer (expected https://id.example.com, got https://other.example)", change: func(c *idtCase) { c.refresh(); c.claims["iss"] = "https://other.example" }},
	{name: "REF-07 refreshed token under an alias", check: CheckRefresh, text: "the refreshed ID token is from another issuer than the first (expected https://id.example.com, got id.example.com)", change: func(c *idtCase) {
		c.refresh()
		c.verifier.issuerAliases, c.claims["iss"] = []string{"id.example.com"}, "id.example.com"
	}},
	{name: "REF-07 refreshed token of another person", check: CheckRefresh, text: "the refreshed ID token speaks of another person than the first (expected user-1, got user-2)", change: func(c *idtCase) { c.refresh(); c.claims["sub"] = "user-2" }},
	{name: "REF-07 refreshed token for more audiences", check: CheckRefresh, text: "the refreshed ID token is for another audience than the first (expected client-1, got client-1 api)", change: func(c *idtCase) {
		c.refresh()
		c.verifier.trustedAudiences = []string{"api"}
		c.claims["aud"], c.claims["azp"] = []string{"client-1", "api"}, "client-1"
	}},
	{name: "REF-07 refreshed token with an azp that is new", check: CheckRefresh, text: "the refreshed ID token was issued to another client than the first (expected nothing, got client-1)", change: func(c *idtCase) { c.refresh(); c.claims["azp"] = "client-1" }},
	{name: "REF-07 refreshed token with a nonce that is new", check: CheckNonce, text: "the ID token was not made for this login (expected the value that was sent, got another value)", change: func(c *idtCase) { c.refresh(); c.claims["nonce"] = "other-canary-55" }},
	{name: "REF-07 refreshed token of a later sign-in", check: CheckRefresh, text: "the refreshed ID token tells of a later sign-in than the first (expected 1999-12-31T23:59:00Z, got 2000-01-01T00:00:00Z)", change: func(c *idtCase) {
		c.claims["auth_time"] = at(-time.Minute)
		c.refresh()
		c.claims["auth_time"] = at(0)
	}},
	{name: "REF-07 refreshed token with old iat", check: CheckIssuedAt, text: "the ID token was issued too long ago (expected at or after 2000-01-01T00:01:00Z, got 2000-01-01T00:00:00Z); if the token was made just now, this machine's clock is 720 seconds ahead: set it by NTP", change: func(c *idtCase) {
		c.refresh()
		time.Sleep(12 * time.Minute)
		c.claims["exp"] = at(time.Minute)
	}},
}

func TestIDTokenAcceptances(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*idtCase)
	}{
		{"plain", func(c *idtCase) {}},
		{"JWK-21 RS256", func(c *idtCase) { c.key, c.alg = idtRSA(), "RS256" }},
		{"JWK-21 PS256", func(c *idtCase) { c.key, c.alg = idtRSA(), "PS256" }},
		{"JWK-21 EdDSA", func(c *idtCase) { c.key, c.alg = idtEd(), "EdDSA" }},
		{"JWK-21 Ed25519", func(c *idtCase) { c.key, c.alg = idtEd(), "Ed25519" }},
		{"RS512 where it is listed", func(c *idtCase) { c.key, c.alg = idtRSA(), "RS512"; c.verifier.algorithms = []string{"RS512"} }},
		{"JWK-09 A280 typ missing", func(c *idtCase) { c.header = `{"alg":"ES256","kid":"e1"}` }},
		{"JWK-09 A280 typ jwt", func(c *idtCase) { c.header = `{"alg":"ES256","kid":"e1","typ":"jwt"}` }},
		{"JWK-09 A280 typ Application/JWT", func(c *idtCase) { c.header = `{"alg":"ES256","kid":"e1","typ":"Application/JWT"}` }},
		{"JWK-11 no kid", func(c *idtCase) { c.header = `{"alg":"ES256"}` }},
		{"JWK-06 A264 keys in the header are ignored", func(c *idtCase) { c.header = `{"alg":"ES256","kid":"e1","jku":"http://127.0.0.1:1/","jwk":{}}` }},
		{"A300 issuer alias", func(c *idtCase) {
			c.claims["iss"], c.verifier.issuerAliases = "id.example.com", []string{"id.example.com"}
		}},
		{"DIS-18 A311 tenant listed", func(c *idtCase) {
			c.entra(idtTenant, "9188040d-6c67-4c5b-b112-36a304b66dad", strings.ToUpper(idtTenant))
		}},
		{"DIS-18 any tenant", func(c *idtCase) { c.entra(idtTenant, "*") }},
		{"DIS-18 alias beside a template", func(c *idtCase) {
			c.entra(idtTenant)
			c.claims["iss"], c.verifier.issuerAliases = "https://sts.example.com/", []string{"https://sts.example.com/"}
		}},
		{"A312 key bound to the template", func(c *idtCase) {
			c.entra(idtTenant, "*")
			c.keyBoundTo("https://login.example.com/{tenantid}/v2.0")
		}},
		{"A312 key bound to the tenant", func(c *idtCase) { c.entra(idtTenant, "*"); c.keyBoundTo(c.claims["iss"].(string)) }},
		{"IDT-03 sub of 255 characters", claim("sub", strings.Repeat("~", 255))},
		{"IDT-03 sub with a space", claim("sub", "user 1")},
		{"A287 aud an array of one", claim("aud", []string{"client-1"})},
		{"IDT-04 aud with one that is trusted", func(c *idtCase) {
			c.claims["aud"], c.claims["azp"], c.verifier.trustedAudiences = []string{"api", "client-1"}, "client-1", []string{"api"}
		}},
		{"IDT-05 azp us", claim("azp", "client-1")},
		{"IDT-05 USR-09 azp empty", claim("azp", "")},
		{"IDT-05 azp another where that is loosened", func(c *idtCase) { c.claims["azp"], c.verifier.looseAZP = "client-2", true }},
		{"IDT-05 no azp where that is loosened", func(c *idtCase) {
			c.claims["aud"], c.verifier.trustedAudiences, c.verifier.looseAZP = []string{"api", "client-1"}, []string{"api"}, true
		}},
		{"IDT-06 exp past by the leeway less a second", claim("exp", number("946684741"))},
		{"IDT-06 exp now", claim("exp", number("946684800"))},
		{"IDT-06 exp just within five minutes", func(c *idtCase) { c.claims["exp"], c.verifier.leeway = at(-299*time.Second), time.Hour }},
		{"IDT-09 exp with a fraction", claim("exp", number("946684740.001"))},
		{"IDT-09 exp with an exponent", claim("exp", number("9.467E8"))},
		{"IDT-09 exp at the end of time", claim("exp", number("253402300799"))},
		{"IDT-07 iat ahead by the leeway", claim("iat", number("946684860"))},
		{"IDT-07 iat ten seconds ahead with a leeway of 1", func(c *idtCase) { c.claims["iat"], c.verifier.leeway = at(10*time.Second), time.Second }},
		{"IDT-07 iat past by ten minutes and the leeway", func(c *idtCase) { c.claims["iat"] = at(-660 * time.Second) }},
		{"IDT-07 iat an hour ago where that is permitted", func(c *idtCase) { c.claims["iat"], c.verifier.maxTokenAge = at(-time.Hour), time.Hour }},
		{"IDT-08 nbf ahead by the leeway", claim("nbf", number("946684860"))},
		{"IDT-08 nbf null", claim("nbf", null{})},
		{"IDT-11 nonce waived and missing", func(c *idtCase) { c.want.nonceWaived = true; delete(c.claims, "nonce") }},
		{"IDT-11 nonce waived and returned", func(c *idtCase) { c.want.nonceWaived = true }},
		{"TOK-19 at_hash", func(c *idtCase) { c.claims["at_hash"] = atHash(idtAccess) }},
		{"TOK-19 at_hash of Ed25519", func(c *idtCase) {
			c.key, c.alg = idtEd(), "Ed25519"
			sum := sha512.Sum512([]byte(idtAccess))
			c.claims["at_hash"] = b64url(sum[:32])
		}},
		{"TOK-19 c_hash", func(c *idtCase) { c.claims["c_hash"] = atHash(idtCode) }},
		{"TOK-19 c_hash where the code is not known", func(c *idtCase) { c.claims["c_hash"], c.want.code = "x", "" }},
		{"A292 at_hash absent", claim("at_hash", null{})},
		{"IDT-17 auth_time as old as max_age and the leeway", func(c *idtCase) {
			c.want.maxAge, c.claims["auth_time"] = time.Hour, at(-time.Hour-time.Minute)
		}},
		{"IDT-17 auth_time ahead by the leeway", func(c *idtCase) { c.want.maxAge, c.claims["auth_time"] = time.Hour, at(time.Minute) }},
		{"IDT-19 auth_time since the login began, however long ago", func(c *idtCase) {
			c.want.maxAge, c.claims["auth_time"] = 0, at(-time.Minute)
			time.Sleep(5 * time.Minute)
			c.claims["iat"] = at(0)
		}},
		{"auth_time of the wrong type where nobody asked", claim("auth_time", "yesterday")},
		{"IDT-18 acr one of those asked for", func(c *idtCase) { c.want.acrValues, c.claims["acr"] = []string{"gold", "silver"}, "silver" }},
		{"POL-05 A301 hd", func(c *idtCase) {
			c.verifier.requireClaims, c.claims["hd"] = map[string][]string{"hd": {"acme.example"}}, "acme.example"
		}},
		{"POL-05 any hd", func(c *idtCase) {
			c.verifier.requireClaims, c.claims["hd"] = map[string][]string{"hd": {"*"}}, "acme.example"
		}},
		{"claim that is an array with a permitted value", func(c *idtCase) {
			c.verifier.requireClaims, c.claims["groups"] = map[string][]string{"groups": {"staff"}}, []string{"all", "staff"}
		}},
		{"claim that is true", func(c *idtCase) {
			c.verifier.requireClaims, c.claims["email_verified"] = map[string][]string{"email_verified": {"true"}}, true
		}},
		{"IDT-13 claims nobody knows", claim("x", map[string]any{"y": []any{nil, 1, true}})},
		{"REF-07 refreshed token", func(c *idtCase) { c.refresh() }},
		{"REF-07 refreshed token with the nonce of the login", func(c *idtCase) { c.refresh(); c.claims["nonce"] = idtNonce }},
		{"REF-07 refreshed token with the nonce handed over", func(c *idtCase) {
			c.refresh()
			c.want.nonce, c.claims["nonce"] = idtNonce, idtNonce
		}},
		{"REF-07 refreshed token with the audiences in another order", func(c *idtCase) {
			c.verifier.trustedAudiences = []string{"api"}
			c.claims["aud"], c.claims["azp"] = []string{"client-1", "api"}, "client-1"
			c.refresh()
			c.claims["aud"] = []string{"api", "client-1"}
		}},
		{"REF-07 refreshed token with an auth_time that the first had not", func(c *idtCase) { c.refresh(); c.claims["auth_time"] = at(0) }},
		{"REF-07 refreshed token with the auth_time of the login", func(c *idtCase) {
			c.claims["auth_time"] = at(-time.Minute)
			c.refresh()
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cs := newIDTCase()
				c.change(cs)
				token, err := cs.verify(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if token.Issuer != cs.claims["iss"] || token.Subject != cs.claims["sub"] || token.Algorithm != cs.alg || token.Expiry.IsZero() || token.IssuedAt.IsZero() {
					t.Errorf("%+v", token)
				}
			})
		})
	}
}

func TestIDT20_TheTokenIsFilledIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newIDTCase()
		maps.Copy(c.claims, map[string]any{"azp": "client-1", "nbf": at(-1), "auth_time": at(-time.Minute), "acr": "silver",
			"amr": []string{"pwd", "otp"}, "sid": "s1", "email": "a@example.com", "email_verified": true})
		raw := c.token()
		got, err := c.verifier.verify(t.Context(), raw, c.want)
		if err != nil {
			t.Fatal(err)
		}
		if got.Raw().Reveal() != raw {
			t.Error("raw")
		}
		if got.Claims.String("email") != "a@example.com" || !got.Claims.Bool("email_verified") {
			t.Error(got.Claims.Names())
		}
		got.Claims, got.raw = Claims{}, Secret{}
		want := IDToken{Issuer: "https://id.example.com", Subject: "user-1", Audience: []string{"client-1"}, AuthorizedParty: "client-1",
			Expiry: time.Unix(at(300*time.Second), 0).UTC(), IssuedAt: time.Unix(at(0), 0).UTC(), NotBefore: time.Unix(at(-1), 0).UTC(),
			AuthTime: time.Unix(at(-time.Minute), 0).UTC(), ACR: "silver", AMR: []string{"pwd", "otp"}, SessionID: "s1", Algorithm: "ES256"}
		if !reflect.DeepEqual(*got, want) {
			t.Errorf("got  %+v\nwant %+v", *got, want)
		}
	})
}

// A266, SH-209: the same kid at two issuers means nothing to either.
func TestSH209_TwoIssuersWithTheSameKid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one, two := newIDTCase(), newIDTCase()
		one.key, two.key = newIDTEC("k"), newIDTEC("k")
		two.verifier.issuer, two.claims["iss"] = "https://two.example.com", "https://two.example.com"
		for _, c := range []*idtCase{one, two} {
			set := jwks(c.key)
			c.verifier.keys = newKeySet(func(context.Context) ([]byte, error) { return set, nil }, teller{})
			if _, err := c.verify(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		// Even a token that claims the right issuer, signed by the other's key.
		one.key, two.key = two.key, one.key
		for _, c := range []*idtCase{one, two} {
			if _, err := c.verify(t.Context()); CheckOf(err) != CheckSignature {
				t.Error(err)
			}
		}
	})
}

// Every check that passes is told in the order in which it was made, the one
// that refuses is the last, and nobody hears a secret.
func TestIDTokenEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newIDTCase()
		maps.Copy(c.claims, map[string]any{"azp": "client-1", "nbf": at(0), "auth_time": at(0), "acr": "silver", "hd": "acme.example",
			"at_hash": atHash(idtAccess)})
		c.want.maxAge, c.want.acrValues, c.verifier.requireClaims = time.Hour, []string{"silver"}, map[string][]string{"hd": {"acme.example"}}
		var got []Checked
		c.verifier.tell = teller{provider: "acme", tell: func(_ context.Context, ev Event) { got = append(got, ev.(Checked)) }}
		ctx := WithLogin(t.Context(), "login-1")
		if _, err := c.verify(ctx); err != nil {
			t.Fatal(err)
		}
		var checks []Check
		for _, ev := range got {
			checks = append(checks, ev.Check)
			if ev.Err != nil || ev.Expected != ev.Got || ev.Got == "" || ev.Is.Login != "login-1" || ev.Is.Step != StepTokens || ev.Is.Provider != "acme" {
				t.Errorf("%+v", ev)
			}
		}
		all := []Check{CheckIDToken, CheckAlgorithm, CheckKey, CheckSignature, CheckIssuer, CheckSubject, CheckAudience, CheckAuthorizedParty,
			CheckExpiry, CheckIssuedAt, CheckNotBefore, CheckNonce, CheckTokenHash, CheckAuthTime, CheckACR, CheckClaim}
		if !slices.Equal(checks, all) {
			t.Errorf("%v", checks)
		}
		all = all[:12]
		got = nil
		c.claims["nonce"] = "other-canary-55"
		_, err := c.verify(ctx)
		if len(got) != len(all) || got[len(got)-1].Err != err || got[len(got)-1].Check != CheckNonce {
			t.Errorf("%+v", got)
		}
		if told := fmt.Sprintf("%+v %v", got, err); strings.Contains(told, "canary") {
			t.Error("a secret was told:", told)
		}
	})
}

func TestIDTokenErrorsHoldNoSecrets(t *testing.T) {
	for _, c := range idtRefusals {
		synctest.Test(t, func(t *testing.T) {
			cs := newIDTCase()
			c.change(cs)
			raw := cs.token()
			_, err := cs.verifier.verify(t.Context(), raw, cs.want)
			text := fmt.Sprintf("%v %+v %#v", err, err, err)
			if strings.Contains(text, "canary") || len(raw) > 40 && strings.Contains(text, raw[len(raw)-40:]) {
				t.Errorf("%s: %s", c.name, text)
			}
			if len(err.Error()) > 1000 || strings.ContainsFunc(err.Error(), func(r rune) bool { return r < 0x20 || r > 0x7e }) {
				t.Errorf("%s: not printable: %q", c.name, err)
			}
		})
	}
}

// IDT-06 to IDT-09: whatever times a token holds, those accepted are within the bounds.
func TestIDT09_TimesProperty(t *testing.T) {
	near := rapid.Float64Range(-1000, 1000)
	rapid.Check(t, func(rt *rapid.T) {
		exp, iat, nbf := near.Draw(rt, "exp"), near.Draw(rt, "iat"), near.Draw(rt, "nbf")
		var err error
		synctest.Test(t, func(t *testing.T) {
			c := newIDTCase()
			text := func(d float64) json.RawMessage { return number(fmt.Sprintf("%.6f", float64(time.Now().Unix())+d)) }
			c.claims["exp"], c.claims["iat"], c.claims["nbf"] = text(exp), text(iat), text(nbf)
			_, err = c.verify(t.Context())
		})
		const slack = 0.00001
		sure := exp > -60+slack && iat < 60-slack && iat > -660+slack && nbf < 60-slack
		never := exp < -60-slack || iat > 60+slack || iat < -660-slack || nbf > 60+slack
		if sure && err != nil || never && err == nil {
			rt.Fatalf("exp %f iat %f nbf %f: %v", exp, iat, nbf, err)
		}
	})
}

// Whatever a provider signs: no panic, and what is accepted is for us, now, and
// for this login, as encoding/json reads it too.
func FuzzIDTokenClaims(f *testing.F) {
	now := time.Now().Unix()
	f.Add(fmt.Appendf(nil, `{"iss":"https://id.example.com","sub":"u","aud":["client-1"],"exp":%d,"iat":%d,"nonce":%q}`, now+300, now, idtNonce), int64(0))
	f.Add([]byte(`{"iss":null,"aud":[],"exp":1e400,"at_hash":1,"azp":{},"auth_time":-1}`), int64(10))
	f.Fuzz(func(t *testing.T, payload []byte, maxAge int64) {
		if len(payload) == 0 {
			return // newIDTCase has claims of its own
		}
		c := newIDTCase()
		c.alg, c.key, c.payload = "EdDSA", idtEd(), string(payload)
		c.want.maxAge = time.Duration(maxAge)
		c.verifier.maxTokenAge = 10000 * time.Hour // the seeds grow old
		token, err := c.verify(t.Context())
		if (err == nil) != (token != nil) {
			t.Fatal("neither token nor error, or both")
		}
		if err != nil {
			if CheckOf(err) == "" {
				t.Fatal(err)
			}
			return
		}
		var claims struct {
			Iss, Sub, Nonce string
			Aud             any
		}
		if err := json.Unmarshal(payload, &claims); err != nil || claims.Iss != c.verifier.issuer || claims.Sub == "" || claims.Nonce != idtNonce ||
			!strings.Contains(fmt.Sprint(claims.Aud), "client-1") || token.Subject != claims.Sub {
			t.Fatalf("accepted %s: %v", payload, err)
		}
	})
}
