package oauth_test

import (
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wayleave/wayleave/oauth"
)

func TestREF01_REF16_TheRefreshRequestIsExact(t *testing.T) {
	f := newFake(t)
	fl, tok := f.tokens(map[string]any{"refresh_token": "rt-1"})
	f.grant("", map[string]any{"access_token": "at-2", "id_token": nil})
	if _, err := fl.c.Refresh(t.Context(), tok); err != nil {
		t.Fatal(err)
	}
	r := f.got("/token")[1]
	if got := r.form.Encode(); got != "grant_type=refresh_token&refresh_token=rt-1" {
		t.Errorf("form %s", got)
	}
	if r.header.Get("Authorization") == "" {
		t.Error("the client is not authenticated")
	}
}

func TestREF02_WhatARefreshAnswerMayLeaveOut(t *testing.T) {
	f := newFake(t)
	fl, tok := f.tokens(map[string]any{"refresh_token": "rt-1", "scope": "openid email"})
	for name, tc := range map[string]struct {
		members map[string]any
		refresh string
		scopes  string
	}{
		"REF-08 everything":             {map[string]any{"id_token": nil, "expires_in": nil}, "rt-1", "openid email"},
		"REF-10 nothing, and narrower":  {map[string]any{"id_token": nil, "refresh_token": "rt-2", "scope": "openid"}, "rt-2", "openid"},
		"A188 an empty refresh token":   {map[string]any{"id_token": nil, "refresh_token": ""}, "rt-1", "openid email"},
		"A188 the same one again":       {map[string]any{"id_token": nil, "refresh_token": "rt-1"}, "rt-1", "openid email"},
		"A186, REF-10 wider, not taken": {map[string]any{"id_token": nil, "scope": "openid email admin"}, "rt-1", "openid email"},
	} {
		t.Run(name, func(t *testing.T) {
			f.grant("", tc.members)
			fresh, err := fl.c.Refresh(t.Context(), tok)
			if err != nil {
				t.Fatal(err)
			}
			if fresh.RefreshToken.Reveal() != tc.refresh || strings.Join(fresh.Scopes, " ") != tc.scopes {
				t.Errorf("refresh token %q, scopes %v", fresh.RefreshToken.Reveal(), fresh.Scopes)
			}
			if fresh.IDToken == nil || fresh.IDToken.Subject != "user-1" {
				t.Error("REF-08: the identity of the login is lost")
			}
			if name == "REF-08 everything" && !fresh.Expires.IsZero() {
				t.Error("an old expiry was taken over")
			}
		})
	}
}

func TestREF07_TheIDTokenOfARefreshAnswer(t *testing.T) {
	f := newFake(t)
	fl, tok := f.tokens(map[string]any{"refresh_token": "rt-1"})
	for name, tc := range map[string]struct {
		claims map[string]any
		ok     bool
	}{
		"the same person, no nonce":  {map[string]any{"nonce": nil}, true},
		"the same person, the nonce": {map[string]any{"nonce": fl.nonce()}, true},
		"A185 another nonce":         {map[string]any{"nonce": "other"}, false},
		"A184 another person":        {map[string]any{"nonce": nil, "sub": "user-2"}, false},
		"A184 another issuer":        {map[string]any{"nonce": nil, "iss": "https://evil.example"}, false},
		"A184 another audience":      {map[string]any{"nonce": nil, "aud": "client-2"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			f.answer("/token", func(w http.ResponseWriter, r *http.Request) {
				sendJSON(map[string]any{"access_token": "at-2", "token_type": "Bearer", "id_token": f.sign("", tc.claims)})(w, r)
			})
			fresh, err := fl.c.Refresh(t.Context(), tok)
			if tc.ok != (err == nil) || (fresh == nil) == tc.ok {
				t.Fatalf("tokens %v, error %v", fresh != nil, err)
			}
			if !tc.ok && (oauth.FaultOf(err) != oauth.FaultProvider || !oauth.EndsGrant(err)) {
				t.Errorf("fault %v, ends the grant %v", oauth.FaultOf(err), oauth.EndsGrant(err))
			}
		})
	}
}

func TestARefreshIsNotLostWhenTheKeysCannotBeRead(t *testing.T) {
	f := newFake(t)
	fl, tok := f.tokens(map[string]any{"refresh_token": "rt-1"})
	f.answer("/jwks", send(503, "text/plain", ""))
	f.answer("/token", func(w http.ResponseWriter, r *http.Request) {
		// Signed with a key that is not in the set, which has to be read again.
		other := newFake(t)
		other.kid = "k2"
		id := other.sign("", map[string]any{"iss": f.issuer(), "nonce": nil})
		sendJSON(map[string]any{"access_token": "at-2", "token_type": "Bearer", "refresh_token": "rt-2", "id_token": id})(w, r)
	})
	fresh, err := fl.c.Refresh(t.Context(), tok)
	if err != nil || fresh.RefreshToken.Reveal() != "rt-2" || fresh.IDToken != tok.IDToken {
		t.Fatalf("%v, %v", fresh, err)
	}
}

func TestARefreshIsNotLostToAKeyOrAClock(t *testing.T) {
	for name, tc := range map[string]struct {
		claims map[string]any
		kid    string
	}{
		"A185 expired":                 {map[string]any{"exp": time.Now().Add(-time.Hour).Unix()}, "k1"},
		"A230 from the future":         {map[string]any{"iat": time.Now().Add(time.Hour).Unix()}, "k1"},
		"A235 a key that is not known": {nil, "k-new"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			fl, tok := f.tokens(map[string]any{"refresh_token": "rt-1"})
			f.kid = tc.kid
			f.answer("/jwks", sendJSON(map[string]any{"keys": []any{}}))
			claims := map[string]any{"nonce": nil}
			maps.Copy(claims, tc.claims)
			id := f.sign("", claims)
			f.answer("/token", sendJSON(map[string]any{"access_token": "at-2", "token_type": "Bearer", "refresh_token": "rt-2", "id_token": id}))
			fresh, err := fl.c.Refresh(t.Context(), tok)
			if err != nil || fresh.RefreshToken.Reveal() != "rt-2" || fresh.IDToken != tok.IDToken {
				t.Errorf("%v, %v", fresh, err)
			}
		})
	}
}

func TestAScopeTakenAwayLosesNoRefreshToken(t *testing.T) {
	f := newFake(t)
	fl, tok := f.tokens(map[string]any{"refresh_token": "rt-1"}, func(c *oauth.Config) { c.RequireScopes = []string{"email"} })
	f.grant("", map[string]any{"id_token": nil, "refresh_token": "rt-2", "scope": "openid"})
	fresh, err := fl.c.Refresh(t.Context(), tok)
	if err != nil || fresh.RefreshToken.Reveal() != "rt-2" || fresh.Granted("email") {
		t.Errorf("%v, %v", fresh, err)
	}
}

func TestREF05_WhatAFailureMeans(t *testing.T) {
	f := newFake(t)
	fl, tok := f.tokens(map[string]any{"refresh_token": "rt-1"})
	for name, tc := range map[string]struct {
		answer http.HandlerFunc
		fault  oauth.Fault
		code   string
	}{
		"REF-05 the grant has ended":   {send(400, "application/json", `{"error":"invalid_grant"}`), oauth.FaultProvider, "invalid_grant"},
		"REF-06 the provider is ill":   {send(503, "text/plain", ""), oauth.FaultUnavailable, ""},
		"REF-06 too many requests":     {send(429, "application/json", `{"error":"slow_down"}`), oauth.FaultUnavailable, "slow_down"},
		"REF-06 the connection breaks": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, oauth.FaultUnavailable, ""},
		"A187 HTML":                    {send(200, "text/html", "<p>"), oauth.FaultProvider, ""},
		"A187 no access token":         {send(200, "application/json", `{"token_type":"Bearer"}`), oauth.FaultProvider, ""},
		"REF-14 another type of token": {send(200, "application/json", `{"access_token":"at-2","token_type":"DPoP"}`), oauth.FaultProvider, ""},
		"REF-14 no type":               {send(200, "application/json", `{"access_token":"at-2"}`), oauth.FaultProvider, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f.answer("/token", tc.answer)
			before := len(f.got("/token"))
			_, err := fl.c.Refresh(t.Context(), tok)
			if oauth.FaultOf(err) != tc.fault || oauth.ProviderCode(err) != tc.code {
				t.Errorf("%v: fault %v, code %q", err, oauth.FaultOf(err), oauth.ProviderCode(err))
			}
			if oauth.EndsGrant(err) != (tc.code == "invalid_grant") {
				t.Errorf("%v: ends the grant %v", err, oauth.EndsGrant(err))
			}
			if n := len(f.got("/token")) - before; n != 1 {
				t.Errorf("%d requests, want exactly one", n)
			}
		})
	}
}

func TestREF09_UserInfoReadAgainIsAboutTheSamePerson(t *testing.T) {
	f := newFake(t)
	fl, tok := f.tokens(map[string]any{"refresh_token": "rt-1"})
	f.grant("", map[string]any{"id_token": nil})
	fresh, err := fl.c.Refresh(t.Context(), tok)
	if err != nil {
		t.Fatal(err)
	}
	f.answer("/userinfo", sendJSON(map[string]any{"sub": "user-1", "name": "Ada"}))
	if _, err := fl.c.UserInfo(t.Context(), fresh, nil); err != nil {
		t.Errorf("the same person: %v", err)
	}
	f.answer("/userinfo", sendJSON(map[string]any{"sub": "user-2"}))
	_, err = fl.c.UserInfo(t.Context(), fresh, nil)
	if oauth.CheckOf(err) != oauth.CheckUserInfoSubject || oauth.FaultOf(err) != oauth.FaultProvider {
		t.Errorf("another person: %v", err)
	}
}

func TestRefreshWithoutARefreshToken(t *testing.T) {
	f := newFake(t)
	fl, tok := f.tokens(nil)
	_, err := fl.c.Refresh(t.Context(), tok)
	wantCheck(t, err, oauth.CheckRefresh, oauth.FaultCaller, "refresh: there is no refresh token; ask for offline access when the user signs in")
}

func TestREF17_DialectOfRefreshRequests(t *testing.T) {
	f := newFake(t)
	fl, tok := f.tokens(map[string]any{"refresh_token": "rt-1", "refresh_expires_in": 3600}, func(c *oauth.Config) {
		c.Dialect.RefreshURL, c.Dialect.RefreshWithScope = f.issuer()+"/refresh", true
		c.Dialect.RefreshExpiryMembers = []string{"refresh_expires_in"}
	})
	if left := time.Until(tok.RefreshExpires); left < 59*time.Minute || left > time.Hour {
		t.Errorf("REF-17: the refresh token expires in %v", left)
	}
	f.answer("/refresh", sendJSON(map[string]any{"access_token": "at-2", "token_type": "Bearer"}))
	if _, err := fl.c.Refresh(t.Context(), tok); err != nil {
		t.Fatal(err)
	}
	if got := f.got("/refresh")[0].form.Get("scope"); got != "openid email" {
		t.Errorf("scope %q", got)
	}
}

func TestTokensSurviveStorage(t *testing.T) {
	f := newFake(t)
	fl, tok := f.tokens(map[string]any{"refresh_token": "rt-1", "scope": "openid", "team": "blue"})
	b, err := tok.MarshalSealed()
	if err != nil {
		t.Fatal(err)
	}
	back, err := oauth.UnmarshalSealed(b)
	if err != nil {
		t.Fatal(err)
	}
	if back.AccessToken.Reveal() != tok.AccessToken.Reveal() || back.RefreshToken.Reveal() != "rt-1" || !back.Expires.Equal(tok.Expires) ||
		back.IDToken.Subject != "user-1" || back.IDToken.Raw().Reveal() != tok.IDToken.Raw().Reveal() || back.IDToken.Claims.String("iss") != f.issuer() ||
		back.Extra.String("team") != "blue" || !back.Granted("openid") || back.Granted("email") {
		t.Errorf("got %+v", back)
	}
	// A restored token still knows its nonce.
	f.answer("/token", func(w http.ResponseWriter, r *http.Request) {
		sendJSON(map[string]any{"access_token": "at-2", "token_type": "Bearer", "id_token": f.sign(fl.nonce(), nil)})(w, r)
	})
	if _, err := fl.c.Refresh(t.Context(), back); err != nil {
		t.Error(err)
	}
	if strings.Contains(tok.Extra.String("access_token"), "at-1") {
		t.Error("the extra members hold a token")
	}
}
