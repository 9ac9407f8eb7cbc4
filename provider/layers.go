package provider

import (
	"cmp"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/wayleave/wayleave/oauth"
)

// layers is a Config laid over its preset: what package oauth is configured
// with, and what this package adds.
type layers struct {
	oauth.Config
	realm   string
	profile Profile
}

// layers shares no map and no slice with c.
func (c Config) layers() *layers {
	p := c.Preset.clone()
	if c.Issuer != "" && c.Issuer != p.Issuer {
		p.forgetIssuer()
	}
	l := &layers{Config: oauth.Config{
		Name:             c.EffectiveName(),
		Issuer:           cmp.Or(c.Issuer, p.Issuer),
		Metadata:         p.Metadata,
		Tenants:          c.Tenants,
		IssuerAliases:    p.IssuerAliases,
		AuthorizationURL: cmp.Or(c.AuthorizationURL, p.AuthorizationURL),
		TokenURL:         cmp.Or(c.TokenURL, p.TokenURL),
		UserInfoURL:      cmp.Or(c.UserInfoURL, p.UserInfoURL),
		JWKSURL:          cmp.Or(c.JWKSURL, p.JWKSURL),
		RevocationURL:    c.RevocationURL,
		EndSessionURL:    c.EndSessionURL,
		ClientID:         c.ClientID,
		ClientSecret:     c.ClientSecret,
		ClientAuth:       cmp.Or(c.ClientAuth, p.ClientAuth),
		TokenParams:      p.TokenParams,
		RequireScopes:    c.RequireScopes,
		RootCAs:          c.RootCAs,
		AllowAddresses:   c.AllowAddresses,
		Development:      c.Development,
		DevelopmentHosts: c.DevelopmentHosts,

		RequireLogoutType: c.RequireLogoutType,
	}}
	l.RevocationURL = cmp.Or(l.RevocationURL, resolve(l.TokenURL, p.RevocationURL))
	l.EndSessionURL = cmp.Or(l.EndSessionURL, resolve(l.AuthorizationURL, p.EndSessionURL))
	l.Scopes = c.scopes(p, l.Issuer)
	l.AuthParams = c.authParams(p, l.Scopes)
	l.RequireClaims = merged(cloneLists(c.RequireClaims), p.RequireClaims)
	l.Dialect = l.dialect(p.Dialect)
	l.realm = cmp.Or(l.Issuer, l.realmOf(p))
	l.profile = l.profileOf(p.Profile, c.Subject)
	return l
}

// forgetIssuer removes what is true of the preset's issuer alone. Credentials
// for another one must not go to its endpoints.
func (p *Preset) forgetIssuer() {
	p.IssuerAliases, p.Dialect.ResponseIssuer = nil, ""
	p.AuthorizationURL, p.TokenURL, p.UserInfoURL, p.JWKSURL = "", "", "", ""
	p.RevocationURL, p.EndSessionURL = "", ""
	if p.Metadata == oauth.MetadataNone {
		p.Metadata = ""
	}
}

// generic reports whether nothing is known about the vendor, so that what the
// standards say about offline access is tried.
func (p *Preset) generic() bool { return p.Name == "" }

func (c Config) scopes(p Preset, issuer string) []string {
	out := c.Scopes
	if len(out) == 0 {
		out = p.Scopes
	}
	if len(out) == 0 && issuer != "" {
		out = []string{"openid", "email", "profile"}
	}
	out = union(out, c.MoreScopes)
	if c.Offline {
		out = union(out, p.Offline.Scopes)
		if p.generic() && slices.Contains(out, "openid") {
			out = union(out, []string{"offline_access"}) // OpenID Connect Core section 11
		}
	}
	return out
}

// authParams are the preset's, those for offline access and those that tell
// the provider of required claims, and over all of them the configuration's.
func (c Config) authParams(p Preset, scopes []string) map[string]string {
	out := merged(p.AuthParams, nil)
	if c.Offline {
		out = merged(out, p.Offline.AuthParams)
		if p.generic() && slices.Contains(scopes, "offline_access") {
			out["prompt"] = "consent" // without it the scope is to be ignored (section 11)
		}
	}
	for claim, param := range p.ClaimParams {
		if values := c.RequireClaims[claim]; len(values) == 1 {
			out[param] = values[0]
		}
	}
	prompt := out["prompt"]
	out = merged(out, c.AuthParams)
	if c.Offline && prompt != "" && out["prompt"] != "none" {
		// Choosing an account must not lose the consent that brings the
		// refresh token.
		out["prompt"] = strings.Join(union(strings.Fields(prompt), strings.Fields(out["prompt"])), " ")
	}
	return out
}

// dialect completes what is relative, and leaves scopes alone that are asked
// for under the name by which they are granted.
func (l *layers) dialect(d oauth.Dialect) oauth.Dialect {
	d.ResponseIssuer = resolve(l.AuthorizationURL, d.ResponseIssuer)
	d.RefreshURL = resolve(l.TokenURL, d.RefreshURL)
	maps.DeleteFunc(d.ScopeAliases, func(granted, _ string) bool { return slices.Contains(l.Scopes, granted) })
	return d
}

// realmOf is what stands for the issuer of a provider that has none. The
// accounts of another host are other accounts, whatever the preset calls them.
func (l *layers) realmOf(p Preset) string {
	origin := originOf(l.AuthorizationURL)
	if p.AuthorizationURL != "" && originOf(p.AuthorizationURL) != origin {
		return origin
	}
	return cmp.Or(p.Realm, origin)
}

func (l *layers) profileOf(p Profile, subject string) Profile {
	if p.Subject == "" {
		p = oauthProfile()
		if l.openID() {
			p = openIDProfile()
		}
	}
	p.Subject = cmp.Or(subject, p.Subject)
	for i := range p.Calls {
		p.Calls[i].URL = resolve(l.UserInfoURL, p.Calls[i].URL)
	}
	return p
}

func (l *layers) openID() bool { return slices.Contains(l.Scopes, "openid") }

// merged returns the entries of both, those of over winning.
func merged[V any](under, over map[string]V) map[string]V {
	out := map[string]V{}
	maps.Copy(out, under)
	maps.Copy(out, over)
	return out
}

func union(a, b []string) []string {
	out := slices.Clone(a)
	for _, s := range b {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// resolve completes a reference (RFC 3986 section 5.2). What cannot be
// completed stays as it is, and is refused as a URL later.
func resolve(base, ref string) string {
	b, err := url.Parse(base)
	if err != nil || base == "" || ref == "" {
		return ref
	}
	u, err := b.Parse(ref)
	if err != nil {
		return ref
	}
	return u.String()
}

func originOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return raw
	}
	return u.Scheme + "://" + strings.ToLower(u.Host)
}
