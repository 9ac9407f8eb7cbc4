package oauth

import (
	"errors"
	"io"
	"mime"
	"net/http"
)

// MaxLogoutRequest is how long the body of a back-channel logout request may
// be, in bytes.
const MaxLogoutRequest = 64 << 10

// ReadLogoutRequest reads the logout token of a back-channel logout request
// (OpenID Connect Back-Channel Logout section 2.5): a POST with a form in its
// body, in which logout_token comes exactly once, and not in the query as
// well. Other parameters, cookies and Authorization have no meaning and are
// not looked at. The token is for [Client.VerifyLogoutToken]; nothing of it is
// believed yet.
//
// The error is an *Error with CheckLogoutRequest. If the body was longer than
// MaxLogoutRequest, its cause is an *http.MaxBytesError, to be answered with
// 413; if the method was another one, its Status is 405; all others are 400.
func ReadLogoutRequest(r *http.Request) (string, error) {
	refuse := func(reason, expected, got string) (string, error) {
		return "", &Error{Step: StepUse, Check: CheckLogoutRequest, Fault: FaultBrowser, Reason: reason, Expected: expected, Got: got}
	}
	if r.Method != http.MethodPost {
		return "", &Error{Step: StepUse, Check: CheckLogoutRequest, Fault: FaultBrowser, Status: http.StatusMethodNotAllowed,
			Reason: "the logout request came with another method", Expected: "POST", Got: printable(r.Method)}
	}
	// The registered URI may have a query of its own.
	if query, err := parseQuery(r.URL.RawQuery); err != nil || query.Has("logout_token") {
		return refuse("the logout token came in the query, or the query is malformed", "logout_token in the body", "something else")
	}
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/x-www-form-urlencoded" || len(r.Header.Values("Content-Type")) > 1 {
		return refuse("the logout request is no form", "application/x-www-form-urlencoded", printable(r.Header.Get("Content-Type")))
	}
	body, err := readAtMost(r, MaxLogoutRequest)
	if err != nil {
		e := &Error{Step: StepUse, Check: CheckLogoutRequest, Fault: FaultBrowser, Reason: "the logout request could not be read", Err: err}
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			e.Status, e.Reason, e.Expected, e.Got = http.StatusRequestEntityTooLarge, "the logout request is too large", "at most 64 kB", "more"
		}
		return "", e
	}
	form, err := parseQuery(string(body))
	if err != nil {
		return refuse("the logout request's form is malformed", "form encoding", "something else")
	}
	switch tokens := form["logout_token"]; {
	case len(tokens) > 1:
		return refuse("the logout token came more than once", "logout_token once", "several times")
	case len(tokens) == 0 || tokens[0] == "":
		return refuse("the logout request has no logout token", "logout_token once", "")
	default:
		return tokens[0], nil
	}
}

func readAtMost(r *http.Request, limit int64) ([]byte, error) {
	if r.Body == nil {
		return nil, nil
	}
	if r.ContentLength > limit {
		return nil, &http.MaxBytesError{Limit: limit}
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
	if int64(len(body)) > limit {
		return nil, &http.MaxBytesError{Limit: limit}
	}
	return body, err
}
