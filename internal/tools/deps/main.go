// Deps prints the packages outside the standard library that a package links,
// itself included, so that a new dependency is seen in review.
//
//	go run ./internal/tools/deps . > docs/linked-root.txt
//	go run ./internal/tools/deps -check docs/linked-wayleave.txt ./cmd/wayleave
//
// The list is that of a Linux program without cgo, wherever it is made.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/wayleave/wayleave/internal/tools/golist"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("deps", flag.ContinueOnError)
	check := flags.String("check", "", "compare with this file instead of printing")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() != 1 {
		return fmt.Errorf("name one package, such as . or ./cmd/wayleave; got %d", flags.NArg())
	}
	pkg := flags.Arg(0)
	linked, err := linkedBy(".", pkg)
	if err != nil {
		return err
	}
	lines := outside(linked)
	if *check != "" {
		return golist.Check(*check, lines, command(pkg, *check))
	}
	_, err = fmt.Fprintln(out, strings.Join(lines, "\n"))
	return err
}

func command(pkg, file string) string {
	return fmt.Sprintf("go run ./internal/tools/deps %s > %s", pkg, file)
}

// linkedBy returns all packages that pkg links, the standard library's too.
func linkedBy(dir, pkg string) ([]golist.Package, error) {
	return golist.List(dir, []string{"GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=0"}, "-deps", pkg)
}

// outside returns the sorted paths of those that are not the standard library's.
func outside(linked []golist.Package) []string {
	var paths []string
	for _, p := range linked {
		if !p.Standard {
			paths = append(paths, p.ImportPath)
		}
	}
	slices.Sort(paths)
	return paths
}
