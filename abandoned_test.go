package wayleave_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strconv"
	"testing"
)

// abandon begins logins that nobody finishes, each in a browser of its own, and
// returns by how much the heap and the store have grown. Every tenth asks for
// a page whose address is kept in a cookie.
func abandon(t testing.TB, a *app, starts int) (heap int64, records int) {
	t.Helper()
	begin := func(i int) {
		target := fmt.Sprintf("/auth/dev/login?return_to=/reports/%d", i)
		if i%10 == 0 {
			target = "/auth/dev/login?return_to=" + pageOf(900, "reports")
		}
		w := httptest.NewRecorder()
		a.auth.ServeHTTP(w, httptest.NewRequest("GET", target, nil))
		if w.Code != http.StatusSeeOther {
			t.Fatalf("status %d: %s", w.Code, w.Body)
		}
	}
	for i := range 1000 { // fills pools and the provider's metadata
		begin(i)
	}
	before, stored := liveHeap(), a.store.Stats().Records
	for i := range starts {
		begin(i)
	}
	return liveHeap() - before, a.store.Stats().Records - stored
}

// liveHeap is what the heap holds when nothing can be collected any more.
func liveHeap() int64 {
	for range 3 { // pools let go of what they hold in two rounds
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestA017AbandonedLoginsCostNothing: a login begun and never finished leaves
// nothing behind on the server.
func TestA017AbandonedLoginsCostNothing(t *testing.T) {
	starts := 100_000
	if raceDetector {
		starts = 10_000 // it slows this down tenfold, and proves nothing here
	}
	a := newDirectApp(t, newIDP(t), "http://localhost:8000")
	a.cfg.OnEvent = nil // the test's own record of events is no part of it
	a.serve(a.cfg)
	heap, records := abandon(t, a, starts)
	t.Logf("%d starts: heap %+d bytes, store %+d records", starts, heap, records)
	if heap > 200<<10 {
		t.Errorf("%d starts retain %d bytes", starts, heap)
	}
	if records != 0 || a.idp.Count("discovery") > 2 || a.idp.Count("token") != 0 {
		t.Errorf("%d records were stored; %d metadata and %d token requests were made", records, a.idp.Count("discovery"), a.idp.Count("token"))
	}
}

// BenchmarkAbandonedLogins is one start of a login that nobody finishes.
// WAYLEAVE_STARTS fixes their number, whatever b.N is.
func BenchmarkAbandonedLogins(b *testing.B) {
	a := newDirectApp(b, newIDP(b), "http://localhost:8000")
	a.cfg.OnEvent = nil
	a.serve(a.cfg)
	starts := b.N
	if s := os.Getenv("WAYLEAVE_STARTS"); s != "" {
		var err error
		if starts, err = strconv.Atoi(s); err != nil || starts < 1 {
			b.Fatalf("WAYLEAVE_STARTS is %q, want a number", s)
		}
	}
	b.ReportAllocs()
	b.ResetTimer()
	heap, records := abandon(b, a, starts)
	b.StopTimer()
	b.ReportMetric(float64(starts), "starts")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(starts), "ns/start")
	b.ReportMetric(float64(heap)/float64(starts), "retained-B/start")
	b.ReportMetric(float64(records), "store-records")
}
