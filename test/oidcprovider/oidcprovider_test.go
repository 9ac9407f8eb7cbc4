package oidcprovider_test

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/wayleave/wayleave/test/oidcprovider"
)

// These tests prove the harness with net/http alone, so that a failure in a
// test that uses it points at the code under test.

const redirectURI = "http://127.0.0.1:1/callback"

func client(method, alg string) oidcprovider.Client {
	c := oidcprovider.Client{
		ID: "app-" + method + "-" + alg, Secret: "s3cret: /+&=%", AuthMethod: method, IDTokenAlg: alg,
		RedirectURIs: []string{redirectURI},
	}
	if method == "none" {
		c.Secret = ""
	}
	return c
}

func TestEveryClientAuthenticationAndAlgorithm(t *testing.T) {
	var clients []oidcprovider.Client
	for _, method := range []string{"client_secret_basic", "client_secret_post", "none"} {
		for _, alg := range []string{"RS256", "ES256"} {
			clients = append(clients, client(method, alg))
		}
	}
	provider := oidcprovider.Start(t, oidcprovider.Config{
		Clients:            clients,
		AccessTokenSeconds: 90,
		Claims:             map[string]map[string]any{"ada": {"name": "Ada Lovelace", "email_verified": false}},
	})
	op := discover(t, provider)

	for _, c := range clients {
		t.Run(c.ID, func(t *testing.T) {
			callback := signIn(t, provider, op.authorizationURL(c), "ada", true)
			if callback.Get("state") != "the-state" || callback.Get("iss") != provider.Issuer {
				t.Errorf("callback carries state %q and iss %q", callback.Get("state"), callback.Get("iss"))
			}

			status, tokens := op.token(t, c, url.Values{
				"grant_type": {"authorization_code"}, "code": {callback.Get("code")},
				"redirect_uri": {redirectURI}, "code_verifier": {verifier},
			})
			if status != http.StatusOK || tokens.ExpiresIn != 90 || tokens.RefreshToken == "" {
				t.Fatalf("exchange answered %d %q, expires_in %d", status, tokens.Error, tokens.ExpiresIn)
			}
			claims := op.verify(t, tokens.IDToken, c.IDTokenAlg)
			if claims["iss"] != provider.Issuer || claims["aud"] != c.ID || claims["sub"] != "ada" || claims["nonce"] != "the-nonce" {
				t.Errorf("ID token claims: %v", claims)
			}
			if claims["email"] != nil {
				t.Error("the ID token carries the email, so that userinfo would not be needed")
			}
			user := op.userinfo(t, tokens.AccessToken)
			if user["sub"] != "ada" || user["email"] != "ada@people.example" || user["email_verified"] != false || user["name"] != "Ada Lovelace" {
				t.Errorf("userinfo: %v", user)
			}

			refresh := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {tokens.RefreshToken}}
			status, fresh := op.token(t, c, refresh)
			if status != http.StatusOK || fresh.RefreshToken == "" || fresh.RefreshToken == tokens.RefreshToken {
				t.Fatalf("refresh answered %d %q, rotated: %v", status, fresh.Error, fresh.RefreshToken != tokens.RefreshToken)
			}
			if status, again := op.token(t, c, refresh); status != http.StatusBadRequest || again.Error != "invalid_grant" {
				t.Errorf("a refresh token used twice answered %d %q, want 400 invalid_grant", status, again.Error)
			}
			refresh.Set("refresh_token", fresh.RefreshToken)
			if status, after := op.token(t, c, refresh); status != http.StatusBadRequest || after.Error != "invalid_grant" {
				t.Errorf("after reuse the whole family should be revoked, but refresh answered %d %q", status, after.Error)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	c := client("client_secret_basic", "RS256")
	provider := oidcprovider.Start(t, oidcprovider.Config{Clients: []oidcprovider.Client{c}})
	op := discover(t, provider)

	t.Run("a person who denies sends access_denied back", func(t *testing.T) {
		callback := signIn(t, provider, op.authorizationURL(c), "ada", false)
		if callback.Get("error") != "access_denied" || callback.Get("state") != "the-state" || callback.Has("code") {
			t.Errorf("callback carries error %q", callback.Get("error"))
		}
	})
	t.Run("a request without PKCE is refused", func(t *testing.T) {
		callback := signIn(t, provider, without(t, op.authorizationURL(c), "code_challenge", "code_challenge_method"), "ada", true)
		if callback.Get("error") != "invalid_request" {
			t.Errorf("callback carries error %q, want invalid_request", callback.Get("error"))
		}
	})
	t.Run("an exchange with another verifier is refused", func(t *testing.T) {
		callback := signIn(t, provider, op.authorizationURL(c), "ada", true)
		status, answer := op.token(t, c, url.Values{
			"grant_type": {"authorization_code"}, "code": {callback.Get("code")},
			"redirect_uri": {redirectURI}, "code_verifier": {strings.Repeat("x", 43)},
		})
		if status != http.StatusBadRequest || answer.Error != "invalid_grant" {
			t.Errorf("exchange answered %d %q, want 400 invalid_grant", status, answer.Error)
		}
	})
	t.Run("a client with another secret is refused", func(t *testing.T) {
		wrong := c
		wrong.Secret = "another"
		status, answer := op.token(t, wrong, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {"any"}})
		if status != http.StatusUnauthorized || answer.Error != "invalid_client" {
			t.Errorf("token endpoint answered %d %q, want 401 invalid_client", status, answer.Error)
		}
	})
	t.Run("a redirect URI that is not registered is explained, not followed", func(t *testing.T) {
		authorize := without(t, op.authorizationURL(c), "redirect_uri") + "&redirect_uri=http%3A%2F%2F127.0.0.1%3A2%2F"
		callback, err := provider.SignIn(t.Context(), authorize, "ada", true)
		if err == nil || !strings.Contains(err.Error(), "invalid_redirect_uri") {
			t.Errorf("SignIn: %q, %v; want an error that names invalid_redirect_uri", callback, err)
		}
		if err != nil && strings.Contains(err.Error(), "the-state") {
			t.Error("the error repeats the request's parameters")
		}
	})
}

func TestProviderEndsWithItsTest(t *testing.T) {
	var issuer string
	t.Run("while the test runs", func(t *testing.T) {
		issuer = oidcprovider.Start(t, oidcprovider.Config{Clients: []oidcprovider.Client{client("none", "ES256")}}).Issuer
	})
	if issuer == "" {
		t.SkipNow() // the subtest has said why
	}
	if conn, err := net.Dial("tcp", strings.TrimPrefix(issuer, "http://")); err == nil {
		conn.Close()
		t.Error("the provider still accepts connections after its test")
	}
}

func TestStopAndStartAgain(t *testing.T) {
	cfg := oidcprovider.Config{Clients: []oidcprovider.Client{client("none", "ES256")}, Port: oidcprovider.FixedPort(t)}
	provider := oidcprovider.Start(t, cfg)
	first := keyIDs(t, discover(t, provider))
	provider.Stop()
	provider.Stop()
	if conn, err := net.Dial("tcp", strings.TrimPrefix(provider.Issuer, "http://")); err == nil {
		conn.Close()
		t.Error("the provider still accepts connections after Stop")
	}

	again := oidcprovider.Start(t, cfg)
	if again.Issuer != provider.Issuer {
		t.Errorf("the issuer was %s and is %s", provider.Issuer, again.Issuer)
	}
	for _, id := range keyIDs(t, discover(t, again)) {
		if slices.Contains(first, id) {
			t.Errorf("key %s is still there", id)
		}
	}
	want := []string{"GET /.well-known/openid-configuration", "GET /jwks"}
	if asked := again.Asked(t); !slices.Equal(asked, want) {
		t.Errorf("it says that it was asked %q, want %q", asked, want)
	}
}

func signIn(t *testing.T, p *oidcprovider.Provider, authorizationURL, login string, allow bool) url.Values {
	t.Helper()
	callback, err := p.SignIn(t.Context(), authorizationURL, login, allow)
	if err != nil {
		t.Fatal(err)
	}
	query, isCallback := strings.CutPrefix(callback, redirectURI+"?")
	values, err := url.ParseQuery(query)
	if !isCallback || err != nil {
		t.Fatalf("the provider sent the browser to an address other than %s", redirectURI)
	}
	return values
}

func without(t *testing.T, address string, names ...string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	for _, name := range names {
		query.Del(name)
	}
	u.RawQuery = query.Encode()
	return u.String()
}

// The pair of RFC 7636, appendix B.
const (
	verifier  = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
)

// endpoints are the parts of the discovery document that these tests use.
type endpoints struct {
	Authorization string `json:"authorization_endpoint"`
	Token         string `json:"token_endpoint"`
	Userinfo      string `json:"userinfo_endpoint"`
	JWKS          string `json:"jwks_uri"`
	IssParameter  bool   `json:"authorization_response_iss_parameter_supported"`
}

func discover(t *testing.T, p *oidcprovider.Provider) endpoints {
	t.Helper()
	var op endpoints
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.Issuer+"/.well-known/openid-configuration", nil)
	if err != nil {
		t.Fatal(err)
	}
	if status := fetch(t, request, &op); status != http.StatusOK || !op.IssParameter {
		t.Fatalf("discovery answered %d; announces iss in the callback: %v", status, op.IssParameter)
	}
	return op
}

func (op endpoints) authorizationURL(c oidcprovider.Client) string {
	return op.Authorization + "?" + url.Values{
		"response_type": {"code"}, "client_id": {c.ID}, "redirect_uri": {redirectURI},
		"scope": {"openid email profile offline_access"}, "prompt": {"consent"},
		"state": {"the-state"}, "nonce": {"the-nonce"},
		"code_challenge": {challenge}, "code_challenge_method": {"S256"},
	}.Encode()
}

type tokenAnswer struct {
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token"`
	IDToken      string `json:"id_token"`
	ExpiresIn    int    `json:"expires_in"`
	Error        string `json:"error"`
}

func (op endpoints) token(t *testing.T, c oidcprovider.Client, form url.Values) (status int, answer tokenAnswer) {
	t.Helper()
	if c.AuthMethod != "client_secret_basic" {
		form.Set("client_id", c.ID)
	}
	if c.AuthMethod == "client_secret_post" {
		form.Set("client_secret", c.Secret)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, op.Token, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if c.AuthMethod == "client_secret_basic" {
		// RFC 6749, section 2.3.1: both parts are form-encoded first.
		request.SetBasicAuth(url.QueryEscape(c.ID), url.QueryEscape(c.Secret))
	}
	return fetch(t, request, &answer), answer
}

func (op endpoints) userinfo(t *testing.T, accessToken string) (claims map[string]any) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, op.Userinfo, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+accessToken)
	if status := fetch(t, request, &claims); status != http.StatusOK {
		t.Fatalf("userinfo answered %d", status)
	}
	return claims
}

func (op endpoints) keys(t *testing.T) (set jose.JSONWebKeySet) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, op.JWKS, nil)
	if err != nil {
		t.Fatal(err)
	}
	fetch(t, request, &set)
	return set
}

func keyIDs(t *testing.T, op endpoints) (ids []string) {
	t.Helper()
	for _, key := range op.keys(t).Keys {
		ids = append(ids, key.KeyID)
	}
	return ids
}

func (op endpoints) verify(t *testing.T, idToken, alg string) (claims map[string]any) {
	t.Helper()
	token, err := jose.ParseSignedCompact(idToken, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(alg)})
	if err != nil {
		t.Fatalf("ID token: %v", err)
	}
	payload, err := token.Verify(op.keys(t))
	if err != nil {
		t.Fatalf("ID token: %v", err)
	}
	if err := json.Unmarshal(payload, &claims); err != nil {
		t.Fatalf("ID token: %v", err)
	}
	return claims
}

func fetch(t *testing.T, request *http.Request, into any) (status int) {
	t.Helper()
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatalf("%s: no answer", request.URL.Path)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatalf("%s: %v", request.URL.Path, err)
	}
	if err := json.Unmarshal(body, into); err != nil {
		t.Fatalf("%s answered %s, which is not JSON: %v", request.URL.Path, response.Status, err)
	}
	return response.StatusCode
}
