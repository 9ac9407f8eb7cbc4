package oauth_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/wayleave/wayleave/oauth"
)

const signedOut = "http://localhost:8000/auth/logout/done"

func TestLGO03_TheEndSessionURL(t *testing.T) {
	hint := oauth.NewSecret("aaa.bbb.ccc")
	for name, tc := range map[string]struct {
		endpoint string // after the issuer
		e        oauth.EndSession
		change   func(*oauth.Config)
		want     string // after the issuer
	}{
		"all of it": {"/bye", oauth.EndSession{IDTokenHint: hint, State: "s t&ate", PostLogoutRedirectURI: signedOut}, nil,
			"/bye?client_id=client-1&id_token_hint=aaa.bbb.ccc&post_logout_redirect_uri=http%3A%2F%2Flocalhost%3A8000%2Fauth%2Flogout%2Fdone&state=s%20t%26ate"},
		"nothing to say but who asks": {"/bye", oauth.EndSession{}, nil, "/bye?client_id=client-1"},
		"no state without a return":   {"/bye", oauth.EndSession{State: "s"}, nil, "/bye?client_id=client-1"},
		"the endpoint's own query is kept, but for what is ours": {"/bye?p=1&q=a%20b&client_id=evil&p=2", oauth.EndSession{}, nil,
			"/bye?p=1&p=2&q=a%20b&client_id=client-1"},
		"LGO-06 Cognito": {"/logout", oauth.EndSession{IDTokenHint: hint, State: "s", PostLogoutRedirectURI: signedOut},
			func(c *oauth.Config) { c.Dialect.EndSessionReturnParam = "logout_uri" },
			"/logout?client_id=client-1&logout_uri=http%3A%2F%2Flocalhost%3A8000%2Fauth%2Flogout%2Fdone"},
		"LGO-06 Auth0 v2": {"/v2/logout", oauth.EndSession{IDTokenHint: hint, State: "s", PostLogoutRedirectURI: signedOut},
			func(c *oauth.Config) { c.Dialect.EndSessionReturnParam = "returnTo" },
			"/v2/logout?client_id=client-1&returnTo=http%3A%2F%2Flocalhost%3A8000%2Fauth%2Flogout%2Fdone"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.set("end_session_endpoint", f.issuer()+tc.endpoint)
			cfg := f.config()
			if tc.change != nil {
				tc.change(&cfg)
			}
			got, ok, err := client(t, cfg).EndSessionURL(t.Context(), tc.e)
			if err != nil || !ok || got != f.issuer()+tc.want {
				t.Errorf("got  %s, %v, %v\nwant %s", got, ok, err, f.issuer()+tc.want)
			}
		})
	}
}

func TestLGO06_A225_AProviderWithoutEndSession(t *testing.T) {
	f := newFake(t)
	got, ok, err := client(t, f.config()).EndSessionURL(t.Context(), oauth.EndSession{State: "s"})
	if got != "" || ok || err != nil {
		t.Errorf("%q, %v, %v", got, ok, err)
	}
}

func TestA225_TheProviderIsDown(t *testing.T) {
	f := newFake(t)
	f.answer("/.well-known/openid-configuration", send(503, "text/plain", ""))
	got, ok, err := client(t, f.config()).EndSessionURL(t.Context(), oauth.EndSession{})
	wantCheck(t, err, oauth.CheckDiscovery, oauth.FaultUnavailable, "")
	if got != "" || ok {
		t.Error("there is an address all the same")
	}
}

func TestEndSessionURLWinsOverTheMetadata(t *testing.T) {
	f := newFake(t)
	f.set("end_session_endpoint", f.issuer()+"/bye")
	cfg := f.config()
	cfg.EndSessionURL = f.issuer() + "/mine"
	if got, ok, err := client(t, cfg).EndSessionURL(t.Context(), oauth.EndSession{}); got != f.issuer()+"/mine?client_id=client-1" || !ok || err != nil {
		t.Errorf("%s, %v, %v", got, ok, err)
	}
}

func TestLGO05_A226_ALongHintIsLeftOut(t *testing.T) {
	f := newFake(t)
	f.set("end_session_endpoint", f.issuer()+"/bye")
	c := client(t, f.config())
	e := oauth.EndSession{State: "s", PostLogoutRedirectURI: signedOut}
	without, _, err := c.EndSessionURL(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	fits := 4000 - len(without) - len("&id_token_hint=")
	for name, tc := range map[string]struct {
		length int
		sent   bool
	}{"4,000 bytes": {fits, true}, "4,001 bytes": {fits + 1, false}} {
		t.Run(name, func(t *testing.T) {
			e := e
			e.IDTokenHint = oauth.NewSecret(strings.Repeat("x", tc.length))
			got, ok, err := c.EndSessionURL(t.Context(), e)
			if err != nil || !ok || strings.Contains(got, "id_token_hint") != tc.sent {
				t.Fatalf("%d bytes, %v, %v", len(got), ok, err)
			}
			if tc.sent && len(got) != 4000 || !tc.sent && got != without {
				t.Errorf("%d bytes", len(got))
			}
		})
	}
}

func TestEndSessionTakesOnlyAnAbsoluteReturn(t *testing.T) {
	f := newFake(t)
	f.set("end_session_endpoint", f.issuer()+"/bye")
	c := client(t, f.config())
	for _, back := range []string{"/relative", "//host/x", "javascript:alert(1)", "https://app.example/x#y", "https://app.example/x#", ":"} {
		_, ok, err := c.EndSessionURL(t.Context(), oauth.EndSession{PostLogoutRedirectURI: back})
		wantCheck(t, err, oauth.CheckEndSession, oauth.FaultCaller, "end-session: the post-logout redirect URI must be absolute and without fragment")
		if ok {
			t.Error("and there is an address")
		}
	}
}

// A038, A225: what the browser is sent to, and what tokens are sent to, must be
// safe before anything else of the document is used.
func TestA038_A225_HostileEndpointsOfLogout(t *testing.T) {
	for _, member := range []string{"end_session_endpoint", "revocation_endpoint"} {
		for name, value := range map[string]any{
			"javascript": "javascript:alert(1)", "data": "data:text/html,x", "http": "http://id.example.com/x", "a fragment": "https://id.example.com/x#y",
			"a user": "https://a@id.example.com/x", "relative": "/x", "a number": 5,
		} {
			t.Run(member+" "+name, func(t *testing.T) {
				f := newFake(t)
				f.set(member, value)
				_, ok, err := client(t, f.config()).EndSessionURL(t.Context(), oauth.EndSession{})
				wantCheck(t, err, oauth.CheckDiscovery, oauth.FaultProvider, "")
				if ok {
					t.Error("and there is an address")
				}
			})
		}
	}
	for field, change := range map[string]func(*oauth.Config){
		"EndSessionURL": func(c *oauth.Config) { c.EndSessionURL = "http://id.example.com/x" },
		"RevocationURL": func(c *oauth.Config) { c.RevocationURL = "javascript:alert(1)" },
	} {
		cfg := good()
		change(&cfg)
		if _, err := oauth.New(cfg); err == nil || !strings.Contains(err.Error(), field+": ") {
			t.Errorf("%s: %v", field, err)
		}
	}
}

func TestLogoutChannelsOfTheMetadata(t *testing.T) {
	f := newFake(t)
	if got, err := client(t, f.config()).LogoutChannels(t.Context()); got != (oauth.LogoutChannels{}) || err != nil {
		t.Errorf("%+v, %v", got, err)
	}
	f.set("backchannel_logout_supported", true)
	f.set("frontchannel_logout_supported", true)
	if got, err := client(t, f.config()).LogoutChannels(t.Context()); !got.BackChannel || !got.FrontChannel || err != nil {
		t.Errorf("%+v, %v", got, err)
	}
	f.set("backchannel_logout_supported", "yes")
	_, err := client(t, f.config()).LogoutChannels(t.Context())
	wantCheck(t, err, oauth.CheckDiscovery, oauth.FaultProvider, "")
}

func TestVerifyLogoutTokenOfAClient(t *testing.T) {
	events := map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}}
	f := newFake(t)
	good := f.sign("", map[string]any{"nonce": nil, "jti": "j-1", "sid": "s-1", "events": events})
	t.Run("good", func(t *testing.T) {
		got, err := client(t, f.config()).VerifyLogoutToken(t.Context(), good)
		if err != nil || got.Issuer != f.issuer() || got.Subject != "user-1" || got.SessionID != "s-1" || got.ID != "j-1" {
			t.Errorf("%+v, %v", got, err)
		}
	})
	t.Run("A214 typ missing in strict mode", func(t *testing.T) {
		cfg := f.config()
		cfg.RequireLogoutType = true
		_, err := client(t, cfg).VerifyLogoutToken(t.Context(), good)
		wantCheck(t, err, oauth.CheckLogoutToken, oauth.FaultBrowser, "logout-token: the token is of another kind than a logout token (expected typ logout+jwt, got nothing)")
	})
	t.Run("A216 from another provider", func(t *testing.T) {
		other := newFake(t)
		raw := other.sign("", map[string]any{"iss": f.issuer(), "nonce": nil, "jti": "j-1", "events": events})
		_, err := client(t, f.config()).VerifyLogoutToken(t.Context(), raw)
		wantCheck(t, err, oauth.CheckLogoutSignature, oauth.FaultBrowser, "")
		raw = other.sign("", map[string]any{"nonce": nil, "jti": "j-1", "events": events})
		_, err = client(t, f.config()).VerifyLogoutToken(t.Context(), raw)
		if oauth.CheckOf(err) != oauth.CheckLogoutSignature {
			t.Error(err)
		}
	})
	t.Run("for a provider without ID tokens", func(t *testing.T) {
		cfg := f.config()
		cfg.Scopes = []string{"email"}
		_, err := client(t, cfg).VerifyLogoutToken(t.Context(), good)
		wantCheck(t, err, oauth.CheckLogoutToken, oauth.FaultCaller, "logout-token: without openid among the scopes nobody can sign a logout token for this provider")
	})
	t.Run("while the keys cannot be had", func(t *testing.T) {
		f := newFake(t)
		f.answer("/jwks", send(http.StatusServiceUnavailable, "text/plain", ""))
		_, err := client(t, f.config()).VerifyLogoutToken(t.Context(), good)
		wantCheck(t, err, oauth.CheckLogoutKey, oauth.FaultUnavailable, "")
	})
}

func TestLGO03_TheIDTokenIsKeptAsItCame(t *testing.T) {
	f := newFake(t)
	_, tok := f.tokens(map[string]any{"refresh_token": "rt-1"})
	b, err := tok.MarshalSealed()
	if err != nil {
		t.Fatal(err)
	}
	back, err := oauth.UnmarshalSealed(b)
	if err != nil || back.IDToken.Raw().Reveal() != tok.IDToken.Raw().Reveal() || back.IDToken.Raw().IsZero() {
		t.Errorf("%v, %v", back, err)
	}
	// A form that was written without it has no hint, and is good otherwise.
	older, err := oauth.UnmarshalSealed([]byte(`{"a":"at-1","t":"Bearer","s":null,"e":{},"i":{"Issuer":"https://id.example","Subject":"user-1"}}`))
	if err != nil || !older.IDToken.Raw().IsZero() || older.IDToken.Subject != "user-1" {
		t.Errorf("%+v, %v", older, err)
	}
}
