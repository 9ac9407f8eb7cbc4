package oauth2proxy

import (
	"cmp"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// vendor is what one of their provider types needs here.
type vendor struct {
	name string // of our entry; google, github and entra are presets
	// issuer, where theirs has one by default.
	issuer string
	// sub: their user is the claim sub, which ours can send as well.
	sub bool
	// says what is special, if anything.
	says string
}

var vendors = map[string]vendor{
	"google":        {name: "google", sub: true},
	"github":        {name: "github"},
	"azure":         {name: "entra", says: "sign-in is by the entra preset; an address counts only with the claim xms_edov, and groups are those of the ID token"},
	"entra-id":      {name: "entra", sub: true, says: "sign-in is by the entra preset; an address counts only with the claim xms_edov, and groups are those of the ID token"},
	"oidc":          {name: "oidc", sub: true},
	"keycloak-oidc": {name: "keycloak", sub: true},
	"keycloak":      {name: "keycloak", says: "sign-in is by OpenID Connect: the client needs the scope openid"},
	"gitlab":        {name: "gitlab", issuer: "https://gitlab.com", says: "sign-in is by OpenID Connect: the application needs the scopes openid, profile and email"},
	"adfs":          {name: "adfs", sub: true},
	"cidaas":        {name: "cidaas", sub: true},
	"login.gov":     {name: "login-gov", says: "login.gov asks clients for a signed assertion, which is not supported"},
	"bitbucket":     {name: "bitbucket"},
	"digitalocean":  {name: "digitalocean"},
	"facebook":      {name: "facebook"},
	"linkedin":      {name: "linkedin"},
	"nextcloud":     {name: "nextcloud"},
	"sourcehut":     {name: "sourcehut"},
}

// vendor returns the type of their provider. Theirs is google by default.
func (c *conversion) vendor() vendor {
	v, ok := vendors[strings.ToLower(cmp.Or(c.text("provider"), "google"))]
	if !ok {
		return vendor{name: "oidc", says: "it is not a provider of oauth2-proxy " + Version + "; it is taken for an OpenID provider"}
	}
	return v
}

// realm finds the issuer of a Keycloak in the address of its login page.
var realm = regexp.MustCompile(`^(https?://.+/realms/[^/]+)/protocol/openid-connect/auth$`)

func (c *conversion) provider() entries {
	v := c.vendor()
	if v.says != "" {
		c.tell("provider", Changed, "%s", v.says)
	}
	var p entries
	p.addIf("label", c.text("provider-display-name"))
	id := c.text("client-id")
	if !clientIDForm.MatchString(id) {
		c.tell("client-id", Unknown, "it is missing, or none: replace CLIENT-ID")
		id = "CLIENT-ID"
	}
	p.add("client_id", id)
	p.add("client_secret", c.clientSecret())
	p = append(p, c.place(v)...)
	p = append(p, c.development()...)
	p = append(p, c.scopes(v)...)
	p.addIf("auth_params", c.authParams())
	if groups := c.text("oidc-groups-claim"); groups != "" && groups != "groups" {
		if dotted.MatchString(groups) {
			p.add("groups", groups)
		} else {
			c.tell("oidc-groups-claim", NoEquivalent, "the name has signs that a path of claims cannot have; let the provider send groups under a plain name")
		}
	}
	if slices.ContainsFunc(c.list("allowed-role"), func(r string) bool { return !strings.Contains(r, ":") }) {
		p.add("roles", "realm_access.roles")
	}
	if files := c.list("provider-ca-file"); len(files) > 0 {
		p.add("ca_file", files[0])
		if len(files) > 1 {
			c.tell("provider-ca-file", Changed, "one file is read: append the others to the first")
		}
	}
	p.add("callback_path", c.callback())
	return entries{{key: v.name, value: p}}
}

var clientIDForm = regexp.MustCompile(`^[!#-\[\]-~]([ !#-\[\]-~]{0,190}[!#-\[\]-~])?$`)

var dotted = regexp.MustCompile(`^[A-Za-z0-9_:-]+(\.[A-Za-z0-9_:-]+)*$`)

func (c *conversion) clientSecret() string {
	file := c.text("client-secret-file")
	if c.given["client-secret"] == nil {
		if file != "" {
			return "file:" + file
		}
		c.tell("client-secret", Changed, "it is not set there: put it into %s, mode 0600", secretFile)
	}
	return "file:" + secretFile
}

// place says where the provider is: a preset, an issuer, or the addresses of a
// plain OAuth 2.0 server.
func (c *conversion) place(v vendor) entries {
	var p entries
	issuer := c.endpoint("oidc-issuer-url")
	switch {
	case v.name == "entra":
		return entries{{key: "tenants", value: c.tenants()}}
	case v.name == "google" && strings.TrimSuffix(issuer, "/") == "https://accounts.google.com", v.name == "github":
		issuer = ""
	case issuer == "" && c.has("login-url"):
		if m := realm.FindStringSubmatch(c.text("login-url")); m != nil && v.name == "keycloak" && plainURL(m[1]) {
			c.endpoint("login-url") // for its scheme
			c.tell("login-url", Changed, "the issuer is made from it")
			c.quiet("redeem-url", "profile-url")
			return entries{{key: "issuer", value: m[1]}}
		}
	}
	if issuer == "" && !c.has("login-url") {
		issuer = v.issuer
	}
	p.addIf("issuer", issuer)
	p.addIf("authorize_url", c.endpoint("login-url"))
	p.addIf("token_url", c.endpoint("redeem-url"))
	p.addIf("userinfo_url", c.endpoint("profile-url"))
	p.addIf("jwks_url", c.endpoint("oidc-jwks-url"))
	if preset := v.name == "google" || v.name == "github"; issuer != "" || preset {
		return p
	}
	if c.endpoint("login-url") != "" && c.endpoint("redeem-url") != "" {
		if c.endpoint("profile-url") == "" {
			p.add("userinfo_url", "https://id.example.invalid/userinfo")
		}
		p.add("subject", "userinfo.id")
		c.plain = true
		c.tell("provider", Changed, "without issuer it is a plain OAuth 2.0 server: check that userinfo_url says who the person is, and that subject names their permanent identifier there")
		return p
	}
	c.tell("oidc-issuer-url", NoEquivalent, "there is no preset for this provider: replace id.example.invalid by its issuer, or write authorize_url, token_url, userinfo_url and subject")
	return entries{{key: "issuer", value: "https://id.example.invalid"}}
}

// quiet: another note says what there is to say.
func (c *conversion) quiet(flags ...string) {
	for _, flag := range flags {
		if v := c.given[flag]; v != nil {
			v.noted = true
		}
	}
}

func plainURL(raw string) bool {
	u, err := url.Parse(raw)
	return err == nil && plainHost(u.Host) && u.User == nil && u.RawQuery == ""
}

// development is needed for http.
func (c *conversion) development() entries {
	hosts := slices.DeleteFunc(slices.Clone(c.insecure), loopback)
	switch {
	case len(c.insecure) == 0:
		return nil
	case len(hosts) == 0:
		return entries{{"development", true, "since its address is http"}}
	}
	return entries{{key: "development", value: entries{{"hosts", hosts, "since its address is http"}}}}
}
