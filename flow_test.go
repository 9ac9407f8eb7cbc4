package wayleave_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wayleave/wayleave"
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

// TestAnotherPlace: base path, home and texts are the app's choice.
func TestAnotherPlace(t *testing.T) {
	a := newDirectApp(t, newIDP(t), "http://localhost:8000", func(c *wayleave.Config) {
		c.BasePath, c.Home = "/members/sign-in", "/start?welcome"
		c.Branding = wayleave.Branding{AppName: "Finance Tracker", Texts: wayleave.Texts{SignedOutTitle: "Bis bald"}}
	})
	a.wire = mounted{a, "/members/sign-in/"}
	b := a.browser()
	authorization := b.begin("/members/sign-in/")
	if got := param(t, authorization, "redirect_uri"); got != "http://localhost:8000/members/sign-in/dev/callback" {
		t.Fatalf("redirect_uri is %q", got)
	}
	if got := b.finish(b.authorize(authorization, true)); got.body != "Hello Ada Marsh at /start?welcome" {
		t.Errorf("ended with %q", got.body)
	}
	checkPage(t, b.open("/members/sign-in/signed-out"), "200 Bis bald")
	if at := b.open("/reports"); at.StatusCode != http.StatusOK {
		t.Errorf("status %d", at.StatusCode)
	}
	if at := b.open("/auth/session"); at.StatusCode != http.StatusNotFound {
		t.Errorf("the usual place: status %d: %s", at.StatusCode, at.body)
	}
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
