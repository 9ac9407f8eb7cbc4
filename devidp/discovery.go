package devidp

import (
	"net/http"
	"slices"
)

// discovery answers with the provider metadata (OpenID Connect Discovery
// section 3, RFC 8414 section 2, RFC 9207 section 3).
func (s *Server) discovery(w http.ResponseWriter, c *call) {
	switch {
	case c.faults.has("discovery-500"):
		writeFailure(w)
		return
	case c.faults.has("discovery-html"):
		writeHTML(w)
		return
	}
	metadata := map[string]any{
		"issuer":                                         s.options.Issuer,
		"authorization_endpoint":                         s.url("/authorize"),
		"token_endpoint":                                 s.url("/token"),
		"userinfo_endpoint":                              s.url("/userinfo"),
		"jwks_uri":                                       s.url("/jwks"),
		"response_types_supported":                       []string{"code"},
		"response_modes_supported":                       []string{"query"},
		"grant_types_supported":                          []string{"authorization_code", "refresh_token"},
		"subject_types_supported":                        []string{"public"},
		"id_token_signing_alg_values_supported":          []string{s.options.SigningAlgorithm},
		"token_endpoint_auth_methods_supported":          s.authMethods(),
		"code_challenge_methods_supported":               []string{"S256"},
		"scopes_supported":                               scopeNames(),
		"claims_supported":                               claimNames,
		"prompt_values_supported":                        promptValues,
		"authorization_response_iss_parameter_supported": true,
		"claims_parameter_supported":                     false,
		"request_parameter_supported":                    false,
		"request_uri_parameter_supported":                false, // absent would mean true

		"revocation_endpoint":                   s.url("/revoke"),
		"end_session_endpoint":                  s.url("/end-session"),
		"backchannel_logout_supported":          true,
		"backchannel_logout_session_supported":  true,
		"frontchannel_logout_supported":         true,
		"frontchannel_logout_session_supported": true,
	}
	if c.faults.has("end-session-missing") {
		delete(metadata, "end_session_endpoint")
	}
	if c.faults.has("discovery-wrong-issuer") {
		metadata["issuer"] = s.options.Issuer + "/"
	}
	writeJSON(w, http.StatusOK, metadata)
}

var claimNames = []string{
	"iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "at_hash", "sid",
	"email", "email_verified", "name", "given_name", "family_name", "picture", "hd", "groups", "roles",
}

// authMethods lists what at least one client may use, strongest habit first.
func (s *Server) authMethods() []string {
	if len(s.options.Clients) == 0 {
		return []string{"client_secret_basic", "client_secret_post"}
	}
	var methods []string
	for _, method := range []string{"client_secret_basic", "client_secret_post", "none"} {
		if slices.ContainsFunc(s.options.Clients, func(c Client) bool { return c.accepts(method) }) {
			methods = append(methods, method)
		}
	}
	return methods
}

// accepts reports whether the client may authenticate this way.
func (c Client) accepts(method string) bool {
	return method == c.Auth || c.Auth == "" && method != "none"
}
