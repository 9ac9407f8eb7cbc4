package wayleave_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/wayleave/wayleave"
	"github.com/wayleave/wayleave/oauth"
)

// TestLGO05_A226_TheHintStaysBetweenBrowserAndProvider: scripts never see it, no
// log line or event holds it, and pages that it leads to learn no referrer.
func TestLGO05_A226_TheHintStaysBetweenBrowserAndProvider(t *testing.T) {
	said := &said{}
	a := newApp(t, withSessionGrants, func(c *wayleave.Config) {
		c.Logger = slog.New(slog.NewTextHandler(said, &slog.HandlerOptions{Level: slog.LevelDebug}))
		c.OnEvent = func(_ context.Context, ev oauth.Event) { fmt.Fprintf(said, "event %T %+v\n", ev, ev) }
	})
	form, script := a.browser(), a.browser()
	form.signIn("/")
	script.signIn("/")
	formHint, scriptHint := idTokenOf(form).Raw().Reveal(), idTokenOf(script).Raw().Reveal()
	at := form.signOut()
	if at.Header.Get("Referrer-Policy") != "no-referrer" || at.Header.Get("Cache-Control") != "no-store" || strings.Contains(at.body, formHint) {
		t.Error("the page that leads on may be kept, tells where it was, or holds the hint")
	}
	if param(t, goesOnTo(at), "id_token_hint") != formHint {
		t.Error("a form's page leads on without the hint")
	}
	at = script.fetch("POST", "/auth/logout")
	var told map[string]string
	if err := json.Unmarshal([]byte(at.body), &told); err != nil || at.StatusCode != http.StatusOK || len(told) != 1 {
		t.Fatalf("a script is told %d %s", at.StatusCode, at.body)
	}
	if to := told["logout_url"]; !strings.HasPrefix(to, a.idp.Issuer()+"/end-session?") || param(t, to, "id_token_hint") != "" || param(t, to, "state") != script.cookies()["logout"] {
		t.Error("a script is not told where to send the browser, or too much")
	}
	var whole bytes.Buffer
	err := at.Header.Write(&whole)
	if err != nil {
		t.Fatal(err)
	}
	for _, hint := range []string{formHint, scriptHint} {
		parts := strings.Split(hint, ".")
		for _, part := range parts[1:] {
			if line := said.lineWith(part); line != "" {
				t.Errorf("the hint was logged: %.40s…", line)
			}
			if bytes.Contains(append(whole.Bytes(), at.body...), []byte(part)) {
				t.Error("a script gets the token")
			}
		}
	}
	if said.lineWith("event oauth.") == "" {
		t.Error("nothing was listened to")
	}
}
