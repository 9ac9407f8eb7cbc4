package oauth

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/wayleave/wayleave/internal/egress"
)

// Config describes one registration of an app at one provider. It is copied by
// New and read-only from then on. Name, ClientID, RedirectURI and either Issuer
// or both AuthorizationURL and TokenURL are required.
//
//	permitted:  Config{Name: "acme", Issuer: "https://id.acme.example", ClientID: "app", ClientSecret: NewSecret(s), RedirectURI: "https://app.example/auth/acme/callback", Scopes: []string{"openid"}}
//	prohibited: Config{Issuer: "http://id.acme.example"} (no TLS), Issuer with a query, a redirect URI with a fragment
type Config struct {
	// Name is how the app calls this provider: 1 to 32 lower-case letters,
	// digits and hyphens. It stands in URLs.
	Name string

	// Issuer is the provider's identifier, compared code point for code
	// point (OpenID Connect Discovery section 4.3). With it, everything that
	// is not set below is read from the provider's metadata when first
	// needed. For a multi-tenant provider it may hold "{tenantid}", which is
	// replaced by the tid claim of the verified token; then Tenants is required.
	Issuer string
	// Tenants are the values of tid that a templated Issuer accepts; "*" accepts all.
	Tenants []string
	// IssuerAliases are further values of iss that are accepted in ID tokens.
	IssuerAliases []string
	// Metadata is where the metadata document lies. Zero: MetadataOpenID if
	// there is an Issuer and an endpoint is missing, else MetadataNone.
	Metadata Metadata

	// Endpoints. One that is set here wins over the metadata.
	AuthorizationURL string
	TokenURL         string
	UserInfoURL      string
	JWKSURL          string
	RevocationURL    string // RFC 7009; optional
	EndSessionURL    string // OpenID Connect RP-Initiated Logout; optional

	// ClientID and ClientSecret are what the provider issued at
	// registration. A public client has no secret.
	ClientID     string
	ClientSecret Secret
	// ClientAuth is how the client authenticates at the token endpoint. Zero:
	// from the metadata, else client_secret_basic with a secret and none
	// without. It is never found out by trying.
	ClientAuth ClientAuth

	// RedirectURI is the callback, exactly as registered.
	RedirectURI string
	// Scopes are asked for in this order. With "openid" among them an ID
	// token is required; without it the user is known by userinfo alone.
	Scopes []string
	// AuthParams are added to the authorization URL, TokenParams to the
	// token request. Parameters that the flow itself sets cannot be among them.
	AuthParams  map[string]string
	TokenParams map[string]string

	// RequireClaims names claims that a verified ID token must have, each
	// with its permitted values; "*" permits any non-empty one. Google
	// Workspace: {"hd": {"acme.example"}}.
	RequireClaims map[string][]string
	// RequireScopes must be among the granted ones, or the login is refused.
	// One that a refresh takes away later is told as an event.
	RequireScopes []string

	// Algorithms is the allow-list for ID token signatures. Zero:
	// DefaultAlgorithms. What the metadata does not list is removed from it.
	Algorithms []string
	// TrustedAudiences may stand beside the client id in aud.
	TrustedAudiences []string
	// RequireLogoutType accepts logout tokens only with typ logout+jwt. Zero:
	// JWT and none are accepted too, since many providers send no better (OpenID
	// Connect Back-Channel Logout section 2.4 does not require more).
	RequireLogoutType bool
	// Leeway for clocks that differ: 0 means one minute, at most five.
	Leeway time.Duration

	// Dialect is where this provider deviates from the standards. Zero: nowhere.
	Dialect Dialect

	// RootCAs replaces the system's certificate authorities for this provider.
	RootCAs *x509.CertPool
	// AllowAddresses are address ranges that are otherwise refused (loopback,
	// private, link-local) and that this provider may have.
	AllowAddresses []netip.Prefix
	// Development permits http and loopback addresses for loopback hosts and
	// DevelopmentHosts, for this provider only. Never in production.
	Development      bool
	DevelopmentHosts []string

	// OnEvent hears everything that happens in this provider's logins, from
	// several goroutines at once. It must neither block nor panic. Nil: nobody listens.
	OnEvent func(context.Context, Event)

	_ struct{} // keyed fields only
}

// DefaultAlgorithms are the ID token signatures accepted when Config names none.
func DefaultAlgorithms() []string {
	return []string{"RS256", "PS256", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"}
}

// Metadata is the place of a provider's metadata document.
type Metadata string

// Places of metadata documents.
const (
	MetadataOpenID Metadata = "openid"  // OpenID Connect Discovery: issuer + /.well-known/openid-configuration
	MetadataOAuth  Metadata = "rfc8414" // RFC 8414: /.well-known/oauth-authorization-server between host and path
	MetadataNone   Metadata = "none"    // no document: all endpoints are configured
)

// ClientAuth is a way to authenticate at the token endpoint (OpenID Connect Core section 9).
type ClientAuth string

// Ways to authenticate.
const (
	ClientSecretBasic ClientAuth = "client_secret_basic"
	ClientSecretPost  ClientAuth = "client_secret_post"
	ClientAuthNone    ClientAuth = "none"
)

// Dialect lists the deviations of a provider as data. Each field is one
// deviation that at least one large provider has; zero is the standard.
type Dialect struct {
	// ScopeSeparator joins scopes in requests, ResponseScopeSeparators are
	// the characters that split them in answers. Zero: a space.
	ScopeSeparator          string
	ResponseScopeSeparators string
	// ScopeAliases maps scopes as granted to the names under which they are asked for.
	ScopeAliases map[string]string
	// ClientIDParam is the name of client_id where it has another.
	ClientIDParam string
	// RawBasicAuth: the provider does not decode form-encoded Basic credentials.
	RawBasicAuth bool
	// JSONTokenRequest: the token endpoint wants a JSON body.
	JSONTokenRequest bool
	// NoPKCE: sending a challenge makes the login fail. State and, where there is one, nonce still hold.
	NoPKCE bool
	// NoNonce: the ID token does not return the nonce. One that is there must match all the same.
	NoNonce bool
	// ResponseIssuer is the iss that callbacks carry although no metadata says so.
	ResponseIssuer string
	// LooseAuthorizedParty: azp may name another client.
	LooseAuthorizedParty bool
	// LooseContentType: token answers are JSON under another content type.
	LooseContentType bool
	// DefaultTokenType stands in where answers have no token_type.
	DefaultTokenType string
	// TextExpiresIn: expires_in may be digits in a string.
	TextExpiresIn bool
	// TokenAnswer is the path of the object that holds the token members, such as "data".
	TokenAnswer string
	// AccessTokenMember is the path of the access token, such as "authed_user.access_token".
	AccessTokenMember string
	// ErrorMember and ErrorTextMember are the paths of error code and text. Zero: "error", "error_description".
	ErrorMember     string
	ErrorTextMember string
	// ErrorCodes maps error codes of this provider's own to those of RFC 6749
	// section 5.2 that say the same, such as "bad_refresh_token" to "invalid_grant".
	ErrorCodes map[string]string
	// OKMember is a boolean that is false in error answers with status 200.
	OKMember string
	// RefreshExpiryMembers are members with the refresh token's lifetime in seconds.
	RefreshExpiryMembers []string
	// RefreshURL is the endpoint for refreshing where it is another one.
	RefreshURL string
	// RefreshWithScope: refreshing must repeat the scopes.
	RefreshWithScope bool
	// EndSessionReturnParam is the name of post_logout_redirect_uri where it has
	// another, such as "logout_uri" (Cognito) or "returnTo" (Auth0's older
	// endpoint). Such an endpoint is none of OpenID Connect: it is sent that and
	// the client id, neither hint nor state.
	EndSessionReturnParam string
	// CallbackParams are further callback parameters that go into the token request unchanged.
	CallbackParams []string
	// MaxState is the longest state the provider carries, in bytes. Zero: 500.
	MaxState int
}

// flowParams are set by the flow; configuration cannot set or replace them.
var flowParams = []string{
	"client_id", "client_secret", "code", "code_challenge", "code_challenge_method", "code_verifier",
	"grant_type", "nonce", "redirect_uri", "refresh_token", "response_mode", "response_type", "scope", "state",
	"request", "request_uri",
}

// validate returns all mistakes joined, and fills in defaults.
func (c *Config) validate() error {
	var errs []error
	bad := func(field, reason, cure string) {
		errs = append(errs, &ConfigError{Provider: c.Name, Field: field, Reason: reason, Cure: cure})
	}
	if !validName(c.Name) {
		bad("Name", "must be 1 to 32 lower-case letters, digits and hyphens, beginning with a letter", "choose a name such as google")
	}
	if c.ClientID == "" {
		bad("ClientID", "is missing", "copy it from the registration at the provider")
	} else if printable(c.ClientID) != c.ClientID {
		bad("ClientID", "holds characters that no client id can hold, or is longer than 200 bytes", "copy it again; look for quotes and spaces at its ends")
	}
	c.validatePlaces(bad)
	c.validateClientAuth(bad)
	c.validateRequest(bad)
	c.validateChecks(bad)
	return errors.Join(errs...)
}

func (c *Config) validatePlaces(bad func(field, reason, cure string)) {
	policy := c.policy()
	if c.Issuer != "" {
		// A template is checked with a tenant in place of the braces.
		issuer := strings.ReplaceAll(c.Issuer, tenantPlaceholder, "tenant")
		u, err := policy.CheckURL(issuer)
		switch {
		case err != nil:
			bad("Issuer", err.Error(), httpsCure)
		case u.RawQuery != "" || u.ForceQuery:
			bad("Issuer", "has a query", "use the issuer exactly as the provider documents it")
		}
		if issuer != c.Issuer && len(c.Tenants) == 0 {
			bad("Tenants", "is empty although the issuer is a template", `list the tenants that may sign in, or "*"`)
		}
	}
	if len(c.Tenants) > 0 && !strings.Contains(c.Issuer, tenantPlaceholder) {
		bad("Tenants", "restrict nothing, because the issuer is no template", "leave them out, or require the claim that names the tenant")
	} else {
		for _, t := range c.Tenants {
			if t != "*" && !isGUID(t) {
				bad("Tenants", "holds "+printable(t)+", which is no tenant's GUID", "copy the directory (tenant) id, not its name")
			}
		}
	}
	for _, e := range []struct{ field, url string }{
		{"AuthorizationURL", c.AuthorizationURL}, {"TokenURL", c.TokenURL},
		{"UserInfoURL", c.UserInfoURL}, {"JWKSURL", c.JWKSURL}, {"Dialect.RefreshURL", c.Dialect.RefreshURL},
		{"RevocationURL", c.RevocationURL}, {"EndSessionURL", c.EndSessionURL},
	} {
		if e.url == "" {
			continue
		}
		if _, err := policy.CheckURL(e.url); err != nil {
			bad(e.field, err.Error(), httpsCure)
		}
	}
	endpoints := c.AuthorizationURL != "" && c.TokenURL != ""
	openid := slices.Contains(c.Scopes, "openid")
	if c.Metadata == "" {
		c.Metadata = MetadataNone
		if c.Issuer != "" && (!endpoints || openid && c.JWKSURL == "") {
			c.Metadata = MetadataOpenID
		}
	}
	switch c.Metadata {
	case MetadataOpenID, MetadataOAuth:
		if c.Issuer == "" {
			bad("Issuer", "is missing, and without it there is no metadata", "set the issuer, or the endpoints")
		}
	case MetadataNone:
		if !endpoints {
			bad("Issuer", "is missing, and so is AuthorizationURL or TokenURL", "set the issuer of an OpenID provider, or both URLs of an OAuth 2.0 server")
		}
		if openid && (c.JWKSURL == "" || c.Issuer == "") {
			bad("Scopes", "openid needs an Issuer, and JWKSURL where there is no metadata, to verify the ID token", "set them, or leave openid out")
		}
	default:
		bad("Metadata", "is none of openid, rfc8414, none", "")
	}
}

const httpsCure = "use https, or set Development for a provider on this machine"

func (c *Config) validateClientAuth(bad func(field, reason, cure string)) {
	switch c.ClientAuth {
	case "":
	case ClientSecretBasic, ClientSecretPost:
		if c.ClientSecret.IsZero() {
			bad("ClientSecret", "is missing, and ClientAuth is "+string(c.ClientAuth), "copy it from the registration at the provider")
		}
	case ClientAuthNone:
		if !c.ClientSecret.IsZero() {
			bad("ClientAuth", "is none although there is a ClientSecret", "leave one of them out")
		}
	default:
		bad("ClientAuth", "is none of client_secret_basic, client_secret_post, none", "")
	}
	if s := c.ClientSecret.Reveal(); strings.TrimSpace(s) != s {
		bad("ClientSecret", "begins or ends with white space", "look for a line break at the end of the file it comes from")
	}
}

func (c *Config) validateRequest(bad func(field, reason, cure string)) {
	if u, err := url.Parse(c.RedirectURI); err != nil || c.RedirectURI == "" || !u.IsAbs() || u.Host == "" || u.Fragment != "" || u.User != nil || strings.HasSuffix(c.RedirectURI, "#") {
		bad("RedirectURI", "must be an absolute URL without fragment and user", "use the app's public address with the callback path")
	} else if u.Scheme != "https" && !(u.Scheme == "http" && isLoopbackHost(u.Hostname())) {
		bad("RedirectURI", "is not https", "http is for localhost only")
	}
	seen := map[string]bool{}
	for _, s := range c.Scopes {
		if !validScope(s) {
			bad("Scopes", "holds "+printable(s)+", which is not a scope (RFC 6749 section 3.3)", "give each scope as an element of its own")
		}
		if seen[s] {
			bad("Scopes", "holds "+printable(s)+" twice", "")
		}
		seen[s] = true
	}
	for field, params := range map[string]map[string]string{"AuthParams": c.AuthParams, "TokenParams": c.TokenParams} {
		for _, name := range slices.Sorted(maps.Keys(params)) {
			if name == "" || slices.Contains(flowParams, name) || name == c.Dialect.ClientIDParam {
				bad(field, "must not set "+printable(name), "that parameter belongs to the flow")
			}
		}
	}
}

func (c *Config) validateChecks(bad func(field, reason, cure string)) {
	if len(c.Algorithms) == 0 {
		c.Algorithms = DefaultAlgorithms()
	}
	known := append(DefaultAlgorithms(), "RS384", "RS512", "PS384", "PS512")
	for _, a := range c.Algorithms {
		if !slices.Contains(known, a) {
			bad("Algorithms", printable(a)+" is not supported", "use some of "+strings.Join(known, ", "))
		}
	}
	if len(c.RequireClaims) > 0 && !slices.Contains(c.Scopes, "openid") {
		bad("RequireClaims", "cannot be checked: only an ID token has claims, and openid is not among the scopes", "ask for openid, or check the identity in OnSignIn")
	}
	c.Leeway = cmp.Or(c.Leeway, time.Minute)
	if c.Leeway < 0 || c.Leeway > 5*time.Minute {
		bad("Leeway", "must be between 0 and 5 minutes", "set the clock right instead")
	}
	if m := c.Dialect.MaxState; m != 0 && m < 150 {
		bad("Dialect.MaxState", "is too small for any state", "use at least 150")
	}
	if c.Dialect.NoNonce && c.Dialect.NoPKCE && slices.Contains(c.Scopes, "openid") && c.Issuer == "" {
		bad("Dialect", "waives nonce and PKCE for a provider without issuer", "keep one of them")
	}
}

// policy is the egress policy that this configuration asks for.
func (c *Config) policy() egress.Policy {
	return egress.Policy{
		RootCAs:          c.RootCAs,
		AllowAddresses:   c.AllowAddresses,
		Development:      c.Development,
		DevelopmentHosts: c.DevelopmentHosts,
	}
}

// clone copies what New must not share with its caller.
func (c Config) clone() Config {
	c.Tenants = slices.Clone(c.Tenants)
	c.IssuerAliases = slices.Clone(c.IssuerAliases)
	c.Scopes = slices.Clone(c.Scopes)
	c.AuthParams = maps.Clone(c.AuthParams)
	c.TokenParams = maps.Clone(c.TokenParams)
	c.RequireClaims = maps.Clone(c.RequireClaims)
	for claim, values := range c.RequireClaims {
		c.RequireClaims[claim] = slices.Clone(values)
	}
	c.Dialect.ScopeAliases = maps.Clone(c.Dialect.ScopeAliases)
	c.Dialect.ErrorCodes = maps.Clone(c.Dialect.ErrorCodes)
	c.Dialect.RefreshExpiryMembers = slices.Clone(c.Dialect.RefreshExpiryMembers)
	c.Dialect.CallbackParams = slices.Clone(c.Dialect.CallbackParams)
	c.RequireScopes = slices.Clone(c.RequireScopes)
	c.Algorithms = slices.Clone(c.Algorithms)
	c.TrustedAudiences = slices.Clone(c.TrustedAudiences)
	c.AllowAddresses = slices.Clone(c.AllowAddresses)
	c.DevelopmentHosts = slices.Clone(c.DevelopmentHosts)
	return c
}

// tenantPlaceholder stands in templated issuers for the tenant.
const tenantPlaceholder = "{tenantid}"

func validName(s string) bool {
	if len(s) == 0 || len(s) > 32 || s[0] < 'a' || s[0] > 'z' {
		return false
	}
	for i := range len(s) {
		if c := s[i]; !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-') {
			return false
		}
	}
	return true
}

// validScope: RFC 6749 section 3.3, one scope token.
func validScope(s string) bool {
	if s == "" {
		return false
	}
	for i := range len(s) {
		if c := s[i]; c <= 0x20 || c == '"' || c == '\\' || c > 0x7e {
			return false
		}
	}
	return true
}

func isLoopbackHost(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}
