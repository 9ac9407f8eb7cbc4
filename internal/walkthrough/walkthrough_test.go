package walkthrough_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/wayleave/wayleave/devidp"
	"github.com/wayleave/wayleave/internal/walkthrough"
	"github.com/wayleave/wayleave/trace"
)

func TestALoginPassesAllChecks(t *testing.T) {
	res, err := walkthrough.Run(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := res.WriteText(&b, trace.TextOptions{}); err != nil {
		t.Fatal(err)
	}
	if res.Verdict != walkthrough.Passed || res.ExitCode() != 0 {
		t.Fatalf("verdict %s: %s\n%s", res.Verdict, res.Problem, b.String())
	}
	for _, want := range []string{"Step 1", "Step 2", "Step 3", "Step 4", "http://localhost:8000/auth/google/callback", "Every check passed."} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the text lacks %q", want)
		}
	}
	doc, err := json.Marshal(res)
	if err != nil || !json.Valid(doc) {
		t.Fatal(err)
	}
}

func TestEveryFaultEndsAsDeclared(t *testing.T) {
	for _, f := range walkthrough.Faults() {
		t.Run(f.Name, func(t *testing.T) {
			t.Parallel()
			if (f.RefusedBy == "") == (f.Survives == "") {
				t.Fatalf("declares neither or both: %+v", f)
			}
			res, err := walkthrough.Run(t.Context(), f.Name)
			if err != nil {
				t.Fatal(err)
			}
			if res.Verdict == walkthrough.Wrong {
				var b strings.Builder
				_ = res.WriteText(&b, trace.TextOptions{})
				t.Errorf("%s\n%s", res.Problem, b.String())
			}
		})
	}
}

func TestEveryFaultOfTheProviderIsDeclared(t *testing.T) {
	declared := map[string]bool{}
	for _, f := range walkthrough.Faults() {
		declared[f.Name] = f.RefusedBy != "" || f.Survives != ""
	}
	for _, f := range devidp.Faults() {
		if !declared[f.Name] {
			t.Errorf("%s has no declared fate", f.Name)
		}
	}
}
