package failure_test

import (
	"context"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wayleave/wayleave/internal/cookie"
	"github.com/wayleave/wayleave/internal/seal"
	servers "github.com/wayleave/wayleave/internal/testservers/redis"
	"github.com/wayleave/wayleave/session"
)

const cookieName = "__Host-wayleave-session"

func header(id string) http.Header {
	return http.Header{"Cookie": {"theme=dark; " + cookieName + "=" + id}}
}

// BenchmarkSessionCheck goes from the Cookie header to the user of a session
// that was used a moment ago (µs/check), beside one round trip to the server
// (µs/floor), and the same with the store asked in any case (µs/asked). They
// take turns, and each is a median. calls/check is how often the store was
// called: where other processes can end a session, once in five seconds; where
// none can, each time, which is a look into this process's memory.
func BenchmarkSessionCheck(b *testing.B) {
	onEach(b, func(b *testing.B, store *bench) {
		m, calls := manager(b, store.open(), seal.NewRandomRing())
		id, _, _, err := m.Create(b.Context(), person("ada"))
		check(b, err)
		h, ctx := header(id), context.Background()
		find := func(by func(context.Context, string) (*session.Session, error)) {
			value, n := cookie.Find(h, cookieName)
			if s, err := by(ctx, value); n != 1 || err != nil || s == nil || s.User.ID != "uada" {
				b.Fatalf("%d cookies, %v, %v", n, s, err)
			}
		}
		for before, since := int64(-1), time.Now(); calls.Load() != before && time.Since(since) < time.Second; time.Sleep(time.Millisecond) {
			before = calls.Load() // until a look-up needs no call: the store tells what others end
			find(m.Find)
		}
		var checks, floors, asked []float64
		n, made := 0, int64(0)
		for b.Loop() {
			before := calls.Load()
			checks = append(checks, micros(500, func() { find(m.Find) }))
			n, made = n+500, made+calls.Load()-before
			floors = append(floors, micros(5, func() { check(b, store.read()) }))
			asked = append(asked, micros(5, func() { find(m.FindNow) }))
		}
		b.ReportMetric(median(checks), "µs/check")
		b.ReportMetric(median(floors), "µs/floor")
		b.ReportMetric(median(asked), "µs/asked")
		b.ReportMetric(median(asked)/median(floors), "asked/floor")
		b.ReportMetric(float64(made)/float64(n), "calls/check")
		b.ReportMetric(0, "ns/op")
	}, "memory", "embedded", "redis", "postgres")
}

// BenchmarkSignInWrite stores a session (µs/create), which is as lasting as the
// store makes it, beside the least that its server or disk could do for as many
// bytes (µs/floor). They take turns, and each is a median.
func BenchmarkSignInWrite(b *testing.B) {
	onEach(b, func(b *testing.B, store *bench) {
		m, _ := manager(b, store.open(), seal.NewRandomRing())
		var creates, floors []float64
		for b.Loop() {
			creates = append(creates, micros(1, func() {
				_, _, _, err := m.Create(context.Background(), person(strconv.Itoa(len(creates))))
				check(b, err)
			}))
			floors = append(floors, micros(1, func() { check(b, store.write()) }))
		}
		b.ReportMetric(median(creates), "µs/create")
		b.ReportMetric(median(floors), "µs/floor")
		b.ReportMetric(median(creates)/median(floors), "create/floor")
		b.ReportMetric(0, "ns/op")
	}, "memory", "embedded", "redis", "sentinel", "postgres")
}

// BenchmarkMillion fills a store with WAYLEAVE_SESSIONS sessions (default 2,000)
// and tells what each takes on disk and in the server's memory, how long a
// look-up that asks the store takes then, and one among the first 1,000, and how
// long it takes to open the store and find the first session. growth is the ratio
// of both look-ups, each measured by the round trip of its time: the machine may
// have other work by then.
func BenchmarkMillion(b *testing.B) {
	n := 2000
	if text := os.Getenv("WAYLEAVE_SESSIONS"); text != "" {
		var err error
		n, err = strconv.Atoi(text)
		check(b, err)
	}
	onEach(b, func(b *testing.B, bench *bench) {
		ring, opened := seal.NewRandomRing(), bench.open()
		m, _ := manager(b, opened, ring)
		ids := make([]string, max(n, 2000))
		create(b, m, ids, 0, 1000)
		disk0, memory0 := bench.size()
		// Look-ups are those of a process that has just begun: what was used
		// lately is in memory, and of many sessions hardly any was.
		reopen := func() (took time.Duration) {
			m.Close()
			check(b, opened.Close())
			began := time.Now()
			opened = bench.open()
			m, _ = manager(b, opened, ring)
			if s, err := m.Find(b.Context(), ids[0]); s == nil || err != nil {
				b.Fatalf("after opening again: %v, %v", s, err)
			}
			return time.Since(began)
		}
		reopen()
		few, fewFloor := lookUps(b, m, bench, ids[:1000])
		began := time.Now()
		create(b, m, ids, 1000, len(ids))
		took := time.Since(began)
		disk, memory := bench.size()
		added := float64(len(ids) - 1000)
		open := reopen()
		many, manyFloor := lookUps(b, m, bench, ids)
		for b.Loop() {
			// What there is to measure is measured, and is told now.
		}
		b.ReportMetric(float64(open.Microseconds())/1000, "ms/open")
		b.ReportMetric(float64(len(ids)), "sessions")
		b.ReportMetric(added/took.Seconds(), "creates/s")
		b.ReportMetric(float64(disk-disk0)/added, "disk-B/session")
		b.ReportMetric(float64(memory-memory0)/added, "server-B/session")
		b.ReportMetric(few, "µs/lookup-of-1000")
		b.ReportMetric(many, "µs/lookup")
		b.ReportMetric(many/manyFloor/(few/fewFloor), "growth")
		b.ReportMetric(0, "ns/op")
	}, "embedded", "redis", "postgres")
}

// create makes sessions first to last, each of another person.
func create(b *testing.B, m *session.Manager, ids []string, first, last int) {
	b.Helper()
	next := atomic.Int64{}
	next.Store(int64(first))
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < last; i = int(next.Add(1)) - 1 {
				id, _, _, err := m.Create(context.Background(), person(strconv.Itoa(i)))
				if err != nil {
					b.Error(err)
					return
				}
				ids[i] = id
			}
		})
	}
	wg.Wait()
	if b.Failed() {
		b.FailNow()
	}
}

// lookUps asks the store for up to 3,000 sessions, each once, in turns with its
// floor. It returns the medians of what they take.
func lookUps(b *testing.B, m *session.Manager, bench *bench, ids []string) (lookup, floor float64) {
	b.Helper()
	var all, floors []float64
	for _, i := range rand.Perm(len(ids))[:min(len(ids), 3000)] {
		all = append(all, micros(1, func() {
			if s, err := m.FindNow(context.Background(), ids[i]); s == nil || err != nil {
				b.Fatalf("%v, %v", s, err)
			}
		}))
		floors = append(floors, micros(1, func() { check(b, bench.read()) }))
	}
	return median(all), median(floors)
}

// micros is what one of several calls takes.
func micros(n int, f func()) float64 {
	began := time.Now()
	for range n {
		f()
	}
	return float64(time.Since(began)) / float64(n) / 1000
}

func median(all []float64) float64 {
	slices.Sort(all)
	return all[len(all)/2]
}

// redisInfo returns a number of a server's INFO.
func redisInfo(b *testing.B, s *servers.Server, name string) int64 {
	b.Helper()
	for line := range strings.Lines(s.CLI(b, "INFO")) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			n, err := strconv.ParseInt(strings.TrimSpace(value), 10, 64)
			check(b, err)
			return n
		}
	}
	b.Fatalf("the server does not tell %s", name)
	return 0
}
