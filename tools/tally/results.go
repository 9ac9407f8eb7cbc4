package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// event is the part that matters here of what `go doc test2json` describes.
type event struct {
	Action      string
	Package     string
	ImportPath  string // of build output, in place of Package
	Test        string
	Output      string
	FailedBuild string
}

// unit is a test, a subtest, a fuzz target or an example; with an empty test it
// is a package as a whole.
type unit struct{ pkg, test string }

// Outcomes from the best to the worst. A test that began and never ended (its
// process died) is as bad as a failed one. One that ran in several stages
// counts once, with its worst outcome.
const (
	passed = iota + 1
	skipped
	failed
)

type results struct {
	outcome map[unit]int
	running map[unit]bool
	output  map[unit]*strings.Builder
	builds  map[string]bool // that failed: the reason of some package's failure
}

func newResults() *results {
	return &results{map[unit]int{}, map[unit]bool{}, map[unit]*strings.Builder{}, map[string]bool{}}
}

// read adds the events of one run. Lines that are no events are kept as the
// output of no package, so that nothing is lost.
func (r *results) read(in io.Reader) error {
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			var e event
			if json.Unmarshal(line, &e) != nil || e.Action == "" {
				e = event{Action: "output", Output: string(line)}
			}
			r.add(e)
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
	}
	for u := range r.running {
		r.outcome[u] = failed
	}
	clear(r.running)
	return nil
}

func (r *results) add(e event) {
	u := unit{cmp.Or(e.Package, e.ImportPath), e.Test}
	switch e.Action {
	case "run":
		r.running[u] = true
	case "output", "build-output":
		if r.output[u] == nil {
			r.output[u] = new(strings.Builder)
		}
		r.output[u].WriteString(e.Output)
	case "pass":
		r.end(u, passed)
	case "skip":
		r.end(u, skipped)
	case "fail":
		r.end(u, failed)
		if e.FailedBuild != "" {
			r.builds[e.FailedBuild] = true
		}
	}
}

func (r *results) end(u unit, outcome int) {
	delete(r.running, u)
	r.outcome[u] = max(r.outcome[u], outcome)
}

type count struct{ passed, failed, skipped int }

func (c count) String() string {
	return fmt.Sprintf("%d passed, %d failed, %d skipped", c.passed, c.failed, c.skipped)
}

// ok demands that something passed, because a run of nothing proves nothing.
func (c count) ok() bool { return c.passed > 0 && c.failed == 0 && c.skipped == 0 }

// count counts tests. A package counts only when it failed while none of its
// tests did: it did not build, or its process died.
func (r *results) count() count {
	var c count
	for u, outcome := range r.outcome {
		switch {
		case u.test == "" && (outcome != failed || r.hasFailedTest(u.pkg)):
		case outcome == passed:
			c.passed++
		case outcome == skipped:
			c.skipped++
		case outcome == failed:
			c.failed++
		}
	}
	return c
}

func (r *results) hasFailedTest(pkg string) bool {
	for u, outcome := range r.outcome {
		if u.pkg == pkg && u.test != "" && outcome == failed {
			return true
		}
	}
	return false
}

// explain prints each failure with its output and each skip with its reason.
func (r *results) explain(out io.Writer) {
	units := slices.SortedFunc(maps.Keys(r.outcome), func(a, b unit) int {
		return cmp.Or(strings.Compare(a.pkg, b.pkg), strings.Compare(a.test, b.test))
	})
	for _, u := range units {
		label := strings.TrimSpace(u.pkg + " " + u.test)
		switch {
		case u.test == "" && r.hasFailedTest(u.pkg): // told by its tests
		case r.outcome[u] == failed:
			fmt.Fprintf(out, "FAILED  %s\n%s", label, r.text(u))
		case r.outcome[u] == skipped && u.test != "":
			fmt.Fprintf(out, "SKIPPED %s\n%s", label, r.text(u))
		}
	}
	for _, build := range slices.Sorted(maps.Keys(r.builds)) {
		fmt.Fprintf(out, "FAILED  to build %s\n%s", build, r.text(unit{pkg: build}))
	}
	fmt.Fprint(out, r.text(unit{}))
}

// text is what a test printed, without the lines that frame it.
func (r *results) text(u unit) string {
	var text strings.Builder
	if r.output[u] == nil {
		return ""
	}
	for line := range strings.Lines(r.output[u].String()) {
		if !strings.HasPrefix(line, "=== ") {
			text.WriteString(line)
		}
	}
	return text.String()
}
