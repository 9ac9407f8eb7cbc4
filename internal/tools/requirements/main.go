// Requirements prints which tests name which line of docs/requirements.md.
//
//	go run ./internal/tools/requirements [-missing] [-part A0,B1] [-gate] [-json | -markdown]
//
// It finds names and nothing more: whether a test proves what its name says is
// for a reader to judge. It exits with 1 if a test names an id that the
// document does not have, or if the document itself is malformed. docs/waived.md
// lists what no test names, with the reason; with -gate every other MUST and
// every attack of the parts must be named.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("requirements", flag.ContinueOnError)
	root := flags.String("root", ".", "the repository's directory")
	missing := flags.Bool("missing", false, "print only ids that no test names")
	parts := flags.String("part", "", "print only these parts, such as A0,B1")
	gated := flags.Bool("gate", false, "fail if a MUST or an attack is neither named nor waived")
	asJSON := flags.Bool("json", false, "print JSON")
	asMarkdown := flags.Bool("markdown", false, "print Markdown tables")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}

	doc, err := readDocument(filepath.Join(*root, "docs", "requirements.md"))
	if err != nil {
		return err
	}
	found, err := scanTree(*root)
	if err != nil {
		return err
	}
	unknown := doc.attach(found)
	stale := doc.waive(filepath.Join(*root, "docs", "waived.md"))
	shown, err := doc.only(*parts)
	if err != nil {
		return err
	}

	rep := newReport(shown, *missing)
	switch {
	case *asJSON:
		err = rep.json(out)
	case *asMarkdown:
		err = rep.markdown(out)
	default:
		err = rep.text(out)
	}
	if *gated {
		err = errors.Join(err, gate(shown))
	}
	return errors.Join(err, unknownError(unknown), stale)
}

// unknownError says which tests name ids that the document lacks. It is
// reported after the table, because the table is true without them.
func unknownError(unknown []mention) error {
	if len(unknown) == 0 {
		return nil
	}
	var b strings.Builder
	b.WriteString("ids that docs/requirements.md does not have:")
	for _, m := range unknown {
		fmt.Fprintf(&b, "\n  %s named by %s", m.id, m.test)
	}
	return errors.New(b.String())
}
