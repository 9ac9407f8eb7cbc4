package oauth

import (
	"slices"
	"time"
)

// Tokens are what a provider granted. Treat them as read-only; a refresh makes
// new ones.
type Tokens struct {
	// AccessToken is opaque: nothing is decided by looking into it (RFC 9068 section 6).
	AccessToken Secret
	// Type is "Bearer"; other types are refused.
	Type string
	// RefreshToken is zero if none was granted.
	RefreshToken Secret
	// RefreshExpires is when the refresh token ends, if the provider says so; else zero.
	RefreshExpires time.Time
	// Expires is when the access token ends by this machine's clock. Zero
	// means that the provider did not say: use it until it is refused. It
	// never means that the token lives for ever.
	Expires time.Time
	// Scopes are the granted ones, under the names they were asked for where
	// the provider has others. Where the provider does not say, they are as
	// asked for (RFC 6749 section 5.1); empty means that nothing was granted.
	Scopes []string
	// IDToken is nil where no openid scope was asked for. It is the one of
	// the login; a refresh does not need to bring another.
	IDToken *IDToken
	// Extra holds the members of the token answer that are not listed above.
	Extra Claims

	nonce Secret // of the login: a refreshed ID token may repeat it
}

// Valid reports whether there is an access token that is not known to end
// within margin from now.
func (t *Tokens) Valid(now time.Time, margin time.Duration) bool {
	return t != nil && !t.AccessToken.IsZero() && (t.Expires.IsZero() || t.Expires.After(now.Add(margin)))
}

// Granted reports whether a scope was granted.
func (t *Tokens) Granted(scope string) bool {
	return slices.Contains(t.Scopes, scope)
}
