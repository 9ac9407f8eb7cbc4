package oauth

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"time"

	"github.com/wayleave/wayleave/internal/egress"
)

// Exchange is step 3: it redeems the code at the token endpoint, in exactly
// one request that is never repeated (RFC 6749 section 4.1.3), and verifies
// the ID token completely before anything in the answer is used. The context
// should not be the one of the browser's request: who redeems a code must hear
// the answer, even if the browser has gone.
func (c *Client) Exchange(ctx context.Context, code *Code) (*Tokens, error) {
	ctx = WithLogin(ctx, code.login.ID())
	if code.client != c {
		return nil, &Error{Step: StepTokens, Check: CheckEntry, Fault: FaultCaller, Reason: "the code was checked by another client"}
	}
	form := url.Values{}
	maps.Copy(form, code.extra)
	form.Set("grant_type", "authorization_code")
	form.Set("code", code.code.Reveal())
	form.Set("redirect_uri", c.cfg.RedirectURI)
	if !c.cfg.Dialect.NoPKCE {
		form.Set("code_verifier", code.login.verifier.Reveal())
	}
	srv, err := c.server(ctx)
	if err != nil {
		return nil, err
	}
	answer, err := c.requestTokens(ctx, ForTokens, srv, srv.tokenURL, form)
	if err != nil {
		return nil, err
	}
	t := answer.tokens
	t.nonce = code.login.nonce
	if c.openID() {
		if t.IDToken, err = c.verifyLogin(ctx, srv, code, answer); err != nil {
			return nil, err
		}
	}
	if err := c.checkScopes(ctx, t); err != nil {
		return nil, err
	}
	if c.tell.listening() {
		c.tell.emit(ctx, Established{Is: c.tell.about(ctx, StepTokens), What: "the code was exchanged for tokens", Params: describeTokens(t)})
	}
	return t, nil
}

// verifyLogin verifies the ID token of a login.
func (c *Client) verifyLogin(ctx context.Context, srv *serverMetadata, code *Code, a *tokenAnswer) (*IDToken, error) {
	if a.idToken.IsZero() {
		return nil, c.tell.refused(ctx, &Error{Step: StepTokens, Check: CheckIDToken, Fault: FaultProvider,
			Expected: "an ID token", Reason: "the token answer has none although openid was asked for",
			Cure: "leave openid out of the scopes if this provider does not speak OpenID Connect"})
	}
	l := code.login
	return c.verifier(srv).verify(ctx, a.idToken.Reveal(), idTokenExpectation{
		step: StepTokens, code: code.code.Reveal(), nonce: l.nonce.Reveal(), nonceWaived: c.cfg.Dialect.NoNonce,
		accessToken: a.tokens.AccessToken.Reveal(), maxAge: l.MaxAge, startedAt: l.Started, acrValues: l.ACRValues,
	})
}

// verifier puts together what ID tokens of this provider are held against.
func (c *Client) verifier(srv *serverMetadata) *idTokenVerifier {
	return &idTokenVerifier{
		issuer: c.cfg.Issuer, tenants: c.cfg.Tenants, issuerAliases: c.cfg.IssuerAliases,
		clientID: c.cfg.ClientID, trustedAudiences: c.cfg.TrustedAudiences, looseAZP: c.cfg.Dialect.LooseAuthorizedParty,
		algorithms: allowedAlgorithms(c.cfg.Algorithms, srv.algorithms), leeway: c.cfg.Leeway, maxTokenAge: StateLifetime,
		requireClaims: c.cfg.RequireClaims, keys: c.keys, tell: c.tell,
	}
}

// requestTokens makes one token request and reads the answer.
func (c *Client) requestTokens(ctx context.Context, purpose Purpose, srv *serverMetadata, endpoint string, form url.Values) (*tokenAnswer, error) {
	method, err := c.chooseAuth(ctx, srv)
	if err != nil {
		return nil, err
	}
	for name, value := range c.cfg.TokenParams {
		form.Set(name, value)
	}
	h := http.Header{"Accept": {"application/json"}}
	c.authenticate(method, h, form)
	body := []byte(form.Encode())
	h.Set("Content-Type", "application/x-www-form-urlencoded")
	if c.cfg.Dialect.JSONTokenRequest {
		if body, err = jsonBody(form); err != nil {
			return nil, err
		}
		h.Set("Content-Type", "application/json")
	}
	var shown []Param
	if c.tell.listening() {
		shown = append(maskedParams(form), Param{Name: "(client authentication)", Value: string(method)})
	}
	step := StepTokens
	if purpose == ForRefresh {
		step = StepUse
	}
	asked := time.Now()
	resp, err := c.call(ctx, step, CheckTokenHTTP, purpose, egress.Request{Purpose: "token request", Method: http.MethodPost, URL: endpoint, Header: h, Body: body, MaxBody: tokenAnswerLimit}, shown)
	if err != nil {
		return nil, err
	}
	a, err := c.readTokenAnswer(ctx, step, resp, asked, form)
	if c.tell.listening() {
		var came []Param
		if a != nil {
			came = describeTokens(a.tokens)
		}
		c.tellAnswered(ctx, step, purpose, resp, came, err)
	}
	return a, err
}

// jsonBody is the form as one flat JSON object, for providers that want that.
func jsonBody(form url.Values) ([]byte, error) {
	flat := make(map[string]string, len(form))
	for name := range form {
		flat[name] = form.Get(name)
	}
	return json.Marshal(flat)
}
