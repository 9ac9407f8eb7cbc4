package embedded_test

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wayleave/wayleave/store"
	"github.com/wayleave/wayleave/store/embedded"
)

func TestKind_TheURLNamesTheFile(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	if err := os.Mkdir("sub", 0o700); err != nil {
		t.Fatal(err)
	}
	for url, name := range map[string]string{
		"file:" + dir + "/absolute.db":       "absolute.db",
		"file://" + dir + "/empty-host.db":   "empty-host.db",
		"file:relative.db":                   "relative.db",
		"file:sub/relative.db":               "sub/relative.db",
		"file:./dot.db":                      "dot.db",
		"file:a%20b%25%3F%23.db":             "a b%?#.db",
		"file:" + dir + "/c%20d%25%3F%2B.db": "c d%?+.db",
		"file:plus+.db":                      "plus+.db",
		"file:x@y:1.db":                      "x@y:1.db",
	} {
		s, err := store.Open(t.Context(), url, embedded.Kind())
		if err != nil {
			t.Errorf("%s: %v", url, err)
			continue
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func TestKind_RefusesOtherURLsAndDoesNotRepeatThem(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for url, why := range map[string]string{
		"file:":                  "names no file",
		"file://":                "names no file",
		"file://canary/x.db":     "names a host",
		"file://canary@/x.db":    "names a host",
		"file:canary.db?mode=ro": "has a query",
		"file:canary.db?":        "has a query",
		"file:/canary.db#part":   "has a fragment",
		"file:canary%zz.db":      "invalid URL escape",
		"file:/canary%zz.db":     "invalid URL escape",
		"file:/canary\x7f.db":    "cannot be parsed",
		"file://host:canary/x":   "cannot be parsed",
	} {
		s, err := store.Open(t.Context(), url, embedded.Kind())
		if err == nil || s != nil {
			t.Errorf("%q: opened", url)
			continue
		}
		wantCure(t, err, why)
		wantCure(t, err, `want "file:/absolute/path" or "file:relative/path"`)
		if strings.Contains(err.Error(), "canary") {
			t.Errorf("error %q repeats the URL", err)
		}
	}
	if names, _ := os.ReadDir(dir); len(names) != 0 {
		t.Errorf("%v was created", names)
	}
}

func TestKind_SaysWhatOpenSays(t *testing.T) {
	dir := t.TempDir()
	_, err := store.Open(t.Context(), "file:"+dir+"/no/store.db", embedded.Kind())
	wantErr(t, err, fs.ErrNotExist)

	s := open(t, filepath.Join(dir, "store.db"))
	create(t, s, 1, record("v"))
	again, err := store.Open(t.Context(), "file:"+dir+"/store.db", embedded.Kind())
	wantErr(t, err, embedded.ErrInUse)
	if again != nil {
		t.Errorf("opened a %T beside the error", again)
	}

	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = store.Open(ended, "file:"+dir+"/other.db", embedded.Kind())
	wantErr(t, err, context.Canceled)
}
