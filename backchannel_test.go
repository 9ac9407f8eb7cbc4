package wayleave_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/wayleave/wayleave"
	"github.com/wayleave/wayleave/devidp"
	"github.com/wayleave/wayleave/devidp/devidptest"
	"github.com/wayleave/wayleave/oauth"
)

const backchannel = "/auth/dev/backchannel-logout"

// withSessionGrants makes the tokens end with the session that they came with.
func withSessionGrants(c *wayleave.Config) {
	c.Providers[0].Offline = false
	c.Providers[0].MoreScopes = []string{"transactions.read", "offline_access"}
}

// post sends a body to the Auth itself, as a program does that keeps no cookies.
func (a *app) post(path, contentType, body string, headers ...string) answer {
	a.t.Helper()
	r := httptest.NewRequest("POST", path, strings.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	a.auth.ServeHTTP(w, r)
	return answer{w.Result(), w.Body.String()}
}

const formType = "application/x-www-form-urlencoded"

// tell delivers a logout token as the provider does.
func (a *app) tell(token string) answer {
	a.t.Helper()
	return a.post(backchannel, formType, url.Values{"logout_token": {token}}.Encode())
}

// idTokenOf is the ID token of the browser's session.
func idTokenOf(b *browser) *oauth.IDToken {
	b.a.t.Helper()
	var token *oauth.IDToken
	r := b.request("GET", "/")
	for name, value := range b.rawCookies() {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	direct{b.a.auth.RequireLogin(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		tokens, err := b.a.auth.Tokens(r.Context())
		if err != nil {
			b.a.t.Fatal(err)
		}
		token = tokens.IDToken
	}))}.serve(r)
	if token == nil {
		b.a.t.Fatal("nobody is signed in, or without an ID token")
	}
	return token
}

// checkTold: the provider hears 200, and nothing that tells what was found.
func checkTold(t *testing.T, at answer) {
	t.Helper()
	if at.StatusCode != http.StatusOK || at.body != "" || len(at.Cookies()) > 0 {
		t.Errorf("the provider hears %d %q, cookies %q; want an empty 200", at.StatusCode, at.body, setCookies(at))
	}
	checkHeaders(t, at)
}

// checkRefused: the provider hears 400 and why (Back-Channel Logout section 2.8).
func checkRefused(t *testing.T, at answer, reason string) {
	t.Helper()
	var said struct{ Error, ErrorDescription string }
	err := json.Unmarshal([]byte(strings.ReplaceAll(at.body, "error_description", "errordescription")), &said)
	if at.StatusCode != http.StatusBadRequest || err != nil || said.Error != "invalid_request" || said.ErrorDescription != reason {
		t.Errorf("the provider hears %d %s; want 400, invalid_request: %s", at.StatusCode, at.body, reason)
	}
	if at.Header.Get("Content-Type") != "application/json" {
		t.Errorf("content type %q", at.Header.Get("Content-Type"))
	}
	checkHeaders(t, at)
}

// TestLGO10_WhoIsMeant: sid means one session of the provider, sub alone all of
// the person's, and of nobody else's.
func TestLGO10_WhoIsMeant(t *testing.T) {
	for name, row := range map[string]struct {
		claims func(ada *oauth.IDToken) map[string]any
		left   string // who is still signed in, of ada's two browsers and grace's
	}{
		"by sid":            {func(ada *oauth.IDToken) map[string]any { return map[string]any{"sid": ada.SessionID} }, "ada2 grace"},
		"by sub":            {func(*oauth.IDToken) map[string]any { return map[string]any{"sub": "ada"} }, "grace"},
		"by sid and sub":    {func(ada *oauth.IDToken) map[string]any { return map[string]any{"sid": ada.SessionID, "sub": "ada"} }, "ada2 grace"},
		"an unknown sid":    {func(*oauth.IDToken) map[string]any { return map[string]any{"sid": "gone"} }, "ada1 ada2 grace"},
		"an unknown sub":    {func(*oauth.IDToken) map[string]any { return map[string]any{"sub": "lin"} }, "ada1 ada2 grace"},
		"a sid that is sub": {func(*oauth.IDToken) map[string]any { return map[string]any{"sid": "ada"} }, "ada1 ada2 grace"},
		"a sub that is sid": {func(ada *oauth.IDToken) map[string]any { return map[string]any{"sub": ada.SessionID} }, "ada1 ada2 grace"},
	} {
		t.Run(name, func(t *testing.T) {
			a := newDirectApp(t, newIDP(t), "https://app.example", withSessionGrants)
			people := map[string]*browser{"ada1": a.browser(), "ada2": a.browser(), "grace": a.browser()}
			for name, b := range people {
				b.finish(b.authorizeAs(b.begin("/"), strings.TrimRight(name, "12"), true))
			}
			claims := row.claims(idTokenOf(people["ada1"]))
			claims["aud"] = "app"
			checkTold(t, a.tell(devidptest.LogoutToken(t, a.idp, claims)))
			var left []string
			for _, name := range []string{"ada1", "ada2", "grace"} {
				if people[name].user() != "" {
					left = append(left, name)
				}
			}
			if got := strings.Join(left, " "); got != row.left {
				t.Errorf("signed in are %s, want %s", got, row.left)
			}
			if n := a.store.Len("session"); n != len(left) {
				t.Errorf("%d sessions are stored", n)
			}
		})
	}
}

// TestLGO10_TheProvidersOwnLogout is what devidp sends when an administrator
// ends a person's sessions there.
func TestLGO10_TheProvidersOwnLogout(t *testing.T) {
	wire := &lateTransport{}
	idp := newIDP(t, func(o *devidp.Options) {
		o.LogoutChannels = map[string]devidp.LogoutChannel{"app": {BackChannel: "http://localhost:8000" + backchannel}}
		o.Transport = wire
	})
	a := newDirectApp(t, idp, "http://localhost:8000")
	wire.RoundTripper = a.wire
	one, two := a.browser(), a.browser()
	one.signIn("/")
	two.signIn("/")
	if err := idp.EndSessions(t.Context(), "ada"); err != nil {
		t.Fatal(err)
	}
	if one.user() != "" || two.user() != "" || a.store.Len("session") != 0 {
		t.Errorf("%d sessions live on", a.store.Len("session"))
	}
	idp.SetFaults("logout-nonce")
	one.signIn("/")
	if err := idp.EndSessions(t.Context(), "ada"); err == nil || !strings.Contains(err.Error(), "400") {
		t.Errorf("a token with a nonce: %v, want 400", err)
	}
	if one.user() == "" {
		t.Error("and it ended a session")
	}
}

// lateTransport is set after what uses it was made.
type lateTransport struct{ http.RoundTripper }

// TestA216_AnotherProviderEndsNothing, even if it names people as this one does.
func TestA216_AnotherProviderEndsNothing(t *testing.T) {
	other := newIDP(t)
	a := newDirectApp(t, newIDP(t), "https://app.example", withSessionGrants, func(c *wayleave.Config) {
		second := devProvider(other)
		second.Name = "other"
		c.Providers = append(c.Providers, second)
	})
	b, theirs := a.browser(), a.browser()
	b.finish(b.callback("/"))
	sid := idTokenOf(b).SessionID
	callback, err := newRobot().SignIn(theirs.open("/auth/other/login").Header.Get("Location"), "ada", true)
	if err != nil {
		t.Fatal(err)
	}
	theirs.finish(callback)
	tell := func(path string, claims map[string]any) answer {
		claims["aud"] = "app"
		return a.post(path, formType, url.Values{"logout_token": {devidptest.LogoutToken(t, other, claims)}}.Encode())
	}
	checkTold(t, tell("/auth/other/backchannel-logout", map[string]any{"sid": sid}))
	if b.user() == "" || theirs.user() == "" {
		t.Error("the other provider's token ended a session by its sid")
	}
	checkTold(t, tell("/auth/other/backchannel-logout", map[string]any{"sub": "ada"}))
	if b.user() == "" || theirs.user() != "" {
		t.Errorf("the other provider's token was to end the session there (%v), and not the one here (%v)", theirs.user() == "", b.user() == "")
	}
	for name, claims := range map[string]map[string]any{
		"A216 at this provider's address":      {"sub": "ada"},
		"A216 and in this provider's name too": {"sub": "ada", "iss": a.idp.Issuer()},
	} {
		if at := tell(backchannel, claims); at.StatusCode != http.StatusBadRequest || b.user() == "" {
			t.Errorf("%s: status %d, signed in: %v", name, at.StatusCode, b.user() != "")
		}
	}
	for _, path := range []string{"/auth/third/backchannel-logout", "/auth/backchannel-logout"} {
		if at := tell(path, map[string]any{"sub": "ada"}); at.StatusCode != http.StatusNotFound {
			t.Errorf("%s: status %d", path, at.StatusCode)
		}
	}
}

// TestA216_TwoEntriesOfOneProvider do not end each other's sessions: the
// registrations are two.
func TestA216_TwoEntriesOfOneProvider(t *testing.T) {
	a := newDirectApp(t, newIDP(t), "https://app.example", twoProviders)
	b := a.browser()
	b.finish(b.callback("/"))
	token := devidptest.LogoutToken(t, a.idp, map[string]any{"aud": "app", "sub": "ada"})
	checkTold(t, a.post("/auth/second/backchannel-logout", formType, "logout_token="+token))
	if b.user() == "" {
		t.Error("the session of the other entry was ended")
	}
	checkTold(t, a.tell(token)) // and the token is still good where it belongs
	if b.user() != "" {
		t.Error("the session was not ended")
	}
}
