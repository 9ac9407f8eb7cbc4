// Package provider holds what each vendor needs, as data: endpoints, scopes,
// deviations from the standards, and where the user's identity is found.
//
// Most programs write one [Config] per provider. With a preset ([Google],
// [GitHub], [Entra]) it needs client id and secret; without one, an issuer
// makes it any OpenID Connect provider, and three URLs make it any OAuth 2.0
// server. A preset never weakens a check except through a named field of
// [oauth.Dialect]; adding a vendor means adding data, not code.
package provider

import (
	"maps"
	"slices"

	"github.com/wayleave/wayleave/oauth"
)

// Preset is what is known about a vendor. It is plain data; the functions that
// return presets make a new copy each time, which the caller may change.
//
// Some places may be written relative to another one, so that a Config that
// moves the one moves them too, and no token goes to the vendor's public host
// by mistake: Dialect.ResponseIssuer and EndSessionURL to AuthorizationURL,
// Dialect.RefreshURL and RevocationURL to TokenURL, and Call.URL to UserInfoURL.
type Preset struct {
	Name  string // default for Config.Name
	Label string // how people call the provider, such as "Google"

	// Issuer, Metadata and the URLs as in oauth.Config.
	Issuer           string
	Metadata         oauth.Metadata
	IssuerAliases    []string
	AuthorizationURL string
	TokenURL         string
	UserInfoURL      string
	JWKSURL          string
	RevocationURL    string
	EndSessionURL    string

	// RevocationEndsGrant: to revoke one token ends all that the user ever
	// granted to the app, on all devices and in kept grants too. Then nothing is
	// revoked at a logout.
	RevocationEndsGrant bool

	// Realm stands for the issuer in identities where the provider has none.
	// Empty, or where a Config moves AuthorizationURL to another host: the
	// origin of AuthorizationURL.
	Realm string

	ClientAuth oauth.ClientAuth
	// Scopes are asked for at sign-in.
	Scopes      []string
	AuthParams  map[string]string
	TokenParams map[string]string
	// RequireClaims are demanded of every ID token. A Config can add to them,
	// not replace them.
	RequireClaims map[string][]string
	// ClaimParams maps a claim that an app requires to the authorization
	// parameter by which the provider is told beforehand, such as hd. The
	// claim is checked all the same.
	ClaimParams map[string]string
	// Offline is what it takes to get a refresh token.
	Offline Offline

	Dialect oauth.Dialect
	Profile Profile
}

// Offline is what has to be asked for to get a refresh token.
type Offline struct {
	Scopes     []string
	AuthParams map[string]string
}

// clone copies all maps and slices, so that neither a preset nor a Config that
// is changed later changes a provider in use.
func (p Preset) clone() Preset {
	p.IssuerAliases = slices.Clone(p.IssuerAliases)
	p.Scopes = slices.Clone(p.Scopes)
	p.AuthParams = maps.Clone(p.AuthParams)
	p.TokenParams = maps.Clone(p.TokenParams)
	p.RequireClaims = cloneLists(p.RequireClaims)
	p.ClaimParams = maps.Clone(p.ClaimParams)
	p.Offline.Scopes = slices.Clone(p.Offline.Scopes)
	p.Offline.AuthParams = maps.Clone(p.Offline.AuthParams)
	p.Dialect.ScopeAliases = maps.Clone(p.Dialect.ScopeAliases)
	p.Dialect.ErrorCodes = maps.Clone(p.Dialect.ErrorCodes)
	p.Dialect.RefreshExpiryMembers = slices.Clone(p.Dialect.RefreshExpiryMembers)
	p.Dialect.CallbackParams = slices.Clone(p.Dialect.CallbackParams)
	p.Profile = p.Profile.clone()
	return p
}

func cloneLists(m map[string][]string) map[string][]string {
	out := maps.Clone(m)
	for name, list := range out {
		out[name] = slices.Clone(list)
	}
	return out
}
