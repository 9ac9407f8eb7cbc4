package wayleave_test

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/wayleave/wayleave"
	"github.com/wayleave/wayleave/devidp"
	"github.com/wayleave/wayleave/store"
	"github.com/wayleave/wayleave/store/storetest"
)

// twisted is devidp behind metadata that can change.
type twisted struct {
	idp         *devidp.Server
	endSession  atomic.Pointer[string] // in place of the endpoint; nil: devidp's own
	unreachable atomic.Bool
}

func newTwisted(t *testing.T) *twisted {
	t.Helper()
	w := &twisted{}
	srv := httptest.NewUnstartedServer(w)
	var err error
	if w.idp, err = devidp.New(devidp.Options{Issuer: "http://" + srv.Listener.Addr().String(), SigningAlgorithm: "ES256", InsecureAnyRedirect: true}); err != nil {
		t.Fatal(err)
	}
	srv.Start()
	t.Cleanup(srv.Close)
	return w
}

func (p *twisted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if p.unreachable.Load() {
		panic(http.ErrAbortHandler) // the connection breaks
	}
	change := p.endSession.Load()
	if change == nil || !strings.HasPrefix(r.URL.Path, "/.well-known/") {
		p.idp.ServeHTTP(w, r)
		return
	}
	rec := httptest.NewRecorder()
	p.idp.ServeHTTP(rec, r)
	var doc map[string]any
	if err := json.Unmarshal(rec.Body.Bytes(), &doc); err != nil {
		panic(err)
	}
	if doc["end_session_endpoint"] = *change; *change == "" {
		delete(doc, "end_session_endpoint")
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(doc) // the other side may have gone
}

// TestA225_LogoutNeedsNoProvider: it is complete here, at once, whatever has
// become of the provider, and sends nobody where a hostile document says.
func TestA225_LogoutNeedsNoProvider(t *testing.T) {
	for name, twist := range map[string]func(*twisted){
		"LGO-01 A225 unreachable":          func(p *twisted) { p.unreachable.Store(true) },
		"LGO-01 A225 metadata down":        func(p *twisted) { p.idp.SetFaults("discovery-500") },
		"A225 no end-session endpoint":     func(p *twisted) { p.endSession.Store(new("")) },
		"A225 a script for an endpoint":    func(p *twisted) { p.endSession.Store(new("javascript:alert(1)")) },
		"A225 http on another host":        func(p *twisted) { p.endSession.Store(new("http://evil.example/end-session")) },
		"A225 an endpoint with a fragment": func(p *twisted) { p.endSession.Store(new("https://id.example/end-session#x")) },
		"A225 credentials in the endpoint": func(p *twisted) { p.endSession.Store(new("https://a:b@id.example/")) },
		"A225 no URL at all":               func(p *twisted) { p.endSession.Store(new("//evil.example/x")) },
		"A225 metadata of somebody else's": func(p *twisted) { p.idp.SetFaults("discovery-wrong-issuer") },
	} {
		t.Run(name, func(t *testing.T) {
			p := newTwisted(t)
			a := newDirectApp(t, p.idp, "http://localhost:8000", withSessionGrants)
			b := a.browser()
			b.signIn("/")
			copied, id := sessionCookieOf(b)
			thief := a.browser()
			thief.setRaw(copied, id)
			a.serve(a.cfg) // so that the metadata is not known any more
			twist(p)
			if at := b.open("/auth/logout"); at.StatusCode != http.StatusOK || !strings.HasSuffix(at.Header.Get("Content-Security-Policy"), "form-action 'self'") {
				t.Errorf("the question: status %d, policy %q", at.StatusCode, at.Header.Get("Content-Security-Policy"))
			}
			at := b.signOut()
			if at.StatusCode != http.StatusSeeOther || at.Header.Get("Location") != "/auth/signed-out" {
				t.Errorf("status %d to %q", at.StatusCode, at.Header.Get("Location"))
			}
			checkPage(t, b.open(at.Header.Get("Location")), "200 You are signed out")
			if b.user() != "" || thief.user() != "" || a.store.Len("session") != 0 || b.cookies()["session"] != "" || b.cookies()["logout"] != "" {
				t.Errorf("something of the session lives on: %d stored, cookies %d", a.store.Len("session"), len(b.cookies()))
			}
		})
	}
}

// TestLGO01_LogoutHereOnly leaves the provider's session alone.
func TestLGO01_LogoutHereOnly(t *testing.T) {
	a := newApp(t, func(c *wayleave.Config) { c.LogoutHereOnly = true })
	for name, leave := range map[string]func(*browser) (answer, int, string){
		"by a form":   func(b *browser) (answer, int, string) { return b.signOut(), 303, "/auth/signed-out" },
		"by a script": func(b *browser) (answer, int, string) { return b.fetch("POST", "/auth/logout"), 204, "" },
	} {
		b := a.browser()
		b.signIn("/")
		if policy := b.open("/auth/logout").Header.Get("Content-Security-Policy"); strings.Contains(policy, a.idp.Issuer()) {
			t.Errorf("%s: the policy lets a form go to the provider", name)
		}
		at, status, to := leave(b)
		if at.StatusCode != status || at.Header.Get("Location") != to || b.user() != "" || b.cookies()["logout"] != "" {
			t.Errorf("%s: status %d to %q, cookies %q", name, at.StatusCode, at.Header.Get("Location"), setCookies(at))
		}
	}
	if n := a.idp.Count("end_session"); n != 0 {
		t.Errorf("%d requests to the provider", n)
	}
}

// TestLGO01_A227_NothingIsLeft of a session after a logout: record, tokens,
// cookies of both names that it had, and logins that were under way.
func TestLGO01_A227_NothingIsLeft(t *testing.T) {
	a := newApp(t, withSessionGrants)
	b := a.browser()
	b.signIn("/")
	b.signOut()
	revoked(t, a)
	for _, table := range []store.Table{"session", "grant"} {
		if n := a.store.Len(table); n != 0 {
			t.Errorf("%d records in %s", n, table)
		}
	}
	left := slices.Sorted(maps.Keys(b.cookies()))
	if !slices.Equal(left, []string{"browser", "logout"}) {
		t.Errorf("the browser keeps %v; neither of its new binding nor of the way back signs anybody in", left)
	}
}

// TestLGO01_HangingUpDuringALogout: who closes the tab at once is signed out all
// the same.
func TestLGO01_HangingUpDuringALogout(t *testing.T) {
	hangUp := func() {}
	a := newDirectApp(t, newIDP(t), "http://localhost:8000", func(c *wayleave.Config) {
		c.Store = &hooked{Store: c.Store, create: func(table store.Table) error {
			if table == "logout" {
				hangUp()
			}
			return nil
		}}
	})
	b := a.browser()
	b.signIn("/")
	ctx, cancel := context.WithCancel(t.Context())
	hangUp = cancel
	if _, err := b.client.Do(b.request("POST", "/auth/logout", "Sec-Fetch-Site", "same-origin").WithContext(ctx)); err == nil {
		t.Fatal("the browser that hung up got an answer")
	}
	hangUp = func() {}
	if b.user() != "" || a.store.Len("session") != 0 {
		t.Error("the session lives on")
	}
}

// TestLGO01_LogoutNeedsNoRoom: a store that is full, or whose clock says that
// what is written now is over already, keeps nobody from signing out.
func TestLGO01_LogoutNeedsNoRoom(t *testing.T) {
	for _, cause := range []error{store.ErrFull, store.ErrNoExpiry} {
		for name, change := range map[string]func(*wayleave.Config){"a session grant": withSessionGrants, "a kept grant": func(*wayleave.Config) {}} {
			t.Run(name+", "+cause.Error(), func(t *testing.T) {
				var s *storetest.Faulty
				a := newDirectApp(t, newIDP(t), "http://localhost:8000", change, faulty(&s))
				laptop, phone := twoDevices(a)
				s.Fail(cause, storetest.Create)
				if cause == store.ErrFull {
					s.Fail(cause, storetest.Replace)
				}
				list, _ := laptop.account()
				if at := laptop.submit("/auth/account/end", url.Values{"session": {list[1].handle}}); at.StatusCode != http.StatusSeeOther || phone.user() != "" {
					t.Errorf("ending another session: status %d", at.StatusCode)
				}
				if at := laptop.signOut(); at.StatusCode != http.StatusOK || laptop.user() != "" || a.store.Len("session") != 0 {
					t.Errorf("signing out: status %d, %d sessions", at.StatusCode, a.store.Len("session"))
				}
			})
		}
	}
}
