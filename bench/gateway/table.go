//go:build linux

package main

import (
	"fmt"
	"io"
	"runtime"
	"slices"
)

// sample is what was measured in a round, of one and of its yardstick.
type sample struct{ own, yardstick result }

// each is the processor time of one request, in microseconds.
func (r result) each() float64 {
	return float64(r.CPU.Nanoseconds()) / 1000 / float64(max(r.Requests, 1))
}

// figure is one number of a result.
type figure func(result) float64

var (
	cpu  figure = result.each
	p50  figure = func(r result) float64 { return float64(r.P50.Nanoseconds()) / 1000 }
	p99  figure = func(r result) float64 { return float64(r.P99.Nanoseconds()) / 1000 }
	rate figure = func(r result) float64 { return float64(r.Requests) / r.Took.Seconds() }
)

// results are all samples by name.
type results map[string][]sample

func (s results) add(name string, own, yardstick result) {
	s[name] = append(s[name], sample{own, yardstick})
}

// median of a figure over the rounds.
func (s results) median(name string, of figure) float64 {
	var values []float64
	for _, one := range s[name] {
		values = append(values, of(one.own))
	}
	return median(values)
}

// ratios of a figure to the yardstick's of the same round, sorted.
func (s results) ratios(name string, of figure) []float64 {
	var values []float64
	for _, one := range s[name] {
		values = append(values, of(one.own)/of(one.yardstick))
	}
	slices.Sort(values)
	return values
}

type row struct{ what, name string }

var rows = []row{
	{"page: bare proxy", "bare"},
	{"page: bare proxy that allocates its buffers", "unpooled"},
	{"page: smallest login program", "floor"},
	{"page: Wayleave, embedded store", "embedded"},
	{"page: the other binary, embedded store", "other"},
	{"page: Wayleave, Redis", "Redis"},
	{"page: Wayleave, PostgreSQL", "PostgreSQL"},
	{"page: nginx asks Wayleave, both", "nginx"},
	{"page: nginx, plain", "nginx, plain"},
	{"page: oauth2-proxy, cookies, no logs", "oauth2-proxy"},
	{"no session: 401", "anonymous"},
	{"forged cookie: 401", "forged"},
	{"login ES256: smallest login program", "floor, login"},
	{"login ES256: Wayleave, embedded store", "embedded, login"},
	{"login ES256: the other binary, embedded store", "other, login"},
	{"login ES256: Wayleave, Redis", "Redis, login"},
	{"login ES256: Wayleave, PostgreSQL", "PostgreSQL, login"},
	{"login ES256: oauth2-proxy, cookies, no logs", "oauth2-proxy, login"},
}

// print writes the tables as Markdown.
func (b *bench) print(w io.Writer) {
	fmt.Fprintf(w, "%s, %s/%s, %d rounds; other programs had %.1f of the two cores\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, b.rounds, median(b.others))
	heading := "\n| measured | CPU µs | ratio | least..most | a second |\n|---|---|---|---|---|\n"
	for _, r := range rows {
		if x := b.seen.ratios(r.name, cpu); len(x) > 0 {
			fmt.Fprintf(w, "%s| %s | %.1f | **%.2f** | %.2f..%.2f | %.0f |\n", heading, r.what, b.seen.median(r.name, cpu), median(x), x[0], x[len(x)-1], b.seen.median(r.name, rate))
			heading = ""
		}
	}
	heading = "\n| 2,000 requests a second | p50 µs | ratio | p99 µs | ratio | CPU µs | ratio |\n|---|---|---|---|---|---|---|\n"
	for _, r := range []row{{"bare proxy", "bare, paced"}, {"Wayleave, embedded store", "paced"}} {
		if len(b.seen[r.name]) == 0 {
			continue
		}
		fmt.Fprintf(w, "%s| %s ", heading, r.what)
		heading = ""
		for _, f := range []figure{p50, p99, cpu} {
			fmt.Fprintf(w, "| %.0f | %.2f ", b.seen.median(r.name, f), median(b.seen.ratios(r.name, f)))
		}
		fmt.Fprintln(w, "|")
	}
	for _, line := range append(b.remarks, b.skipped...) {
		fmt.Fprintf(w, "\n%s\n", line)
	}
}

func median(all []float64) float64 {
	if len(all) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(all))
	if n := len(sorted); n%2 == 0 {
		return (sorted[n/2-1] + sorted[n/2]) / 2
	}
	return sorted[len(sorted)/2]
}
