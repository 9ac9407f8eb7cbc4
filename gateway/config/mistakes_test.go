package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wayleave/wayleave/gateway/config"
)

// update rewrites what is generated: WAYLEAVE_UPDATE=1 go test ./gateway/config
var update = os.Getenv("WAYLEAVE_UPDATE") == "1"

// canary is in each secret of these tests, and must be in no message.
const canary = "canary"

const (
	baseLine     = "base_url: https://app.example.com\n"
	providerLine = "providers: {acme: {issuer: https://id.acme.example, client_id: app, client_secret: env:ACME}}\n"
	routeLine    = "routes: [{path: /, upstream: http://127.0.0.1:3000, allow: signed_in}]\n"
	small        = baseLine + "store: memory\n" + providerLine + routeLine
)

// given is a case of testdata/mistakes.txt or warnings.txt.
type given struct{ name, head, yaml, want string }

// cases reads a file: a name after "= ", lines of the file after "@", and what
// is printed after "> ". "@raw" is a line as it is; the others put what follows
// into a file that is right.
func cases(t *testing.T, file string) []given {
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var all []given
	for line := range strings.Lines(string(raw)) {
		text := strings.TrimSuffix(line, "\n")
		if name, ok := strings.CutPrefix(text, "= "); ok {
			all = append(all, given{name: name})
			continue
		}
		c := &all[len(all)-1]
		if want, ok := strings.CutPrefix(text, "> "); ok {
			c.want += want + "\n"
			continue
		}
		c.head += line
		kind, rest, _ := strings.Cut(text, " ")
		c.yaml += map[string]string{
			"@raw":      rest + "\n",
			"@top":      small + rest + "\n",
			"@rest":     strings.TrimPrefix(small, baseLine),
			"@route":    strings.TrimSuffix(small, routeLine) + "routes:\n  - " + rest + "\n",
			"@provider": strings.Replace(small, providerLine, "providers:\n  "+rest+"\n", 1),
		}[kind]
	}
	return all
}

func environment(name string) (string, bool) {
	value, ok := map[string]string{"ACME": canary, "EMPTY": "", "STORE": "postgres://ada:" + canary + "@db/x"}[name]
	return value, ok
}

// folder has the files that the cases name.
func folder(t testing.TB) string {
	dir := t.TempDir()
	for name, f := range map[string]struct {
		text string
		mode os.FileMode
	}{
		"secret": {canary + "\n", 0o600}, "group": {canary + "\r\n", 0o640}, "open": {canary + "\n", 0o644},
		"empty": {"\n", 0o600}, "lines": {canary + "\n" + canary + "\n", 0o600}, "listen": {":8001\n", 0o644},
	} {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(f.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(file, f.mode); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func read(t testing.TB, dir, yaml string) (*config.Config, error) {
	file := filepath.Join(dir, "wayleave.yaml")
	if err := os.WriteFile(file, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	return config.Read(file, environment)
}

// printed is what people see, without the folder of the test.
func printed(dir, text string) string {
	return strings.ReplaceAll(strings.ReplaceAll(text, dir+string(filepath.Separator), ""), dir, "/etc/wayleave")
}

func TestDIS19_EachMistakeIsToldAtItsPlaceWithACure(t *testing.T) {
	dir := folder(t)
	golden(t, "testdata/mistakes.txt", func(t *testing.T, c given) string {
		_, err := read(t, dir, c.yaml)
		if err == nil {
			t.Fatal("no mistake")
		}
		return explained(t, dir, c.yaml, err.(config.Mistakes))
	})
}

func TestEachWarningIsToldAtItsPlaceWithACure(t *testing.T) {
	dir := folder(t)
	golden(t, "testdata/warnings.txt", func(t *testing.T, c given) string {
		got, err := read(t, dir, c.yaml)
		if err != nil {
			t.Fatal(err)
		}
		return explained(t, dir, c.yaml, got.Warnings)
	})
}

// explained checks what is true of all mistakes.
func explained(t testing.TB, dir, yaml string, all config.Mistakes) string {
	t.Helper()
	lines := strings.Split(yaml, "\n")
	for _, m := range all {
		if m.Line < 1 || m.Line > len(lines) || m.Column < 1 {
			t.Errorf("%v is at no line of the file, which has %d", m, len(lines))
		}
		if m.Reason == "" || strings.ContainsAny(m.Error(), "\n\r") {
			t.Errorf("%q is not one sentence", m.Error())
		}
	}
	if strings.Contains(all.Explain(), canary) {
		t.Errorf("a secret is shown:\n%s", all.Explain())
	}
	return printed(dir, all.Error()) + "\n"
}

func golden(t *testing.T, file string, print func(*testing.T, given) string) {
	all := cases(t, file)
	var rewritten strings.Builder
	for _, c := range all {
		t.Run(c.name, func(t *testing.T) {
			got := print(t, c)
			if got != c.want && !update {
				t.Errorf("%s\nprinted\n%swant\n%s", c.yaml, got, c.want)
			}
			rewritten.WriteString("= " + c.name + "\n" + c.head)
			for line := range strings.Lines(got) {
				rewritten.WriteString("> " + line)
			}
		})
	}
	if update {
		if err := os.WriteFile(file, []byte(rewritten.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
