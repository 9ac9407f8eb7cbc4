package wayleave_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/wayleave/wayleave"
	"github.com/wayleave/wayleave/oauth"
)

// userContext returns the context that a handler behind RequireLogin gets.
func (b *browser) userContext() context.Context {
	b.a.t.Helper()
	r := httptest.NewRequest("GET", "/", nil).WithContext(b.a.t.Context())
	for name, value := range b.rawCookies() {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	var got context.Context
	b.a.auth.RequireLogin(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.Context() })).ServeHTTP(httptest.NewRecorder(), r)
	if got == nil {
		b.a.t.Fatal("nobody is signed in")
	}
	return got
}

func TestTheUsersClient(t *testing.T) {
	a := newApp(t)
	b := a.browser()
	b.signIn("/")
	client := a.auth.Client(b.userContext())
	get := func(url string) (string, error) {
		resp, err := client.Get(url)
		if err != nil {
			return "", err
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		return resp.Status[:3] + " " + string(body), err
	}
	api := a.idp.Issuer() + "/api/transactions"
	if got, err := get(api); err != nil || !strings.HasPrefix(got, "200 ") {
		t.Errorf("API: %.100s, %v", got, err)
	}
	a.idp.SetFaults("api-401-once")
	tokens := a.idp.Count("token")
	if got, err := get(api); err != nil || !strings.HasPrefix(got, "200 ") || a.idp.Count("token") != tokens+1 {
		t.Errorf("after a 401: %.100s, %v; %d token requests", got, err, a.idp.Count("token")-tokens)
	}
	redirecting := httptest.NewServer(http.RedirectHandler("https://evil.example/", http.StatusFound))
	defer redirecting.Close()
	if got, err := get(redirecting.URL); err != nil || !strings.HasPrefix(got, "302 ") {
		t.Errorf("a redirect was followed: %.100s, %v", got, err)
	}
	if got, err := get("http://api.example/"); err == nil {
		t.Errorf("the token went out over http: %s", got)
	}
	// A176: within seconds of a refresh an API's word is not enough for another.
	a.idp.SetFaults("api-401-once")
	if got, err := get(api); err != nil || !strings.HasPrefix(got, "401 ") {
		t.Errorf("a 401 for a new token: %.100s, %v; want it as it is", got, err)
	}
}

// TestTheUsersTokens are those of this session, as long as it lives.
func TestTheUsersTokens(t *testing.T) {
	inTime(t, func(a *timed) {
		b := a.browser()
		b.signIn("/")
		ctx := b.userContext()
		shown, err := a.auth.Tokens(ctx)
		if err != nil || shown.AccessToken.IsZero() || shown.IDToken == nil || shown.IDToken.Subject != "ada" {
			t.Fatalf("tokens %+v, %v", shown, err)
		}
		source := a.auth.TokenSource(ctx)
		same, err := source.Token(ctx)
		if err != nil || same.AccessToken.Reveal() != shown.AccessToken.Reveal() {
			t.Errorf("source: %v, %v", same, err)
		}
		a.sleep(10 * time.Minute)
		if shown, err := a.auth.Tokens(ctx); err != nil || shown.AccessToken.Reveal() != same.AccessToken.Reveal() {
			t.Errorf("showing tokens refreshed them, or %v", err)
		}
		fresh, err := source.Token(ctx)
		if err != nil || fresh.AccessToken.Reveal() == same.AccessToken.Reveal() {
			t.Errorf("an expired token was handed out, or %v", err)
		}
		a.sleep(11 * time.Second) // so that it is not just renewed
		renewed, err := source.(oauth.Renewer).Renew(ctx, fresh)
		if err != nil || renewed.AccessToken.Reveal() == fresh.AccessToken.Reveal() {
			t.Errorf("a refused token was handed out, or %v", err)
		}
		a.idp.SetFaults("refresh-invalid-grant")
		a.sleep(11 * time.Second)
		for range 2 {
			if got, err := source.(oauth.Renewer).Renew(ctx, renewed); !errors.Is(err, wayleave.ErrLoginRequired) {
				t.Errorf("after the grant has ended: %v, %v; want ErrLoginRequired", got, err)
			}
		}
		b.fetch("POST", "/auth/logout")
		if _, err := source.Token(ctx); !errors.Is(err, wayleave.ErrLoginRequired) {
			t.Errorf("after logout: %v, want ErrLoginRequired", err)
		}
	})
}

// TestWithoutAUser there are no tokens, and nothing is sent.
func TestWithoutAUser(t *testing.T) {
	a := newDirectApp(t, newIDP(t), "http://localhost:8000")
	ctx := t.Context()
	if _, err := a.auth.Tokens(ctx); !errors.Is(err, wayleave.ErrLoginRequired) {
		t.Errorf("Tokens: %v", err)
	}
	if _, err := a.auth.TokenSource(ctx).Token(ctx); !errors.Is(err, wayleave.ErrLoginRequired) {
		t.Errorf("TokenSource: %v", err)
	}
	if _, err := a.auth.Client(ctx).Get(a.idp.Issuer() + "/api/accounts"); !errors.Is(err, wayleave.ErrLoginRequired) {
		t.Errorf("Client: %v", err)
	}
	if n := a.idp.Count("accounts"); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
}
