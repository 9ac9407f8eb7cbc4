package oauth2bridge_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/wayleave/wayleave"
	"github.com/wayleave/wayleave/devidp"
	"github.com/wayleave/wayleave/devidp/devidptest"
	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/oauth2bridge"
	"github.com/wayleave/wayleave/provider"
)

// app is an app whose /transactions calls the provider's API with a client of
// golang.org/x/oauth2.
type app struct {
	t       testing.TB
	idp     *devidp.Server
	base    string
	auth    *wayleave.Auth
	browser *http.Client
}

func newApp(t testing.TB, lifetime time.Duration) *app {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	a := &app{t: t, base: "http://" + listener.Addr().String()}
	a.idp = devidptest.New(t, func(o *devidp.Options) { o.AccessTokenLifetime, o.SigningAlgorithm = lifetime, "ES256" })
	a.auth, err = wayleave.New(wayleave.Config{BaseURL: a.base, Providers: []provider.Config{{
		Name: "dev", Issuer: a.idp.Issuer(), ClientID: "app", ClientSecret: oauth.NewSecret(devidp.DevSecret),
		MoreScopes: []string{"transactions.read"}, Offline: true, Development: true,
	}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.auth.Close() })
	mux := http.NewServeMux()
	mux.Handle("/auth/", a.auth)
	mux.Handle("/transactions", a.auth.RequireLogin(http.HandlerFunc(a.transactions)))
	srv := &httptest.Server{Listener: listener, Config: &http.Server{Handler: mux}}
	srv.Start()
	t.Cleanup(srv.Close)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	a.browser = &http.Client{Jar: jar, Transport: &http.Transport{DisableKeepAlives: true}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return a
}

// transactions answers with as many calls of the API as are asked for.
func (a *app) transactions(w http.ResponseWriter, r *http.Request) {
	client := a.client(r.Context())
	for range len(r.URL.Query()["call"]) {
		resp, err := client.Get(a.idp.Issuer() + "/api/transactions")
		switch {
		case errors.Is(err, wayleave.ErrLoginRequired):
			w.WriteHeader(http.StatusUnauthorized)
			return
		case err != nil:
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		io.Copy(w, resp.Body)
		resp.Body.Close()
	}
}

// client is what an API library of golang.org/x/oauth2 would be given.
func (a *app) client(ctx context.Context) *http.Client {
	return oauth2.NewClient(ctx, oauth2bridge.TokenSource(ctx, a.auth.TokenSource(ctx)))
}

func (a *app) open(target string) (*http.Response, string) {
	a.t.Helper()
	if strings.HasPrefix(target, "/") {
		target = a.base + target
	}
	req, err := http.NewRequestWithContext(a.t.Context(), "GET", target, nil)
	if err != nil {
		a.t.Fatal(err)
	}
	req.Header.Set("Accept", "text/html")
	req.Header.Set("Sec-Fetch-Mode", "navigate")
	resp, err := a.browser.Do(req)
	if err != nil {
		a.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		a.t.Fatal(err)
	}
	return resp, string(body)
}

// signIn runs a whole login, with the provider's pages.
func (a *app) signIn() {
	a.t.Helper()
	resp, _ := a.open("/auth/dev/login")
	callback, err := devidptest.SignIn(&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}, resp.Header.Get("Location"), "ada", true)
	if err != nil {
		a.t.Fatal(err)
	}
	if resp, body := a.open(callback); resp.StatusCode != http.StatusSeeOther {
		a.t.Fatalf("callback: status %s: %s", resp.Status, body)
	}
}

func TestOAuth2ClientAfterARealLogin(t *testing.T) {
	a := newApp(t, 10*time.Minute)
	a.signIn()
	resp, body := a.open("/transactions?call=1&call=2")
	if resp.StatusCode != http.StatusOK || strings.Count(body, `"transactions"`) != 2 {
		t.Fatalf("status %s: %.300s", resp.Status, body)
	}
	if n := a.idp.Count("token"); n != 1 {
		t.Errorf("%d token requests for a token that lives, want 1", n)
	}
}

// The tokens are too short-lived to be handed out as they are: each one is
// refreshed by the vault, which keeps the rotated refresh token.
func TestOAuth2ClientWhileTokensAreRefreshed(t *testing.T) {
	a := newApp(t, 5*time.Second)
	a.signIn()
	for range 3 {
		if resp, body := a.open("/transactions?call=1&call=2"); resp.StatusCode != http.StatusOK || strings.Count(body, `"transactions"`) != 2 {
			t.Fatalf("status %s: %.300s", resp.Status, body)
		}
	}
	if n := a.idp.Count("token"); n < 2 {
		t.Errorf("%d token requests, want the login's and refreshes", n)
	}
}

func TestOAuth2ClientsAtOnce(t *testing.T) {
	a := newApp(t, 5*time.Second)
	a.signIn()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if resp, body := a.open("/transactions?call=1"); resp.StatusCode != http.StatusOK {
				t.Errorf("status %s: %.300s", resp.Status, body)
			}
		})
	}
	wg.Wait()
	// Had two of them spent one refresh token, the provider would have ended
	// the whole grant.
	if resp, body := a.open("/transactions?call=1"); resp.StatusCode != http.StatusOK {
		t.Errorf("afterwards: status %s: %.300s", resp.Status, body)
	}
}

func TestOAuth2ClientWithoutUser(t *testing.T) {
	a := newApp(t, 10*time.Minute)
	_, err := a.client(t.Context()).Get(a.idp.Issuer() + "/api/transactions")
	if !errors.Is(err, wayleave.ErrLoginRequired) {
		t.Errorf("error %v", err)
	}
	if n := a.idp.Count("transactions"); n != 0 {
		t.Errorf("%d requests without a token", n)
	}
}
