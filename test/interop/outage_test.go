package interop_test

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/wayleave/wayleave"
	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/test/oidcprovider"
)

// metadataPause is how long the library waits between attempts to read metadata
// that could not be read.
const metadataPause = 15 * time.Second

func TestDIS12_A234_ProviderDownWhenTheAppStarts(t *testing.T) {
	t.Parallel()
	a := newApp(t, oidcprovider.Config{Port: oidcprovider.FixedPort(t)}, []registration{acme})
	b := a.browser(t)
	b.signIn("/", "ada")

	a.idp.Stop()
	a.restart(t) // with the same keys and store, and nothing in its caches
	visitor := a.browser(t)
	for range 2 { // asked, and not asked again so soon
		at := visitor.open(loginAt(acme.name, "/reports"))
		if at.StatusCode != http.StatusServiceUnavailable {
			t.Fatalf("login: status %d, want 503", at.StatusCode)
		}
		if n, err := strconv.Atoi(at.Header.Get("Retry-After")); err != nil || n < 1 || n > 60 {
			t.Errorf("Retry-After %q, want some seconds", at.Header.Get("Retry-After"))
		}
		if got := visitor.retry(at); got != loginAt(acme.name, "/reports") {
			t.Errorf("the page's link leads to %q", got)
		}
	}
	wantUnavailable(t, a.story(acme.name).unanswered(oauth.ForDiscovery), oauth.CheckDiscovery)
	b.wantPage(b.open("/reports"), "Hello ada at /reports")
	if b.user().Subject != "ada" {
		t.Error("the session endpoint does not know the session")
	}
	if at := visitor.open("/reports"); at.StatusCode != http.StatusSeeOther || visitor.user() != (user{}) {
		t.Errorf("without a session: status %d, want 303 to the login", at.StatusCode)
	}

	a.restartIDP(t)
	eventually(t, "a login leads to the provider again", metadataPause+15*time.Second, func() bool {
		return visitor.open(loginAt(acme.name, "/reports")).StatusCode == http.StatusSeeOther
	})
	visitor.wantPage(visitor.signIn("/reports", "bob"), "Hello bob at /reports")
	wantAsked(t, a.idp, "GET /.well-known/openid-configuration", 1)
}

func TestDIS11_A234_ProviderDownInTheMiddleOfALogin(t *testing.T) {
	t.Parallel()
	a := newApp(t, oidcprovider.Config{Port: oidcprovider.FixedPort(t)}, []registration{acme})
	b := a.browser(t)
	b.signIn("/", "ada")
	visitor := a.browser(t)
	callback := visitor.callback("/reports", "bob")

	a.idp.Stop()
	at := visitor.open(callback)
	if at.StatusCode != http.StatusServiceUnavailable || at.Header.Get("Retry-After") == "" || visitor.user() != (user{}) {
		t.Errorf("callback: status %d, user %v; want 503 and nobody", at.StatusCode, visitor.user())
	}
	wantUnavailable(t, a.story(acme.name).unanswered(oauth.ForTokens), oauth.CheckTokenHTTP)
	b.wantPage(b.open("/reports"), "Hello ada at /reports")

	// The metadata is at hand, so that nothing has to be waited for.
	a.restartIDP(t)
	visitor.wantPage(visitor.signIn(visitor.retry(at), "bob"), "Hello bob at /reports")
	wantAsked(t, a.idp, "POST /token", 1)
}

// An outage from which the provider comes back with its memory.
func TestREF06_AnOutageEndsNoGrant(t *testing.T) {
	t.Parallel()
	port, front := oidcprovider.FixedPort(t), newRelay(t)
	front.open(port)
	a := newApp(t, oidcprovider.Config{Port: port, Issuer: front.url(), AccessTokenSeconds: 5}, []registration{acme})
	b := a.browser(t)
	b.signIn("/", "ada")
	b.inApp(func(ctx context.Context) {
		a.wantAPI(t, ctx) // the lifetime is so short that each call refreshes
		before := a.tokens(t, ctx)

		front.close()
		for range 3 {
			if _, err := a.callAPI(ctx); err == nil || errors.Is(err, wayleave.ErrLoginRequired) {
				t.Errorf("API: %v; want an error that passes, not ErrLoginRequired", err)
			}
		}
		wantUnavailable(t, a.story(acme.name).unanswered(oauth.ForRefresh), oauth.CheckTokenHTTP)
		if kept := a.tokens(t, ctx).RefreshToken; kept.Reveal() != before.RefreshToken.Reveal() {
			t.Error("the refresh token is another one than before")
		}

		front.open(port)
		// After several failures the next attempt waits a second or two; until
		// then the old access token is good.
		refreshed := false
		for until := time.Now().Add(20 * time.Second); !refreshed && time.Now().Before(until); time.Sleep(100 * time.Millisecond) {
			_, err := a.callAPI(ctx)
			refreshed = err == nil && a.tokens(t, ctx).RefreshToken.Reveal() != before.RefreshToken.Reveal()
		}
		if !refreshed {
			t.Error("the grant is not refreshed when the provider is back")
		}
	})
	wantAsked(t, a.idp, "POST /token", 3)
}
