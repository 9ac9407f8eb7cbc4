// Tally reads what `go test -json` writes and tells it to a person.
//
//	go test -json ./... | tally -record tests.json
//	tally -total *.json
//
// The first form keeps the events in a file and prints what failed, with its
// output, and what was skipped, with its reason; the second adds several files
// up into one line, "N passed, N failed, N skipped". Both end with status 1 when
// a test failed or was skipped: a skipped test proves nothing.
package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
)

func main() {
	record := flag.String("record", "", "read events from standard input and keep them in this `file`")
	total := flag.Bool("total", false, "add up the files named as arguments")
	flag.Parse()
	ok, err := run(*record, *total, flag.Args())
	if err != nil {
		fmt.Fprintln(os.Stderr, "tally:", err)
		os.Exit(2)
	}
	if !ok {
		os.Exit(1)
	}
}

func run(record string, total bool, files []string) (ok bool, err error) {
	switch {
	case record != "" && !total && len(files) == 0:
		return recordTo(record)
	case record == "" && total:
		return addUp(files)
	}
	return false, errors.New("want either -record FILE, or -total and files")
}

func recordTo(path string) (ok bool, err error) {
	file, err := os.Create(path)
	if err != nil {
		return false, err
	}
	results := newResults()
	if err := results.read(io.TeeReader(os.Stdin, file)); err != nil {
		return false, err
	}
	if err := file.Close(); err != nil {
		return false, err
	}
	out := bufio.NewWriter(os.Stdout)
	results.explain(out)
	count := results.count()
	fmt.Fprintln(out, count)
	return count.ok(), out.Flush()
}

func addUp(files []string) (ok bool, err error) {
	results := newResults()
	for _, path := range files {
		file, err := os.Open(path)
		if err != nil {
			return false, err
		}
		err = results.read(file)
		file.Close()
		if err != nil {
			return false, fmt.Errorf("%s: %w", path, err)
		}
	}
	count := results.count()
	fmt.Println(count)
	return count.ok(), nil
}
