package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// results are the metrics of each benchmark, by name, one for each round.
type results map[string]map[string][]float64

// read takes up what a test binary printed.
func (r results) read(text string) {
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) < 4 || !strings.HasPrefix(fields[0], "Benchmark") {
			continue
		}
		name := fields[0]
		if i := strings.LastIndexByte(name, '-'); i > 0 {
			name = name[:i] // the number of processors
		}
		if r[name] == nil {
			r[name] = map[string][]float64{}
		}
		for i := 2; i+1 < len(fields); i += 2 {
			if v, err := strconv.ParseFloat(fields[i], 64); err == nil {
				r[name][fields[i+1]] = append(r[name][fields[i+1]], v)
			}
		}
	}
}

// row is one line of the table: two metrics of one benchmark.
type row struct {
	what  string
	bench string
	value string
	floor string
}

var rows = []row{
	{"ID token RS256, Wayleave", "BenchmarkIDToken/RS256", "ns/verify", "ns/bare"},
	{"ID token RS256, go-oidc", "BenchmarkGoOIDCToken/RS256", "ns/verify", "ns/bare"},
	{"ID token ES256, Wayleave", "BenchmarkIDToken/ES256", "ns/verify", "ns/bare"},
	{"ID token ES256, go-oidc", "BenchmarkGoOIDCToken/ES256", "ns/verify", "ns/bare"},
	{"exchange RS256, Wayleave", "BenchmarkExchange/RS256", "ns/wayleave-1", "ns/bare-1"},
	{"exchange RS256, x/oauth2 + go-oidc", "BenchmarkExchange/RS256", "ns/go-oidc-1", "ns/bare-1"},
	{"exchange ES256, Wayleave", "BenchmarkExchange/ES256", "ns/wayleave-1", "ns/bare-1"},
	{"exchange ES256, x/oauth2 + go-oidc", "BenchmarkExchange/ES256", "ns/go-oidc-1", "ns/bare-1"},
	{"exchange and userinfo RS256, Wayleave", "BenchmarkExchange/RS256", "ns/wayleave-2", "ns/bare-2"},
	{"exchange and userinfo RS256, x/oauth2 + go-oidc", "BenchmarkExchange/RS256", "ns/go-oidc-2", "ns/bare-2"},
	{"exchange and userinfo ES256, Wayleave", "BenchmarkExchange/ES256", "ns/wayleave-2", "ns/bare-2"},
	{"exchange and userinfo ES256, x/oauth2 + go-oidc", "BenchmarkExchange/ES256", "ns/go-oidc-2", "ns/bare-2"},
	{"cookie to session, 1 session", "BenchmarkCookieToSession/sessions=1", "ns/find", "ns/floor"},
	{"cookie to session, 1,000 sessions", "BenchmarkCookieToSession/sessions=1000", "ns/find", "ns/floor"},
	{"cookie to session, 100,000 sessions", "BenchmarkCookieToSession/sessions=100000", "ns/find", "ns/floor"},
}

// table prints all rows, or says what was not measured.
func table(w io.Writer, seen results) error {
	fmt.Fprintln(w, "| measured | µs | floor, µs | × floor | least..most |")
	fmt.Fprintln(w, "|---|---|---|---|---|")
	for _, r := range rows {
		values, floors := seen[r.bench][r.value], seen[r.bench][r.floor]
		if len(values) == 0 || len(values) != len(floors) {
			return fmt.Errorf("%s did not report %s and %s", r.bench, r.value, r.floor)
		}
		ratios := make([]float64, len(values))
		for i := range values {
			ratios[i] = values[i] / floors[i]
		}
		fmt.Fprintf(w, "| %s | %s | %s | **%.2f** | %.2f..%.2f |\n", r.what, micros(values), micros(floors), median(ratios), slices.Min(ratios), slices.Max(ratios))
	}
	return nil
}

// micros is the median of nanoseconds, in microseconds.
func micros(ns []float64) string { return fmt.Sprintf("%.3g", median(ns)/1000) }

func median(all []float64) float64 {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[len(sorted)/2]
}
