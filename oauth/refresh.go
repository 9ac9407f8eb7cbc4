package oauth

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
)

// Refresh asks for new tokens with the refresh token of old (RFC 6749 section
// 6). The result is complete: what the answer left out (refresh token, ID
// token, scope) is taken over from old, as the standards say. An ID token in
// the answer is verified and must speak of the same person (OpenID Connect
// Core section 12.2).
//
// Where refresh tokens rotate, old's is spent as soon as the request is sent.
// The caller makes sure that a grant is refreshed by one caller at a time, and
// keeps the result before using it. [EndsGrant] tells whether a failure means
// that the grant is over; any other is passing, and old is as good as it was.
func (c *Client) Refresh(ctx context.Context, old *Tokens) (*Tokens, error) {
	if old == nil || old.RefreshToken.IsZero() {
		return nil, &Error{Step: StepUse, Check: CheckRefresh, Fault: FaultCaller, Reason: "there is no refresh token",
			Cure: "ask for offline access when the user signs in"}
	}
	srv, err := c.server(ctx)
	if err != nil {
		return nil, err
	}
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {old.RefreshToken.Reveal()}}
	if c.cfg.Dialect.RefreshWithScope {
		scopes := old.Scopes
		if scopes == nil {
			scopes = c.cfg.Scopes
		}
		setIf(form, "scope", strings.Join(scopes, c.scopeSeparator()))
	}
	endpoint := orDefault(c.cfg.Dialect.RefreshURL, srv.tokenURL)
	a, err := c.requestTokens(ctx, ForRefresh, srv, endpoint, form)
	if err != nil {
		return nil, err
	}
	t := a.tokens
	if t.RefreshToken.IsZero() {
		t.RefreshToken = old.RefreshToken
		if t.RefreshExpires.IsZero() {
			t.RefreshExpires = old.RefreshExpires
		}
	}
	t.nonce, t.IDToken = old.nonce, old.IDToken
	c.refreshedScopes(ctx, old, t)
	if !a.idToken.IsZero() && old.IDToken != nil {
		fresh, err := c.verifyRefreshed(ctx, srv, old, a)
		switch {
		case err == nil:
			t.IDToken = fresh
		case aboutAnotherLogin(err):
			return nil, err
		}
		// One that cannot be verified now (a key that is not yet known, a clock
		// that is off) is left alone, as if it had not been sent: a refresh
		// needs none, and the refresh token that was spent for this answer
		// must not be lost with it.
	}
	if c.tell.listening() {
		c.tell.emit(ctx, Established{Is: c.tell.about(ctx, StepUse), What: "the access token was refreshed", Params: describeTokens(t)})
	}
	return t, nil
}

// EndsGrant reports whether a failed Refresh means that the grant must not be
// used any more: the provider says that it has ended (invalid_grant, RFC 6749
// section 5.2), or answered with an ID token that is not about the same login.
// Then somebody else's tokens may have been put in the place of the user's.
func EndsGrant(err error) bool {
	return ProviderCode(err) == "invalid_grant" || aboutAnotherLogin(err)
}

// aboutAnotherLogin reports whether an ID token was refused for what it says,
// or for being no token that the provider should ever send. A key, a signature
// or a time that does not fit is not among them: keys are replaced and clocks
// drift, and who could forge an answer could leave the ID token out.
func aboutAnotherLogin(err error) bool {
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Fault != FaultProvider && e.Fault != FaultDenied {
		return false
	}
	switch e.Check {
	case CheckKey, CheckSignature, CheckExpiry, CheckIssuedAt, CheckNotBefore:
		return false
	case CheckRefresh:
		return true
	}
	return strings.HasPrefix(string(e.Check), string(CheckIDToken))
}

func (c *Client) verifyRefreshed(ctx context.Context, srv *serverMetadata, old *Tokens, a *tokenAnswer) (*IDToken, error) {
	return c.verifier(srv).verify(ctx, a.idToken.Reveal(), idTokenExpectation{
		step: StepUse, nonce: old.nonce.Reveal(), nonceWaived: true,
		accessToken: a.tokens.AccessToken.Reveal(), maxAge: -1, refresh: old.IDToken,
	})
}

// refreshedScopes: a refresh never widens a grant (RFC 6749 section 6). Scopes
// that were not granted before are left out of what we remember. That is told,
// not refused, and so is a scope that was taken away: the tokens are good for
// what they are good for, and the old ones are spent.
func (c *Client) refreshedScopes(ctx context.Context, old, t *Tokens) {
	if t.Scopes == nil {
		t.Scopes = old.Scopes
		return
	}
	var more []string
	t.Scopes = slices.DeleteFunc(t.Scopes, func(s string) bool {
		if old.Granted(s) {
			return false
		}
		more = append(more, s)
		return true
	})
	if len(more) > 0 {
		_ = c.tell.refused(ctx, &Error{Step: StepUse, Check: CheckScope, Fault: FaultProvider,
			Reason: "the refresh answer claims more than was granted; the excess is ignored", Expected: printable(strings.Join(old.Scopes, " ")), Got: printable(strings.Join(more, " "))})
	}
	for _, s := range c.cfg.RequireScopes {
		if old.Granted(s) && !t.Granted(s) {
			_ = c.tell.refused(ctx, &Error{Step: StepUse, Check: CheckScope, Fault: FaultDenied,
				Reason: "a scope that the app needs was taken away", Expected: s, Got: printable(strings.Join(t.Scopes, " ")), Cure: "sign in again"})
		}
	}
}
