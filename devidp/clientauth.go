package devidp

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
)

func invalidClient(description string) *tokenError {
	return &tokenError{http.StatusUnauthorized, "invalid_client", description}
}

// authenticate finds out which client is asking (RFC 6749 section 2.3). Exactly
// one method may be used, and it must be one the client is registered for.
func (s *Server) authenticate(c *call) (Client, *tokenError) {
	id, secret, method, refused := credentials(c)
	if refused != nil {
		return Client{}, refused
	}
	client, ok := s.client(id)
	switch {
	case !ok:
		return Client{}, invalidClient("the client is unknown")
	case !client.accepts(method):
		return Client{}, invalidClient("the client is not registered for " + method)
	case method != "none" && !equalSecrets(secret, client.Secret):
		return Client{}, invalidClient("the client secret is wrong")
	}
	return client, nil
}

func credentials(c *call) (id, secret, method string, refused *tokenError) {
	// A parameter without a value counts as absent (section 3.2).
	id, inBody := c.params.Get("client_id"), c.params.Get("client_secret") != ""
	header := c.Header.Values("Authorization")
	switch {
	case c.params.Get("client_assertion") != "":
		return "", "", "", invalidClient("client assertions are not supported")
	case len(header) > 1, len(header) == 1 && inBody:
		return "", "", "", invalidRequest("more than one way of client authentication was used")
	case len(header) == 1:
		basicID, secret, ok := parseBasic(header[0])
		if !ok {
			return "", "", "", invalidClient("the Authorization header is not well-formed Basic authentication")
		}
		if id != "" && id != basicID {
			return "", "", "", invalidRequest("client_id differs from the one in the Authorization header")
		}
		return basicID, secret, "client_secret_basic", nil
	case id == "":
		return "", "", "", invalidClient("no client authentication was sent")
	case inBody:
		return id, c.params.Get("client_secret"), "client_secret_post", nil
	default:
		return id, "", "none", nil
	}
}

// parseBasic undoes what RFC 6749 section 2.3.1 adds to Basic authentication:
// id and secret are form-encoded each before they are joined.
func parseBasic(header string) (id, secret string, ok bool) {
	scheme, encoded, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "basic") {
		return "", "", false
	}
	joined, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if err != nil {
		return "", "", false
	}
	id, secret, ok = strings.Cut(string(joined), ":")
	if !ok {
		return "", "", false
	}
	id, idErr := url.QueryUnescape(id)
	secret, secretErr := url.QueryUnescape(secret)
	return id, secret, idErr == nil && secretErr == nil
}

// equalSecrets takes equally long for all secrets, whatever their lengths.
func equalSecrets(a, b string) bool {
	hashA, hashB := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(hashA[:], hashB[:]) == 1
}
