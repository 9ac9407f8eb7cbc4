package wayleave_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/wayleave/wayleave"
	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/provider"
	"github.com/wayleave/wayleave/store"
	"github.com/wayleave/wayleave/store/embedded"
	"github.com/wayleave/wayleave/store/postgres"
	"github.com/wayleave/wayleave/store/redis"
)

func ExampleConfig_providers() {
	id, secret := "client-id", oauth.NewSecret("client-secret")
	auth, err := wayleave.New(wayleave.Config{
		BaseURL: "https://app.example",
		Providers: []provider.Config{
			{Preset: provider.Google(), ClientID: id, ClientSecret: secret, Offline: true},
			{Preset: provider.GitHub(), ClientID: id, ClientSecret: secret},
			{Name: "acme", Issuer: "https://id.acme.example", ClientID: id, ClientSecret: secret},
			{Name: "legacy", AuthorizationURL: "https://old.example/authorize", TokenURL: "https://old.example/token",
				UserInfoURL: "https://old.example/me", ClientID: id, ClientSecret: secret},
		},
	})
	fmt.Println(auth != nil, err)
	// Output: true <nil>
}

func ExampleConfig_store() {
	ctx := context.Background()
	_ = func(cfg wayleave.Config) (*wayleave.Auth, error) {
		s, err := store.Open(ctx, "file:/var/lib/tracker/sessions.db", embedded.Kind(), redis.Kind(), postgres.Kind())
		if err != nil {
			return nil, err
		}
		cfg.Store = s // close it after auth
		if cfg.Keys, err = wayleave.ReadKeys("/etc/tracker/keys"); err != nil {
			return nil, err
		}
		auth, err := wayleave.New(cfg)
		if err != nil {
			return nil, err
		}
		return auth, auth.Check(ctx) // does the store answer, and do the keys fit?
	}
	// Output:
}

func ExampleAuth_OfflineClient() {
	_ = func(ctx context.Context, auth *wayleave.Auth, userID string) error {
		client, err := auth.OfflineClient(ctx, userID, "google")
		if errors.Is(err, wayleave.ErrLoginRequired) {
			return nil // never connected, disconnected, or ended by the provider
		} else if err != nil {
			return err
		}
		resp, err := client.Get("https://sheets.googleapis.com/v4/spreadsheets/…")
		if err != nil {
			return err
		}
		return resp.Body.Close()
	}
	// Output:
}

// snippet is a code block of a document, with the comment before it that says
// where the code comes from.
var snippet = regexp.MustCompile("(?s)<!-- ([^ :]+)(?:: (\\w+))? -->\n```go\n(.*?)```")

func TestEverySnippetOfTheDocumentsIsCompiled(t *testing.T) {
	for _, doc := range []string{"README.md"} {
		text, err := os.ReadFile(doc)
		if err != nil {
			t.Fatal(err)
		}
		if blocks, named := strings.Count(string(text), "```go\n"), len(snippet.FindAllString(string(text), -1)); blocks != named {
			t.Errorf("%s: %d Go snippets, and only %d say where they are compiled", doc, blocks, named)
		}
		for _, m := range snippet.FindAllStringSubmatch(string(text), -1) {
			source, err := os.ReadFile(m[1])
			if err != nil {
				t.Error(err)
				continue
			}
			want := m[3]
			switch {
			case m[2] == "" && string(source) != want:
				t.Errorf("%s: the snippet is not %s as it stands", doc, m[1])
			case m[2] != "" && !strings.Contains(unindented(string(source)), unindented(want)):
				t.Errorf("%s: the snippet is not part of %s", doc, m[2])
			}
		}
	}
}

func unindented(s string) string {
	var out []string
	for line := range strings.Lines(s) {
		out = append(out, strings.TrimSpace(line))
	}
	return strings.Join(out, "\n")
}
