package oauth

import (
	"slices"
	"strings"
)

// Who issued the ID token, about whom, for whom: iss, sub, aud, azp (OpenID
// Connect Core section 3.1.3.7, steps 2 to 5).

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
		return c.refuse(&Error{Check: CheckIssuer, Expected: c.v.issuer, Got: printable(got), Reason: c.noun + " has no iss that is a string"})
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
		return c.refuse(&Error{Check: CheckIssuer, Expected: expected, Got: printable(got), Reason: c.noun + " is from another issuer"})
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
		return "", c.refuse(&Error{Check: CheckIssuer, Expected: "tid, a GUID", Got: printable(got),
			Reason: "the issuer is a template, and " + c.noun + " has no tid to complete it"})
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
			Reason: c.noun + " is signed with a key that is bound to another issuer"})
	}
	return nil
}

// subject: sub, at most 255 ASCII characters (section 2), none of them a
// control character.
func (c *idTokenCheck) subject() error {
	sub, got := c.text("sub")
	if sub == "" {
		return c.refuse(&Error{Check: CheckSubject, Expected: "1 to 255 ASCII characters", Got: printable(got), Reason: c.noun + " has no sub that is a string"})
	}
	if len(sub) > 255 || strings.ContainsFunc(sub, func(r rune) bool { return r < 0x20 || r > 0x7e }) {
		return c.refuse(&Error{Check: CheckSubject, Expected: "1 to 255 ASCII characters", Got: printable(got), Reason: "sub is too long, or has characters that may look like others"})
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
		return refuse(c.noun + " has no aud")
	case !slices.Contains(aud, c.v.clientID) || c.v.clientID == "":
		return refuse(c.noun + " is meant for another client")
	}
	for i, a := range aud {
		if slices.Contains(aud[:i], a) {
			return refuse("aud has the same value twice")
		}
		if a != c.v.clientID && !slices.Contains(c.v.trustedAudiences, a) {
			return refuse(c.noun + " is also meant for an audience that is not trusted")
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
		e := &Error{Check: CheckAuthorizedParty, Expected: c.v.clientID, Got: printable(got), Reason: c.noun + " was issued to another client"}
		if got == "" {
			e.Reason = c.noun + " has several audiences, and does not say which of them it was issued to"
		}
		return c.refuse(e)
	}
	c.passed(CheckAuthorizedParty, azp)
	return nil
}
