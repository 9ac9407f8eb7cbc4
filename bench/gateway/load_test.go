//go:build linux

package main

import (
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func serve(t *testing.T, h http.HandlerFunc) (address string) {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

func TestAJobCountsWhatEachTargetAnswers(t *testing.T) {
	var first, second atomic.Int64
	page := func(n *atomic.Int64) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			n.Add(1)
			w.Write([]byte("hello"))
		}
	}
	one := target{Name: "one", Address: serve(t, page(&first)), Path: "/x", Want: 200, Count: 30, Pids: []int{os.Getpid()}}
	two := one
	two.Name, two.Address, two.Count = "two", serve(t, page(&second)), 7
	r, err := job{Kind: "page", Targets: []target{one, two}, Connections: 3, Turn: time.Minute, Turns: 10}.all()
	if err != nil {
		t.Fatal(err)
	}
	if n, m := r.Results[0].Requests, r.Results[1].Requests; n != 300 || m != 70 {
		t.Errorf("counted %d and %d requests, want 300 and 70", n, m)
	}
	if n, m := first.Load(), second.Load(); n != 330 || m != 77 { // one turn of eleven is to warm up
		t.Errorf("the servers saw %d and %d requests, want 330 and 77", n, m)
	}
	if r.Results[0].CPU <= 0 || r.Results[0].Took <= 0 {
		t.Errorf("no time was measured: %+v", r.Results[0])
	}
}

func TestAPacedJobAsksAtItsRate(t *testing.T) {
	address := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("hello")) })
	j := job{Kind: "paced", Connections: 4, Turn: 200 * time.Millisecond, Turns: 1, Rate: 100, Targets: []target{{Address: address, Path: "/", Want: 200}}}
	r, err := j.all()
	if err != nil {
		t.Fatal(err)
	}
	if got := r.Results[0]; got.Requests != 20 || got.P50 <= 0 || got.P99 < got.P50 {
		t.Errorf("%+v, want 20 requests and their times", got)
	}
}

func TestAnAnswerThatWasNotExpectedEndsTheJob(t *testing.T) {
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		want    string
	}{
		"another status": {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusForbidden) }, "answered 403, want 200"},
		"no length": {func(w http.ResponseWriter, _ *http.Request) {
			w.(http.Flusher).Flush()
			w.Write([]byte("x"))
		}, "the answer (200) does not tell its length"},
		"no answer": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "read the answer"},
	} {
		t.Run(name, func(t *testing.T) {
			j := job{Kind: "page", Targets: []target{{Name: "it", Address: serve(t, c.handler), Path: "/", Want: 200}}, Connections: 1, Turn: time.Minute, Turns: 1}
			if _, err := j.all(); err == nil || !strings.Contains(err.Error(), "it: "+c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

func TestAServerThatIsNotThereIsAnError(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	j := job{Kind: "page", Targets: []target{{Address: ln.Addr().String()}}, Connections: 1, Turns: 1}
	if _, err := j.all(); err == nil {
		t.Error("no error")
	}
}

func TestALoginThatIsRefusedIsAnError(t *testing.T) {
	address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/round" {
			w.Header().Set("Location", "/round")
			w.WriteHeader(http.StatusSeeOther)
			return
		}
		w.WriteHeader(http.StatusForbidden)
	})
	for path, want := range map[string]string{"/": "answered 403", "/round": "sent in circles"} {
		if _, err := new(browser).signIn(target{Address: address, Path: path}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", path, err, want)
		}
	}
}

func TestABrowserKeepsCookiesAsBrowsersDo(t *testing.T) {
	b := new(browser)
	b.keep([]*http.Cookie{{Name: "a", Value: "1", Path: "/"}, {Name: "b", Value: "2", Path: "/auth"}})
	b.keep([]*http.Cookie{{Name: "a", Value: "3", Path: "/"}})
	for _, path := range []string{"/", "/auth/login"} {
		if got, want := b.cookiesFor(path), map[string]string{"/": "a=3", "/auth/login": "b=2; a=3"}[path]; got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	b.keep([]*http.Cookie{{Name: "a", Path: "/", MaxAge: -1}})
	if got := b.cookiesFor("/"); got != "" {
		t.Errorf("still %q", got)
	}
}

func TestAForgedCookieHasTheFormOfTheRealOne(t *testing.T) {
	if got := forged("name=abc-XYZ_09; other=zz"); got != "name=zyx-XYZ_09; other=aa" {
		t.Error(got)
	}
}

func TestTheProcessorTimeOfChildrenCounts(t *testing.T) {
	before := processorTime([]int{os.Getpid()})
	sum := 0
	for began := time.Now(); time.Since(began) < 20*time.Millisecond; {
		sum += len(strconv.Itoa(sum))
	}
	if all := processorTime([]int{os.Getpid()}); all <= before {
		t.Errorf("%v, then %v", before, all)
	}
	if others := processorTime([]int{os.Getppid()}); others < processorTime([]int{os.Getpid()}) {
		t.Error("a parent has used less than its child")
	}
}

func TestTheTableComparesWithinRounds(t *testing.T) {
	s := results{}
	for _, cpu := range []time.Duration{40, 20, 30} { // rounds, of which one was slow for both
		s.add("bare", result{Requests: 1, CPU: cpu, Took: 1}, result{Requests: 1, CPU: cpu})
		s.add("embedded", result{Requests: 2, CPU: 3 * cpu, Took: 1}, result{Requests: 1, CPU: cpu})
	}
	if got := s.ratios("embedded", cpu); !slices.Equal(got, []float64{1.5, 1.5, 1.5}) {
		t.Errorf("ratios %v", got)
	}
	var out strings.Builder
	(&bench{rounds: 3, seen: s, skipped: []string{"nothing else is installed"}}).print(&out)
	if !strings.Contains(out.String(), "| page: Wayleave, embedded store | 0.0 | **1.50** | 1.50..1.50 |") || !strings.HasSuffix(out.String(), "\nnothing else is installed\n") {
		t.Errorf("%s", &out)
	}
}
