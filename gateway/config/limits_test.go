package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wayleave/wayleave/gateway/config"
)

func TestAFileThatCannotBeReadIsSaid(t *testing.T) {
	dir := folder(t)
	for _, c := range []struct {
		name, want string
		make       func(file string) error
	}{
		{"missing", "missing: does not exist", func(string) error { return nil }},
		{"folder", "folder: is a folder, and not a file", func(file string) error { return os.Mkdir(file, 0o700) }},
		{"device", "device: is not a regular file", func(file string) error { return os.Symlink(os.DevNull, file) }},
		{"large", "large: is larger than 1048576 bytes", func(file string) error {
			return os.WriteFile(file, []byte(strings.Repeat("#", 1<<20+1)), 0o600)
		}},
		{"loop", "loop: cannot be read: too many levels of symbolic links", func(file string) error { return os.Symlink(file, file) }},
	} {
		file := filepath.Join(dir, c.name)
		if err := c.make(file); err != nil {
			t.Fatal(err)
		}
		_, err := config.Read(file, environment)
		if err == nil || printed(dir, err.Error()) != c.want {
			t.Errorf("%s: got %v, want %s", c.name, err, c.want)
		}
	}
}

func TestWhatIsNotTextIsToldAtItsPlace(t *testing.T) {
	dir := folder(t)
	for yaml, want := range map[string]string{
		"a: 1\nbé: \xff":        "wayleave.yaml:2:5: is not UTF-8; save the file as plain UTF-8 text",
		"a: 1\r\nb: \x00":       "wayleave.yaml:2:4: holds the control character U+0000; save the file as plain UTF-8 text",
		"a: \x1b[31m":           "wayleave.yaml:1:4: holds the control character U+001B; save the file as plain UTF-8 text",
		"\xff\xfea\x00:\x001":   "wayleave.yaml:1:1: is not UTF-8; save the file as plain UTF-8 text",
		"listen: [":             "wayleave.yaml:1:10: a value is expected here; close the brackets and braces that are open; put a value that begins with one of , [ ] { } in quotes",
		"\xef\xbb\xbflisten: [": "wayleave.yaml:1:10: a value is expected here; close the brackets and braces that are open; put a value that begins with one of , [ ] { } in quotes",
	} {
		if _, err := read(t, dir, yaml); err == nil || printed(dir, err.Error()) != want {
			t.Errorf("%q: got %v", yaml, err)
		}
	}
	if _, err := read(t, dir, "\xef\xbb\xbf"+strings.ReplaceAll(small, "\n", "\r\n")); err != nil {
		t.Errorf("a file with byte order mark and line ends of Windows: %v", err)
	}
}

func TestALongListIsRefused(t *testing.T) {
	dir := folder(t)
	yaml := strings.Replace(small, "signed_in", "{groups: ["+strings.Repeat("x, ", 1001)+"]}", 1)
	_, err := read(t, dir, yaml)
	if want := "wayleave.yaml:4:69: routes[0].allow.groups: has 1001 entries, and 1000 at most are allowed"; err == nil || printed(dir, err.Error()) != want {
		t.Errorf("got %v", err)
	}
}

// A bomb: lists of aliases to lists of aliases.
func TestAliasesCannotMakeLittleTextMuch(t *testing.T) {
	dir := folder(t)
	groups := "&g {groups: [" + strings.Repeat("x, ", 500) + "]}"
	allow := "&a [" + groups + strings.Repeat(", *g", 500) + "]"
	_, err := read(t, dir, strings.TrimSuffix(small, routeLine)+"routes:\n- {path: /, upstream: http://x, allow: "+allow+"}\n"+
		strings.Repeat("- {path: /, upstream: http://x, allow: *a}\n", 500))
	if err == nil || !strings.Contains(err.Error(), "the file has more than 50000 values; look for aliases that repeat aliases") || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v", err)
	}
	_, err = read(t, dir, small+"log: &l {level: *l}\n")
	if want := "wayleave.yaml:5:6: log.level: expected one of debug, info, warn, error, got a map"; err == nil || printed(dir, err.Error()) != want {
		t.Errorf("an alias within itself: got %v", err)
	}
}

func TestDIS19_MistakesAreSortedAndNotEndless(t *testing.T) {
	dir := folder(t)
	var yaml strings.Builder
	for i := range 300 {
		fmt.Fprintf(&yaml, "x%d: 1\n", 300-i)
	}
	_, err := read(t, dir, small+yaml.String())
	all := err.(config.Mistakes)
	if len(all) != 100 || all[99].Reason != "and 201 more mistakes" || all[0].Line != 5 || all[98].Line != 103 {
		t.Errorf("%d mistakes, the first %v, the last %v", len(all), all[0], all[len(all)-1])
	}
}

func TestAMistakeShowsItsLineButNoSecretOfIt(t *testing.T) {
	dir := folder(t)
	for _, c := range []struct{ name, yaml, want string }{
		{"a plain line", "\n\nlisten: 8000 # old: canary\n" + small, `
    listen: 8000
            ^`},
		{"a secret behind", strings.Replace(small, "issuer: https://id.acme.example, client_id: app", "isuer: https://id.acme.example", 1), `
    providers: {acme: {isuer: …
                       ^`},
		{"a secret before", strings.Replace(small, "env:ACME", "canary, offline: 7", 1) + "log: {level: x}\n", ""},
		{"a secret of two lines", baseLine + "store: memory\n" + routeLine + "providers: {google: {client_id: a, client_secret: \"canary\n  canary\", offline: 7}}\n", ""},
		{"a secret in an alias", small + "listen: &x canary\nadmin: {client_secret: *x}\n", ""},
		{"an unknown key over lines", small + "x: |\n  canary\n  canary\nlisten: 8000\n", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := read(t, dir, c.yaml)
			if err == nil {
				t.Fatal("no mistake")
			}
			explained(t, dir, c.yaml, err.(config.Mistakes))
			if got := printed(dir, err.(config.Mistakes).Explain()); !strings.Contains(got, c.want) {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

func FuzzRead(f *testing.F) {
	for _, file := range []string{"testdata/mistakes.txt", "testdata/warnings.txt"} {
		raw, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for block := range strings.SplitSeq(string(raw), "\n= ") {
			_, yaml, _ := strings.Cut(block, "@raw ")
			f.Add(yaml)
		}
	}
	f.Add(small)
	f.Add(small + "tls: {certificate: a, key: b}\n")
	dir := folder(f)
	f.Fuzz(func(t *testing.T, yaml string) {
		file := filepath.Join(dir, "wayleave.yaml")
		if err := os.WriteFile(file, []byte(yaml), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := config.Read(file, func(string) (string, bool) { return canary, true })
		if err != nil {
			for _, m := range err.(config.Mistakes) {
				if m.Line < 1 || m.Line > strings.Count(yaml, "\n")+1 || m.Column < 1 || strings.ContainsAny(m.Error(), "\n\x1b") {
					t.Errorf("%q: %#v", yaml, m)
				}
			}
			_ = err.(config.Mistakes).Explain()
			return
		}
		for _, s := range c.Sites {
			for _, r := range s.Routes {
				if r.Rule.Path == "" || s.BaseURL == "" || len(c.Providers) == 0 {
					t.Errorf("%q: %+v", yaml, r)
				}
			}
		}
	})
}
