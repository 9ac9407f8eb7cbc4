package serving

import "net/http"

// Health lets the tests see answers without a process. A nil service is one that
// has not been opened.
func Health(s *Service) http.Handler {
	h := new(health)
	h.set("starting")
	if s != nil {
		h.open(s)
	}
	return h
}
