package provider_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wayleave/wayleave/internal/vendorfakes"
	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/provider"
)

// atGoogle configures the preset for the fake, as an app would for Google, but
// for the address.
func atGoogle(g *vendorfakes.Google, change ...func(*provider.Config)) provider.Config {
	c := provider.Config{Preset: provider.Google(), Issuer: g.URL, ClientID: vendorfakes.ClientID, ClientSecret: secret(), Development: true}
	for _, f := range change {
		f(&c)
	}
	return c
}

func offline(c *provider.Config) { c.Offline = true }

func hd(values ...string) func(*provider.Config) {
	return func(c *provider.Config) { c.RequireClaims = map[string][]string{"hd": values} }
}

func TestGoogleSignIn(t *testing.T) {
	g := vendorfakes.NewGoogle(t)
	l := begin(t, atGoogle(g))
	id := l.mustIdentify()
	wantEqual(t, "provider", id.Provider, "google")
	wantEqual(t, "issuer", id.Issuer, g.URL)
	wantEqual(t, "subject", id.Subject, "110169484474386276334")
	wantEqual(t, "ID", id.ID, provider.IDOf(g.URL, "110169484474386276334"))
	wantEqual(t, "e-mail", id.Email, "mara@gmail.example")
	wantEqual(t, "verified", id.EmailVerified, true)
	wantEqual(t, "name", id.Name, "Mara Lind")
	wantEqual(t, "picture", id.Picture, "https://lh3.googleusercontent.example/a/110169484474386276334=s96-c")
	wantEqual(t, "claims by source", id.Claims.Text("id_token.email")+id.Claims.Text("userinfo.given_name"), "mara@gmail.exampleMara")
	if times, passed := l.checked(oauth.CheckProfile); times != 1 || !passed {
		t.Errorf("told %d times about the profile, passed: %v", times, passed)
	}
	if last, ok := l.events[len(l.events)-1].(oauth.Established); !ok || last.Is.Step != oauth.StepUse || last.Params[2].Value != id.ID {
		t.Errorf("the story ends with %+v", l.events[len(l.events)-1])
	}
	token := g.Requests("/token")[0]
	wantEqual(t, "client authentication", token.Form.Get("client_secret"), vendorfakes.ClientSecret)
	wantEqual(t, "Authorization header", token.Header.Get("Authorization"), "")
}

func TestA302_GoogleIsAskedForOfflineAccessOnlyIfTheAppIs(t *testing.T) {
	g := vendorfakes.NewGoogle(t)
	for _, tt := range []struct {
		name       string
		change     func(*provider.Config)
		accessType string
		prompt     string
		refresh    bool
	}{
		{"online", func(*provider.Config) {}, "", "", false},
		{"offline", offline, "offline", "consent", true},
		{"offline, a second time", offline, "offline", "consent", true},
		{"offline, and an account is to be chosen", func(c *provider.Config) {
			c.Offline, c.AuthParams = true, map[string]string{"prompt": "select_account"}
		}, "offline", "consent select_account", true},
		{"online, and an account is to be chosen", func(c *provider.Config) {
			c.AuthParams = map[string]string{"prompt": "select_account"}
		}, "", "select_account", false},
		{"offline, without a page", func(c *provider.Config) {
			c.Offline, c.AuthParams = true, map[string]string{"prompt": "none"}
		}, "offline", "none", false},
		{"offline, as the app has it", func(c *provider.Config) {
			c.Offline, c.AuthParams = true, map[string]string{"access_type": "online"}
		}, "online", "consent", false},
	} {
		t.Run("A302 "+tt.name, func(t *testing.T) {
			l := begin(t, atGoogle(g, tt.change))
			q := l.url.Query()
			wantEqual(t, "access_type", q.Get("access_type"), tt.accessType)
			wantEqual(t, "prompt", q.Get("prompt"), tt.prompt)
			wantEqual(t, "a refresh token", !l.mustTokens().RefreshToken.IsZero(), tt.refresh)
		})
	}
}

func TestA302_AGoogleLoginWithoutRefreshTokenWorks(t *testing.T) {
	g := vendorfakes.NewGoogle(t)
	c := atGoogle(g, offline)
	delete(c.Preset.Offline.AuthParams, "prompt")
	l := begin(t, c)
	wantEqual(t, "a refresh token at the first consent", l.mustTokens().RefreshToken.IsZero(), false)
	l.again()
	tokens := l.mustTokens()
	wantEqual(t, "a refresh token without consent", tokens.RefreshToken.IsZero(), true)
	if _, err := l.p.Identify(t.Context(), tokens); err != nil {
		t.Error(err)
	}
}

func TestA303_GoogleScopesAreNormalised(t *testing.T) {
	const calendar = "https://www.googleapis.com/auth/calendar.readonly"
	const longEmail = "https://www.googleapis.com/auth/userinfo.email"
	g := vendorfakes.NewGoogle(t)
	for _, tt := range []struct {
		name   string
		change func(*provider.Config)
		want   []string
	}{
		{"long names become those that were asked for", func(c *provider.Config) { c.RequireScopes = []string{"email", "profile", "openid"} }, []string{"openid", "profile", "email"}},
		{"others stay as they are", func(c *provider.Config) {
			c.MoreScopes, c.RequireScopes = []string{calendar}, []string{calendar, "email"}
		}, []string{"openid", "profile", "email", calendar}},
		{"a long name that was asked for stays", func(c *provider.Config) {
			c.Scopes, c.RequireScopes = []string{"openid", longEmail}, []string{longEmail}
		}, []string{"openid", longEmail}},
	} {
		t.Run("A303 "+tt.name, func(t *testing.T) {
			wantEqual(t, "scopes", strings.Join(begin(t, atGoogle(g, tt.change)).mustTokens().Scopes, " "), strings.Join(tt.want, " "))
		})
	}
	t.Run("A303 a scope that the person unticked", func(t *testing.T) {
		g.Change(func(b *vendorfakes.GoogleBehaviour) { b.Unticked = []string{calendar} })
		more := func(c *provider.Config) { c.MoreScopes = []string{calendar} }
		if tokens := begin(t, atGoogle(g, more)).mustTokens(); tokens.Granted(calendar) || !tokens.Granted("email") {
			t.Errorf("granted %q", tokens.Scopes)
		}
		l := begin(t, atGoogle(g, more, func(c *provider.Config) { c.RequireScopes = []string{calendar} }))
		_, err := l.tokens()
		wantRefused(t, err, oauth.CheckScope, oauth.FaultDenied,
			"scope: a scope that the app needs was not granted (expected "+calendar+", got openid profile email); sign in again and allow all that is asked for")
	})
}

func TestA301_POL05_GoogleWorkspaceIsCheckedInTheToken(t *testing.T) {
	for _, tt := range []struct {
		name, hosted string
		want         []string
		param        string
		refused      string
	}{
		{"a member", "acme.example", []string{"acme.example"}, "acme.example", ""},
		{"a member of one of several", "acme.example", []string{"other.example", "acme.example"}, "", ""},
		{"a member of any", "acme.example", []string{"*"}, "*", ""},
		{"A301 a personal account", "", []string{"acme.example"}, "acme.example",
			"id-token-claim: the account lacks a claim that is required here, or its value is not permitted (expected hd acme.example, got nothing)"},
		{"A301 a personal account where any member may", "", []string{"*"}, "*",
			"id-token-claim: the account lacks a claim that is required here, or its value is not permitted (expected hd *, got nothing)"},
		{"A203 A204 a member of another that ends alike", "evil-acme.example", []string{"acme.example"}, "acme.example",
			"id-token-claim: the account lacks a claim that is required here, or its value is not permitted (expected hd acme.example, got evil-acme.example)"},
		{"the same in other letters", "ACME.example", []string{"acme.example"}, "acme.example",
			"id-token-claim: the account lacks a claim that is required here, or its value is not permitted (expected hd acme.example, got ACME.example)"},
	} {
		t.Run("POL-05 "+tt.name, func(t *testing.T) {
			g := vendorfakes.NewGoogle(t)
			// The address is one of the domain in any case: it proves nothing.
			g.Change(func(b *vendorfakes.GoogleBehaviour) {
				b.Account.HostedDomain, b.Account.Email = tt.hosted, "mara@acme.example"
			})
			l := begin(t, atGoogle(g, hd(tt.want...)))
			wantEqual(t, "parameter", l.url.Query().Get("hd"), tt.param)
			id, err := l.identify()
			if tt.refused == "" {
				if err != nil || id.Claims.Text("id_token.hd") != tt.hosted {
					t.Fatalf("identity %v, error %v", id, err)
				}
				return
			}
			wantRefused(t, err, oauth.CheckClaim, oauth.FaultDenied, tt.refused)
			wantEqual(t, "requests for the profile", len(g.Requests("/v1/userinfo")), 0)
		})
	}
}

// The alias is another name of Google's own issuer, and of no other.
func TestA300_GoogleLegacyIssuer(t *testing.T) {
	legacy := func(b *vendorfakes.GoogleBehaviour) { b.TokenIssuer = "accounts.google.com" }
	t.Run("A300 is the same account", func(t *testing.T) {
		g := vendorfakes.NewGoogle(t)
		c := atGoogle(g)
		c.Preset.Issuer = g.URL
		modern := begin(t, c).mustIdentify()
		g.Change(legacy)
		id := begin(t, c).mustIdentify()
		wantEqual(t, "issuer", id.Issuer, g.URL)
		wantEqual(t, "ID", id.ID, modern.ID)
		wantEqual(t, "iss as it came", id.Claims.Text("id_token.iss"), "accounts.google.com")
	})
	t.Run("A300 another legacy name is refused", func(t *testing.T) {
		g := vendorfakes.NewGoogle(t)
		g.Change(func(b *vendorfakes.GoogleBehaviour) { b.TokenIssuer = "accounts.google.com/" })
		c := atGoogle(g)
		c.Preset.Issuer = g.URL
		_, err := begin(t, c).identify()
		wantRefused(t, err, oauth.CheckIssuer, oauth.FaultProvider,
			"id-token-issuer: the ID token is from another issuer (expected "+g.URL+", got accounts.google.com/)")
	})
	t.Run("A300 is no name of another issuer", func(t *testing.T) {
		g := vendorfakes.NewGoogle(t)
		g.Change(legacy)
		_, err := begin(t, atGoogle(g)).identify()
		wantRefused(t, err, oauth.CheckIssuer, oauth.FaultProvider,
			"id-token-issuer: the ID token is from another issuer (expected "+g.URL+", got accounts.google.com)")
	})
}

func TestA343_GoogleCallbackIssuer(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*vendorfakes.GoogleBehaviour)
		strip  bool
		got    string // "" if it passes
	}{
		{"promised and right", func(*vendorfakes.GoogleBehaviour) {}, false, ""},
		{"neither promised nor there", func(b *vendorfakes.GoogleBehaviour) { b.WithoutISS = true }, false, ""},
		{"promised and another", func(b *vendorfakes.GoogleBehaviour) { b.CallbackISS = "https://evil.example" }, false, "the answer comes from another issuer"},
		{"promised and not there", func(*vendorfakes.GoogleBehaviour) {}, true, "the answer does not name its issuer, and this provider always does"},
	} {
		t.Run("A343 "+tt.name, func(t *testing.T) {
			g := vendorfakes.NewGoogle(t)
			g.Change(tt.change)
			l := begin(t, atGoogle(g))
			callback := l.visit()
			if tt.strip {
				q := callback.Query()
				q.Del("iss")
				callback.RawQuery = q.Encode()
			}
			_, err := l.check(callback)
			if tt.got == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if oauth.CheckOf(err) != oauth.CheckResponseIssuer || oauth.FaultOf(err) != oauth.FaultBrowser || !strings.Contains(err.Error(), tt.got) {
				t.Errorf("error %v", err)
			}
			wantEqual(t, "token requests", len(g.Requests("/token")), 0)
		})
	}
}

func TestGoogleErrors(t *testing.T) {
	t.Run("the person cancels", func(t *testing.T) {
		g := vendorfakes.NewGoogle(t)
		g.Change(func(b *vendorfakes.GoogleBehaviour) { b.Cancel = true })
		_, err := begin(t, atGoogle(g)).tokens()
		wantRefused(t, err, oauth.CheckProviderAnswer, oauth.FaultDenied,
			"provider-answer: the provider refused (expected a code, got access_denied): the provider says access_denied; sign in again and allow the access")
		wantEqual(t, "code", oauth.ProviderCode(err), "access_denied")
	})
	t.Run("another secret", func(t *testing.T) {
		g := vendorfakes.NewGoogle(t)
		_, err := begin(t, atGoogle(g, func(c *provider.Config) { c.ClientSecret = oauth.NewSecret("wrong") })).tokens()
		wantRefused(t, err, oauth.CheckTokenAnswer, oauth.FaultProvider,
			`token-answer: the provider refused (expected tokens, got invalid_client): the provider says invalid_client: "The OAuth client was not found."; `+
				"compare client id, client secret and the way of client authentication with the registration at the provider")
	})
	t.Run("a code that was used", func(t *testing.T) {
		g := vendorfakes.NewGoogle(t)
		l := begin(t, atGoogle(g))
		code, err := l.check(l.visit())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := l.p.Client.Exchange(t.Context(), code); err != nil {
			t.Fatal(err)
		}
		_, err = l.p.Client.Exchange(t.Context(), code)
		wantRefused(t, err, oauth.CheckTokenAnswer, oauth.FaultProvider,
			`token-answer: the provider refused (expected tokens, got invalid_grant): the provider says invalid_grant: "Malformed auth code."; sign in again`)
	})
}

func TestGoogleRefresh(t *testing.T) {
	g := vendorfakes.NewGoogle(t)
	g.Change(func(b *vendorfakes.GoogleBehaviour) { b.RefreshLifetime = 7 * 24 * time.Hour })
	l := begin(t, atGoogle(g, offline))
	first := l.mustTokens()
	if in := time.Until(first.RefreshExpires); in < 7*24*time.Hour-time.Minute || in > 7*24*time.Hour {
		t.Errorf("the refresh token ends in %v", in)
	}
	second, err := l.p.Client.Refresh(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	wantEqual(t, "the same access token", second.AccessToken.Reveal() == first.AccessToken.Reveal(), false)
	wantEqual(t, "the same refresh token", second.RefreshToken.Reveal() == first.RefreshToken.Reveal(), true)
	wantEqual(t, "subject", second.IDToken.Subject, first.IDToken.Subject)
	wantEqual(t, "same scopes", slices.Equal(second.Scopes, first.Scopes), true)
	if in := time.Until(second.RefreshExpires); in < 7*24*time.Hour-time.Minute || in > 7*24*time.Hour {
		t.Errorf("the refresh token ends in %v after a refresh", in)
	}
	if _, err := l.p.Client.Refresh(t.Context(), first); err != nil {
		t.Errorf("a refresh token that does not rotate, used twice: %v", err)
	}
	g.Change(func(b *vendorfakes.GoogleBehaviour) { b.Revoked = true })
	_, err = l.p.Client.Refresh(t.Context(), second)
	wantEqual(t, "code", oauth.ProviderCode(err), "invalid_grant")
	for _, r := range g.Requests("/token")[1:] {
		wantEqual(t, "parameters of a refresh", sorted(r.Form), "client_id client_secret grant_type refresh_token")
	}
}

// sorted returns the names of params.
func sorted(params url.Values) string {
	var names []string
	for name := range params {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

func TestGoogleUserInfoIsRefused(t *testing.T) {
	g := vendorfakes.NewGoogle(t)
	l := begin(t, atGoogle(g))
	tokens := l.mustTokens()
	stolen := *tokens
	stolen.AccessToken = oauth.NewSecret("ya29.other")
	_, err := l.p.Identify(t.Context(), &stolen)
	wantRefused(t, err, oauth.CheckUserInfo, oauth.FaultProvider,
		"userinfo: the provider does not accept its own access token (expected status 200 with application/json, got status 401 with application/json)")
}
