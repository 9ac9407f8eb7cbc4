package vendorfakes

import (
	"crypto/rsa"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// Entra answers as Microsoft Entra ID does: one issuer per tenant, a metadata
// document with a template in place of the issuer, keys bound to issuers, and
// e-mail addresses that nobody has verified.
type Entra struct {
	*server
	key       *rsa.PrivateKey
	behaviour EntraBehaviour
}

// EntraAccount is who is signed in there.
type EntraAccount struct {
	Tenant, Object, Subject string
	Email, Name, Username   string
	// DomainVerified is xms_edov: true, "1", "true", 1, or nil for none.
	DomainVerified any
}

// EntraBehaviour is what happens there.
type EntraBehaviour struct {
	Account EntraAccount
	// KeyIssuer is the issuer that the key is bound to. Empty: the template.
	KeyIssuer string
	// TokenTenant is the tenant in iss. Empty: the account's.
	TokenTenant string
}

// The tenants of the accounts that tests use.
const (
	EntraTenant      = "9c2f4f0e-6f2b-4a57-8a0e-0d9c5b6a7e11"
	EntraOtherTenant = "11111111-2222-3333-4444-555555555555"
)

// NewEntra starts one with an account of EntraTenant signed in.
func NewEntra(t testing.TB) *Entra {
	t.Helper()
	key, err := signingKey()
	if err != nil {
		t.Fatal(err)
	}
	e := &Entra{key: key, behaviour: EntraBehaviour{Account: EntraAccount{
		Tenant: EntraTenant, Object: "0f8fad5b-d9cb-469f-a165-70867728950e", Subject: "AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ",
		Email: "mara@contoso.example", Name: "Mara Lind", Username: "mara@contoso.example",
	}}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{tenant}/v2.0/.well-known/openid-configuration", e.discovery)
	mux.HandleFunc("GET /{tenant}/discovery/v2.0/keys", e.keys)
	mux.HandleFunc("GET /{tenant}/oauth2/v2.0/authorize", e.authorize)
	mux.HandleFunc("POST /{tenant}/oauth2/v2.0/token", e.token)
	e.server = newServer(t, mux)
	return e
}

// Change changes the behaviour from the next request on.
func (e *Entra) Change(f func(*EntraBehaviour)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	f(&e.behaviour)
}

func (e *Entra) now() EntraBehaviour {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.behaviour
}

// Issuer is the issuer of a tenant, or the template for "{tenantid}".
func (e *Entra) Issuer(tenant string) string { return e.URL + "/" + tenant + "/v2.0" }

func (e *Entra) discovery(w http.ResponseWriter, r *http.Request) {
	tenant := r.PathValue("tenant")
	base, issuer := e.URL+"/"+tenant, e.Issuer(tenant)
	if slices.Contains([]string{"common", "organizations"}, tenant) {
		issuer = e.Issuer("{tenantid}")
	}
	sendJSON(w, http.StatusOK, object{
		"token_endpoint":                        base + "/oauth2/v2.0/token",
		"token_endpoint_auth_methods_supported": []string{"client_secret_post", "private_key_jwt", "client_secret_basic", "self_signed_tls_client_auth"},
		"jwks_uri":                              base + "/discovery/v2.0/keys",
		"response_modes_supported":              []string{"query", "fragment", "form_post"},
		"subject_types_supported":               []string{"pairwise"},
		"id_token_signing_alg_values_supported": []string{"RS256"},
		"response_types_supported":              []string{"code", "id_token", "code id_token", "id_token token"},
		"scopes_supported":                      []string{"openid", "profile", "email", "offline_access"},
		"issuer":                                issuer,
		"request_uri_parameter_supported":       false,
		"userinfo_endpoint":                     e.URL + "/oidc/userinfo",
		"authorization_endpoint":                base + "/oauth2/v2.0/authorize",
		"end_session_endpoint":                  base + "/oauth2/v2.0/logout",
		"tenant_region_scope":                   nil,
		"cloud_instance_name":                   "microsoftonline.example",
	})
}

func (e *Entra) keys(w http.ResponseWriter, _ *http.Request) {
	issuer := e.now().KeyIssuer
	if issuer == "" {
		issuer = e.Issuer("{tenantid}")
	}
	sendJSON(w, http.StatusOK, object{"keys": []object{key(e.key, object{"issuer": issuer, "cloud_instance_name": "microsoftonline.example"})}})
}

func (e *Entra) authorize(w http.ResponseWriter, r *http.Request) {
	asked, problem := asked(r.URL.Query())
	if problem != "" {
		page(w, http.StatusBadRequest, "AADSTS900144: "+problem)
		return
	}
	asked.account = e.now().Account
	asked.offline = slices.Contains(asked.scopes, "offline_access")
	asked.scopes = slices.DeleteFunc(asked.scopes, func(s string) bool { return s == "offline_access" })
	sendBack(w, r, asked, url.Values{"code": {e.issueCode(asked)}, "session_state": {"6f1e1a0c-1e52-4f0a-9b1c-6f0f3f2e9c77"}})
}

func (e *Entra) token(w http.ResponseWriter, r *http.Request) {
	refuse := func(status int, code, description string, number int) {
		sendJSON(w, status, object{"error": code, "error_description": description, "error_codes": []int{number},
			"timestamp": "2026-11-20 10:00:00Z", "trace_id": "b72a68c3-0926-4b8e-bc35-3150069c2800", "correlation_id": "73d656cf-54b1-4eb2-b429-26d8165a52d7"})
	}
	if !clientMatches(r) {
		refuse(http.StatusUnauthorized, "invalid_client", "AADSTS7000215: Invalid client secret provided.", 7000215)
		return
	}
	var granted *grant
	nonce := ""
	if r.PostForm.Get("grant_type") == "refresh_token" {
		granted = e.granted(e.refresh, r.PostForm.Get("refresh_token"))
	} else if granted, _ = e.redeem(r.PostForm); granted != nil {
		nonce = granted.nonce
	}
	if granted == nil {
		refuse(http.StatusBadRequest, "invalid_grant", "AADSTS70008: The provided authorization code or refresh token has expired.", 70008)
		return
	}
	out := object{"token_type": "Bearer", "scope": strings.Join(granted.scopes, " "), "expires_in": 4412, "ext_expires_in": 4412,
		"access_token": e.issue(e.access, "EwB4A8l6BAAU", granted)}
	if granted.offline {
		out["refresh_token"] = e.issue(e.refresh, "0.AXoA", granted) // a new one each time; the old one goes on working
	}
	idToken, err := e.idToken(granted, nonce)
	if err != nil {
		refuse(http.StatusInternalServerError, "server_error", err.Error(), 90002)
		return
	}
	out["id_token"] = idToken
	sendJSON(w, http.StatusOK, out)
}

func (e *Entra) idToken(granted *grant, nonce string) (string, error) {
	a, b, now := granted.account.(EntraAccount), e.now(), time.Now()
	tenant := a.Tenant
	if b.TokenTenant != "" {
		tenant = b.TokenTenant
	}
	claims := object{
		"aud": ClientID, "iss": e.Issuer(tenant), "iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(time.Hour).Unix(),
		"tid": a.Tenant, "oid": a.Object, "sub": a.Subject, "ver": "2.0", "rh": "0.AXoA", "uti": "5Xa2oiz8i0Kq",
		"email": a.Email, "name": a.Name, "preferred_username": a.Username,
	}
	if nonce != "" {
		claims["nonce"] = nonce
	}
	if a.DomainVerified != nil {
		claims["xms_edov"] = a.DomainVerified
	}
	return sign(e.key, claims)
}
