package config_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/wayleave/wayleave/gateway/config"
)

const documentation = "../../docs/config.md"

// documented are the YAML blocks of the page. One that is a part of a file is
// put into the small one, instead of what that says about the same keys.
func documented(t *testing.T) []string {
	raw, err := os.ReadFile(documentation)
	if err != nil {
		t.Fatal(err)
	}
	var blocks []string
	for _, m := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(raw), -1) {
		block := m[1]
		if strings.Contains(block, "base_url") {
			blocks = append(blocks, block)
			continue
		}
		for line := range strings.Lines(small) {
			key, _, _ := strings.Cut(line, ":")
			if !strings.Contains("\n"+block, "\n"+key+":") {
				block = line + block
			}
		}
		blocks = append(blocks, block)
	}
	if len(blocks) == 0 {
		t.Fatal("there is no YAML in the documentation")
	}
	return blocks
}

func TestEachFileOfTheDocumentationIsRight(t *testing.T) {
	for _, block := range documented(t) {
		dir := t.TempDir()
		for _, name := range []string{"google-secret", "store-url"} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte("redis://localhost/0\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		file := filepath.Join(dir, "wayleave.yaml")
		if err := os.WriteFile(file, []byte(strings.ReplaceAll(block, "/etc/wayleave/", dir+"/")), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := config.Read(file, func(name string) (string, bool) {
			if name == "BASE_URL" {
				return "https://app.example.com", true
			}
			return "value", true
		})
		if err != nil {
			t.Errorf("%v\n%s", err, block)
		} else if len(c.Warnings) > 0 {
			t.Errorf("%v\n%s", c.Warnings, block)
		}
	}
}

// mistakesPage is the list of what is printed.
func mistakesPage(t *testing.T) string {
	var b strings.Builder
	for _, part := range []struct{ title, file string }{{"Mistakes", "testdata/mistakes.txt"}, {"Warnings", "testdata/warnings.txt"}} {
		b.WriteString("### " + part.title + "\n\n| | what is printed |\n|---|---|\n")
		for _, c := range cases(t, part.file) {
			name := regexp.MustCompile(`^[A-Z0-9]+(-[0-9]+)? `).ReplaceAllString(c.name, "")
			for i, line := range strings.Split(strings.TrimSuffix(c.want, "\n"), "\n") {
				if i > 0 {
					name = ""
				}
				b.WriteString("| " + name + " | `" + strings.ReplaceAll(line, "|", `\|`) + "` |\n")
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}

func TestThePageHasTheMistakesThatArePrinted(t *testing.T) {
	config.Generated(t, documentation, "mistakes", mistakesPage(t), update)
}

func TestThePageHasTheReference(t *testing.T) {
	config.Generated(t, documentation, "reference", config.Reference(), update)
}
