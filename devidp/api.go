package devidp

import (
	"net/http"
)

// transactionsScope opens the resource API.
const transactionsScope = "transactions.read"

// The resource API stands for any API that a granted access token opens: the
// accounts and transactions of the person who granted it.

func (s *Server) accounts(w http.ResponseWriter, c *call) {
	if p, ok := s.owner(w, c); ok {
		accounts, _ := book(p.Subject, s.now())
		writeJSON(w, http.StatusOK, map[string]any{"accounts": accounts})
	}
}

func (s *Server) transactions(w http.ResponseWriter, c *call) {
	if p, ok := s.owner(w, c); ok {
		_, transactions := book(p.Subject, s.now())
		writeJSON(w, http.StatusOK, map[string]any{"transactions": transactions})
	}
}

func (s *Server) owner(w http.ResponseWriter, c *call) (Person, bool) {
	if c.faults.has("api-401-once") && c.faults.refused.CompareAndSwap(false, true) {
		refuseBearer(w, http.StatusUnauthorized, "invalid_token", "the provider was told to refuse once", "")
		return Person{}, false
	}
	a, ok := s.bearer(w, c, transactionsScope)
	if !ok {
		return Person{}, false
	}
	return a.person, true
}
