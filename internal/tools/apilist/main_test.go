package main

import (
	"bytes"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wayleave/wayleave/internal/tools/golist"
)

func TestExportedAPIIsListed(t *testing.T) {
	root, err := golist.Root()
	if err != nil {
		t.Fatal(err)
	}
	if err := golist.Watch(root); err != nil {
		t.Fatal(err)
	}
	lines, err := moduleAPI(root)
	if err != nil {
		t.Fatal(err)
	}
	if err := golist.Check(filepath.Join(root, "docs", "api.txt"), lines, command); err != nil {
		t.Error(err)
	}
}

func TestListsEachKindOfThing(t *testing.T) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "testdata/sample/sample.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	config := types.Config{Importer: importer.ForCompiler(fset, "source", nil)}
	pkg, err := config.Check("sample", fset, []*ast.File{file}, nil)
	if err != nil {
		t.Fatal(err)
	}
	got := packageAPI("sample", pkg)
	slices.Sort(got)
	want, err := os.ReadFile("testdata/sample.txt")
	if err != nil {
		t.Fatal(err)
	}
	if diff := golist.Compare(strings.Split(strings.TrimSpace(string(want)), "\n"), got); len(diff) > 0 {
		t.Errorf("- wanted, + got:\n%s", strings.Join(diff, "\n"))
	}
}

// module makes a module of its own and works in it.
func module(t *testing.T, files map[string]string) {
	t.Helper()
	dir := t.TempDir()
	files["go.mod"] = "module example.org/app\n\ngo 1.26\n"
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
}

func TestListsPublicPackagesOnly(t *testing.T) {
	module(t, map[string]string{
		"app.go":                source("app"),
		"sub/kind/kind.go":      source("kind"),
		"sub/internal/in/in.go": source("in"),
		"internal/in/in.go":     "package in\n\ntype T struct{ N int }\n\nfunc (T) M(n int) {}",
		"alias/alias.go":        "package alias\n\nimport \"example.org/app/internal/in\"\n\ntype A = in.T",
		"cmd/app/main.go":       source("main") + "\nfunc main() {}",
		"command/main.go":       source("main") + "\nfunc main() {}",
		"examples/ex/ex.go":     source("ex"),
		"test/help/help.go":     source("help"),
		"bench/run/run.go":      source("run"),
		"tools/tool/tool.go":    source("tool"),
		"app_test.go":           "package app\n\nfunc OnlyInTests() {}",
	})
	var out bytes.Buffer
	if err := run(nil, &out); err != nil {
		t.Fatal(err)
	}
	want := strings.Join([]string{
		"pkg alias, method (A) M(int)",
		"pkg alias, type A = in.T",
		"pkg alias, type A struct",
		"pkg alias, type A struct, N int",
		"pkg app, func F(int)",
		"pkg sub/kind, func F(int)",
		"",
	}, "\n")
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
}

// source is a package with one exported function.
func source(pkg string) string { return "package " + pkg + "\n\nfunc F(n int) {}" }

func TestCheckTellsWhatChanged(t *testing.T) {
	module(t, map[string]string{
		"app.go":   source("app"),
		"same.txt": "pkg app, func F(int)\n",
		"old.txt":  "pkg app, func F(string)\n",
	})
	if err := run([]string{"-check", "same.txt"}, nil); err != nil {
		t.Errorf("unchanged API: %v", err)
	}
	err := run([]string{"-check", "old.txt"}, nil)
	if err == nil {
		t.Fatal("a changed API passes")
	}
	for _, want := range []string{"- pkg app, func F(string)\n", "+ pkg app, func F(int)\n", command} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q lacks %q", err, want)
		}
	}
}

func TestPackagesThatDoNotCompileAreAnError(t *testing.T) {
	module(t, map[string]string{"app.go": "package app\n\nfunc F() int { return nothing }"})
	if err := run(nil, &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), "nothing") {
		t.Errorf("error is %v, want the compiler's", err)
	}
}

func TestModuleWithoutPublicPackagesIsAnError(t *testing.T) {
	module(t, map[string]string{"internal/in/in.go": source("in")})
	if err := run(nil, &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), "no public package") {
		t.Errorf("error is %v", err)
	}
}
