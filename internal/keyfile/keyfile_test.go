package keyfile_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wayleave/wayleave/internal/keyfile"
	"github.com/wayleave/wayleave/internal/seal"
)

var now = time.Date(2026, 11, 23, 2, 25, 0, 0, time.UTC)

// secret is a key that nobody could mistake for a real one, and that tests can
// search for.
func secret(n byte) []byte { return bytes.Repeat([]byte{n, 0xA5}, seal.KeySize/2) }

func id(t testing.TB, key []byte) string {
	t.Helper()
	ring, err := seal.NewRing(key)
	if err != nil {
		t.Fatal(err)
	}
	return ring.Active().String()
}

func write(t testing.TB, text string, mode fs.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil { // whatever the umask is
		t.Fatal(err)
	}
	return path
}

func read(t testing.TB, path string) *keyfile.File {
	t.Helper()
	f, err := keyfile.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestABareKeyIsARing(t *testing.T) {
	key := append(secret(0xFB)[:30], 0xFF, 0xEF) // has + and / in base64
	for name, text := range map[string]string{
		"base64":               base64.StdEncoding.EncodeToString(key) + "\n",
		"base64, no padding":   base64.RawStdEncoding.EncodeToString(key),
		"base64url":            base64.RawURLEncoding.EncodeToString(key) + "\r\n",
		"base64url, padded":    base64.URLEncoding.EncodeToString(key),
		"hexadecimal":          hex.EncodeToString(key) + "\n",
		"HEXADECIMAL":          strings.ToUpper(hex.EncodeToString(key)),
		"with a comment":       "\n# mine\n  " + hex.EncodeToString(key) + "  # made by hand\n\n",
		"with the version":     "wayleave-keys-1\n" + hex.EncodeToString(key),
		"with its id":          hex.EncodeToString(key) + " # id " + id(t, key),
		"with its times, note": hex.EncodeToString(key) + " # id " + id(t, key) + ", added 2026-11-23T02:25:00Z, promoted 2026-11-23T02:25:00+01:00; mine, id x",
	} {
		t.Run(name, func(t *testing.T) {
			f := read(t, write(t, text, 0o600))
			if keys := f.Keys(); len(keys) != 1 || !bytes.Equal(keys[0], key) {
				t.Error("other keys were read")
			}
			if got := f.Entries()[0].ID.String(); got != id(t, key) {
				t.Errorf("id %s, want %s", got, id(t, key))
			}
			if _, ok := f.Waiting(); ok {
				t.Error("a key waits")
			}
		})
	}
}

func TestMistakesAreNamedByLineAndNeverShowAKey(t *testing.T) {
	a, b := seal.Encode(secret(1)), seal.Encode(secret(2))
	for name, test := range map[string]struct {
		text string
		want []string
	}{
		"an empty file": {"", []string{": holds no key; wayleave keys new makes a file with one"}},
		"only comments": {"wayleave-keys-1\n# none\n", []string{": holds no key; wayleave keys new makes a file with one"}},
		"two bare keys": {a + "\n" + b, []string{`, line 1: a file of several keys begins with a line "wayleave-keys-1"`}},
		"another version": {"wayleave-keys-2\n" + a, []string{
			", line 1: want wayleave-keys-1 once, before all keys; another version needs another wayleave"}},
		"the version twice": {"wayleave-keys-1\nwayleave-keys-1\n" + a, []string{
			", line 2: want wayleave-keys-1 once, before all keys; another version needs another wayleave"}},
		"the version too late": {a + "\nwayleave-keys-1\n", []string{
			", line 2: want wayleave-keys-1 once, before all keys; another version needs another wayleave"}},
		"a character lost": {"wayleave-keys-1\n" + a[:42] + "\n" + b[1:], []string{
			", line 2: want a key of 32 bytes as base64 or hexadecimal; these 42 characters are neither",
			", line 3: want a key of 32 bytes as base64 or hexadecimal; these 42 characters are neither"}},
		"a short key":      {a[:40], []string{", line 1: the key has 30 bytes, want 32"}},
		"a long key":       {base64.StdEncoding.EncodeToString(bytes.Repeat(secret(1), 2)[:48]), []string{", line 1: the key has 48 bytes, want 32"}},
		"a passphrase":     {"correct horse battery staple", []string{", line 1: want a key of 32 bytes as base64 or hexadecimal; these 28 characters are neither"}},
		"encoded text":     {seal.Encode([]byte("correct horse battery staple 123")), []string{", line 1: the key is text, must be random bytes (decode hexadecimal or base64 first)"}},
		"zeros":            {strings.Repeat("0", 64), []string{", line 1: the key is all zeros"}},
		"the same twice":   {"wayleave-keys-1\n\n" + a + "\n# x\n" + a, []string{", line 5: the key is the same as an earlier key"}},
		"spaces inside":    {a[:20] + " " + a[20:], []string{", line 1: want a key of 32 bytes as base64 or hexadecimal; these 44 characters are neither"}},
		"padded twice":     {a + "==", []string{", line 1: want a key of 32 bytes as base64 or hexadecimal; these 45 characters are neither"}},
		"an id not its":    {a + " # id " + id(t, secret(2)), []string{", line 1: the key's id is " + id(t, secret(1)) + ", not " + id(t, secret(2)) + " as its comment says: the line is damaged, restore it from a copy"}},
		"an id cut off":    {a + " # id 12", []string{`, line 1: want "id 1a2b3c4d, added 2026-11-23T02:25:00Z, promoted 2026-11-23T02:25:00Z; any note" behind the key`}},
		"a strange time":   {a + " # id " + id(t, secret(1)) + ", added yesterday", []string{`, line 1: want "id 1a2b3c4d, added 2026-11-23T02:25:00Z, promoted 2026-11-23T02:25:00Z; any note" behind the key`}},
		"an unknown field": {a + " # id " + id(t, secret(1)) + ", mine", []string{`, line 1: want "id 1a2b3c4d, added 2026-11-23T02:25:00Z, promoted 2026-11-23T02:25:00Z; any note" behind the key`}},
		"too much":         {strings.Repeat("#\n", 40_000), []string{": has more than 65536 bytes: this is no key file"}},
	} {
		t.Run(name, func(t *testing.T) {
			path := write(t, test.text, 0o600)
			f, err := keyfile.Read(path)
			if f != nil || err == nil {
				t.Fatal("was read")
			}
			if _, ok := errors.AsType[*keyfile.Error](err); !ok {
				t.Errorf("got a %T", err)
			}
			var want []string
			for _, w := range test.want {
				want = append(want, "key file "+path+w)
			}
			if got := strings.Split(err.Error(), "\n"); !slices.Equal(got, want) {
				t.Errorf("got\n%q\nwant\n%q", got, want)
			}
			for _, key := range []string{a, b, "horse"} {
				for i := range len(key) - 4 {
					if strings.Contains(err.Error(), key[i:i+5]) {
						t.Fatal("the error shows a part of a key")
					}
				}
			}
		})
	}
}

func TestAFileThatOthersCanUseIsRefused(t *testing.T) {
	text := seal.Encode(secret(1))
	for mode, want := range map[fs.FileMode]string{
		0o600: "", 0o400: "", 0o640: "mode 0640", 0o604: "mode 0604", 0o620: "mode 0620", 0o666: "mode 0666",
	} {
		path := write(t, text, mode)
		_, err := keyfile.Read(path)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(),
			"others can read or change it ("+want+", want 0600): run chmod 600 on it")) {
			t.Errorf("%04o: %v", mode, err)
		}
		if want != "" {
			if err := keyfile.Update(path, func(*keyfile.File) error { return nil }); err == nil {
				t.Errorf("%04o: was updated", mode)
			}
		}
	}
}

func TestWhatIsNoFileIsRefused(t *testing.T) {
	if _, err := keyfile.Read(filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want that it does not exist", err)
	}
	if _, err := keyfile.Read(t.TempDir()); err == nil || !strings.HasSuffix(err.Error(), ": is not a regular file") {
		t.Errorf("got %v", err)
	}
}

func TestNewMakesAFileOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys")
	entry, err := keyfile.New(path, now)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	f := read(t, path)
	if got := f.Entries(); len(got) != 1 || got[0] != entry || entry.Added != now || entry.Promoted != now {
		t.Errorf("got %+v, want %+v", got, entry)
	}
	before, _ := os.ReadFile(path)
	if _, err := keyfile.New(path, now); err == nil || !strings.Contains(err.Error(), "is there already and stays as it is") {
		t.Errorf("got %v", err)
	}
	if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
		t.Error("the file was changed")
	}
	wantAlone(t, path)
	dangling := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink("nowhere", dangling); err != nil {
		t.Skip("no links here")
	}
	if _, err := keyfile.New(dangling, now); err == nil {
		t.Error("a link was replaced")
	}
}

// wantAlone: no file is left over beside it.
func wantAlone(t *testing.T, path string) {
	t.Helper()
	if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) != 1 {
		t.Errorf("beside the file: %v, %v", entries, err)
	}
}

func TestARotationGoesRound(t *testing.T) {
	path := write(t, "# ours\n"+seal.Encode(secret(1))+" # old; faithful\n\n# end\n", 0o600)
	var added keyfile.Entry
	update := func(change func(*keyfile.File) error) {
		t.Helper()
		if err := keyfile.Update(path, change); err != nil {
			t.Fatal(err)
		}
	}
	wantIDs := func(want ...string) {
		t.Helper()
		var got []string
		for _, e := range read(t, path).Entries() {
			got = append(got, e.ID.String())
		}
		if !slices.Equal(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	}
	old := id(t, secret(1))
	update(func(f *keyfile.File) error { added = f.Add(now); return nil })
	wantIDs(old, added.ID.String())
	if w, ok := read(t, path).Waiting(); !ok || w != added {
		t.Fatalf("waiting is %v, want %v", w, added)
	}
	update(func(f *keyfile.File) error { return f.Promote(added.ID, now.Add(time.Hour)) })
	wantIDs(added.ID.String(), old)
	if w, ok := read(t, path).Waiting(); ok {
		t.Fatalf("%v waits", w)
	}
	if e := read(t, path).Entries()[0]; e.Promoted != now.Add(time.Hour) {
		t.Errorf("promoted %v", e.Promoted)
	}
	text, _ := os.ReadFile(path)
	masked := strings.NewReplacer(seal.Encode(read(t, path).Keys()[0]), "NEW", seal.Encode(secret(1)), "OLD").Replace(string(text))
	want := fmt.Sprintf("wayleave-keys-1\n# ours\nNEW # id %s, added 2026-11-23T02:25:00Z, promoted 2026-11-23T03:25:00Z\nOLD # id %s; old; faithful\n\n# end\n", added.ID, old)
	if masked != want {
		t.Errorf("got\n%s\nwant\n%s", masked, want)
	}
	first := read(t, path).Entries()[0].ID
	if err := keyfile.Update(path, func(f *keyfile.File) error { return f.Drop(first) }); err == nil ||
		!strings.HasSuffix(err.Error(), "key "+first.String()+" is the one that seals: rotate first, then drop it") {
		t.Errorf("got %v", err)
	}
	oldID, _ := keyfile.ParseID(old)
	update(func(f *keyfile.File) error { return f.Drop(oldID) })
	wantIDs(first.String())
	if err := keyfile.Update(path, func(f *keyfile.File) error { return f.Drop(oldID) }); err == nil ||
		!strings.HasSuffix(err.Error(), "has no key "+old+", only "+first.String()) {
		t.Errorf("got %v", err)
	}
	wantAlone(t, path)
}

// TestAKeyMovedByHandDoesNotWait: [old, added] swapped in an editor, then rotated.
func TestAKeyMovedByHandDoesNotWait(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys")
	if _, err := keyfile.New(path, now); err != nil {
		t.Fatal(err)
	}
	err := keyfile.Update(path, func(f *keyfile.File) error { f.Add(now); return nil })
	if err != nil {
		t.Fatal(err)
	}
	text, _ := os.ReadFile(path)
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	n := len(lines)
	lines[n-1], lines[n-2] = lines[n-2], lines[n-1]
	moved := read(t, write(t, strings.Join(lines, "\n"), 0o600))
	if w, ok := moved.Waiting(); ok {
		t.Errorf("%v waits", w)
	}
	added := moved.Add(now)
	if err := moved.Promote(added.ID, now); err != nil {
		t.Fatal(err)
	}
	if w, ok := moved.Waiting(); ok || moved.Entries()[0].ID != added.ID || len(moved.Entries()) != 3 {
		t.Errorf("%v waits", w)
	}
}

func TestAFailedUpdateLeavesAllAsItWas(t *testing.T) {
	path := write(t, seal.Encode(secret(1)), 0o600)
	gone := errors.New("changed my mind")
	err := keyfile.Update(path, func(f *keyfile.File) error { f.Add(now); return gone })
	if text, _ := os.ReadFile(path); !errors.Is(err, gone) || string(text) != seal.Encode(secret(1)) {
		t.Errorf("got %v", err)
	}
	wantAlone(t, path)
}

func TestUpdatesKeepEachOtherOut(t *testing.T) {
	path := write(t, seal.Encode(secret(1)), 0o600)
	if err := keyfile.Update(path, func(*keyfile.File) error {
		if err := keyfile.Update(path, func(*keyfile.File) error { return nil }); err == nil || !strings.Contains(err.Error(), "another command changes the keys") {
			t.Errorf("got %v", err)
		}
		_, err := keyfile.Read(path) // readers are not kept out
		return err
	}); err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	var mu sync.Mutex
	done := 0
	for range 8 {
		group.Go(func() {
			if keyfile.Update(path, func(f *keyfile.File) error { f.Add(now); return nil }) == nil {
				mu.Lock()
				done++
				mu.Unlock()
			}
		})
	}
	group.Wait()
	if got := len(read(t, path).Keys()); done == 0 || got != 1+done {
		t.Errorf("%d keys after %d updates", got, done)
	}
}

func TestALinkStaysALink(t *testing.T) {
	path := write(t, seal.Encode(secret(1)), 0o600)
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(path, link); err != nil {
		t.Skip("no links here")
	}
	if err := keyfile.Update(link, func(f *keyfile.File) error { f.Add(now); return nil }); err != nil {
		t.Fatal(err)
	}
	if target, err := os.Readlink(link); err != nil || target != path || len(read(t, path).Keys()) != 2 {
		t.Errorf("%q, %v", target, err)
	}
}

func TestPrintingAFileShowsNoKey(t *testing.T) {
	key := secret(1)
	f := read(t, write(t, "# was "+seal.Encode(key)+"\n"+seal.Encode(key), 0o600))
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d", "%q"} {
		for _, got := range []string{fmt.Sprintf(verb, f), fmt.Sprintf(verb, *f), fmt.Sprintf(verb, []any{f})} {
			if !strings.Contains(got, "hidden") || strings.Contains(got, "165") || strings.Contains(got, seal.Encode(key)[:8]) {
				t.Errorf("%s prints %s", verb, got)
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	a, b := seal.Encode(secret(1)), hex.EncodeToString(secret(2))
	f.Add("wayleave-keys-1\n" + a + " # id " + id(f, secret(1)) + ", added 2026-11-23T02:25:00Z; note\n# old\n" + b + "\n")
	f.Add(a + "\r\n")
	f.Add(b + " # id " + id(f, secret(2)) + ", promoted 9999-12-31T23:59:59-23:59")
	f.Add("wayleave-keys-2\n#")
	f.Fuzz(func(t *testing.T, text string) {
		ring, err := keyfile.Parse("f", text)
		if err != nil {
			if _, ok := errors.AsType[*keyfile.Error](err); !ok || ring != nil {
				t.Fatalf("%T, %v", err, ring)
			}
			return
		}
		written := keyfile.Text(ring)
		again, err := keyfile.Parse("f", written)
		if err != nil {
			t.Fatalf("does not read what it wrote: %v", err)
		}
		if keyfile.Text(again) != written || len(ring.Keys()) != len(again.Keys()) {
			t.Fatal("writes another text the second time")
		}
		added := again.Add(now)
		if w, ok := again.Waiting(); !ok {
			t.Fatalf("%v waits, want %v or an earlier one", w, added)
		}
		if again.Promote(added.ID, now) != nil || again.Entries()[0].ID != added.ID {
			t.Fatal("was not promoted")
		}
	})
}
