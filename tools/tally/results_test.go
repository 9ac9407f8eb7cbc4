package main

import (
	"strings"
	"testing"
)

func TestCount(t *testing.T) {
	for _, c := range []struct {
		name   string
		events []string
		want   string
		ok     bool
	}{
		{"tests and subtests count, packages do not", []string{
			`{"Action":"run","Package":"p","Test":"TestA"}`, `{"Action":"run","Package":"p","Test":"TestA/x"}`,
			`{"Action":"pass","Package":"p","Test":"TestA/x"}`, `{"Action":"pass","Package":"p","Test":"TestA"}`,
			`{"Action":"pass","Package":"p"}`,
		}, "2 passed, 0 failed, 0 skipped", true},
		{"a package without tests is no skip", []string{
			`{"Action":"pass","Package":"p","Test":"TestA"}`, `{"Action":"skip","Package":"q"}`,
		}, "1 passed, 0 failed, 0 skipped", true},
		{"a skipped test makes the run fail", []string{
			`{"Action":"pass","Package":"p","Test":"TestA"}`, `{"Action":"skip","Package":"p","Test":"TestB"}`,
		}, "1 passed, 0 failed, 1 skipped", false},
		{"a failed test counts once, its package not", []string{
			`{"Action":"fail","Package":"p","Test":"TestA"}`, `{"Action":"fail","Package":"p"}`,
		}, "0 passed, 1 failed, 0 skipped", false},
		{"a package that died without a failed test counts", []string{
			`{"Action":"pass","Package":"p","Test":"TestA"}`, `{"Action":"fail","Package":"p"}`,
		}, "1 passed, 1 failed, 0 skipped", false},
		{"a package that does not build counts once", []string{
			`{"Action":"pass","Package":"p","Test":"TestA"}`, `{"Action":"build-fail","ImportPath":"q [q.test]"}`,
			`{"Action":"fail","Package":"q","FailedBuild":"q [q.test]"}`,
		}, "1 passed, 1 failed, 0 skipped", false},
		{"a test that never ended has failed", []string{
			`{"Action":"run","Package":"p","Test":"TestA"}`,
		}, "0 passed, 1 failed, 0 skipped", false},
		{"a test that ran twice counts once, with its worse outcome", []string{
			`{"Action":"pass","Package":"p","Test":"FuzzA"}`, `{"Action":"fail","Package":"p","Test":"FuzzA"}`,
			`{"Action":"fail","Package":"p","Test":"FuzzB"}`, `{"Action":"pass","Package":"p","Test":"FuzzB"}`,
		}, "0 passed, 2 failed, 0 skipped", false},
		{"a run of nothing is no success", nil, "0 passed, 0 failed, 0 skipped", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := read(t, c.events...)
			if got := r.count(); got.String() != c.want || got.ok() != c.ok {
				t.Errorf("got %v (ok: %v), want %s (ok: %v)", got, got.ok(), c.want, c.ok)
			}
		})
	}
}

func TestExplain(t *testing.T) {
	r := read(t,
		`{"Action":"run","Package":"p","Test":"TestA"}`,
		`{"Action":"output","Package":"p","Test":"TestA","Output":"=== RUN   TestA\n"}`,
		`{"Action":"output","Package":"p","Test":"TestA","Output":"    a_test.go:1: got 1, want 2\n"}`,
		`{"Action":"fail","Package":"p","Test":"TestA"}`,
		`{"Action":"output","Package":"p","Output":"FAIL\n"}`,
		`{"Action":"fail","Package":"p"}`,
		`{"Action":"output","Package":"p","Test":"TestB","Output":"    b_test.go:1: no server here\n"}`,
		`{"Action":"skip","Package":"p","Test":"TestB"}`,
		`{"Action":"output","Package":"p","Test":"TestC","Output":"chatter of a passing test\n"}`,
		`{"Action":"pass","Package":"p","Test":"TestC"}`,
		`{"Action":"build-output","ImportPath":"q [q.test]","Output":"q_test.go:3: undefined: x\n"}`,
		`{"Action":"fail","Package":"q","FailedBuild":"q [q.test]"}`,
		`go: a line that is no event`,
	)
	var out strings.Builder
	r.explain(&out)
	want := "FAILED  p TestA\n    a_test.go:1: got 1, want 2\n" +
		"SKIPPED p TestB\n    b_test.go:1: no server here\n" +
		"FAILED  q\nFAILED  to build q [q.test]\nq_test.go:3: undefined: x\n" +
		"go: a line that is no event\n"
	if out.String() != want {
		t.Errorf("got:\n%s\nwant:\n%s", out.String(), want)
	}
}

func read(t *testing.T, events ...string) *results {
	t.Helper()
	r := newResults()
	if err := r.read(strings.NewReader(strings.Join(events, "\n") + "\n")); err != nil {
		t.Fatal(err)
	}
	return r
}
