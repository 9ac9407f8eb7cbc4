package gateway_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wayleave/wayleave/internal/keyfile"
)

// TestSES14_OtherKeysAreNoticedAtTheStart: a store that was sealed with keys that
// are not among those of the file is not served.
func TestSES14_OtherKeysAreNoticedAtTheStart(t *testing.T) {
	g := start(t, setup{store: "file:wayleave.db"})
	g.browser().signIn("grace", "/")
	g.stop()
	keys := filepath.Join(g.dir, "keys")
	if err := os.Remove(keys); err != nil {
		t.Fatal(err)
	}
	if _, err := keyfile.New(keys, time.Now()); err != nil {
		t.Fatal(err)
	}
	path, _ := binary()
	out, err := exec.CommandContext(t.Context(), path, "serve", "--config", g.file).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "wayleave.yaml:4:8: store: ") || !strings.Contains(string(out), "key") {
		t.Errorf("%v: %s", err, out)
	}
}
