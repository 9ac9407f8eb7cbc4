package main

import (
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wayleave/wayleave"
	"github.com/wayleave/wayleave/devidp"
	"github.com/wayleave/wayleave/devidp/devidptest"
	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/provider"
	"github.com/wayleave/wayleave/store/embedded"
)

// restOfFile makes a file of the routes in docs/rules.md.
const restOfFile = `
base_url: https://app.acme.example
store: memory
providers:
  acme: {issuer: https://id.acme.example, client_id: app, client_secret: literal:secret}
`

// rulesFile writes the file of docs/rules.md, and returns the page too.
func rulesFile(t *testing.T) (file, page string) {
	t.Helper()
	b, err := os.ReadFile("../../docs/rules.md")
	if err != nil {
		t.Fatal(err)
	}
	_, yaml, ok := strings.Cut(string(b), "<!-- config: rules -->\n```yaml\n")
	yaml, _, closed := strings.Cut(yaml, "```")
	if !ok || !closed {
		t.Fatal("docs/rules.md has no file")
	}
	file = filepath.Join(t.TempDir(), "wayleave.yaml")
	if err := os.WriteFile(file, []byte(yaml+restOfFile), 0o600); err != nil {
		t.Fatal(err)
	}
	return file, string(b)
}

// TestCheckExplainsAsTheDocsShow runs the example of docs/rules.md.
func TestCheckExplainsAsTheDocsShow(t *testing.T) {
	file, page := rulesFile(t)
	_, shown, _ := strings.Cut(page, "$ cat ada.json\n")
	person, shown, _ := strings.Cut(shown, "\n")
	_, shown, _ = strings.Cut(shown, "\n") // the command
	shown, _, _ = strings.Cut(shown, "```")
	ada := filepath.Join(t.TempDir(), "ada.json")
	if err := os.WriteFile(ada, []byte(person), 0o600); err != nil {
		t.Fatal(err)
	}
	status, out, errs := runCommand(t, "check", "--config", file, "--as", ada, "--request", "GET /admin")
	if out = strings.ReplaceAll(out, file, "wayleave.yaml"); status != 0 || out != shown || errs != "" {
		t.Errorf("%d:\n%s%s\nthe page shows:\n%s", status, out, errs, shown)
	}
}

func TestCheckExplainsDecisions(t *testing.T) {
	file, _ := rulesFile(t)
	for _, row := range []struct{ person, request, first string }{
		{"", "GET /assets/a.css", "allowed: GET /assets/a.css, nobody signed in"},
		{"", "POST /assets/a.css", "has to sign in: POST /assets/a.css, nobody signed in"},
		{"", "GET /admin", "has to sign in: GET /admin, nobody signed in"},
		{`{"email":"bob@acme.example"}`, "GET /", "allowed: GET /, bob@acme.example"},
		{`{"email":"bob@acme.example","email_verified":false}`, "GET /", "denied: GET /, bob@acme.example"},
		{`{"email":"bob@evil.example"}`, "GET /", "denied: GET /, bob@evil.example"},
		{`{"groups":["admins"]}`, "GET /admin/x", "allowed: GET /admin/x, the person of "},
		{`{"groups":["admins"],"auth_time":"2020-01-01T00:00:00Z"}`, "GET /admin/x", "has to sign in again: GET /admin/x, the person of "},
		{`{"scopes":["reports.read"]}`, "DELETE https://app.acme.example/api/1?x=y", "allowed: DELETE /api/1, the person of "},
		{`{"scopes":["reports.read"]}`, "GET https://APP.acme.example:443/api/1", "allowed: GET /api/1, the person of "},
		{`{"email":"bob@acme.example"}`, "GET https://app.acme.example?x", "allowed: GET /, bob@acme.example"},
		{"", "GET /auth/session?x", "no rule decides: /auth/session is one of Wayleave's own pages"},
		{"", "TRACE /", "refused with 405, whoever asks: "},
		{"", "GET /?x#y", "refused with 400, whoever asks: ambiguous request target"},
		{"", "GET /assets/..%2fadmin", "refused with 400, whoever asks: ambiguous path: it holds an encoded slash"},
	} {
		t.Run(row.person+" "+row.request, func(t *testing.T) {
			args := []string{"check", "--config", file, "--request", row.request}
			if row.person != "" {
				who := filepath.Join(t.TempDir(), "who.json")
				if err := os.WriteFile(who, []byte(row.person), 0o600); err != nil {
					t.Fatal(err)
				}
				args = append(args, "--as", who)
			}
			status, out, errs := runCommand(t, args...)
			if status != 0 || !strings.HasPrefix(out, row.first) || errs != "" {
				t.Errorf("%d %s%s, want %s", status, out, errs, row.first)
			}
		})
	}
}

// TestCheckOfAStoreFile leaves it as it is: what it made would belong to who checks.
func TestCheckOfAStoreFile(t *testing.T) {
	idp := devidptest.New(t, func(o *devidp.Options) { o.SigningAlgorithm = "ES256" })
	up := httptest.NewServer(http.NotFoundHandler())
	defer up.Close()
	dir := t.TempDir()
	for _, keys := range []string{"one", "two"} {
		if status, _, errs := runCommand(t, "keys", "new", filepath.Join(dir, keys)); status != 0 {
			t.Fatal(errs)
		}
	}
	check := func(keys, store string, want int, says string) {
		t.Helper()
		file := filepath.Join(dir, "wayleave.yaml")
		text := fmt.Sprintf("base_url: http://localhost:8000\nkeys: %s\nstore: file:%s\nproviders:\n  dev: {issuer: %q, client_id: app, client_secret: dev-secret, development: true}\nroutes: [{path: /, upstream: %q, allow: signed_in}]\n", keys, store, idp.Issuer(), up.URL)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if status, out, errs := runCommand(t, "check", "--config", file); status != want || !strings.Contains(out, says) {
			t.Errorf("%d, without %q: %s%s", status, says, out, errs)
		}
	}
	check("one", "new.db", 0, "the file is not there yet")
	if _, err := os.Lstat(filepath.Join(dir, "new.db")); !os.IsNotExist(err) {
		t.Errorf("it is there now: %v", err)
	}
	check("one", "none/new.db", 1, "make the folder "+filepath.Join(dir, "none"))
	keys, err := wayleave.ReadKeys(filepath.Join(dir, "one"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := embedded.Open(filepath.Join(dir, "used.db"), embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	auth, err := wayleave.New(wayleave.Config{BaseURL: "http://localhost:8000", Keys: keys, Store: s,
		Providers: []provider.Config{{Preset: provider.Google(), ClientID: "x", ClientSecret: oauth.NewSecret("y")}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := auth.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	check("one", "used.db", 0, "the file is in use, as it is while wayleave serve runs")
	if err := errors.Join(auth.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	check("one", "used.db", 0, "ok      store file\n")
	check("two", "used.db", 1, "name the key file that the store was used with in keys again")
}

// TestCheckKnowsACallbackElsewhere: a provider's callback may lie outside base_path.
func TestCheckKnowsACallbackElsewhere(t *testing.T) {
	file, _ := rulesFile(t)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	moved := filepath.Join(t.TempDir(), "wayleave.yaml")
	if err := os.WriteFile(moved, []byte(strings.Replace(string(text), "client_id:", "callback_path: /oauth2callback, client_id:", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{"/oauth2callback": "no rule decides: /oauth2callback is one of Wayleave's own pages\n", "/oauth2callbacks": "has to sign in: "} {
		if status, out, errs := runCommand(t, "check", "--config", moved, "--request", "GET "+path); status != 0 || !strings.HasPrefix(out, want) || errs != "" {
			t.Errorf("%d %s%s, want %s", status, out, errs, want)
		}
	}
}

// TestCheckAndServeTellWhatIsWrong: what people are likely to get wrong, with what is printed.
func TestCheckAndServeTellWhatIsWrong(t *testing.T) {
	file, _ := rulesFile(t)
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	text, _ := os.ReadFile(file)
	two := write("two.yaml", strings.Replace(strings.Replace(string(text), "/admin\n", "/admin\n    upstrem: x\n", 1), "store: memory", "store: memori", 1))
	noKeys := write("nokeys.yaml", strings.Replace(string(text), "store: memory", "store: file:w.db\nkeys: keys", 1))
	badPerson := write("bad.json", `{"grups":[]}`)
	for _, row := range []struct {
		name   string
		args   []string
		status int
		says   []string
	}{
		{"no file", []string{"check", "--config", filepath.Join(dir, "none.yaml")}, 1, []string{"none.yaml: does not exist", "1 mistake"}},
		{"no file, serve", []string{"serve", "--config", filepath.Join(dir, "none.yaml")}, 1, []string{"none.yaml: does not exist"}},
		{"two mistakes", []string{"check", "--config", two, "--offline"}, 1, []string{`two.yaml:11:5: routes[2].upstrem`, `did you mean "upstream"?`, "2 mistakes", "^"}},
		{"two mistakes, serve", []string{"serve", "--config", two}, 1, []string{"two.yaml:11:5: routes[2].upstrem", "2 mistakes"}},
		{"no keys", []string{"check", "--config", noKeys, "--offline"}, 1, []string{"nokeys.yaml:", "keys", `wayleave keys new`}},
		{"no request", []string{"check", "--as", "x.json"}, 2, []string{`--as needs --request, such as --request "GET /admin"`}},
		{"a request without method", []string{"check", "--config", file, "--request", "/admin"}, 2, []string{`give a method in upper case and a path, such as "GET /admin"`}},
		{"a request to another site", []string{"check", "--config", file, "--request", "GET https://evil.example/"}, 1, []string{"no site of the file has the address https://evil.example/", "421"}},
		{"no person", []string{"check", "--config", file, "--request", "GET /", "--as", filepath.Join(dir, "none.json")}, 1, []string{"none.json: no such file"}},
		{"an odd person", []string{"check", "--config", file, "--request", "GET /", "--as", badPerson}, 1, []string{`unknown field "grups"`, "it has provider, email"}},
		{"nothing to convert", []string{"check", "--from-oauth2-proxy", filepath.Join(dir, "none.cfg")}, 1, []string{"none.cfg: no such file"}},
		{"an unknown flag", []string{"serve", "--confg", file}, 2, []string{"-confg", "Try: wayleave serve --help"}},
		{"a word too many", []string{"serve", file}, 2, []string{"unexpected argument"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			status, out, errs := runCommand(t, row.args...)
			if status != row.status || out != "" {
				t.Errorf("status %d, want %d; printed %s", status, row.status, out)
			}
			for _, says := range row.says {
				if !strings.Contains(errs, says) {
					t.Errorf("without %q: %s", says, errs)
				}
			}
		})
	}
}

func TestCheckConnects(t *testing.T) {
	idp := devidptest.New(t, func(o *devidp.Options) { o.SigningAlgorithm = "ES256" })
	up := httptest.NewServer(http.NotFoundHandler())
	defer up.Close()
	file := filepath.Join(t.TempDir(), "wayleave.yaml")
	write := func(issuer, upstream string) {
		text := fmt.Sprintf("base_url: http://localhost:8000\nstore: memory\nproviders:\n  dev: {issuer: %q, client_id: app, client_secret: dev-secret, development: true}\nroutes: [{path: /, upstream: %q, allow: signed_in}]\n", issuer, upstream)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(idp.Issuer(), up.URL)
	status, out, errs := runCommand(t, "check", "--config", file)
	for _, want := range []string{"ok      store memory\n", "ok      provider dev\n", "http://localhost:8000/auth/dev/callback", "/auth/dev/backchannel-logout", "ok      upstream " + up.URL + "\n"} {
		if status != 0 || !strings.Contains(out, want) || errs != "" {
			t.Errorf("status %d, without %q: %s%s", status, want, out, errs)
		}
	}
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	write(closed.URL, closed.URL)
	status, out, errs = runCommand(t, "check", "--config", file)
	if status != 1 || !strings.Contains(out, "FAILED  provider dev: ") || !strings.Contains(out, "FAILED  upstream ") || !strings.Contains(errs, "2 of what the file names does not work") {
		t.Errorf("status %d: %s%s", status, out, errs)
	}
	if status, out, _ := runCommand(t, "check", "--config", file, "--offline"); status != 0 || !strings.Contains(out, "as far as one can tell without connecting") {
		t.Errorf("offline: %d %s", status, out)
	}
}

// TestCheckSpeaksTLSToUpstreams where the gateway would.
func TestCheckSpeaksTLSToUpstreams(t *testing.T) {
	idp := devidptest.New(t, func(o *devidp.Options) { o.SigningAlgorithm = "ES256" })
	up, plain := httptest.NewUnstartedServer(http.NotFoundHandler()), httptest.NewServer(http.NotFoundHandler())
	up.Config.ErrorLog = log.New(io.Discard, "", 0)
	up.StartTLS()
	defer up.Close()
	defer plain.Close()
	dir := t.TempDir()
	authority := filepath.Join(dir, "ca.pem")
	if err := os.WriteFile(authority, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: up.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "wayleave.yaml")
	for name, tc := range map[string]struct{ upstream, want string }{
		"its authority is known":   {fmt.Sprintf("{url: %q, ca_file: ca.pem}", up.URL), "ok      upstream " + up.URL + "\n"},
		"its authority is unknown": {fmt.Sprintf("%q", up.URL), "certificate signed by unknown authority; name the authority of its certificate with ca_file, or correct the address"},
		"it has another name":      {fmt.Sprintf("{url: %q, ca_file: ca.pem}", strings.Replace(up.URL, "127.0.0.1", "localhost", 1)), "*.example.com, not localhost; correct the address, or the certificate"},
		"it does not speak TLS":    {fmt.Sprintf("%q", strings.Replace(plain.URL, "http", "https", 1)), "it does not speak TLS: write http://, or correct the address"},
	} {
		t.Run(name, func(t *testing.T) {
			text := fmt.Sprintf("base_url: http://localhost:8000\nstore: memory\nproviders:\n  dev: {issuer: %q, client_id: app, client_secret: dev-secret, development: true}\nroutes: [{path: /, upstream: %s, allow: signed_in}]\n", idp.Issuer(), tc.upstream)
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			_, out, _ := runCommand(t, "check", "--config", file)
			if !strings.Contains(out, tc.want) {
				t.Errorf("without %q: %s", tc.want, out)
			}
		})
	}
}

func TestCheckPrintsTheSchemaAndConverts(t *testing.T) {
	schema, err := os.ReadFile("../../docs/wayleave.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	if status, out, _ := runCommand(t, "check", "--schema"); status != 0 || strings.TrimSpace(out) != strings.TrimSpace(string(schema)) {
		t.Errorf("%d: another schema than docs/wayleave.schema.json", status)
	}
	theirs := filepath.Join(t.TempDir(), "oauth2-proxy.cfg")
	text := "provider = \"oidc\"\noidc_issuer_url = \"https://id.acme.example\"\nclient_id = \"app\"\nclient_secret = \"very-secret-canary\"\nredirect_url = \"https://app.acme.example/oauth2/callback\"\nupstreams = [\"http://127.0.0.1:3000/\"]\nemail_domains = [\"acme.example\"]\n"
	if err := os.WriteFile(theirs, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	status, out, errs := runCommand(t, "check", "--from-oauth2-proxy", theirs)
	if status != 0 || !strings.Contains(out, "https://id.acme.example") || !strings.Contains(out, "email_domains") || strings.Contains(out+errs, "very-secret-canary") || errs == "" {
		t.Errorf("%d %s%s", status, out, errs)
	}
}

// TestReadmeFile: the file in the README is a file.
func TestReadmeFile(t *testing.T) {
	b, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, yaml, _ := strings.Cut(string(b), "<!-- config: readme -->\n```yaml\n")
	yaml, _, ok := strings.Cut(yaml, "```")
	dir := t.TempDir()
	keys := filepath.Join(dir, "keys")
	if code, _, errs := runCommand(t, "keys", "new", keys); code != 0 {
		t.Fatal(errs)
	}
	secret, file := filepath.Join(dir, "google"), filepath.Join(dir, "wayleave.yaml")
	yaml = strings.NewReplacer("/etc/wayleave/keys", keys, "/etc/wayleave/google", secret).Replace(yaml)
	for path, text := range map[string]string{secret: "a-client-secret", file: yaml} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if code, out, errs := runCommand(t, "check", "--config", file, "--offline"); !ok || code != 0 || strings.Contains(out, "warning") {
		t.Errorf("%d %s%s", code, out, errs)
	}
}
