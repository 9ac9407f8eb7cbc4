package serving

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"
)

const (
	checkTime = 2 * time.Second // for one check
	checkAge  = time.Second     // that the answer of one is good for
)

// health answers /livez and /readyz. The zero value is alive and, without a
// service, not ready.
type health struct {
	mu      sync.Mutex
	service *Service
	state   string // why not ready, whatever the service says; empty once open

	checking chan struct{} // closed at the end of the check that is under way; nil: none
	reasons  []string
	checked  time.Time
}

func (h *health) set(state string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.state = state
}

func (h *health) open(s *Service) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.service, h.state = s, ""
}

func (h *health) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/livez":
		answer(w, http.StatusOK, map[string]any{"live": true})
	case "/readyz":
		reasons := h.ready()
		status := http.StatusOK
		if len(reasons) > 0 {
			status = http.StatusServiceUnavailable
		}
		answer(w, status, map[string]any{"ready": len(reasons) == 0, "reasons": reasons})
	default:
		h.mu.Lock()
		service := h.service
		h.mu.Unlock()
		if service == nil || service.Health == nil {
			http.NotFound(w, r)
			return
		}
		service.Health.ServeHTTP(w, r)
	}
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body)
}

// ready is why we are not; never nil, which JSON would show as null. However
// many ask, one check runs at a time, and who asks waits checkTime at most.
func (h *health) ready() []string {
	h.mu.Lock()
	if h.state != "" {
		defer h.mu.Unlock()
		return []string{h.state}
	}
	if h.service == nil || h.service.Ready == nil {
		defer h.mu.Unlock()
		return []string{}
	}
	if h.checking == nil && (h.checked.IsZero() || time.Since(h.checked) >= checkAge) {
		h.checking = make(chan struct{})
		go h.check(h.service.Ready, h.checking)
	}
	checking := h.checking
	h.mu.Unlock()

	if checking != nil {
		late := time.NewTimer(checkTime)
		defer late.Stop()
		select {
		case <-checking:
		case <-late.C:
			return []string{"the check of readiness has not answered in " + checkTime.String()}
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.state != "" {
		return []string{h.state}
	}
	return h.reasons
}

func (h *health) check(ready func(context.Context) []string, done chan struct{}) {
	ctx, cancel := context.WithTimeout(context.Background(), checkTime)
	defer cancel()
	reasons := append([]string{}, ready(ctx)...)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.reasons, h.checked, h.checking = reasons, time.Now(), nil
	close(done)
}
