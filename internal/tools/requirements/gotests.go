package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// goTests finds what Go tests name. A test names the ids in its own name and
// at the head of strings in its body, in package-level tables it uses, and in
// helpers it calls, in other packages of the module too: a helper that no test
// calls names nothing.
type goTests struct {
	root   string
	module string // its path, without which imports cannot be followed
	decls  map[place][]*decl
	tests  []*decl
	// helpers are the directories of packages that import testing outside of
	// test files. What tests use of other packages is what they test.
	helpers map[string]bool
}

// place is where a package-level name lives.
type place struct{ dir, name string }

// decl is one function, variable or constant.
type decl struct {
	place
	file string
	ids  []string // named by its strings
	uses []place  // that it may refer to
}

var (
	modulePath = regexp.MustCompile(`(?m)^module (\S+)$`)
	testName   = regexp.MustCompile(`^(?:Test|Fuzz|Benchmark|Example)([^a-z].*)?$`)
)

func newGoTests(root string) *goTests {
	g := &goTests{root: root, decls: map[place][]*decl{}, helpers: map[string]bool{}}
	text, _ := os.ReadFile(filepath.Join(root, "go.mod")) // a tree without one has no imports to follow
	if m := modulePath.FindSubmatch(text); m != nil {
		g.module = string(m[1])
	}
	return g
}

// add reads one file.
func (g *goTests) add(name string) error {
	isTest := strings.HasSuffix(name, "_test.go")
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(g.root, name), nil, parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	imports := g.imports(file)
	dir := path.Dir(name)
	if _, ok := imports["testing"]; ok && !isTest {
		g.helpers[dir] = true
	}
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			found := g.declare(dir, name, d.Name.Name, d, imports)
			if isTest && d.Recv == nil && d.Name.Name != "TestMain" && testName.MatchString(d.Name.Name) {
				g.tests = append(g.tests, found)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				if v, ok := spec.(*ast.ValueSpec); ok {
					for _, n := range v.Names {
						g.declare(dir, name, n.Name, v, imports)
					}
				}
			}
		}
	}
	return nil
}

// imports maps the names of a file's imports to directories of the module, and
// those from elsewhere to nothing.
func (g *goTests) imports(file *ast.File) map[string]string {
	dirs := map[string]string{}
	for _, spec := range file.Imports {
		imported, _ := strconv.Unquote(spec.Path.Value) // the parser has unquoted it before
		name := path.Base(imported)
		if spec.Name != nil {
			name = spec.Name.Name
		}
		rest, ours := strings.CutPrefix(imported, g.module)
		switch {
		case ours && g.module != "" && rest == "":
			dirs[name] = "."
		case ours && g.module != "" && rest[0] == '/':
			dirs[name] = rest[1:]
		default:
			dirs[name] = ""
		}
	}
	return dirs
}

func (g *goTests) declare(dir, file, name string, node ast.Node, imports map[string]string) *decl {
	d := &decl{place: place{dir, name}, file: file}
	ast.Inspect(node, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			if onlyTalks(n) {
				return false
			}
		case *ast.BasicLit:
			if n.Kind == token.STRING {
				text, _ := strconv.Unquote(n.Value) // parsed, so quoted well
				d.ids = append(d.ids, idsInText(text)...)
			}
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && imports[x.Name] != "" {
				d.uses = append(d.uses, place{imports[x.Name], n.Sel.Name})
			}
		case *ast.Ident:
			d.uses = append(d.uses, place{dir, n.Name})
		}
		return true
	})
	g.decls[d.place] = append(g.decls[d.place], d)
	return d
}

// onlyTalks reports calls whose strings are messages, not names of tests.
func onlyTalks(call *ast.CallExpr) bool {
	var name string
	switch f := call.Fun.(type) {
	case *ast.Ident:
		name = f.Name
	case *ast.SelectorExpr:
		name = f.Sel.Name
	}
	switch name {
	case "Error", "Errorf", "Fatal", "Fatalf", "Log", "Logf", "Skip", "Skipf", "panic", "Print", "Printf", "Println":
		return true
	}
	return false
}

// mentions follows each test to all that it reaches.
func (g *goTests) mentions() []mention {
	var found []mention
	for _, test := range g.tests {
		ids := idsInName(testName.FindStringSubmatch(test.name)[1])
		seen := map[*decl]bool{}
		for todo := []*decl{test}; len(todo) > 0; {
			d := todo[len(todo)-1]
			todo = todo[:len(todo)-1]
			if seen[d] || !strings.HasSuffix(d.file, "_test.go") && !g.helpers[d.dir] {
				continue
			}
			seen[d] = true
			ids = append(ids, d.ids...)
			for _, use := range d.uses {
				todo = append(todo, g.decls[use]...)
			}
		}
		slices.Sort(ids)
		for _, id := range slices.Compact(ids) {
			found = append(found, mention{id, test.file + ":" + test.name})
		}
	}
	return found
}
