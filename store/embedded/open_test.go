package embedded_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/wayleave/wayleave/store/embedded"
)

func TestOpen_CreatesAFileThatOnlyItsOwnerCanRead(t *testing.T) {
	path := newPath(t)
	s := open(t, path)
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v, error %v; want 0600", info.Mode(), err)
	}
	create(t, s, 1, record("v"))
	closed(t, s)
	wantValue(t, open(t, path), 1, "v")
	if names, _ := filepath.Glob(filepath.Dir(path) + "/*"); len(names) != 1 {
		t.Errorf("files %v, want one", names)
	}
}

func TestOpen_AnEmptyFileBecomesAStore(t *testing.T) {
	path := newPath(t)
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	create(t, open(t, path), 1, record("v"))
}

// A process that was killed right after bbolt had made the file.
func TestOpen_ADatabaseWithNothingInItBecomesAStore(t *testing.T) {
	path := newPath(t)
	bolt(t, path, func(*bbolt.Tx) error { return nil })
	create(t, open(t, path), 1, record("v"))
}

func TestOpen_AWrongPathCreatesNothing(t *testing.T) {
	dir := t.TempDir()
	_, err := embedded.Open(filepath.Join(dir, "no", "store.db"), embedded.Options{})
	wantErr(t, err, fs.ErrNotExist)
	wantCure(t, err, "create the directory first")
	if names, _ := os.ReadDir(dir); len(names) != 0 {
		t.Errorf("%v was created", names)
	}
	if _, err := embedded.Open(dir, embedded.Options{}); !errors.Is(err, embedded.ErrForeign) {
		t.Errorf("a directory: %v, want %v", err, embedded.ErrForeign)
	}
}

func TestOpen_RefusesAFileThatOthersCanUse(t *testing.T) {
	path := newPath(t)
	closed(t, open(t, path))
	for _, mode := range []fs.FileMode{0o601, 0o604, 0o640, 0o660, 0o666, 0o620} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		_, err := embedded.Open(path, embedded.Options{})
		wantErr(t, err, embedded.ErrExposed)
		wantCure(t, err, "run chmod 600")
		if info, _ := os.Stat(path); info.Mode() != mode {
			t.Errorf("mode became %v", info.Mode())
		}
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	closed(t, open(t, path))
}

func TestOpen_RefusesASecondUser(t *testing.T) {
	path := newPath(t)
	s := open(t, path)
	create(t, s, 1, record("v"))

	_, err := embedded.Open(path, embedded.Options{Wait: time.Millisecond})
	wantErr(t, err, embedded.ErrInUse)
	wantCure(t, err, "must be stopped first")

	cmd, lines := child(t, "open", path)
	lines.Scan()
	if !strings.Contains(lines.Text(), embedded.ErrInUse.Error()) || !strings.Contains(lines.Text(), path) {
		t.Errorf("another process got %q, want %q and the path", lines.Text(), embedded.ErrInUse)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	wantValue(t, s, 1, "v")
	create(t, s, 2, record("w"))
	closed(t, s)

	cmd, lines = child(t, "open", path)
	if lines.Scan(); lines.Text() != "<nil>" {
		t.Errorf("another process got %q after Close, want no error", lines.Text())
	}
	cmd.Wait()
}

func TestOpen_WaitsForAProcessThatIsEnding(t *testing.T) {
	path := newPath(t)
	first := open(t, path)
	var done atomic.Bool
	time.AfterFunc(200*time.Millisecond, func() {
		done.Store(true)
		first.Close()
	})
	s, err := embedded.Open(path, embedded.Options{Wait: time.Minute})
	if err != nil || !done.Load() {
		t.Fatalf("error %v, first one closed: %t", err, done.Load())
	}
	closed(t, s)
}

func TestOpen_RefusesWhatIsNoStoreAndLeavesItAlone(t *testing.T) {
	for name, c := range map[string]struct {
		make func(t *testing.T, path string)
		want error
		cure string
	}{
		"a short text": {text(100), embedded.ErrForeign, "name another file"},
		"a text":       {text(5000), embedded.ErrForeign, "name another file"},
		"a long text":  {text(100_000), embedded.ErrForeign, "name another file"},
		"a database of another program": {func(t *testing.T, path string) {
			bolt(t, path, func(tx *bbolt.Tx) error {
				_, err := tx.CreateBucket([]byte("theirs"))
				return err
			})
		}, embedded.ErrForeign, "another program"},
		"another format": {func(t *testing.T, path string) {
			closed(t, open(t, path))
			bolt(t, path, func(tx *bbolt.Tx) error {
				return tx.Bucket([]byte("wayleave")).Put([]byte("format"), []byte("2"))
			})
		}, embedded.ErrForeign, `format is "2", want "1"`},
		"another version of bbolt": {func(t *testing.T, path string) {
			closed(t, open(t, path))
			for page := range int64(2) {
				poke(t, path, page*4096+16+4, 3)
			}
		}, embedded.ErrForeign, "name another file"},
		"a store without its end": {func(t *testing.T, path string) {
			full(t, path)
			if err := os.Truncate(path, 64<<10); err != nil {
				t.Fatal(err)
			}
		}, embedded.ErrDamaged, "restore it from a copy"},
		"a store without its last page": {func(t *testing.T, path string) {
			full(t, path)
			db, err := bbolt.Open(path, 0o600, nil)
			if err != nil {
				t.Fatal(err)
			}
			tx, err := db.Begin(false)
			if err != nil {
				t.Fatal(err)
			}
			used := tx.Size()
			if err := errors.Join(tx.Rollback(), db.Close(), os.Truncate(path, used-4096)); err != nil {
				t.Fatal(err)
			}
		}, embedded.ErrDamaged, "restore it from a copy"},
		"a store with its list of free pages destroyed": {func(t *testing.T, path string) {
			full(t, path)
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for at := 0; at < len(b); at += 4096 {
				if b[at+8] == 0x10 { // a list of free pages
					poke(t, path, int64(at+8), 0xff)
				}
			}
		}, embedded.ErrDamaged, "restore it from a copy"},
		"a store with both heads destroyed": {func(t *testing.T, path string) {
			full(t, path)
			for page := range int64(2) {
				poke(t, path, page*4096+16+40, 0xff)
			}
		}, embedded.ErrDamaged, "restore it from a copy"},
		"a store of pages that make no sense": {func(t *testing.T, path string) {
			full(t, path)
			info, _ := os.Stat(path)
			for at := int64(2 * 4096); at < info.Size(); at += 4096 {
				poke(t, path, at+8, 0xff)
			}
		}, embedded.ErrDamaged, "restore it from a copy"},
	} {
		t.Run(name, func(t *testing.T) {
			path := newPath(t)
			c.make(t, path)
			if err := os.Chmod(path, 0o600); err != nil {
				t.Fatal(err)
			}
			before, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			_, err = embedded.Open(path, embedded.Options{Wait: time.Millisecond})
			wantErr(t, err, c.want)
			wantCure(t, err, c.cure)
			if after, _ := os.ReadFile(path); !bytes.Equal(after, before) {
				t.Error("the file was changed")
			}
		})
	}
}

func TestOpen_OneDestroyedHeadIsSurvived(t *testing.T) {
	path := newPath(t)
	full(t, path)
	poke(t, path, 16+40, 0xff)
	s := open(t, path)
	wantValue(t, s, 0, strings.Repeat("v", 500))
	create(t, s, -1, record("w"))
}

// full makes a store of some hundred pages.
func full(t *testing.T, path string) {
	t.Helper()
	s := open(t, path)
	fill(t, s, 500, 500)
	closed(t, s)
}

func text(n int) func(*testing.T, string) {
	return func(t *testing.T, path string) {
		if err := os.WriteFile(path, bytes.Repeat([]byte("text\n"), n/5), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// bolt changes a file as another program would.
func bolt(t *testing.T, path string, change func(*bbolt.Tx) error) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{NoFreelistSync: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Update(change), db.Close()); err != nil {
		t.Fatal(err)
	}
}

func poke(t *testing.T, path string, at int64, value byte) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteAt([]byte{value}, at)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}
