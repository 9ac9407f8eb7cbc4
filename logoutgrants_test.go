package wayleave_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/wayleave/wayleave"
	"github.com/wayleave/wayleave/internal/index"
	"github.com/wayleave/wayleave/internal/seal"
	"github.com/wayleave/wayleave/provider"
	"github.com/wayleave/wayleave/session"
)

// revoked waits until the provider has been given back what there was.
func revoked(t *testing.T, a *app) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for a.store.Len("grant") > 0 {
		if time.Now().After(deadline) {
			t.Fatalf("%d grants wait to be revoked", a.store.Len("grant"))
		}
		time.Sleep(time.Millisecond)
	}
	if a.idp.Count("revoke") == 0 {
		t.Error("nothing was revoked")
	}
}

// TestLGO10_AllOfManySessions: more than are looked up in one go.
func TestLGO10_AllOfManySessions(t *testing.T) {
	a := newDirectApp(t, newIDP(t), "https://app.example", func(c *wayleave.Config) { c.SessionsPerUser = -1 })
	b, other := a.browser(), a.browser()
	b.signIn("/")
	other.finish(other.authorizeAs(other.begin("/"), "grace", true))
	a.addSessions(1500, "ada")
	if n := a.store.Len("session"); n != 1502 {
		t.Fatalf("%d sessions to begin with", n)
	}
	checkTold(t, a.tell(a.logoutOf("ada")))
	if n := a.store.Len("session"); n != 1 || other.user() == "" {
		t.Errorf("%d sessions are left, and the other person is signed in: %v; want that one", n, other.user() != "")
	}
}

// addSessions makes sessions as logins of this app would have, without tokens.
func (a *app) addSessions(n int, person string) {
	a.t.Helper()
	ring, err := seal.NewRing(a.cfg.Keys...)
	if err != nil {
		a.t.Fatal(err)
	}
	m := session.NewManager(a.store, ring, index.New(a.store, ring), a.cfg.BaseURL, session.Lifetimes{Idle: time.Hour, Absolute: time.Hour})
	for i := range n {
		s := session.Session{ProviderIssuer: a.idp.Issuer(), ProviderSubject: person, ProviderSession: fmt.Sprint("s", i), ProviderTime: time.Now(), Device: "Firefox on Linux",
			User: session.User{ID: provider.IDOf(a.idp.Issuer(), person), Provider: "dev", Issuer: a.idp.Issuer(), Subject: person, Email: person + "@example.com"}}
		if _, _, _, err := m.Create(a.t.Context(), s); err != nil {
			a.t.Fatal(err)
		}
	}
}

// TestLGO11_SessionGrantsAreRevoked with the session, with all their tokens, and
// kept grants stay as they are.
func TestLGO11_SessionGrantsAreRevoked(t *testing.T) {
	t.Run("a session grant", func(t *testing.T) {
		a := newApp(t, withSessionGrants)
		b := a.browser()
		b.signIn("/")
		checkTold(t, a.tell(a.logoutOf("ada")))
		revoked(t, a)
		if n := a.idp.Count("revoke"); n != 2 {
			t.Errorf("%d requests to revoke, want one for each token", n)
		}
	})
	t.Run("a session grant, by the person", func(t *testing.T) {
		a := newApp(t, withSessionGrants)
		b := a.browser()
		b.signIn("/")
		b.fetch("POST", "/auth/logout")
		revoked(t, a)
	})
	t.Run("a session grant, while the provider is busy", func(t *testing.T) {
		inTime(t, func(a *timed) {
			b := a.browser()
			b.signIn("/")
			a.idp.SetFaults("revocation-503-once")
			if at := b.fetch("POST", "/auth/logout"); at.StatusCode != http.StatusOK || b.user() != "" {
				t.Errorf("logout: status %d", at.StatusCode)
			}
			a.sleep(10 * time.Second)
			if a.store.Len("grant") != 1 || a.idp.Count("revoke") != 1 {
				t.Errorf("%d grants wait after %d requests", a.store.Len("grant"), a.idp.Count("revoke"))
			}
			a.sleep(3 * time.Minute)
			if a.store.Len("grant") != 0 || a.idp.Count("revoke") != 3 {
				t.Errorf("%d grants wait after %d requests", a.store.Len("grant"), a.idp.Count("revoke"))
			}
		}, withSessionGrants)
	})
	t.Run("a kept grant", func(t *testing.T) {
		inTime(t, func(a *timed) {
			b := a.browser()
			b.signIn("/")
			checkTold(t, a.tell(a.logoutOf("ada")))
			a.sleep(5 * time.Minute)
			client, err := a.auth.OfflineClient(t.Context(), provider.IDOf(a.idp.Issuer(), "ada"), "dev")
			if err != nil {
				t.Fatal(err)
			}
			resp, err := client.Get(a.idp.Issuer() + "/api/transactions")
			if err != nil || resp.StatusCode != http.StatusOK {
				t.Fatalf("the API: %v, %v", resp, err)
			}
			resp.Body.Close()
			if n := a.idp.Count("revoke"); n != 0 || a.store.Len("grant") != 1 {
				t.Errorf("%d requests to revoke, %d grants", n, a.store.Len("grant"))
			}
		})
	})
}
