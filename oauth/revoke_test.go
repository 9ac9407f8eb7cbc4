package oauth_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/wayleave/wayleave/oauth"
)

// revoking is a login at a provider with a revocation endpoint that answers so.
func revoking(t *testing.T, answer http.HandlerFunc, members map[string]any, change ...func(*oauth.Config)) (*fake, *flow, *oauth.Tokens) {
	t.Helper()
	f := newFake(t)
	f.set("revocation_endpoint", f.issuer()+"/revoke")
	f.answer("/revoke", answer)
	fl, tok := f.tokens(members, change...)
	return f, fl, tok
}

var withRefresh = map[string]any{"refresh_token": "rt-1"}

func TestREV01_TheRefreshTokenFirstThenTheAccessToken(t *testing.T) {
	f, fl, tok := revoking(t, send(200, "", ""), withRefresh)
	if err := fl.c.Revoke(t.Context(), tok); err != nil {
		t.Fatal(err)
	}
	got := f.got("/revoke")
	if len(got) != 2 {
		t.Fatalf("%d requests", len(got))
	}
	for i, want := range []url.Values{
		{"token": {"rt-1"}, "token_type_hint": {"refresh_token"}},
		{"token": {"at-1"}, "token_type_hint": {"access_token"}},
	} {
		r := got[i]
		if r.method != "POST" || r.form.Encode() != want.Encode() || r.header.Get("Content-Type") != "application/x-www-form-urlencoded" ||
			!strings.HasPrefix(r.header.Get("Authorization"), "Basic ") {
			t.Errorf("request %d: %s %v %v", i, r.method, r.form, r.header)
		}
	}
	if ok, err := fl.c.CanRevoke(t.Context()); !ok || err != nil {
		t.Errorf("can revoke: %v, %v", ok, err)
	}
}

func TestREV01_TheClientAuthenticates(t *testing.T) {
	for name, tc := range map[string]struct {
		token, revocation any // supported methods
		change            func(*oauth.Config)
		want              string // "basic", "post" or "none"; "" is refused
	}{
		"as at the token endpoint, by default":  {nil, nil, nil, "basic"},
		"as at the token endpoint, by metadata": {[]string{"client_secret_post"}, nil, nil, "post"},
		"as configured":                         {nil, nil, func(c *oauth.Config) { c.ClientAuth = oauth.ClientSecretPost }, "post"},
		"as the revocation endpoint wants it":   {[]string{"client_secret_basic"}, []string{"client_secret_post"}, nil, "post"},
		"as configured, where that is offered": {nil, []string{"client_secret_basic", "client_secret_post"},
			func(c *oauth.Config) { c.ClientAuth = oauth.ClientSecretPost }, "post"},
		"another way than configured, where that is not offered": {nil, []string{"client_secret_basic"},
			func(c *oauth.Config) { c.ClientAuth = oauth.ClientSecretPost }, "basic"},
		"a public client": {nil, []string{"none"}, func(c *oauth.Config) { c.ClientSecret = oauth.Secret{} }, "none"},
		"no way to do it": {nil, []string{"private_key_jwt"}, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.set("revocation_endpoint", f.issuer()+"/revoke")
			f.set("token_endpoint_auth_methods_supported", tc.token)
			f.set("revocation_endpoint_auth_methods_supported", tc.revocation)
			f.answer("/revoke", send(200, "", ""))
			if tc.change == nil {
				tc.change = func(*oauth.Config) {}
			}
			fl, tok := f.tokens(nil, tc.change)
			err := fl.c.Revoke(t.Context(), tok)
			if tc.want == "" {
				wantCheck(t, err, oauth.CheckDiscovery, oauth.FaultProvider, "discovery: the provider offers no way to authenticate with a client secret (expected client_secret_basic or client_secret_post, got private_key_jwt); set ClientAuth if the metadata is wrong")
				if n := len(f.got("/revoke")); n != 0 {
					t.Errorf("%d requests", n)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			r := f.got("/revoke")[0]
			basic, post := r.header.Get("Authorization") != "", r.form.Has("client_secret")
			if basic != (tc.want == "basic") || post != (tc.want == "post") || r.form.Has("client_id") == basic {
				t.Errorf("%v %v", r.header, r.form)
			}
		})
	}
}

func TestREV02_WhatTheAnswerMeans(t *testing.T) {
	for name, tc := range map[string]struct {
		answer http.HandlerFunc
		check  oauth.Check // "" means done
		fault  oauth.Fault
		text   string
	}{
		"200 without a body":          {send(200, "", ""), "", 0, ""},
		"200 with an error in it":     {send(200, "application/json", `{"error":"invalid_request"}`), "", 0, ""},
		"200 with HTML":               {send(200, "text/html", "<p>"), "", 0, ""},
		"204":                         {send(204, "", ""), "", 0, ""},
		"Google's word for forgotten": {send(400, "application/json", `{"error":"invalid_token","error_description":"Token expired or revoked"}`), "", 0, ""},
		"503":                         {send(503, "text/plain", "later"), oauth.CheckRevocation, oauth.FaultUnavailable, "revocation: the provider asks to come back later (expected status 200, got status 503)"},
		"429":                         {send(429, "", ""), oauth.CheckRevocation, oauth.FaultUnavailable, "revocation: the provider asks to come back later (expected status 200, got status 429)"},
		"500 with JSON":               {send(500, "application/json", `{"error":"server_error"}`), oauth.CheckRevocation, oauth.FaultUnavailable, `revocation: the provider asks to come back later (expected status 200, got status 500 with server_error): the provider says server_error`},
		"a client that is unknown":    {send(401, "application/json", `{"error":"invalid_client"}`), oauth.CheckRevocation, oauth.FaultProvider, "revocation: the provider did not take the token back (expected status 200, got status 401 with invalid_client): the provider says invalid_client; compare client id, client secret and the way of client authentication with the registration at the provider"},
		"401 invalid_token":           {send(401, "application/json", `{"error":"invalid_token"}`), oauth.CheckRevocation, oauth.FaultProvider, "revocation: the provider did not take the token back (expected status 200, got status 401 with invalid_token): the provider says invalid_token"},
		"404 without words":           {send(404, "text/plain", "no"), oauth.CheckRevocation, oauth.FaultProvider, "revocation: the provider did not take the token back (expected status 200, got status 404)"},
		"400 with malformed JSON":     {send(400, "application/json", `{"error":`), oauth.CheckRevocation, oauth.FaultProvider, "revocation: the provider did not take the token back (expected status 200, got status 400)"},
		"NET-05 a redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		}, oauth.CheckRevocation, oauth.FaultProvider, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f, fl, tok := revoking(t, tc.answer, withRefresh)
			err := fl.c.Revoke(t.Context(), tok)
			if tc.check != "" {
				wantCheck(t, err, tc.check, tc.fault, tc.text)
				if n := len(f.got("/revoke")); n != 1 {
					t.Errorf("%d requests after the first was refused", n)
				}
			} else if err != nil || len(f.got("/revoke")) != 2 {
				t.Errorf("%v", err)
			}
			if len(f.got("/elsewhere")) != 0 {
				t.Error("the token followed a redirect")
			}
		})
	}
}

func TestREV02_RetryAfterIsTyped(t *testing.T) {
	_, fl, tok := revoking(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "17")
		w.WriteHeader(503)
	}, withRefresh)
	e, ok := errors.AsType[*oauth.Error](fl.c.Revoke(t.Context(), tok))
	if !ok || e.RetryAfter != 17*time.Second || e.Status != 503 || e.Fault != oauth.FaultUnavailable {
		t.Errorf("%+v", e)
	}
}

func TestREV02_UnsupportedTokenType(t *testing.T) {
	unsupported := send(400, "application/json", `{"error":"unsupported_token_type"}`)
	byHint := func(f *fake, hint string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			got := f.got("/revoke")
			if got[len(got)-1].form.Get("token_type_hint") == hint {
				unsupported(w, r)
			}
		}
	}
	t.Run("of the access token is no failure, and remembered", func(t *testing.T) {
		f := newFake(t)
		f.set("revocation_endpoint", f.issuer()+"/revoke")
		f.answer("/revoke", byHint(f, "access_token"))
		fl, tok := f.tokens(withRefresh)
		for range 2 {
			if err := fl.c.Revoke(t.Context(), tok); err != nil {
				t.Fatal(err)
			}
		}
		if n := len(f.got("/revoke")); n != 3 {
			t.Errorf("%d requests, want 3: the access token once", n)
		}
	})
	t.Run("of the refresh token is told, and the access token revoked", func(t *testing.T) {
		f := newFake(t)
		f.set("revocation_endpoint", f.issuer()+"/revoke")
		f.answer("/revoke", byHint(f, "refresh_token"))
		fl, tok := f.tokens(withRefresh)
		err := fl.c.Revoke(t.Context(), tok)
		if oauth.ProviderCode(err) != "unsupported_token_type" || oauth.FaultOf(err) != oauth.FaultProvider || len(f.got("/revoke")) != 2 {
			t.Errorf("%v after %d requests", err, len(f.got("/revoke")))
		}
	})
}

func TestRevokeWithoutAnEndpointOrTokens(t *testing.T) {
	f := newFake(t)
	fl, tok := f.tokens(withRefresh)
	if ok, err := fl.c.CanRevoke(t.Context()); ok || err != nil {
		t.Errorf("can revoke: %v, %v", ok, err)
	}
	err := fl.c.Revoke(t.Context(), tok)
	wantCheck(t, err, oauth.CheckRevocation, oauth.FaultCaller, "revocation: tokens cannot be given back: the provider has no revocation endpoint")
	if !errors.Is(err, oauth.ErrNoRevocation) {
		t.Error("the error is not ErrNoRevocation")
	}
	wantCheck(t, fl.c.Revoke(t.Context(), nil), oauth.CheckRevocation, oauth.FaultCaller, "revocation: there are no tokens")
}

func TestRevocationURLWinsOverTheMetadata(t *testing.T) {
	f, fl, tok := revoking(t, send(200, "", ""), nil, func(c *oauth.Config) { c.RevocationURL = c.Issuer + "/mine" })
	f.answer("/mine", send(200, "", ""))
	if err := fl.c.Revoke(t.Context(), tok); err != nil || len(f.got("/mine")) != 1 || len(f.got("/revoke")) != 0 {
		t.Errorf("%v", err)
	}
	plain := f.config()
	configured := plain
	configured.RevocationURL, configured.EndSessionURL = f.issuer()+"/mine", f.issuer()+"/bye"
	if client(t, plain).Entry() != client(t, configured).Entry() {
		t.Error("configuring how to log out ends the logins that are under way")
	}
}

func TestRevocationWhenTheProviderHangs(t *testing.T) {
	hang := make(chan struct{})
	_, fl, tok := revoking(t, func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-hang:
		case <-r.Context().Done():
		}
	}, withRefresh)
	defer close(hang)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	wantCheck(t, fl.c.Revoke(ctx, tok), oauth.CheckRevocation, oauth.FaultUnavailable, "")
}

func TestRevocationTellsNoSecrets(t *testing.T) {
	var l listener
	echo := func(w http.ResponseWriter, r *http.Request) {
		send(400, "application/json", `{"error":"invalid_request","error_description":"no token rt-1 of s3cret"}`)(w, r)
	}
	_, fl, tok := revoking(t, echo, withRefresh, func(c *oauth.Config) { c.OnEvent = l.hear })
	err := fl.c.Revoke(t.Context(), tok)
	if told := l.text() + err.Error(); strings.Contains(told, "rt-1") || strings.Contains(told, "s3cret") {
		t.Error("a secret was told")
	}
	if !strings.Contains(err.Error(), "no token (removed) of (removed)") {
		t.Error(err)
	}
}
