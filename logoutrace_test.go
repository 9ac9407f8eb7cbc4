package wayleave_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

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

// TestA224_ALogoutAtTheProviderDuringTheCallback: the session that is about to
// begin does not.
func TestA224_ALogoutAtTheProviderDuringTheCallback(t *testing.T) {
	for name, row := range map[string]struct {
		claims  func(id *provider.Identity) []any
		refused bool
	}{
		"by sub":               {func(*provider.Identity) []any { return nil }, true},
		"by sid":               {func(id *provider.Identity) []any { return []any{"sub", nil, "sid", id.Claims.Text("id_token.sid")} }, true},
		"of another person":    {func(*provider.Identity) []any { return []any{"sub", "grace"} }, false},
		"of another session":   {func(*provider.Identity) []any { return []any{"sid", "another"} }, false},
		"that was made before": {func(*provider.Identity) []any { return []any{"iat", time.Now().Add(-time.Minute).Unix()} }, false},
	} {
		t.Run(name, func(t *testing.T) {
			var a *app
			a = newApp(t, withSessionGrants, func(c *wayleave.Config) {
				c.OnSignIn = func(_ context.Context, id *provider.Identity) error {
					checkTold(t, a.tell(a.logoutOf("ada", row.claims(id)...)))
					return nil
				}
			})
			b := a.browser()
			at := b.open(b.callback("/wanted"))
			want := "/wanted"
			if row.refused {
				want = "/auth/signed-out"
			}
			if at.StatusCode != http.StatusSeeOther || at.Header.Get("Location") != want || (b.user() == "") != row.refused {
				t.Errorf("status %d to %q, want %q; signed in: %v", at.StatusCode, at.Header.Get("Location"), want, b.user() != "")
			}
			if n := a.store.Len("session"); row.refused && n != 0 {
				t.Errorf("%d sessions are left over", n)
			}
			if row.refused {
				revoked(t, a)
			}
		})
	}
}

// TestA224_ALateTokenTakesNoMarkBack: what a newer one said still holds for the
// login that is under way.
func TestA224_ALateTokenTakesNoMarkBack(t *testing.T) {
	var a *app
	a = newApp(t, func(c *wayleave.Config) {
		c.OnSignIn = func(context.Context, *provider.Identity) error {
			checkTold(t, a.tell(a.logoutOf("ada")))
			checkTold(t, a.tell(a.logoutOf("ada", "iat", time.Now().Add(-time.Minute).Unix())))
			return nil
		}
	})
	b := a.browser()
	if at := b.open(b.callback("/wanted")); at.Header.Get("Location") != "/auth/signed-out" || b.user() != "" {
		t.Errorf("status %d to %q", at.StatusCode, at.Header.Get("Location"))
	}
}

// TestA224_TheMarkEndsNoLaterLogin: signing in again after a logout
// at the provider works.
func TestA224_TheMarkEndsNoLaterLogin(t *testing.T) {
	inTime(t, func(a *timed) {
		b := a.browser()
		b.signIn("/")
		checkTold(t, a.tell(a.logoutOf("ada")))
		a.sleep(time.Second)
		if got := b.signIn("/again"); !strings.HasSuffix(got.body, "at /again") || b.user() == "" {
			t.Errorf("ended with status %d: %s", got.StatusCode, text(got))
		}
	})
}

// TestA224_LogoutAmongManyRequests of the same browser: those that begin after
// its answer are refused, without exception, and none brings anything back.
func TestA224_LogoutAmongManyRequests(t *testing.T) {
	one, two := replicas(t)
	b := one.browser()
	b.signIn("/")
	cookie, id := sessionCookieOf(b)
	var over atomic.Bool
	var late atomic.Int32
	var all sync.WaitGroup
	for i := range 20 {
		twin := []*app{one, two}[i%2].browser()
		twin.setRaw(cookie, id)
		all.Go(func() {
			for refused := 0; refused < 5; {
				began := over.Load()
				at := twin.open([]string{"/", "/transactions", "/auth/account"}[refused%3])
				switch {
				case at.StatusCode == http.StatusSeeOther:
					refused++
				case began:
					late.Add(1)
					return
				}
			}
		})
	}
	if at := b.signOut(); at.StatusCode != http.StatusOK {
		t.Errorf("logout: status %d", at.StatusCode)
	}
	over.Store(true)
	all.Wait()
	if n := late.Load(); n > 0 || one.store.Len("session") != 0 {
		t.Errorf("%d requests that began after the logout were served; %d sessions are stored", n, one.store.Len("session"))
	}
}
