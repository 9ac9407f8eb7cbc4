// Apilist prints the exported API of the module's public packages, one sorted
// line for each exported thing, so that a change of it is seen in review.
//
//	go run ./internal/tools/apilist > docs/api.txt
//	go run ./internal/tools/apilist -check docs/api.txt
//
// It reads what the compiler wrote about each package, so the packages must
// compile. Names of parameters are left out: they are no part of the API.
package main

import (
	"flag"
	"fmt"
	"go/importer"
	"go/token"
	"go/types"
	"io"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/wayleave/wayleave/internal/tools/golist"
)

const command = "go run ./internal/tools/apilist > docs/api.txt"

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("apilist", flag.ContinueOnError)
	check := flags.String("check", "", "compare with this file instead of printing")
	if err := flags.Parse(args); err != nil {
		return err
	}
	root, err := golist.Root()
	if err != nil {
		return err
	}
	lines, err := moduleAPI(root)
	if err != nil {
		return err
	}
	if *check != "" {
		return golist.Check(*check, lines, command)
	}
	_, err = fmt.Fprintln(out, strings.Join(lines, "\n"))
	return err
}

// moduleAPI returns the sorted lines of all public packages of the module.
func moduleAPI(root string) ([]string, error) {
	all, err := golist.List(root, nil, "./...")
	if err != nil {
		return nil, err
	}
	var public []string
	for _, p := range all {
		if isPublic(p) {
			public = append(public, p.ImportPath)
		}
	}
	if len(public) == 0 {
		return nil, fmt.Errorf("no public package in %s", root)
	}
	compiled, err := golist.List(root, nil, append([]string{"-export"}, public...)...)
	if err != nil {
		return nil, err
	}
	exports := map[string]string{}
	for _, p := range compiled {
		exports[p.ImportPath] = p.Export
	}
	// The data of one package is complete: it has what it mentions of others.
	imports := importer.ForCompiler(token.NewFileSet(), "gc", func(path string) (io.ReadCloser, error) {
		return os.Open(exports[path])
	})
	var lines []string
	for _, p := range compiled {
		if p.Export == "" {
			continue // a folder of tests alone
		}
		pkg, err := imports.Import(p.ImportPath)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.ImportPath, err)
		}
		lines = append(lines, packageAPI(label(p), pkg)...)
	}
	slices.Sort(lines)
	return slices.Compact(lines), nil
}

// isPublic reports a package that others may import and are meant to.
func isPublic(p golist.Package) bool {
	if p.Name == "main" {
		return false
	}
	for dir := range strings.SplitSeq(strings.TrimPrefix(p.ImportPath, p.Module.Path), "/") {
		switch dir {
		case "internal", "cmd", "examples", "test", "bench", "tools":
			return false
		}
	}
	return true
}

// label is the package's path in the module, its name for the first.
func label(p golist.Package) string {
	rel := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, p.Module.Path), "/")
	if rel == "" {
		return path.Base(p.Module.Path)
	}
	return rel
}

// packageAPI returns the lines of one package.
func packageAPI(label string, pkg *types.Package) []string {
	l := lister{pkg: pkg, prefix: "pkg " + label + ", "}
	for _, name := range pkg.Scope().Names() {
		if token.IsExported(name) {
			l.object(pkg.Scope().Lookup(name))
		}
	}
	return l.lines
}
