package provider_test

import (
	"strings"
	"testing"

	"github.com/wayleave/wayleave/internal/vendorfakes"
	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/provider"
)

// atEntra configures the preset for the fake, with its templated issuer.
func atEntra(e *vendorfakes.Entra, change ...func(*provider.Config)) provider.Config {
	c := provider.Config{Preset: provider.Entra(), Issuer: e.Issuer("{tenantid}"), Tenants: []string{vendorfakes.EntraTenant},
		ClientID: vendorfakes.ClientID, ClientSecret: secret(), Development: true}
	for _, f := range change {
		f(&c)
	}
	return c
}

func anyTenant(c *provider.Config) { c.Tenants = []string{"*"} }

func TestEntraSignIn(t *testing.T) {
	for name, change := range map[string]func(*provider.Config){
		"one tenant":      func(*provider.Config) {},
		"several tenants": func(c *provider.Config) { c.Tenants = []string{vendorfakes.EntraOtherTenant, vendorfakes.EntraTenant} },
		"one tenant, in capitals": func(c *provider.Config) {
			c.Tenants = []string{vendorfakes.EntraOtherTenant, strings.ToUpper(vendorfakes.EntraTenant)}
		},
		"all tenants": anyTenant,
		"the issuer of a tenant": func(c *provider.Config) {
			c.Issuer, c.Tenants = strings.Replace(c.Issuer, "{tenantid}", vendorfakes.EntraTenant, 1), nil
		},
		"one tenant, offline":         offline,
		"one tenant, another subject": func(c *provider.Config) { c.Subject = "id_token.oid" },
	} {
		t.Run(name, func(t *testing.T) {
			e := vendorfakes.NewEntra(t)
			c := atEntra(e, change)
			l := begin(t, c)
			id := l.mustIdentify()
			wantEqual(t, "issuer", id.Issuer, e.Issuer(vendorfakes.EntraTenant))
			wantEqual(t, "name", id.Name, "Mara Lind")
			subject := "AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ"
			if c.Subject != "" {
				subject = "0f8fad5b-d9cb-469f-a165-70867728950e"
			}
			wantEqual(t, "subject", id.Subject, subject)
			wantEqual(t, "ID", id.ID, provider.IDOf(id.Issuer, subject))
			wantEqual(t, "userinfo requests", len(e.Requests("/oidc/userinfo")), 0)
			wantEqual(t, "scope", l.url.Query().Get("scope"), map[bool]string{true: "openid email profile offline_access", false: "openid email profile"}[c.Offline])
			wantEqual(t, "prompt", l.url.Query().Has("prompt"), false)
		})
	}
}

func TestA201_A313_EntraEmail(t *testing.T) {
	for _, tt := range []struct {
		name  string
		claim any
		want  bool
	}{
		{"A201 nothing is said", nil, false},
		{"A313 true", true, true},
		{"A313 one as text", "1", true},
		{"A313 one", 1, true},
		{"A313 true as text", "true", true},
		{"A313 false", false, false},
		{"A313 zero as text", "0", false},
		{"A313 zero", 0, false},
		{"A313 other text", "True", false},
		{"A313 a list", []bool{true}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := vendorfakes.NewEntra(t)
			// Whoever runs a tenant writes what they like into it.
			e.Change(func(b *vendorfakes.EntraBehaviour) {
				b.Account.Email, b.Account.Username, b.Account.DomainVerified = "victim@corp.example", "victim@corp.example", tt.claim
			})
			id := begin(t, atEntra(e, anyTenant)).mustIdentify()
			wantEqual(t, "e-mail", id.Email, "victim@corp.example")
			wantEqual(t, "verified", id.EmailVerified, tt.want)
		})
	}
	t.Run("A210 a user name is no e-mail", func(t *testing.T) {
		e := vendorfakes.NewEntra(t)
		e.Change(func(b *vendorfakes.EntraBehaviour) { b.Account.Email, b.Account.DomainVerified = "", true })
		id := begin(t, atEntra(e)).mustIdentify()
		wantEqual(t, "e-mail", id.Email, "")
		wantEqual(t, "verified", id.EmailVerified, false)
	})
}

func TestA311_EntraTenants(t *testing.T) {
	foreign := func(b *vendorfakes.EntraBehaviour) { b.Account.Tenant = vendorfakes.EntraOtherTenant }
	t.Run("A311 one that is not listed", func(t *testing.T) {
		e := vendorfakes.NewEntra(t)
		e.Change(foreign)
		_, err := begin(t, atEntra(e)).identify()
		wantRefused(t, err, oauth.CheckIssuer, oauth.FaultDenied,
			"id-token-issuer: the account is of a tenant that may not sign in here (expected one of the tenants that may sign in, got "+vendorfakes.EntraOtherTenant+"); add the tenant to Tenants if it should")
	})
	t.Run("A311 the same person in two tenants is two accounts", func(t *testing.T) {
		e := vendorfakes.NewEntra(t)
		here := begin(t, atEntra(e, anyTenant)).mustIdentify()
		e.Change(foreign)
		there := begin(t, atEntra(e, anyTenant)).mustIdentify()
		wantEqual(t, "subject", here.Subject, there.Subject)
		if here.ID == there.ID {
			t.Error("they have one ID")
		}
	})
	t.Run("A311 an issuer of another tenant than the token's", func(t *testing.T) {
		e := vendorfakes.NewEntra(t)
		e.Change(func(b *vendorfakes.EntraBehaviour) { b.TokenTenant = vendorfakes.EntraOtherTenant })
		_, err := begin(t, atEntra(e, anyTenant)).identify()
		wantEqual(t, "check", oauth.CheckOf(err), oauth.CheckIssuer)
		wantEqual(t, "fault", oauth.FaultOf(err), oauth.FaultProvider)
	})
	t.Run("A312 a key that is bound to another tenant", func(t *testing.T) {
		e := vendorfakes.NewEntra(t)
		e.Change(func(b *vendorfakes.EntraBehaviour) { b.KeyIssuer = e.Issuer(vendorfakes.EntraOtherTenant) })
		_, err := begin(t, atEntra(e)).identify()
		wantEqual(t, "check", oauth.CheckOf(err), oauth.CheckKey)
		wantEqual(t, "fault", oauth.FaultOf(err), oauth.FaultProvider)
	})
	t.Run("A312 a key that is bound to the tenant", func(t *testing.T) {
		e := vendorfakes.NewEntra(t)
		e.Change(func(b *vendorfakes.EntraBehaviour) { b.KeyIssuer = e.Issuer(vendorfakes.EntraTenant) })
		begin(t, atEntra(e)).mustIdentify()
	})
	t.Run("A311 an alias is an issuer, and the template none", func(t *testing.T) {
		e := vendorfakes.NewEntra(t)
		e.Change(func(b *vendorfakes.EntraBehaviour) { b.TokenTenant = vendorfakes.EntraOtherTenant })
		c := atEntra(e)
		c.Preset.Issuer, c.Preset.IssuerAliases = c.Issuer, []string{e.Issuer(vendorfakes.EntraOtherTenant)}
		e.Change(func(b *vendorfakes.EntraBehaviour) { b.KeyIssuer = e.Issuer(vendorfakes.EntraOtherTenant) })
		wantEqual(t, "issuer", begin(t, c).mustIdentify().Issuer, e.Issuer(vendorfakes.EntraOtherTenant))
	})
	t.Run("none is listed", func(t *testing.T) {
		_, err := provider.New(provider.Config{Preset: provider.Entra(), ClientID: "c", ClientSecret: secret()}, redirectURI, nil)
		wantMistakes(t, err, `provider entra: Tenants: is empty although the issuer is a template; list the tenants that may sign in, or "*"`)
	})
}

func TestEntraRefresh(t *testing.T) {
	e := vendorfakes.NewEntra(t)
	l := begin(t, atEntra(e, offline))
	first := l.mustTokens()
	second, err := l.p.Client.Refresh(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	wantEqual(t, "the same refresh token", second.RefreshToken.Reveal() == first.RefreshToken.Reveal(), false)
	if _, err := l.p.Client.Refresh(t.Context(), first); err != nil {
		t.Errorf("the old one goes on working there: %v", err)
	}
	if tokens := begin(t, atEntra(e)).mustTokens(); !tokens.RefreshToken.IsZero() {
		t.Error("a refresh token came that was not asked for")
	}
}

func TestEntraErrors(t *testing.T) {
	e := vendorfakes.NewEntra(t)
	_, err := begin(t, atEntra(e, func(c *provider.Config) { c.ClientSecret = oauth.NewSecret("wrong") })).tokens()
	wantRefused(t, err, oauth.CheckTokenAnswer, oauth.FaultProvider,
		`token-answer: the provider refused (expected tokens, got invalid_client): the provider says invalid_client: "AADSTS7000215: Invalid client secret provided."; `+
			"compare client id, client secret and the way of client authentication with the registration at the provider")
}
