package oauth

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/wayleave/wayleave/internal/jws"
	"github.com/wayleave/wayleave/internal/strictjson"
)

// IDToken is an ID token of which everything was verified that OpenID Connect
// Core section 3.1.3.7 asks for, signature included; this package makes no
// others. It is to be read only, and then safe for concurrent use.
type IDToken struct {
	Issuer          string    // iss, exactly as written
	Subject         string    // sub: who this is at the issuer, never reassigned
	Audience        []string  // aud
	AuthorizedParty string    // azp; may be empty
	Expiry          time.Time // exp
	IssuedAt        time.Time // iat
	NotBefore       time.Time // nbf; may be zero
	AuthTime        time.Time // auth_time; zero if the provider does not say
	ACR             string    // acr; may be empty
	AMR             []string  // amr; may be nil
	SessionID       string    // sid, the session at the provider; may be empty
	Algorithm       string    // alg of the signature
	Claims          Claims    // all claims, those above included

	raw Secret
}

// Raw returns the token as it came, for use as id_token_hint at logout.
func (t *IDToken) Raw() Secret { return t.raw }

// idTokenVerifier holds what ID tokens of one registration are held against.
type idTokenVerifier struct {
	issuer           string   // exact, or a template with "{tenantid}"
	tenants          []string // values of tid for the template; "*" is any GUID
	issuerAliases    []string // further exact values of iss
	clientID         string
	trustedAudiences []string
	looseAZP         bool
	algorithms       []string            // allow-list
	leeway           time.Duration       // 0 means one minute; at most five
	maxTokenAge      time.Duration       // 0 means ten minutes
	requireClaims    map[string][]string // permitted values; "*" is any that is present
	keys             *keySet
	tell             teller
}

// idTokenExpectation is what one answer is held against.
type idTokenExpectation struct {
	step        Step
	nonce       string
	nonceWaived bool          // the provider does not return it; one that is there must match
	accessToken string        // that came with it, for at_hash
	code        string        // that was redeemed, for c_hash; empty if it is not known
	maxAge      time.Duration // as asked for; negative if not
	startedAt   time.Time     // of the login
	acrValues   []string      // one of them, if there are any
	refresh     *IDToken      // of the login, for the answer to a refresh request
}

// verify verifies an ID token: first form, algorithm, key and signature, then,
// now that it is known who speaks, every claim. On failure nothing of it is
// returned, and the error is an *Error with the check that refused.
func (v *idTokenVerifier) verify(ctx context.Context, raw string, want idTokenExpectation) (*IDToken, error) {
	c := v.begin(ctx, idTokenKind, want)
	if err := c.run(raw, claimChecks[:]); err != nil {
		return nil, err
	}
	return c.token, nil
}

func (v *idTokenVerifier) begin(ctx context.Context, kind tokenKind, want idTokenExpectation) *idTokenCheck {
	return &idTokenCheck{tokenKind: kind, ctx: ctx, v: v, want: want, now: time.Now(),
		leeway: min(cmp.Or(v.leeway, time.Minute), 5*time.Minute)}
}

// run makes all checks, those of the claims last.
func (c *idTokenCheck) run(raw string, claimChecks []func(*idTokenCheck) error) error {
	jwt, err := c.parse(raw)
	if err != nil {
		return err
	}
	payload, err := c.signature(jwt)
	if err != nil {
		return err
	}
	if c.claims, err = strictjson.Parse(payload, jws.MaxLength); err != nil {
		return c.refuse(&Error{Check: CheckIDToken, Reason: c.noun + "'s claims are malformed", Err: err})
	}
	c.token = &IDToken{Algorithm: jwt.Algorithm, Claims: newClaims(c.claims), raw: NewSecret(raw)}
	for _, check := range claimChecks {
		if err := check(c); err != nil {
			return err
		}
	}
	return nil
}

// claimChecks are the checks of the claims, in the order in which they are made.
var claimChecks = [...]func(*idTokenCheck) error{
	(*idTokenCheck).kind, (*idTokenCheck).issuer, (*idTokenCheck).keyIssuer, (*idTokenCheck).subject, (*idTokenCheck).audience,
	(*idTokenCheck).authorizedParty, (*idTokenCheck).expiry, (*idTokenCheck).issuedAt, (*idTokenCheck).notBefore,
	(*idTokenCheck).nonce, (*idTokenCheck).hashes, (*idTokenCheck).authentication, (*idTokenCheck).required,
	(*idTokenCheck).sameGrant,
}

// idTokenCheck is one verification. It holds the context because it lives no
// longer than the call that has it.
type idTokenCheck struct {
	tokenKind
	ctx    context.Context
	v      *idTokenVerifier
	want   idTokenExpectation
	now    time.Time
	leeway time.Duration
	key    *jws.Key          // that verified the signature
	claims strictjson.Object // verified
	token  *IDToken          // filled in as the checks pass
}

// refuse tells that a check failed.
func (c *idTokenCheck) refuse(e *Error) error {
	e.Step, e.Check = c.want.step, c.checkFor(e.Check)
	if e.Fault == FaultCaller {
		e.Fault = c.fault
	}
	return c.v.tell.refused(c.ctx, e)
}

func (c *idTokenCheck) passed(check Check, value string) {
	if c.v.tell.listening() {
		c.v.tell.passed(c.ctx, c.want.step, c.checkFor(check), value)
	}
}

// passedAt spares the formatting when nobody listens.
func (c *idTokenCheck) passedAt(check Check, t time.Time) {
	if c.v.tell.listening() {
		c.passed(check, t.Format(time.RFC3339))
	}
}

// text returns a claim that is a string, and what an error has to show (made
// printable): the same, or its kind if it is not a string. Both are empty if it
// is absent.
func (c *idTokenCheck) text(name string) (value, got string) {
	value, _, err := c.claims.String(name)
	if err != nil {
		return "", "a value of kind " + c.claims.Kind(name).String()
	}
	return value, value
}

// named says a name with its value from outside, or that there is none.
func named(name, value string) string {
	if value == "" {
		return "no " + name
	}
	return name + " " + printable(value)
}

// parse checks form, typ and algorithm, none of which needs a key.
func (c *idTokenCheck) parse(raw string) (*jws.Token, error) {
	jwt, err := jws.Parse(raw)
	if err != nil {
		e := &Error{Check: CheckIDToken, Reason: c.noun + " is not a signed compact JWT", Err: err}
		if bad, ok := errors.AsType[*jws.Error](err); ok && bad.Problem == jws.Algorithm {
			e.Check, e.Reason = CheckAlgorithm, c.noun+" names no algorithm that could be accepted"
		}
		return nil, c.refuse(e)
	}
	// An access token (at+jwt) or a logout token (logout+jwt) is no ID token,
	// even though the same key signed it, and the other way round (RFC 8725
	// section 3.11).
	if typ := jwt.Type; !slices.ContainsFunc(c.types, func(t string) bool { return strings.EqualFold(t, typ) }) {
		return nil, c.refuse(&Error{Check: CheckIDToken, Expected: c.wantType, Got: printable(typ), Reason: "the token is of another kind than " + c.a})
	}
	c.passed(CheckIDToken, "a signed compact JWT")
	if !slices.Contains(c.v.algorithms, jwt.Algorithm) || !jws.Supported(jwt.Algorithm) {
		e := &Error{Check: CheckAlgorithm, Expected: strings.Join(c.v.algorithms, ", "), Got: printable(jwt.Algorithm),
			Reason: c.noun + " is signed with an algorithm that is not accepted here",
			Cure:   "choose one of the accepted algorithms in the registration at the provider"}
		if strings.HasPrefix(jwt.Algorithm, "HS") {
			e.Reason = c.noun + " is signed with the client secret, which is not supported, because everyone who has the secret could then sign ID tokens"
		}
		return nil, c.refuse(e)
	}
	c.passed(CheckAlgorithm, jwt.Algorithm)
	return jwt, nil
}

// signature verifies the signature with the issuer's keys, if need be with
// newly fetched ones, and returns what was signed. The keys may change twice on
// the way: by a fetch that was under way already, and by one of our own.
func (c *idTokenCheck) signature(jwt *jws.Token) (payload []byte, err error) {
	keys, err := c.v.keys.current(c.ctx)
	if err != nil {
		return nil, c.refuse(keysUnavailable(c.want.step, err))
	}
	var candidates []*jws.Key
	for try := 1; ; try++ {
		candidates = keys.Candidates(jwt.Algorithm, jwt.KeyID)
		for _, key := range candidates {
			if payload, err := jwt.Verify(key); err == nil {
				c.key = key
				if c.v.tell.listening() {
					c.passed(CheckKey, named("kid", jwt.KeyID))
				}
				c.passed(CheckSignature, jwt.Algorithm)
				return payload, nil
			}
		}
		if try == 3 {
			break
		}
		if keys, err = c.v.keys.newer(c.ctx, keys); err != nil {
			break
		}
	}
	if len(candidates) > 0 {
		return nil, c.refuse(&Error{Check: CheckSignature, Expected: "a signature by one of the issuer's keys", Got: "another one",
			Reason: c.noun + "'s signature does not verify", Cure: "if the provider has just replaced a key without renaming it, try again in a minute"})
	}
	if err != nil && err != errNoNewer {
		return nil, c.refuse(keysUnavailable(c.want.step, err))
	}
	return nil, c.refuse(&Error{Check: CheckKey, Expected: "a key of the issuer for " + jwt.Algorithm, Got: named("kid", jwt.KeyID),
		Reason: "the issuer does not publish the key that " + c.noun + " is signed with",
		Cure:   "if the provider has just changed its keys, try again in a minute"})
}
