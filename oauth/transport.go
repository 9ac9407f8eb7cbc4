package oauth

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// TokenSource hands out tokens that can be used now. It is safe for concurrent
// use and makes sure itself that a grant is refreshed once.
type TokenSource interface {
	// Token returns tokens with some life left.
	Token(ctx context.Context) (*Tokens, error)
}

// Renewer is a TokenSource that can be told that an API refused its token.
type Renewer interface {
	TokenSource
	// Renew returns other tokens than refused, or an error if there are none;
	// ErrJustRenewed where asking for others again would be of no use.
	Renew(ctx context.Context, refused *Tokens) (*Tokens, error)
}

// ErrJustRenewed is what a [Renewer] returns for a token that is only seconds
// old: an API that refuses it would refuse the next one too.
var ErrJustRenewed = errors.New("the access token was renewed just now")

// Transport is an http.RoundTripper that adds the access token of Source to
// each request, in the Authorization header only (RFC 6750 section 2.1). It
// sends the token over https, or to this machine, and not along when a server
// redirects the request to another origin. When an API answers 401
// invalid_token and Source is a [Renewer], the request is made once more with
// a new token, if it has no body or one that can be read again; if there is no
// new token, the error says why. A 401 for a token that was renewed just now is
// returned as it is.
//
// Give it to an http.Client and call APIs. Which API may see the token is the
// caller's choice: a bearer token is worth the same to whoever gets it.
type Transport struct {
	Source TokenSource
	// Base makes the requests. Nil means http.DefaultTransport.
	Base http.RoundTripper
	// OnEvent hears about each call. Nil: nobody listens.
	OnEvent func(context.Context, Event)
	// Provider is the name under which events are told.
	Provider string
}

// RoundTrip implements http.RoundTripper. It does not change req.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := t.mayCarryToken(req); err != nil {
		if req.Body != nil {
			req.Body.Close()
		}
		return nil, err
	}
	if redirectedElsewhere(req) {
		return t.base().RoundTrip(req)
	}
	tokens, err := t.Source.Token(req.Context())
	if err != nil {
		if req.Body != nil {
			req.Body.Close()
		}
		return nil, err
	}
	resp, err := t.send(req, tokens)
	if err != nil || resp.StatusCode != http.StatusUnauthorized {
		return resp, err
	}
	return t.again(req, resp, tokens)
}

// again repeats a request that was refused for its token, once.
func (t *Transport) again(req *http.Request, refused *http.Response, tokens *Tokens) (*http.Response, error) {
	renewer, ok := t.Source.(Renewer)
	replayable := req.Body == nil || req.Body == http.NoBody || req.GetBody != nil
	if !ok || !replayable || !saysInvalidToken(refused.Header) {
		return refused, nil
	}
	renewed, err := renewer.Renew(req.Context(), tokens)
	if errors.Is(err, ErrJustRenewed) {
		return refused, nil
	}
	refused.Body.Close()
	if err != nil {
		return nil, err // why there is no other token says more than the API's 401
	}
	second := req.Clone(req.Context())
	if req.GetBody != nil {
		if second.Body, err = req.GetBody(); err != nil {
			return nil, err
		}
	}
	return t.send(second, renewed)
}

func (t *Transport) send(req *http.Request, tokens *Tokens) (*http.Response, error) {
	out := req.Clone(req.Context())
	out.Header.Set("Authorization", tokens.Type+" "+tokens.AccessToken.Reveal())
	tell := teller{provider: t.Provider, tell: t.OnEvent}
	ctx := req.Context()
	where := withoutQuery(req.URL.Redacted())
	tell.emitIf(ctx, func() Event {
		return Requested{Is: tell.about(ctx, StepUse), Purpose: ForAPI, Method: orDefault(req.Method, http.MethodGet), URL: where,
			Params: []Param{{Name: "Authorization", Value: tokens.Type + " " + tokens.AccessToken.String(), Secret: true}}}
	})
	started := time.Now()
	resp, err := t.base().RoundTrip(out)
	if err != nil && strings.Contains(err.Error(), tokens.AccessToken.Reveal()) {
		// A server can make net/http repeat what it sent, and it may send
		// what it got.
		err = errors.New(strings.ReplaceAll(err.Error(), tokens.AccessToken.Reveal(), tokens.AccessToken.String()))
	}
	tell.emitIf(ctx, func() Event {
		ev := Answered{Is: tell.about(ctx, StepUse), Purpose: ForAPI, Took: time.Since(started), Err: err}
		if resp != nil {
			ev.Status = resp.StatusCode
		}
		return ev
	})
	return resp, err
}

// mayCarryToken refuses to send a token in clear over a network.
func (t *Transport) mayCarryToken(req *http.Request) error {
	if req.URL.Scheme == "https" || req.URL.Scheme == "http" && isLoopbackHost(req.URL.Hostname()) {
		return nil
	}
	return &Error{Step: StepUse, Check: CheckAPI, Fault: FaultCaller, Reason: "the token is not sent in clear",
		Expected: "an https URL", Got: printable(req.URL.Scheme + "://" + req.URL.Host), Cure: "call the API over https"}
}

// redirectedElsewhere reports whether an http.Client follows a redirect to
// another origin with this request. The token stays behind then: a server must
// not be able to send it on.
func redirectedElsewhere(req *http.Request) bool {
	for r := req; r.Response != nil && r.Response.Request != nil; r = r.Response.Request {
		if !sameOrigin(r.URL, r.Response.Request.URL) {
			return true
		}
	}
	return false
}

func sameOrigin(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && strings.EqualFold(a.Host, b.Host)
}

// saysInvalidToken looks for a Bearer challenge with error="invalid_token"
// (RFC 6750 section 3.1). A challenge without an error counts too: many APIs
// send nothing more.
func saysInvalidToken(h http.Header) bool {
	for _, v := range h.Values("WWW-Authenticate") {
		if len(v) > 4096 {
			continue
		}
		lower := strings.ToLower(v)
		if strings.Contains(lower, "bearer") {
			return strings.Contains(lower, "invalid_token") || !strings.Contains(lower, "error=")
		}
	}
	return false
}

func (t *Transport) base() http.RoundTripper {
	if t.Base != nil {
		return t.Base
	}
	return http.DefaultTransport
}
