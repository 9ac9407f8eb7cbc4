package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestCheckAcceptsEachFileOfTheDocumentation: what people copy passes the command
// that they are told to run.
func TestCheckAcceptsEachFileOfTheDocumentation(t *testing.T) {
	dir := t.TempDir()
	if status, _, errs := runCommand(t, "keys", "new", filepath.Join(dir, "keys")); status != 0 {
		t.Fatal(errs)
	}
	for _, name := range []string{"google", "google-secret", "store-url", "client-secret"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("redis://localhost/0\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"ACME_SECRET", "GOOGLE_SECRET", "LEGACY_SECRET", "CLIENT_ID"} {
		t.Setenv(name, "value")
	}
	t.Setenv("BASE_URL", "https://app.example.com")
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	files := 0
	for _, page := range append(pages, "../../README.md") {
		raw, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(raw), -1) {
			text := strings.ReplaceAll(m[1], "/etc/wayleave/", dir+"/")
			if !strings.Contains(text, "base_url:") || !strings.Contains(text, "routes:") {
				continue
			}
			files++
			file := filepath.Join(dir, "wayleave.yaml")
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if status, out, errs := runCommand(t, "check", "--config", file, "--offline"); status != 0 || errs != "" || strings.Contains(out, "warning") {
				t.Errorf("%s: %d %s%s\n%s", page, status, out, errs, text)
			}
		}
	}
	if files < 8 {
		t.Errorf("found only %d files", files)
	}
}
