package provider

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"net/netip"

	"github.com/wayleave/wayleave/oauth"
)

// Config is one provider that users can sign in with. ClientID is required,
// and one of: a Preset; an Issuer; or AuthorizationURL, TokenURL and UserInfoURL.
//
//	Config{Preset: provider.Google(), ClientID: id, ClientSecret: secret}
//	Config{Name: "acme", Issuer: "https://id.acme.example", ClientID: id, ClientSecret: secret}
//	Config{Name: "legacy", AuthorizationURL: …, TokenURL: …, UserInfoURL: …, ClientID: id, ClientSecret: secret}
type Config struct {
	Preset Preset

	// Name stands in URLs: /auth/{name}/login. Default: the preset's.
	Name string
	// Label is what the sign-in page calls the provider. Default: the preset's, else Name.
	Label string

	ClientID     string
	ClientSecret oauth.Secret
	ClientAuth   oauth.ClientAuth // default: the preset's, else see oauth.Config

	// Issuer replaces the preset's, and with it whatever is true of that
	// issuer alone: its endpoints and its other names. Tenants are those that
	// a templated issuer lets in; see oauth.Config.
	Issuer  string
	Tenants []string
	// The URLs replace the preset's one by one, such as for an instance of
	// one's own.
	AuthorizationURL string
	TokenURL         string
	UserInfoURL      string
	JWKSURL          string
	RevocationURL    string
	EndSessionURL    string

	// Scopes replace the preset's. Default without preset: openid, email,
	// profile for an issuer, none for plain OAuth 2.0.
	Scopes []string
	// MoreScopes are asked for besides, such as those of an API.
	MoreScopes []string
	// RequireScopes must be granted for the login to succeed.
	RequireScopes []string
	// Offline asks for a refresh token, so that the app can act while the
	// user is away. Off unless asked for: it is a power over the account.
	Offline bool

	// AuthParams win over those of the preset.
	AuthParams map[string]string
	// RequireClaims as in oauth.Config. They need an ID token, so that a
	// plain OAuth 2.0 provider cannot have any.
	RequireClaims map[string][]string
	// RequireLogoutType as in oauth.Config.
	RequireLogoutType bool
	// Subject replaces the path of the account's permanent identifier; see
	// Profile. Plain OAuth 2.0 servers have it in many places, such as
	// "userinfo.id". Changing it makes every account another one.
	Subject string

	// CallbackPath replaces /auth/{name}/callback where a registered redirect
	// URI cannot change. It is used by the web layer.
	CallbackPath string

	RootCAs          *x509.CertPool
	AllowAddresses   []netip.Prefix
	Development      bool
	DevelopmentHosts []string

	_ struct{} // keyed fields only
}

// Provider is a configured provider: the client that runs the flow, and the
// way from its answers to an [Identity]. It is immutable and safe for
// concurrent use.
type Provider struct {
	Client  *oauth.Client
	name    string
	label   string
	realm   string
	offline bool
	// revocationEndsGrant as in Preset.
	revocationEndsGrant bool
	// profile is the preset's, or that of OpenID Connect or plain OAuth 2.0.
	profile Profile
	onEvent func(context.Context, oauth.Event)
}

// Name returns the provider's name, as it stands in URLs.
func (p *Provider) Name() string { return p.name }

// Label returns what people call the provider.
func (p *Provider) Label() string { return p.label }

// Realm returns what the accounts of this provider belong to: its issuer, or
// what stands for it.
func (p *Provider) Realm() string { return p.realm }

// Offline reports whether the entry asks for offline access.
func (p *Provider) Offline() bool { return p.offline }

// RevocationEndsGrant reports whether to revoke one token here ends all that
// the user ever granted to the app. Then a logout must not revoke; only the
// user's own wish to disconnect may.
func (p *Provider) RevocationEndsGrant() bool { return p.revocationEndsGrant }

// EffectiveName returns the name that New will use.
func (c Config) EffectiveName() string { return cmp.Or(c.Name, c.Preset.Name) }

// New checks c and makes a Provider whose callback is redirectURI. It does no
// I/O. onEvent may be nil. The error joins one [*oauth.ConfigError] for each mistake.
func New(c Config, redirectURI string, onEvent func(context.Context, oauth.Event)) (*Provider, error) {
	l := c.layers()
	l.RedirectURI, l.OnEvent = redirectURI, onEvent
	mistakes := l.mistakes()
	client, err := oauth.New(l.Config)
	if err := errors.Join(append(mistakes, err)...); err != nil {
		return nil, err
	}
	return &Provider{
		Client: client,
		name:   l.Name,
		label:  cmp.Or(c.Label, c.Preset.Label, l.Name),
		realm:  l.realm,

		revocationEndsGrant: c.Preset.RevocationEndsGrant,

		offline: c.Offline,
		profile: l.profile,
		onEvent: onEvent,
	}, nil
}
