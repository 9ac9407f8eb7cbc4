package devidp

import (
	"net/http"
	"time"
)

// revoke is the revocation endpoint (RFC 7009). What is not known any more has
// been revoked well enough (section 2.2).
func (s *Server) revoke(w http.ResponseWriter, c *call) {
	if c.faults.has("revocation-503-once") && c.faults.busy.CompareAndSwap(false, true) {
		w.Header().Set("Retry-After", "1")
		http.Error(w, "the provider was told to be busy once", http.StatusServiceUnavailable)
		return
	}
	if c.faults.has("revocation-slow") && !wait(c, slowAnswer) {
		return
	}
	if refused := s.revokeToken(c); refused != nil {
		writeTokenError(w, refused)
		return
	}
	w.WriteHeader(http.StatusOK)
}

func (s *Server) revokeToken(c *call) *tokenError {
	if c.problem != nil {
		return invalidRequest(c.problem.Error())
	}
	if repeated(c.params) != "" {
		return invalidRequest("a parameter appears more than once")
	}
	client, refused := s.authenticate(c)
	if refused != nil {
		return refused
	}
	if c.params.Get("token") == "" {
		return invalidRequest("token is missing")
	}
	// token_type_hint could only spare us one look.
	return s.memory.revoke(c.params.Get("token"), client.ID, s.now())
}

// revoke ends a refresh token with its whole grant, however often it was
// rotated since, or an access token alone (section 2.1).
func (m *memory) revoke(token, clientID string, now time.Time) *tokenError {
	m.mu.Lock()
	defer m.mu.Unlock()
	foreign := &tokenError{http.StatusBadRequest, "unauthorized_client", "the token was issued to another client"}
	if r, ok := m.refresh.get(token, now); ok {
		if r.clientID != clientID {
			return foreign
		}
		r.revoked = true
	}
	if a, ok := m.access.get(token, now); ok {
		if a.clientID != clientID {
			return foreign
		}
		m.access.remove(token)
	}
	return nil
}
