package config

import (
	"fmt"
	"net/netip"
	"regexp"

	"go.yaml.in/yaml/v4"

	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/provider"
)

// entry is a Provider while it is read.
type entry struct {
	Provider
	dev development
}

type development struct {
	on    bool
	hosts []string
}

// providerShape: development comes first, because the secret looks at it.
var providerShape = object("an entry of providers", "a map with client_id and client_secret", []key[entry]{
	at("preset", oneOf("google", "github", "entra", "none"), func(p *entry) *string { return &p.Preset },
		"What is known about a vendor.").says("the entry's name, if it is one"),
	at("development", developmentShape, func(p *entry) *development { return &p.dev },
		"Permit http, loopback addresses and a bare secret, for this provider only: `true` for a provider on this machine, `{hosts: [keycloak]}` for one in a container network. Never in production.").says("false"),
	at("label", text("a name"), func(p *entry) *string { return &p.Label }, "What the sign-in page calls the provider.").says("the preset's, or the entry's name"),
	at("client_id", text("the client id of your registration"), func(p *entry) *string { return &p.ClientID }, "From your registration at the provider. Taken as it is written: no quotes needed.").must(),
	clientSecret(),
	at("client_auth", oneOf(oauth.ClientSecretBasic, oauth.ClientSecretPost, oauth.ClientAuthNone), func(p *entry) *oauth.ClientAuth { return &p.ClientAuth },
		"How the client authenticates at the token endpoint.").says("the preset's, or what the provider's metadata says"),
	at("issuer", text("an https URL"), func(p *entry) *string { return &p.Issuer }, "The issuer of an OpenID provider. Everything else is read from its metadata."),
	at("tenants", list(text("a tenant's id"), 1), func(p *entry) *[]string { return &p.Tenants }, "The tenants that may sign in, where the issuer holds `{tenantid}`; `*` is all."),
	at("authorize_url", text("an https URL"), func(p *entry) *string { return &p.AuthorizeURL }, "Of a provider without issuer, or instead of what the metadata says."),
	at("token_url", text("an https URL"), func(p *entry) *string { return &p.TokenURL }, "The same."),
	at("userinfo_url", text("an https URL"), func(p *entry) *string { return &p.UserInfoURL }, "Where an access token is exchanged for who the user is."),
	at("jwks_url", text("an https URL"), func(p *entry) *string { return &p.JWKSURL }, "The provider's keys."),
	at("revocation_url", text("an https URL"), func(p *entry) *string { return &p.RevocationURL }, "Where tokens are revoked."),
	at("end_session_url", text("an https URL"), func(p *entry) *string { return &p.EndSessionURL }, "Where a logout goes on at the provider."),
	at("scopes", list(text("a scope"), 1), func(p *entry) *[]string { return &p.Scopes }, "What is asked for at sign-in.").says("the preset's; openid, email, profile with an issuer"),
	at("more_scopes", list(text("a scope"), 1), func(p *entry) *[]string { return &p.MoreScopes }, "What is asked for besides, such as the scopes of an API."),
	at("require_scopes", list(text("a scope"), 1), func(p *entry) *[]string { return &p.RequireScopes }, "What has to be granted for a sign-in to succeed."),
	at("offline", boolean(), func(p *entry) *bool { return &p.Offline }, "Ask for a refresh token.").or("false"),
	at("auth_params", mapOf("a map of parameters", text("a value")), func(p *entry) *map[string]string { return &p.AuthParams }, "Parameters for the authorization URL, such as `prompt`."),
	at("require_claims", mapOf("a map from claims to values", list(text("a value"), 1)), func(p *entry) *map[string][]string { return &p.RequireClaims }, "Claims that every ID token must have, each with one of the values; `*` is any. Google Workspace: `{hd: acme.example}`."),
	at("require_logout_type", boolean(), func(p *entry) *bool { return &p.RequireLogoutType }, "Accept logout tokens only with the type logout+jwt.").or("false"),
	at("subject", text("a path such as userinfo.id"), func(p *entry) *string { return &p.Subject }, "Where the account's permanent id is, without OpenID Connect. Changing it makes every account another one."),
	at("groups", claimPath("groups"), func(p *entry) *string { return &p.Groups }, "The claim that holds the groups; dots lead into objects.").or("groups"),
	at("roles", claimPath("realm_access.roles"), func(p *entry) *string { return &p.Roles }, "The claim that holds the roles.").or("roles"),
	at("callback_path", basePath(), func(p *entry) *string { return &p.CallbackPath }, "The path of the redirect URI, where a registered one cannot change.").says("/auth/NAME/callback"),
	at("ca_file", filePath("the path of a PEM file"), func(p *entry) *string { return &p.CAFile }, "Certificate authorities for this provider, instead of the system's."),
	at("allow_addresses", list(prefix(), 1), func(p *entry) *[]netip.Prefix { return &p.AllowAddresses }, "Private addresses at which this provider may be."),
}, checkProvider)

func claimPath(example string) shape[string] {
	return matching("a claim such as "+example, `^[^.\s]+(\.[^.\s]+)*$`, "write names with dots between them", example)
}

var developmentShape = either(
	scalar("true or false", map[string]any{"type": "boolean"}, func(text string) (development, *fault) {
		if text != "true" && text != "false" {
			return development{}, &fault{}
		}
		return development{on: text == "true"}, nil
	}),
	object("development", "a map with hosts", []key[development]{
		at("hosts", list(matching("a host such as keycloak", `^[A-Za-z0-9]([A-Za-z0-9._-]{0,252})$`, "write the name alone, without scheme and port", "keycloak"), 1), func(v *development) *[]string { return &v.hosts },
			"Hosts that are treated like this machine.").must(),
	}, func(_ *decoder, _ found, v *development) { v.on = true }))

const maxProviders = 100

var nameRE = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)

// providersShape is a map whose order matters.
var providersShape = shape[[]Provider]{
	form: &form{what: "a map of providers, such as {google: {client_id: …, client_secret: file:…}}", values: providerShape.form, names: nameRE.String()},
	read: func(d *decoder, n *yaml.Node, path string, into *[]Provider) {
		n = d.open(n, path)
		const cure = "write an entry such as google: {client_id: …, client_secret: file:…}"
		switch {
		case n.Kind != yaml.MappingNode:
			d.unfit(n, path, "a map of providers", cure)
			return
		case len(n.Content) == 0:
			d.bad(n, path, "is empty", cure)
		case len(n.Content) > 2*maxProviders:
			d.bad(n, path, fmt.Sprintf("has %d entries, and %d at most are allowed", len(n.Content)/2, maxProviders), "")
			return
		}
		for _, p := range d.pairs(n, path) {
			at := join(path, shortened(p.name))
			if !nameRE.MatchString(p.name) {
				d.bad(p.key, at, "is no name for a provider", "use 1 to 32 lower-case letters, digits and hyphens, beginning with a letter")
			}
			e := entry{Provider: Provider{Name: p.name, Path: at}}
			providerShape.read(d, p.value, at, &e)
			*into = append(*into, e.Provider)
		}
	},
}

func checkProvider(d *decoder, f found, e *entry) {
	p := &e.Provider
	p.Development, p.DevelopmentHosts = e.dev.on, e.dev.hosts
	if !f.has("preset") {
		if _, known := presets[p.Name]; known {
			p.Preset = p.Name
		}
	} else if p.Preset == "none" {
		p.Preset = ""
	}
	if !nameRE.MatchString(p.Name) {
		return
	}
	for _, name := range []string{"preset", "development", "issuer", "authorize_url", "token_url", "scopes"} {
		if d.wrong(join(f.path, name)) { // what follows from it is no news
			return
		}
	}
	if p.Preset == "" && p.Issuer == "" && (p.AuthorizeURL == "" || p.TokenURL == "") {
		d.bad(f.n, f.path, "says nothing about where the provider is", "write issuer for an OpenID provider, authorize_url and token_url for another, or preset: google, github or entra")
		return
	}
	// The redirect URI is another one later, and as sound as this.
	_, err := provider.New(p.Config(), "https://app.invalid/auth/"+p.Name+"/callback", nil)
	for _, mistake := range configErrors(err) {
		name := keyOf(mistake.Field)
		n, path := f.at(name)
		if name == "" {
			path = f.path
		}
		if d.wrong(path) && name != "" {
			continue
		}
		d.bad(n, path, inKeys(mistake.Reason), inKeys(mistake.Cure))
	}
}

var presets = map[string]func() provider.Preset{"google": provider.Google, "github": provider.GitHub, "entra": provider.Entra}

// Config is the entry for package provider. RootCAs is left to the caller, who
// reads CAFile.
func (p Provider) Config() provider.Config {
	c := provider.Config{
		Name: p.Name, Label: p.Label,
		ClientID: p.ClientID, ClientSecret: p.ClientSecret, ClientAuth: p.ClientAuth,
		Issuer: p.Issuer, Tenants: p.Tenants,
		AuthorizationURL: p.AuthorizeURL, TokenURL: p.TokenURL, UserInfoURL: p.UserInfoURL, JWKSURL: p.JWKSURL,
		RevocationURL: p.RevocationURL, EndSessionURL: p.EndSessionURL,
		Scopes: p.Scopes, MoreScopes: p.MoreScopes, RequireScopes: p.RequireScopes,
		Offline: p.Offline, AuthParams: p.AuthParams, RequireClaims: p.RequireClaims, RequireLogoutType: p.RequireLogoutType,
		Subject: p.Subject, CallbackPath: p.CallbackPath,
		AllowAddresses: p.AllowAddresses, Development: p.Development, DevelopmentHosts: p.DevelopmentHosts,
	}
	if preset := presets[p.Preset]; preset != nil {
		c.Preset = preset()
	}
	return c
}
