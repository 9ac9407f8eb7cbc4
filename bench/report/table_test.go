package main

import (
	"fmt"
	"strings"
	"testing"
)

func TestTheTableHasTheMediansOfAllRounds(t *testing.T) {
	seen := results{}
	for _, ns := range []int{300, 100, 200} { // three rounds
		var text strings.Builder
		text.WriteString("goos: linux\nPASS\n")
		for _, r := range rows {
			fmt.Fprintf(&text, "%s-2   \t 100\t %d %s\t 100.0 %s\t 7 token-bytes\n", r.bench, ns*10, r.value, r.floor)
		}
		seen.read(text.String())
	}
	// Rows that share a benchmark have written their floor more than once.
	for _, metrics := range seen {
		for unit, values := range metrics {
			if n := len(values) / 3; n > 1 {
				metrics[unit] = []float64{values[0], values[n], values[2*n]}
			}
		}
	}
	var out strings.Builder
	if err := table(&out, seen); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != len(rows)+2 {
		t.Fatalf("%d lines:\n%s", len(lines), &out)
	}
	for _, line := range lines[2:] {
		if !strings.HasSuffix(line, "| 2 | 0.1 | **20.00** | 10.00..30.00 |") {
			t.Errorf("%s", line)
		}
	}
}

func TestABenchmarkThatDidNotReportIsAnError(t *testing.T) {
	err := table(new(strings.Builder), results{})
	if err == nil || err.Error() != "BenchmarkIDToken/RS256 did not report ns/verify and ns/bare" {
		t.Errorf("error %v", err)
	}
}
