package oauth

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wayleave/wayleave/internal/seal"
)

// Hints are what an app may ask of the provider for one login. All are optional.
type Hints struct {
	Prompt    string // "login", "consent", "select_account" or "none", or several with spaces (OpenID Connect Core section 3.1.2.1)
	LoginHint string // whom the app expects, such as an e-mail address
	UILocales string // languages for the provider's pages, such as "de en"
}

// Authorize is step 1: it returns the URL to send the browser to, for a login
// that a [Sealer] began with this client's Name and Entry. The URL asks for a
// code (RFC 6749 section 4.1.1) with state, nonce (if an ID token is
// expected) and a PKCE S256 challenge (RFC 7636). The caller must answer with
// 302 or 303, never 307, and without caching.
//
// The provider's metadata is read if it has not been yet; that is the only I/O.
func (c *Client) Authorize(ctx context.Context, l *Login, h Hints) (string, error) {
	ctx = WithLogin(ctx, l.ID())
	if l.Provider != c.cfg.Name || subtle.ConstantTimeCompare(l.Entry[:], c.entry[:]) != 1 {
		return "", &Error{Step: StepAuthorize, Check: CheckEntry, Fault: FaultCaller,
			Expected: "a login begun for " + c.cfg.Name, Got: "one for " + printable(l.Provider), Reason: "the login belongs to another provider"}
	}
	srv, err := c.server(ctx)
	if err != nil {
		return "", err
	}
	if err := c.checkPKCE(ctx, srv); err != nil {
		return "", err
	}
	endpoint, err := url.Parse(srv.authorizationURL)
	if err != nil {
		return "", &Error{Step: StepAuthorize, Check: CheckEndpoint, Fault: FaultCaller, Reason: "the authorization URL is malformed"}
	}
	params := c.authorizeParams(l, h)
	endpoint.RawQuery = mergeQuery(endpoint.RawQuery, params)
	c.tellSent(ctx, srv.authorizationURL, params)
	return endpoint.String(), nil
}

// authorizeParams builds the parameters. Those of the flow are set last: nothing replaces them.
func (c *Client) authorizeParams(l *Login, h Hints) url.Values {
	v := url.Values{}
	for name, value := range c.cfg.AuthParams {
		v.Set(name, value)
	}
	// A prompt of the login joins one of the configuration: choosing an
	// account must not lose the consent that brings the refresh token.
	setIf(v, "prompt", joinWords(v.Get("prompt"), h.Prompt))
	setIf(v, "login_hint", h.LoginHint)
	setIf(v, "ui_locales", h.UILocales)
	if l.MaxAge >= 0 {
		v.Set("max_age", strconv.FormatInt(int64(l.MaxAge/time.Second), 10))
	}
	setIf(v, "acr_values", strings.Join(l.ACRValues, " "))
	v.Set("response_type", "code")
	v.Set(c.clientIDParam(), c.cfg.ClientID)
	v.Set("redirect_uri", c.cfg.RedirectURI)
	setIf(v, "scope", strings.Join(c.cfg.Scopes, c.scopeSeparator()))
	v.Set("state", l.State())
	if c.openID() {
		v.Set("nonce", l.nonce.Reveal())
	}
	if !c.cfg.Dialect.NoPKCE {
		challenge := sha256.Sum256([]byte(l.verifier.Reveal()))
		v.Set("code_challenge", seal.Encode(challenge[:]))
		v.Set("code_challenge_method", "S256")
	}
	return v
}

// checkPKCE refuses a provider whose metadata says that it does PKCE, but not
// S256. Silence is no refusal: servers ignore what they do not know (RFC 7636 section 5).
func (c *Client) checkPKCE(ctx context.Context, srv *serverMetadata) error {
	if c.cfg.Dialect.NoPKCE || len(srv.challengeMethods) == 0 || slices.Contains(srv.challengeMethods, "S256") {
		return nil
	}
	return c.tell.refused(ctx, &Error{Step: StepAuthorize, Check: CheckDiscovery, Fault: FaultProvider,
		Expected: "S256", Got: printable(strings.Join(srv.challengeMethods, " ")), Reason: "the provider offers PKCE, but not with S256"})
}

// mergeQuery keeps the endpoint's own query (RFC 6749 section 3.1) except for
// the parameters that we set, and encodes spaces as %20: some providers do not
// read the plus sign.
func mergeQuery(own string, params url.Values) string {
	var b strings.Builder
	add := func(name, value string) {
		if b.Len() > 0 {
			b.WriteByte('&')
		}
		b.WriteString(escape(name))
		b.WriteByte('=')
		b.WriteString(escape(value))
	}
	// The endpoint is configuration or metadata that was checked to parse.
	kept, _ := url.ParseQuery(own)
	for _, name := range slices.Sorted(maps.Keys(kept)) {
		if _, ours := params[name]; ours {
			continue
		}
		for _, value := range kept[name] {
			add(name, value)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(params)) {
		for _, value := range params[name] {
			add(name, value)
		}
	}
	return b.String()
}

func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// joinWords joins two lists of words without repeating any; none stands alone.
func joinWords(a, b string) string {
	if b == "none" {
		return b
	}
	words := strings.Fields(a)
	for w := range strings.FieldsSeq(b) {
		if !slices.Contains(words, w) {
			words = append(words, w)
		}
	}
	return strings.Join(words, " ")
}

func setIf(v url.Values, name, value string) {
	if value != "" {
		v.Set(name, value)
	}
}

// secretParams are never shown. The nonce and the challenge are sent through
// the browser, but are of no use to a reader of the story either.
var secretParams = []string{"code", "state", "nonce", "code_verifier", "client_secret", "refresh_token", "access_token", "id_token", "response", "assertion", "client_assertion", "token", "id_token_hint", "logout_token"}

// maskedParams lists params by name with secret values as fingerprints.
func maskedParams(v url.Values) []Param {
	out := make([]Param, 0, len(v))
	for _, name := range slices.Sorted(maps.Keys(v)) {
		for _, value := range v[name] {
			out = append(out, maskedParam(name, value))
		}
	}
	return out
}

func maskedParam(name, value string) Param {
	if slices.Contains(secretParams, name) {
		return Param{Name: name, Value: NewSecret(value).String(), Secret: true}
	}
	return Param{Name: printable(name), Value: printable(value)}
}

func (c *Client) tellSent(ctx context.Context, endpoint string, params url.Values) {
	if !c.tell.listening() {
		return
	}
	c.tell.emit(ctx, Sent{Is: c.tell.about(ctx, StepAuthorize), URL: withoutQuery(endpoint), Params: maskedParams(params)})
}

func withoutQuery(raw string) string {
	before, _, _ := strings.Cut(raw, "?")
	return before
}
