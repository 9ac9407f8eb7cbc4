package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wayleave/wayleave/internal/egress"
	"github.com/wayleave/wayleave/internal/strictjson"
)

const (
	tokenAnswerLimit = 1 << 20
	maxToken         = 64 << 10
	// maxLifetime bounds what expires_in can say: larger values overflow
	// durations, and no one means them.
	maxLifetime = 10 * 365 * 24 * time.Hour
)

// tokenAnswer is a token answer that was read but whose ID token is not yet verified.
type tokenAnswer struct {
	tokens  *Tokens
	idToken Secret
}

// readTokenAnswer reads a successful answer (RFC 6749 section 5.1) or turns
// everything else into an error. The body is never part of an error.
func (c *Client) readTokenAnswer(ctx context.Context, step Step, resp *egress.Response, asked time.Time, sent url.Values) (*tokenAnswer, error) {
	doc, err := c.tokenDocument(ctx, step, resp, sent)
	if err != nil {
		return nil, err
	}
	d := c.cfg.Dialect
	refuse := func(check Check, reason, expected, got string) error {
		return c.tell.refused(ctx, &Error{Step: step, Check: check, Fault: FaultProvider, Reason: reason, Expected: expected, Got: got})
	}
	if d.TokenAnswer != "" {
		inner, ok, err := doc.Path(d.TokenAnswer).AsObject()
		if err != nil || !ok {
			return nil, refuse(CheckTokenAnswer, "the token answer lacks its object "+d.TokenAnswer, "an object", "")
		}
		doc = inner
	}
	access, ok := tokenAt(doc, orDefault(d.AccessTokenMember, "access_token"))
	if !ok {
		return nil, refuse(CheckTokenAnswer, "the token answer has no usable access token", "an access token of visible ASCII characters", "")
	}
	c.tell.passed(ctx, step, CheckTokenAnswer, "an access token")
	kind, _, err := doc.String("token_type")
	kind = orDefault(kind, d.DefaultTokenType)
	if err != nil || !strings.EqualFold(kind, "bearer") {
		return nil, refuse(CheckTokenType, "the token is of a type that cannot be used", "Bearer", printable(kind))
	}
	c.tell.passed(ctx, step, CheckTokenType, kind)
	t := &Tokens{AccessToken: access, Type: "Bearer"}
	if t.RefreshToken, ok = tokenAt(doc, "refresh_token"); !ok && textAt(doc, "refresh_token") != "" {
		return nil, refuse(CheckTokenAnswer, "the refresh token cannot be used", "visible ASCII characters", "")
	}
	if life, ok := lifetime(doc, "expires_in", d.TextExpiresIn); ok {
		t.Expires = asked.Add(life)
	}
	for _, member := range d.RefreshExpiryMembers {
		if life, ok := lifetime(doc, member, true); ok && life > 0 {
			t.RefreshExpires = asked.Add(life)
		}
	}
	t.Scopes = c.grantedScopes(doc)
	if t.Extra, err = extraClaims(doc); err != nil {
		return nil, refuse(CheckTokenAnswer, "the token answer is malformed", "", "")
	}
	raw, _, err := doc.String("id_token")
	if err != nil || len(raw) > maxToken {
		return nil, refuse(CheckIDToken, "the ID token is not a string of bounded length", "a compact JWT", "")
	}
	return &tokenAnswer{tokens: t, idToken: NewSecret(raw)}, nil
}

// tokenDocument checks status and content type, parses the body, and looks for
// an error in it, whatever the status says: some providers send errors with 200.
func (c *Client) tokenDocument(ctx context.Context, step Step, resp *egress.Response, sent url.Values) (strictjson.Object, error) {
	isJSON := egress.IsJSON(resp.MediaType) || c.cfg.Dialect.LooseContentType
	doc, parseErr := strictjson.Parse(resp.Body, tokenAnswerLimit)
	if isJSON && parseErr == nil {
		if err := c.tokenError(ctx, step, resp, doc, sent); err != nil {
			return strictjson.Object{}, err
		}
	}
	e := &Error{Step: step, Check: CheckTokenHTTP, Fault: FaultProvider, Status: resp.Status, Expected: "status 200 with application/json",
		Got: statusText(resp.Status) + " with " + orDefault(printable(resp.MediaType), "no content type")}
	switch {
	case askedToWait(resp.Status):
		e.Fault, e.RetryAfter, e.Reason = FaultUnavailable, retryAfter(resp.Header), "the token endpoint asks to come back later"
	case resp.Status != http.StatusOK:
		e.Reason = "the token endpoint refused without saying why"
	case !isJSON:
		e.Reason, e.Cure = "the token endpoint did not answer with JSON", "look whether a proxy or firewall answers in its place"
	case parseErr != nil:
		e.Reason, e.Err = "the token answer is malformed", parseErr
	default:
		c.tell.passed(ctx, step, CheckTokenHTTP, e.Got)
		return doc, nil
	}
	return strictjson.Object{}, c.tell.refused(ctx, e)
}

// tokenError reads an error answer (RFC 6749 section 5.2) and its dialects.
func (c *Client) tokenError(ctx context.Context, step Step, resp *egress.Response, doc strictjson.Object, sent url.Values) error {
	d := c.cfg.Dialect
	code := textAt(doc, orDefault(d.ErrorMember, "error"))
	if standard, ok := d.ErrorCodes[code]; ok {
		code = standard
	}
	notOK := false
	if d.OKMember != "" {
		ok, has, err := doc.Bool(d.OKMember)
		notOK = err != nil || has && !ok
	}
	if code == "" && !notOK {
		return nil
	}
	pe := &ProviderError{
		Code:        printable(c.withoutSecrets(orDefault(code, "unknown_error"), sent)),
		Description: printable(c.withoutSecrets(textAt(doc, orDefault(d.ErrorTextMember, "error_description")), sent)),
		Status:      resp.Status,
	}
	e := &Error{Step: step, Check: CheckTokenAnswer, Fault: FaultProvider, Status: resp.Status, Reason: "the provider refused", Expected: "tokens", Got: pe.Code, Err: pe}
	switch pe.Code {
	case "invalid_client", "unauthorized_client":
		e.Cure = "compare client id, client secret and the way of client authentication with the registration at the provider"
	case "invalid_grant":
		e.Cure = "sign in again"
	case "redirect_uri_mismatch":
		e.Cure = "register the redirect URI exactly as it is configured"
	case "temporarily_unavailable", "server_error", "slow_down":
		e.Fault = FaultUnavailable
	}
	if askedToWait(resp.Status) {
		e.Fault, e.RetryAfter = FaultUnavailable, retryAfter(resp.Header)
	}
	return c.tell.refused(ctx, e)
}

// withoutSecrets removes what we sent from what came back: some servers repeat
// the request in their error text, and error texts end up in logs.
func (c *Client) withoutSecrets(text string, sent url.Values) string {
	remove := []string{c.cfg.ClientSecret.Reveal()}
	for _, name := range secretParams {
		remove = append(remove, sent[name]...)
	}
	for _, secret := range remove {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "(removed)")
			text = strings.ReplaceAll(text, url.QueryEscape(secret), "(removed)")
		}
	}
	return text
}

// tokenAt reads a token: a string of visible ASCII (RFC 6749 appendix A.12),
// so that it can stand in a header. An empty one is absent.
func tokenAt(doc strictjson.Object, path string) (Secret, bool) {
	s, ok, err := doc.Path(path).AsString()
	if err != nil || !ok || s == "" || len(s) > maxToken {
		return Secret{}, false
	}
	for i := range len(s) {
		if s[i] <= 0x20 || s[i] > 0x7e {
			return Secret{}, false
		}
	}
	return NewSecret(s), true
}

func textAt(doc strictjson.Object, path string) string {
	v := doc.Path(path)
	switch v.Kind() {
	case strictjson.KindMissing, strictjson.KindNull:
		return ""
	case strictjson.KindString:
		s, _, _ := v.AsString()
		return s
	case strictjson.KindNumber:
		n, _, _ := v.AsNumber()
		return n
	}
	// An error that is an object, an array or a boolean is an error all the same.
	return "unknown_error"
}

// lifetime reads a number of seconds. Zero and less mean "has ended"; a
// fraction is cut; what is too large is clamped; what is no number is absent.
func lifetime(doc strictjson.Object, member string, text bool) (time.Duration, bool) {
	n, ok, err := doc.Number(member)
	if err != nil && text {
		n, ok, err = doc.String(member)
		if strings.Trim(n, "0123456789") != "" {
			return 0, false
		}
	}
	if err != nil || !ok || n == "" {
		return 0, false
	}
	f, err := strconv.ParseFloat(n, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) || math.IsNaN(f) {
		return 0, false
	}
	switch {
	case f <= 0:
		return 0, true
	case f >= maxLifetime.Seconds():
		return maxLifetime, true
	}
	return time.Duration(f) * time.Second, true
}

// grantedScopes reads scope: nil if it is absent, empty if it is empty.
func (c *Client) grantedScopes(doc strictjson.Object) []string {
	d := c.cfg.Dialect
	var list []string
	switch doc.Kind("scope") {
	case strictjson.KindArray:
		var err error
		if list, _, err = doc.Strings("scope"); err != nil {
			return nil
		}
	case strictjson.KindString:
		s, _, _ := doc.String("scope")
		list = strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || strings.ContainsRune(d.ResponseScopeSeparators, r) })
	default:
		return nil
	}
	out := make([]string, 0, len(list))
	for _, s := range list {
		if alias, ok := d.ScopeAliases[s]; ok {
			s = alias
		}
		if validScope(s) && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// extraClaims keeps the members of a token answer that hold no token, in
// objects inside of it too.
func extraClaims(doc strictjson.Object) (Claims, error) {
	without := []string{"access_token", "refresh_token", "id_token"}
	b, err := appendWithout(nil, doc, without)
	if err != nil {
		return Claims{}, err
	}
	extra, err := strictjson.Parse(b, len(b))
	return newClaims(extra), err
}

func appendWithout(b []byte, o strictjson.Object, without []string) ([]byte, error) {
	b = append(b, '{')
	first := true
	for name, value := range o.All() {
		if slices.Contains(without, name) {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		key, err := json.Marshal(name)
		if err != nil {
			return nil, err
		}
		b = append(append(b, key...), ':')
		if inner, ok, err := value.AsObject(); err == nil && ok {
			if b, err = appendWithout(b, inner, without); err != nil {
				return nil, err
			}
			continue
		}
		b = append(b, value.Raw()...)
	}
	return append(b, '}'), nil
}

// checkScopes fills in what an answer without scope means (RFC 6749 section
// 5.1) and refuses a grant that lacks a scope the app cannot do without.
func (c *Client) checkScopes(ctx context.Context, t *Tokens) error {
	if t.Scopes == nil {
		t.Scopes = slices.Clone(c.cfg.Scopes)
	}
	for _, s := range c.cfg.RequireScopes {
		if !t.Granted(s) {
			return c.tell.refused(ctx, &Error{Step: StepTokens, Check: CheckScope, Fault: FaultDenied,
				Reason: "a scope that the app needs was not granted", Expected: s, Got: printable(strings.Join(t.Scopes, " ")),
				Cure: "sign in again and allow all that is asked for"})
		}
	}
	if len(c.cfg.RequireScopes) > 0 {
		c.tell.passed(ctx, StepTokens, CheckScope, strings.Join(t.Scopes, " "))
	}
	return nil
}

func describeTokens(t *Tokens) []Param {
	if t == nil {
		return nil
	}
	out := []Param{{Name: "access_token", Value: t.AccessToken.String(), Secret: true}, {Name: "token_type", Value: t.Type}}
	if !t.RefreshToken.IsZero() {
		out = append(out, Param{Name: "refresh_token", Value: t.RefreshToken.String(), Secret: true})
	}
	if !t.Expires.IsZero() {
		out = append(out, Param{Name: "expires", Value: t.Expires.UTC().Format(time.RFC3339)})
	}
	if t.Scopes != nil {
		out = append(out, Param{Name: "scope", Value: printable(strings.Join(t.Scopes, " "))})
	}
	if t.IDToken != nil {
		out = append(out, Param{Name: "id_token", Value: t.IDToken.Raw().String(), Secret: true})
	}
	return out
}

func statusText(status int) string { return "status " + strconv.Itoa(status) }

func orDefault(s, def string) string {
	if s == "" {
		return def
	}
	return s
}

// allowedAlgorithms is what both the allow-list and the metadata name; silence
// of the metadata leaves the allow-list as it is.
func allowedAlgorithms(allowed, supported []string) []string {
	if supported == nil {
		return allowed
	}
	var out []string
	for _, a := range allowed {
		if slices.Contains(supported, a) || a == "Ed25519" && slices.Contains(supported, "EdDSA") {
			out = append(out, a)
		}
	}
	return out
}
