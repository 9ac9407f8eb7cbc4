package interop_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/test/oidcprovider"
)

// signedOutURI is where the provider sends the browser after a logout.
const signedOutURI = "http://127.0.0.1:1/signed-out?from=provider"

// listener is the back channel of an app: it keeps what each request was read as.
type listener struct {
	*httptest.Server

	mu     sync.Mutex
	tokens []string
	errs   []error
}

func newListener(t *testing.T) *listener {
	l := &listener{}
	l.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, err := oauth.ReadLogoutRequest(r)
		l.mu.Lock()
		defer l.mu.Unlock()
		l.tokens, l.errs = append(l.tokens, token), append(l.errs, err)
	}))
	t.Cleanup(l.Close)
	return l
}

// one returns the token of the only request.
func (l *listener) one(t *testing.T) string {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.tokens) != 1 || l.errs[0] != nil {
		t.Fatalf("%d requests to the back channel, errors %v; want 1", len(l.tokens), l.errs)
	}
	return l.tokens[0]
}

// leaving is a provider with clients that are told of logouts.
func leaving(t *testing.T, l *listener, regs ...registration) *oidcprovider.Provider {
	t.Helper()
	var cfg oidcprovider.Config
	for _, r := range regs {
		c := r.client(redirectURI)
		c.PostLogoutRedirectURIs = []string{signedOutURI}
		c.BackChannelLogoutURI, c.SessionRequired = l.URL+"/backchannel", true
		cfg.Clients = append(cfg.Clients, c)
	}
	return oidcprovider.Start(t, cfg)
}

// tokensIn runs steps 1 to 3 in a browser that stays signed in.
func (f *flow) tokensIn(b *oidcprovider.Browser, person string) *oauth.Tokens {
	f.t.Helper()
	u, err := f.authorizationURL()
	if err != nil {
		f.t.Fatal(err)
	}
	callback, err := b.SignIn(f.t.Context(), u, person, true)
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

func TestREV01_TokensAreGivenBackToARealProvider(t *testing.T) {
	t.Parallel()
	idp := startFor(t, oidcprovider.Config{}, every...)
	for _, r := range every {
		t.Run(r.name, func(t *testing.T) {
			f := newFlow(t, idp, r)
			if ok, err := f.client.CanRevoke(t.Context()); !ok || err != nil {
				t.Fatalf("can revoke: %v, %v", ok, err)
			}
			tokens := f.tokens("ada")
			wantAPI(t, idp, tokens, http.StatusOK)
			for range 2 { // the second time there is nothing left, which is no error
				if err := f.client.Revoke(t.Context(), tokens); err != nil {
					t.Fatal(err)
				}
			}
			wantAPI(t, idp, tokens, http.StatusUnauthorized)
			_, err := f.client.Refresh(t.Context(), tokens)
			if !oauth.EndsGrant(err) {
				t.Errorf("refresh after the end: %v", err)
			}
			if n := f.story().requests(oauth.ForRevocation); n != 4 {
				t.Errorf("%d revocation requests, want 4", n)
			}
		})
	}
	t.Run("tokens of another client are not ours to give back", func(t *testing.T) {
		tokens := newFlow(t, idp, every[0]).tokens("ada")
		err := newFlow(t, idp, every[1]).client.Revoke(t.Context(), tokens)
		wantProviderError(t, err, oauth.CheckRevocation, "invalid_request", http.StatusBadRequest)
		wantAPI(t, idp, tokens, http.StatusOK)
	})
}

func TestLGO03_SignOutAtARealProvider(t *testing.T) {
	t.Parallel()
	idp := leaving(t, newListener(t), acme)
	f := newFlow(t, idp, acme)
	b := idp.NewBrowser()
	tokens := f.tokensIn(b, "ada")

	u, ok, err := f.client.EndSessionURL(t.Context(), oauth.EndSession{
		IDTokenHint: tokens.IDToken.Raw(), State: "a state & more", PostLogoutRedirectURI: signedOutURI,
	})
	if err != nil || !ok || param(t, u, "id_token_hint") == "" {
		t.Fatalf("%v, %v", ok, err)
	}
	back, err := b.SignOut(t.Context(), u)
	if err != nil || !strings.HasPrefix(back, signedOutURI+"&") || param(t, back, "state") != "a state & more" {
		t.Fatalf("back at %q, %v", back, err)
	}
	// Nobody is signed in there any more: a login that must not ask fails.
	silent := newFlow(t, idp, acme, func(c *oauth.Config) { c.AuthParams = map[string]string{"prompt": "none"} })
	if u, err = silent.authorizationURL(); err != nil {
		t.Fatal(err)
	}
	callback, err := b.SignIn(t.Context(), u, "ada", true)
	if err != nil || param(t, callback, "error") != "login_required" {
		t.Errorf("after the logout: %q, %v", param(t, callback, "error"), err)
	}
}

func TestLGO08_LogoutTokensOfARealProvider(t *testing.T) {
	t.Parallel()
	rsa := registration{name: "rsa", method: oauth.ClientSecretPost, alg: "RS256"}
	for _, r := range []registration{acme, rsa} {
		t.Run(r.name, func(t *testing.T) {
			l := newListener(t)
			idp := leaving(t, l, acme, rsa)
			f := newFlow(t, idp, r)
			b := idp.NewBrowser()
			tokens := f.tokensIn(b, "ada")
			if channels, err := f.client.LogoutChannels(t.Context()); err != nil || !channels.BackChannel {
				t.Errorf("%+v, %v", channels, err)
			}
			u, _, err := f.client.EndSessionURL(t.Context(), oauth.EndSession{})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := b.SignOut(t.Context(), u); err != nil {
				t.Fatal(err)
			}

			raw := l.one(t)
			strict := newFlow(t, idp, r, func(c *oauth.Config) { c.RequireLogoutType = true })
			for _, client := range []*oauth.Client{f.client, strict.client} {
				got, err := client.VerifyLogoutToken(t.Context(), raw)
				if err != nil {
					t.Fatal(err)
				}
				if got.Issuer != idp.Issuer || got.SessionID == "" || got.SessionID != tokens.IDToken.SessionID || got.ID == "" || !got.RememberUntil.After(got.Expires) {
					t.Errorf("%+v; the session was %q", got, tokens.IDToken.SessionID)
				}
			}
			other := acme
			if r.name == acme.name {
				other = rsa
			}
			_, err = newFlow(t, idp, other).client.VerifyLogoutToken(t.Context(), raw)
			wantCheck(t, err, oauth.CheckLogoutAudience)
			_, err = f.client.VerifyLogoutToken(t.Context(), tokens.IDToken.Raw().Reveal())
			wantCheck(t, err, oauth.CheckLogoutEvents)
			wantNoSecrets(t, "the story", fmt.Sprintf("%+v", f.story()), raw, tokens.IDToken.Raw().Reveal(), tokens.AccessToken.Reveal(), tokens.RefreshToken.Reveal())
		})
	}
}
