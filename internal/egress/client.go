// Package egress is the one way out: every outgoing HTTP call of this program
// goes through a [Client]. Make one per provider, so that no connection,
// certificate or permission is shared between two:
//
//	client := egress.New(egress.Policy{})
//	response, err := client.Do(ctx, egress.Request{Purpose: "discovery", URL: u})
//
// A call goes to exactly the URL given. It follows no redirect, keeps no
// cookie, obeys no proxy from the environment, reaches no address that is
// neither public nor listed, and ends in bounded time and memory. What the
// answer means (its status, its media type, its content) is the caller's to
// check.
package egress

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

const (
	defaultMaxBody = 1 << 20
	maxHeader      = 64 << 10
)

// Client makes calls under one [Policy], over connections of its own. It is
// safe for concurrent use.
type Client struct {
	policy    Policy
	network   network
	transport *http.Transport
}

// New makes a client. The policy is copied.
func New(p Policy) *Client {
	c := &Client{policy: p.withDefaults(), network: system}
	c.transport = &http.Transport{
		// Proxy stays nil: HTTP_PROXY can be set by strangers in CGI-like
		// environments, and a proxy would dial where we cannot check.
		DialContext:           c.dialPlain,
		DialTLSContext:        c.dialTLS,
		ForceAttemptHTTP2:     true,
		ResponseHeaderTimeout: headerTimeout,
		// Shorter than any server of note waits (Node: 5 seconds), since a
		// code or refresh token sent on a connection that the server has just
		// dropped is not sent again.
		IdleConnTimeout:        4 * time.Second,
		MaxConnsPerHost:        64,
		MaxIdleConnsPerHost:    16,
		MaxResponseHeaderBytes: maxHeader,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 5 * time.Second},
	}
	return c
}

// CloseIdle closes the connections that no call uses.
func (c *Client) CloseIdle() { c.transport.CloseIdleConnections() }

// Do makes one call. Errors are a *URLError, context.Canceled, or one of this
// package's kinds, wrapped with purpose and host; none of them carries a query,
// a header or a body. With an error there is never a response.
func (c *Client) Do(ctx context.Context, req Request) (*Response, error) {
	purpose := cmp.Or(req.Purpose, req.Method, http.MethodGet)
	target, err := c.policy.CheckURL(req.URL)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", purpose, err)
	}
	response, err := c.call(ctx, req, target)
	if err != nil {
		return nil, fmt.Errorf("%s to %s: %w", purpose, target.Host, err)
	}
	return response, nil
}

func (c *Client) call(caller context.Context, req Request, target *url.URL) (*Response, error) {
	start := time.Now()
	ctx, cancel := context.WithTimeout(caller, c.policy.Timeout)
	defer cancel()
	out, err := c.request(ctx, req, target)
	if err != nil {
		return nil, err
	}
	// The transport itself, not an http.Client: redirects, cookies and
	// Referer are the latter's work.
	in, err := c.transport.RoundTrip(out)
	if err != nil {
		return nil, exchangeError(caller, err)
	}
	defer in.Body.Close()
	if in.StatusCode/100 == 3 && in.StatusCode != http.StatusNotModified {
		return nil, &RedirectError{Status: in.StatusCode}
	}
	body, err := readBody(in, cmp.Or(max(req.MaxBody, 0), defaultMaxBody))
	if err != nil {
		if _, ok := errors.AsType[*TooLargeError](err); ok {
			return nil, err
		}
		return nil, exchangeError(caller, err)
	}
	return &Response{
		Status:    in.StatusCode,
		Header:    in.Header,
		Body:      body,
		MediaType: mediaType(in.Header),
		Took:      time.Since(start),
	}, nil
}
