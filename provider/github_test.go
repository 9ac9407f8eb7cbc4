package provider_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wayleave/wayleave/internal/vendorfakes"
	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/provider"
	"github.com/wayleave/wayleave/trace"
)

// atGitHub configures the preset for the fake, as an app does for an
// Enterprise Server: by three URLs.
func atGitHub(g *vendorfakes.GitHub, change ...func(*provider.Config)) provider.Config {
	c := provider.Config{
		Preset: provider.GitHub(), ClientID: vendorfakes.ClientID, ClientSecret: secret(), Development: true,
		AuthorizationURL: g.URL + "/login/oauth/authorize", TokenURL: g.URL + "/login/oauth/access_token", UserInfoURL: g.URL + "/api/user",
	}
	for _, f := range change {
		f(&c)
	}
	return c
}

func TestA308_GitHubSignIn(t *testing.T) {
	g := vendorfakes.NewGitHub(t)
	l := begin(t, atGitHub(g))
	wantEqual(t, "scope that is asked for", l.url.Query().Get("scope"), "read:user user:email")
	wantEqual(t, "a challenge is sent", l.url.Query().Has("code_challenge"), true)
	wantEqual(t, "a nonce is sent", l.url.Query().Has("nonce"), false)
	tokens := l.mustTokens()
	wantEqual(t, "scopes", strings.Join(tokens.Scopes, " "), "read:user user:email")
	wantEqual(t, "an end of the token", tokens.Expires.IsZero(), true)
	wantEqual(t, "an ID token", tokens.IDToken == nil, true)
	id, err := l.p.Identify(t.Context(), tokens)
	if err != nil {
		t.Fatal(err)
	}
	wantEqual(t, "provider", id.Provider, "github")
	wantEqual(t, "subject", id.Subject, "583231")
	wantEqual(t, "issuer", id.Issuer, g.URL)
	wantEqual(t, "e-mail", id.Email, "mara@home.example")
	wantEqual(t, "verified", id.EmailVerified, true)
	wantEqual(t, "name", id.Name, "Mara Lind")
	wantEqual(t, "picture", id.Picture, "https://avatars.githubusercontent.example/u/583231?v=4")
	wantEqual(t, "Accept at the token endpoint", g.Requests("/login/oauth/access_token")[0].Header.Get("Accept"), "application/json")
	for _, path := range []string{"/api/user", "/api/user/emails"} {
		h := g.Requests(path)[0].Header
		wantEqual(t, "Accept at "+path, h.Get("Accept"), "application/vnd.github+json")
		wantEqual(t, "User-Agent at "+path, h.Get("User-Agent"), "wayleave")
	}
}

func TestA309_POL03_GitHubEmail(t *testing.T) {
	entry := func(email string, primary, verified bool) vendorfakes.GitHubEmail {
		return vendorfakes.GitHubEmail{Email: email, Primary: primary, Verified: verified}
	}
	for _, tt := range []struct {
		name   string
		emails []vendorfakes.GitHubEmail
		public string
		want   string
	}{
		{"primary and verified, not first", []vendorfakes.GitHubEmail{entry("a@x.example", false, true), entry("b@x.example", true, true)}, "", "b@x.example"},
		{"primary is not verified", []vendorfakes.GitHubEmail{entry("a@x.example", false, true), entry("b@x.example", true, false)}, "", ""},
		{"none is verified", []vendorfakes.GitHubEmail{entry("a@x.example", true, false)}, "", ""},
		{"none at all", []vendorfakes.GitHubEmail{}, "", ""},
		{"public on the profile, in the list not verified", []vendorfakes.GitHubEmail{entry("victim@corp.example", true, false)}, "victim@corp.example", ""},
		{"public on the profile, another in the list", []vendorfakes.GitHubEmail{entry("b@x.example", true, true)}, "victim@corp.example", "b@x.example"},
	} {
		t.Run("A309 "+tt.name, func(t *testing.T) {
			g := vendorfakes.NewGitHub(t)
			g.Change(func(b *vendorfakes.GitHubBehaviour) {
				b.Emails = tt.emails
				if tt.public != "" {
					b.Account.Email = new(tt.public)
				}
			})
			id := begin(t, atGitHub(g)).mustIdentify()
			wantEqual(t, "e-mail", id.Email, tt.want)
			wantEqual(t, "verified", id.EmailVerified, tt.want != "")
		})
	}
}

func TestA309_GitHubEmailListIsRefused(t *testing.T) {
	for _, status := range []int{http.StatusForbidden, http.StatusNotFound} {
		t.Run("A309 the login works without: "+http.StatusText(status), func(t *testing.T) {
			g := vendorfakes.NewGitHub(t)
			g.Change(func(b *vendorfakes.GitHubBehaviour) { b.EmailsStatus = status })
			id := begin(t, atGitHub(g)).mustIdentify()
			wantEqual(t, "subject", id.Subject, "583231")
			wantEqual(t, "e-mail", id.Email, "")
			wantEqual(t, "verified", id.EmailVerified, false)
		})
	}
	t.Run("A309 a list that is refused is not how the login ended", func(t *testing.T) {
		g := vendorfakes.NewGitHub(t)
		g.Change(func(b *vendorfakes.GitHubBehaviour) { b.EmailsStatus = http.StatusNotFound })
		l := begin(t, atGitHub(g))
		l.mustIdentify()
		story := trace.NewRecorder(1)
		for _, ev := range l.events {
			story.Record(t.Context(), ev)
		}
		told := story.Logins()
		if len(told) != 1 || told[0].Outcome != trace.Done {
			t.Errorf("told as %+v", told)
		}
	})
	t.Run("A309 the scope was not asked for", func(t *testing.T) {
		g := vendorfakes.NewGitHub(t)
		id := begin(t, atGitHub(g, func(c *provider.Config) { c.Scopes = []string{"read:user"} })).mustIdentify()
		wantEqual(t, "e-mail", id.Email, "")
	})
	for _, status := range []int{http.StatusInternalServerError, http.StatusTooManyRequests} {
		t.Run("A309 GitHub is out of order: "+http.StatusText(status), func(t *testing.T) {
			g := vendorfakes.NewGitHub(t)
			g.Change(func(b *vendorfakes.GitHubBehaviour) { b.EmailsStatus = status })
			_, err := begin(t, atGitHub(g)).identify()
			if oauth.CheckOf(err) != oauth.CheckProfile || oauth.FaultOf(err) != oauth.FaultUnavailable {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestA209_A310_GitHubAccountIsItsNumber(t *testing.T) {
	g := vendorfakes.NewGitHub(t)
	before := begin(t, atGitHub(g)).mustIdentify()
	t.Run("A310 a new user name", func(t *testing.T) {
		g.Change(func(b *vendorfakes.GitHubBehaviour) { b.Account.Login = "renamed" })
		wantEqual(t, "ID", begin(t, atGitHub(g)).mustIdentify().ID, before.ID)
	})
	t.Run("A310 the user name is somebody else's now", func(t *testing.T) {
		g.Change(func(b *vendorfakes.GitHubBehaviour) { b.Account.Login, b.Account.ID = "octo-mara", "583232" })
		if id := begin(t, atGitHub(g)).mustIdentify(); id.ID == before.ID {
			t.Error("two accounts have one ID")
		}
	})
	for _, number := range []string{"9007199254740993", "18446744073709551617", "1"} {
		t.Run("A209 "+number, func(t *testing.T) {
			g.Change(func(b *vendorfakes.GitHubBehaviour) { b.Account.ID = json.Number(number) })
			wantEqual(t, "subject", begin(t, atGitHub(g)).mustIdentify().Subject, number)
		})
	}
	t.Run("without a name", func(t *testing.T) {
		g.Change(func(b *vendorfakes.GitHubBehaviour) { b.Account.Name = nil })
		wantEqual(t, "name", begin(t, atGitHub(g)).mustIdentify().Name, "octo-mara")
	})
}

func TestA343_GitHubCallbackIssuer(t *testing.T) {
	g := vendorfakes.NewGitHub(t)
	for _, tt := range []struct{ name, iss, refused string }{
		{"absent", "", ""},
		{"right", g.URL + "/login/oauth", ""},
		{"another", "https://evil.example", "response-issuer: the answer comes from another issuer (expected " + g.URL + "/login/oauth, got https://evil.example); sign in again"},
		{"the public GitHub", "https://github.com/login/oauth", "response-issuer: the answer comes from another issuer (expected " + g.URL + "/login/oauth, got https://github.com/login/oauth); sign in again"},
	} {
		t.Run("A308 A343 "+tt.name, func(t *testing.T) {
			g.Change(func(b *vendorfakes.GitHubBehaviour) { b.CallbackISS = tt.iss })
			before := len(g.Requests("/login/oauth/access_token"))
			_, err := begin(t, atGitHub(g)).identify()
			if tt.refused == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			wantRefused(t, err, oauth.CheckResponseIssuer, oauth.FaultBrowser, tt.refused)
			wantEqual(t, "token requests", len(g.Requests("/login/oauth/access_token")), before)
		})
	}
	t.Run("A343 the preset's own", func(t *testing.T) {
		p, err := provider.New(provider.Config{Preset: provider.GitHub(), ClientID: "c", ClientSecret: secret()}, redirectURI, nil)
		if err != nil {
			t.Fatal(err)
		}
		l := &login{t: t, p: p, sealer: begin(t, atGitHub(g)).sealer}
		l.again()
		for iss, refused := range map[string]bool{"https://github.com/login/oauth": false, "https://github.com": true, "https://github.com/login/oauth/": true} {
			callback := *l.url
			q := callback.Query()
			q.Set("code", "c")
			q.Set("iss", iss)
			callback.RawQuery = q.Encode()
			_, err := l.check(&callback)
			wantEqual(t, iss+" is refused", oauth.CheckOf(err) == oauth.CheckResponseIssuer, refused)
		}
	})
}

func TestA308_GitHubErrorsComeWithStatus200(t *testing.T) {
	t.Run("A308 a code that was used", func(t *testing.T) {
		g := vendorfakes.NewGitHub(t)
		l := begin(t, atGitHub(g))
		code, err := l.check(l.visit())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := l.p.Client.Exchange(t.Context(), code); err != nil {
			t.Fatal(err)
		}
		_, err = l.p.Client.Exchange(t.Context(), code)
		wantRefused(t, err, oauth.CheckTokenAnswer, oauth.FaultProvider,
			`token-answer: the provider refused (expected tokens, got bad_verification_code): the provider says bad_verification_code: "The code passed is incorrect or expired."`)
	})
	t.Run("A308 another secret", func(t *testing.T) {
		g := vendorfakes.NewGitHub(t)
		_, err := begin(t, atGitHub(g, func(c *provider.Config) { c.ClientSecret = oauth.NewSecret("wrong") })).tokens()
		wantEqual(t, "code", oauth.ProviderCode(err), "incorrect_client_credentials")
		wantEqual(t, "check", oauth.CheckOf(err), oauth.CheckTokenAnswer)
	})
	t.Run("A308 another redirect URI", func(t *testing.T) {
		g := vendorfakes.NewGitHub(t)
		l := begin(t, atGitHub(g))
		code := l.visit().Query().Get("code")
		var err error
		if l.p, err = provider.New(atGitHub(g), "http://localhost:8000/other", nil); err != nil {
			t.Fatal(err)
		}
		l.again()
		_, err = exchange(l, code)
		wantRefused(t, err, oauth.CheckTokenAnswer, oauth.FaultProvider,
			`token-answer: the provider refused (expected tokens, got redirect_uri_mismatch): the provider says redirect_uri_mismatch: `+
				`"The redirect_uri MUST match the registered callback URL for this application."; register the redirect URI exactly as it is configured`)
	})
	t.Run("the person cancels", func(t *testing.T) {
		g := vendorfakes.NewGitHub(t)
		g.Change(func(b *vendorfakes.GitHubBehaviour) { b.Cancel = true })
		_, err := begin(t, atGitHub(g)).tokens()
		wantRefused(t, err, oauth.CheckProviderAnswer, oauth.FaultDenied,
			`provider-answer: the provider refused (expected a code, got access_denied): the provider says access_denied: "The user has denied your application access."; sign in again and allow the access`)
	})
}

func TestGitHubAppsRotate(t *testing.T) {
	g := vendorfakes.NewGitHub(t)
	g.Change(func(b *vendorfakes.GitHubBehaviour) { b.App = true })
	l := begin(t, atGitHub(g))
	first := l.mustTokens()
	if in := time.Until(first.Expires); in > 8*time.Hour || in < 8*time.Hour-time.Minute {
		t.Errorf("the access token ends in %v", in)
	}
	if in := time.Until(first.RefreshExpires); in > 184*24*time.Hour || in < 183*24*time.Hour {
		t.Errorf("the refresh token ends in %v", in)
	}
	wantEqual(t, "no scopes are granted, and that is said", first.Scopes != nil && len(first.Scopes) == 0, true)
	second, err := l.p.Client.Refresh(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	wantEqual(t, "the same refresh token", second.RefreshToken.Reveal() == first.RefreshToken.Reveal(), false)
	if _, err := l.p.Identify(t.Context(), second); err != nil {
		t.Errorf("the new token: %v", err)
	}
	_, err = l.p.Client.Refresh(t.Context(), first)
	wantEqual(t, "code for one that is spent", oauth.ProviderCode(err), "invalid_grant")
	wantEqual(t, "which ends the grant", oauth.EndsGrant(err), true)
	if _, err := l.p.Client.Refresh(t.Context(), second); err != nil {
		t.Errorf("the new refresh token: %v", err)
	}
}

// A preset's other addresses follow those that a Config moves: no token for
// an Enterprise Server goes to the public GitHub.
func TestPOL02_GitHubEnterpriseServer(t *testing.T) {
	ghe := func(host string) provider.Config {
		return provider.Config{Preset: provider.GitHub(), Name: "ghe", ClientID: "c", ClientSecret: secret(),
			AuthorizationURL: host + "/login/oauth/authorize", TokenURL: host + "/login/oauth/access_token", UserInfoURL: host + "/api/v3/user"}
	}
	realms := []string{}
	for _, c := range []provider.Config{{Preset: provider.GitHub(), ClientID: "c", ClientSecret: secret()}, ghe("https://git.acme.example"), ghe("https://GIT.other.example")} {
		p, err := provider.New(c, redirectURI, nil)
		if err != nil {
			t.Fatal(err)
		}
		realms = append(realms, p.Realm())
	}
	// User 5 here and user 5 there are two people.
	want := []string{"https://github.com", "https://git.acme.example", "https://git.other.example"}
	if !slices.Equal(realms, want) {
		t.Errorf("realms %q, want %q", realms, want)
	}
	t.Run("another version of the API is the same GitHub", func(t *testing.T) {
		p, err := provider.New(provider.Config{Preset: provider.GitHub(), ClientID: "c", ClientSecret: secret(), UserInfoURL: "https://api.github.com/v9/user"}, redirectURI, nil)
		if err != nil {
			t.Fatal(err)
		}
		wantEqual(t, "realm", p.Realm(), "https://github.com")
	})
}
