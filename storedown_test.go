package wayleave_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wayleave/wayleave"
	"github.com/wayleave/wayleave/provider"
	"github.com/wayleave/wayleave/store"
	"github.com/wayleave/wayleave/store/storetest"
)

var errDown = errors.New("no route to the store")

// faulty wraps the app's store.
func faulty(into **storetest.Faulty) func(*wayleave.Config) {
	return func(c *wayleave.Config) {
		*into = storetest.Failing(c.Store)
		c.Store = *into
	}
}

func check503(t *testing.T, what string, at answer) {
	t.Helper()
	if at.StatusCode != http.StatusServiceUnavailable || at.Header.Get("Retry-After") == "" || len(at.Cookies()) > 0 {
		t.Errorf("%s: status %d, Retry-After %q, cookies %q; want 503 and no cookies: %s", what, at.StatusCode, at.Header.Get("Retry-After"), setCookies(at), text(at))
	}
	checkHeaders(t, at)
}

// TestSES16StoreDownAtTheCallback: nothing is redeemed, and a reload works.
func TestSES16StoreDownAtTheCallback(t *testing.T) {
	for _, op := range []storetest.Op{storetest.Get, storetest.Create} {
		t.Run(op.String(), func(t *testing.T) {
			var s *storetest.Faulty
			a := newApp(t, faulty(&s))
			b := a.browser()
			callback := b.callback("/wanted")
			s.Fail(errDown, op)
			check503(t, "callback", b.open(callback))
			if n := a.idp.Count("token"); n != 0 {
				t.Errorf("%d token requests, want none", n)
			}
			s.Heal()
			if got := b.finish(callback); got.body != "Hello Ada Marsh at /wanted" {
				t.Errorf("reload ended with %q", got.body)
			}
		})
	}
}

func TestSES16StoreSlowAtTheCallback(t *testing.T) {
	var s *storetest.Faulty
	inTime(t, func(a *timed) {
		b := a.browser()
		callback := b.callback("/wanted")
		s.Block(storetest.Create)
		begin := time.Now()
		check503(t, "callback", b.open(callback))
		if took := time.Since(begin); took > 10*time.Second {
			t.Errorf("the answer took %v", took)
		}
		s.Heal()
		if got := b.finish(callback); got.body != "Hello Ada Marsh at /wanted" {
			t.Errorf("reload ended with %q", got.body)
		}
	}, faulty(&s))
}

// TestSES16TheAnswerOfTheStoreIsLost: the login is claimed, and nobody knows
// by whom. It is not redeemed: the reload waits and then starts again.
func TestSES16TheAnswerOfTheStoreIsLost(t *testing.T) {
	var s *storetest.Faulty
	inTime(t, func(a *timed) {
		b := a.browser()
		b.signIn("/first") // so that only claims are created from here on
		b.forget("session")
		callback := b.callback("/wanted")
		s.Lose(errDown, storetest.Create)
		check503(t, "callback", b.open(callback))
		s.Heal()
		if at := b.open(callback); !a.restarts(at) {
			t.Errorf("status %d to %q, want the login to start again", at.StatusCode, at.Header.Get("Location"))
		}
		if n := a.idp.Count("token"); n != 1 {
			t.Errorf("%d token requests, want 1", n)
		}
	}, faulty(&s))
}

// TestSES16StoreDownInTheExchange: the code is spent, the session cannot be
// kept. The reload starts again by itself.
func TestSES16StoreDownInTheExchange(t *testing.T) {
	var s *storetest.Faulty
	a := newApp(t, faulty(&s), func(c *wayleave.Config) {
		c.OnSignIn = func(context.Context, *provider.Identity) error {
			s.Fail(errDown, storetest.Create)
			return nil
		}
	})
	b := a.browser()
	callback := b.callback("/wanted")
	check503(t, "callback", b.open(callback))
	s.Heal()
	if at := b.open(callback); !a.restarts(at) {
		t.Errorf("status %d to %q, want the login to start again", at.StatusCode, at.Header.Get("Location"))
	}
	if n := a.store.Len("session") + a.store.Len("grant"); n != 0 {
		t.Errorf("%d records are left over", n)
	}
}

// TestSES16TheSessionCannotBeKept: then its tokens are not kept either.
func TestSES16TheSessionCannotBeKept(t *testing.T) {
	a := newApp(t, func(c *wayleave.Config) { c.Store = &hooked{Store: c.Store, create: failSessions} })
	b := a.browser()
	check503(t, "callback", b.open(b.callback("/wanted")))
	if n := a.sessionGrants(1); n != 0 {
		t.Errorf("%d grants are left over", n)
	}
}

func failSessions(table store.Table) error {
	if table == "session" {
		return errDown
	}
	return nil
}

// hooked asks before it creates.
type hooked struct {
	store.Store
	create func(store.Table) error
}

func (s *hooked) Create(ctx context.Context, table store.Table, key store.Key, rec store.Record) (store.Version, error) {
	if err := s.create(table); err != nil {
		return 0, err
	}
	return s.Store.Create(ctx, table, key, rec)
}

// TestA009HangingUpOnAnError: the outcome is recorded all the same, so that
// nobody waits for it.
func TestA009HangingUpOnAnError(t *testing.T) {
	hangUp := func() {}
	inTime(t, func(a *timed) {
		b := a.browser()
		callback := b.callback("/wanted")
		ctx, cancel := context.WithCancel(a.t.Context())
		hangUp = cancel
		<-b.deliver(ctx, denied(t, callback))
		begin := time.Now()
		if at := b.open(callback); !a.restarts(at) {
			t.Errorf("then the code: status %d to %q", at.StatusCode, at.Header.Get("Location"))
		}
		if took := time.Since(begin); took > time.Second {
			t.Errorf("the answer took %v", took)
		}
	}, func(c *wayleave.Config) {
		c.Store = &afterwards{c.Store, func() { hangUp() }}
	})
}

// afterwards calls a function when a login was claimed.
type afterwards struct {
	store.Store
	then func()
}

func (s *afterwards) Create(ctx context.Context, table store.Table, key store.Key, rec store.Record) (store.Version, error) {
	v, err := s.Store.Create(ctx, table, key, rec)
	if table == "claim" {
		s.then()
	}
	return v, err
}

// TestA139TheOldSessionCannotBeEnded: then the new one does not begin.
func TestA139TheOldSessionCannotBeEnded(t *testing.T) {
	var s *onlyOnce
	a := newApp(t, func(c *wayleave.Config) {
		s = &onlyOnce{Store: c.Store}
		c.Store = s
	})
	b := a.browser()
	b.signIn("/first")
	session := b.cookies()["session"]
	callback := b.callback("/wanted")
	s.failing = 1
	check503(t, "callback", b.open(callback))
	if b.cookies()["session"] != session || a.store.Len("session") != 1 {
		t.Errorf("the session was changed, or %d are stored", a.store.Len("session"))
	}
}

// onlyOnce fails the next deletions.
type onlyOnce struct {
	store.Store
	failing int
}

func (s *onlyOnce) Delete(ctx context.Context, table store.Table, key store.Key) error {
	if s.failing > 0 {
		s.failing--
		return errDown
	}
	return s.Store.Delete(ctx, table, key)
}

// TestSES16StoreDownIsNotSignedOut: who is signed in is not sent to sign in
// again, and keeps the cookie.
func TestSES16StoreDownIsNotSignedOut(t *testing.T) {
	var s *storetest.Faulty
	a := newApp(t, faulty(&s))
	b := a.browser()
	b.signIn("/first")
	callback := b.callback("/wanted")
	s.Fail(errDown)
	for what, at := range map[string]answer{
		"a page":                      b.open("/reports"),
		"a call of the app's scripts": b.fetch("GET", "/api/reports"),
		"the session endpoint":        b.fetch("GET", "/auth/session"),
		"logout":                      b.fetch("POST", "/auth/logout"),
		"logout's question":           b.open("/auth/logout"),
		"a callback":                  b.open(callback),
	} {
		check503(t, what, at)
		html := strings.HasPrefix(at.Header.Get("Content-Type"), "text/html")
		if json := at.Header.Get("Content-Type") == "application/json"; html == json {
			t.Errorf("%s: content type %q", what, at.Header.Get("Content-Type"))
		}
		if body := at.body; !html && !strings.HasPrefix(body, `{"error":"temporarily_unavailable"`) {
			t.Errorf("%s: body %s", what, body)
		}
	}
	s.Heal()
	if b.user() == "" {
		t.Error("nobody is signed in any more")
	}
}

// TestSES16StoreDownWhileHealing: what became of a login cannot be said, so
// nothing is begun again.
func TestSES16StoreDownWhileHealing(t *testing.T) {
	var s *storetest.Faulty
	a := newApp(t, faulty(&s))
	b, other := a.browser(), a.browser()
	completed := b.callback("/wanted")
	b.finish(completed)
	b.forget("session")
	foreign := other.callback("/wanted")
	s.Fail(errDown, storetest.Get)
	check503(t, "a completed login", b.open(completed))
	check503(t, "another browser's login", b.open(foreign))
	s.Heal()
	if at := b.open(completed); at.Header.Get("Location") != "/wanted" {
		t.Errorf("reload: status %d to %q", at.StatusCode, at.Header.Get("Location"))
	}
	if at := a.browser().open(foreign); !a.restarts(at) {
		t.Errorf("reload: status %d to %q, want the login to start again", at.StatusCode, at.Header.Get("Location"))
	}
}

// TestSES16StoreDownBehindWithUser: a page for everyone does not guess either.
func TestSES16StoreDownBehindWithUser(t *testing.T) {
	var s *storetest.Faulty
	a := newDirectApp(t, newIDP(t), "http://localhost:8000", faulty(&s))
	b := a.browser()
	b.signIn("/first")
	a.wire = direct{a.auth.WithUser(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "served") }))}
	b.client.Transport = a.wire
	if at := b.open("/"); at.body != "served" {
		t.Errorf("before: %q", at.body)
	}
	s.Fail(errDown)
	check503(t, "page", b.open("/"))
}

// TestSES16StoreDownConcernsNobodyElse: logins start without the store.
func TestSES16StoreDownConcernsNobodyElse(t *testing.T) {
	var s *storetest.Faulty
	a := newApp(t, faulty(&s))
	s.Fail(errDown)
	var before [6]int
	for method := range before {
		before[method] = s.Calls(storetest.Op(method))
	}
	b := a.browser()
	if at := b.open("/reports"); at.StatusCode != http.StatusSeeOther {
		t.Errorf("page: status %d, want 303", at.StatusCode)
	}
	b.beginAt("/reports")
	for method := range before {
		if n := s.Calls(storetest.Op(method)) - before[method]; n != 0 {
			t.Errorf("%v was called %d times", storetest.Op(method), n)
		}
	}
}
