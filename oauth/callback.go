package oauth

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Callback is what came back with the browser, read but not yet believed.
type Callback struct {
	values url.Values
}

// Limits for what a callback may carry.
const (
	maxCallbackQuery = 16 << 10
	maxCode          = 8 << 10
)

// callbackParams are the parameters of the protocol. Each may come once.
var callbackParams = []string{"code", "state", "iss", "error", "error_description", "error_uri", "response", "session_state", "id_token", "access_token", "token_type", "expires_in", "scope"}

// ReadCallback begins step 2: it reads the parameters of a GET callback from
// the query, and only from there (RFC 6749 section 4.1.2). It refuses another
// method, a malformed or oversized query, a protocol parameter that comes
// twice, and a body: where two readers of one request could see different
// values, nobody sees any. Unknown parameters are ignored; empty ones count
// as absent.
func ReadCallback(r *http.Request) (*Callback, error) {
	refuse := func(reason, expected, got string) (*Callback, error) {
		return nil, &Error{Step: StepCallback, Check: CheckQuery, Fault: FaultBrowser, Reason: reason, Expected: expected, Got: got, Cure: "sign in again"}
	}
	if r.Method != http.MethodGet {
		return refuse("the callback came with another method", "GET", printable(r.Method))
	}
	if r.ContentLength != 0 {
		return refuse("the callback has a body", "parameters in the query only", "a body")
	}
	raw := r.URL.RawQuery
	if len(raw) > maxCallbackQuery {
		return refuse("the callback's query is too long", "at most 16 kB", "more")
	}
	values, err := parseQuery(raw)
	if err != nil {
		return refuse("the callback's query is malformed", "form encoding", "something else")
	}
	for _, name := range callbackParams {
		if len(values[name]) > 1 {
			return refuse("a parameter came more than once", name+" once", name+" several times")
		}
		if values.Get(name) == "" {
			delete(values, name)
		}
	}
	if len(values.Get("code")) > maxCode {
		return refuse("the code is too long", "at most 8 kB", "more")
	}
	return &Callback{values: values}, nil
}

// parseQuery is url.ParseQuery without its leniency: a pair with a semicolon
// or a broken escape is an error there too, but it returns the rest as well,
// which somebody might use.
func parseQuery(raw string) (url.Values, error) {
	if strings.Count(raw, "&") > 200 {
		return nil, errFormat
	}
	v, err := url.ParseQuery(raw)
	if err != nil {
		return nil, err
	}
	return v, nil
}

// State returns the state parameter, "" if there is none. It is to be opened
// by a Sealer before anything else is believed.
func (cb *Callback) State() string { return cb.values.Get("state") }

// IsError reports whether the provider sent an error instead of a code. It is
// not believed either before Check has passed the issuer.
func (cb *Callback) IsError() bool { return cb.values.Has("error") }

// Code is the proof that a callback passed all checks of step 2. Only
// [Client.Check] makes one, and [Client.Exchange] accepts nothing else, so the
// steps cannot be taken in another order.
type Code struct {
	client *Client
	login  *Login
	code   Secret
	extra  url.Values
}

// Login returns the login that the code belongs to.
func (c *Code) Login() *Login { return c.login }

// TellReturned tells that the browser came back for login l. Callers that read
// a callback call it once, as soon as they know the login.
func (c *Client) TellReturned(ctx context.Context, l *Login, cb *Callback) {
	if c.tell.listening() {
		ctx = WithLogin(ctx, l.ID())
		c.tell.emit(ctx, Returned{Is: c.tell.about(ctx, StepCallback), Params: maskedParams(cb.values)})
	}
}

// TellChecked tells that a check of step 2 was made by the caller, because it
// needs a cookie, a clock or a store, or because the login is not known yet:
// then l is nil. err is nil if the check passed.
func (c *Client) TellChecked(ctx context.Context, l *Login, check Check, err error) {
	if !c.tell.listening() {
		return
	}
	if l != nil {
		ctx = WithLogin(ctx, l.ID())
	}
	ev := Checked{Is: c.tell.about(ctx, StepCallback), Check: check, Err: err}
	if e, ok := errors.AsType[*Error](err); ok {
		ev.Expected, ev.Got = e.Expected, e.Got
	}
	c.tell.emit(ctx, ev)
}

// Check completes step 2 for a login that was opened from the callback's
// state. The caller has made sure that the login is young enough
// ([Login.CheckAge]), was begun by this browser ([Login.BelongsTo]) and is not
// used twice: these need a clock, a cookie and a store. Check verifies that
// the login was begun at this provider as it is configured now, that the
// answer names its issuer (RFC 9207, also on errors), and that it is a code
// and not an error; an error is returned as [*Error] with a [*ProviderError].
func (c *Client) Check(ctx context.Context, l *Login, cb *Callback) (*Code, error) {
	ctx = WithLogin(ctx, l.ID())
	if l.Provider != c.cfg.Name || l.Entry != c.entry {
		return nil, c.tell.refused(ctx, &Error{Step: StepCallback, Check: CheckEntry, Fault: FaultBrowser,
			Expected: "a login begun at " + c.cfg.Name + " as it is configured now", Got: "one begun at " + printable(l.Provider),
			Reason: "the answer arrived for another provider, or its configuration has changed", Cure: "sign in again"})
	}
	c.tell.passed(ctx, StepCallback, CheckEntry, c.cfg.Name)
	if err := c.checkResponseIssuer(ctx, cb); err != nil {
		return nil, err
	}
	if err := c.checkProviderAnswer(ctx, cb); err != nil {
		return nil, err
	}
	code := &Code{client: c, login: l, code: NewSecret(cb.values.Get("code")), extra: url.Values{}}
	for _, name := range c.cfg.Dialect.CallbackParams {
		if v := cb.values[name]; len(v) == 1 && len(v[0]) <= 1024 {
			code.extra.Set(name, v[0])
		}
	}
	return code, nil
}

// checkResponseIssuer is RFC 9207 section 2.4. An iss that nobody announced is
// compared all the same: accepted when it is right, refused when it is not.
func (c *Client) checkResponseIssuer(ctx context.Context, cb *Callback) error {
	want, required := c.cfg.Dialect.ResponseIssuer, false
	if want == "" && c.cfg.Issuer != "" && !strings.Contains(c.cfg.Issuer, tenantPlaceholder) {
		want = c.cfg.Issuer
	}
	if c.cfg.Metadata != MetadataNone {
		srv, err := c.server(ctx)
		if err != nil {
			return err
		}
		required = srv.issInResponse
	}
	got := cb.values.Get("iss")
	e := &Error{Step: StepCallback, Check: CheckResponseIssuer, Fault: FaultBrowser, Expected: printable(want), Got: printable(got), Cure: "sign in again"}
	switch {
	case got == "" && required:
		e.Reason = "the answer does not name its issuer, and this provider always does"
		return c.tell.refused(ctx, e)
	case got != "" && want != "" && got != want && !slices.Contains(c.cfg.IssuerAliases, got):
		e.Reason = "the answer comes from another issuer"
		return c.tell.refused(ctx, e)
	case got != "" && want != "":
		c.tell.passed(ctx, StepCallback, CheckResponseIssuer, printable(got))
	}
	return nil
}

func (c *Client) checkProviderAnswer(ctx context.Context, cb *Callback) error {
	hasCode, hasError := cb.values.Has("code"), cb.IsError()
	e := &Error{Step: StepCallback, Check: CheckProviderAnswer, Fault: FaultBrowser, Expected: "either a code or an error", Cure: "sign in again"}
	switch {
	case hasCode && hasError:
		e.Reason, e.Got = "the callback carries both", "code and error"
		return c.tell.refused(ctx, e)
	case !hasCode && !hasError:
		e.Reason, e.Got = "the callback carries neither", ""
		return c.tell.refused(ctx, e)
	case hasError:
		return c.tell.refused(ctx, providerRefusal(cb))
	}
	c.tell.passed(ctx, StepCallback, CheckProviderAnswer, "a code")
	return nil
}

// providerRefusal maps the error codes of RFC 6749 section 4.1.2.1 and OpenID
// Connect Core section 3.1.2.6 to whose fault they are.
func providerRefusal(cb *Callback) *Error {
	code := printable(cb.values.Get("error"))
	e := &Error{Step: StepCallback, Check: CheckProviderAnswer, Fault: FaultProvider, Reason: "the provider refused",
		Expected: "a code", Got: code,
		Err: &ProviderError{Code: code, Description: printable(cb.values.Get("error_description"))}}
	switch code {
	case "access_denied", "consent_required", "interaction_required", "login_required", "account_selection_required", "unmet_authentication_requirements":
		e.Fault, e.Cure = FaultDenied, "sign in again and allow the access"
	case "temporarily_unavailable", "server_error":
		e.Fault, e.Cure = FaultUnavailable, "try again in a moment"
	case "invalid_scope":
		e.Cure = "ask the provider which scopes this client may have"
	case "unauthorized_client", "invalid_request", "unsupported_response_type":
		e.Cure = "compare client id, redirect URI and scopes with the registration at the provider"
	}
	return e
}
