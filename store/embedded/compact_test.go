package embedded_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wayleave/wayleave/store/embedded"
)

func TestCompact_MakesTheFileSmallAndKeepsWhatItHolds(t *testing.T) {
	path := inMemory(t)
	s := open(t, path)
	canary := strings.Repeat("canary", 80)
	for n := range 3 {
		create(t, s, n, record(canary))
		if err := s.Delete(t.Context(), sessions, key(n)); err != nil {
			t.Fatal(err)
		}
	}
	fill(t, s, 2000, 500)
	v := create(t, s, -1, record("kept", key(-2)))
	for n := range 2000 {
		if n%20 != 0 {
			if err := s.Delete(t.Context(), sessions, key(n)); err != nil {
				t.Fatal(err)
			}
		}
	}
	rows, links, due, err := s.Contents()
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = embedded.Compact(path)
	wantErr(t, err, embedded.ErrInUse)
	closed(t, s)

	if err := os.WriteFile(path+".compact", []byte("left over"), 0o600); err != nil {
		t.Fatal(err)
	}
	before, after, err := embedded.Compact(path)
	if err != nil || after > before/5 {
		t.Fatalf("%d bytes before, %d after, error %v", before, after, err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Size() != after || info.Mode() != 0o600 {
		t.Errorf("%d bytes, mode %v, error %v; want %d bytes, 0600", info.Size(), info.Mode(), err, after)
	}
	if names, _ := filepath.Glob(path + "*"); len(names) != 1 {
		t.Errorf("files %v, want one", names)
	}
	if b, _ := os.ReadFile(path); bytes.Contains(b, []byte("canary")) {
		t.Error("a deleted value is still in the file")
	}

	s = open(t, path)
	wantContents(t, s, rows, links, due)
	for n := range 2000 {
		if n%20 == 0 {
			wantValue(t, s, n, strings.Repeat("v", 500))
		}
	}
	keys, _, err := s.Lookup(t.Context(), sessions, key(-2), 10)
	if err != nil || len(keys) != 2 {
		t.Errorf("Lookup: %v, %v; want two keys", keys, err)
	}
	if w := create(t, s, 1, record("new")); w <= v {
		t.Errorf("version %d after %d", w, v)
	}
	if err := s.Verify(); err != nil {
		t.Error(err)
	}
}

func TestCompact_RefusesWhatOpenRefuses(t *testing.T) {
	path := newPath(t)
	_, _, err := embedded.Compact(path)
	wantErr(t, err, fs.ErrNotExist)
	if _, err := os.Stat(path); err == nil {
		t.Error("a missing file was created")
	}
	text(5000)(t, path)
	_, _, err = embedded.Compact(path)
	wantErr(t, err, embedded.ErrForeign)

	path = newPath(t)
	closed(t, open(t, path))
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	_, _, err = embedded.Compact(path)
	wantErr(t, err, embedded.ErrExposed)
}

func TestCompact_LeavesALinkToTheFileInItsPlace(t *testing.T) {
	path, link := newPath(t), newPath(t)
	s := open(t, path)
	create(t, s, 1, record("v"))
	closed(t, s)
	if err := os.Symlink(path, link); err != nil {
		t.Skip("no symbolic links here: ", err)
	}
	if _, _, err := embedded.Compact(link); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("mode %v, error %v; want a link", info.Mode(), err)
	}
	wantValue(t, open(t, path), 1, "v")
}
