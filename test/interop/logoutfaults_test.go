package interop_test

import (
	"crypto/rand"
	"net/http"
	"testing"
	"time"

	"github.com/wayleave/wayleave/devidp"
	"github.com/wayleave/wayleave/devidp/devidptest"
	"github.com/wayleave/wayleave/devidp/robot"
	"github.com/wayleave/wayleave/oauth"
)

// devFlow is a flow at the development provider, whose browser stays signed in.
type devFlow struct {
	*flow
	idp     *devidp.Server
	browser *robot.Browser
	heard   *listener
}

func newDevFlow(t *testing.T, faults ...string) *devFlow {
	t.Helper()
	heard := newListener(t)
	idp := devidptest.New(t, func(o *devidp.Options) {
		o.SigningAlgorithm, o.Faults = "ES256", faults
		o.LogoutChannels = map[string]devidp.LogoutChannel{"app": {BackChannel: heard.URL}}
	})
	f := &flow{t: t, browser: oauth.HashBrowser("cookie")}
	key := make([]byte, 32)
	rand.Read(key)
	var err error
	if f.sealer, err = oauth.NewSealer("http://127.0.0.1:1", key); err != nil {
		t.Fatal(err)
	}
	f.client, err = oauth.New(oauth.Config{
		Name: "dev", Issuer: idp.Issuer(), ClientID: "app", ClientSecret: oauth.NewSecret(devidp.DevSecret), RedirectURI: redirectURI,
		Scopes: []string{"openid"}, AuthParams: map[string]string{"access_type": "offline", "prompt": "consent"}, Development: true, OnEvent: f.record,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.client.CloseIdle)
	return &devFlow{f, idp, robot.New(nil), heard}
}

func (f *devFlow) tokens() *oauth.Tokens {
	f.t.Helper()
	u, err := f.authorizationURL()
	if err != nil {
		f.t.Fatal(err)
	}
	callback, err := f.browser.SignIn(u, "ada", true)
	if err != nil {
		f.t.Fatal(err)
	}
	code, err := f.check(callback)
	if err != nil {
		f.t.Fatal(err)
	}
	tokens, err := f.client.Exchange(f.t.Context(), code)
	if err != nil {
		f.t.Fatal(err)
	}
	return tokens
}

// Each fault of a logout token is refused by its check, and by no other.
func TestA214_LogoutFaultsOfTheDevelopmentProvider(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		fault string
		check oauth.Check // "" means accepted
	}{
		{"", ""},
		{"logout-nonce", oauth.CheckLogoutNonce},
		{"logout-no-events", oauth.CheckLogoutEvents},
		{"logout-wrong-audience", oauth.CheckLogoutAudience},
		{"logout-expired", oauth.CheckLogoutExpiry},
	} {
		t.Run("A214 "+tc.fault, func(t *testing.T) {
			var faults []string
			if tc.fault != "" {
				faults = append(faults, tc.fault)
			}
			f := newDevFlow(t, faults...)
			tokens := f.tokens()
			if err := f.idp.EndSessions(t.Context(), "ada"); err != nil {
				t.Fatal(err)
			}
			got, err := f.client.VerifyLogoutToken(t.Context(), f.heard.one(t))
			if tc.check != "" {
				wantCheck(t, err, tc.check)
				f.story().refusedBy(t, tc.check)
				return
			}
			if err != nil || got.SessionID != tokens.IDToken.SessionID || got.Subject != "ada" {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
}

func TestREV02_RevocationFaultsOfTheDevelopmentProvider(t *testing.T) {
	t.Parallel()
	f := newDevFlow(t, "revocation-503-once")
	tokens := f.tokens()
	err := f.client.Revoke(t.Context(), tokens)
	wantCheck(t, err, oauth.CheckRevocation)
	e, _ := err.(*oauth.Error)
	if e == nil || e.Fault != oauth.FaultUnavailable || e.RetryAfter != time.Second || e.Status != http.StatusServiceUnavailable {
		t.Errorf("%+v", e)
	}
	if tokens, err = f.client.Refresh(t.Context(), tokens); err != nil {
		t.Errorf("the grant is assumed to be good still: %v", err)
	}
	if err := f.client.Revoke(t.Context(), tokens); err != nil {
		t.Error(err)
	}
	if _, err := f.client.Refresh(t.Context(), tokens); !oauth.EndsGrant(err) {
		t.Errorf("refresh after the end: %v", err)
	}
}

func TestLGO03_SignOutAtTheDevelopmentProvider(t *testing.T) {
	t.Parallel()
	f := newDevFlow(t)
	const back = "http://127.0.0.1:1/signed-out"
	u, ok, err := f.client.EndSessionURL(t.Context(), oauth.EndSession{IDTokenHint: f.tokens().IDToken.Raw(), State: "s t", PostLogoutRedirectURI: back})
	if err != nil || !ok {
		t.Fatalf("%v, %v", ok, err)
	}
	got, _, err := f.browser.SignOut(u)
	if err != nil || got != back+"?state=s+t" {
		t.Errorf("back at %q, %v", got, err)
	}
	f.heard.one(t)

	missing := newDevFlow(t, "end-session-missing")
	if _, ok, err := missing.client.EndSessionURL(t.Context(), oauth.EndSession{}); ok || err != nil {
		t.Errorf("A225: %v, %v", ok, err)
	}
}
