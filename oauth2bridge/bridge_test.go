package oauth2bridge_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"

	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/oauth2bridge"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// source is an oauth.TokenSource that answers what it is told to.
type source func(context.Context) (*oauth.Tokens, error)

func (s source) Token(ctx context.Context) (*oauth.Tokens, error) { return s(ctx) }

// theirs is an oauth2.TokenSource that does.
type theirs func() (*oauth2.Token, error)

func (s theirs) Token() (*oauth2.Token, error) { return s() }

func tokens(access string, expires time.Time) *oauth.Tokens {
	return &oauth.Tokens{AccessToken: oauth.NewSecret(access), Type: "Bearer", RefreshToken: oauth.NewSecret("rt-1"), Expires: expires, Scopes: []string{"openid", "api"}}
}

func TestToken(t *testing.T) {
	got := oauth2bridge.Token(tokens("at-1", noon))
	if got.AccessToken != "at-1" || got.TokenType != "Bearer" || !got.Expiry.Equal(noon) || got.Extra("scope") != "openid api" {
		t.Errorf("token %q, type %q, end %v, scope %v", got.AccessToken, got.TokenType, got.Expiry, got.Extra("scope"))
	}
	if got.RefreshToken != "" {
		t.Error("the refresh token went along")
	}
	if got.Extra("id_token") != nil {
		t.Errorf("an ID token came from nowhere: %v", got.Extra("id_token"))
	}
	if text, err := json.Marshal(got); err != nil || string(text) != `{"access_token":"at-1","token_type":"Bearer","expiry":"2026-11-20T12:00:00Z"}` {
		t.Errorf("stored as %s, %v", text, err)
	}
	unknown := &oauth.Tokens{AccessToken: oauth.NewSecret("at-1"), Type: "Bearer"}
	if got := oauth2bridge.Token(unknown); !got.Expiry.IsZero() || got.Extra("scope") != nil || !got.Valid() {
		t.Errorf("of unknown end and scope: %v, %v, valid: %v", got.Expiry, got.Extra("scope"), got.Valid())
	}
	if oauth2bridge.Token(nil) != nil {
		t.Error("nothing became something")
	}
}

func TestRefreshToken(t *testing.T) {
	if got := oauth2bridge.RefreshToken(tokens("at-1", noon)); got != "rt-1" {
		t.Errorf("%q", got)
	}
	if got := oauth2bridge.RefreshToken(&oauth.Tokens{}); got != "" {
		t.Errorf("%q of none", got)
	}
	if got := oauth2bridge.RefreshToken(nil); got != "" {
		t.Errorf("%q of nothing", got)
	}
}

func TestFromToken(t *testing.T) {
	for _, kind := range []string{"", "bearer", "Bearer", "BEARER"} {
		in := (&oauth2.Token{AccessToken: "at-1", TokenType: kind, RefreshToken: "rt-1", Expiry: noon}).
			WithExtra(map[string]any{"scope": "openid  api", "id_token": "e30.e30.e30"})
		got := oauth2bridge.FromToken(in)
		if got.AccessToken.Reveal() != "at-1" || got.Type != "Bearer" || got.RefreshToken.Reveal() != "rt-1" || !got.Expires.Equal(noon) {
			t.Errorf("%q: %+v", kind, got)
		}
		if len(got.Scopes) != 2 || !got.Granted("openid") || !got.Granted("api") {
			t.Errorf("scopes %q", got.Scopes)
		}
		if got.IDToken != nil {
			t.Error("an ID token that nobody verified")
		}
	}
	if got := oauth2bridge.FromToken(&oauth2.Token{AccessToken: "at-1"}); !got.Expires.IsZero() || got.Scopes != nil || !got.RefreshToken.IsZero() {
		t.Errorf("%+v", got)
	}
	if oauth2bridge.FromToken(nil) != nil {
		t.Error("nothing became something")
	}
}

func TestThereAndBackAgain(t *testing.T) {
	in := tokens("at-1", noon)
	out := oauth2bridge.FromToken(oauth2bridge.Token(in))
	if out.AccessToken.Reveal() != in.AccessToken.Reveal() || out.Type != in.Type || !out.Expires.Equal(in.Expires) || len(out.Scopes) != 2 || !out.RefreshToken.IsZero() {
		t.Errorf("%+v became %+v", in, out)
	}
}

func TestTokenSource(t *testing.T) {
	type key struct{}
	failed := errors.New("the grant has ended")
	for _, tt := range []struct {
		name   string
		source source
		want   string
		err    string
	}{
		{"tokens", func(context.Context) (*oauth.Tokens, error) { return tokens("at-1", noon), nil }, "at-1", ""},
		{"an error", func(context.Context) (*oauth.Tokens, error) { return nil, failed }, "", "the grant has ended"},
		{"nothing", func(context.Context) (*oauth.Tokens, error) { return nil, nil }, "", "api: the source has no token and no error"},
		{"tokens without one", func(context.Context) (*oauth.Tokens, error) { return &oauth.Tokens{Type: "Bearer"}, nil }, "", "api: the source has no token and no error"},
		{"the context it was made with", func(ctx context.Context) (*oauth.Tokens, error) {
			return tokens(ctx.Value(key{}).(string), noon), nil
		}, "at-of-context", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := oauth2bridge.TokenSource(context.WithValue(t.Context(), key{}, "at-of-context"), tt.source).Token()
			switch {
			case tt.err == "" && (err != nil || got.AccessToken != tt.want):
				t.Errorf("%v, %v", got, err)
			case tt.err != "" && (err == nil || err.Error() != tt.err || got != nil):
				t.Errorf("%v, %v", got, err)
			}
		})
	}
	if _, err := oauth2bridge.TokenSource(t.Context(), source(func(context.Context) (*oauth.Tokens, error) { return nil, failed })).Token(); !errors.Is(err, failed) {
		t.Errorf("error %v is another one", err)
	}
}

func TestFromTokenSource(t *testing.T) {
	failed := errors.New("no network")
	for _, tt := range []struct {
		name   string
		source theirs
		err    string
		check  oauth.Check
	}{
		{"a token", func() (*oauth2.Token, error) { return &oauth2.Token{AccessToken: "at-1"}, nil }, "", ""},
		{"an error", func() (*oauth2.Token, error) { return nil, failed }, "no network", ""},
		{"nothing", func() (*oauth2.Token, error) { return nil, nil }, "api: the source has no token and no error", oauth.CheckAPI},
		{"an empty one", func() (*oauth2.Token, error) { return &oauth2.Token{}, nil }, "api: the source has no token and no error", oauth.CheckAPI},
		{"A075 another type", func() (*oauth2.Token, error) { return &oauth2.Token{AccessToken: "at-1", TokenType: "mac"}, nil },
			"token-type: the source's token is of a type that cannot be used (expected Bearer, got another)", oauth.CheckTokenType},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := oauth2bridge.FromTokenSource(tt.source).Token(t.Context())
			switch {
			case tt.err == "" && (err != nil || got.AccessToken.Reveal() != "at-1"):
				t.Errorf("%v, %v", got, err)
			case tt.err != "" && (err == nil || err.Error() != tt.err || oauth.CheckOf(err) != tt.check || got != nil):
				t.Errorf("%v, %v", got, err)
			}
		})
	}
}

// x/oauth2 keeps a token until ten seconds before its end, then asks us again.
func TestReuseTokenSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		src := source(func(context.Context) (*oauth.Tokens, error) {
			asked++
			return tokens("at", time.Now().Add(time.Minute)), nil
		})
		reused := oauth2.ReuseTokenSource(nil, oauth2bridge.TokenSource(t.Context(), src))
		for _, tt := range []struct {
			sleep time.Duration
			want  int
		}{{0, 1}, {49 * time.Second, 1}, {2 * time.Second, 2}, {0, 2}, {time.Hour, 3}} {
			time.Sleep(tt.sleep)
			token, err := reused.Token()
			if err != nil || !token.Valid() {
				t.Fatalf("%v, %v", token, err)
			}
			if asked != tt.want {
				t.Errorf("after another %v: asked %d times, want %d", tt.sleep, asked, tt.want)
			}
		}
	})
}

func TestReuseTokenSourceKeepsATokenOfUnknownEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		src := source(func(context.Context) (*oauth.Tokens, error) {
			asked++
			return tokens("at", time.Time{}), nil
		})
		reused := oauth2.ReuseTokenSource(nil, oauth2bridge.TokenSource(t.Context(), src))
		for range 3 {
			if _, err := reused.Token(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(24 * time.Hour)
		}
		if asked != 1 {
			t.Errorf("asked %d times", asked)
		}
	})
}

func TestTransportUsesTheirSource(t *testing.T) {
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer at-1" {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	defer api.Close()
	client := &http.Client{Transport: &oauth.Transport{Source: oauth2bridge.FromTokenSource(oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "at-1"}))}}
	resp, err := client.Get(api.URL)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("status %s", resp.Status)
	}
	client.Transport = &oauth.Transport{Source: oauth2bridge.FromTokenSource(theirs(func() (*oauth2.Token, error) { return nil, nil }))}
	if _, err := client.Get(api.URL); err == nil {
		t.Error("a request went out without a token")
	}
}
