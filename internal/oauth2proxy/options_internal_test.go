package oauth2proxy

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"strings"
	"testing"
)

// theirs are the names of that version, kept here so that a new one is compared.
func theirs(t *testing.T) map[string][]string {
	t.Helper()
	raw, err := os.ReadFile("testdata/options-" + Version + ".txt")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]string{}
	for line := range strings.Lines(string(raw)) {
		if fields := strings.Fields(line); len(fields) == 2 {
			out[fields[0]] = append(out[fields[0]], strings.TrimPrefix(fields[1], "-"))
		}
	}
	return out
}

func TestEveryOptionOfTheirsIsKnown(t *testing.T) {
	names := theirs(t)
	if len(names) < 170 {
		t.Fatalf("%d names: the list is not whole", len(names))
	}
	for flag, keys := range names {
		o := byName[spelling(flag)]
		if o == nil || o.flag != flag {
			t.Errorf("--%s is not known", flag)
			continue
		}
		for _, key := range keys {
			if key != "" && byName[key] != o {
				t.Errorf("%s is not known as --%s", key, flag)
			}
		}
	}
	for _, o := range all {
		if names[o.flag] == nil {
			t.Errorf("--%s is none of theirs", o.flag)
		}
		if o.fate != Mapped && o.says == "" {
			t.Errorf("--%s: nothing is said", o.flag)
		}
		if o.fate == Mapped && o.ours == "" {
			t.Errorf("--%s: mapped to nothing", o.flag)
		}
		if o.fate == NoEquivalent && o.is(narrows) && !strings.HasSuffix(o.says, lost) {
			t.Errorf("--%s: it is not said that nobody is allowed in", o.flag)
		}
	}
	if len(all) != len(names) {
		t.Errorf("%d options, and theirs has %d", len(all), len(names))
	}
}

// table is what the page says of the options.
func (g group) table() string {
	var b strings.Builder
	fmt.Fprintf(&b, "### %s\n\n| theirs | ours | |\n|---|---|---|\n", g.title)
	for _, o := range g.options {
		text := o.fate.String()
		if o.says != "" {
			text += ": " + o.says
		}
		ours := "–"
		if o.ours != "" {
			ours = "`" + o.ours + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", o.display(), ours, strings.ReplaceAll(text, "|", `\|`))
	}
	return b.String()
}

const (
	from = "<!-- options: made from internal/oauth2proxy; WAYLEAVE_UPDATE=1 go test ./internal/oauth2proxy -->\n"
	upTo = "<!-- end of options -->\n"
)

func TestPageListsEveryOption(t *testing.T) {
	const page = "../../docs/from-oauth2-proxy.md"
	raw, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := bytes.Cut(raw, []byte(from))
	_, after, ok2 := bytes.Cut(rest, []byte(upTo))
	if !ok || !ok2 {
		t.Fatal("the page has no place for the options")
	}
	var tables []string
	for _, g := range groups {
		tables = append(tables, g.table())
	}
	want := string(before) + from + "\n" + strings.Join(tables, "\n") + "\n" + upTo + string(after)
	if want == string(raw) {
		return
	}
	if cmp.Or(os.Getenv("WAYLEAVE_UPDATE"), "0") == "0" {
		t.Fatal("the page lists other options: run with WAYLEAVE_UPDATE=1")
	}
	if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestNearest(t *testing.T) {
	for name, want := range map[string]string{"email_domain": "email-domain", "cookie_secrt": "cookie-secret", "upstraem": "upstream", "whitelist-domans": "whitelist-domain"} {
		if o, ok := nearest(name); !ok || o.flag != want {
			t.Errorf("%s: %v, want %s", name, o, want)
		}
	}
	if o, ok := nearest("completely_different_thing"); ok {
		t.Errorf("%s is like nothing", o.flag)
	}
}
