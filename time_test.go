package wayleave_test

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wayleave/wayleave"
	"github.com/wayleave/wayleave/devidp"
)

// inTime runs a test whose clock moves only when it sleeps. The app runs inside
// of the bubble, its handlers called directly; the provider runs outside, with
// the bubble's time, and keeps no connection open, because a goroutine that
// reads from a connection would hold the clock.
func inTime(t *testing.T, test func(*timed), change ...func(*wayleave.Config)) {
	t.Helper()
	var now atomic.Int64
	srv := httptest.NewUnstartedServer(nil)
	idp, err := devidp.New(devidp.Options{
		Issuer: "http://" + srv.Listener.Addr().String(), SigningAlgorithm: "ES256",
		Now: func() time.Time { return time.Unix(0, now.Load()) },
	})
	if err != nil {
		t.Fatal(err)
	}
	srv.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		idp.ServeHTTP(w, r)
	})
	srv.Start()
	t.Cleanup(srv.Close)
	synctest.Test(t, func(t *testing.T) {
		now.Store(time.Now().UnixNano())
		test(&timed{newDirectApp(t, idp, "http://localhost:8000", change...), &now})
	})
}

// timed is an app in a bubble.
type timed struct {
	*app
	now *atomic.Int64
}

// sleep lets time pass, for the provider too.
func (a *timed) sleep(d time.Duration) {
	time.Sleep(d)
	a.now.Store(time.Now().UnixNano())
}
