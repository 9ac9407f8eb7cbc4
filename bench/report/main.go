// Report runs the benchmarks of Wayleave and of this module in turns, several
// rounds, and prints their medians as a Markdown table:
//
//	go -C bench run ./report
//
// Each ratio is made of two numbers that one benchmark measured in turns, within
// the same second; the table has the median of the rounds' ratios, and the
// least and the most of them.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

func main() {
	rounds := flag.Int("rounds", 7, "how often each benchmark runs")
	benchtime := flag.Duration("benchtime", time.Second, "how long, each time")
	flag.Parse()
	if err := run(os.Stdout, os.Stderr, *rounds, *benchtime); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(out, progress io.Writer, rounds int, benchtime time.Duration) error {
	dir, err := os.MkdirTemp("", "wayleave-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	for _, p := range programs {
		fmt.Fprintln(progress, "build", p.name)
		if err := p.build(dir); err != nil {
			return err
		}
	}
	seen := results{}
	for round := range rounds {
		for _, p := range programs {
			fmt.Fprintf(progress, "round %d of %d: %s, load %s\n", round+1, rounds, p.name, load())
			text, err := p.run(dir, benchtime)
			if err != nil {
				return err
			}
			seen.read(text)
		}
	}
	fmt.Fprintf(out, "%s, %s/%s, GOMAXPROCS %d, %d rounds of %v, load at the end %s\n\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0), rounds, benchtime, load())
	return table(out, seen)
}

// program is a test binary with benchmarks in it.
type program struct {
	name    string
	dir     string // of the module, from here
	pkg     string
	pattern string // of the benchmarks
}

var programs = []program{
	{"oauth", "..", "./oauth", "^BenchmarkIDToken$"},
	{"bench", ".", ".", "."},
	{"session", "..", "./session", "^BenchmarkCookieToSession$"},
}

func (p program) build(dir string) error {
	cmd := exec.Command("go", "test", "-c", "-o", filepath.Join(dir, p.name), p.pkg)
	cmd.Dir = p.dir
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%v: %w\n%s", cmd, err, text)
	}
	return nil
}

func (p program) run(dir string, benchtime time.Duration) (string, error) {
	cmd := exec.Command(filepath.Join(dir, p.name), "-test.run=^$", "-test.bench="+p.pattern, "-test.benchtime="+benchtime.String())
	var failure bytes.Buffer
	cmd.Stderr = &failure
	text, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%v: %w\n%s%s", cmd, err, text, failure.Bytes())
	}
	return string(text), nil
}

// load is how many programs want to run, as the kernel counts the last minute.
func load() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	first, _, _ := strings.Cut(string(text), " ")
	return first
}
