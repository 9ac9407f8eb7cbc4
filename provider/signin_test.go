package provider_test

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/wayleave/wayleave"
	"github.com/wayleave/wayleave/internal/vendorfakes"
	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/provider"
)

// app is an app whose users sign in at a fake, and one browser in front of it.
type app struct {
	t       testing.TB
	base    string
	auth    *wayleave.Auth
	browser *http.Client
	apiURL  string // what /api calls with the user's token
}

func newApp(t testing.TB, apiURL string, c provider.Config) *app {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	a := &app{t: t, base: "http://" + listener.Addr().String(), apiURL: apiURL}
	if a.auth, err = wayleave.New(wayleave.Config{BaseURL: a.base, Providers: []provider.Config{c}}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.auth.Close() })
	mux := http.NewServeMux()
	mux.Handle("/auth/", a.auth)
	mux.Handle("/", a.auth.RequireLogin(http.HandlerFunc(a.home)))
	mux.Handle("/api", a.auth.RequireLogin(http.HandlerFunc(a.api)))
	srv := &httptest.Server{Listener: listener, Config: &http.Server{Handler: mux}}
	srv.Start()
	t.Cleanup(srv.Close)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	// It follows redirects, from the app to the fake and back.
	a.browser = &http.Client{Jar: jar, Transport: &http.Transport{DisableKeepAlives: true}}
	return a
}

func (a *app) home(w http.ResponseWriter, r *http.Request) {
	u, _ := wayleave.CurrentUser(r.Context())
	io.WriteString(w, "Hello "+u.Name+" at "+r.URL.RequestURI())
}

// api calls the vendor with the user's token.
func (a *app) api(w http.ResponseWriter, r *http.Request) {
	req, err := http.NewRequestWithContext(r.Context(), "GET", a.apiURL, nil)
	if err != nil {
		a.t.Error(err)
		return
	}
	req.Header.Set("Accept", "application/json")
	resp, err := a.auth.Client(r.Context()).Do(req)
	switch {
	case errors.Is(err, wayleave.ErrLoginRequired):
		w.WriteHeader(http.StatusUnauthorized)
	case err != nil:
		http.Error(w, err.Error(), http.StatusBadGateway)
	default:
		defer resp.Body.Close()
		w.WriteHeader(resp.StatusCode)
		io.Copy(w, resp.Body)
	}
}

// open opens a page as a person does, following redirects.
func (a *app) open(path string) (status int, body string) {
	a.t.Helper()
	req, err := http.NewRequestWithContext(a.t.Context(), "GET", a.base+path, nil)
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
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		a.t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// user is what the session endpoint says, nil if nobody is signed in.
func (a *app) user() map[string]any {
	a.t.Helper()
	status, body := a.open("/auth/session")
	if status == http.StatusUnauthorized {
		return nil
	}
	var said struct{ User map[string]any }
	if err := json.Unmarshal([]byte(body), &said); err != nil || status != http.StatusOK {
		a.t.Fatalf("session: status %d, %v: %s", status, err, body)
	}
	return said.User
}

// signIn opens a page that needs a user, and must end on it.
func (a *app) signIn() {
	a.t.Helper()
	if status, body := a.open("/reports?year=2026"); status != http.StatusOK || !strings.HasSuffix(body, "at /reports?year=2026") {
		a.t.Fatalf("status %d: %s", status, body)
	}
}

// wantTurnedAway: the login ends with this status, and nobody is signed in.
func (a *app) wantTurnedAway(status int) {
	a.t.Helper()
	got, body := a.open("/reports")
	wantEqual(a.t, "status", got, status)
	if strings.Contains(body, vendorfakes.ClientSecret) || strings.Contains(body, "Hello") {
		a.t.Errorf("page %s", body)
	}
	if u := a.user(); u != nil {
		a.t.Errorf("signed in as %v", u)
	}
}

func TestSignInWithGoogle(t *testing.T) {
	g := vendorfakes.NewGoogle(t)
	// Shorter than what a token that is handed out has left: each use refreshes.
	g.Change(func(b *vendorfakes.GoogleBehaviour) { b.AccessLifetime = 5 * time.Second })
	a := newApp(t, g.URL+"/v1/userinfo", atGoogle(g, offline))
	a.signIn()
	u := a.user()
	wantEqual(t, "id", u["id"], any(provider.IDOf(g.URL, "110169484474386276334")))
	wantEqual(t, "provider", u["provider"], any("google"))
	wantEqual(t, "issuer", u["issuer"], any(g.URL))
	wantEqual(t, "e-mail", u["email"], any("mara@gmail.example"))
	wantEqual(t, "verified", u["email_verified"], any(true))
	wantEqual(t, "token requests", len(g.Requests("/token")), 1)
	status, body := a.open("/api")
	if status != http.StatusOK || !strings.Contains(body, "110169484474386276334") {
		t.Fatalf("API: status %d: %s", status, body)
	}
	requests := g.Requests("/token")
	wantEqual(t, "kind of the last token request", requests[len(requests)-1].Form.Get("grant_type"), "refresh_token")
	t.Run("until access is taken away", func(t *testing.T) {
		g.Change(func(b *vendorfakes.GoogleBehaviour) { b.Revoked = true })
		status, _ := a.open("/api")
		wantEqual(t, "status", status, http.StatusUnauthorized)
	})
}

func TestGoogleTurnsAway(t *testing.T) {
	for _, tt := range []struct {
		name   string
		there  func(*vendorfakes.GoogleBehaviour)
		here   func(*provider.Config)
		status int
	}{
		{"A301 a personal account", func(*vendorfakes.GoogleBehaviour) {}, hd("acme.example"), http.StatusForbidden},
		{"A303 a scope that was denied", func(b *vendorfakes.GoogleBehaviour) { b.Unticked = []string{"email"} }, func(c *provider.Config) { c.RequireScopes = []string{"email"} }, http.StatusForbidden},
		{"the person cancels", func(b *vendorfakes.GoogleBehaviour) { b.Cancel = true }, func(*provider.Config) {}, http.StatusForbidden},
		{"A343 another issuer in the callback", func(b *vendorfakes.GoogleBehaviour) { b.CallbackISS = "https://evil.example" }, func(*provider.Config) {}, http.StatusBadRequest},
		{"A300 another issuer in the token", func(b *vendorfakes.GoogleBehaviour) { b.TokenIssuer = "https://evil.example" }, func(*provider.Config) {}, http.StatusBadGateway},
		{"another secret", func(*vendorfakes.GoogleBehaviour) {}, func(c *provider.Config) { c.ClientSecret = oauth.NewSecret("wrong") }, http.StatusBadGateway},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := vendorfakes.NewGoogle(t)
			g.Change(tt.there)
			newApp(t, g.URL, atGoogle(g, tt.here)).wantTurnedAway(tt.status)
		})
	}
}

func TestSignInWithGitHub(t *testing.T) {
	g := vendorfakes.NewGitHub(t)
	g.Change(func(b *vendorfakes.GitHubBehaviour) { b.CallbackISS = g.URL + "/login/oauth" })
	a := newApp(t, g.URL+"/api/user", atGitHub(g))
	a.signIn()
	u := a.user()
	wantEqual(t, "id", u["id"], any(provider.IDOf(g.URL, "583231")))
	wantEqual(t, "subject", u["subject"], any("583231"))
	wantEqual(t, "e-mail", u["email"], any("mara@home.example"))
	status, body := a.open("/api")
	if status != http.StatusOK || !strings.Contains(body, `"login":"octo-mara"`) {
		t.Errorf("API: status %d: %s", status, body)
	}
	wantEqual(t, "token requests", len(g.Requests("/login/oauth/access_token")), 1)
}

func TestSignInWithGitHubApp(t *testing.T) {
	g := vendorfakes.NewGitHub(t)
	g.Change(func(b *vendorfakes.GitHubBehaviour) { b.App, b.AccessLifetime = true, 5*time.Second })
	a := newApp(t, g.URL+"/api/user", atGitHub(g))
	a.signIn()
	for range 3 {
		if status, body := a.open("/api"); status != http.StatusOK {
			t.Fatalf("API: status %d: %s", status, body)
		}
	}
	spent := map[string]bool{}
	for _, r := range g.Requests("/login/oauth/access_token")[1:] {
		token := r.Form.Get("refresh_token")
		if token == "" || spent[token] {
			t.Errorf("a refresh token is missing, or was used twice")
		}
		spent[token] = true
	}
	if len(spent) == 0 {
		t.Error("nothing was refreshed")
	}
}

func TestGitHubTurnsAway(t *testing.T) {
	for _, tt := range []struct {
		name   string
		there  func(*vendorfakes.GitHubBehaviour)
		here   func(*provider.Config)
		status int
	}{
		{"A308 an error with status 200", func(*vendorfakes.GitHubBehaviour) {}, func(c *provider.Config) { c.ClientSecret = oauth.NewSecret("wrong") }, http.StatusBadGateway},
		{"A309 the list of addresses is out of order", func(b *vendorfakes.GitHubBehaviour) { b.EmailsStatus = 500 }, func(*provider.Config) {}, http.StatusServiceUnavailable},
		{"A343 another issuer in the callback", func(b *vendorfakes.GitHubBehaviour) { b.CallbackISS = "https://evil.example" }, func(*provider.Config) {}, http.StatusBadRequest},
		{"the person cancels", func(b *vendorfakes.GitHubBehaviour) { b.Cancel = true }, func(*provider.Config) {}, http.StatusForbidden},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := vendorfakes.NewGitHub(t)
			g.Change(tt.there)
			newApp(t, g.URL, atGitHub(g, tt.here)).wantTurnedAway(tt.status)
		})
	}
	t.Run("A309 a list that is refused turns nobody away", func(t *testing.T) {
		g := vendorfakes.NewGitHub(t)
		g.Change(func(b *vendorfakes.GitHubBehaviour) { b.EmailsStatus = 404 })
		a := newApp(t, g.URL, atGitHub(g))
		a.signIn()
		wantEqual(t, "e-mail", a.user()["email"], any(""))
	})
}

func TestSignInWithEntra(t *testing.T) {
	e := vendorfakes.NewEntra(t)
	a := newApp(t, e.URL, atEntra(e))
	a.signIn()
	wantEqual(t, "issuer", a.user()["issuer"], any(e.Issuer(vendorfakes.EntraTenant)))
	t.Run("A311 another tenant is turned away", func(t *testing.T) {
		e.Change(func(b *vendorfakes.EntraBehaviour) { b.Account.Tenant = vendorfakes.EntraOtherTenant })
		newApp(t, e.URL, atEntra(e)).wantTurnedAway(http.StatusForbidden)
	})
}
