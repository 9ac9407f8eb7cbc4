package devidp

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// tokenError is an error of the token endpoint (RFC 6749 section 5.2).
type tokenError struct {
	status      int
	code        string
	description string
}

func invalidRequest(description string) *tokenError {
	return &tokenError{http.StatusBadRequest, "invalid_request", description}
}

func invalidGrant(description string) *tokenError {
	return &tokenError{http.StatusBadRequest, "invalid_grant", description}
}

// token is the token endpoint (RFC 6749 section 3.2).
func (s *Server) token(w http.ResponseWriter, c *call) {
	w.Header().Set("Pragma", "no-cache")
	if s.tokenFault(w, c) {
		return
	}
	answer, refused := s.tokenAnswer(c)
	if refused != nil {
		writeTokenError(w, refused)
		return
	}
	body, err := json.Marshal(answer)
	if err != nil {
		writeTokenError(w, &tokenError{http.StatusInternalServerError, "server_error", "the answer could not be encoded"})
		return
	}
	writeTokens(w, body, c.faults)
}

func (s *Server) tokenAnswer(c *call) (map[string]any, *tokenError) {
	if c.problem != nil {
		return nil, invalidRequest(c.problem.Error())
	}
	if name := repeated(c.params); name != "" {
		return nil, invalidRequest("a parameter appears more than once")
	}
	client, refused := s.authenticate(c)
	if refused != nil {
		return nil, refused
	}
	switch c.params.Get("grant_type") {
	case "authorization_code":
		return s.redeemCode(c, client)
	case "refresh_token":
		return s.refreshTokens(c, client)
	case "":
		return nil, invalidRequest("grant_type is missing")
	default:
		return nil, &tokenError{http.StatusBadRequest, "unsupported_grant_type", "want authorization_code or refresh_token"}
	}
}

func (s *Server) redeemCode(c *call, client Client) (map[string]any, *tokenError) {
	for _, name := range []string{"code", "redirect_uri"} {
		if c.params.Get(name) == "" {
			return nil, invalidRequest(name + " is missing")
		}
	}
	g, refused := s.memory.redeem(c.params.Get("code"), client.ID,
		c.params.Get("redirect_uri"), c.params.Get("code_verifier"), s.now())
	if refused != nil {
		return nil, refused
	}
	return s.issueTokens(c, g, g.scopes, g.offline, g.nonce)
}

func (s *Server) refreshTokens(c *call, client Client) (map[string]any, *tokenError) {
	if c.params.Get("refresh_token") == "" {
		return nil, invalidRequest("refresh_token is missing")
	}
	keep := c.faults.has("refresh-no-rotation")
	scopes := strings.Fields(c.params.Get("scope"))
	g, refused := s.memory.rotate(c.params.Get("refresh_token"), client.ID, scopes, keep, s.now())
	if refused != nil {
		return nil, refused
	}
	if len(scopes) == 0 {
		scopes = g.scopes
	}
	// A refreshed ID token has no nonce, which section 12.2 of OpenID Connect
	// Core prefers: the nonce belongs to the login.
	return s.issueTokens(c, g, scopes, !keep, "")
}

// issueTokens makes the successful answer (RFC 6749 section 5.1, OpenID Connect
// Core section 3.1.3.3).
func (s *Server) issueTokens(c *call, g *grant, scopes []string, withRefresh bool, nonce string) (map[string]any, *tokenError) {
	scopes = bendScopes(scopes, c.faults)
	accessToken := s.memory.addAccess(g, scopes, s.now())
	answer := map[string]any{
		"access_token": accessToken,
		"token_type":   "Bearer",
		"expires_in":   int(s.options.AccessTokenLifetime / time.Second),
		"scope":        strings.Join(scopes, " "),
	}
	if withRefresh {
		answer["refresh_token"] = s.memory.addRefresh(g, s.now())
	}
	if slices.Contains(g.scopes, "openid") {
		idToken, err := s.idToken(c, g, accessToken, nonce)
		if err != nil {
			return nil, &tokenError{http.StatusInternalServerError, "server_error", "the ID token could not be signed"}
		}
		answer["id_token"] = idToken
	}
	bendAnswer(answer, c)
	return answer, nil
}

func writeTokenError(w http.ResponseWriter, e *tokenError) {
	if e.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Basic realm="devidp", charset="UTF-8"`)
	}
	writeJSON(w, e.status, map[string]string{"error": e.code, "error_description": e.description})
}

// writeTokens sends the answer, whole unless a fault says otherwise.
func writeTokens(w http.ResponseWriter, body []byte, f *faults) {
	if f.has("token-duplicate-member") {
		body = duplicateMember(body)
	}
	switch {
	case f.has("token-huge"):
		writeEndless(w)
	case f.has("token-truncated"):
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		writeBody(w, http.StatusOK, "application/json", body[:len(body)/2])
	default:
		writeBody(w, http.StatusOK, "application/json", body)
	}
}
