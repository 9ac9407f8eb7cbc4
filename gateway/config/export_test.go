package config

import (
	"os"
	"strings"
	"testing"
)

// Reference is the tables of all keys, from the same declarations as the
// reading and the schema.
func Reference() string {
	var b strings.Builder
	seen := map[string]bool{}
	fileShape.visit(func(f *form) {
		if seen[f.title] {
			return
		}
		seen[f.title] = true
		title := "`" + f.title + "`"
		if strings.Contains(title, " ") {
			title = strings.ToUpper(f.title[:1]) + f.title[1:]
		}
		b.WriteString("### " + title + "\n\n| key | value | default | |\n|---|---|---|---|\n")
		for _, k := range f.keys {
			def := "`" + k.def + "`"
			switch {
			case k.required:
				def = "required"
			case k.def == "":
				def = ""
			case strings.Contains(k.def, " "):
				def = k.def
			}
			b.WriteString("| `" + k.name + "` | " + strings.ReplaceAll(k.form.what, "|", `\|`) + " | " + def + " | " + k.doc + " |\n")
		}
		b.WriteString("\n")
	})
	return b.String()
}

// Generated compares a part of a page, between its markers, or writes it.
func Generated(t *testing.T, file, part, want string, update bool) {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok1 := strings.Cut(string(raw), "<!-- "+part+" -->\n")
	got, after, ok2 := strings.Cut(rest, "<!-- end of "+part+" -->")
	if !ok1 || !ok2 {
		t.Fatalf("%s has no markers for %s", file, part)
	}
	if want = "\n" + want; got == want {
		return
	}
	if !update {
		t.Fatalf("%s: the %s is not what the code says: WAYLEAVE_UPDATE=1 writes it", file, part)
	}
	text := before + "<!-- " + part + " -->\n" + want + "<!-- end of " + part + " -->" + after
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
