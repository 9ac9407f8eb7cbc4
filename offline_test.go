package wayleave_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/wayleave/wayleave"
	"github.com/wayleave/wayleave/provider"
)

// userIDOf is the id of whoever is signed in.
func userIDOf(b *browser) string {
	b.a.t.Helper()
	var said struct{ User struct{ ID string } }
	if err := json.Unmarshal([]byte(b.user()), &said); err != nil || said.User.ID == "" {
		b.a.t.Fatalf("nobody is signed in: %v", err)
	}
	return said.User.ID
}

// callOffline asks the API as a job at night does.
func (a *app) callOffline(ctx context.Context, userID string) error {
	client, err := a.auth.OfflineClient(ctx, userID, "dev")
	if err != nil {
		return err
	}
	resp, err := client.Get(a.idp.Issuer() + "/api/transactions")
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return errors.New("the API answered " + resp.Status)
	}
	return nil
}

// TestLGO11_OfflineAccess works when nobody is signed in, refreshes what has
// expired, and stops when the account is disconnected.
func TestLGO11_OfflineAccess(t *testing.T) {
	inTime(t, func(a *timed) {
		b := a.browser()
		b.signIn("/")
		id := userIDOf(b)
		b.signOut()
		for range 3 {
			a.sleep(time.Hour)
			if err := a.callOffline(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		}
		src, err := a.auth.OfflineTokenSource(t.Context(), id, "dev")
		if err != nil {
			t.Fatal(err)
		}
		if tokens, err := src.Token(t.Context()); err != nil || !tokens.Valid(time.Now(), 0) {
			t.Errorf("the token source: %v", err)
		}
		connections, err := a.auth.Connections(t.Context(), id)
		if err != nil || len(connections) != 1 || connections[0].Provider != "dev" || connections[0].Ended {
			t.Errorf("connections %+v, %v", connections, err)
		}
		if err := a.auth.Disconnect(t.Context(), id, "dev"); err != nil {
			t.Fatal(err)
		}
		if err := a.callOffline(t.Context(), id); !errors.Is(err, wayleave.ErrLoginRequired) {
			t.Errorf("after disconnecting: %v", err)
		}
		if _, err := src.Token(t.Context()); !errors.Is(err, wayleave.ErrLoginRequired) {
			t.Errorf("a source made before: %v", err)
		}
		if connections, err := a.auth.Connections(t.Context(), id); err != nil || len(connections) != 0 {
			t.Errorf("connections %+v, %v", connections, err)
		}
		a.sleep(2 * time.Minute)
		if n := a.idp.Count("revoke"); n != 2 {
			t.Errorf("%d requests to revoke, want one for each token", n)
		}
		if err := a.auth.Disconnect(t.Context(), id, "dev"); err != nil {
			t.Errorf("a second time: %v", err)
		}
	})
}

// TestOfflineAccessThatNobodyGave is ErrLoginRequired, for strangers and where
// the entry does not ask for it.
func TestOfflineAccessThatNobodyGave(t *testing.T) {
	a := newApp(t, withSessionGrants)
	b := a.browser()
	b.signIn("/")
	for _, row := range [][2]string{{userIDOf(b), "dev"}, {"nobody", "dev"}, {userIDOf(b), "other"}, {"", ""}} {
		if _, err := a.auth.OfflineClient(t.Context(), row[0], row[1]); !errors.Is(err, wayleave.ErrLoginRequired) {
			t.Errorf("user %q at %q: %v", row[0], row[1], err)
		}
		if _, err := a.auth.OfflineTokenSource(t.Context(), row[0], row[1]); !errors.Is(err, wayleave.ErrLoginRequired) {
			t.Errorf("user %q at %q: %v", row[0], row[1], err)
		}
	}
}

// TestDisconnectingOnTheAccountPage revokes the grant at the provider. The
// session goes on, and its calls say that the person has to sign in.
func TestDisconnectingOnTheAccountPage(t *testing.T) {
	a := newApp(t)
	b := a.browser()
	b.signIn("/")
	if at := b.open("/transactions"); at.StatusCode != http.StatusOK {
		t.Fatalf("before: status %d: %s", at.StatusCode, at.body)
	}
	_, page := b.account()
	if !strings.Contains(page.body, `name="provider" value="dev"`) {
		t.Fatalf("the page has no button: %s", text(page))
	}
	at := b.submit("/auth/account/disconnect", url.Values{"provider": {"dev"}})
	if at.Header.Get("Location") != "/auth/account?did=disconnected&provider=dev" {
		t.Errorf("status %d to %q", at.StatusCode, at.Header.Get("Location"))
	}
	if at := b.open("/transactions"); at.StatusCode != http.StatusBadGateway || !strings.Contains(at.body, wayleave.ErrLoginRequired.Error()) {
		t.Errorf("the next call: status %d: %s", at.StatusCode, at.body)
	}
	eventuallyTrue(t, "the grant is revoked", func() bool { return a.idp.Count("revoke") > 0 })
	if _, page := b.account(); strings.Contains(text(page), "Connected accounts") {
		t.Error("the page still lists it")
	}
	if b.user() == "" {
		t.Error("the session has ended too")
	}
}

// TestSES20_SessionsPerUser: with one more, the oldest ends, with its grant.
func TestSES20_SessionsPerUser(t *testing.T) {
	inTime(t, func(a *timed) {
		var all []*browser
		for range 4 {
			b := a.browser()
			b.signIn("/")
			all = append(all, b)
			a.sleep(time.Second)
		}
		other := a.browser()
		other.finish(other.authorizeAs(other.begin("/"), "grace", true))
		for i, b := range all {
			if got, want := b.user() != "", i >= 2; got != want {
				t.Errorf("browser %d of 4 is signed in: %v, want %v", i+1, got, want)
			}
		}
		a.sleep(2 * time.Minute)
		if n := a.store.Len("grant"); n != 3 || a.idp.Count("revoke") == 0 {
			t.Errorf("%d grants are left, want those of three sessions; %d requests to revoke", n, a.idp.Count("revoke"))
		}
		if other.user() == "" {
			t.Error("another person was signed out")
		}
	}, withSessionGrants, func(c *wayleave.Config) { c.SessionsPerUser = 2 })
}

// TestSES20_EndSessions is for the app: everywhere, and for nobody else.
func TestSES20_EndSessions(t *testing.T) {
	a := newApp(t)
	laptop, phone := twoDevices(a)
	grace := a.browser()
	grace.finish(grace.authorizeAs(grace.begin("/"), "grace", true))
	if n, err := a.auth.EndSessions(t.Context(), provider.IDOf(a.idp.Issuer(), "ada")); n != 2 || err != nil {
		t.Errorf("%d ended, %v", n, err)
	}
	if laptop.user() != "" || phone.user() != "" || grace.user() == "" {
		t.Error("the wrong ones were ended")
	}
	for _, id := range []string{provider.IDOf(a.idp.Issuer(), "ada"), "nobody", ""} {
		if n, err := a.auth.EndSessions(t.Context(), id); n != 0 || err != nil {
			t.Errorf("user %q: %d ended, %v", id, n, err)
		}
	}
	if grace.user() == "" {
		t.Error("somebody else was signed out")
	}
}

// TestLGO11_AJobThatDisconnects in a process that serves nobody: the grant is
// revoked all the same.
func TestLGO11_AJobThatDisconnects(t *testing.T) {
	a := newApp(t)
	b := a.browser()
	b.signIn("/")
	id := userIDOf(b)
	a.serve(a.cfg)
	if err := a.auth.Disconnect(t.Context(), id, "dev"); err != nil {
		t.Fatal(err)
	}
	eventuallyTrue(t, "the grant is revoked", func() bool { return a.idp.Count("revoke") > 0 })
}
