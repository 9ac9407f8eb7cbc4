package devidp_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wayleave/wayleave/devidp"
	"github.com/wayleave/wayleave/devidp/devidptest"
	"github.com/wayleave/wayleave/devidp/robot"
)

const signedOut = "http://localhost:8000/auth/signed-out"

// ear is the back channel of an application.
type ear struct {
	url    string
	status int

	mu    sync.Mutex
	heard []string // logout tokens
}

func newEar(t testing.TB) *ear {
	e := &ear{status: http.StatusOK}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil || r.Method != http.MethodPost {
			t.Errorf("a request that is no form post: %v", err)
		}
		e.mu.Lock()
		defer e.mu.Unlock()
		e.heard = append(e.heard, r.PostForm["logout_token"]...)
		w.WriteHeader(e.status)
	}))
	t.Cleanup(srv.Close)
	e.url = srv.URL + "/backchannel"
	return e
}

func (e *ear) tokens() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.heard)
}

func (e *ear) use(o *devidp.Options) {
	o.LogoutChannels = map[string]devidp.LogoutChannel{"finance-tracker": {BackChannel: e.url}}
}

func (a *app) endSession(pairs ...string) string {
	return a.idp.Issuer() + "/end-session?" + with(url.Values{}, pairs...).Encode()
}

// signOut must lead back to the application, or stay where want is empty.
func (a *app) signOut(want string, pairs ...string) (frames []string) {
	a.t.Helper()
	location, frames, err := a.browser.SignOut(a.endSession(pairs...))
	if err != nil || location != want {
		a.t.Errorf("leads to %q, %v; want %q", location, err, want)
	}
	return frames
}

// signedIn reports whether the browser need not say again who it is.
func (a *app) signedIn() bool {
	a.t.Helper()
	return a.arrive(a.browser.SignIn(a.authorization("prompt", "none"), "", true)).Has("code")
}

func revoking(token string) string {
	return url.Values{"token": {token}, "client_id": {"finance-tracker"}, "client_secret": {devidp.DevSecret}}.Encode()
}

func TestRevocation(t *testing.T) {
	revoke := func(a *app, body string) answer {
		r := serve(a.idp, "POST", "/revoke", "", body)
		return answer{status: r.Code, header: r.Header(), body: r.Body.String()}
	}
	t.Run("a refresh token ends with its grant", func(t *testing.T) {
		a := newApp(t)
		r := a.offline()
		equal(t, "status", revoke(a, revoking(r.text("refresh_token"))).status, 200)
		equal(t, "refreshing", a.post(refreshing(r.text("refresh_token"))).text("error"), "invalid_grant")
		equal(t, "the access token", a.bearer("/userinfo", r.text("access_token")).status, 401)
	})
	t.Run("one that was rotated since ends the whole family", func(t *testing.T) {
		a := newApp(t)
		first := a.offline()
		second := a.post(refreshing(first.text("refresh_token")))
		equal(t, "status", revoke(a, revoking(first.text("refresh_token"))).status, 200)
		equal(t, "refreshing", a.post(refreshing(second.text("refresh_token"))).text("error"), "invalid_grant")
		equal(t, "the access token", a.bearer("/userinfo", second.text("access_token")).status, 401)
	})
	t.Run("an access token ends alone", func(t *testing.T) {
		a := newApp(t)
		r := a.offline()
		equal(t, "status", revoke(a, revoking(r.text("access_token"))).status, 200)
		equal(t, "the access token", a.bearer("/userinfo", r.text("access_token")).status, 401)
		equal(t, "refreshing", a.post(refreshing(r.text("refresh_token"))).status, 200)
	})
	t.Run("what is not known is revoked well enough", func(t *testing.T) {
		a := newApp(t)
		r := a.offline()
		for range 2 {
			equal(t, "status", revoke(a, revoking(r.text("refresh_token"))).status, 200)
		}
		equal(t, "status", revoke(a, revoking("nobody's")).status, 200)
	})
	t.Run("another client's token stays", func(t *testing.T) {
		a := newApp(t)
		r := a.offline()
		for _, token := range []string{r.text("refresh_token"), r.text("access_token")} {
			body := strings.Replace(revoking(token), "finance-tracker", "other", 1)
			equal(t, "status", revoke(a, body).status, 400)
		}
		equal(t, "the access token", a.bearer("/userinfo", r.text("access_token")).status, 200)
		equal(t, "refreshing", a.post(refreshing(r.text("refresh_token"))).status, 200)
	})
	a := newApp(t)
	r := a.offline()
	for name, test := range map[string]struct {
		body string
		want string
		code int
	}{
		"no token":         {revoking(""), "invalid_request", 400},
		"a token twice":    {revoking("a") + "&token=b", "invalid_request", 400},
		"a wrong secret":   {strings.Replace(revoking(r.text("refresh_token")), devidp.DevSecret, "guess", 1), "invalid_client", 401},
		"a malformed body": {"%", "invalid_request", 400},
	} {
		t.Run(name, func(t *testing.T) {
			got := revoke(a, test.body)
			if got.status != test.code || !strings.Contains(got.body, `"`+test.want+`"`) {
				t.Errorf("%d %s", got.status, got.body)
			}
			equal(t, "the grant", a.bearer("/userinfo", r.text("access_token")).status, 200)
		})
	}
}

func TestEndSession(t *testing.T) {
	t.Run("ends the session and leads back with the state", func(t *testing.T) {
		a := newApp(t)
		hint := a.tokens().text("id_token")
		equal(t, "signed in before", a.signedIn(), true)
		a.signOut(signedOut+"?state=a+b", "id_token_hint", hint, "post_logout_redirect_uri", signedOut, "state", "a b")
		equal(t, "signed in after", a.signedIn(), false)
	})
	t.Run("without a return it stays on a page", func(t *testing.T) {
		a := newApp(t)
		a.tokens()
		a.signOut("")
		equal(t, "signed in after", a.signedIn(), false)
	})
	t.Run("by client_id alone", func(t *testing.T) {
		a := newApp(t)
		a.tokens()
		a.signOut(signedOut, "client_id", "finance-tracker", "post_logout_redirect_uri", signedOut)
		equal(t, "signed in after", a.signedIn(), false)
	})
	t.Run("by a form", func(t *testing.T) {
		a := newApp(t)
		hint := a.tokens().text("id_token")
		r := serve(a.idp, "POST", "/end-session", "", url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {signedOut + "?a=b"}, "state": {"s"}}.Encode())
		equal(t, "Location", r.Header().Get("Location"), signedOut+"?a=b&state=s")
		equal(t, "the session of the hint has ended", a.signedIn(), false)
	})
	t.Run("a hint that has expired is good", func(t *testing.T) {
		var time clock
		a := newApp(t, time.use)
		hint := a.tokens().text("id_token")
		time.pass(2 * 3600e9)
		a.signOut(signedOut, "id_token_hint", hint, "post_logout_redirect_uri", signedOut)
		equal(t, "signed in after", a.signedIn(), false)
	})
	t.Run("a hint about somebody else ends their session, not the one that is here", func(t *testing.T) {
		a := newApp(t)
		ada := a.tokens().text("id_token")
		other := &app{t, a.idp, robot.New(nil)}
		other.arrive(other.browser.SignIn(other.authorization(), "grace", true))
		other.signOut("", "id_token_hint", ada)
		equal(t, "grace stays", other.signedIn(), true)
		equal(t, "ada has gone", a.signedIn(), false)
	})
	t.Run("nobody is signed in", func(t *testing.T) { newApp(t).signOut("") })
}

func TestEndSessionRefusesWhatItCannotTrust(t *testing.T) {
	registered := func(o *devidp.Options) {
		o.Clients = []devidp.Client{{ID: "finance-tracker", Secret: devidp.DevSecret, RedirectURIs: []string{callback}}}
	}
	stranger := newApp(t).tokens().text("id_token")
	for name, test := range map[string]struct {
		options func(*devidp.Options)
		pairs   []string
		want    string
	}{
		"a return without a client":        {nil, []string{"post_logout_redirect_uri", signedOut}, "needs a client_id"},
		"a return that is not on loopback": {nil, []string{"client_id", "x", "post_logout_redirect_uri", "https://evil.example/x"}, "must be on 127.0.0.1"},
		"a return to another origin":       {registered, []string{"client_id", "finance-tracker", "post_logout_redirect_uri", "http://localhost:8001/x"}, "not of an origin that is registered"},
		"a return with a fragment":         {nil, []string{"client_id", "x", "post_logout_redirect_uri", signedOut + "#x"}, "without fragment"},
		"a return that is a script":        {nil, []string{"client_id", "x", "post_logout_redirect_uri", "javascript:alert(1)"}, "without fragment"},
		"a client that is unknown":         {registered, []string{"client_id", "other"}, "No application is registered"},
		"a hint of another provider":       {nil, []string{"id_token_hint", stranger}, "not an ID token of this provider"},
		"a hint that is none":              {nil, []string{"id_token_hint", "x"}, "not an ID token of this provider"},
	} {
		t.Run(name, func(t *testing.T) {
			a := newApp(t)
			if test.options != nil {
				a = newApp(t, test.options)
			}
			a.tokens()
			_, _, err := a.browser.SignOut(a.endSession(test.pairs...))
			if err == nil || !strings.Contains(err.Error(), "answered 400: ") || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, want %s", err, test.want)
			}
			equal(t, "still signed in", a.signedIn(), true)
		})
	}
	t.Run("a hint of another client", func(t *testing.T) {
		a := newApp(t)
		_, _, err := a.browser.SignOut(a.endSession("id_token_hint", a.tokens().text("id_token"), "client_id", "other"))
		if err == nil || !strings.Contains(err.Error(), "another client") {
			t.Error(err)
		}
	})
	t.Run("a logout token as a hint", func(t *testing.T) {
		a := newApp(t)
		raw := devidptest.LogoutToken(t, a.idp, map[string]any{"aud": "finance-tracker", "sub": "ada"})
		if _, _, err := a.browser.SignOut(a.endSession("id_token_hint", raw)); err == nil {
			t.Error("was taken")
		}
	})
}

func TestTheBackChannelHearsOfALogout(t *testing.T) {
	heard := func(t *testing.T, a *app, e *ear) map[string]any {
		t.Helper()
		all := e.tokens()
		if len(all) != 1 || !verifies(t, all[0], a.jwks()) {
			t.Fatalf("%d tokens, or one whose signature is bad", len(all))
		}
		equal(t, "typ", part(t, all[0], 0)["typ"], any("logout+jwt"))
		return part(t, all[0], 1)
	}
	t.Run("of one at the end-session endpoint", func(t *testing.T) {
		e := newEar(t)
		a := newApp(t, e.use)
		id := part(t, a.tokens().text("id_token"), 1)
		a.signOut("")
		got := heard(t, a, e)
		for _, name := range []string{"iss", "sub", "aud", "sid"} {
			equal(t, name, got[name], id[name])
		}
		for _, name := range []string{"jti", "iat", "exp", "events"} {
			if got[name] == nil {
				t.Errorf("%s is missing", name)
			}
		}
		lacks(t, got, "nonce")
		a.signOut("")
		equal(t, "tokens after a second logout", len(e.tokens()), 1)
	})
	t.Run("of one that an administrator made", func(t *testing.T) {
		e := newEar(t)
		a := newApp(t, e.use)
		a.tokens()
		if err := a.idp.EndSessions(t.Context(), "ada"); err != nil {
			t.Fatal(err)
		}
		heard(t, a, e)
		equal(t, "signed in", a.signedIn(), false)
		if err := a.idp.EndSessions(t.Context(), "ada"); err != nil || len(e.tokens()) != 1 {
			t.Errorf("%v, %d tokens", err, len(e.tokens()))
		}
	})
	t.Run("not of one of somebody else", func(t *testing.T) {
		e := newEar(t)
		a := newApp(t, e.use)
		a.tokens()
		if err := a.idp.EndSessions(t.Context(), "grace"); err != nil || len(e.tokens()) != 0 || !a.signedIn() {
			t.Errorf("%v, %d tokens", err, len(e.tokens()))
		}
	})
	t.Run("not if it was not signed in at", func(t *testing.T) {
		e := newEar(t)
		a := newApp(t, e.use)
		a.tokens("client_id", "finance-tracker")
		b := &app{t, a.idp, robot.New(nil)}
		b.login("client_id", "other")
		if err := a.idp.EndSessions(t.Context(), "ada"); err != nil || len(e.tokens()) != 1 {
			t.Errorf("%v, %d tokens", err, len(e.tokens()))
		}
	})
	t.Run("and may refuse, which is told", func(t *testing.T) {
		e := newEar(t)
		e.status = http.StatusBadRequest
		a := newApp(t, e.use)
		a.tokens()
		if err := a.idp.EndSessions(t.Context(), "ada"); err == nil || err.Error() != `back channel of "finance-tracker": answered 400 Bad Request` {
			t.Error(err)
		}
	})
	t.Run("or be silent, which keeps nobody", func(t *testing.T) {
		e := newEar(t)
		e.url = "http://127.0.0.1:1/"
		a := newApp(t, e.use)
		a.tokens()
		a.signOut("")
		equal(t, "signed in", a.signedIn(), false)
	})
}

func TestASecondProofOfThePersonKeepsTheSession(t *testing.T) {
	a := newApp(t)
	sid := func(r answer) any { return part(t, r.text("id_token"), 1)["sid"] }
	first := sid(a.tokens())
	if first == nil || first == "" {
		t.Fatal("no sid")
	}
	equal(t, "at the next login", sid(a.tokens()), first)
	equal(t, "after prompt=login", sid(a.tokens("prompt", "login")), first)
	r := a.offline()
	equal(t, "after a refresh", sid(a.post(refreshing(r.text("refresh_token")))), first)
	code := a.arrive(a.browser.SignIn(a.authorization("prompt", "login"), "grace", true)).Get("code")
	if other := sid(a.post(exchange(code))); other == first {
		t.Error("another person is in the same session")
	}
}

func TestTheFrontChannelIsAFrameOfThePage(t *testing.T) {
	front := "http://localhost:8000/auth/dev/frontchannel-logout?x=1"
	a := newApp(t, func(o *devidp.Options) {
		o.LogoutChannels = map[string]devidp.LogoutChannel{"finance-tracker": {FrontChannel: front}}
	})
	id := part(t, a.tokens().text("id_token"), 1)
	frames := a.signOut(signedOut+"?state=s", "client_id", "finance-tracker", "post_logout_redirect_uri", signedOut, "state", "s")
	want := front + "&" + url.Values{"iss": {a.idp.Issuer()}, "sid": {id["sid"].(string)}}.Encode()
	if len(frames) != 1 || frames[0] != want {
		t.Errorf("frames %q, want %q", frames, want)
	}

	a.tokens()
	hint := a.tokens().text("id_token")
	r := serve(a.idp, "POST", "/end-session", "", url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {signedOut}}.Encode())
	equal(t, "Refresh", r.Header().Get("Refresh"), "2; url="+signedOut)
	if csp := r.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "; frame-src http://localhost:8000; ") {
		t.Error(csp)
	}
}

func TestLogoutChannelsMustBeOnLoopback(t *testing.T) {
	for _, uri := range []string{"https://app.example/x", "ftp://127.0.0.1/", "127.0.0.1:8000", "http://localhost:8000/#x"} {
		for name, channel := range map[string]devidp.LogoutChannel{"back": {BackChannel: uri}, "front": {FrontChannel: uri}} {
			_, err := devidp.New(devidp.Options{Issuer: "http://127.0.0.1:9000", LogoutChannels: map[string]devidp.LogoutChannel{"app": channel}})
			if err == nil || !strings.Contains(err.Error(), `client "app": logout channel "`+uri) {
				t.Errorf("%s %s: %v", name, uri, err)
			}
		}
	}
}

func TestAnyLogoutTokenCanBeMade(t *testing.T) {
	for _, alg := range []string{"RS256", "ES256"} {
		a := newApp(t, func(o *devidp.Options) { o.SigningAlgorithm = alg })
		raw := devidptest.LogoutToken(t, a.idp, map[string]any{"aud": "app", "sid": "s-1", "events": nil, "nonce": "n"}, map[string]any{"typ": "at+jwt"})
		equal(t, "verifies", verifies(t, raw, a.jwks()), true)
		equal(t, "typ", part(t, raw, 0)["typ"], any("at+jwt"))
		got := part(t, raw, 1)
		lacks(t, got, "events")
		equal(t, "claims", got["aud"] == "app" && got["sid"] == "s-1" && got["nonce"] == "n" && got["iss"] == a.idp.Issuer(), true)
		about(t, "exp", got["exp"], 2*time.Minute)
	}
}

// One observation per fault.
var logoutObservations = map[string]func(*testing.T, *app, *ear){
	"revocation-503-once": func(t *testing.T, a *app, _ *ear) {
		r := a.offline()
		first := serve(a.idp, "POST", "/revoke", "", revoking(r.text("refresh_token")))
		equal(t, "first", first.Code, 503)
		equal(t, "Retry-After", first.Header().Get("Retry-After"), "1")
		equal(t, "the grant", a.bearer("/userinfo", r.text("access_token")).status, 200)
		equal(t, "second", serve(a.idp, "POST", "/revoke", "", revoking(r.text("refresh_token"))).Code, 200)
		equal(t, "the grant then", a.bearer("/userinfo", r.text("access_token")).status, 401)
	},
	"revocation-slow": func(t *testing.T, a *app, _ *ear) {
		r := a.offline()
		impatient := http.Client{Timeout: 50 * time.Millisecond}
		if _, err := impatient.Post(a.idp.Issuer()+"/revoke", "application/x-www-form-urlencoded", strings.NewReader(revoking(r.text("refresh_token")))); err == nil {
			t.Error("an answer came at once")
		}
		equal(t, "the grant", a.bearer("/userinfo", r.text("access_token")).status, 200)
	},
	"end-session-missing": func(t *testing.T, a *app, _ *ear) {
		lacks(t, a.get("/.well-known/openid-configuration").json, "end_session_endpoint")
	},
	"logout-nonce": func(t *testing.T, a *app, e *ear) {
		if logoutClaims(t, a, e, 1)["nonce"] == nil {
			t.Error("no nonce")
		}
	},
	"logout-no-events": func(t *testing.T, a *app, e *ear) { lacks(t, logoutClaims(t, a, e, 1), "events") },
	"logout-wrong-audience": func(t *testing.T, a *app, e *ear) {
		equal(t, "aud", logoutClaims(t, a, e, 1)["aud"], any("finance-tracker-other"))
	},
	"logout-expired": func(t *testing.T, a *app, e *ear) { about(t, "exp", logoutClaims(t, a, e, 1)["exp"], -time.Hour) },
	"logout-replayed": func(t *testing.T, a *app, e *ear) {
		logoutClaims(t, a, e, 2)
		equal(t, "the same", e.tokens()[0], e.tokens()[1])
	},
}

// logoutClaims signs in and out, and returns what the back channel heard.
func logoutClaims(t *testing.T, a *app, e *ear, times int) map[string]any {
	t.Helper()
	a.tokens()
	a.signOut("")
	all := e.tokens()
	if len(all) != times || !verifies(t, all[0], a.jwks()) {
		t.Fatalf("%d tokens, or one whose signature is bad", len(all))
	}
	return part(t, all[0], 1)
}

func TestEveryLogoutFaultShows(t *testing.T) {
	for _, fault := range devidp.LogoutFaults() {
		t.Run(fault.Name, func(t *testing.T) {
			e := newEar(t)
			observe, ok := logoutObservations[fault.Name]
			if !ok {
				t.Fatal("nobody looks")
			}
			observe(t, newApp(t, e.use, func(o *devidp.Options) { o.Faults = []string{fault.Name} }), e)
			has(t, newApp(t).get("/"), `value="`+fault.Name+`"`)
		})
	}
	equal(t, "faults", len(logoutObservations), len(devidp.LogoutFaults()))
}
