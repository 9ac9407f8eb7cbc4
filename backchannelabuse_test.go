package wayleave_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/wayleave/wayleave"
	"github.com/wayleave/wayleave/devidp/devidptest"
)

// TestA217_AProviderThatEndsAllItsSessions at once is heard each time.
func TestA217_AProviderThatEndsAllItsSessions(t *testing.T) {
	a := newDirectApp(t, newIDP(t), "https://app.example", func(c *wayleave.Config) { c.SessionsPerUser = -1 })
	a.addSessions(700, "ada")
	for i := range 700 {
		if at := a.tell(a.logoutOf("ada", "sid", fmt.Sprint("s", i))); at.StatusCode != http.StatusOK {
			t.Fatalf("token %d: status %d: %s", i, at.StatusCode, at.body)
		}
	}
	if n := a.store.Len("session"); n != 0 {
		t.Errorf("%d sessions are left", n)
	}
}

// TestA217_FloodsAndHugeBodies are bounded, and cost the provider nothing.
func TestA217_FloodsAndHugeBodies(t *testing.T) {
	a := newDirectApp(t, newIDP(t), "https://app.example")
	b := a.browser()
	b.signIn("/")
	if at := a.post(backchannel, formType, "logout_token="+strings.Repeat("x", 64<<10)); at.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("64 kB and more: status %d", at.StatusCode)
	}
	good := url.Values{"logout_token": {devidptest.LogoutToken(t, a.idp, map[string]any{"aud": "app", "sub": "ada"})}}.Encode()
	keys, busy := a.idp.Count("jwks"), 0
	for range 700 {
		at := a.tell(devidptest.LogoutToken(t, a.idp, map[string]any{"aud": "app", "sub": "ada"}, map[string]any{"kid": "unknown"}))
		switch at.StatusCode {
		case http.StatusBadRequest:
		case http.StatusTooManyRequests:
			busy++
			if at.Header.Get("Retry-After") == "" || at.Header.Get("Cache-Control") != "no-store" {
				t.Fatalf("429 with the headers %v", at.Header)
			}
		default:
			t.Fatalf("status %d", at.StatusCode)
		}
	}
	if busy == 0 {
		t.Error("700 requests at once, and none was refused")
	}
	if n := a.idp.Count("jwks") - keys; n > 2 {
		t.Errorf("the keys were asked for %d times", n)
	}
	if b.user() == "" {
		t.Fatal("somebody was signed out")
	}
	r := httptest.NewRequest("POST", backchannel, strings.NewReader(good))
	r.Header.Set("Content-Type", formType)
	r.RemoteAddr = "198.51.100.9:443"
	w := httptest.NewRecorder()
	if a.auth.ServeHTTP(w, r); w.Code != http.StatusOK || b.user() != "" {
		t.Errorf("the flood keeps the provider out too: status %d", w.Code)
	}
}

// TestA218_TheTokenIsInOneFormField of a POST, and nowhere else; who sends it,
// by cookies, does not matter.
func TestA218_TheTokenIsInOneFormField(t *testing.T) {
	a := newDirectApp(t, newIDP(t), "https://app.example")
	b, bystander := a.browser(), a.browser()
	b.signIn("/")
	bystander.finish(bystander.authorizeAs(bystander.begin("/"), "grace", true))
	token := devidptest.LogoutToken(t, a.idp, map[string]any{"aud": "app", "sub": "ada"})
	form := url.Values{"logout_token": {token}}.Encode()
	for name, row := range map[string]struct {
		at     answer
		status int
	}{
		"A218 duplicated":         {a.post(backchannel, formType, form+"&"+form), 400},
		"A218 in the query":       {a.post(backchannel+"?"+form, formType, ""), 400},
		"A218 in both":            {a.post(backchannel+"?"+form, formType, form), 400},
		"A218 by GET":             {a.ask("GET", backchannel+"?"+form), 405},
		"A218 by HEAD":            {a.ask("HEAD", backchannel+"?"+form), 405},
		"A218 by PUT":             {a.ask("PUT", backchannel+"?"+form), 405},
		"A218 in JSON":            {a.post(backchannel, "application/json", `{"logout_token":"`+token+`"}`), 400},
		"A218 the token alone":    {a.post(backchannel, "application/logout+jwt", token), 400},
		"A218 under another name": {a.post(backchannel, formType, url.Values{"id_token": {token}}.Encode()), 400},
		"A218 empty":              {a.post(backchannel, formType, ""), 400},
	} {
		if row.at.StatusCode != row.status || b.user() == "" {
			t.Errorf("%s: status %d, want %d; signed in: %v", name, row.at.StatusCode, row.status, b.user() != "")
		}
		if row.status == 405 && row.at.Header.Get("Allow") != "POST" {
			t.Errorf("%s: Allow is %q", name, row.at.Header.Get("Allow"))
		}
		checkHeaders(t, row.at)
	}
	var cookies []string
	for name, value := range bystander.rawCookies() {
		cookies = append(cookies, name+"="+value)
	}
	at := a.post(backchannel, formType, form+"&more=ignored", "Cookie", strings.Join(cookies, "; "), "Authorization", "Bearer x")
	checkTold(t, at)
	if b.user() != "" || bystander.user() == "" {
		t.Errorf("with somebody's cookies: named is signed in: %v, the cookies' owner: %v", b.user() != "", bystander.user() != "")
	}
}
