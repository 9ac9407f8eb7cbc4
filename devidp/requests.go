package devidp

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	requestsKept = 1_000
	namesKept    = 32  // of the parameters of one request
	textKept     = 128 // bytes of each method, path and name
)

// Request is what the provider remembers of a request that arrived. It never
// holds the value of a parameter or header, so that printing it is safe.
type Request struct {
	Time   time.Time
	Method string
	Path   string

	// Endpoint is home, discovery, jwks, authorize, signin, consent, token,
	// elsewhere (where the fault token-redirect points), revoke, end_session,
	// userinfo, accounts, transactions, picture or faults; empty for what is not
	// served.
	Endpoint string

	// Parameters are the names in the query or form, sorted; the first 32.
	Parameters []string

	// Authorization is the scheme of that header: "basic", "bearer", "other", or
	// empty without one.
	Authorization string
}

// requests keeps the newest ones and counts them all.
type requests struct {
	now    func() time.Time
	mu     sync.Mutex
	kept   []Request
	counts map[string]int
}

func (l *requests) add(endpoint string, r *http.Request, params url.Values) int {
	entry := Request{Time: l.now(), Method: shorten(r.Method), Path: shorten(r.URL.Path), Endpoint: endpoint}
	names := slices.Sorted(maps.Keys(params))
	for _, name := range names[:min(len(names), namesKept)] {
		entry.Parameters = append(entry.Parameters, shorten(name))
	}
	if header := r.Header.Get("Authorization"); header != "" {
		scheme, _, _ := strings.Cut(strings.ToLower(header), " ")
		entry.Authorization = "other" // whatever it says might be a misplaced secret
		if scheme == "basic" || scheme == "bearer" {
			entry.Authorization = scheme
		}
	}

	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.kept) == requestsKept {
		l.kept = slices.Delete(l.kept, 0, requestsKept/2)
	}
	l.kept = append(l.kept, entry)
	if l.counts == nil {
		l.counts = map[string]int{}
	}
	l.counts[endpoint]++
	return l.counts[endpoint]
}

// shorten also copies, so that a kept name does not keep a whole body alive.
func shorten(text string) string { return strings.Clone(text[:min(len(text), textKept)]) }

// Requests returns the newest requests, oldest first: at least the last 500,
// when there were that many.
func (s *Server) Requests() []Request {
	s.requests.mu.Lock()
	defer s.requests.mu.Unlock()
	return slices.Clone(s.requests.kept)
}

// Count returns how many requests an endpoint has had since New; [Request] has
// the names.
func (s *Server) Count(endpoint string) int {
	s.requests.mu.Lock()
	defer s.requests.mu.Unlock()
	return s.requests.counts[endpoint]
}
