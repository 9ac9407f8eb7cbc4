package main

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// mention is one id named by one test.
type mention struct {
	id   string
	test string // file:function, file:"title" or the file of a script
}

// scanTree finds every mention below root, sorted by test. Directories that
// hold no tests of ours are left out; nested modules are not.
func scanTree(root string) ([]mention, error) {
	sources := newGoTests(root)
	var found []mention
	err := fs.WalkDir(os.DirFS(root), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			if skipDir(name, d.Name()) {
				return fs.SkipDir
			}
		case strings.HasSuffix(name, ".go") && !inTestdata(name):
			return sources.add(name)
		case strings.HasSuffix(name, ".mjs") && !inTestdata(name):
			text, err := os.ReadFile(filepath.Join(root, name))
			if err != nil {
				return err
			}
			found = append(found, titles(name, string(text))...)
		case strings.HasSuffix(name, ".txt") && isScript(name):
			base := strings.ToUpper(strings.TrimSuffix(path.Base(name), ".txt"))
			for _, id := range idsInText(base) {
				found = append(found, mention{id, name})
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	found = append(found, sources.mentions()...)
	slices.SortFunc(found, func(a, b mention) int {
		return strings.Compare(a.test+" "+a.id, b.test+" "+b.id)
	})
	return slices.Compact(found), nil
}

// skipDir keeps what the go command ignores out, except a testdata directory
// that has scripts, which is walked for them alone.
func skipDir(name, base string) bool {
	if name == "." {
		return false
	}
	if parent := path.Base(path.Dir(name)); parent == "testdata" {
		return base != "script" && base != "scripts"
	}
	return base[0] == '.' || base[0] == '_' || base == "node_modules" || base == "vendor"
}

func inTestdata(name string) bool {
	return slices.Contains(strings.Split(name, "/"), "testdata")
}

// isScript tells a script, which its runner turns into a subtest named by the
// file, from other text files.
func isScript(name string) bool {
	dir := path.Base(path.Dir(name))
	return dir == "script" || dir == "scripts" || strings.HasPrefix(name, "test/")
}
