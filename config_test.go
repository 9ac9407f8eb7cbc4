package wayleave_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wayleave/wayleave"
	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/provider"
	"github.com/wayleave/wayleave/store/memory"
	"github.com/wayleave/wayleave/store/storetest"
)

// good is a configuration without mistakes.
func good() wayleave.Config {
	return wayleave.Config{
		BaseURL:   "https://app.example",
		Providers: []provider.Config{{Name: "acme", Issuer: "https://id.acme.example", ClientID: "app", ClientSecret: oauth.NewSecret("s3cret")}},
	}
}

func mistakes(t *testing.T, c wayleave.Config) []string {
	t.Helper()
	auth, err := wayleave.New(c)
	if err == nil {
		return []string{}
	}
	if auth != nil {
		t.Error("an Auth came with the error")
	}
	return strings.Split(err.Error(), "\n")
}

// TestEachMistakeInAConfig with its exact text.
func TestEachMistakeInAConfig(t *testing.T) {
	const (
		address = "; use the address at which browsers reach the app, such as https://app.example.com"
		parts   = "BaseURL: must be scheme and host, without user, path, query and fragment" + address
		life    = "; use at least a second for idle, no more than the lifetime, and at most 30 days for that"
		page    = "; use a path on the app's own origin that is not below BasePath"
	)
	base := func(s string) func(*wayleave.Config) { return func(c *wayleave.Config) { c.BaseURL = s } }
	path := func(s string) func(*wayleave.Config) { return func(c *wayleave.Config) { c.BasePath = s } }
	home := func(s string) func(*wayleave.Config) { return func(c *wayleave.Config) { c.Home = s } }
	times := func(idle, life time.Duration) func(*wayleave.Config) {
		return func(c *wayleave.Config) { c.IdleTimeout, c.SessionLifetime = idle, life }
	}
	callback := func(s string) func(*wayleave.Config) {
		return func(c *wayleave.Config) { c.Providers[0].CallbackPath = s }
	}
	keys := func(keys ...[]byte) func(*wayleave.Config) { return func(c *wayleave.Config) { c.Keys = keys } }
	for name, row := range map[string]struct {
		change func(*wayleave.Config)
		want   []string
	}{
		"none":                              {func(*wayleave.Config) {}, nil},
		"base URL missing":                  {base(""), []string{"BaseURL: is missing" + address}},
		"with a path":                       {base("https://app.example/app"), []string{parts}},
		"with a slash":                      {base("https://app.example/"), nil},
		"with a query":                      {base("https://app.example?x"), []string{parts}},
		"with an empty one":                 {base("https://app.example?"), []string{parts}},
		"with a fragment":                   {base("https://app.example#x"), []string{parts}},
		"with an empty hash":                {base("https://app.example#"), []string{parts}},
		"with a user":                       {base("https://me@app.example"), []string{parts}},
		"without a host":                    {base("https://"), []string{parts}},
		"without a scheme":                  {base("app.example"), []string{parts}},
		"http":                              {base("http://app.example"), []string{"BaseURL: is http; use https; http is for localhost only"}},
		"http that looks like this machine": {base("http://localhost.app.example"), []string{"BaseURL: is http; use https; http is for localhost only"}},
		"http on this machine":              {base("http://localhost:8000"), nil},
		"http on IPv6":                      {base("http://[::1]:8000"), nil},
		"another scheme":                    {base("ftp://app.example"), []string{"BaseURL: is neither http nor https" + address}},
		"upper case":                        {base("https://App.example"), []string{"BaseURL: has upper-case letters in its host; write the host in lower case, as browsers do"}},

		"base path without slash":  {path("auth"), []string{`BasePath: is "auth", which is not a clean path such as /auth`}},
		"base path with slash":     {path("/auth/"), []string{`BasePath: is "/auth/", which is not a clean path such as /auth`}},
		"base path with dots":      {path("/a/../b"), []string{`BasePath: is "/a/../b", which is not a clean path such as /auth`}},
		"base path is the root":    {path("/"), []string{`BasePath: is "/", which is not a clean path such as /auth`}},
		"another base path":        {path("/members/sign-in"), nil},
		"home elsewhere":           {home("https://evil.example/"), []string{`Home: is "https://evil.example/", which is not a page of the app` + page}},
		"home without scheme":      {home("//evil.example"), []string{`Home: is "//evil.example", which is not a page of the app` + page}},
		"home is the sign-in page": {home("/auth/"), []string{`Home: is "/auth/", which is not a page of the app` + page}},
		"another home":             {home("/start?x=y"), nil},

		"idle longer than life":    {times(2*time.Hour, time.Hour), []string{"SessionLifetime: is 1h0m0s with an IdleTimeout of 2h0m0s" + life}},
		"idle too short":           {times(time.Millisecond, time.Hour), []string{"SessionLifetime: is 1h0m0s with an IdleTimeout of 1ms" + life}},
		"negative":                 {times(-time.Hour, time.Hour), []string{"SessionLifetime: is 1h0m0s with an IdleTimeout of -1h0m0s" + life}},
		"too long a life":          {times(time.Hour, 31*24*time.Hour), []string{"SessionLifetime: is 744h0m0s with an IdleTimeout of 1h0m0s" + life}},
		"a short life alone":       {times(0, 30*time.Minute), nil},
		"a long idle time alone":   {times(24*time.Hour, 0), nil},
		"no provider":              {func(c *wayleave.Config) { c.Providers = nil }, []string{"Providers: is empty; add one, such as {Preset: provider.Google(), ClientID: …, ClientSecret: …}"}},
		"a key of wrong size":      {keys(make([]byte, 16)), []string{"Keys: key 1: is 16 bytes long, must be exactly 32; make each of 32 bytes from a cryptographic random source"}},
		"a key that is text":       {keys([]byte("0123456789abcdef0123456789abcdef")), []string{"Keys: key 1: is text, must be random bytes (decode hexadecimal or base64 first); make each of 32 bytes from a cryptographic random source"}},
		"a store without keys":     {func(c *wayleave.Config) { c.Store = storetest.Failing(memory.New(memory.Options{})) }, []string{"Keys: is empty, and the store outlives this process; make 32 random bytes once, keep them, and give them to all processes"}},
		"memory without keys":      {func(c *wayleave.Config) { c.Store = memory.New(memory.Options{}) }, nil},
		"branding":                 {func(c *wayleave.Config) { c.Branding.Accent = "blue" }, []string{`Branding: accent: want "#rrggbb", got "blue"`}},
		"logo elsewhere":           {func(c *wayleave.Config) { c.Branding.LogoPath = "https://cdn.example/l.svg" }, []string{`Branding: logo path: want a path on this origin such as "/logo.svg", got "https://cdn.example/l.svg"`}},
		"callback without slash":   {callback("cb"), []string{`provider acme: CallbackPath: is "cb", which is not a clean path such as /auth/acme/callback`}},
		"callback with dots":       {callback("/a/../cb"), []string{`provider acme: CallbackPath: is "/a/../cb", which is not a clean path such as /auth/acme/callback`}},
		"callback with a wildcard": {callback("/cb/{x}"), []string{`provider acme: CallbackPath: is "/cb/{x}", which is not a clean path such as /auth/acme/callback`}},
		"callback is logout":       {callback("/auth/logout"), []string{`provider acme: CallbackPath: is "/auth/logout", which something else is served at; give each provider a callback of its own`}},
		"callback is the login":    {callback("/auth/acme/login"), []string{`provider acme: CallbackPath: is "/auth/acme/login", which something else is served at; give each provider a callback of its own`}},
		"another callback":         {callback("/oauth/callback"), nil},
		"two of one name": {func(c *wayleave.Config) { c.Providers = append(c.Providers, c.Providers[0]) }, []string{
			`provider acme: CallbackPath: is "/auth/acme/callback", which something else is served at; give each provider a callback of its own`,
			"provider acme: Name: is used twice; give each provider a name of its own"}},
		"A022 one callback for two": {func(c *wayleave.Config) {
			second := c.Providers[0]
			second.Name, second.CallbackPath = "second", "/auth/acme/callback"
			c.Providers = append(c.Providers, second)
		}, []string{`provider second: CallbackPath: is "/auth/acme/callback", which something else is served at; give each provider a callback of its own`}},
		"A027 one issuer in two places": {func(c *wayleave.Config) {
			second := c.Providers[0]
			second.Name, second.TokenURL = "second", "https://evil.example/token"
			c.Providers = append(c.Providers, second)
		}, []string{"provider second: Issuer: is that of another entry, with other endpoints; give entries of one issuer the same endpoints"}},
	} {
		t.Run(name, func(t *testing.T) {
			c := good()
			row.change(&c)
			if got := mistakes(t, c); !slices.Equal(got, append([]string{}, row.want...)) {
				t.Errorf("got\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(row.want, "\n\t"))
			}
		})
	}
}

// TestAllMistakesAtOnce, each an oauth.ConfigError, and no secret among them.
func TestAllMistakesAtOnce(t *testing.T) {
	_, err := wayleave.New(wayleave.Config{
		BaseURL: "http://app.example", BasePath: "auth", Home: "//x", IdleTimeout: -1, Keys: [][]byte{[]byte("canary-key")},
		Branding:  wayleave.Branding{Accent: "red"},
		Providers: []provider.Config{{Name: "A", Issuer: "http://x", ClientSecret: oauth.NewSecret(" canary-secret ")}, {}},
	})
	if err == nil {
		t.Fatal("no mistake found")
	}
	fields := map[string]bool{}
	var walk func(error)
	walk = func(err error) {
		if many, ok := err.(interface{ Unwrap() []error }); ok {
			for _, e := range many.Unwrap() {
				walk(e)
			}
			return
		}
		e, ok := err.(*oauth.ConfigError)
		if !ok {
			t.Errorf("%T: %v", err, err)
			return
		}
		fields[e.Field] = true
	}
	walk(err)
	for _, field := range []string{"BaseURL", "BasePath", "Home", "SessionLifetime", "Keys", "Branding", "Name", "Issuer", "ClientID", "ClientSecret"} {
		if !fields[field] {
			t.Errorf("nothing is said about %s: %v", field, err)
		}
	}
	if strings.Contains(err.Error(), "canary") {
		t.Errorf("a secret is in the error: %v", err)
	}
}

// TestStartsWithoutItsProviders: New asks nobody, and a provider that is down
// breaks new logins with it, and nothing else.
func TestStartsWithoutItsProviders(t *testing.T) {
	idp := newIDP(t)
	a := newDirectApp(t, idp, "http://localhost:8000", func(c *wayleave.Config) {
		down := c.Providers[0]
		down.Name, down.Label, down.Issuer = "down", "Down", "http://127.0.0.1:1"
		c.Providers = append(c.Providers, down)
	})
	if n := idp.Count("discovery"); n != 0 {
		t.Errorf("New made %d requests", n)
	}
	b := a.browser()
	at := b.open("/auth/down/login?return_to=/wanted")
	checkPage(t, at, "503 Down does not answer")
	if at.Header.Get("Retry-After") == "" || !strings.Contains(at.body, `href="/auth/down/login?return_to=%2Fwanted"`) {
		t.Errorf("Retry-After %q: %s", at.Header.Get("Retry-After"), text(at))
	}
	if got := b.finish(b.callback("/wanted")); got.body != "Hello Ada Marsh at /wanted" {
		t.Errorf("the other one ended with %q", got.body)
	}
}

// TestConfigIsCopied: changing it afterwards changes nothing.
func TestConfigIsCopied(t *testing.T) {
	c := good()
	c.BaseURL = "http://localhost:8000"
	c.OnSignIn = func(context.Context, *provider.Identity) error { return nil }
	auth, err := wayleave.New(c)
	if err != nil {
		t.Fatal(err)
	}
	defer auth.Close()
	c.Providers[0].Name = "changed"
	a := &app{t: t, auth: auth}
	if at := a.ask("GET", "/auth/changed/login"); at.StatusCode != 404 {
		t.Errorf("status %d", at.StatusCode)
	}
}
