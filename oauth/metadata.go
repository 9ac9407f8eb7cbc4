package oauth

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/wayleave/wayleave/internal/egress"
	"github.com/wayleave/wayleave/internal/strictjson"
)

// How long a metadata document is used.
const (
	metadataFresh  = time.Hour        // then it is read again in the background
	metadataUsable = 24 * time.Hour   // the last good copy, while reading fails
	metadataPause  = 15 * time.Second // between attempts that fail
	metadataLimit  = 1 << 20
)

// serverMetadata is what the flow needs to know of a provider: from its
// document, with what the configuration sets on top. It is immutable.
type serverMetadata struct {
	authorizationURL, tokenURL, userInfoURL, jwksURL string
	revocationURL, endSessionURL                     string // may be empty

	authMethods      []string // nil: not said
	revocationAuth   []string // auth methods of the revocation endpoint; nil: not said
	algorithms       []string // nil: not said
	challengeMethods []string // nil: not said
	issInResponse    bool     // RFC 9207
	backChannel      bool     // OpenID Connect Back-Channel Logout section 2.1
	frontChannel     bool     // OpenID Connect Front-Channel Logout section 3
}

// metadataSource holds the metadata of one provider: read when first needed,
// again when it is an hour old, and the last good copy kept while that fails.
type metadataSource struct {
	// read reads the document anew; weaker refuses one that is weaker than
	// the one in use.
	read   func(context.Context) (*serverMetadata, error)
	weaker func(ctx context.Context, old, now *serverMetadata) error

	mu      sync.Mutex
	current *serverMetadata
	since   time.Time      // when current was read
	tried   time.Time      // when the last attempt ended
	err     error          // of the last attempt
	flight  *metadataFetch // the attempt that is under way, if any
}

// metadataFetch is one attempt, shared by all who wait for it.
type metadataFetch struct {
	done chan struct{}
	meta *serverMetadata
	err  error
}

func newMetadataSource(c *Client) *metadataSource {
	return &metadataSource{read: c.readMetadata, weaker: c.checkNotWeaker}
}

// server returns the provider's metadata.
func (c *Client) server(ctx context.Context) (*serverMetadata, error) {
	if c.cfg.Metadata == MetadataNone {
		return c.configured(&serverMetadata{}), nil
	}
	return c.meta.get(ctx)
}

// get returns the document. A caller waits only if there is no usable copy;
// its own cancelled context ends its waiting, not the attempt.
func (s *metadataSource) get(ctx context.Context) (*serverMetadata, error) {
	s.mu.Lock()
	now := time.Now()
	age := now.Sub(s.since)
	usable := s.current != nil && age < metadataUsable
	paused := s.err != nil && now.Sub(s.tried) < metadataPause
	if usable && age < metadataFresh || usable && paused {
		defer s.mu.Unlock()
		return s.current, nil
	}
	if paused && s.flight == nil {
		defer s.mu.Unlock()
		return nil, notYet(s.err, metadataPause-now.Sub(s.tried))
	}
	flight := s.flight
	if flight == nil {
		flight = &metadataFetch{done: make(chan struct{})}
		s.flight = flight
		go s.fetch(context.WithoutCancel(ctx), flight)
	}
	current := s.current
	s.mu.Unlock()
	if usable {
		return current, nil
	}
	select {
	case <-flight.done:
		return flight.meta, flight.err
	case <-ctx.Done():
		return nil, unanswered(StepConfigure, CheckDiscovery, context.Cause(ctx))
	}
}

// notYet is the error of the last attempt, with the time after which the next
// one is made.
func notYet(err error, left time.Duration) error {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return err
	}
	again := *e
	again.RetryAfter = max(again.RetryAfter, left)
	return &again
}

func (s *metadataSource) fetch(ctx context.Context, flight *metadataFetch) {
	meta, err := s.read(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	defer close(flight.done)
	if err == nil && s.current != nil {
		err = s.weaker(ctx, s.current, meta)
	}
	s.tried, s.err, s.flight = time.Now(), err, nil
	if err == nil {
		s.current, s.since = meta, s.tried
		flight.meta = meta
	}
	flight.err = err
}

// metadataURL is where the document lies: after the issuer's path for OpenID
// Connect Discovery (section 4.1), between host and path for RFC 8414 (section 3.1).
func metadataURL(issuer string, kind Metadata) string {
	if kind == MetadataOpenID {
		return strings.TrimSuffix(issuer, "/") + "/.well-known/openid-configuration"
	}
	u, err := url.Parse(issuer)
	if err != nil {
		return issuer
	}
	return u.Scheme + "://" + u.Host + "/.well-known/oauth-authorization-server" + strings.TrimSuffix(u.EscapedPath(), "/")
}

func (c *Client) readMetadata(ctx context.Context) (*serverMetadata, error) {
	// A templated issuer is discovered under its common name.
	where := metadataURL(strings.ReplaceAll(c.cfg.Issuer, tenantPlaceholder, discoveryTenant(c.cfg.Tenants)), c.cfg.Metadata)
	resp, err := c.call(ctx, StepConfigure, CheckDiscovery, ForDiscovery, egress.Request{Method: http.MethodGet, Purpose: "discovery", URL: where, MaxBody: metadataLimit}, nil)
	if err != nil {
		return nil, err
	}
	meta, err := c.parseMetadata(ctx, resp)
	c.tellAnswered(ctx, StepConfigure, ForDiscovery, resp, nil, err)
	return meta, err
}

// discoveryTenant names the tenant under which a templated issuer is
// discovered: the only one, or the name that stands for all.
func discoveryTenant(tenants []string) string {
	if len(tenants) == 1 && tenants[0] != "*" {
		return tenants[0]
	}
	return "common"
}

func (c *Client) parseMetadata(ctx context.Context, resp *egress.Response) (*serverMetadata, error) {
	refuse := func(reason, expected, got string, err error) error {
		e := &Error{Step: StepConfigure, Check: CheckDiscovery, Fault: FaultProvider, Reason: reason, Expected: expected, Got: got, Err: err}
		if askedToWait(resp.Status) {
			e.Fault, e.RetryAfter = FaultUnavailable, retryAfter(resp.Header)
		}
		return c.tell.refused(ctx, e)
	}
	if resp.Status != http.StatusOK {
		return nil, refuse("the metadata document could not be read", "status 200", statusText(resp.Status), nil)
	}
	if !egress.IsJSON(resp.MediaType) {
		return nil, refuse("the metadata document is not JSON", "application/json", printable(resp.MediaType), nil)
	}
	doc, err := strictjson.Parse(resp.Body, metadataLimit)
	if err != nil {
		return nil, refuse("the metadata document is malformed", "", "", err)
	}
	issuer, _, err := doc.String("issuer")
	if err != nil || !c.acceptsDiscoveredIssuer(issuer) {
		return nil, c.tell.refused(ctx, &Error{Step: StepConfigure, Check: CheckDiscoveryIssuer, Fault: FaultProvider,
			Expected: c.cfg.Issuer, Got: printable(issuer), Reason: "the metadata document speaks for another issuer",
			Cure: "configure the issuer exactly as the provider writes it, with or without the slash at its end"})
	}
	c.tell.passed(ctx, StepConfigure, CheckDiscoveryIssuer, issuer)
	meta, field, err := readMembers(doc)
	if err != nil {
		return nil, refuse("the metadata document's member "+field+" is malformed", "", "", err)
	}
	meta = c.configured(meta)
	for _, e := range []struct {
		name, url string
		required  bool
	}{
		{"authorization_endpoint", meta.authorizationURL, true}, {"token_endpoint", meta.tokenURL, true},
		{"jwks_uri", meta.jwksURL, c.openID()}, {"userinfo_endpoint", meta.userInfoURL, false},
		{"revocation_endpoint", meta.revocationURL, false}, {"end_session_endpoint", meta.endSessionURL, false},
	} {
		if e.url == "" && e.required {
			return nil, refuse("the metadata document lacks "+e.name, e.name, "", nil)
		}
		if e.url == "" {
			continue
		}
		policy := c.cfg.policy()
		if _, err := policy.CheckURL(e.url); err != nil {
			return nil, refuse("the metadata document's "+e.name+" cannot be used", "", "", err)
		}
	}
	return meta, nil
}

// acceptsDiscoveredIssuer compares code point for code point. The document of
// a templated issuer carries the template itself, or the tenant's own issuer.
func (c *Client) acceptsDiscoveredIssuer(got string) bool {
	if got == "" {
		return false
	}
	if got == c.cfg.Issuer {
		return true
	}
	if !strings.Contains(c.cfg.Issuer, tenantPlaceholder) {
		return false
	}
	return slices.ContainsFunc(c.cfg.Tenants, func(t string) bool {
		return t != "*" && got == strings.ReplaceAll(c.cfg.Issuer, tenantPlaceholder, t)
	})
}

// readMembers reads the members that the flow needs; all others are ignored.
func readMembers(doc strictjson.Object) (m *serverMetadata, field string, err error) {
	m = &serverMetadata{}
	for _, f := range []struct {
		name string
		into *string
	}{
		{"authorization_endpoint", &m.authorizationURL}, {"token_endpoint", &m.tokenURL},
		{"userinfo_endpoint", &m.userInfoURL}, {"jwks_uri", &m.jwksURL},
		{"revocation_endpoint", &m.revocationURL}, {"end_session_endpoint", &m.endSessionURL},
	} {
		if *f.into, _, err = doc.String(f.name); err != nil {
			return nil, f.name, err
		}
	}
	for _, f := range []struct {
		name string
		into *[]string
	}{
		{"token_endpoint_auth_methods_supported", &m.authMethods},
		{"revocation_endpoint_auth_methods_supported", &m.revocationAuth},
		{"id_token_signing_alg_values_supported", &m.algorithms},
		{"code_challenge_methods_supported", &m.challengeMethods},
	} {
		if *f.into, _, err = doc.Strings(f.name); err != nil {
			return nil, f.name, err
		}
	}
	for _, f := range []struct {
		name string
		into *bool
	}{
		{"authorization_response_iss_parameter_supported", &m.issInResponse},
		{"backchannel_logout_supported", &m.backChannel},
		{"frontchannel_logout_supported", &m.frontChannel},
	} {
		if *f.into, _, err = doc.Bool(f.name); err != nil {
			return nil, f.name, err
		}
	}
	types, ok, err := doc.Strings("response_types_supported")
	if err != nil || ok && !slices.Contains(types, "code") {
		return nil, "response_types_supported", cmp.Or(err, errNoCode)
	}
	return m, "", nil
}

// configured puts what the configuration sets on top.
func (c *Client) configured(m *serverMetadata) *serverMetadata {
	out := *m
	for _, e := range []struct {
		set  string
		into *string
	}{
		{c.cfg.AuthorizationURL, &out.authorizationURL}, {c.cfg.TokenURL, &out.tokenURL},
		{c.cfg.UserInfoURL, &out.userInfoURL}, {c.cfg.JWKSURL, &out.jwksURL},
		{c.cfg.RevocationURL, &out.revocationURL}, {c.cfg.EndSessionURL, &out.endSessionURL},
	} {
		if e.set != "" {
			*e.into = e.set
		}
	}
	return &out
}

// checkNotWeaker refuses a document that, compared with the one in use, moves
// the endpoints where codes, tokens and secrets go to another host, or takes a
// protection away. Who can change the document must not be able to do that
// without a restart: the old copy stays until it is no longer usable, and then
// there is none.
func (c *Client) checkNotWeaker(ctx context.Context, old, now *serverMetadata) error {
	var what string
	switch {
	case hostOf(old.tokenURL) != hostOf(now.tokenURL):
		what = "token_endpoint moved to another host"
	case hostOf(old.authorizationURL) != hostOf(now.authorizationURL):
		what = "authorization_endpoint moved to another host"
	case hostOf(old.jwksURL) != hostOf(now.jwksURL):
		what = "jwks_uri moved to another host"
	case now.userInfoURL != "" && hostOf(now.userInfoURL) != hostOf(cmp.Or(old.userInfoURL, old.tokenURL)):
		what = "userinfo_endpoint moved to another host"
	case now.revocationURL != "" && hostOf(now.revocationURL) != hostOf(cmp.Or(old.revocationURL, old.tokenURL)):
		what = "revocation_endpoint moved to another host"
	case now.endSessionURL != "" && hostOf(now.endSessionURL) != hostOf(cmp.Or(old.endSessionURL, old.authorizationURL)):
		what = "end_session_endpoint moved to another host"
	case old.issInResponse && !now.issInResponse:
		what = "the iss parameter is no longer promised"
	case slices.Contains(old.challengeMethods, "S256") && !slices.Contains(now.challengeMethods, "S256"):
		what = "S256 is no longer offered"
	default:
		return nil
	}
	return c.tell.refused(ctx, &Error{Step: StepConfigure, Check: CheckDiscovery, Fault: FaultProvider,
		Reason: "the metadata document became weaker while the app runs: " + what, Cure: "restart the app if the provider really changed"})
}

func hostOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return raw
	}
	return u.Host
}

var errNoCode = errors.New("does not list code")

// fetchKeys reads the provider's key set for a keySet.
func (c *Client) fetchKeys(ctx context.Context) ([]byte, error) {
	srv, err := c.server(ctx)
	if err != nil {
		return nil, err
	}
	resp, err := c.call(ctx, StepTokens, CheckKey, ForKeys, egress.Request{Method: http.MethodGet, Purpose: "key set", URL: srv.jwksURL, MaxBody: metadataLimit}, nil)
	if err != nil {
		return nil, err
	}
	e := &Error{Step: StepTokens, Check: CheckKey, Fault: FaultProvider}
	switch {
	case resp.Status != http.StatusOK:
		e.Reason, e.Expected, e.Got = "the key set could not be read", "status 200", statusText(resp.Status)
		if askedToWait(resp.Status) {
			e.Fault, e.RetryAfter = FaultUnavailable, retryAfter(resp.Header)
		}
	case !egress.IsJSON(resp.MediaType) && resp.MediaType != "":
		e.Reason, e.Expected, e.Got = "the key set is not JSON", "application/json", printable(resp.MediaType)
	default:
		c.tellAnswered(ctx, StepTokens, ForKeys, resp, nil, nil)
		return resp.Body, nil
	}
	err = c.tell.refused(ctx, e)
	c.tellAnswered(ctx, StepTokens, ForKeys, resp, nil, err)
	return nil, err
}
