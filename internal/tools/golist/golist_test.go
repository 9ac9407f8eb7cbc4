package golist_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wayleave/wayleave/internal/tools/golist"
)

func TestCompare(t *testing.T) {
	for name, c := range map[string]struct{ old, current, want string }{
		"equal":           {"a b", "a b", ""},
		"both empty":      {"", "", ""},
		"added at end":    {"a", "a b", "+b"},
		"removed at end":  {"a b", "a", "-b"},
		"replaced inside": {"a b d", "a c d", "-b +c"},
		"nothing before":  {"", "a", "+a"},
		"repeated line":   {"a a", "a", "-a"},
	} {
		t.Run(name, func(t *testing.T) {
			got := golist.Compare(strings.Fields(c.old), strings.Fields(c.current))
			for i := range got {
				got[i] = strings.ReplaceAll(got[i], " ", "")
			}
			if !slices.Equal(got, strings.Fields(c.want)) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestCheck(t *testing.T) {
	file := filepath.Join(t.TempDir(), "list.txt")
	if err := golist.Check(file, nil, "the command"); err == nil || !strings.Contains(err.Error(), "the command") {
		t.Errorf("without a file the error is %v, want the command in it", err)
	}
	if err := os.WriteFile(file, []byte("a\nb\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := golist.Check(file, []string{"a", "b"}, "the command"); err != nil {
		t.Errorf("equal lists: %v", err)
	}
	err := golist.Check(file, []string{"a", "c"}, "the command")
	if err == nil {
		t.Fatal("different lists pass")
	}
	for _, want := range []string{"list.txt", "\n- b\n+ c\n", "the command"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q lacks %q", err, want)
		}
	}
}

func TestList(t *testing.T) {
	root, err := golist.Root()
	if err != nil {
		t.Fatal(err)
	}
	packages, err := golist.List(root, nil, "./internal/tools/golist", "errors")
	if err != nil {
		t.Fatal(err)
	}
	if len(packages) != 2 || packages[0].Standard || packages[0].Name != "golist" || !packages[1].Standard {
		t.Errorf("got %+v, want golist and the standard errors", packages)
	}
	if _, err := golist.List(root, nil, "./nothing"); err == nil || !strings.Contains(err.Error(), "nothing") {
		t.Errorf("error for no package is %v, want its name in it", err)
	}
	if err := golist.Watch(root); err != nil {
		t.Error(err)
	}
}
