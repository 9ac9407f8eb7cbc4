package browser_test

import (
	"net/http"
	"strings"
	"sync"
)

// visit is one request that reached the app.
type visit struct {
	method, path string
	address      string // with the query, which may hold a code
	site, dest   string // what the browser says about where it comes from and goes
	status       int    // 0 until it is answered
	over         bool   // answered, or the browser has gone
	cookies      int    // that the answer sets
}

type visits struct {
	mu   sync.Mutex
	all  []*visit
	lost string // requests for paths with this ending get no further
}

// lose lets requests for paths with this ending get lost on their way, noted
// but not answered by the app. Empty: no more.
func (v *visits) lose(ending string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.lost = ending
}

func (v *visits) watch(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		now := &visit{method: r.Method, path: r.URL.Path, address: r.URL.RequestURI(), site: r.Header.Get("Sec-Fetch-Site"), dest: r.Header.Get("Sec-Fetch-Dest")}
		v.mu.Lock()
		v.all = append(v.all, now)
		lost := v.lost != "" && strings.HasSuffix(now.path, v.lost)
		v.mu.Unlock()
		if lost {
			http.Error(w, "lost", http.StatusBadGateway)
			return
		}
		answer := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		defer func() {
			v.mu.Lock()
			defer v.mu.Unlock()
			now.status, now.cookies, now.over = answer.status, len(w.Header()["Set-Cookie"]), true
		}()
		next.ServeHTTP(answer, r)
	})
}

// to are the visits to paths with this ending, as they stand now.
func (v *visits) to(ending string) []visit {
	v.mu.Lock()
	defer v.mu.Unlock()
	var found []visit
	for _, one := range v.all {
		if strings.HasSuffix(one.path, ending) {
			found = append(found, *one)
		}
	}
	return found
}

type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// gate can hold token requests back, as a slow provider does.
type gate struct {
	mu      sync.Mutex
	shut    chan struct{} // nil: open
	holding int
}

func (g *gate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shut = make(chan struct{})
}

func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut != nil {
		close(g.shut)
		g.shut = nil
	}
}

// holds reports whether a request is waiting.
func (g *gate) holds() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.holding > 0
}

func (g *gate) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/token" {
			g.mu.Lock()
			shut := g.shut
			g.holding++
			g.mu.Unlock()
			if shut != nil {
				select {
				case <-shut:
				case <-r.Context().Done():
				}
			}
			g.mu.Lock()
			g.holding--
			g.mu.Unlock()
		}
		next.ServeHTTP(w, r)
	})
}
