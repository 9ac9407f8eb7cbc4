package embedded_test

import (
	"context"
	"fmt"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wayleave/wayleave/store/embedded"
)

// BenchmarkEmbeddedFilled measures a store of WAYLEAVE_SESSIONS sessions (10,000
// if that is not set) beside one of 1,000: its size on disk and in memory, the
// time to open it, and what it costs to list all sessions, to read one from
// the file, and to find one by a look-up key.
func BenchmarkEmbeddedFilled(b *testing.B) {
	n := 10_000
	if more, err := strconv.Atoi(os.Getenv("WAYLEAVE_SESSIONS")); err == nil {
		n = max(more, 1000)
	}
	few, many := filled(b, 1000), filled(b, n)
	b.Run(fmt.Sprint("open/records=", n), func(b *testing.B) { many = benchmarkOpen(b, many, n) })
	b.Run(fmt.Sprint("scan/records=", n), func(b *testing.B) {
		for b.Loop() {
			listAll(b, many, n)
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/record")
		// By now every page with a session is mapped.
		debug.FreeOSMemory()
		reportMemory(b)
	})
	beside(b, "get", few, many, n, func(s *embedded.Store, i int) (found bool, err error) {
		s.ForgetOne(key(i))
		_, _, found, err = s.Get(context.Background(), sessions, key(i))
		return found, err
	})
	beside(b, "lookup", few, many, n, func(s *embedded.Store, i int) (found bool, err error) {
		keys, _, err := s.Lookup(context.Background(), sessions, key(-2*i-1), 10)
		return len(keys) == 1, err
	})
}

// beside measures a call at n records beside the same one at 1,000.
func beside(b *testing.B, name string, few, many *embedded.Store, n int, call func(*embedded.Store, int) (bool, error)) {
	run := func(b *testing.B, s *embedded.Store, n int) time.Duration {
		for i := 0; b.Loop(); i++ {
			if found, err := call(s, i%n); err != nil || !found {
				b.Fatal(found, err)
			}
		}
		return b.Elapsed() / time.Duration(b.N)
	}
	var small time.Duration
	b.Run(name+"/records=1000", func(b *testing.B) { small = run(b, few, 1000) })
	b.Run(fmt.Sprint(name, "/records=", n), func(b *testing.B) {
		b.ReportMetric(float64(run(b, many, n))/float64(max(small, 1)), "times-1000")
	})
}

// benchmarkOpen returns the store opened anew.
func benchmarkOpen(b *testing.B, s *embedded.Store, n int) *embedded.Store {
	path := s.Path()
	s.Close()
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if s, err = embedded.Open(path, embedded.Options{}); err != nil {
			b.Fatal(err)
		}
		s.Close()
	}
	b.ReportMetric(float64(info.Size())/float64(n), "B/record")
	if s, err = embedded.Open(path, embedded.Options{}); err != nil {
		b.Fatal(err)
	}
	return s
}

func listAll(b *testing.B, s *embedded.Store, want int) {
	got, cursor := 0, ""
	for {
		keys, next, err := s.Scan(context.Background(), sessions, cursor, 1000)
		if err != nil {
			b.Fatal(err)
		}
		got += len(keys)
		if cursor = next; cursor == "" {
			break
		}
	}
	if got != want {
		b.Fatalf("%d records, want %d", got, want)
	}
}

// reportMemory reports, where the system tells, what the process has for
// itself and what it has mapped of files, which the system takes back at need.
func reportMemory(b *testing.B) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return
	}
	for line := range strings.Lines(string(status)) {
		var name string
		var kB float64
		fmt.Sscanf(line, "%s %g kB", &name, &kB)
		switch name {
		case "RssAnon:":
			b.ReportMetric(kB/1000, "own-MB")
		case "RssFile:":
			b.ReportMetric(kB/1000, "mapped-MB")
		}
	}
}
