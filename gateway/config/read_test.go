package config_test

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wayleave/wayleave/gateway/config"
	"github.com/wayleave/wayleave/gateway/identity"
	"github.com/wayleave/wayleave/gateway/rules"
	"github.com/wayleave/wayleave/oauth"
)

func mustRead(t testing.TB, dir, yaml string) *config.Config {
	t.Helper()
	c, err := read(t, dir, yaml)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func route(t testing.TB, yaml string) config.Route {
	t.Helper()
	return mustRead(t, folder(t), strings.TrimSuffix(small, routeLine)+"routes: [{"+yaml+"}]\n").Sites[0].Routes[0]
}

func provider(t testing.TB, yaml string) config.Provider {
	t.Helper()
	return mustRead(t, folder(t), strings.Replace(small, providerLine, "providers: {"+yaml+"}\n", 1)).Providers[0]
}

func TestASmallFileGetsTheDefaults(t *testing.T) {
	c := mustRead(t, folder(t), small)
	if len(c.Warnings) > 0 {
		t.Errorf("warnings: %v", c.Warnings)
	}
	if len(c.Sites) != 1 || len(c.Providers) != 1 || c.Store.Reveal() != "memory:" {
		t.Fatalf("%+v", c)
	}
	for _, pair := range []struct{ got, want any }{
		{c.Listen, config.Address{Network: "tcp", Address: "127.0.0.1:8000"}},
		{c.Session, config.Session{Idle: time.Hour, Lifetime: 12 * time.Hour, PerUser: 100}},
		{c.Limits, config.Limits{Header: 32 << 10, Body: 100 << 20, HeaderTime: 10 * time.Second, BodyTime: 30 * time.Second, Idle: 2 * time.Minute, Upgraded: 12 * time.Hour, Logins: 50, Drain: 30 * time.Second}},
		{c.Log, config.Log{Level: "info", Format: "json", Requests: true}},
		{c.Sites[0].BasePath, "/auth"}, {c.Sites[0].Home, "/"}, {c.Sites[0].BaseURL, "https://app.example.com"},
		{c.Sites[0].Routes[0].Headers, identity.Default()},
		{c.Sites[0].Routes[0].Upstream.PassHost, true}, {c.Sites[0].Routes[0].Upstream.Timeout, time.Minute},
		{c.Sites[0].Routes[0].Rule, rules.Route{Path: "/", Allow: []rules.Alternative{{SignedIn: true}}}},
		{c.Providers[0].Groups, "groups"}, {c.Providers[0].Roles, "roles"},
		{c.Health, config.Address{}}, {c.Admin, config.Address{}}, {c.TrustUnix, false}, {len(c.TrustedProxies), 0},
	} {
		if !reflect.DeepEqual(pair.got, pair.want) {
			t.Errorf("got %+v, want %+v", pair.got, pair.want)
		}
	}
}

func TestTextIsTakenAsItIsWritten(t *testing.T) {
	for written, want := range map[string]string{"0123": "0123", "1.10": "1.10", "0x1F": "0x1F", "1e3": "1e3", "true": "true", "2026-11-23": "2026-11-23", `"a b"`: "a b", "'0123'": "0123"} {
		if got := provider(t, "google: {client_secret: env:ACME, client_id: "+written+"}").ClientID; got != want {
			t.Errorf("%s is read as %q", written, got)
		}
	}
}

func TestA250_SecretsComeFromWhereOnlyTheirOwnersLook(t *testing.T) {
	for written, want := range map[string]string{
		"file:secret": canary, "file:group": canary, "env:ACME": canary, "literal:" + canary: canary, "{from_file: secret}": canary, "{from_env: ACME}": canary,
		`"literal:a:b"`: "a:b",
	} {
		if got := provider(t, "google: {client_id: app, client_secret: "+written+"}").ClientSecret.Reveal(); got != want {
			t.Errorf("%s is read as something else", written)
		}
	}
	if got := provider(t, "dev: {client_secret: dev-secret, client_id: app, issuer: http://127.0.0.1:9000, development: true}"); got.ClientSecret.Reveal() != "dev-secret" || !got.Development {
		t.Error("a bare secret is not read for development")
	}
}

func TestA250_ALiteralInAFileThatEverybodyCanReadIsWarnedOf(t *testing.T) {
	dir := folder(t)
	yaml := strings.Replace(small, "env:ACME", "literal:"+canary, 1)
	if c := mustRead(t, dir, yaml); len(c.Warnings) > 0 {
		t.Errorf("of one that they cannot read: %v", c.Warnings)
	}
	file := filepath.Join(dir, "wayleave.yaml")
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	c, err := config.Read(file, environment)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := explained(t, dir, yaml, c.Warnings), "wayleave.yaml:3:84: a secret stands in this file, and everybody can read the file; run chmod o-rwx on it, or move the secret to a file of its own\n"; got != want {
		t.Errorf("got %s want %s", got, want)
	}
}

func TestDIS19_NothingShowsASecret(t *testing.T) {
	dir := folder(t)
	c := mustRead(t, dir, strings.NewReplacer("memory", "{from_env: STORE}\nkeys: keys", "env:ACME", "literal:"+canary).Replace(small)+"log: {level: info}\n")
	_ = c
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		if text := fmt.Sprintf(verb+verb, c, *c); strings.Contains(text, canary) || strings.Contains(text, fmt.Sprintf("%x", canary)) {
			t.Errorf("%s shows a secret", verb)
		}
	}
}

func TestProvidersKeepTheirOrderAndTheirPresets(t *testing.T) {
	c := mustRead(t, folder(t), strings.Replace(small, providerLine, `providers:
  zeta: {issuer: https://z.example, client_id: a, client_secret: env:ACME}
  github: {client_id: a, client_secret: env:ACME}
  work: {preset: google, client_id: a, client_secret: env:ACME, require_claims: {hd: acme.example}}
  google: {preset: none, issuer: https://g.example, client_id: a, client_secret: env:ACME}
`, 1))
	var got []string
	for _, p := range c.Providers {
		got = append(got, p.Name+":"+p.Preset+":"+p.Config().Preset.Name+":"+p.Path)
	}
	want := "zeta:::providers.zeta github:github:github:providers.github work:google:google:providers.work google:::providers.google"
	if strings.Join(got, " ") != want {
		t.Errorf("got %v", got)
	}
}

func TestAllowReadsLikeASentence(t *testing.T) {
	for written, want := range map[string][]rules.Alternative{
		"public":                         {{Public: true}},
		"[public]":                       {{Public: true}},
		"signed_in":                      {{SignedIn: true}},
		"nobody":                         nil,
		"{groups: staff}":                {{Groups: []string{"staff"}}},
		"{groups: [a, b], max_age: 10m}": {{Groups: []string{"a", "b"}, MaxAge: 10 * time.Minute}},
		"[{emails: ada@acme.example}, {roles: 1}]":       {{Emails: []string{"ada@acme.example"}}, {Roles: []string{"1"}}},
		"[signed_in, {groups: x}]":                       {{SignedIn: true}, {Groups: []string{"x"}}},
		"{claims: {hd: acme.example, amr: [mfa, 2]}}":    {{Claims: map[string][]string{"hd": {"acme.example"}, "amr": {"mfa", "2"}}}},
		"{providers: acme, scopes: read}":                {{Providers: []string{"acme"}, Scopes: []string{"read"}}},
		"{email_domains: [acme.example, .acme.example]}": {{EmailDomains: []string{"acme.example", ".acme.example"}}},
	} {
		if got := route(t, "path: /, upstream: http://127.0.0.1:1, allow: "+written).Rule.Allow; !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v", written, got)
		}
	}
}

func TestPRX13_AnUpstreamIsWhatTheFileSays(t *testing.T) {
	for written, want := range map[string]string{
		"http://127.0.0.1:3000":                           "http://127.0.0.1:3000  h2c=false host=true 1m0s",
		"http://127.0.0.1:3000/":                          "http://127.0.0.1:3000  h2c=false host=true 1m0s",
		"http://app:3000/base/":                           "http://app:3000/base  h2c=false host=true 1m0s",
		"'http://[::1]:3000'":                             "http://[::1]:3000  h2c=false host=true 1m0s",
		"h2c://app:50051":                                 "http://app:50051  h2c=true host=true 1m0s",
		"unix:/run/app.sock":                              "http://localhost /run/app.sock h2c=false host=true 1m0s",
		"{from_env: UPSTREAM}":                            "http://127.0.0.1:3000  h2c=false host=true 1m0s",
		"{url: https://app, timeout: 1.5s}":               "https://app  h2c=false host=true 1.5s",
		"{url: 'unix:/a', pass_host: false}, timeout: 5m": "http://localhost /a h2c=false host=false 5m0s",
	} {
		dir := folder(t)
		file := filepath.Join(dir, "wayleave.yaml")
		if err := os.WriteFile(file, []byte(strings.TrimSuffix(small, routeLine)+"routes: [{path: /, allow: public, upstream: "+written+"}]\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := config.Read(file, func(name string) (string, bool) {
			if name == "UPSTREAM" {
				return "http://127.0.0.1:3000", true
			}
			return environment(name)
		})
		if err != nil {
			t.Fatal(err)
		}
		u := c.Sites[0].Routes[0].Upstream
		if got := fmt.Sprintf("%s %s h2c=%v host=%v %v", u.URL, u.Socket, u.H2C, u.PassHost, u.Timeout); got != want {
			t.Errorf("%s: got %s, want %s", written, got, want)
		}
	}
}

func TestPRX06_ARouteOpensWhatItNames(t *testing.T) {
	for written, want := range map[string]rules.Route{
		"path: /café":                        {Path: "/café"},
		"path: /$metadata(1)":                {Path: "/$metadata(1)"},
		"exact: /healthz, methods: [GET]":    {Path: "/healthz", Exact: true, Methods: []string{"GET"}},
		"path: /api, methods: OPTIONS":       {Path: "/api", Methods: []string{"OPTIONS"}},
		"path: /api, api: true":              {Path: "/api", API: true},
		"path: /authority, headers: none":    {Path: "/authority"},
		"path: '/a b', methods: [PROPFIND]":  {Path: "/a b", Methods: []string{"PROPFIND"}},
		"path: /%, upstream: http://x":       {Path: "/%"},
		"path: /.well-known, max_body: none": {Path: "/.well-known"},
	} {
		if !strings.Contains(written, "upstream") {
			written += ", upstream: http://127.0.0.1:1"
		}
		want.Allow = []rules.Alternative{{Public: true}}
		if got := route(t, written+", allow: public").Rule; !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v", written, got)
		}
	}
}

func TestARouteMayHaveHeadersAndLimitsOfItsOwn(t *testing.T) {
	r := route(t, "path: /, upstream: http://127.0.0.1:1, allow: signed_in, headers: {user: X-User, groups_cut: X-Cut}, max_body: 2KiB, origins: https://b.example/, assertion: app, pass_authorization: true")
	if r.Headers != (identity.Names{User: "X-User", GroupsCut: "X-Cut"}) || r.MaxBody != 2048 || !reflect.DeepEqual(r.Origins, []string{"https://b.example"}) || r.Assertion != "app" || !r.PassAuthorization {
		t.Errorf("%+v", r)
	}
	if r := route(t, "path: /, upstream: http://127.0.0.1:1, allow: signed_in, headers: oauth2-proxy, max_body: none"); r.Headers != identity.OAuth2Proxy() || r.MaxBody != -1 {
		t.Errorf("%+v", r)
	}
}

func TestWhatConcernsTheWholeFileIsRead(t *testing.T) {
	dir := folder(t)
	c := mustRead(t, dir, small+`listen: {from_file: listen}
tls: {certificate: cert.pem, key: /k.pem}
trusted_proxies: [10.0.0.0/8, 127.0.0.1, "::1", unix, fd00::/8]
health: systemd:health
admin: unix:/run/a.sock
session: {idle: 2d, per_user: none, logout_here_only: true}
limits: {body: none, logins: 30/m, idle: 1h30m}
log: {level: debug, format: text, requests: false, emails: true}
branding: {app_name: Finance Tracker, logo: /l.svg, accent: "#1a7f37", language: pt-BR}
`)
	wantProxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("127.0.0.1/32"), netip.MustParsePrefix("::1/128"), netip.MustParsePrefix("fd00::/8")}
	for _, pair := range []struct{ got, want any }{
		{c.Listen, config.Address{Network: "tcp", Address: ":8001"}},
		{c.TLS, config.TLS{Certificate: filepath.Join(dir, "cert.pem"), Key: "/k.pem"}},
		{c.TrustedProxies, wantProxies}, {c.TrustUnix, true},
		{c.Health, config.Address{Network: "systemd", Address: "health"}}, {c.Admin, config.Address{Network: "unix", Address: "/run/a.sock"}},
		{c.Session, config.Session{Idle: 48 * time.Hour, Lifetime: 48 * time.Hour, PerUser: -1, LogoutHereOnly: true}},
		{c.Limits.Body, int64(-1)}, {c.Limits.Logins, 0.5}, {c.Limits.Idle, 90 * time.Minute}, {c.Limits.Header, 32 << 10},
		{c.Log, config.Log{Level: "debug", Format: "text", Emails: true}},
		{c.Sites[0].Branding, config.Branding{AppName: "Finance Tracker", LogoPath: "/l.svg", Accent: "#1a7f37", Language: "pt-BR"}},
		{c.Files, []string{filepath.Join(dir, "wayleave.yaml"), filepath.Join(dir, "listen")}},
	} {
		if !reflect.DeepEqual(pair.got, pair.want) {
			t.Errorf("got %+v, want %+v", pair.got, pair.want)
		}
	}
	if c := mustRead(t, dir, small+"session: {lifetime: 30m}\n"); c.Session.Idle != 30*time.Minute {
		t.Errorf("idle is %v with a lifetime of 30m", c.Session.Idle)
	}
}

func TestAStoreFileLiesInTheFolderOfTheFile(t *testing.T) {
	dir := folder(t)
	for written, want := range map[string]string{
		"file:w.db": "file:" + dir + "/w.db", "file:/var/w.db": "file:/var/w.db", "memory": "memory:", "'memory:'": "memory:",
		"redis://127.0.0.1:6379/0": "redis://127.0.0.1:6379/0", "redis+sentinel://a,b/m": "redis+sentinel://a,b/m",
	} {
		c := mustRead(t, dir, strings.Replace(small, "memory", written+"\nkeys: file:ring", 1))
		if got := c.Store.Reveal(); got != want || !slices.Equal(c.Keys, []string{filepath.Join(dir, "ring")}) {
			t.Errorf("%s: got %s and keys %s", written, got, c.Keys)
		}
	}
}

func TestSeveralSites(t *testing.T) {
	c := mustRead(t, folder(t), "store: memory\n"+providerLine+`sites:
  - base_url: https://a.example.com
    routes: [{path: /, upstream: http://127.0.0.1:1, allow: public}]
  - base_url: http://localhost:8000/
    base_path: /sign
    providers: acme
    routes: {path: /auth, upstream: http://127.0.0.1:1, allow: public}
`)
	if len(c.Sites) != 2 || c.Sites[1].BaseURL != "http://localhost:8000" || c.Sites[1].BasePath != "/sign" || c.Sites[1].Home != "/" || c.Sites[0].BasePath != "/auth" {
		t.Errorf("%+v", c.Sites)
	}
	if got := c.Sites[0].Routes[0].Path + " " + c.Sites[1].Routes[0].Path + " " + c.Sites[1].Path; got != "sites[0].routes[0] sites[1].routes sites[1]" {
		t.Errorf("paths: %s", got)
	}
}

func TestAnAliasStandsForWhatItNames(t *testing.T) {
	c := mustRead(t, folder(t), baseLine+"store: memory\n"+providerLine+`routes:
  - {path: /a, allow: &staff {groups: staff}, upstream: &app http://127.0.0.1:3000}
  - {path: /b, allow: *staff, upstream: *app}
`)
	if a, b := c.Sites[0].Routes[0], c.Sites[0].Routes[1]; !reflect.DeepEqual(a.Rule.Allow, b.Rule.Allow) || !reflect.DeepEqual(a.Upstream, b.Upstream) {
		t.Errorf("%+v and %+v", a, b)
	}
}

func TestForwardAuthNeedsNoUpstream(t *testing.T) {
	c := mustRead(t, folder(t), strings.Replace(small, "upstream: http://127.0.0.1:3000, ", "", 1)+"trusted_proxies: unix\n")
	if c.Sites[0].Routes[0].Upstream.URL != nil || !c.TrustUnix {
		t.Errorf("%+v", c)
	}
}

func TestOthersTellTheirMistakesAtTheRightPlace(t *testing.T) {
	dir := folder(t)
	c := mustRead(t, dir, small)
	for path, want := range map[string]string{
		"providers.acme.client_id": "wayleave.yaml:3:64: providers.acme.client_id: r; c",
		"providers.acme.tenants":   "wayleave.yaml:3:19: providers.acme.tenants: r; c",
		"routes[0].upstream":       "wayleave.yaml:4:30: routes[0].upstream: r; c",
		"routes[7].upstream":       "wayleave.yaml:4:9: routes[7].upstream: r; c",
		"session.idle":             "wayleave.yaml:1:1: session.idle: r; c",
		"":                         "wayleave.yaml:1:1: r; c",
	} {
		if got := printed(dir, c.Mistake(path, "r", "c").Error()); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	err := errors.Join(
		&oauth.ConfigError{Provider: "acme", Field: "ClientID", Reason: "is bad", Cure: "ask for RequireScopes or set Development"},
		errors.New("something else"),
		errors.Join(&oauth.ConfigError{Field: "BaseURL", Reason: "is bad"}, &oauth.ConfigError{Field: "SessionLifetime", Reason: "is long"}),
	)
	got := printed(dir, c.ConfigMistakes(c.Sites[0], err).Error())
	want := `wayleave.yaml:1:1: session.lifetime: is long
wayleave.yaml:1:11: base_url: is bad
wayleave.yaml:3:64: providers.acme.client_id: is bad; ask for require_scopes or set development: true`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestAProviderMaySayAllOfIt(t *testing.T) {
	p := provider(t, `acme: {label: Acme, issuer: https://id.acme.example, client_id: app, client_secret: env:ACME, client_auth: client_secret_post,
  authorize_url: https://id.acme.example/a, token_url: https://id.acme.example/t, userinfo_url: https://id.acme.example/u, jwks_url: https://id.acme.example/k,
  revocation_url: https://id.acme.example/r, end_session_url: https://id.acme.example/e, scopes: [openid, email], more_scopes: read, require_scopes: [email], offline: true,
  auth_params: {prompt: login}, require_claims: {hd: acme.example}, require_logout_type: true, groups: realm.groups, roles: realm.roles, callback_path: /cb,
  ca_file: ca.pem, allow_addresses: 10.0.0.0/8}`)
	c := p.Config()
	if got, want := fmt.Sprintf("%s %s %s %s %s %s %s %s", c.Label, c.ClientAuth, c.AuthorizationURL, c.TokenURL, c.UserInfoURL, c.JWKSURL, c.RevocationURL, c.EndSessionURL),
		"Acme client_secret_post https://id.acme.example/a https://id.acme.example/t https://id.acme.example/u https://id.acme.example/k https://id.acme.example/r https://id.acme.example/e"; got != want {
		t.Errorf("got %s", got)
	}
	if got, want := fmt.Sprintln(c.Scopes, c.MoreScopes, c.RequireScopes, c.Offline, c.AuthParams, c.RequireClaims, c.RequireLogoutType, c.CallbackPath, c.AllowAddresses, p.Groups, p.Roles, filepath.Base(p.CAFile), c.ClientSecret.Reveal() == canary),
		"[openid email] [read] [email] true map[prompt:login] map[hd:[acme.example]] true /cb [10.0.0.0/8] realm.groups realm.roles ca.pem true\n"; got != want {
		t.Errorf("got %s", got)
	}
	p = provider(t, "dev: {issuer: http://keycloak:8080/realms/a, client_id: app, client_secret: bare, development: {hosts: keycloak}}")
	if !p.Config().Development || !reflect.DeepEqual(p.Config().DevelopmentHosts, []string{"keycloak"}) {
		t.Errorf("%+v", p)
	}
	p = provider(t, "old: {authorize_url: https://o.example/a, token_url: https://o.example/t, userinfo_url: https://o.example/u, subject: userinfo.id, client_id: app, client_secret: env:ACME}")
	if p.Config().Subject != "userinfo.id" {
		t.Errorf("%+v", p)
	}
	p = provider(t, "entra: {client_id: app, client_secret: env:ACME, tenants: 11111111-2222-3333-4444-555555555555}")
	if !reflect.DeepEqual(p.Config().Tenants, []string{"11111111-2222-3333-4444-555555555555"}) {
		t.Errorf("%+v", p)
	}
}

func TestSES14_KeysMayLieInSeveralFiles(t *testing.T) {
	dir := folder(t)
	c := mustRead(t, dir, small+"keys: [file:key-2, key-1]\n")
	if want := []string{filepath.Join(dir, "key-2"), filepath.Join(dir, "key-1")}; !slices.Equal(c.Keys, want) {
		t.Errorf("keys %q, want %q", c.Keys, want)
	}
}
