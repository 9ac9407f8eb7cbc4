package vendorfakes

import (
	"crypto/rsa"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// Google answers as Google does: a discovery document with its members, scopes
// under longer names, a refresh token with the first consent only.
type Google struct {
	*server
	key       *rsa.PrivateKey
	behaviour GoogleBehaviour
	consented map[string][]string // scopes by account
}

// GoogleAccount is who is signed in at Google.
type GoogleAccount struct {
	Subject, Email string
	EmailVerified  bool
	HostedDomain   string // hd; empty for a personal account
	GivenName      string
	FamilyName     string
}

// GoogleBehaviour is what happens there.
type GoogleBehaviour struct {
	Account GoogleAccount
	// Cancel: the person does not consent.
	Cancel bool
	// Unticked are scopes that the person leaves out on the consent page.
	Unticked []string
	// TokenIssuer is iss in ID tokens. Empty: the fake's URL.
	TokenIssuer string
	// WithoutISS: callbacks carry no iss, and the document does not promise one.
	WithoutISS bool
	// CallbackISS is iss in callbacks. Empty: the fake's URL.
	CallbackISS string
	// AccessLifetime is expires_in. Zero: 3599 seconds, as there.
	AccessLifetime time.Duration
	// RefreshLifetime is how long access is granted, for people who limit it.
	RefreshLifetime time.Duration
	// Revoked: the person took the access away.
	Revoked bool
}

// NewGoogle starts one with a personal account signed in.
func NewGoogle(t testing.TB) *Google {
	t.Helper()
	key, err := signingKey()
	if err != nil {
		t.Fatal(err)
	}
	g := &Google{key: key, consented: map[string][]string{}, behaviour: GoogleBehaviour{Account: GoogleAccount{
		Subject: "110169484474386276334", Email: "mara@gmail.example", EmailVerified: true, GivenName: "Mara", FamilyName: "Lind",
	}}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", g.discovery)
	mux.HandleFunc("GET /oauth2/v3/certs", g.keys)
	mux.HandleFunc("GET /o/oauth2/v2/auth", g.authorize)
	mux.HandleFunc("POST /token", g.token)
	mux.HandleFunc("GET /v1/userinfo", g.userInfo)
	g.server = newServer(t, mux)
	return g
}

// Change changes the behaviour from the next request on.
func (g *Google) Change(f func(*GoogleBehaviour)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	f(&g.behaviour)
}

func (g *Google) now() GoogleBehaviour {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.behaviour
}

func (g *Google) discovery(w http.ResponseWriter, _ *http.Request) {
	doc := object{
		"issuer":                                g.URL,
		"authorization_endpoint":                g.URL + "/o/oauth2/v2/auth",
		"device_authorization_endpoint":         g.URL + "/device/code",
		"token_endpoint":                        g.URL + "/token",
		"userinfo_endpoint":                     g.URL + "/v1/userinfo",
		"revocation_endpoint":                   g.URL + "/revoke",
		"jwks_uri":                              g.URL + "/oauth2/v3/certs",
		"response_types_supported":              []string{"code", "token", "id_token", "code token", "code id_token", "token id_token", "code token id_token", "none"},
		"response_modes_supported":              []string{"query", "fragment", "form_post"},
		"subject_types_supported":               []string{"public"},
		"id_token_signing_alg_values_supported": []string{"RS256"},
		"scopes_supported":                      []string{"openid", "email", "profile"},
		"claims_supported":                      []string{"aud", "email", "email_verified", "exp", "family_name", "given_name", "iat", "iss", "name", "picture", "sub"},
		"token_endpoint_auth_methods_supported": []string{"client_secret_post", "client_secret_basic"},
		"code_challenge_methods_supported":      []string{"plain", "S256"},
		"grant_types_supported":                 []string{"authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code", "urn:ietf:params:oauth:grant-type:jwt-bearer"},
	}
	if !g.now().WithoutISS {
		doc["authorization_response_iss_parameter_supported"] = true
	}
	sendJSON(w, http.StatusOK, doc)
}

func (g *Google) keys(w http.ResponseWriter, _ *http.Request) {
	sendJSON(w, http.StatusOK, object{"keys": []object{key(g.key, nil)}})
}

func (g *Google) authorize(w http.ResponseWriter, r *http.Request) {
	b, q := g.now(), r.URL.Query()
	asked, problem := asked(q)
	if problem != "" || len(asked.scopes) == 0 {
		page(w, http.StatusBadRequest, "Error 400: "+problem)
		return
	}
	params := url.Values{}
	if !b.WithoutISS {
		params.Set("iss", g.URL)
		if b.CallbackISS != "" {
			params.Set("iss", b.CallbackISS)
		}
	}
	if b.Cancel {
		params.Set("error", "access_denied")
		sendBack(w, r, asked, params)
		return
	}
	askedForConsent := g.consent(b.Account.Subject, asked.scopes, q.Get("prompt"))
	asked.account = b.Account
	asked.offline = askedForConsent && q.Get("access_type") == "offline"
	asked.scopes = longScopes(asked.scopes, b.Unticked)
	params.Set("code", g.issueCode(asked))
	params.Set("scope", strings.Join(asked.scopes, " "))
	params.Set("authuser", "0")
	params.Set("prompt", map[bool]string{true: "consent", false: "none"}[askedForConsent])
	if b.Account.HostedDomain != "" {
		params.Set("hd", b.Account.HostedDomain)
	}
	sendBack(w, r, asked, params)
}

// consent reports whether the person sees the consent page, and remembers it.
func (g *Google) consent(account string, scopes []string, prompt string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	known := g.consented[account]
	isNew := slices.ContainsFunc(scopes, func(s string) bool { return !slices.Contains(known, s) })
	g.consented[account] = append(known, scopes...)
	return isNew || slices.Contains(strings.Fields(prompt), "consent")
}

// longScopes are scopes as they are granted: under longer names, in another
// order, without those that the person unticked.
func longScopes(asked, unticked []string) []string {
	var out []string
	for _, s := range asked {
		if slices.Contains(unticked, s) {
			continue
		}
		if s == "email" || s == "profile" {
			s = "https://www.googleapis.com/auth/userinfo." + s
		}
		out = append(out, s)
	}
	slices.Sort(out)
	slices.Reverse(out)
	return out
}

func googleError(w http.ResponseWriter, status int, code, description string) {
	sendJSON(w, status, object{"error": code, "error_description": description})
}

func (g *Google) token(w http.ResponseWriter, r *http.Request) {
	if !clientMatches(r) {
		googleError(w, http.StatusUnauthorized, "invalid_client", "The OAuth client was not found.")
		return
	}
	switch r.PostForm.Get("grant_type") {
	case "authorization_code":
		switch granted, problem := g.redeem(r.PostForm); problem {
		case "":
			g.answer(w, granted, granted.nonce, granted.offline)
		case "redirect_uri":
			googleError(w, http.StatusBadRequest, "redirect_uri_mismatch", "Bad Request")
		case "code_verifier":
			googleError(w, http.StatusBadRequest, "invalid_grant", "Invalid code verifier.")
		default:
			googleError(w, http.StatusBadRequest, "invalid_grant", "Malformed auth code.")
		}
	case "refresh_token":
		granted := g.granted(g.refresh, r.PostForm.Get("refresh_token"))
		if granted == nil || g.now().Revoked {
			googleError(w, http.StatusBadRequest, "invalid_grant", "Token has been expired or revoked.")
			return
		}
		g.answer(w, granted, "", false)
	default:
		googleError(w, http.StatusBadRequest, "unsupported_grant_type", "Invalid grant_type: "+r.PostForm.Get("grant_type"))
	}
}

// answer sends tokens. Refresh tokens are not rotated: an answer to a refresh
// request has none.
func (g *Google) answer(w http.ResponseWriter, granted *grant, nonce string, withRefresh bool) {
	b := g.now()
	access := g.issue(g.access, "ya29.a0", granted)
	lifetime := 3599 * time.Second
	if b.AccessLifetime > 0 {
		lifetime = b.AccessLifetime
	}
	out := object{
		"access_token": access, "expires_in": int(lifetime / time.Second),
		"scope": strings.Join(granted.scopes, " "), "token_type": "Bearer",
	}
	if withRefresh {
		out["refresh_token"] = g.issue(g.refresh, "1//0g", granted)
	}
	if b.RefreshLifetime > 0 {
		out["refresh_token_expires_in"] = int(b.RefreshLifetime / time.Second)
	}
	if slices.Contains(granted.scopes, "openid") {
		idToken, err := g.idToken(granted, b, access, nonce)
		if err != nil {
			googleError(w, http.StatusInternalServerError, "internal_failure", err.Error())
			return
		}
		out["id_token"] = idToken
	}
	sendJSON(w, http.StatusOK, out)
}

func (g *Google) idToken(granted *grant, b GoogleBehaviour, access, nonce string) (string, error) {
	issuer := g.URL
	if b.TokenIssuer != "" {
		issuer = b.TokenIssuer
	}
	now := time.Now()
	claims := object{
		"iss": issuer, "azp": ClientID, "aud": ClientID, "at_hash": hashOf(access),
		"iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
	}
	maps.Copy(claims, g.about(granted))
	if nonce != "" {
		claims["nonce"] = nonce
	}
	return sign(g.key, claims)
}

// about is what the granted scopes reveal.
func (g *Google) about(granted *grant) object {
	a := granted.account.(GoogleAccount)
	claims := object{"sub": a.Subject}
	if slices.Contains(granted.scopes, "https://www.googleapis.com/auth/userinfo.email") {
		claims["email"], claims["email_verified"] = a.Email, a.EmailVerified
		if a.HostedDomain != "" {
			claims["hd"] = a.HostedDomain
		}
	}
	if slices.Contains(granted.scopes, "https://www.googleapis.com/auth/userinfo.profile") {
		claims["name"], claims["given_name"], claims["family_name"] = a.GivenName+" "+a.FamilyName, a.GivenName, a.FamilyName
		claims["picture"] = "https://lh3.googleusercontent.example/a/" + a.Subject + "=s96-c"
	}
	return claims
}

func (g *Google) userInfo(w http.ResponseWriter, r *http.Request) {
	granted := g.granted(g.access, bearer(r))
	if granted == nil {
		w.Header().Set("WWW-Authenticate", `Bearer realm="https://accounts.google.com/", error="invalid_token"`)
		googleError(w, http.StatusUnauthorized, "invalid_request", "Invalid Credentials")
		return
	}
	sendJSON(w, http.StatusOK, g.about(granted))
}
