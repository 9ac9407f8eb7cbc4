package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// What tests of this tool expect stands in testdata and not in strings here,
// because the tool would read those as names of tests.

// tree copies the example and adds files to it.
func tree(t *testing.T, extra map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/tree")); err != nil {
		t.Fatal(err)
	}
	write(t, dir, "go.mod", "module example.org/tree\n")
	// A copy in node_modules, which a repository does not keep, is not ours.
	if err := os.CopyFS(filepath.Join(dir, "node_modules"), os.DirFS("testdata/tree/test")); err != nil {
		t.Fatal(err)
	}
	for name, from := range extra {
		text, err := os.ReadFile(filepath.Join("testdata", from))
		if err != nil {
			t.Fatal(err)
		}
		write(t, dir, name, string(text))
	}
	return dir
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestPrintsWhatTestsName(t *testing.T) {
	for name, args := range map[string][]string{
		"all.txt":      {},
		"missing.txt":  {"-missing"},
		"part.txt":     {"-part", "A0"},
		"markdown.txt": {"-markdown"},
		"json.txt":     {"-json", "-part=A0", "-missing"},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			if err := run(append([]string{"-root", tree(t, nil)}, args...), &out); err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join("testdata", "want", name)
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if out.String() != string(want) {
				t.Errorf("got\n%s\nwant, as in %s,\n%s", out.String(), golden, want)
			}
		})
	}
}

func TestUnknownIDsAreErrorsAfterTheTable(t *testing.T) {
	dir := tree(t, map[string]string{"oauth/unknown_test.go": "unknown_test.go.txt"})
	var out bytes.Buffer
	err := run([]string{"-root", dir, "-json"}, &out)
	if err == nil {
		t.Fatal("no error for ids that the document lacks")
	}
	if n := strings.Count(err.Error(), "named by oauth/unknown_test.go:"); n != 2 {
		t.Errorf("%d unknown ids reported, want 2: %v", n, err)
	}
	var rep report
	if err := json.Unmarshal(out.Bytes(), &rep); err != nil || rep.Total.All == 0 {
		t.Errorf("table is %+v, %v; want it complete", rep.Total, err)
	}
}

func TestMalformedDocumentsAreErrors(t *testing.T) {
	for name, want := range map[string]string{
		"twice":  "is listed twice",
		"level":  `has the unknown level "MAY"`,
		"empty":  "has an empty cell",
		"cells":  "has 3 cells",
		"attack": "has 4 cells",
		"prefix": "is not an id that a test could name",
		"part":   "stands before the first part",
		"none":   "no requirement found",
	} {
		t.Run(name, func(t *testing.T) {
			dir := tree(t, map[string]string{"docs/requirements.md": "malformed/" + name + ".md"})
			err := run([]string{"-root", dir}, &bytes.Buffer{})
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("error is %v, want %q in it", err, want)
			}
		})
	}
}

func TestWrongUseIsAnError(t *testing.T) {
	for name, args := range map[string][]string{
		"unknown part":        {"-part", "C9"},
		"unexpected argument": {"extra"},
		"unknown flag":        {"-nothing"},
		"no repository":       {"-root", "testdata/none"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := run(append([]string{"-root", tree(t, nil)}, args...), &bytes.Buffer{}); err == nil {
				t.Error("no error")
			}
		})
	}
}

func TestBrokenGoFileIsAnError(t *testing.T) {
	dir := tree(t, nil)
	write(t, dir, "oauth/broken_test.go", "package oauth_test\nfunc (")
	if err := run([]string{"-root", dir}, &bytes.Buffer{}); err == nil {
		t.Error("a file that cannot be read was skipped")
	}
}

func TestIDsAreFoundWhereTheyStand(t *testing.T) {
	find := map[string]func(string) []string{"name": idsInName, "text": idsInText}
	text, err := os.ReadFile("testdata/ids.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if line[0] == '#' {
			continue
		}
		cells := strings.Split(line, "|")
		where, in := strings.TrimSpace(cells[0]), strings.TrimSpace(cells[1])
		if got, want := find[where](in), strings.Fields(cells[2]); !slices.Equal(got, want) {
			t.Errorf("%s %q: got %q, want %q", where, in, got, want)
		}
	}
}

// Each MUST and each attack is named or waived, and no waiver outlives its
// reason.
func TestTheGateAndItsWaivers(t *testing.T) {
	for file, want := range map[string]string{
		"good.md":    "",
		"half.md":    "neither named by a test nor waived: A256",
		"stale.md":   "A001 is waived, and oauth/oauth_test.go:FuzzTable names it",
		"unknown.md": "there is no A999",
		"empty.md":   "want an id and a reason",
		"twice.md":   "A003 is listed twice",
	} {
		t.Run(file, func(t *testing.T) {
			var out bytes.Buffer
			root := tree(t, map[string]string{"docs/waived.md": "waived/" + file})
			err := run([]string{"-root", root, "-gate"}, &out)
			if want == "" && (err != nil || !strings.Contains(out.String(), "waived: Nobody calls that helper.")) {
				t.Errorf("%v\n%s", err, out.String())
			}
			if want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
				t.Errorf("%v, want %q", err, want)
			}
		})
	}
}

// finished are the parts of which nothing may be left open.
const finished = "A9,A10,A11,A13,A14,A17,B7,B8,B9,B10,B11,B12,B15,B16,B17"

func TestNothingIsLeftOpenInWhatIsFinished(t *testing.T) {
	if err := run([]string{"-root", "../../..", "-gate", "-part", finished}, io.Discard); err != nil {
		t.Error(err)
	}
}

func TestOwnDocumentIsWellFormed(t *testing.T) {
	doc, err := readDocument("../../../docs/requirements.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range doc.rows {
		if !strings.HasSuffix(r.Text, ".") || strings.Contains(r.Text, ". ") {
			t.Errorf("%s is not one sentence: %s", r.ID, r.Text)
		}
	}
}

func FuzzTitles(f *testing.F) {
	f.Add("test('x', /* */ () => {}) // `")
	f.Fuzz(func(t *testing.T, text string) {
		for _, m := range titles("x.mjs", text) {
			if !idCell.MatchString(m.id) {
				t.Errorf("%q is no id", m.id)
			}
		}
	})
}
