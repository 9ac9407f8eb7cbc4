package oauth

import (
	"cmp"
	"context"
	"strings"
	"time"

	"github.com/wayleave/wayleave/internal/strictjson"
)

// backChannelEvent is the member of events that makes a token a logout token
// (OpenID Connect Back-Channel Logout section 2.4).
const backChannelEvent = "http://schemas.openid.net/event/backchannel-logout"

// LogoutToken says that somebody signed out at the provider. Everything that
// OpenID Connect Back-Channel Logout section 2.6 asks for was verified, but
// for what needs a store: that ID was not seen before (step 8). Which sessions
// are meant depends on what is there: SessionID means that one session of
// Issuer, Subject alone means all sessions of that person. Neither says
// anything about sessions begun after IssuedAt.
type LogoutToken struct {
	Issuer    string // iss, exactly as written
	Subject   string // sub; may be empty if SessionID is not
	SessionID string // sid; may be empty if Subject is not
	ID        string // jti: at most once for each issuer
	IssuedAt  time.Time
	Expires   time.Time
	// RememberUntil is until when ID must be remembered. From then on the
	// token is refused for its age, by a clock that is behind this one too.
	RememberUntil time.Time
}

// VerifyLogoutToken verifies a logout token as it came in a request (see
// [ReadLogoutRequest]): form, typ, algorithm, key and signature as those of an
// ID token, then iss, aud, exp, iat, and that it is nothing but a logout token.
// An ID token or an access token is never one (section 4.1). Keys are fetched
// under the same limit as for ID tokens, so that a flood of tokens with random
// keys costs the provider nothing.
//
// The error is an *Error; on each of them the request is answered with 400
// (section 2.8). With FaultUnavailable the token may be good, but the keys
// could not be had.
func (c *Client) VerifyLogoutToken(ctx context.Context, raw string) (*LogoutToken, error) {
	if !c.openID() {
		return nil, c.tell.refused(ctx, &Error{Step: StepUse, Check: CheckLogoutToken, Fault: FaultCaller,
			Reason: "without openid among the scopes nobody can sign a logout token for this provider"})
	}
	srv, err := c.server(ctx)
	if err != nil {
		return nil, err
	}
	kind := logoutTokenKind
	if c.cfg.RequireLogoutType {
		kind.types, kind.wantType = kind.types[:2], "typ logout+jwt"
	}
	return c.verifier(srv).verifyLogout(ctx, kind, raw)
}

// logoutTokenKind: most providers do not set typ as section 2.4 recommends.
var logoutTokenKind = tokenKind{a: "a logout token", noun: "the logout token", types: []string{"logout+jwt", "application/logout+jwt", "jwt", "application/jwt", ""},
	wantType: "typ logout+jwt, JWT, or none", checks: string(CheckLogoutToken), fault: FaultBrowser}

// logoutChecks are the checks of the claims. What the token is comes before
// whom it concerns.
var logoutChecks = []func(*idTokenCheck) error{
	(*idTokenCheck).issuer, (*idTokenCheck).keyIssuer, (*idTokenCheck).logoutEvents, (*idTokenCheck).noNonce,
	(*idTokenCheck).audience, (*idTokenCheck).expiry, (*idTokenCheck).issuedAt, (*idTokenCheck).notBefore,
}

func (v *idTokenVerifier) verifyLogout(ctx context.Context, kind tokenKind, raw string) (*LogoutToken, error) {
	c := v.begin(ctx, kind, idTokenExpectation{step: StepUse})
	if err := c.run(raw, logoutChecks); err != nil {
		return nil, err
	}
	t := &LogoutToken{Issuer: c.token.Issuer, IssuedAt: c.token.IssuedAt, Expires: c.token.Expiry}
	if err := c.logoutWhom(t); err != nil {
		return nil, err
	}
	if err := c.logoutID(t); err != nil {
		return nil, err
	}
	t.RememberUntil = t.IssuedAt.Add(cmp.Or(v.maxTokenAge, 10*time.Minute))
	if t.Expires.Before(t.RememberUntil) {
		t.RememberUntil = t.Expires
	}
	t.RememberUntil = t.RememberUntil.Add(2 * c.leeway)
	return t, nil
}

// logoutEvents: an object with the one member whose value is an object (item 6).
func (c *idTokenCheck) logoutEvents() error {
	refuse := func(reason, got string) error {
		return c.refuse(&Error{Check: CheckLogoutEvents, Expected: "an object at " + backChannelEvent, Got: got, Reason: reason})
	}
	if !c.claims.Has("events") {
		return refuse("the token has no events, and is none of logout", "")
	}
	events, ok, err := c.claims.Object("events")
	if err != nil || !ok {
		return refuse("events is not an object", "a value of kind "+c.claims.Kind("events").String())
	}
	switch kind := events.Kind(backChannelEvent); kind {
	case strictjson.KindObject:
		c.passed(CheckLogoutEvents, backChannelEvent)
		return nil
	case strictjson.KindMissing:
		return refuse("the token is of another event than logout", printable(strings.Join(events.Names(), " ")))
	default:
		return refuse("the logout event is not an object", "a value of kind "+kind.String())
	}
}

// noNonce: what has a nonce, of whatever value, is an ID token (item 7).
func (c *idTokenCheck) noNonce() error {
	if c.claims.Has("nonce") {
		return c.refuse(&Error{Check: CheckLogoutNonce, Expected: "no nonce", Got: "one", Reason: "a token with a nonce is no logout token"})
	}
	c.passed(CheckLogoutNonce, "none")
	return nil
}

// logoutWhom: sub, sid or both (item 5).
func (c *idTokenCheck) logoutWhom(t *LogoutToken) (err error) {
	if t.Subject, err = c.identifier(CheckLogoutSubject, "sub"); err != nil {
		return err
	}
	if t.SessionID, err = c.identifier(CheckLogoutSubject, "sid"); err != nil {
		return err
	}
	if t.Subject == "" && t.SessionID == "" {
		return c.refuse(&Error{Check: CheckLogoutSubject, Expected: "sub, sid or both", Reason: "the logout token does not say who signed out"})
	}
	// The sid is not told: who knows it can sign people out by front channel.
	c.passed(CheckLogoutSubject, cmp.Or(t.Subject, "sid"))
	return nil
}

// logoutID: jti (item 8; required since errata 1).
func (c *idTokenCheck) logoutID(t *LogoutToken) (err error) {
	if t.ID, err = c.identifier(CheckLogoutID, "jti"); err != nil {
		return err
	}
	if t.ID == "" {
		return c.refuse(&Error{Check: CheckLogoutID, Expected: "jti", Reason: "without jti nobody can tell whether the logout token was used before"})
	}
	c.passed(CheckLogoutID, t.ID)
	return nil
}

// identifier reads a claim of 1 to 255 printable ASCII characters; "" if it is absent.
func (c *idTokenCheck) identifier(check Check, name string) (string, error) {
	value, got := c.text(name)
	present := c.claims.Kind(name) != strictjson.KindMissing && c.claims.Kind(name) != strictjson.KindNull
	if present && value == "" || len(value) > 255 || strings.ContainsFunc(value, func(r rune) bool { return r < 0x20 || r > 0x7e }) {
		return "", c.refuse(&Error{Check: check, Expected: "1 to 255 ASCII characters", Got: printable(got), Reason: name + " is no identifier"})
	}
	return value, nil
}
