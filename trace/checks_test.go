package trace_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
	"testing"

	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/trace"
)

// checksOfOAuth reads the Check constants from the source of package oauth, so
// that one added there cannot be forgotten here.
func checksOfOAuth(t *testing.T) []oauth.Check {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../oauth/errors.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var checks []oauth.Check
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if kind, ok := spec.Type.(*ast.Ident); !ok || kind.Name != "Check" {
			return true
		}
		for _, value := range spec.Values {
			name, err := strconv.Unquote(value.(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			checks = append(checks, oauth.Check(name))
		}
		return true
	})
	if len(checks) < 30 {
		t.Fatalf("found only %d checks: the constants are declared in another way than this test reads", len(checks))
	}
	return checks
}

func TestEveryCheckIsExplained(t *testing.T) {
	seen := map[string]oauth.Check{}
	for _, c := range checksOfOAuth(t) {
		says, stops := trace.Explain(c)
		for _, text := range []string{says, stops} {
			if len(text) < 15 || !strings.HasSuffix(text, ".") || strings.Count(text, ". ") > 0 {
				t.Errorf("%s: %q is not one plain sentence", c, text)
			}
			if other, ok := seen[text]; ok {
				t.Errorf("%s and %s are explained with the same sentence %q", c, other, text)
			}
			seen[text] = c
		}
	}
}

func TestAnUnknownCheckIsShownByItsName(t *testing.T) {
	if says, stops := trace.Explain("new-check"); says != "new-check" || stops != "" {
		t.Errorf("got %q and %q", says, stops)
	}
}
