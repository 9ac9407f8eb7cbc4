package oauth

import (
	"context"
	"net/url"
	"strings"
)

// maxEndSessionURL is how long the URL may become with a hint in it. Browsers
// take more; proxies and servers in between answer 414 from 8 kB on, and some
// before.
const maxEndSessionURL = 4000

// EndSession is what the provider is told when the browser is sent there to
// sign out too. All fields are optional.
type EndSession struct {
	// IDTokenHint is the ID token of the login, as it came ([IDToken.Raw]). It
	// says who signs out, so that the provider need not ask.
	IDTokenHint Secret
	// PostLogoutRedirectURI is where the provider sends the browser back to,
	// exactly as registered there.
	PostLogoutRedirectURI string
	// State comes back with the browser. It is sent only with a
	// PostLogoutRedirectURI. The caller ties it to the browser.
	State string
}

// EndSessionURL returns the URL at the provider to send the browser to after
// the app's own session has ended (OpenID Connect RP-Initiated Logout section
// 2). ok is false if the provider has no such place; then a logout is complete
// without it. The endpoint's own query is kept. A hint with which the URL
// would be longer than 4,000 bytes is left out: the client id is there, and a
// provider that wants to know more asks.
//
// The metadata is read if it has not been yet; that is the only I/O. The URL
// holds the ID token: send the browser there with 303, no-store and
// Referrer-Policy: no-referrer, and do not log it.
func (c *Client) EndSessionURL(ctx context.Context, e EndSession) (address string, ok bool, err error) {
	srv, err := c.server(ctx)
	if err != nil || srv.endSessionURL == "" {
		return "", false, err
	}
	// Metadata and configuration were checked when they were read.
	policy := c.cfg.policy()
	endpoint, err := policy.CheckURL(srv.endSessionURL)
	if err != nil {
		return "", false, c.tell.refused(ctx, &Error{Step: StepUse, Check: CheckEndpoint, Fault: FaultProvider, Reason: "the end-session endpoint cannot be used", Err: err, Cure: httpsCure})
	}
	if back, err := url.Parse(e.PostLogoutRedirectURI); err != nil || e.PostLogoutRedirectURI != "" && (!back.IsAbs() || back.Host == "" || strings.Contains(e.PostLogoutRedirectURI, "#")) {
		return "", false, &Error{Step: StepUse, Check: CheckEndSession, Fault: FaultCaller, Reason: "the post-logout redirect URI must be absolute and without fragment"}
	}
	own := endpoint.RawQuery
	params := c.endSessionParams(e)
	endpoint.RawQuery = mergeQuery(own, params)
	if len(endpoint.String()) > maxEndSessionURL && params.Has("id_token_hint") {
		params.Del("id_token_hint")
		endpoint.RawQuery = mergeQuery(own, params)
	}
	return endpoint.String(), true, nil
}

func (c *Client) endSessionParams(e EndSession) url.Values {
	v := url.Values{c.clientIDParam(): {c.cfg.ClientID}}
	if other := c.cfg.Dialect.EndSessionReturnParam; other != "" {
		setIf(v, other, e.PostLogoutRedirectURI)
		return v
	}
	setIf(v, "id_token_hint", e.IDTokenHint.Reveal())
	if e.PostLogoutRedirectURI != "" {
		v.Set("post_logout_redirect_uri", e.PostLogoutRedirectURI)
		setIf(v, "state", e.State)
	}
	return v
}

// LogoutChannels are the ways by which the provider says, in its metadata, that
// it tells apps of a logout. A provider may use one without saying so.
type LogoutChannels struct {
	BackChannel  bool // OpenID Connect Back-Channel Logout: see VerifyLogoutToken
	FrontChannel bool // OpenID Connect Front-Channel Logout
}

// LogoutChannels reads the metadata if that has not happened yet.
func (c *Client) LogoutChannels(ctx context.Context) (LogoutChannels, error) {
	srv, err := c.server(ctx)
	if err != nil {
		return LogoutChannels{}, err
	}
	return LogoutChannels{BackChannel: srv.backChannel, FrontChannel: srv.frontChannel}, nil
}
