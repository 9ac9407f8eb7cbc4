package oauth

import (
	"cmp"
	"context"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
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
	c := &idTokenCheck{ctx: ctx, v: v, want: want, now: time.Now(),
		leeway: min(cmp.Or(v.leeway, time.Minute), 5*time.Minute)}
	jwt, err := c.parse(raw)
	if err != nil {
		return nil, err
	}
	payload, err := c.signature(jwt)
	if err != nil {
		return nil, err
	}
	if c.claims, err = strictjson.Parse(payload, jws.MaxLength); err != nil {
		return nil, c.refuse(&Error{Check: CheckIDToken, Reason: "the ID token's claims are malformed", Err: err})
	}
	c.token = &IDToken{Algorithm: jwt.Algorithm, Claims: newClaims(c.claims), raw: NewSecret(raw)}
	for _, check := range claimChecks {
		if err := check(c); err != nil {
			return nil, err
		}
	}
	return c.token, nil
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
	ctx    context.Context
	v      *idTokenVerifier
	want   idTokenExpectation
	now    time.Time
	leeway time.Duration
	key    *jws.Key          // that verified the signature
	claims strictjson.Object // verified
	token  *IDToken          // filled in as the checks pass
}

// refuse tells that a check failed. It is the provider's fault unless e says otherwise.
func (c *idTokenCheck) refuse(e *Error) error {
	e.Step = c.want.step
	if e.Fault == FaultCaller {
		e.Fault = FaultProvider
	}
	return c.v.tell.refused(c.ctx, e)
}

func (c *idTokenCheck) passed(check Check, value string) {
	c.v.tell.passed(c.ctx, c.want.step, check, value)
}

// passedAt spares the formatting when nobody listens.
func (c *idTokenCheck) passedAt(check Check, t time.Time) {
	if c.v.tell.listening() {
		c.passed(check, t.Format(time.RFC3339))
	}
}

// text returns a claim that is a string, and what to say of it in an error:
// empty if it is absent, its kind if it is not a string.
func (c *idTokenCheck) text(name string) (value, got string) {
	value, _, err := c.claims.String(name)
	if err != nil {
		return "", "a value of kind " + c.claims.Kind(name).String()
	}
	return value, printable(value)
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
		e := &Error{Check: CheckIDToken, Reason: "the ID token is not a signed compact JWT", Err: err}
		if bad, ok := errors.AsType[*jws.Error](err); ok && bad.Problem == jws.Algorithm {
			e.Check, e.Reason = CheckAlgorithm, "the ID token names no algorithm that could be accepted"
		}
		return nil, c.refuse(e)
	}
	// An access token (at+jwt) or a logout token (logout+jwt) is no ID token,
	// even though the same key signed it (RFC 8725 section 3.11).
	if typ := jwt.Type; typ != "" && !strings.EqualFold(typ, "JWT") && !strings.EqualFold(typ, "application/jwt") {
		return nil, c.refuse(&Error{Check: CheckIDToken, Expected: "typ JWT, or none", Got: printable(typ), Reason: "the token is of another kind than an ID token"})
	}
	c.passed(CheckIDToken, "a signed compact JWT")
	if !slices.Contains(c.v.algorithms, jwt.Algorithm) || !jws.Supported(jwt.Algorithm) {
		e := &Error{Check: CheckAlgorithm, Expected: strings.Join(c.v.algorithms, ", "), Got: printable(jwt.Algorithm),
			Reason: "the ID token is signed with an algorithm that is not accepted here",
			Cure:   "choose one of the accepted algorithms in the registration at the provider"}
		if strings.HasPrefix(jwt.Algorithm, "HS") {
			e.Reason = "the ID token is signed with the client secret, which is not supported, because everyone who has the secret could then sign ID tokens"
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
			Reason: "the ID token's signature does not verify", Cure: "if the provider has just replaced a key without renaming it, try again in a minute"})
	}
	if err != nil && err != errNoNewer {
		return nil, c.refuse(keysUnavailable(c.want.step, err))
	}
	return nil, c.refuse(&Error{Check: CheckKey, Expected: "a key of the issuer for " + jwt.Algorithm, Got: named("kid", jwt.KeyID),
		Reason: "the issuer does not publish the key that the ID token is signed with",
		Cure:   "if the provider has just changed its keys, try again in a minute"})
}

// kind: typ is optional, so that a logout token may come without one, and where
// no nonce is demanded nothing else tells it from an ID token.
func (c *idTokenCheck) kind() error {
	if c.claims.Has("events") {
		return c.refuse(&Error{Check: CheckIDToken, Expected: "an ID token", Got: "a token with events", Reason: "the token is of another kind than an ID token"})
	}
	return nil
}

// issuer: iss, exactly (OpenID Connect Core section 3.1.3.7 item 2).
func (c *idTokenCheck) issuer() error {
	iss, got := c.text("iss")
	if iss == "" {
		return c.refuse(&Error{Check: CheckIssuer, Expected: c.v.issuer, Got: got, Reason: "the ID token has no iss that is a string"})
	}
	expected := c.v.issuer
	var err error
	if strings.Contains(expected, tenantPlaceholder) && !slices.Contains(c.v.issuerAliases, iss) {
		if expected, err = c.tenantIssuer(); err != nil {
			return err
		}
	}
	// A template is never an issuer, not even as an alias.
	if iss != expected && !slices.Contains(c.v.issuerAliases, iss) || strings.Contains(iss, tenantPlaceholder) {
		return c.refuse(&Error{Check: CheckIssuer, Expected: expected, Got: got, Reason: "the ID token is from another issuer"})
	}
	c.token.Issuer = iss
	c.passed(CheckIssuer, iss)
	return nil
}

// tenantIssuer puts the token's tenant into the templated issuer, if that
// tenant may sign in.
func (c *idTokenCheck) tenantIssuer() (string, error) {
	tid, got := c.text("tid")
	if !isGUID(tid) {
		return "", c.refuse(&Error{Check: CheckIssuer, Expected: "tid, a GUID", Got: got,
			Reason: "the issuer is a template, and the ID token has no tid to complete it"})
	}
	// GUIDs are hexadecimal, and people copy them in either case.
	if !slices.ContainsFunc(c.v.tenants, func(t string) bool { return t == "*" || strings.EqualFold(t, tid) }) {
		return "", c.refuse(&Error{Check: CheckIssuer, Fault: FaultDenied, Expected: "one of the tenants that may sign in", Got: tid,
			Reason: "the account is of a tenant that may not sign in here", Cure: "add the tenant to Tenants if it should"})
	}
	return strings.ReplaceAll(c.v.issuer, tenantPlaceholder, tid), nil
}

// isGUID: 8-4-4-4-12 hexadecimal digits.
func isGUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i, c := range []byte(s) {
		switch hyphen := i == 8 || i == 13 || i == 18 || i == 23; {
		case hyphen && c != '-', !hyphen && !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'):
			return false
		}
	}
	return true
}

// keyIssuer: a key of a multi-tenant provider may be bound to one issuer by a
// member of that name, again a template. Without this check a key for one
// tenant could sign for all.
func (c *idTokenCheck) keyIssuer() error {
	if c.key.Issuer == "" {
		return nil
	}
	tid, _, _ := c.claims.String("tid")
	if bound := strings.ReplaceAll(c.key.Issuer, tenantPlaceholder, tid); bound != c.token.Issuer {
		return c.refuse(&Error{Check: CheckKey, Expected: printable(bound), Got: printable(c.token.Issuer),
			Reason: "the ID token is signed with a key that is bound to another issuer"})
	}
	return nil
}

// subject: sub, at most 255 ASCII characters (section 2), none of them a
// control character.
func (c *idTokenCheck) subject() error {
	sub, got := c.text("sub")
	if sub == "" {
		return c.refuse(&Error{Check: CheckSubject, Expected: "1 to 255 ASCII characters", Got: got, Reason: "the ID token has no sub that is a string"})
	}
	if len(sub) > 255 || strings.ContainsFunc(sub, func(r rune) bool { return r < 0x20 || r > 0x7e }) {
		return c.refuse(&Error{Check: CheckSubject, Expected: "1 to 255 ASCII characters", Got: got, Reason: "sub is too long, or has characters that may look like others"})
	}
	c.token.Subject = sub
	c.passed(CheckSubject, sub)
	return nil
}

// audience: aud has our client id, and no other value that is not trusted
// (section 3.1.3.7 item 3).
func (c *idTokenCheck) audience() error {
	aud, _, err := c.claims.OneOrMore("aud")
	refuse := func(reason string) error {
		return c.refuse(&Error{Check: CheckAudience, Expected: c.v.clientID, Got: printable(strings.Join(aud, " ")), Reason: reason})
	}
	switch {
	case err != nil:
		return c.refuse(&Error{Check: CheckAudience, Reason: "aud is neither a string nor an array of strings", Err: err})
	case len(aud) == 0:
		return refuse("the ID token has no aud")
	case !slices.Contains(aud, c.v.clientID) || c.v.clientID == "":
		return refuse("the ID token is meant for another client")
	}
	for i, a := range aud {
		if slices.Contains(aud[:i], a) {
			return refuse("aud has the same value twice")
		}
		if a != c.v.clientID && !slices.Contains(c.v.trustedAudiences, a) {
			return refuse("the ID token is also meant for an audience that is not trusted")
		}
	}
	c.token.Audience = aud
	c.passed(CheckAudience, c.v.clientID)
	return nil
}

// authorizedParty: azp is us if it is there, and it is there if aud has several
// values (section 3.1.3.7 items 4 and 5 as first published; the later text
// leaves it to extensions, of which we know none).
func (c *idTokenCheck) authorizedParty() error {
	azp, got := c.text("azp")
	c.token.AuthorizedParty = azp
	if c.v.looseAZP || got == "" && len(c.token.Audience) == 1 {
		return nil
	}
	if azp != c.v.clientID {
		e := &Error{Check: CheckAuthorizedParty, Expected: c.v.clientID, Got: got, Reason: "the ID token was issued to another client"}
		if got == "" {
			e.Reason = "the ID token has several audiences, and does not say which of them it was issued to"
		}
		return c.refuse(e)
	}
	c.passed(CheckAuthorizedParty, azp)
	return nil
}

// date reads a NumericDate; ok is false if it is absent.
func (c *idTokenCheck) date(check Check, name string) (t time.Time, ok bool, err error) {
	text, ok, err := c.claims.Number(name)
	if ok {
		t, err = strictjson.NumericDate(text)
	}
	if err != nil {
		return t, false, c.refuse(&Error{Check: check, Reason: "the ID token's " + name + " is not a number of seconds since 1970", Err: err})
	}
	return t, ok, nil
}

// instant is date for a claim that must be there.
func (c *idTokenCheck) instant(check Check, name string) (time.Time, error) {
	t, ok, err := c.date(check, name)
	if err == nil && !ok {
		err = c.refuse(&Error{Check: check, Expected: "seconds since 1970", Reason: "the ID token has no " + name})
	}
	return t, err
}

// refuseTime explains a time that is wrong, which more often is a wrong clock
// than a wrong token. The clocks differ by how far the moment lies from now
// when the token must have been made, which is now.
func (c *idTokenCheck) refuseTime(check Check, reason, bound string, limit, got, made time.Time) error {
	cure := ""
	if off := c.now.Sub(made); off != 0 {
		cure = fmt.Sprintf("if the token was made just now, this machine's clock is %d seconds %s: set it by NTP",
			int64(off.Abs()/time.Second), map[bool]string{true: "ahead", false: "behind"}[off > 0])
	}
	return c.refuse(&Error{Check: check, Reason: reason, Cure: cure,
		Expected: bound + " " + limit.UTC().Format(time.RFC3339), Got: got.Format(time.RFC3339)})
}

// expiry: exp is still to come, give or take the leeway (item 9).
func (c *idTokenCheck) expiry() error {
	exp, err := c.instant(CheckExpiry, "exp")
	if err != nil {
		return err
	}
	if limit := c.now.Add(-c.leeway); !exp.After(limit) {
		made := exp
		if iat := c.token.Claims.Time("iat"); !iat.IsZero() {
			made = iat
		}
		return c.refuseTime(CheckExpiry, "the ID token has expired", "after", limit, exp, made)
	}
	c.token.Expiry = exp
	c.passedAt(CheckExpiry, exp)
	return nil
}

// issuedAt: iat is now (item 10). A token from long ago is somebody's replay; a
// little ahead is only a clock, ten seconds always and a minute at most.
func (c *idTokenCheck) issuedAt() error {
	iat, err := c.instant(CheckIssuedAt, "iat")
	if err != nil {
		return err
	}
	latest := c.now.Add(min(max(c.leeway, 10*time.Second), time.Minute))
	earliest := c.now.Add(-cmp.Or(c.v.maxTokenAge, 10*time.Minute) - c.leeway)
	switch {
	case iat.After(latest):
		return c.refuseTime(CheckIssuedAt, "the ID token was issued in the future", "at or before", latest, iat, iat)
	case iat.Before(earliest):
		return c.refuseTime(CheckIssuedAt, "the ID token was issued too long ago", "at or after", earliest, iat, iat)
	}
	c.token.IssuedAt = iat
	c.passedAt(CheckIssuedAt, iat)
	return nil
}

// notBefore: nbf, if there is one, has come (RFC 7519 section 4.1.5).
func (c *idTokenCheck) notBefore() error {
	nbf, ok, err := c.date(CheckNotBefore, "nbf")
	if err != nil || !ok {
		return err
	}
	if limit := c.now.Add(c.leeway); nbf.After(limit) {
		return c.refuseTime(CheckNotBefore, "the ID token is not valid yet", "at or before", limit, nbf, nbf)
	}
	c.token.NotBefore = nbf
	c.passedAt(CheckNotBefore, nbf)
	return nil
}

// nonce: the value that was sent (item 11). It may be missing only in the
// answer to a refresh, or if the provider is known not to return it. The values
// are never shown: whoever has one can have a stolen token accepted.
func (c *idTokenCheck) nonce() error {
	sent := c.want.nonce
	if sent == "" && c.want.refresh != nil {
		sent = c.want.refresh.Claims.String("nonce")
	}
	value, got := c.text("nonce")
	switch {
	case got == "" && (c.want.nonceWaived || c.want.refresh != nil):
		return nil
	case sent == "": // two empty values are equal, and prove nothing
		return c.refuse(&Error{Check: CheckNonce, Reason: "no nonce was sent, so that nothing ties the ID token to this login"})
	case subtle.ConstantTimeCompare([]byte(value), []byte(sent)) != 1:
		if value != "" {
			got = "another value"
		}
		return c.refuse(&Error{Check: CheckNonce, Expected: "the value that was sent", Got: got, Reason: "the ID token was not made for this login"})
	}
	c.passed(CheckNonce, "the value that was sent")
	return nil
}

// hashes: at_hash and c_hash, where present, tie access token and code to the
// ID token (section 3.1.3.8). Without them TLS does.
func (c *idTokenCheck) hashes() error {
	if err := c.hash("at_hash", c.want.accessToken, "the access token"); err != nil || c.want.code == "" {
		return err
	}
	return c.hash("c_hash", c.want.code, "the code")
}

func (c *idTokenCheck) hash(name, value, what string) error {
	claimed, got := c.text(name)
	if got == "" {
		return nil
	}
	matches := false
	if h, ok := jws.HashOf(c.token.Algorithm); ok && value != "" {
		d := h.New()
		d.Write([]byte(value))
		half := base64.RawURLEncoding.EncodeToString(d.Sum(nil)[:h.Size()/2])
		matches = subtle.ConstantTimeCompare([]byte(claimed), []byte(half)) == 1
	}
	if !matches {
		return c.refuse(&Error{Check: CheckTokenHash, Expected: "the hash of " + what, Got: "another value",
			Reason: name + " says that the ID token did not come with " + what})
	}
	if c.v.tell.listening() {
		c.passed(CheckTokenHash, name+" is the hash of "+what)
	}
	return nil
}

// authentication: how and when the person signed in at the provider
// (auth_time, acr, amr, sid), against what was asked for (items 12 and 13).
// What nobody asked for is taken if it is of the right type.
func (c *idTokenCheck) authentication() error {
	t := c.token
	t.AuthTime, t.ACR, t.AMR, t.SessionID = t.Claims.Time("auth_time"), t.Claims.String("acr"), t.Claims.Strings("amr"), t.Claims.String("sid")
	if c.want.maxAge >= 0 {
		if err := c.authTime(); err != nil {
			return err
		}
	}
	if len(c.want.acrValues) == 0 {
		return nil
	}
	// "0" says that nothing is known about how the person signed in (section 2).
	if t.ACR == "" || t.ACR == "0" || !slices.Contains(c.want.acrValues, t.ACR) {
		return c.refuse(&Error{Check: CheckACR, Fault: FaultDenied, Expected: strings.Join(c.want.acrValues, " or "), Got: printable(t.ACR),
			Reason: "the person did not sign in at the provider in the way that is required"})
	}
	c.passed(CheckACR, t.ACR)
	return nil
}

// authTime: the person signed in at most maxAge ago; if that is 0, after the
// login began, however long it then took.
func (c *idTokenCheck) authTime() error {
	at, err := c.instant(CheckAuthTime, "auth_time")
	if err != nil {
		return err
	}
	earliest := c.now.Add(-c.want.maxAge - c.leeway)
	if c.want.maxAge == 0 {
		earliest = c.want.startedAt.Add(-c.leeway)
	}
	latest := c.now.Add(c.leeway)
	switch {
	case at.Before(earliest):
		return c.refuse(&Error{Check: CheckAuthTime, Expected: "at or after " + earliest.UTC().Format(time.RFC3339), Got: at.Format(time.RFC3339),
			Reason: "the person signed in at the provider too long ago, although max_age was sent"})
	case at.After(latest):
		return c.refuseTime(CheckAuthTime, "auth_time is in the future", "at or before", latest, at, at)
	}
	c.passedAt(CheckAuthTime, at)
	return nil
}

// required: claims that the provider's entry demands, such as Google's hd. What
// was asked for in the request proves nothing: the person can change it.
func (c *idTokenCheck) required() error {
	for _, name := range slices.Sorted(maps.Keys(c.v.requireClaims)) {
		permitted := c.v.requireClaims[name]
		got := c.token.Claims.Strings(name)
		if c.claims.Kind(name) == strictjson.KindBool {
			got = []string{c.token.Claims.Text(name)}
		}
		i := slices.IndexFunc(got, func(s string) bool {
			return s != "" && (slices.Contains(permitted, s) || slices.Contains(permitted, "*"))
		})
		if i < 0 {
			return c.refuse(&Error{Check: CheckClaim, Fault: FaultDenied, Expected: name + " " + strings.Join(permitted, " or "),
				Got: printable(strings.Join(got, " ")), Reason: "the account lacks a claim that is required here, or its value is not permitted"})
		}
		if c.v.tell.listening() {
			c.passed(CheckClaim, name+" "+printable(got[i]))
		}
	}
	return nil
}

// sameGrant: an ID token that comes with a refresh speaks of the login that the
// grant is from (section 12.2).
func (c *idTokenCheck) sameGrant() error {
	old, t := c.want.refresh, c.token
	if old == nil {
		return nil
	}
	refuse := func(reason, expected, got string) error {
		return c.refuse(&Error{Check: CheckRefresh, Expected: printable(expected), Got: printable(got), Reason: reason})
	}
	switch {
	case t.Issuer != old.Issuer:
		return refuse("the refreshed ID token is from another issuer than the first", old.Issuer, t.Issuer)
	case t.Subject != old.Subject:
		return refuse("the refreshed ID token speaks of another person than the first", old.Subject, t.Subject)
	case !slices.Equal(slices.Sorted(slices.Values(t.Audience)), slices.Sorted(slices.Values(old.Audience))):
		return refuse("the refreshed ID token is for another audience than the first", strings.Join(old.Audience, " "), strings.Join(t.Audience, " "))
	case t.AuthorizedParty != old.AuthorizedParty && !c.v.looseAZP:
		return refuse("the refreshed ID token was issued to another client than the first", old.AuthorizedParty, t.AuthorizedParty)
	case !old.AuthTime.IsZero() && t.AuthTime.After(old.AuthTime):
		return refuse("the refreshed ID token tells of a later sign-in than the first", old.AuthTime.Format(time.RFC3339), t.AuthTime.Format(time.RFC3339))
	}
	c.passed(CheckRefresh, "the same person and audience as at the login")
	return nil
}
