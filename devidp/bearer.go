package devidp

import (
	"net/http"
	"slices"
	"strings"
)

// bearer opens a resource to an access token with the given scope (RFC 6750
// section 2 and 3), or writes the refusal and reports false. Only the header
// carries tokens here: in a URL they end in logs.
func (s *Server) bearer(w http.ResponseWriter, c *call, scope string) (access, bool) {
	header := c.Header.Values("Authorization")
	if c.params.Has("access_token") || len(header) > 1 {
		refuseBearer(w, http.StatusBadRequest, "invalid_request", "the access token goes into the Authorization header, once", "")
		return access{}, false
	}
	scheme, token, _ := strings.Cut(strings.Join(header, ""), " ")
	if !strings.EqualFold(scheme, "bearer") {
		refuseBearer(w, http.StatusUnauthorized, "", "", "") // section 3.1: no error code without a token
		return access{}, false
	}
	a, ok := s.memory.accessToken(token, s.now())
	if !ok {
		refuseBearer(w, http.StatusUnauthorized, "invalid_token", "the access token is unknown, expired or revoked", "")
		return access{}, false
	}
	if !slices.Contains(a.scopes, scope) {
		refuseBearer(w, http.StatusForbidden, "insufficient_scope", "the access token was not granted this scope", scope)
		return access{}, false
	}
	return a, true
}

func refuseBearer(w http.ResponseWriter, status int, code, description, scope string) {
	challenge := []string{`Bearer realm="devidp"`}
	answer := map[string]string{}
	for _, part := range [][2]string{{"error", code}, {"error_description", description}, {"scope", scope}} {
		if part[1] != "" {
			challenge = append(challenge, part[0]+`="`+part[1]+`"`)
			answer[part[0]] = part[1]
		}
	}
	w.Header().Set("WWW-Authenticate", strings.Join(challenge, ", "))
	writeJSON(w, status, answer)
}

// userinfo answers with the claims of the signed-in person (OpenID Connect Core
// section 5.3).
func (s *Server) userinfo(w http.ResponseWriter, c *call) {
	switch {
	case c.faults.has("userinfo-500"):
		writeFailure(w)
		return
	case c.faults.has("userinfo-html"):
		writeHTML(w)
		return
	}
	a, ok := s.bearer(w, c, "openid")
	if !ok {
		return
	}
	claims := s.claims(a.person, a.scopes)
	if c.faults.has("userinfo-other-sub") {
		claims["sub"] = somebodyElse(a.person)
	}
	if c.faults.has("userinfo-array") {
		writeJSON(w, http.StatusOK, []any{claims})
		return
	}
	writeJSON(w, http.StatusOK, claims)
}
