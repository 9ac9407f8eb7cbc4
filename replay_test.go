package wayleave_test

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/wayleave/wayleave"
	"github.com/wayleave/wayleave/devidp"
	"github.com/wayleave/wayleave/store"
)

// endings are all ways in which the session of a browser ends before its time.
var endings = map[string]func(t *testing.T, a *app, b *browser){
	"SES-10 A138 by its owner": func(_ *testing.T, _ *app, b *browser) { b.signOut() },
	"SES-10 A166 on another browser's account page": func(t *testing.T, a *app, b *browser) {
		other := a.browser()
		other.signIn("/")
		other.submit("/auth/account/end", url.Values{"others": {"1"}})
	},
	"SES-10 A166 by the provider's back channel": func(t *testing.T, a *app, b *browser) { checkTold(t, a.tell(a.logoutOf("ada"))) },
	"SES-10 A166 in the provider's frame": func(t *testing.T, a *app, b *browser) {
		b.frame(frontchannel + "?" + url.Values{"iss": {a.idp.Issuer()}, "sid": {idTokenOf(b).SessionID}}.Encode())
	},
	"SES-10 A166 by the app": func(t *testing.T, a *app, b *browser) {
		if n, err := a.auth.EndSessions(t.Context(), userIDOf(b)); n != 1 || err != nil {
			t.Errorf("%d ended, %v", n, err)
		}
	},
	"SES-10 A166 by an operator": func(_ *testing.T, a *app, b *browser) {
		a.admin("POST", "/sessions/end", url.Values{"user": {userIDOf(b)}})
	},
	"SES-01 A139 by another login": func(_ *testing.T, _ *app, b *browser) {
		b.robot = newRobot()
		b.finish(b.authorizeAs(b.beginAt("/"), "grace", true))
	},
	"SES-20 A166 by too many others": func(t *testing.T, a *app, b *browser) {
		for range 3 {
			a.browser().signIn("/")
		}
	},
}

// TestSES10_A227_ACookieFromBeforeTheEnd is none afterwards, at any replica and
// at any address, however the session ended.
func TestSES10_A227_ACookieFromBeforeTheEnd(t *testing.T) {
	for name, end := range endings {
		t.Run(name, func(t *testing.T) {
			three := func(c *wayleave.Config) { c.SessionsPerUser = 3 }
			one := newDirectApp(t, newIDP(t), "http://localhost:8000", three, withSessionGrants, func(c *wayleave.Config) { c.Store = shared{c.Store} })
			two := newDirectApp(t, one.idp, one.base, three, withSessionGrants, func(c *wayleave.Config) { c.Store, c.Keys = one.cfg.Store, one.cfg.Keys })
			b := one.browser()
			b.signIn("/")
			cookie, id := sessionCookieOf(b)
			var thieves []*browser
			for _, a := range []*app{one, two} {
				thief := a.browser()
				thief.setRaw(cookie, id)
				if thief.user() == "" {
					t.Fatal("the copied cookie does not work to begin with")
				}
				thieves = append(thieves, thief)
			}
			end(t, one, b)
			for i, thief := range thieves {
				for _, path := range []string{"/auth/session", "/", "/transactions", "/auth/account", "/auth/logout"} {
					at := thief.fetch("GET", path)
					refused := at.StatusCode == http.StatusUnauthorized || at.StatusCode == http.StatusSeeOther
					if !refused || strings.Contains(at.body, "Ada") {
						t.Errorf("%s at replica %d: status %d: %s", path, i+1, at.StatusCode, at.body)
					}
				}
				for _, path := range []string{"/auth/account/end", "/auth/account/disconnect"} {
					if at := thief.submit(path, url.Values{"others": {"1"}, "provider": {"dev"}}); at.StatusCode != http.StatusForbidden {
						t.Errorf("%s at replica %d: status %d", path, i+1, at.StatusCode)
					}
				}
			}
		})
	}
}

// TestA169_A224_ASlowRequestBringsNoSessionBack: it has read the session before
// the logout, and writes when it was last seen after it.
func TestA169_A224_ASlowRequestBringsNoSessionBack(t *testing.T) {
	slow := &slowWrites{}
	inTime(t, func(a *timed) {
		b := a.browser()
		b.signIn("/")
		cookie, id := sessionCookieOf(b)
		twin := a.browser()
		twin.setRaw(cookie, id)
		a.sleep(10 * time.Minute) // so that the next request writes
		release := make(chan struct{})
		slow.held, slow.hold = make(chan struct{}), release
		done := make(chan answer)
		go func() { done <- twin.open("/slow") }()
		<-slow.held
		b.signOut()
		close(release)
		if at := <-done; at.StatusCode != http.StatusOK {
			t.Errorf("the request that began before: status %d", at.StatusCode)
		}
		if a.store.Len("session") != 0 || twin.user() != "" || b.user() != "" {
			t.Errorf("the session is back: %d stored", a.store.Len("session"))
		}
	}, func(c *wayleave.Config) {
		slow.Store = c.Store
		c.Store = slow
	})
}

// slowWrites holds the next write to a session.
type slowWrites struct {
	store.Store
	held, hold chan struct{}
}

func (s *slowWrites) Replace(ctx context.Context, table store.Table, key store.Key, old store.Version, rec store.Record) (store.Version, error) {
	if hold := s.hold; table == "session" && hold != nil {
		s.hold = nil
		close(s.held)
		<-hold
	}
	return s.Store.Replace(ctx, table, key, old, rec)
}

// TestLGO17_A224_WhatARefreshBringsAfterTheLogout is given back to the provider,
// and the request that waited for it gets nothing.
func TestLGO17_A224_WhatARefreshBringsAfterTheLogout(t *testing.T) {
	held, release := make(chan struct{}), make(chan struct{})
	p := &slowTokens{}
	srv := httptest.NewUnstartedServer(p)
	var err error
	if p.idp, err = devidp.New(devidp.Options{Issuer: "http://" + srv.Listener.Addr().String(), SigningAlgorithm: "ES256"}); err != nil {
		t.Fatal(err)
	}
	srv.Start()
	t.Cleanup(srv.Close)
	a := newDirectApp(t, p.idp, "http://localhost:8000", withSessionGrants)
	b := a.browser()
	b.signIn("/")
	cookie, id := sessionCookieOf(b)
	twin := a.browser()
	twin.setRaw(cookie, id)
	p.idp.SetFaults("api-401-once") // so that the token is renewed
	p.before = func() { close(held); <-release }
	done := make(chan answer)
	go func() { done <- twin.open("/transactions") }()
	<-held
	b.signOut()
	close(release)
	if at := <-done; at.StatusCode != http.StatusBadGateway || !strings.Contains(at.body, wayleave.ErrLoginRequired.Error()) {
		t.Errorf("the request that waited: status %d: %s", at.StatusCode, at.body)
	}
	revoked(t, a)
	eventuallyTrue(t, "all tokens, old and new, are given back", func() bool { return a.idp.Count("revoke") >= 2 && a.store.Len("grant") == 0 })
	if twin.user() != "" || a.store.Len("session") != 0 {
		t.Error("the session is back")
	}
}

// slowTokens is devidp, which does something before it answers one token request.
type slowTokens struct {
	idp    *devidp.Server
	before func()
}

func (p *slowTokens) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if before := p.before; before != nil && r.URL.Path == "/token" {
		p.before = nil
		before()
	}
	p.idp.ServeHTTP(w, r)
}

// TestA167_AStolenStore holds nothing that anybody could use: no token, no id,
// no name; and what is in it, sent as a cookie, is no session.
func TestA167_AStolenStore(t *testing.T) {
	tap := newWiretap(t)
	var s *spy
	a := newDirectApp(t, tap.idp, "http://localhost:8000", func(c *wayleave.Config) {
		s = &spy{Store: c.Store}
		c.Store = s
	})
	b := a.browser()
	callback := b.callback("/wanted")
	tap.note("code", param(t, callback, "code"))
	tap.note("state", param(t, callback, "state"))
	b.finish(callback)
	b.open("/transactions")
	for name, value := range b.cookies() {
		tap.note(name+" cookie", value)
	}
	for _, text := range []string{"ada@example.com", "Ada Marsh", userIDOf(b), tap.idp.Issuer(), "transactions.read"} {
		tap.note("personal data", text)
	}
	b.signOut()
	tap.note("logout cookie", b.cookies()["logout"])
	for value, what := range tap.secrets {
		if s.saw(value) {
			t.Errorf("the store was given the %s", what)
		}
	}
	if len(tap.secrets) < 10 {
		t.Fatalf("only %d secrets are known", len(tap.secrets))
	}
	b.signIn("/")
	cookie, _ := sessionCookieOf(b)
	thief := a.browser()
	for at := 0; at+32 <= len(s.seen); at += 8 {
		thief.setRaw(cookie, base64.RawURLEncoding.EncodeToString(s.seen[at:at+32]))
		if thief.user() != "" {
			t.Fatal("bytes of the store make a session")
		}
	}
}
