package wayleave_test

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestSignInEndsOnThePageThatWasAskedFor(t *testing.T) {
	a := newApp(t)
	b := a.browser()
	page := b.signIn("/reports?year=2026&q=a%20b")
	if page.StatusCode != http.StatusOK || !strings.Contains(page.body, "at /reports?year=2026&q=a%20b") || !strings.HasPrefix(page.body, "Hello Ada") {
		t.Fatalf("status %d, body %q", page.StatusCode, page.body)
	}
	if n := a.idp.Count("token"); n != 1 {
		t.Errorf("%d token requests, want 1", n)
	}
	if got := b.open("/transactions"); got.StatusCode != http.StatusOK || !strings.Contains(got.body, "transactions") {
		t.Errorf("API: status %d, body %.200s", got.StatusCode, got.body)
	}
	t.Log(strings.Join(a.checked(), " "))
}

func TestTimePassesOnlyInSleep(t *testing.T) {
	inTime(t, func(a *timed) {
		b := a.browser()
		b.signIn("/reports")
		begin := time.Now()
		a.sleep(30 * time.Minute)
		if took := time.Since(begin); took != 30*time.Minute {
			t.Errorf("%v passed", took)
		}
		if b.user() == "" {
			t.Error("nobody is signed in any more")
		}
	})
}
