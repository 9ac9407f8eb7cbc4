package oauth

import (
	"cmp"
	"fmt"
	"time"

	"github.com/wayleave/wayleave/internal/strictjson"
)

// When the ID token is good: exp, iat, nbf (steps 9 and 10).

// date reads a NumericDate; ok is false if it is absent.
func (c *idTokenCheck) date(check Check, name string) (t time.Time, ok bool, err error) {
	text, ok, err := c.claims.Number(name)
	if ok {
		t, err = strictjson.NumericDate(text)
	}
	if err != nil {
		return t, false, c.refuse(&Error{Check: check, Reason: c.noun + "'s " + name + " is not a number of seconds since 1970", Err: err})
	}
	return t, ok, nil
}

// instant is date for a claim that must be there.
func (c *idTokenCheck) instant(check Check, name string) (time.Time, error) {
	t, ok, err := c.date(check, name)
	if err == nil && !ok {
		err = c.refuse(&Error{Check: check, Expected: "seconds since 1970", Reason: c.noun + " has no " + name})
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
		return c.refuseTime(CheckExpiry, c.noun+" has expired", "after", limit, exp, made)
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
		return c.refuseTime(CheckIssuedAt, c.noun+" was issued in the future", "at or before", latest, iat, iat)
	case iat.Before(earliest):
		return c.refuseTime(CheckIssuedAt, c.noun+" was issued too long ago", "at or after", earliest, iat, iat)
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
		return c.refuseTime(CheckNotBefore, c.noun+" is not valid yet", "at or before", limit, nbf, nbf)
	}
	c.token.NotBefore = nbf
	c.passedAt(CheckNotBefore, nbf)
	return nil
}
