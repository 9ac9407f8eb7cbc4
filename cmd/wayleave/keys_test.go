package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wayleave/wayleave/internal/keyfile"
	"github.com/wayleave/wayleave/internal/seal"
)

// must runs a command that succeeds.
func must(t *testing.T, args ...string) (stdout string) {
	t.Helper()
	code, out, errs := runCommand(t, args...)
	if code != 0 || errs != "" {
		t.Fatalf("%v: exit %d, %s", args, code, errs)
	}
	return out
}

// mustNot runs a command that fails with that status and says so.
func mustNot(t *testing.T, status int, want string, args ...string) {
	t.Helper()
	code, out, errs := runCommand(t, args...)
	if code != status || out != "" || !strings.Contains(errs, want) {
		t.Errorf("%v: exit %d, want %d and %q, got %s%s", args, code, status, want, out, errs)
	}
}

func newKeyFile(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "keys")
	must(t, "keys", "new", file)
	return file
}

func keyIDs(t *testing.T, file string) []string {
	t.Helper()
	f, err := keyfile.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, e := range f.Entries() {
		ids = append(ids, e.ID.String())
	}
	return ids
}

func TestKeysAreRotatedInTwoSteps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := newKeyFile(t)
		old := keyIDs(t, file)[0]
		out := must(t, "keys", "rotate", file)
		ids := keyIDs(t, file)
		added := ids[1]
		if ids[0] != old || !strings.Contains(out, "Step 1 of 2: key "+added+" is in the file. It opens, and "+old+" still seals.") {
			t.Fatalf("%v: %s", ids, out)
		}

		time.Sleep(settleTime - time.Second)
		mustNot(t, 1, "was added 59 seconds ago", "keys", "rotate", file)
		mustNot(t, 1, "add --yes", "keys", "rotate", file)
		if got := keyIDs(t, file); !slices.Equal(got, ids) {
			t.Fatalf("an accident made %v of %v", got, ids)
		}

		time.Sleep(time.Second)
		out = must(t, "keys", "rotate", file)
		if got := keyIDs(t, file); !slices.Equal(got, []string{added, old}) || !strings.Contains(out, "Step 2 of 2: key "+added+" seals from now on") {
			t.Fatalf("%v: %s", got, out)
		}

		must(t, "keys", "rotate", file)
		must(t, "keys", "rotate", file, "--yes")
		if got := keyIDs(t, file); len(got) != 3 || got[1] != added || got[2] != old {
			t.Fatalf("got %v", got)
		}
		mustNot(t, 1, "is the one that seals", "keys", "drop", file, keyIDs(t, file)[0])
		must(t, "keys", "drop", file, old)
		if got := keyIDs(t, file); len(got) != 2 || slices.Contains(got, old) {
			t.Errorf("got %v", got)
		}
	})
}

func TestAKeyMadeByOtherMeansIsRotated(t *testing.T) {
	file := filepath.Join(t.TempDir(), "keys")
	key := strings.Repeat("7Y", 21) + "8" // 43 characters of base64url
	if err := os.WriteFile(file, []byte(key+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	old := keyIDs(t, file)[0]
	must(t, "keys", "rotate", file)
	must(t, "keys", "rotate", "--yes", file)
	if got := keyIDs(t, file); len(got) != 2 || got[1] != old {
		t.Errorf("got %v, want %s last", got, old)
	}
}

func TestKeysAreListedInPlainWords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // the clock begins with the year 2000
		file := newKeyFile(t)
		must(t, "keys", "rotate", file)
		ids := keyIDs(t, file)
		want := "KEY       USE                 ADDED                 PROMOTED              RECORDS\n" +
			ids[0] + "  seals and opens     2000-01-01 00:00 UTC  2000-01-01 00:00 UTC  ?\n" +
			ids[1] + "  opens; next to seal  2000-01-01 00:00 UTC  -                     ?\n"
		squeeze := func(s string) string { return regexp.MustCompile(` +`).ReplaceAllString(s, " ") }
		if got := must(t, "keys", "list", file); squeeze(got) != squeeze(want) {
			t.Errorf("got\n%swant\n%s", got, want)
		}
		var doc struct {
			Keys []struct{ ID, Use, Added, Promoted string }
		}
		out := must(t, "keys", "list", file, "--json")
		if err := json.Unmarshal([]byte(out), &doc); err != nil {
			t.Fatalf("%v in %s", err, out)
		}
		if len(doc.Keys) != 2 || doc.Keys[0].ID != ids[0] || doc.Keys[0].Use != "seals" || doc.Keys[0].Promoted != "2000-01-01T00:00:00Z" ||
			doc.Keys[1].Use != "waits" || doc.Keys[1].Promoted != "" || strings.Contains(out, "records") {
			t.Errorf("got %s", out)
		}
	})
}

func TestTheRunningWayleaveSaysWhatKeysStillSeal(t *testing.T) {
	file := newKeyFile(t)
	must(t, "keys", "rotate", file)
	must(t, "keys", "rotate", file, "--yes")
	ids := keyIDs(t, file)
	fake := startAdmin(t)
	fake.keys = `{"keys":[{"id":"` + ids[1] + `","active":true,"records":123},{"id":"00c0ffee","active":false,"records":1}],"resealing":{"running":true,"done":1,"left":7}}`
	out := must(t, "keys", "list", file, "--admin", fake.address)
	for _, want := range []string{
		ids[1] + "  opens only", "  123\n", "  ?\n",
		"The running wayleave does not know key " + ids[0] + ": restart it to read the file.\n",
		"The running wayleave seals with key " + ids[1] + ": restart it to seal with " + ids[0] + ".\n",
		"The running wayleave has key 00c0ffee, which is not in this file; it seals 1 record.\n",
		"Sealing again: 1 record done, 7 left.\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing in\n%s", want, out)
		}
	}
	if out := must(t, "keys", "list", file, "--json", "--admin", fake.address); !strings.Contains(out, `"records": 123`) || !strings.Contains(out, `"left": 7`) {
		t.Errorf("got %s", out)
	}
	mustNot(t, 1, "the running wayleave still seals with key "+ids[1], "keys", "drop", file, ids[1], "--admin", fake.address)
	fake.keys = strings.Replace(fake.keys, "true", "false", 1)
	mustNot(t, 1, "key "+ids[1]+" still seals 123 records, which would be lost", "keys", "drop", file, ids[1], "--admin", fake.address)
	fake.keys = strings.Replace(fake.keys, "123", "0", 1)
	must(t, "keys", "drop", file, ids[1], "--admin", fake.address)
}

func TestAKeyThatTheRunningWayleaveDoesNotKnowIsKept(t *testing.T) {
	file := newKeyFile(t)
	must(t, "keys", "rotate", file)
	id := keyIDs(t, file)[1]
	fake := startAdmin(t)
	fake.keys = `{"keys":[],"resealing":{}}`
	mustNot(t, 1, "the running wayleave does not know key "+id, "keys", "drop", file, id, "--admin", fake.address)
	must(t, "keys", "drop", file, id, "--admin", fake.address, "--yes")
}

func TestYesDropsWhatIsStillNeeded(t *testing.T) {
	file := newKeyFile(t)
	must(t, "keys", "rotate", file)
	id := keyIDs(t, file)[1]
	fake := startAdmin(t)
	fake.keys = `{"keys":[{"id":"` + id + `","active":false,"records":1}],"resealing":{}}`
	mustNot(t, 1, "still seals 1 record,", "keys", "drop", file, id, "--admin", fake.address)
	must(t, "keys", "drop", file, id, "--admin", fake.address, "--yes")
}

func TestMistakesWithKeysAreNamed(t *testing.T) {
	file := newKeyFile(t)
	exposed := newKeyFile(t)
	if err := os.Chmod(exposed, 0o644); err != nil {
		t.Fatal(err)
	}
	missing := filepath.Join(t.TempDir(), "none")
	for _, test := range []struct {
		status int
		want   string
		args   []string
	}{
		{2, "want new, list, rotate or drop\nTry: wayleave keys --help", nil},
		{2, `want new, list, rotate or drop, got "renew"`, []string{"renew", file}},
		{2, "want: wayleave keys rotate FILE", []string{"rotate"}},
		{2, "want: wayleave keys rotate FILE", []string{"rotate", file, "x"}},
		{2, "want: wayleave keys drop FILE ID", []string{"drop", file}},
		{2, `unexpected argument "y"`, []string{"drop", file, "x", "y"}},
		{2, "flag provided but not defined: -force", []string{"rotate", file, "--force"}},
		{1, "is there already and stays as it is", []string{"new", file}},
		{1, "no such file", []string{"new", filepath.Join(missing, "keys")}},
		{1, "no such file", []string{"list", missing}},
		{1, "no such file", []string{"rotate", missing}},
		{1, "run chmod 600 on it", []string{"list", exposed}},
		{1, "run chmod 600 on it", []string{"rotate", exposed}},
		{1, `want a key's id of 8 hexadecimal digits, got "1"`, []string{"drop", file, "1"}},
		{1, "has no key 00000000, only ", []string{"drop", file, "00000000"}},
		{1, "there is no such socket", []string{"list", file, "--admin", "unix:" + missing}},
		{1, "want unix:/path, got ", []string{"list", file, "--admin", missing}},
	} {
		mustNot(t, test.status, test.want, append([]string{"keys"}, test.args...)...)
	}
}

func TestNoCommandPrintsAKey(t *testing.T) {
	file := newKeyFile(t)
	said := must(t, "keys", "list", file) + must(t, "keys", "rotate", file) + must(t, "keys", "rotate", file, "--yes") + must(t, "keys", "list", "--json", file)
	f, err := keyfile.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range f.Keys() {
		if strings.Contains(said, seal.Encode(key)[:10]) {
			t.Error("a key was printed")
		}
	}
}
