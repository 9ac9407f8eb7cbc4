// Package golist asks the go command about the packages of this module, for
// the tools that compare them with a checked-in list.
package golist

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Package is what "go list -json" tells of a package, as far as it is needed.
type Package struct {
	ImportPath string
	Name       string
	Standard   bool
	Export     string // the file of its compiled API, with -export
	Module     *struct{ Path string }
}

// Root is the directory of the module that the working directory is in.
func Root() (string, error) {
	out, err := run(".", nil, "list", "-m", "-f", "{{.Dir}}")
	return strings.TrimSpace(string(out)), err
}

// List returns the packages that "go list -json" prints in root for args.
// Variables in env replace those of the environment.
func List(root string, env []string, args ...string) ([]Package, error) {
	out, err := run(root, env, append([]string{"list", "-json=ImportPath,Name,Standard,Export,Module"}, args...)...)
	if err != nil {
		return nil, err
	}
	var packages []Package
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p Package
		switch err := dec.Decode(&p); {
		case errors.Is(err, io.EOF):
			return packages, nil
		case err != nil:
			return nil, fmt.Errorf("reading what go list printed: %w", err)
		}
		packages = append(packages, p)
	}
}

func run(dir string, env []string, args ...string) ([]byte, error) {
	cmd := exec.Command("go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, bytes.TrimSpace(stderr.Bytes()))
	}
	return out.Bytes(), nil
}

// Watch reads the directories of the module at root. A test that asks the go
// command about them calls it, because the command caches the result of a test
// and knows only the files that the test itself has looked at.
func Watch(root string) error {
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && path != root {
			if base := d.Name(); base[0] == '.' || base == "node_modules" || base == "testdata" {
				return fs.SkipDir
			}
		}
		return err
	})
}

// Compare returns the lines that only one of two sorted lists has, marked with
// - if it is the old one and + if it is the new one.
func Compare(old, current []string) []string {
	var diff []string
	for len(old) > 0 || len(current) > 0 {
		switch {
		case len(current) == 0 || len(old) > 0 && old[0] < current[0]:
			diff, old = append(diff, "- "+old[0]), old[1:]
		case len(old) == 0 || current[0] < old[0]:
			diff, current = append(diff, "+ "+current[0]), current[1:]
		default:
			old, current = old[1:], current[1:]
		}
	}
	return diff
}

// Check compares the lines of a checked-in file with current ones. The error
// lists what differs and names the command that writes the file anew.
func Check(file string, current []string, command string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("%w\nwrite it with: %s", err, command)
	}
	var old []string
	for line := range strings.Lines(string(text)) {
		old = append(old, strings.TrimRight(line, "\r\n"))
	}
	if diff := Compare(old, current); len(diff) > 0 {
		return fmt.Errorf("%s is not what the code says (- only there, + only in the code):\n%s\nif this is meant, write it anew with: %s",
			filepath.Base(file), strings.Join(diff, "\n"), command)
	}
	return nil
}
