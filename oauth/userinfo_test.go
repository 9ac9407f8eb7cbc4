package oauth_test

import (
	"net/http"
	"testing"

	"github.com/wayleave/wayleave/oauth"
)

func TestUSR02_USR03_USR09_UserInfo(t *testing.T) {
	for name, tc := range map[string]struct {
		answer http.HandlerFunc
		check  oauth.Check // "" means accepted
		fault  oauth.Fault
		text   string
	}{
		"USR-01 good":         {sendJSON(map[string]any{"sub": "user-1", "email": "a@b.example"}), "", 0, ""},
		"JSON by suffix":      {send(200, "application/scim+json; charset=utf-8", `{"sub":"user-1","email":"a@b.example"}`), "", 0, ""},
		"A294 another person": {sendJSON(map[string]any{"sub": "user-2"}), oauth.CheckUserInfoSubject, oauth.FaultProvider, "userinfo-subject: userinfo speaks of another person than the ID token (expected user-1, got user-2)"},
		"A294 no sub":         {sendJSON(map[string]any{"email": "a@b.example"}), oauth.CheckUserInfoSubject, oauth.FaultProvider, "userinfo-subject: userinfo speaks of another person than the ID token (expected user-1, got nothing)"},
		"A294 sub is null":    {sendJSON(map[string]any{"sub": nil}), oauth.CheckUserInfoSubject, oauth.FaultProvider, ""},
		"A294 sub is a list":  {sendJSON(map[string]any{"sub": []string{"user-1"}}), oauth.CheckUserInfoSubject, oauth.FaultProvider, ""},
		"USR-03 an array":     {sendJSON([]any{map[string]any{"sub": "user-1"}}), oauth.CheckUserInfo, oauth.FaultProvider, ""},
		"USR-03 HTML":         {send(200, "text/html", "<p>"), oauth.CheckUserInfo, oauth.FaultProvider, "userinfo: the provider did not answer with JSON (expected status 200 with application/json, got status 200 with text/html)"},
		"A295 a JWT unasked":  {send(200, "application/jwt", "e30.e30."), oauth.CheckUserInfo, oauth.FaultProvider, ""},
		"A268 sub and SUB":    {send(200, "application/json", `{"sub":"user-1","SUB":"user-2"}`), oauth.CheckUserInfo, oauth.FaultProvider, ""},
		"USR-07 401":          {send(401, "application/json", `{}`), oauth.CheckUserInfo, oauth.FaultProvider, "userinfo: the provider does not accept its own access token (expected status 200 with application/json, got status 401 with application/json)"},
		"USR-07 403":          {send(403, "application/json", `{}`), oauth.CheckUserInfo, oauth.FaultProvider, ""},
		"USR-07 429":          {send(429, "application/json", `{}`), oauth.CheckUserInfo, oauth.FaultUnavailable, ""},
		"USR-07 500":          {send(500, "application/json", `{}`), oauth.CheckUserInfo, oauth.FaultUnavailable, ""},
		"A296 two megabytes":  {send(200, "application/json", `{"sub":"user-1","x":"`+string(make([]byte, 2<<20))+`"}`), oauth.CheckUserInfo, oauth.FaultProvider, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			fl, tok := f.tokens(nil)
			f.answer("/userinfo", tc.answer)
			claims, err := fl.c.UserInfo(t.Context(), tok, http.Header{"X-Version": {"1"}})
			if tc.check != "" {
				wantCheck(t, err, tc.check, tc.fault, tc.text)
				if len(claims.Names()) != 0 {
					t.Error("IDT-14: claims of a refused answer are returned")
				}
				return
			}
			if err != nil || claims.String("email") != "a@b.example" {
				t.Fatalf("%v, %v", claims, err)
			}
			r := f.got("/userinfo")[0]
			if r.header.Get("Authorization") != "Bearer at-1" || r.header.Get("X-Version") != "1" || r.method != "GET" {
				t.Errorf("USR-01: %s %v", r.method, r.header)
			}
		})
	}
}

func TestUserInfoWithoutAnEndpoint(t *testing.T) {
	f := newFake(t)
	f.set("userinfo_endpoint", nil)
	fl, tok := f.tokens(nil)
	if has, err := fl.c.HasUserInfo(t.Context()); has || err != nil {
		t.Errorf("has %v, %v", has, err)
	}
	_, err := fl.c.UserInfo(t.Context(), tok, nil)
	wantCheck(t, err, oauth.CheckUserInfo, oauth.FaultCaller, "userinfo: the provider has no userinfo endpoint")
}

func TestFetchReturnsObjectsAndArrays(t *testing.T) {
	f := newFake(t)
	fl, tok := f.tokens(nil)
	for body, ok := range map[string]bool{`{"id":1}`: true, `[{"email":"a"}]`: true, `"text"`: false, `[1,`: false, `{"a":1,"a":2}`: false} {
		f.answer("/api", send(200, "application/json", body))
		raw, err := fl.c.Fetch(t.Context(), tok, oauth.Call{URL: f.issuer() + "/api"})
		if ok != (err == nil) || ok && string(raw) != body {
			t.Errorf("%s: %s, %v", body, raw, err)
		}
	}
}
