package oauth

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/wayleave/wayleave/internal/egress"
	"github.com/wayleave/wayleave/internal/strictjson"
)

const userInfoLimit = 1 << 20

// HasUserInfo reports whether the provider has a userinfo endpoint. It reads
// the metadata if that has not happened yet.
func (c *Client) HasUserInfo(ctx context.Context) (bool, error) {
	srv, err := c.server(ctx)
	if err != nil {
		return false, err
	}
	return srv.userInfoURL != "", nil
}

// UserInfo is step 4: it asks the userinfo endpoint who the access token
// belongs to (OpenID Connect Core section 5.3). With an ID token, the answer's
// sub must be the same, otherwise nothing of it is used. Without one (plain
// OAuth 2.0) the answer is the provider's own profile, and the caller maps it.
// header is sent besides and may be nil.
func (c *Client) UserInfo(ctx context.Context, t *Tokens, header http.Header) (Claims, error) {
	srv, err := c.server(ctx)
	if err != nil {
		return Claims{}, err
	}
	if srv.userInfoURL == "" {
		return Claims{}, &Error{Step: StepUse, Check: CheckUserInfo, Fault: FaultCaller, Reason: "the provider has no userinfo endpoint"}
	}
	body, err := c.fetch(ctx, t, ForUserInfo, CheckUserInfo, Call{URL: srv.userInfoURL, Header: header})
	if err != nil {
		return Claims{}, err
	}
	doc, err := strictjson.Parse(body, userInfoLimit)
	if err != nil {
		return Claims{}, c.tell.refused(ctx, &Error{Step: StepUse, Check: CheckUserInfo, Fault: FaultProvider, Reason: "the userinfo answer is malformed", Err: err})
	}
	if t.IDToken != nil {
		sub, _, err := doc.String("sub")
		if err != nil || sub != t.IDToken.Subject {
			return Claims{}, c.tell.refused(ctx, &Error{Step: StepUse, Check: CheckUserInfoSubject, Fault: FaultProvider,
				Expected: printable(t.IDToken.Subject), Got: printable(sub), Reason: "userinfo speaks of another person than the ID token"})
		}
		c.tell.passed(ctx, StepUse, CheckUserInfoSubject, printable(sub))
	}
	claims := newClaims(doc)
	if c.tell.listening() {
		c.tell.emit(ctx, Established{Is: c.tell.about(ctx, StepUse), What: "the provider told who the user is", Params: describeClaims(claims)})
	}
	return claims, nil
}

// Call is a request to an API of the provider that tells about the user.
type Call struct {
	URL    string // from configuration, never from an answer
	Method string // "" means GET
	Header http.Header
}

// Fetch calls a profile API of the provider with the access token and returns
// the JSON document, an object or an array. It is for providers without
// userinfo, whose APIs say who the user is; the caller maps the answer.
func (c *Client) Fetch(ctx context.Context, t *Tokens, call Call) (json.RawMessage, error) {
	body, err := c.fetch(ctx, t, ForProfile, CheckProfile, call)
	if err != nil {
		return nil, err
	}
	if _, err = strictjson.Parse(body, userInfoLimit); err != nil {
		if _, err = strictjson.ParseArray(body, userInfoLimit); err != nil {
			return nil, c.tell.refused(ctx, &Error{Step: StepUse, Check: CheckProfile, Fault: FaultProvider, Reason: "the profile answer is malformed", Err: err})
		}
	}
	return body, nil
}

// fetch makes the request and checks that JSON came back.
func (c *Client) fetch(ctx context.Context, t *Tokens, purpose Purpose, check Check, call Call) ([]byte, error) {
	h := call.Header.Clone()
	if h == nil {
		h = http.Header{}
	}
	h.Set("Authorization", t.Type+" "+t.AccessToken.Reveal())
	if h.Get("Accept") == "" {
		h.Set("Accept", "application/json")
	}
	shown := []Param{{Name: "Authorization", Value: t.Type + " " + t.AccessToken.String(), Secret: true}}
	resp, err := c.call(ctx, StepUse, check, purpose, egress.Request{Purpose: string(purpose), Method: orDefault(call.Method, http.MethodGet), URL: call.URL, Header: h, MaxBody: userInfoLimit}, shown)
	if err != nil {
		return nil, err
	}
	e := &Error{Step: StepUse, Check: check, Fault: FaultProvider, Expected: "status 200 with application/json",
		Got: statusText(resp.Status) + " with " + orDefault(printable(resp.MediaType), "no content type")}
	e.Status = resp.Status
	switch {
	case askedToWait(resp.Status) || resp.Status == http.StatusForbidden && resp.Header.Get("Retry-After") != "":
		e.Fault, e.RetryAfter, e.Reason = FaultUnavailable, retryAfter(resp.Header), "the provider asks to come back later"
	case resp.Status == http.StatusUnauthorized:
		e.Reason = "the provider does not accept its own access token"
	case resp.Status != http.StatusOK:
		e.Reason = "the provider refused to tell who the user is"
	case !egress.IsJSON(resp.MediaType):
		e.Reason = "the provider did not answer with JSON"
	default:
		c.tellAnswered(ctx, StepUse, purpose, resp, nil, nil)
		return resp.Body, nil
	}
	err = c.tell.refused(ctx, e)
	c.tellAnswered(ctx, StepUse, purpose, resp, nil, err)
	return nil, err
}

// describeClaims lists the claims that people recognise themselves by.
func describeClaims(claims Claims) []Param {
	var out []Param
	for _, name := range []string{"sub", "id", "login", "email", "email_verified", "name", "hd"} {
		if v := claims.Text(name); v != "" {
			out = append(out, Param{Name: name, Value: printable(v)})
		}
	}
	return out
}
