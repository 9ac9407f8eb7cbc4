package serving_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wayleave/wayleave/internal/serving"
)

func ask(h http.Handler, path string) (int, string) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
	return w.Code, w.Body.String()
}

func expect(t *testing.T, h http.Handler, path string, status int, body string) {
	t.Helper()
	if gotStatus, got := ask(h, path); gotStatus != status || got != body+"\n" {
		t.Errorf("%s: %d %s, want %d %s", path, gotStatus, got, status, body)
	}
}

func TestHealth(t *testing.T) {
	const ready = `{"ready":true,"reasons":[]}`

	t.Run("before the start", func(t *testing.T) {
		h := serving.Health(nil)
		expect(t, h, "/livez", 200, `{"live":true}`)
		expect(t, h, "/readyz", 503, `{"ready":false,"reasons":["starting"]}`)
		expect(t, h, "/metrics", 404, "404 page not found")
	})
	t.Run("without a check", func(t *testing.T) {
		expect(t, serving.Health(&serving.Service{}), "/readyz", 200, ready)
	})
	t.Run("an answer is good for a second, and one check runs at a time", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var checks, together atomic.Int32
			var well atomic.Bool
			h := serving.Health(&serving.Service{Ready: func(context.Context) []string {
				checks.Add(1)
				if together.Add(1) > 1 {
					t.Error("two checks at once")
				}
				defer together.Add(-1)
				time.Sleep(time.Second)
				if well.Load() {
					return nil
				}
				return []string{"store: does not answer"}
			}})
			for range 10 {
				go expect(t, h, "/readyz", 503, `{"ready":false,"reasons":["store: does not answer"]}`)
			}
			time.Sleep(1500 * time.Millisecond)
			well.Store(true)
			expect(t, h, "/readyz", 503, `{"ready":false,"reasons":["store: does not answer"]}`)
			if got := checks.Load(); got != 1 {
				t.Errorf("%d checks, want 1", got)
			}
			time.Sleep(time.Second)
			expect(t, h, "/readyz", 200, ready)
		})
	})
	t.Run("a check that hangs", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			release := make(chan struct{})
			h := serving.Health(&serving.Service{Ready: func(context.Context) []string { <-release; return nil }})
			start := time.Now()
			for range 3 {
				expect(t, h, "/readyz", 503, `{"ready":false,"reasons":["the check of readiness has not answered in 2s"]}`)
			}
			expect(t, h, "/livez", 200, `{"live":true}`)
			if took := time.Since(start); took != 6*time.Second {
				t.Errorf("took %v", took)
			}
			close(release)
			synctest.Wait()
			expect(t, h, "/readyz", 200, ready)
		})
	})
}
