package vendorfakes_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/wayleave/wayleave/internal/vendorfakes"
)

// The library sends what is right. Here is what the fakes say to what is wrong.

const (
	callback  = "http://127.0.0.1:8000/auth/callback"
	verifier  = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM" // of RFC 7636, appendix B
)

func authorize(t *testing.T, endpoint string, change func(url.Values)) (status int, location *url.URL) {
	t.Helper()
	q := url.Values{"client_id": {vendorfakes.ClientID}, "redirect_uri": {callback}, "response_type": {"code"}, "scope": {"openid email"},
		"state": {"s-1"}, "code_challenge": {challenge}, "code_challenge_method": {"S256"}}
	if change != nil {
		change(q)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Get(endpoint + "?" + q.Encode())
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	location, _ = resp.Location()
	return resp.StatusCode, location
}

func redeem(t *testing.T, endpoint, accept string, change func(url.Values), code string) (*http.Response, string) {
	t.Helper()
	form := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {callback}, "code_verifier": {verifier},
		"client_id": {vendorfakes.ClientID}, "client_secret": {vendorfakes.ClientSecret}}
	if change != nil {
		change(form)
	}
	return send(t, "POST", endpoint, http.Header{"Accept": {accept}, "Content-Type": {"application/x-www-form-urlencoded"}}, form.Encode())
}

func send(t *testing.T, method, where string, header http.Header, body string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, where, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = header
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(text)
}

func codeAt(t *testing.T, endpoint string) string {
	t.Helper()
	_, location := authorize(t, endpoint, nil)
	if location == nil || location.Query().Get("state") != "s-1" {
		t.Fatalf("sent to %v", location)
	}
	return location.Query().Get("code")
}

func member(t *testing.T, body, name string) string {
	t.Helper()
	var all map[string]any
	if err := json.Unmarshal([]byte(body), &all); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	s, _ := all[name].(string)
	return s
}

func TestAuthorizationRequestsThatAreWrong(t *testing.T) {
	google, gitHub, entra := vendorfakes.NewGoogle(t), vendorfakes.NewGitHub(t), vendorfakes.NewEntra(t)
	for endpoint, status := range map[string]int{
		google.URL + "/o/oauth2/v2/auth":            http.StatusBadRequest,
		gitHub.URL + "/login/oauth/authorize":       http.StatusNotFound,
		entra.URL + "/common/oauth2/v2.0/authorize": http.StatusBadRequest,
	} {
		for name, change := range map[string]func(url.Values){
			"another client":        func(q url.Values) { q.Set("client_id", "other") },
			"another response type": func(q url.Values) { q.Set("response_type", "token") },
			"a plain challenge":     func(q url.Values) { q.Set("code_challenge_method", "plain") },
		} {
			if got, location := authorize(t, endpoint, change); got != status || location != nil {
				t.Errorf("%s: %s: status %d, to %v", endpoint, name, got, location)
			}
		}
	}
	if _, location := authorize(t, gitHub.URL+"/login/oauth/authorize", func(q url.Values) { q.Set("redirect_uri", "https://evil.example/") }); location == nil ||
		!strings.HasPrefix(location.String(), vendorfakes.GitHubRegisteredCallback+"?error=redirect_uri_mismatch") {
		t.Errorf("GitHub sends another redirect URI to %v", location)
	}
	if status, location := authorize(t, google.URL+"/o/oauth2/v2/auth", func(q url.Values) { q.Set("redirect_uri", "https://evil.example/") }); status != 400 || location != nil {
		t.Errorf("Google: status %d, to %v", status, location)
	}
}

func TestTokenRequestsThatAreWrong(t *testing.T) {
	google, gitHub, entra := vendorfakes.NewGoogle(t), vendorfakes.NewGitHub(t), vendorfakes.NewEntra(t)
	for _, at := range []struct {
		authorize, token, code, uri, client string
		status                              int
	}{
		{google.URL + "/o/oauth2/v2/auth", google.URL + "/token", "invalid_grant", "redirect_uri_mismatch", "invalid_client", 400},
		{gitHub.URL + "/login/oauth/authorize", gitHub.URL + "/login/oauth/access_token", "bad_verification_code", "redirect_uri_mismatch", "incorrect_client_credentials", 200},
		{entra.URL + "/common/oauth2/v2.0/authorize", entra.URL + "/common/oauth2/v2.0/token", "invalid_grant", "invalid_grant", "invalid_client", 400},
	} {
		for _, tt := range []struct {
			name   string
			change func(url.Values)
			want   string
		}{
			{"nothing", nil, ""},
			{"another verifier", func(f url.Values) { f.Set("code_verifier", "x"+verifier) }, at.code},
			{"no verifier", func(f url.Values) { f.Del("code_verifier") }, at.code},
			{"another code", func(f url.Values) { f.Set("code", "x") }, at.code},
			{"another redirect URI", func(f url.Values) { f.Set("redirect_uri", callback+"/") }, at.uri},
			{"another secret", func(f url.Values) { f.Set("client_secret", "x") }, at.client},
			{"no secret", func(f url.Values) { f.Del("client_secret") }, at.client},
		} {
			code := codeAt(t, at.authorize)
			resp, body := redeem(t, at.token, "application/json", tt.change, code)
			if got := member(t, body, "error"); got != tt.want || tt.want == "" && member(t, body, "access_token") == "" {
				t.Errorf("%s: %s: %s", at.token, tt.name, body)
			}
			if tt.want != "" && tt.want != at.client && resp.StatusCode != at.status {
				t.Errorf("%s: %s: status %s", at.token, tt.name, resp.Status)
			}
			if tt.want == "" {
				if _, body := redeem(t, at.token, "application/json", nil, code); member(t, body, "error") != at.code {
					t.Errorf("%s: a code that was used: %s", at.token, body)
				}
			}
		}
	}
}

func TestGitHubAnswersAFormUnlessJSONIsAskedFor(t *testing.T) {
	g := vendorfakes.NewGitHub(t)
	resp, body := redeem(t, g.URL+"/login/oauth/access_token", "*/*", nil, codeAt(t, g.URL+"/login/oauth/authorize"))
	form, err := url.ParseQuery(body)
	if err != nil || !strings.HasPrefix(resp.Header.Get("Content-Type"), "application/x-www-form-urlencoded") || form.Get("access_token") == "" || form.Get("scope") != "openid,email" {
		t.Errorf("%s: %s", resp.Header.Get("Content-Type"), body)
	}
}

func TestGitHubAPIDemandsItsHeaders(t *testing.T) {
	g := vendorfakes.NewGitHub(t)
	_, body := redeem(t, g.URL+"/login/oauth/access_token", "application/json", nil, codeAt(t, g.URL+"/login/oauth/authorize"))
	token := "Bearer " + member(t, body, "access_token")
	for _, tt := range []struct {
		name   string
		header http.Header
		want   int
	}{
		{"all", http.Header{"Authorization": {token}, "User-Agent": {"app"}, "Accept": {"application/vnd.github+json"}}, 200},
		{"no User-Agent", http.Header{"Authorization": {token}, "User-Agent": {""}, "Accept": {"application/json"}}, 403},
		{"another Accept", http.Header{"Authorization": {token}, "User-Agent": {"app"}, "Accept": {"text/html"}}, 415},
		{"another version", http.Header{"Authorization": {token}, "User-Agent": {"app"}, "Accept": {"application/json"}, "X-Github-Api-Version": {"2000-01-01"}}, 400},
		{"another token", http.Header{"Authorization": {"Bearer gho_x"}, "User-Agent": {"app"}, "Accept": {"application/json"}}, 401},
	} {
		if resp, body := send(t, "GET", g.URL+"/api/user", tt.header, ""); resp.StatusCode != tt.want {
			t.Errorf("%s: status %s: %s", tt.name, resp.Status, body)
		}
	}
	// The scope user:email was not granted.
	if resp, _ := send(t, "GET", g.URL+"/api/user/emails", http.Header{"Authorization": {token}, "User-Agent": {"app"}, "Accept": {"application/json"}}, ""); resp.StatusCode != 404 {
		t.Errorf("e-mails: status %s", resp.Status)
	}
}
