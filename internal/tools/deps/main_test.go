package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wayleave/wayleave/internal/tools/golist"
)

// heavy is what a web app must not get by importing the root package: drivers,
// metrics and tracing, remote procedure calls, and the bridge that has a
// package of its own. A path stands for all below it.
var heavy = []string{
	"database/sql",
	"net/rpc",
	"expvar",
	"github.com/jackc/pgx",
	"github.com/prometheus",
	"github.com/redis",
	"github.com/valkey-io",
	"go.etcd.io/bbolt",
	"go.opentelemetry.io",
	"golang.org/x/oauth2",
	"google.golang.org/grpc",
}

func TestRootPackageLinksOnlyWhatIsListed(t *testing.T) {
	linked := checkLinked(t, ".", "docs/linked-root.txt")
	for _, path := range among(linked, heavy) {
		t.Errorf("the root package links %s", path)
	}
}

func TestWayleaveLinksOnlyWhatIsListed(t *testing.T) {
	checkLinked(t, "./cmd/wayleave", "docs/linked-wayleave.txt")
}

func checkLinked(t *testing.T, pkg, file string) []golist.Package {
	t.Helper()
	root, err := golist.Root()
	if err != nil {
		t.Fatal(err)
	}
	if err := golist.Watch(root); err != nil {
		t.Fatal(err)
	}
	linked, err := linkedBy(root, pkg)
	if err != nil {
		t.Fatal(err)
	}
	if err := golist.Check(filepath.Join(root, file), outside(linked), command(pkg, file)); err != nil {
		t.Error(err)
	}
	return linked
}

// among returns the linked packages that are, or are below, one of the paths.
func among(linked []golist.Package, paths []string) []string {
	var found []string
	for _, p := range linked {
		if slices.ContainsFunc(paths, func(path string) bool {
			return p.ImportPath == path || strings.HasPrefix(p.ImportPath, path+"/")
		}) {
			found = append(found, p.ImportPath)
		}
	}
	return found
}

func TestAmongFindsPathsAndWhatIsBelow(t *testing.T) {
	var linked []golist.Package
	for _, path := range []string{"database/sql", "database/sql/driver", "database/sqlx", "net/rpcx", "net/rpc"} {
		linked = append(linked, golist.Package{ImportPath: path})
	}
	want := []string{"database/sql", "database/sql/driver", "net/rpc"}
	if got := among(linked, heavy); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
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

func TestListsWhatIsLinked(t *testing.T) {
	module(t, map[string]string{
		"app.go":        "package app\n\nimport (\n\t_ \"errors\"\n\t_ \"example.org/app/b\"\n)",
		"app_test.go":   "package app\n\nimport _ \"example.org/app/onlytest\"",
		"windows.go":    "//go:build windows\n\npackage app\n\nimport _ \"example.org/app/other\"",
		"b/b.go":        "package b\n\nimport _ \"example.org/app/a\"",
		"a/a.go":        "package a",
		"other/o.go":    "package other",
		"onlytest/o.go": "package onlytest",
		"same.txt":      "example.org/app\nexample.org/app/a\nexample.org/app/b\n",
		"fewer.txt":     "example.org/app\nexample.org/app/b\n",
		"more.txt":      "example.org/app\nexample.org/app/a\nexample.org/app/b\nexample.org/gone\n",
	})
	var out bytes.Buffer
	if err := run([]string{"."}, &out); err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("same.txt")
	if err != nil {
		t.Fatal(err)
	}
	if out.String() != string(want) {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
	for file, said := range map[string]string{"same.txt": "", "fewer.txt": "+ example.org/app/a", "more.txt": "- example.org/gone"} {
		err := run([]string{"-check", file, "."}, nil)
		switch {
		case said == "" && err != nil:
			t.Errorf("%s: %v", file, err)
		case said != "" && (err == nil || !strings.Contains(err.Error(), said) || !strings.Contains(err.Error(), command(".", file))):
			t.Errorf("%s: error is %v, want %q and the command", file, err, said)
		}
	}
}

func TestWrongUseIsAnError(t *testing.T) {
	module(t, map[string]string{"app.go": "package app"})
	for name, args := range map[string][]string{
		"no package":      {},
		"two packages":    {".", "."},
		"unknown package": {"./nothing"},
		"no file":         {"-check", "none.txt", "."},
	} {
		t.Run(name, func(t *testing.T) {
			if err := run(args, &bytes.Buffer{}); err == nil {
				t.Error("no error")
			}
		})
	}
}
