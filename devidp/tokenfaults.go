package devidp

import (
	"bytes"
	"encoding/json"
	"net/http"
	"time"
)

const (
	slowAnswer = 15 * time.Second
	hugeAnswer = 256 << 20
)

// tokenFault handles the faults that replace a token answer, and reports
// whether one did. Nothing is redeemed then.
func (s *Server) tokenFault(w http.ResponseWriter, c *call) bool {
	if c.faults.has("token-slow") && !wait(c, slowAnswer) {
		return true
	}
	switch {
	case c.faults.has("token-500"):
		writeFailure(w)
	case c.faults.has("token-html"):
		writeHTML(w)
	case c.faults.has("token-error-200"):
		writeTokenError(w, &tokenError{http.StatusOK, "invalid_grant", "the provider was told to fail"})
	case c.faults.has("token-redirect"):
		http.Redirect(w, c.Request, s.base+"/token/elsewhere", http.StatusTemporaryRedirect)
	case c.faults.has("refresh-invalid-grant") && c.params.Get("grant_type") == "refresh_token":
		writeTokenError(w, invalidGrant("the provider was told to fail"))
	default:
		return false
	}
	return true
}

// wait reports whether the client is still there afterwards.
func wait(c *call, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-c.Context().Done():
		return false
	}
}

// elsewhere is where token-redirect points. Whoever follows has sent the code
// and the secret to a place that the metadata never named.
func (s *Server) elsewhere(w http.ResponseWriter, _ *call) {
	writeTokenError(w, invalidRequest("token requests must not follow redirects"))
}

func bendScopes(scopes []string, f *faults) []string {
	switch {
	case f.has("scope-empty"):
		return nil
	case f.has("scope-narrowed"):
		return scopes[:min(1, len(scopes))]
	}
	return scopes
}

// bendAnswer turns an honest answer into the one that the faults ask for.
func bendAnswer(answer map[string]any, c *call) {
	set := func(fault, member string, value any) {
		if c.faults.has(fault) {
			answer[member] = value
		}
	}
	remove := func(fault, member string) {
		if c.faults.has(fault) {
			delete(answer, member)
		}
	}
	seconds, _ := json.Marshal(answer["expires_in"])
	set("expires-in-text", "expires_in", string(seconds))
	set("expires-in-negative", "expires_in", -1)
	set("expires-in-huge", "expires_in", 9223372037)
	set("expires-in-float", "expires_in", json.RawMessage(append(seconds, ".9"...)))
	remove("expires-in-missing", "expires_in")
	set("token-type-mac", "token_type", "mac")
	set("token-type-lowercase", "token_type", "bearer")
	remove("scope-missing", "scope")
	remove("missing-id-token", "id_token")
	if c.params.Get("grant_type") == "refresh_token" {
		remove("refresh-no-expiry", "expires_in")
	}
}

// duplicateMember puts a second access_token in front of the real one.
func duplicateMember(body []byte) []byte {
	first, _ := json.Marshal(newSecret("at"))
	return append([]byte(`{"access_token":`+string(first)+`,`), bytes.TrimPrefix(body, []byte("{"))...)
}

// writeEndless stops when a write fails, because the client hung up.
func writeEndless(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	chunk := bytes.Repeat([]byte("A"), 64<<10)
	_, err := w.Write([]byte(`{"access_token":"`))
	for sent := 0; err == nil && sent < hugeAnswer; sent += len(chunk) {
		_, err = w.Write(chunk)
	}
	_, _ = w.Write([]byte(`"}`))
}
