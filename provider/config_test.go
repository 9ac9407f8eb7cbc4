package provider_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/provider"
)

// wantMistakes fails unless err joins exactly these, each an *oauth.ConfigError.
func wantMistakes(t testing.TB, err error, want ...string) {
	t.Helper()
	var got []string
	for _, e := range flatten(err) {
		if _, ok := errors.AsType[*oauth.ConfigError](e); !ok {
			t.Errorf("%v is a %T", e, e)
		}
		got = append(got, e.Error())
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("mistakes\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func flatten(err error) []error {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var out []error
	for _, e := range joined.Unwrap() {
		out = append(out, flatten(e)...)
	}
	return out
}

// google, github, generic and legacy are configurations without mistake.
func google() provider.Config {
	return provider.Config{Preset: provider.Google(), ClientID: "c", ClientSecret: secret()}
}

func gitHub() provider.Config {
	return provider.Config{Preset: provider.GitHub(), ClientID: "c", ClientSecret: secret()}
}

func generic() provider.Config {
	return provider.Config{Name: "acme", Issuer: "https://id.acme.example", ClientID: "c", ClientSecret: secret()}
}

func legacy() provider.Config {
	return provider.Config{Name: "legacy", AuthorizationURL: "https://old.example/authorize", TokenURL: "https://old.example/token", UserInfoURL: "https://old.example/me", ClientID: "c", ClientSecret: secret()}
}

func withProfile(c provider.Config, p provider.Profile) provider.Config {
	c.Preset.Profile = p
	return c
}

func TestConfigMistakes(t *testing.T) {
	changed := func(c provider.Config, change func(*provider.Config)) provider.Config {
		change(&c)
		return c
	}
	for _, tt := range []struct {
		name   string
		config provider.Config
		want   []string
	}{
		{"Google", google(), nil},
		{"GitHub", gitHub(), nil},
		{"any OpenID provider", generic(), nil},
		{"any OAuth 2.0 server", legacy(), nil},
		{"nothing", provider.Config{}, []string{
			"Name: must be 1 to 32 lower-case letters, digits and hyphens, beginning with a letter; choose a name such as google",
			"ClientID: is missing; copy it from the registration at the provider",
			"Issuer: is missing, and so is AuthorizationURL or TokenURL; set the issuer of an OpenID provider, or both URLs of an OAuth 2.0 server",
		}},
		{"no userinfo", changed(legacy(), func(c *provider.Config) { c.UserInfoURL = "" }), []string{
			"provider legacy: UserInfoURL: is missing, and without an issuer there is no other way to know who the user is; set the URL that answers who an access token belongs to",
		}},
		{"no userinfo, no openid, no metadata", changed(generic(), func(c *provider.Config) {
			c.AuthorizationURL, c.TokenURL, c.Scopes = "https://id.acme.example/a", "https://id.acme.example/t", []string{"email"}
		}), []string{
			"provider acme: UserInfoURL: is missing, and without an issuer there is no other way to know who the user is; set the URL that answers who an access token belongs to",
		}},
		{"a public client of a vendor that wants a secret", changed(google(), func(c *provider.Config) { c.ClientSecret = oauth.Secret{} }), []string{
			"provider google: ClientSecret: is missing, and ClientAuth is client_secret_post; copy it from the registration at the provider",
		}},
		{"Google without openid", changed(google(), func(c *provider.Config) { c.Scopes = []string{"email"} }), []string{
			"provider google: Scopes: lack openid, and without an ID token there is no id_token.sub; add openid",
		}},
		{"POL-05 required claims without an ID token", changed(gitHub(), func(c *provider.Config) { c.RequireClaims = map[string][]string{"hd": {"acme.example"}} }), []string{
			"provider github: RequireClaims: cannot be checked: only an ID token has claims, and openid is not among the scopes; ask for openid, or check the identity in OnSignIn",
		}},
		{"tenants without a template", changed(google(), func(c *provider.Config) { c.Tenants = []string{"acme"} }), []string{
			"provider google: Tenants: restrict nothing, because the issuer is no template; leave them out, or require the claim that names the tenant",
		}},
		{"USR-05 another subject than the ID token's", changed(generic(), func(c *provider.Config) { c.Subject = "userinfo.id" }), []string{
			"provider acme: Subject: is userinfo.id, which is not part of the ID token; use id_token.sub, or leave openid out of the scopes",
		}},
		{"USR-05 a subject that is half the ID token's", changed(generic(), func(c *provider.Config) { c.Subject = "id_token.tid userinfo.id" }), []string{
			"provider acme: Subject: is id_token.tid userinfo.id, which is not part of the ID token; use id_token.sub, or leave openid out of the scopes",
		}},
		{"a subject from userinfo that is skipped", withProfile(legacy(), provider.Profile{Subject: "userinfo.id", SkipUserInfo: true}), []string{
			"provider legacy: Subject: is userinfo.id, and the preset skips userinfo",
		}},
		{"a parameter of the flow", changed(google(), func(c *provider.Config) { c.AuthParams = map[string]string{"state": "x"} }), []string{
			"provider google: AuthParams: must not set state; that parameter belongs to the flow",
		}},
		{"http", changed(legacy(), func(c *provider.Config) { c.TokenURL = "http://old.example/token" }), []string{
			`provider legacy: TokenURL: URL "http://old.example/token" must be https (http is for development, on this machine or a host listed for it); use https, or set Development for a provider on this machine`,
		}},
		{"paths that lead nowhere", withProfile(legacy(), provider.Profile{
			Subject: "user.id", Name: []string{"userinfo.name users.name"}, Picture: []string{"https://cdn.example/{picture}"},
			Emails: []provider.EmailRule{{Address: "mail.address", Verified: []string{"mail.verified"}}},
		}), []string{
			`provider legacy: Subject: has the path "user.id", which begins with none of id_token, userinfo, token`,
			`provider legacy: Preset.Profile.Emails: has the path "mail.address", which begins with none of id_token, userinfo, token`,
			`provider legacy: Preset.Profile.Emails: has the path "mail.verified", which begins with none of id_token, userinfo, token`,
			`provider legacy: Preset.Profile.Name: has the path "users.name", which begins with none of id_token, userinfo, token`,
			`provider legacy: Preset.Profile.Picture: has the path "picture", which begins with none of id_token, userinfo, token`,
		}},
		{"paths that are malformed", withProfile(legacy(), provider.Profile{
			Subject: "userinfo..id", Name: []string{"userinfo[a", "userinfo.a[]", "userinfo.a[b]c", "userinfo.a[b].c[d]", "userinfo.a[b,]"},
		}), []string{
			`provider legacy: Subject: has the path "userinfo..id", which is malformed; write names with dots between them, and at most one filter such as emails[primary].email`,
			`provider legacy: Preset.Profile.Name: has the path "userinfo[a", which is malformed; write names with dots between them, and at most one filter such as emails[primary].email`,
			`provider legacy: Preset.Profile.Name: has the path "userinfo.a[]", which is malformed; write names with dots between them, and at most one filter such as emails[primary].email`,
			`provider legacy: Preset.Profile.Name: has the path "userinfo.a[b]c", which is malformed; write names with dots between them, and at most one filter such as emails[primary].email`,
			`provider legacy: Preset.Profile.Name: has the path "userinfo.a[b].c[d]", which is malformed; write names with dots between them, and at most one filter such as emails[primary].email`,
			`provider legacy: Preset.Profile.Name: has the path "userinfo.a[b,]", which is malformed; write names with dots between them, and at most one filter such as emails[primary].email`,
		}},
		{"A200 an address vouched for by another place", withProfile(generic(), provider.Profile{
			Subject: "id_token.sub", Emails: []provider.EmailRule{{Address: "userinfo.email", Verified: []string{"userinfo.a", "id_token.email_verified"}}},
		}), []string{
			"provider acme: Preset.Profile.Emails: id_token.email_verified cannot vouch for userinfo.email; take both from the same answer",
		}},
		{"calls", withProfile(legacy(), provider.Profile{Subject: "userinfo.id", Calls: []provider.Call{
			{Name: "a", URL: "more"}, {Name: "a", URL: "https://old.example/x"}, {Name: "id_token", URL: "/y"}, {Name: "B", URL: "http://old.example/z"}, {Name: "", URL: "//other.example/y"},
		}}), []string{
			"provider legacy: Preset.Profile.Calls: has the name a, which is taken; give each answer a name of its own",
			"provider legacy: Preset.Profile.Calls: has the name id_token, which is taken; give each answer a name of its own",
			`provider legacy: Preset.Profile.Calls: has the name "B", which is not made of small letters, digits and underscores`,
			`provider legacy: Preset.Profile.Calls: URL "http://old.example/z" must be https (http is for development, on this machine or a host listed for it); use an https URL, or one relative to UserInfoURL where that is set`,
			`provider legacy: Preset.Profile.Calls: has the name "", which is not made of small letters, digits and underscores`,
		}},
		{"a relative call without userinfo", withProfile(generic(), provider.Profile{Subject: "id_token.sub", Calls: []provider.Call{{Name: "a", URL: "more"}}}), []string{
			`provider acme: Preset.Profile.Calls: URL "more" is not an absolute https URL; use an https URL, or one relative to UserInfoURL where that is set`,
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := provider.New(tt.config, redirectURI, nil)
			wantMistakes(t, err, tt.want...)
		})
	}
}

func TestNames(t *testing.T) {
	for _, tt := range []struct{ name, label, wantName, wantLabel string }{
		{"", "", "google", "Google"},
		{"work", "", "work", "Google"},
		{"", "Work", "google", "Work"},
		{"work", "Our Google", "work", "Our Google"},
	} {
		c := google()
		c.Name, c.Label = tt.name, tt.label
		p, err := provider.New(c, redirectURI, nil)
		if err != nil {
			t.Fatal(err)
		}
		wantEqual(t, "name", p.Name(), tt.wantName)
		wantEqual(t, "effective name", c.EffectiveName(), tt.wantName)
		wantEqual(t, "label", p.Label(), tt.wantLabel)
		wantEqual(t, "realm", p.Realm(), "https://accounts.google.com")
	}
	p, err := provider.New(legacy(), redirectURI, nil)
	if err != nil {
		t.Fatal(err)
	}
	wantEqual(t, "label without preset", p.Label(), "legacy")
	wantEqual(t, "realm without issuer", p.Realm(), "https://old.example")
	wantEqual(t, "redirect URI", p.Client.RedirectURI(), redirectURI)
}

// authorization returns the parameters that a configuration leads to.
func authorization(t *testing.T, c provider.Config) url.Values {
	t.Helper()
	r := record(t, nil)
	r.set("https://id.acme.example/.well-known/openid-configuration", answer{body: marshal(t, map[string]string{
		"issuer": r.at("https://id.acme.example"), "authorization_endpoint": r.at("https://id.acme.example/authorize"),
		"token_endpoint": r.at("https://id.acme.example/token"), "jwks_uri": r.at("https://id.acme.example/keys"),
	})})
	return r.login(c).url.Query()
}

func TestOfflineWithoutPreset(t *testing.T) {
	for _, tt := range []struct {
		name          string
		config        func() provider.Config
		change        func(*provider.Config)
		scope, prompt string
	}{
		{"not asked for", generic, func(*provider.Config) {}, "openid email profile", ""},
		{"by the scope, and consent with it", generic, offline, "openid email profile offline_access", "consent"},
		{"the scope is there already", generic, func(c *provider.Config) {
			c.Offline, c.MoreScopes = true, []string{"offline_access", "api"}
		}, "openid email profile offline_access api", "consent"},
		{"and an account is to be chosen", generic, func(c *provider.Config) {
			c.Offline, c.AuthParams = true, map[string]string{"prompt": "select_account"}
		}, "openid email profile offline_access", "consent select_account"},
		{"by other scopes", generic, func(c *provider.Config) {
			c.Scopes, c.Offline = []string{"openid"}, true
		}, "openid offline_access", "consent"},
		{"what a preset always asks for gives way", generic, func(c *provider.Config) {
			c.Preset.AuthParams, c.AuthParams = map[string]string{"prompt": "consent"}, map[string]string{"prompt": "select_account"}
		}, "openid email profile", "select_account"},
		{"plain OAuth 2.0 has no such scope", legacy, offline, "", ""},
		{"plain OAuth 2.0 with scopes of its own", legacy, func(c *provider.Config) {
			c.Scopes, c.MoreScopes, c.Offline = []string{"read"}, []string{"write", "read"}, true
		}, "read write", ""},
		{"GitHub has none", gitHub, offline, "read:user user:email", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := tt.config()
			tt.change(&c)
			q := authorization(t, c)
			wantEqual(t, "scope", q.Get("scope"), tt.scope)
			wantEqual(t, "prompt", q.Get("prompt"), tt.prompt)
		})
	}
}

func TestPresetsAreNotShared(t *testing.T) {
	t.Run("two of one kind", func(t *testing.T) {
		spoil(provider.Google())
		spoil(provider.GitHub())
		spoil(provider.Entra())
		for _, p := range []provider.Preset{provider.Google(), provider.GitHub(), provider.Entra()} {
			if text := marshal(t, p); strings.Contains(text, "spoiled") {
				t.Errorf("spoiled: %s", text)
			}
		}
	})
	t.Run("with a provider in use", func(t *testing.T) {
		r := record(t, map[string]answer{
			"https://vendor.example/token":  {body: `{"access_token":"at-1","token_type":"Bearer","scope":"long,b"}`},
			"https://vendor.example/me":     {body: `{"id":"1","name":"Mara","email":"mara@home.example","ok":true}`},
			"https://vendor.example/emails": {body: `[]`},
		})
		preset := plainPreset(provider.Profile{
			Header: map[string]string{"X-A": "a"}, Calls: []provider.Call{{Name: "emails", URL: r.at("https://vendor.example/emails")}}, Subject: "userinfo.id",
			Name: []string{"userinfo.name"}, Emails: []provider.EmailRule{{Address: "userinfo.email", Verified: []string{"userinfo.ok"}, AlsoTrue: []string{"1"}}},
		})
		preset.Scopes, preset.Dialect.ResponseScopeSeparators, preset.Dialect.ScopeAliases = []string{"short", "b"}, ",", map[string]string{"long": "short"}
		preset.AuthParams, preset.TokenParams = map[string]string{"x": "1"}, map[string]string{"y": "2"}
		c := provider.Config{Preset: preset, MoreScopes: []string{"more"}, RequireScopes: []string{"short"}, AuthParams: map[string]string{"z": "3"}}
		l := r.login(c)
		spoil(preset)
		c.MoreScopes[0], c.RequireScopes[0], c.AuthParams["z"] = "spoiled", "spoiled", "spoiled"
		l.again()
		if strings.Contains(l.url.String(), "spoiled") {
			t.Errorf("authorization URL %s", l.url)
		}
		id, err := l.identifyWithoutBrowser()
		if err != nil {
			t.Fatal(err)
		}
		wantEqual(t, "name", id.Name, "Mara")
		wantEqual(t, "verified", id.EmailVerified, true)
		wantEqual(t, "header", r.got("https://vendor.example/me").Header.Get("X-A"), "a")
		wantEqual(t, "token parameter", r.got("https://vendor.example/token").Form.Get("y"), "2")
	})
	t.Run("a preset is not completed in place", func(t *testing.T) {
		c := gitHub()
		if _, err := provider.New(c, redirectURI, nil); err != nil {
			t.Fatal(err)
		}
		wantEqual(t, "URL", c.Preset.Profile.Calls[0].URL, "user/emails")
		wantEqual(t, "issuer", c.Preset.Dialect.ResponseIssuer, "/login/oauth")
	})
	t.Run("required claims", func(t *testing.T) {
		claims := map[string][]string{"hd": {"acme.example"}}
		l := openIDLogin(t, `{"sub":"1","hd":"acme.example"}`, `{"sub":"1"}`, func(c *provider.Config) { c.RequireClaims = claims })
		claims["hd"][0] = "spoiled"
		if _, err := l.identifyWithoutBrowser(); err != nil {
			t.Error(err)
		}
	})
}

// spoil changes everything in a preset that can be shared.
func spoil(p provider.Preset) {
	for _, m := range []map[string]string{p.AuthParams, p.TokenParams, p.ClaimParams, p.Offline.AuthParams, p.Dialect.ScopeAliases, p.Profile.Header} {
		for name := range m {
			m[name] = "spoiled"
		}
	}
	for _, list := range [][]string{p.IssuerAliases, p.Scopes, p.Offline.Scopes, p.Dialect.RefreshExpiryMembers, p.Dialect.CallbackParams, p.Profile.Name, p.Profile.Picture} {
		for i := range list {
			list[i] = "spoiled"
		}
	}
	for i := range p.Profile.Calls {
		p.Profile.Calls[i].URL = "spoiled"
	}
	for i := range p.Profile.Emails {
		p.Profile.Emails[i].Address = "spoiled"
		for j := range p.Profile.Emails[i].Verified {
			p.Profile.Emails[i].Verified[j] = "spoiled"
		}
	}
}

func TestAnotherIssuerHasNothingOfThePresets(t *testing.T) {
	preset := plainPreset(provider.Profile{Subject: "id_token.sub"})
	preset.Issuer, preset.JWKSURL, preset.Scopes = "https://vendor.example", "https://vendor.example/keys", []string{"openid"}
	preset.Dialect.ResponseIssuer = "https://vendor.example"
	r := record(t, nil)
	r.set("https://id.acme.example/.well-known/openid-configuration", answer{body: marshal(t, map[string]string{
		"issuer": r.at("https://id.acme.example"), "authorization_endpoint": r.at("https://id.acme.example/authorize"),
		"token_endpoint": r.at("https://id.acme.example/token"), "jwks_uri": r.at("https://id.acme.example/keys"),
	})})
	l := r.login(provider.Config{Preset: preset, Issuer: "https://id.acme.example"})
	wantEqual(t, "authorization endpoint", l.url.Path, "/id.acme.example/authorize")
	for iss, refused := range map[string]bool{r.at("https://id.acme.example"): false, r.at("https://vendor.example"): true} {
		_, err := l.check(&url.URL{Path: "/cb", RawQuery: url.Values{"code": {"c"}, "state": {l.pending.State()}, "iss": {iss}}.Encode()})
		wantEqual(t, iss+" is refused", oauth.CheckOf(err) == oauth.CheckResponseIssuer, refused)
	}
}

func TestDevelopment(t *testing.T) {
	const insecure = ` must be https (http is for development, on this machine or a host listed for it); use https, or set Development for a provider on this machine`
	local := func(host string) provider.Config {
		c := generic()
		c.Issuer = "http://" + host
		return c
	}
	development := func(c provider.Config, hosts ...string) provider.Config {
		c.Development, c.DevelopmentHosts = true, hosts
		return c
	}
	for _, tt := range []struct {
		name    string
		config  provider.Config
		refused string
	}{
		{"this machine without development", local("127.0.0.1:9000"), `provider acme: Issuer: URL "http://127.0.0.1:9000"` + insecure},
		{"this machine", development(local("127.0.0.1:9000")), ""},
		{"localhost", development(local("localhost:9000")), ""},
		{"another host", development(local("keycloak:9000")), `provider acme: Issuer: URL "http://keycloak:9000"` + insecure},
		{"another host that is listed", development(local("keycloak:9000"), "keycloak"), ""},
		{"another host than the one that is listed", development(local("evil:9000"), "keycloak"), `provider acme: Issuer: URL "http://evil:9000"` + insecure},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := provider.New(tt.config, redirectURI, nil)
			if tt.refused == "" {
				wantMistakes(t, err)
				return
			}
			wantMistakes(t, err, tt.refused)
		})
	}
}

func TestAnyOAuthServerByItsURLs(t *testing.T) {
	for _, tt := range []struct {
		name, subject, userInfo string
		wantSubject, wantName   string
		refused                 bool
	}{
		{"sub", "", `{"sub":"u-1","name":"Mara","email":"mara@home.example","email_verified":true}`, "u-1", "Mara", false},
		{"another place", "userinfo.id", `{"id":42,"sub":"admin","login":"mara","email":"mara@home.example"}`, "42", "mara", false},
		{"another place that is not said", "", `{"id":42,"login":"mara"}`, "", "", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := record(t, map[string]answer{
				"https://old.example/token": {body: `{"access_token":"at-1","token_type":"bearer"}`},
				"https://old.example/me":    {body: tt.userInfo},
			})
			c := legacy()
			c.Subject = tt.subject
			l := r.login(c)
			wantEqual(t, "a scope is asked for", l.url.Query().Has("scope"), false)
			id, err := l.identifyWithoutBrowser()
			if tt.refused {
				wantEqual(t, "check", oauth.CheckOf(err), oauth.CheckProfile)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			wantEqual(t, "issuer", id.Issuer, r.srv.URL)
			wantEqual(t, "subject", id.Subject, tt.wantSubject)
			wantEqual(t, "name", id.Name, tt.wantName)
			// POL-03: nobody has said that this server verifies addresses.
			wantEqual(t, "e-mail", id.Email, "mara@home.example")
			wantEqual(t, "verified", id.EmailVerified, false)
		})
	}
}

func TestAnyOpenIDProviderByItsIssuer(t *testing.T) {
	id, err := openIDLogin(t, `{"sub":"u-1"}`, `{"sub":"u-1","preferred_username":"mara","email":"mara@home.example","email_verified":true}`).identifyWithoutBrowser()
	if err != nil {
		t.Fatal(err)
	}
	wantEqual(t, "provider", id.Provider, "acme")
	wantEqual(t, "subject", id.Subject, "u-1")
	wantEqual(t, "name", id.Name, "mara")
	wantEqual(t, "e-mail", id.Email, "mara@home.example")
	wantEqual(t, "verified", id.EmailVerified, true)
}

func TestRefreshURLFollowsTheTokenURL(t *testing.T) {
	preset := plainPreset(provider.Profile{Subject: "userinfo.id"})
	preset.Dialect.RefreshURL = "refresh"
	r := record(t, map[string]answer{"https://own.example/oauth/token": {body: `{"access_token":"at-1","token_type":"Bearer","refresh_token":"rt-1"}`}})
	l := r.login(provider.Config{Preset: preset, TokenURL: "https://own.example/oauth/token"})
	first, err := exchange(l, "code-1")
	if err != nil {
		t.Fatal(err)
	}
	r.set("https://own.example/oauth/refresh", answer{body: `{"access_token":"at-2","token_type":"Bearer"}`})
	if _, err := l.p.Client.Refresh(t.Context(), first); err != nil {
		t.Error(err)
	}
}

func TestREV01_WhereTokensAreGivenBack(t *testing.T) {
	own := "https://own.example/oauth/"
	preset := plainPreset(provider.Profile{Subject: "userinfo.id"})
	preset.RevocationURL, preset.EndSessionURL = "revoke", "/logout"
	for name, tc := range map[string]struct {
		config provider.Config
		asked  string
	}{
		"the preset's follows the TokenURL": {provider.Config{Preset: preset, TokenURL: own + "token"}, own + "revoke"},
		"the Config's replaces it":          {provider.Config{Preset: preset, TokenURL: own + "token", RevocationURL: own + "mine"}, own + "mine"},
	} {
		t.Run(name, func(t *testing.T) {
			r := record(t, map[string]answer{
				own + "token": {body: `{"access_token":"at-1","token_type":"Bearer"}`}, tc.asked: {body: " "},
			})
			tc.config.RevocationURL = r.at(tc.config.RevocationURL)
			l := r.login(tc.config)
			tokens, err := exchange(l, "code-1")
			if err != nil {
				t.Fatal(err)
			}
			if err := l.p.Client.Revoke(t.Context(), tokens); err != nil {
				t.Error(err)
			}
			wantEqual(t, "token", r.got(tc.asked).Form.Get("token"), "at-1")
		})
	}
}

func TestLGO06_WhereTheProviderSignsOut(t *testing.T) {
	preset := plainPreset(provider.Profile{Subject: "userinfo.id"})
	preset.EndSessionURL, preset.Dialect.EndSessionReturnParam = "/logout", "logout_uri"
	for name, tc := range map[string]struct {
		config provider.Config
		want   string // "" means nowhere
	}{
		"the preset's follows the AuthorizationURL": {provider.Config{Preset: preset, AuthorizationURL: "https://own.example/authorize"},
			"https://own.example/logout?client_id=id&logout_uri=https%3A%2F%2Fapp.example%2Fbye"},
		"the Config's replaces it": {provider.Config{Preset: preset, AuthorizationURL: "https://own.example/authorize", EndSessionURL: "https://own.example/x"},
			"https://own.example/x?client_id=id&logout_uri=https%3A%2F%2Fapp.example%2Fbye"},
		"GitHub has none": {provider.Config{Preset: provider.GitHub()}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			tc.config.ClientID, tc.config.ClientSecret = "id", secret()
			p, err := provider.New(tc.config, "https://app.example/callback", nil)
			if err != nil {
				t.Fatal(err)
			}
			got, ok, err := p.Client.EndSessionURL(t.Context(), oauth.EndSession{PostLogoutRedirectURI: "https://app.example/bye"})
			if got != tc.want || ok != (tc.want != "") || err != nil {
				t.Errorf("%s, %v, %v", got, ok, err)
			}
		})
	}
}

func TestWhereRevokingOneTokenEndsTheGrant(t *testing.T) {
	for name, tc := range map[string]struct {
		preset provider.Preset
		want   bool
	}{"Google": {provider.Google(), true}, "GitHub": {provider.GitHub(), false}, "another": {provider.Preset{Name: "acme", Issuer: "https://id.example"}, false}} {
		p, err := provider.New(provider.Config{Preset: tc.preset, ClientID: "id", ClientSecret: secret()}, "https://app.example/callback", nil)
		if err != nil {
			t.Fatal(err)
		}
		wantEqual(t, name, p.RevocationEndsGrant(), tc.want)
	}
}
