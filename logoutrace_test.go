package wayleave_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/wayleave/wayleave"
	"github.com/wayleave/wayleave/provider"
)

func TestA224_LogoutWhileALoginCompletesEndsSignedOut(t *testing.T) {
	arrived, release := make(chan struct{}), make(chan struct{})
	a := newApp(t, func(c *wayleave.Config) {
		c.OnSignIn = func(context.Context, *provider.Identity) error {
			close(arrived)
			<-release
			return nil
		}
	})
	b := a.browser()
	callback := b.authorize(b.begin("/"), true)
	done := make(chan answer, 1)
	go func() { done <- b.open(callback) }()
	<-arrived
	r, err := http.NewRequestWithContext(t.Context(), "POST", a.base+"/auth/logout", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Origin", a.base)
	if got := b.do(r); got.StatusCode != http.StatusSeeOther {
		t.Fatalf("logout: %d", got.StatusCode)
	}
	close(release)
	end := <-done
	if end.StatusCode != http.StatusSeeOther || end.Header.Get("Location") != "/auth/signed-out" {
		t.Errorf("the callback ended with %d to %q", end.StatusCode, end.Header.Get("Location"))
	}
	for _, c := range end.Cookies() {
		if strings.Contains(c.Name, "session") && c.MaxAge >= 0 {
			t.Error("a session cookie was set")
		}
	}
	if got := b.open("/auth/session"); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("signed in again: %d", got.StatusCode)
	}
	if got := b.open(callback); got.StatusCode == http.StatusSeeOther && !strings.HasPrefix(got.Header.Get("Location"), a.idp.Issuer()) {
		t.Errorf("a reload leads to %q", got.Header.Get("Location"))
	}
}
