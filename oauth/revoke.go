package oauth

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/wayleave/wayleave/internal/egress"
	"github.com/wayleave/wayleave/internal/strictjson"
)

const revocationAnswerLimit = 1 << 20

// ErrNoRevocation means that the provider has no revocation endpoint. Tokens
// end there only by their age, or by the user's hand.
var ErrNoRevocation = errors.New("the provider has no revocation endpoint")

// CanRevoke reports whether the provider has a revocation endpoint. It reads
// the metadata if that has not happened yet.
func (c *Client) CanRevoke(ctx context.Context) (bool, error) {
	srv, err := c.server(ctx)
	if err != nil {
		return false, err
	}
	return srv.revocationURL != "", nil
}

// Revoke gives the tokens back (RFC 7009): first the refresh token, with which
// most providers end the whole grant, then the access token. Nil means that
// both are of no use any more. To revoke what is revoked already is no error,
// so that the call can be repeated as a whole.
//
// With FaultUnavailable the tokens must be assumed to be good still: try again,
// not before RetryAfter. Any other error will be the same the next time:
// [ErrNoRevocation] if the provider has no endpoint for it, a [*ProviderError]
// with unsupported_token_type if it revokes no refresh tokens. That it revokes
// no access tokens is no error.
//
// At some providers the end of one token is the end of all that the user ever
// granted to the app; who calls this at a logout must know (provider.Preset has
// RevocationEndsGrant for that).
func (c *Client) Revoke(ctx context.Context, t *Tokens) error {
	if t == nil {
		return &Error{Step: StepUse, Check: CheckRevocation, Fault: FaultCaller, Reason: "there are no tokens"}
	}
	srv, err := c.server(ctx)
	if err != nil {
		return err
	}
	if srv.revocationURL == "" {
		return &Error{Step: StepUse, Check: CheckRevocation, Fault: FaultCaller, Reason: "tokens cannot be given back", Err: ErrNoRevocation}
	}
	var kept error
	if !t.RefreshToken.IsZero() {
		err := c.revoke(ctx, srv, t.RefreshToken, "refresh_token")
		if err != nil && !unsupportedToken(err) {
			return err
		}
		kept = err
	}
	if !t.AccessToken.IsZero() && !c.keepsAccess.Load() {
		err := c.revoke(ctx, srv, t.AccessToken, "access_token")
		switch {
		case unsupportedToken(err):
			c.keepsAccess.Store(true)
		case err != nil:
			return err
		}
	}
	if kept == nil && c.tell.listening() {
		c.tell.emit(ctx, Established{Is: c.tell.about(ctx, StepUse), What: "the tokens were given back"})
	}
	return kept
}

func unsupportedToken(err error) bool { return ProviderCode(err) == "unsupported_token_type" }

// revoke makes one request (section 2.1).
func (c *Client) revoke(ctx context.Context, srv *serverMetadata, token Secret, hint string) error {
	method, err := c.chooseRevocationAuth(ctx, srv)
	if err != nil {
		return err
	}
	form := url.Values{"token": {token.Reveal()}, "token_type_hint": {hint}}
	h := http.Header{"Accept": {"application/json"}, "Content-Type": {"application/x-www-form-urlencoded"}}
	c.authenticate(method, h, form)
	var shown []Param
	if c.tell.listening() {
		shown = append(maskedParams(form), Param{Name: "(client authentication)", Value: string(method)})
	}
	resp, err := c.call(ctx, StepUse, CheckRevocation, ForRevocation, egress.Request{Purpose: "revocation request", Method: http.MethodPost,
		URL: srv.revocationURL, Header: h, Body: []byte(form.Encode()), MaxBody: revocationAnswerLimit}, shown)
	if err != nil {
		return err
	}
	err = c.readRevocationAnswer(ctx, resp, form)
	c.tellAnswered(ctx, StepUse, ForRevocation, resp, nil, err)
	return err
}

// readRevocationAnswer: the status says it all, whatever the body (section
// 2.2), unless it is an error (section 2.2.1).
func (c *Client) readRevocationAnswer(ctx context.Context, resp *egress.Response, sent url.Values) error {
	if resp.Status/100 == 2 {
		c.tell.passed(ctx, StepUse, CheckRevocation, sent.Get("token_type_hint"))
		return nil
	}
	e := &Error{Step: StepUse, Check: CheckRevocation, Fault: FaultProvider, Status: resp.Status,
		Expected: "status 200", Got: statusText(resp.Status), Reason: "the provider did not take the token back"}
	if doc, err := strictjson.Parse(resp.Body, revocationAnswerLimit); err == nil && egress.IsJSON(resp.MediaType) {
		if code := textAt(doc, "error"); code != "" {
			pe := &ProviderError{Code: printable(c.withoutSecrets(code, sent)),
				Description: printable(c.withoutSecrets(textAt(doc, "error_description"), sent)), Status: resp.Status}
			e.Got, e.Err = statusText(resp.Status)+" with "+pe.Code, pe
			// Not in the standard, but Google's word for a token that it has
			// forgotten, where others say 200.
			if pe.Code == "invalid_token" && resp.Status == http.StatusBadRequest {
				c.tell.passed(ctx, StepUse, CheckRevocation, "a token that has ended")
				return nil
			}
		}
	}
	switch {
	case askedToWait(resp.Status):
		e.Fault, e.RetryAfter, e.Reason = FaultUnavailable, retryAfter(resp.Header), "the provider asks to come back later"
	case ProviderCode(e) == "invalid_client" || ProviderCode(e) == "unauthorized_client":
		e.Cure = "compare client id, client secret and the way of client authentication with the registration at the provider"
	}
	return c.tell.refused(ctx, e)
}
