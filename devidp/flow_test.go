package devidp_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wayleave/wayleave/devidp"
	"github.com/wayleave/wayleave/devidp/devidptest"
)

func TestALoginFromMetadataToTheResourceAPI(t *testing.T) {
	for _, algorithm := range []string{"RS256", "ES256"} {
		t.Run(algorithm, func(t *testing.T) {
			a := newApp(t, func(o *devidp.Options) { o.SigningAlgorithm = algorithm })

			metadata := a.get("/.well-known/openid-configuration").json
			equal(t, "issuer", metadata["issuer"], any(a.idp.Issuer()))

			arrived := a.login()
			equal(t, "state", arrived.Get("state"), "a state & more")
			equal(t, "iss", arrived.Get("iss"), a.idp.Issuer())
			equal(t, "error", arrived.Get("error"), "")

			r := a.post(exchange(arrived.Get("code")))
			equal(t, "status", r.status, http.StatusOK)
			equal(t, "Cache-Control", r.header.Get("Cache-Control"), "no-store")
			equal(t, "Content-Type", r.header.Get("Content-Type"), "application/json")
			equal(t, "token_type", r.text("token_type"), "Bearer")
			equal(t, "expires_in", r.json["expires_in"], any(600.0))
			equal(t, "scope", r.text("scope"), allScope)
			if _, ok := r.json["refresh_token"]; ok {
				t.Error("a refresh token came, though none was asked for")
			}

			idToken := r.text("id_token")
			if !verifies(t, idToken, a.jwks()) {
				t.Fatal("the ID token does not verify with the published key")
			}
			header, claims := part(t, idToken, 0), part(t, idToken, 1)
			equal(t, "alg", header["alg"], any(algorithm))
			equal(t, "typ", header["typ"], any("JWT"))
			hash := sha256.Sum256([]byte(r.text("access_token")))
			for name, want := range map[string]any{
				"iss": a.idp.Issuer(), "aud": "finance-tracker", "sub": "ada", "nonce": "a-nonce",
				"at_hash": base64.RawURLEncoding.EncodeToString(hash[:16]),
				"email":   "ada@example.com", "email_verified": true,
				"name": "Ada Marsh", "given_name": "Ada", "family_name": "Marsh",
			} {
				equal(t, name, claims[name], want)
			}
			if _, ok := claims["azp"]; ok {
				t.Error("azp is present, though there is one audience")
			}
			if claims["exp"].(float64) <= claims["iat"].(float64) || claims["auth_time"].(float64) > claims["iat"].(float64) {
				t.Error("exp, iat and auth_time are out of order")
			}

			equal(t, "userinfo sub", a.bearer("/userinfo", r.text("access_token")).text("sub"), "ada")
			equal(t, "API status", a.bearer("/api/transactions", r.text("access_token")).status, http.StatusOK)
			equal(t, "token requests", a.idp.Count("token"), 1)
		})
	}
}

func TestOneLineSignIn(t *testing.T) {
	a := newApp(t)
	location, err := devidptest.SignIn(http.DefaultClient, a.authorization(), "Grace Okoye", true)
	arrived := a.arrive(location, err)
	r := a.post(exchange(arrived.Get("code")))
	equal(t, "hd", part(t, r.text("id_token"), 1)["hd"], any("example.com"))

	location, err = devidptest.SignIn(nil, a.authorization(), "lin@example.com", false)
	equal(t, "error", a.arrive(location, err).Get("error"), "access_denied")

	_, err = devidptest.SignIn(nil, a.authorization(), "nobody", true)
	if err == nil || err.Error() != `0 people on the page match "nobody"` {
		t.Errorf("unexpected error %v", err)
	}
}

func TestTheIssuerMayHaveAPath(t *testing.T) {
	a := newApp(t, func(o *devidp.Options) { o.Issuer += "/tenant/one" })
	r := a.tokens()
	equal(t, "iss", part(t, r.text("id_token"), 1)["iss"], any(a.idp.Issuer()))

	root := strings.TrimSuffix(a.idp.Issuer(), "/tenant/one")
	for _, metadata := range []string{
		a.idp.Issuer() + "/.well-known/openid-configuration",
		root + "/.well-known/oauth-authorization-server/tenant/one",
	} {
		response, err := http.Get(metadata)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		equal(t, metadata, response.StatusCode, http.StatusOK)
	}
	equal(t, "front page", a.get("").status, http.StatusOK)
	equal(t, "front page with slash", a.get("/").status, http.StatusOK)
}

func TestMetadataIsComplete(t *testing.T) {
	a := newApp(t, func(o *devidp.Options) {
		o.Clients = []devidp.Client{
			{ID: "web", Secret: "s", Auth: "client_secret_post"},
			{ID: "native", Auth: "none"},
		}
	})
	var got struct {
		Response []string `json:"response_types_supported"`
		Modes    []string `json:"response_modes_supported"`
		Grants   []string `json:"grant_types_supported"`
		Subjects []string `json:"subject_types_supported"`
		Algs     []string `json:"id_token_signing_alg_values_supported"`
		Auth     []string `json:"token_endpoint_auth_methods_supported"`
		PKCE     []string `json:"code_challenge_methods_supported"`
		Scopes   []string `json:"scopes_supported"`
		Prompts  []string `json:"prompt_values_supported"`
		Iss      bool     `json:"authorization_response_iss_parameter_supported"`
		URI      *bool    `json:"request_uri_parameter_supported"`
		Claims   []string `json:"claims_supported"`
	}
	r := a.get("/.well-known/openid-configuration")
	if err := json.Unmarshal([]byte(r.body), &got); err != nil {
		t.Fatal(err)
	}
	for what, pair := range map[string][2][]string{
		"response types": {got.Response, {"code"}},
		"modes":          {got.Modes, {"query"}},
		"grants":         {got.Grants, {"authorization_code", "refresh_token"}},
		"subjects":       {got.Subjects, {"public"}},
		"algorithms":     {got.Algs, {"ES256"}},
		"auth methods":   {got.Auth, {"client_secret_post", "none"}},
		"PKCE":           {got.PKCE, {"S256"}},
		"scopes":         {got.Scopes, {"openid", "email", "profile", "transactions.read", "offline_access"}},
		"prompts":        {got.Prompts, {"none", "login", "consent", "select_account"}},
	} {
		if !slices.Equal(pair[0], pair[1]) {
			t.Errorf("%s: got %v, want %v", what, pair[0], pair[1])
		}
	}
	if !got.Iss || got.URI == nil || *got.URI || !slices.Contains(got.Claims, "hd") {
		t.Error("iss support, request_uri support or claims are not as they should be")
	}
	for _, endpoint := range []string{"authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri"} {
		u, err := url.Parse(r.text(endpoint))
		if err != nil || !strings.HasPrefix(u.String(), a.idp.Issuer()+"/") {
			t.Errorf("%s is %q", endpoint, r.text(endpoint))
		}
	}
}

func TestKeysAreRandomAtEachStartAndPublicOnly(t *testing.T) {
	first, second := newApp(t), newApp(t)
	one, other := first.jwks(), second.jwks()
	if len(one) != 1 || len(other) != 1 {
		t.Fatal("want one key each")
	}
	if one[0].KeyID == other[0].KeyID {
		t.Error("two providers share a kid")
	}
	if !one[0].IsPublic() || one[0].Use != "sig" || one[0].Algorithm != "ES256" {
		t.Error("want a public signing key with its algorithm")
	}
}

func TestTimeIsWhatTheOptionsSay(t *testing.T) {
	var time0 clock
	a := newApp(t, time0.use, func(o *devidp.Options) { o.AccessTokenLifetime = 20 * time.Second })
	r := a.tokens()
	equal(t, "expires_in", r.json["expires_in"], any(20.0))
	equal(t, "iat", part(t, r.text("id_token"), 1)["iat"], any(float64(time0.now().Unix())))
	time0.pass(19 * time.Second)
	equal(t, "just before", a.bearer("/userinfo", r.text("access_token")).status, http.StatusOK)
	time0.pass(time.Second)
	equal(t, "just after", a.bearer("/userinfo", r.text("access_token")).status, http.StatusUnauthorized)
}

func TestRequestsAreRememberedWithoutTheirSecrets(t *testing.T) {
	a := newApp(t)
	r := a.tokens()
	a.bearer("/userinfo", r.text("access_token"))
	a.get("/nothing-here")
	a.get("/jwks", "Authorization", "oops-a-secret")

	var endpoints []string
	for _, request := range a.idp.Requests() {
		endpoints = append(endpoints, request.Method+" "+request.Endpoint)
	}
	want := []string{"GET authorize", "GET signin", "POST signin", "GET consent", "POST consent", "POST token", "GET userinfo", "GET ", "GET jwks"}
	if !slices.Equal(endpoints, want) {
		t.Errorf("got %q, want %q", endpoints, want)
	}
	token := a.idp.Requests()[5]
	if !slices.Equal(token.Parameters, []string{"code", "code_verifier", "grant_type", "redirect_uri"}) || token.Authorization != "basic" {
		t.Errorf("the token request is remembered as %+v", token)
	}
	all, err := json.Marshal(a.idp.Requests())
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{verifier, r.text("access_token"), "a-nonce", "oops-a-secret", devidp.DevSecret} {
		if strings.Contains(string(all), secret) {
			t.Error("the record holds the value of a parameter or header")
		}
	}
	equal(t, "token requests", a.idp.Count("token"), 1)
	equal(t, "never asked", a.idp.Count("transactions"), 0)
}
