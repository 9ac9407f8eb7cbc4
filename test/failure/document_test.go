package failure_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const document = "../../docs/failure.md"

// columns are those of each table, between the condition and the test.
var columns = []string{"page, warm", "page, cold", "page, nobody", "login", "callback", "logout", "back-channel logout", "API call", "refresh"}

// line is one of the document's: what each request gets.
type line struct {
	condition string
	cells     map[string]string // by column
	tests     []string          // as "TestName" or "folder: TestName"
}

// lines reads the document. A table whose head has other columns is not of
// requests, but its tests have to exist as well.
func lines(t testing.TB) (all []line) {
	t.Helper()
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	var head []string
	for row := range strings.Lines(string(text)) {
		row = strings.TrimSpace(row)
		if !strings.HasPrefix(row, "|") {
			head = nil
			continue
		}
		fields := strings.Split(strings.Trim(row, "|"), "|")
		for i := range fields {
			fields[i] = strings.TrimSpace(fields[i])
		}
		last := len(fields) - 1
		switch {
		case head == nil:
			head = fields
			if head[0] == "condition" && last > 2 && !slices.Equal(head[1:last], columns) {
				t.Fatalf("%s: a table has the columns %q, want %q", document, head[1:last], columns)
			}
			continue
		case strings.HasPrefix(fields[0], "--"):
			continue
		case head[last] != "test":
			continue // another kind of table
		case len(fields) != len(head):
			t.Fatalf("%s: a line has %d fields, want %d: %s", document, len(fields), len(head), row)
		}
		l := line{condition: fields[0], cells: map[string]string{}}
		for i, name := range head[1:last] {
			l.cells[name] = fields[i+1]
		}
		for name := range strings.SplitSeq(fields[last], ",") {
			l.tests = append(l.tests, strings.ReplaceAll(strings.TrimSpace(name), "`", ""))
		}
		all = append(all, l)
	}
	return all
}

// lineOf is the line that names the running test.
func lineOf(t testing.TB) line {
	t.Helper()
	for _, l := range lines(t) {
		if slices.Contains(l.tests, t.Name()) {
			return l
		}
	}
	t.Fatalf("no line of %s names %s", document, t.Name())
	return line{}
}

// testName is a test of this package, or of another one: "folder: TestName".
var testName = regexp.MustCompile(`^(?:([a-z/]+): )?(Test[A-Za-z0-9_]+)$`)

// TestEachLineNamesATestThatExists, of this package or of another.
func TestEachLineNamesATestThatExists(t *testing.T) {
	all := lines(t)
	if len(all) == 0 {
		t.Fatalf("%s has no lines", document)
	}
	for _, l := range all {
		for _, name := range l.tests {
			parts := testName.FindStringSubmatch(name)
			if parts == nil {
				t.Errorf("%q: the test is %q, want TestName or folder: TestName", l.condition, name)
				continue
			}
			folder := "."
			if parts[1] != "" {
				folder = filepath.Join("../..", parts[1])
			}
			if !hasTest(t, folder, parts[2]) {
				t.Errorf("%q: there is no %s", l.condition, name)
			}
		}
	}
}

func hasTest(t *testing.T, folder, name string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "func "+name+"(t *testing.T)") {
			return true
		}
	}
	return false
}
