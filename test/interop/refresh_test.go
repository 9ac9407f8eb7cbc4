package interop_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wayleave/wayleave"
	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/test/oidcprovider"
	"github.com/wayleave/wayleave/vault"
)

// callAPI calls the provider's userinfo endpoint as an API, with the client
// that the app gives to its handlers.
func (a *app) callAPI(ctx context.Context) (status int, err error) {
	response, err := a.auth.Client(ctx).Get(a.idp.Issuer + "/me")
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, err
	}
	if response.StatusCode == http.StatusOK && !strings.Contains(string(body), `"ada"`) {
		return 0, errors.New("the API speaks of somebody else")
	}
	return response.StatusCode, nil
}

// wantAPI makes a call that must succeed.
func (a *app) wantAPI(t *testing.T, ctx context.Context) {
	t.Helper()
	if status, err := a.callAPI(ctx); err != nil || status != http.StatusOK {
		t.Fatalf("API: status %d, %v; want 200", status, err)
	}
}

// tokens returns the tokens of the signed-in user as they are kept.
func (a *app) tokens(t *testing.T, ctx context.Context) *oauth.Tokens {
	t.Helper()
	tokens, err := a.auth.Tokens(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return tokens
}

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, within time.Duration, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(within)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %v", what, within)
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-t.Context().Done():
			t.Fatal("the test was ended")
		}
	}
}

func TestREF12_AnAccessTokenThatLivesIsNotRefreshed(t *testing.T) {
	t.Parallel()
	a := newApp(t, oidcprovider.Config{}, []registration{acme})
	b := a.browser(t)
	b.signIn("/", "ada")
	b.inApp(func(ctx context.Context) {
		a.wantAPI(t, ctx)
		a.wantAPI(t, ctx)
	})
	wantAsked(t, a.idp, "POST /token", 1)
}

func TestREF02_AnExpiredAccessTokenIsRefreshed(t *testing.T) {
	t.Parallel()
	a := newApp(t, oidcprovider.Config{AccessTokenSeconds: 5}, []registration{acme})
	b := a.browser(t)
	b.signIn("/", "ada")
	cookies := b.cookies()
	b.inApp(func(ctx context.Context) {
		old := a.tokens(t, ctx)
		eventually(t, "the provider refuses the first access token", 20*time.Second, func() bool {
			return apiStatus(t, a.idp, old) == http.StatusUnauthorized
		})
		a.wantAPI(t, ctx)
		fresh := a.tokens(t, ctx)
		if fresh.RefreshToken.Reveal() == old.RefreshToken.Reveal() {
			t.Error("the refresh token was not replaced by the rotated one")
		}
		a.wantAPI(t, ctx) // with the rotated token in its turn
	})
	wantAsked(t, a.idp, "POST /token", 3)
	if all := a.story(acme.name).refusals(); len(all) > 0 {
		t.Errorf("refused: %v", all)
	}
	if b.open("/"); b.cookies() != cookies {
		t.Error("a cookie changed because a token was refreshed")
	}
}

func TestREF03_A180_ManyCallsRefreshOnce(t *testing.T) {
	t.Parallel()
	const life = vault.Margin + 5*time.Second
	a := newApp(t, oidcprovider.Config{AccessTokenSeconds: int(life / time.Second)}, []registration{acme})
	b := a.browser(t)
	b.signIn("/", "ada")
	b.inApp(func(ctx context.Context) {
		old := a.tokens(t, ctx)
		eventually(t, "the access token is about to expire", 20*time.Second, func() bool {
			return !old.Valid(time.Now(), vault.Margin)
		})
		var wg sync.WaitGroup
		for range 30 {
			wg.Go(func() {
				if status, err := a.callAPI(ctx); err != nil || status != http.StatusOK {
					t.Errorf("API: status %d, %v; want 200", status, err)
				}
			})
		}
		wg.Wait()
	})
	if n := a.story(acme.name).requests(oauth.ForRefresh); n != 1 {
		t.Errorf("%d refreshes, want 1", n)
	}
	wantAsked(t, a.idp, "POST /token", 2)
}

func TestREF05_AGrantThatTheProviderEnded(t *testing.T) {
	t.Parallel()
	a := newApp(t, oidcprovider.Config{AccessTokenSeconds: 5}, []registration{acme})
	b := a.browser(t)
	b.signIn("/", "ada")

	t.Run("A182 after reuse of a rotated token the user has to sign in", func(t *testing.T) {
		b.inApp(func(ctx context.Context) {
			stolen := a.tokens(t, ctx)
			a.wantAPI(t, ctx) // the lifetime is so short that each call refreshes
			thief := newFlow(t, a.idp, acme)
			_, err := thief.client.Refresh(t.Context(), stolen)
			wantProviderError(t, err, oauth.CheckTokenAnswer, "invalid_grant", http.StatusBadRequest)

			_, err = a.callAPI(ctx)
			if !errors.Is(err, wayleave.ErrLoginRequired) || oauth.ProviderCode(err) != "invalid_grant" {
				t.Fatalf("API: %v; want ErrLoginRequired because of invalid_grant", err)
			}
			asked := len(a.idp.Asked(t))
			if _, err = a.callAPI(ctx); !errors.Is(err, wayleave.ErrLoginRequired) {
				t.Errorf("API again: %v; want ErrLoginRequired", err)
			}
			if more := a.idp.Asked(t)[asked:]; len(more) > 0 {
				t.Errorf("what has ended was asked for again: %q", more)
			}
		})
	})
	t.Run("signing in again brings a new grant", func(t *testing.T) {
		b.wantPage(b.signIn(loginAt(acme.name, "/reports"), "ada"), "Hello ada at /reports")
		b.inApp(func(ctx context.Context) { a.wantAPI(t, ctx) })
	})
}

func TestAZR27_WithoutOfflineAccessNothingIsRefreshed(t *testing.T) {
	t.Parallel()
	a := newApp(t, oidcprovider.Config{AccessTokenSeconds: 5}, []registration{acme}, func(c *wayleave.Config) {
		c.Providers[0].Offline = false
	})
	b := a.browser(t)
	b.signIn("/", "ada")
	b.inApp(func(ctx context.Context) {
		if !a.tokens(t, ctx).RefreshToken.IsZero() {
			t.Error("there is a refresh token")
		}
		if _, err := a.callAPI(ctx); !errors.Is(err, wayleave.ErrLoginRequired) {
			t.Errorf("API: %v; want ErrLoginRequired", err)
		}
	})
	wantAsked(t, a.idp, "POST /token", 1)
}
