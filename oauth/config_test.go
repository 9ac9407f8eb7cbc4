package oauth_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/wayleave/wayleave/oauth"
)

func good() oauth.Config {
	return oauth.Config{
		Name: "acme", Issuer: "https://id.acme.example", ClientID: "app", ClientSecret: oauth.NewSecret("s"),
		RedirectURI: "https://app.example/auth/acme/callback", Scopes: []string{"openid"},
	}
}

func TestNET01_DIS03_AZR01_ConfigMistakes(t *testing.T) {
	if _, err := oauth.New(good()); err != nil {
		t.Fatalf("the good one: %v", err)
	}
	for name, tc := range map[string]struct {
		change func(*oauth.Config)
		text   string
	}{
		"no name":                      {func(c *oauth.Config) { c.Name = "" }, "Name: must be 1 to 32"},
		"name with a slash":            {func(c *oauth.Config) { c.Name = "a/b" }, "Name: must be 1 to 32"},
		"no client id":                 {func(c *oauth.Config) { c.ClientID = "" }, "ClientID: is missing; copy it"},
		"client id with a line break":  {func(c *oauth.Config) { c.ClientID = "a\n" }, "ClientID: holds characters"},
		"NET-01 http issuer":           {func(c *oauth.Config) { c.Issuer = "http://id.acme.example" }, "Issuer: "},
		"DIS-03 issuer with a query":   {func(c *oauth.Config) { c.Issuer += "?a=b" }, "Issuer: has a query"},
		"DIS-03 issuer with user":      {func(c *oauth.Config) { c.Issuer = "https://a@id.example" }, "Issuer: "},
		"SH-126 loopback look-alike":   {func(c *oauth.Config) { c.Issuer, c.Development = "http://127.0.0.1@evil.example", true }, "Issuer: "},
		"NET-01 http token endpoint":   {func(c *oauth.Config) { c.TokenURL = "http://id.acme.example/token" }, "TokenURL: "},
		"A038 javascript endpoint":     {func(c *oauth.Config) { c.AuthorizationURL = "javascript:alert(1)" }, "AuthorizationURL: "},
		"nothing to go by":             {func(c *oauth.Config) { c.Issuer = "" }, "Issuer: is missing, and so is AuthorizationURL or TokenURL"},
		"template without tenants":     {func(c *oauth.Config) { c.Issuer = "https://login.example/{tenantid}/v2.0" }, "Tenants: is empty although the issuer is a template"},
		"POL-05 claims without openid": {func(c *oauth.Config) { c.Scopes, c.RequireClaims = []string{"read"}, map[string][]string{"hd": {"x"}} }, "RequireClaims: cannot be checked: only an ID token has claims"},
		"tenants without template":     {func(c *oauth.Config) { c.Tenants = []string{"*"} }, "Tenants: restrict nothing"},
		"A311 a tenant's name":         {func(c *oauth.Config) { c.Issuer, c.Tenants = "https://login.example/{tenantid}/v2.0", []string{"acme"} }, "Tenants: holds acme, which is no tenant's GUID"},
		"openid without keys": {func(c *oauth.Config) {
			c.Metadata, c.AuthorizationURL, c.TokenURL = oauth.MetadataNone, "https://a.example/a", "https://a.example/t"
		}, "Scopes: openid needs an Issuer, and JWKSURL"},
		"unknown metadata place":       {func(c *oauth.Config) { c.Metadata = "webfinger" }, "Metadata: is none of openid, rfc8414, none"},
		"secret method without secret": {func(c *oauth.Config) { c.ClientAuth, c.ClientSecret = oauth.ClientSecretPost, oauth.Secret{} }, "ClientSecret: is missing, and ClientAuth is client_secret_post"},
		"none with a secret":           {func(c *oauth.Config) { c.ClientAuth = oauth.ClientAuthNone }, "ClientAuth: is none although there is a ClientSecret"},
		"unknown method":               {func(c *oauth.Config) { c.ClientAuth = "magic" }, "ClientAuth: is none of client_secret_basic"},
		"secret with a line break":     {func(c *oauth.Config) { c.ClientSecret = oauth.NewSecret("hunter2\n") }, "ClientSecret: begins or ends with white space; look for a line break"},
		"relative redirect":            {func(c *oauth.Config) { c.RedirectURI = "/cb" }, "RedirectURI: must be an absolute URL"},
		"redirect with fragment":       {func(c *oauth.Config) { c.RedirectURI += "#x" }, "RedirectURI: must be an absolute URL"},
		"redirect over http":           {func(c *oauth.Config) { c.RedirectURI = "http://app.example/cb" }, "RedirectURI: is not https"},
		"two scopes in one":            {func(c *oauth.Config) { c.Scopes = []string{"openid email"} }, "Scopes: holds openid email, which is not a scope"},
		"a scope twice":                {func(c *oauth.Config) { c.Scopes = []string{"openid", "openid"} }, "Scopes: holds openid twice"},
		"SH-40 client_id replaced":     {func(c *oauth.Config) { c.AuthParams = map[string]string{"client_id": "x"} }, "AuthParams: must not set client_id"},
		"AZR-01 another response type": {func(c *oauth.Config) { c.AuthParams = map[string]string{"response_type": "token"} }, "AuthParams: must not set response_type"},
		"A058 another response mode":   {func(c *oauth.Config) { c.AuthParams = map[string]string{"response_mode": "web_message"} }, "AuthParams: must not set response_mode"},
		"SH-40 code_verifier replaced": {func(c *oauth.Config) { c.TokenParams = map[string]string{"code_verifier": "x"} }, "TokenParams: must not set code_verifier"},
		"ADJ-07 another grant":         {func(c *oauth.Config) { c.TokenParams = map[string]string{"grant_type": "password"} }, "TokenParams: must not set grant_type"},
		"A260 alg none":                {func(c *oauth.Config) { c.Algorithms = []string{"none"} }, "Algorithms: none is not supported"},
		"JWK-05 HS256":                 {func(c *oauth.Config) { c.Algorithms = []string{"HS256"} }, "Algorithms: HS256 is not supported"},
		"leeway of an hour":            {func(c *oauth.Config) { c.Leeway = 3600e9 }, "Leeway: must be between 0 and 5 minutes"},
		"tiny state":                   {func(c *oauth.Config) { c.Dialect.MaxState = 20 }, "Dialect.MaxState: is too small"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := good()
			tc.change(&cfg)
			_, err := oauth.New(cfg)
			if err == nil || !strings.Contains(err.Error(), tc.text) {
				t.Fatalf("error %v, want %q", err, tc.text)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Error("the error shows the secret")
			}
		})
	}
}

func TestDIS19_AllMistakesAtOnce(t *testing.T) {
	_, err := oauth.New(oauth.Config{Name: "A", RedirectURI: "x", Scopes: []string{""}, Algorithms: []string{"none"}, Leeway: -1})
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		t.Fatalf("%T: %v", err, err)
	}
	fields := map[string]bool{}
	for _, e := range joined.Unwrap() {
		fields[e.(*oauth.ConfigError).Field] = true
	}
	for _, f := range []string{"Name", "ClientID", "Issuer", "RedirectURI", "Scopes", "Algorithms", "Leeway"} {
		if !fields[f] {
			t.Errorf("%s is not among the mistakes: %v", f, err)
		}
	}
}

func TestAConfigIsCopied(t *testing.T) {
	f := newFake(t)
	cfg := f.config()
	cfg.AuthParams = map[string]string{"a": "1"}
	c, err := oauth.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Scopes[0], cfg.AuthParams["a"] = "changed", "changed"
	raw, err := c.Authorize(t.Context(), sealer(t, "x", testKey()).Begin(c.Pending()), oauth.Hints{})
	if err != nil || strings.Contains(raw, "changed") {
		t.Errorf("%s, %v", raw, err)
	}
}

func TestOPS07_ASecretNeverPrints(t *testing.T) {
	const value = "hunter2-correct-horse"
	s := oauth.NewSecret(value)
	inside := struct {
		Exported   oauth.Secret
		unexported oauth.Secret
		list       []oauth.Secret
	}{s, s, []oauth.Secret{s}}
	var out strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T"} {
		fmt.Fprintf(&out, verb+" "+verb+" "+verb+"\n", s, inside, &inside)
	}
	j, err := json.Marshal(inside)
	if err != nil {
		t.Fatal(err)
	}
	out.Write(j)
	log := slog.New(slog.NewJSONHandler(&out, nil))
	log.Info("x", "secret", s, "inside", inside)
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "secret", s, "inside", inside)
	if strings.Contains(out.String(), value) || strings.Contains(out.String(), fmt.Sprintf("%x", value)) {
		t.Errorf("the secret shows:\n%s", out.String())
	}
	if s.String() == oauth.NewSecret("another").String() || !strings.HasPrefix(s.String(), "secret:") || len(s.String()) != len("secret:")+8 {
		t.Errorf("fingerprint %s", s)
	}
	var zero oauth.Secret
	if !zero.IsZero() || zero.Reveal() != "" || zero.String() != "none" || !oauth.NewSecret("").IsZero() || s.Reveal() != value || s.Len() != len(value) {
		t.Error("zero or value is wrong")
	}
}
