package oauth

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/wayleave/wayleave/internal/egress"
)

// Client runs the flow for one registration at one provider. It is immutable
// but for its caches, and safe for concurrent use.
type Client struct {
	cfg   Config
	entry [16]byte
	http  *egress.Client
	tell  teller
	meta  *metadataSource
	keys  *keySet

	// keepsAccess: the provider said that it does not revoke access tokens.
	keepsAccess atomic.Bool
}

// New checks cfg and makes a Client. It does no I/O: a provider that is down
// does not keep an app from starting. The error joins one [*ConfigError] for
// each mistake.
func New(cfg Config) (*Client, error) {
	cfg = cfg.clone()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	c := &Client{
		cfg:   cfg,
		entry: entryDigest(cfg),
		http:  egress.New(cfg.policy()),
		tell:  teller{provider: cfg.Name, tell: cfg.OnEvent},
	}
	c.meta = newMetadataSource(c)
	c.keys = newKeySet(c.fetchKeys, c.tell)
	return c, nil
}

// Name returns Config.Name.
func (c *Client) Name() string { return c.cfg.Name }

// ClientID returns Config.ClientID.
func (c *Client) ClientID() string { return c.cfg.ClientID }

// RedirectURI returns Config.RedirectURI.
func (c *Client) RedirectURI() string { return c.cfg.RedirectURI }

// MaxState returns the longest state that the provider carries, in bytes.
func (c *Client) MaxState() int {
	if m := c.cfg.Dialect.MaxState; m > 0 {
		return min(m, MaxState)
	}
	return MaxState
}

// Entry returns a digest of what identifies this configuration: name, issuer,
// client id, configured endpoints and redirect URI. A login begun under
// another entry is not completed (RFC 9700 section 4.4.2).
func (c *Client) Entry() [16]byte { return c.entry }

// Pending returns a Pending for this client with everything filled in that
// does not depend on the browser.
func (c *Client) Pending() Pending {
	return Pending{Provider: c.cfg.Name, Entry: c.entry, Started: time.Now(), MaxAge: -1}
}

// CloseIdle closes connections that are kept open for reuse.
func (c *Client) CloseIdle() { c.http.CloseIdle() }

// IsIssuerAlias reports whether issuer is one of Config.IssuerAliases: another
// name for Config.Issuer.
func (c *Client) IsIssuerAlias(issuer string) bool {
	return slices.Contains(c.cfg.IssuerAliases, issuer)
}

// openID reports whether an ID token is expected.
func (c *Client) openID() bool { return slices.Contains(c.cfg.Scopes, "openid") }

func (c *Client) clientIDParam() string {
	if p := c.cfg.Dialect.ClientIDParam; p != "" {
		return p
	}
	return "client_id"
}

func (c *Client) scopeSeparator() string {
	if s := c.cfg.Dialect.ScopeSeparator; s != "" {
		return s
	}
	return " "
}

func entryDigest(c Config) [16]byte {
	h := sha256.New()
	for _, s := range []string{"wayleave provider entry", c.Name, c.Issuer, c.ClientID, c.AuthorizationURL, c.TokenURL, c.UserInfoURL, c.JWKSURL, c.RedirectURI} {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(s)))
		h.Write(n[:])
		h.Write([]byte(s))
	}
	return [16]byte(h.Sum(nil)[:16])
}

// call makes one request to the provider and tells about it. It returns an
// *Error if there was no answer; what the answer means is the caller's matter.
func (c *Client) call(ctx context.Context, step Step, check Check, purpose Purpose, req egress.Request, params []Param) (*egress.Response, error) {
	if c.tell.listening() {
		c.tell.emit(ctx, Requested{Is: c.tell.about(ctx, step), Purpose: purpose, Method: req.Method, URL: withoutQuery(req.URL), Params: params})
	}
	resp, err := c.http.Do(ctx, req)
	if err != nil {
		err = unanswered(step, check, err)
		c.tellAnswered(ctx, step, purpose, nil, nil, err)
		return nil, err
	}
	return resp, nil
}

func (c *Client) tellAnswered(ctx context.Context, step Step, purpose Purpose, resp *egress.Response, params []Param, err error) {
	if !c.tell.listening() {
		return
	}
	ev := Answered{Is: c.tell.about(ctx, step), Purpose: purpose, Params: params, Err: err}
	if resp != nil {
		ev.Status, ev.Took = resp.Status, resp.Took
		ev.Date, _ = http.ParseTime(resp.Header.Get("Date"))
	}
	c.tell.emit(ctx, ev)
}
