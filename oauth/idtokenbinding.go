package oauth

import (
	"crypto/subtle"
	"encoding/base64"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/wayleave/wayleave/internal/jws"
	"github.com/wayleave/wayleave/internal/strictjson"
)

// What ties the ID token to this login: nonce, at_hash, c_hash, acr, auth_time,
// required claims, and the first token of the grant (steps 11 to 13, sections 3.1.3.8 and 12.2).

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
