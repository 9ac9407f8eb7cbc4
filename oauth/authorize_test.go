package oauth_test

import (
	"crypto/sha256"
	"encoding/base64"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wayleave/wayleave/oauth"
)

func TestAZR01_AZR02_AZR03_AZR05_AZR09_AZR14_TheAuthorizationURL(t *testing.T) {
	f := newFake(t)
	fl := f.begin(func(c *oauth.Config) {
		c.AuthorizationURL = f.issuer() + "/authorize?tenant=a%20b&scope=stale"
		c.AuthParams = map[string]string{"access_type": "offline", "prompt": "consent"}
		c.Scopes = []string{"openid", "email", "profile"}
	})
	q := fl.url.Query()
	var names []string
	for name, values := range q {
		if len(values) != 1 {
			t.Errorf("AZR-09: %s comes %d times", name, len(values))
		}
		names = append(names, name)
	}
	slices.Sort(names)
	want := "access_type client_id code_challenge code_challenge_method nonce prompt redirect_uri response_type scope state tenant"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("parameters\n%s, want\n%s", got, want)
	}
	for name, value := range map[string]string{
		"response_type": "code", "client_id": "client-1", "redirect_uri": "http://localhost:8000/auth/fake/callback",
		"scope": "openid email profile", "code_challenge_method": "S256", "tenant": "a b", "access_type": "offline", "prompt": "consent",
		"state": fl.login.State(),
	} {
		if q.Get(name) != value {
			t.Errorf("%s is %q, want %q", name, q.Get(name), value)
		}
	}
	if strings.Contains(fl.url.RawQuery, "+") {
		t.Error("AZR-14: a space is written as a plus sign")
	}
	f.grant(fl.nonce(), nil)
	if _, err := fl.exchange(); err != nil {
		t.Fatal(err)
	}
	verifier := f.got("/token")[0].form.Get("code_verifier")
	sum := sha256.Sum256([]byte(verifier))
	if q.Get("code_challenge") != base64.RawURLEncoding.EncodeToString(sum[:]) {
		t.Error("AZR-05: the challenge is not that of the verifier")
	}
	for _, v := range []string{q.Get("nonce"), verifier} {
		if strings.Contains(fl.login.State(), v) || v == q.Get("nonce") && v == verifier {
			t.Error("AZR-04: values are related")
		}
	}
}

func TestAPlainOAuthLoginHasNoNonce(t *testing.T) {
	f := newFake(t)
	fl := f.begin(func(c *oauth.Config) { c.Scopes = []string{"read", "write"} })
	if fl.url.Query().Has("nonce") || fl.url.Query().Get("scope") != "read write" {
		t.Error(fl.url.RawQuery)
	}
}

func TestDialectOfAuthorizationRequests(t *testing.T) {
	f := newFake(t)
	fl := f.begin(func(c *oauth.Config) {
		c.Scopes = []string{"read", "write"}
		c.Dialect.ScopeSeparator, c.Dialect.ClientIDParam = ",", "client_key"
	})
	q := fl.url.Query()
	if q.Get("scope") != "read,write" || q.Get("client_key") != "client-1" || q.Has("client_id") {
		t.Errorf("A333: %s", fl.url.RawQuery)
	}
}

func TestAZR15_AZR16_HintsOfALogin(t *testing.T) {
	f := newFake(t)
	fl := f.begin(func(c *oauth.Config) { c.AuthParams = map[string]string{"prompt": "consent"} })
	p := fl.c.Pending()
	p.MaxAge, p.ACRValues = 90*time.Second, []string{"gold", "silver"}
	for prompt, want := range map[string]string{"": "consent", "select_account": "consent select_account", "consent": "consent", "none": "none"} {
		raw, err := fl.c.Authorize(t.Context(), fl.sealer.Begin(p), oauth.Hints{Prompt: prompt, LoginHint: "ada@example.com", UILocales: "de en"})
		if err != nil {
			t.Fatal(err)
		}
		q := parse(t, raw).Query()
		if q.Get("prompt") != want || q.Get("max_age") != "90" || q.Get("acr_values") != "gold silver" || q.Get("login_hint") != "ada@example.com" || q.Get("ui_locales") != "de en" {
			t.Errorf("prompt %q: %v", prompt, q)
		}
	}
}

func TestDIS14_PKCEWithoutS256IsRefused(t *testing.T) {
	f := newFake(t)
	f.set("code_challenge_methods_supported", []string{"plain"})
	c, err := oauth.New(f.config())
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Authorize(t.Context(), sealer(t, "x", testKey()).Begin(c.Pending()), oauth.Hints{})
	wantCheck(t, err, oauth.CheckDiscovery, oauth.FaultProvider, "discovery: the provider offers PKCE, but not with S256 (expected S256, got plain)")
}

func TestALoginOfAnotherProviderIsNotStarted(t *testing.T) {
	f := newFake(t)
	fl := f.begin()
	_, err := fl.c.Authorize(t.Context(), fl.sealer.Begin(oauth.Pending{Provider: "other", MaxAge: -1}), oauth.Hints{})
	wantCheck(t, err, oauth.CheckEntry, oauth.FaultCaller, "provider-entry: the login belongs to another provider (expected a login begun for fake, got one for other)")
}

func TestEventsTellTheStoryAndNoSecret(t *testing.T) {
	f := newFake(t)
	var l listener
	fl, tok := f.tokens(map[string]any{"refresh_token": "rt-canary-1", "access_token": "at-canary-1"}, func(c *oauth.Config) {
		c.OnEvent = l.hear
		c.ClientSecret = oauth.NewSecret("cs-canary-1")
	})
	f.answer("/userinfo", sendJSON(map[string]any{"sub": "user-1", "email": "ada@example.com"}))
	ctx := oauth.WithLogin(t.Context(), fl.login.ID())
	if _, err := fl.c.UserInfo(ctx, tok, nil); err != nil {
		t.Fatal(err)
	}
	f.grant("", map[string]any{"access_token": "at-canary-2", "id_token": nil})
	if _, err := fl.c.Refresh(ctx, tok); err != nil {
		t.Fatal(err)
	}
	text := l.text()
	verifier := f.got("/token")[0].form.Get("code_verifier")
	for what, secret := range map[string]string{
		"access token": "at-canary", "refresh token": "rt-canary", "client secret": "cs-canary", "code": "c/o+de=", "state": fl.login.State(),
		"nonce": fl.nonce(), "verifier": verifier, "ID token": tok.IDToken.Raw().Reveal(), "encoded code": url.QueryEscape("c/o+de= 1"),
	} {
		if strings.Contains(text, secret) {
			t.Errorf("OPS-01: the %s shows in the events", what)
		}
	}
	for _, want := range []string{"openid", "http://localhost:8000/auth/fake/callback", "id-token-nonce", "ada@example.com", fl.login.ID()} {
		if !strings.Contains(text, want) {
			t.Errorf("the events lack %q", want)
		}
	}
	steps := map[oauth.Step]bool{}
	for _, ev := range l.events {
		steps[ev.About().Step] = true
		if ev.About().Provider != "fake" || ev.About().Time.IsZero() {
			t.Errorf("%+v", ev.About())
		}
	}
	if len(steps) != 5 {
		t.Errorf("steps %v", steps)
	}
}
