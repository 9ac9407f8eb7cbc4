package failure_test

import (
	"net/http"
	"testing"

	"github.com/wayleave/wayleave/devidp/devidptest"
)

// recovered checks that when the store is back everything goes on where it was,
// whatever happened before: nobody has lost a session, and what did not work
// works when it is asked for again.
func (c *scene) recovered(t *testing.T) {
	t.Helper()
	c.stillSignedIn(t)
	c.callbackReloads(t)
	c.logoutWorks(t)
	c.logoutTokenWorks(t)
	if got := c.call(); got != "200" {
		t.Errorf("API call afterwards: %s", got)
	}
	if c.got["refresh"] != "new tokens" {
		until(t, "refreshed", func() bool { return c.refresh() == "new tokens" })
	}
}

func (c *scene) stillSignedIn(t *testing.T) {
	t.Helper()
	people := map[string]*browser{"warm": c.warm, "cold": c.cold, "calling": c.calling, "refreshing": c.refreshing}
	if c.got["logout"] != "signed out" {
		people["leaving"] = c.leaving
	}
	if c.got["back-channel logout"] != "200" {
		people["told"] = c.told
	}
	for name, b := range people {
		for where, at := range map[string]*replica{"a": c.a, "b": c.b} {
			until(t, "served again", func() bool {
				switch got := pageOutcome(b.open(at, "/")); got {
				case "200":
					return true
				case "503":
				case "to sign in":
					if !c.halfway || b != c.leaving && b != c.told {
						t.Errorf("%s at %s afterwards: %s", name, where, got)
					}
					return true
				default:
					t.Errorf("%s at %s afterwards: %s", name, where, got)
					return true
				}
				return false
			})
		}
	}
}

// callbackReloads: the person presses reload. Where it cannot be known whether
// the first attempt got anywhere, the login begins again by itself.
func (c *scene) callbackReloads(t *testing.T) {
	t.Helper()
	if c.got["callback"] == "signed in" {
		return
	}
	got := c.arriving.again(t, func() answer { return c.arriving.open(c.a, c.callback) })
	if beginsAgain(got) {
		t.Log("the login began again by itself")
		callback := c.arriving.authorize(got)
		got = c.arriving.again(t, func() answer { return c.arriving.open(c.a, callback) })
	}
	if outcome := callbackOutcome(got); outcome != "signed in" {
		t.Errorf("the callback afterwards: %s", outcome)
	}
}

// again is for a store that may need a moment more: several servers do not all
// come back at once.
func (b *browser) again(t *testing.T, request func() answer) (got answer) {
	t.Helper()
	until(t, "more than 503", func() bool {
		got = request()
		return got.StatusCode != http.StatusServiceUnavailable
	})
	return got
}

func (c *scene) logoutWorks(t *testing.T) {
	t.Helper()
	before := c.leaving.copy()
	if c.got["logout"] != "signed out" {
		if got := logoutOutcome(c.leaving.again(t, func() answer { return c.leaving.logout(c.a) })); got != "signed out" {
			t.Errorf("logout afterwards: %s", got)
		}
		c.wantOut(t, "who signed out", before)
	}
	c.wantOut(t, "who signed out", c.leaving)
}

// logoutTokenWorks: the provider repeats its token. If it cannot be known
// whether that was carried out, it is refused for a while; a new one is not.
func (c *scene) logoutTokenWorks(t *testing.T) {
	t.Helper()
	if c.got["back-channel logout"] != "200" {
		if again := c.tell(c.token); again != "200" {
			t.Logf("the same logout token again: %s", again)
			until(t, "carried out", func() bool {
				return c.tell(devidptest.LogoutToken(t, c.idp, map[string]any{"aud": "app", "sid": c.sid})) == "200"
			})
		}
	}
	c.wantOut(t, "whose session the provider ended", c.told)
}

func (c *scene) wantOut(t *testing.T, who string, b *browser) {
	t.Helper()
	for where, at := range map[string]*replica{"a": c.a, "b": c.b} {
		// The other replica is told within moments.
		until(t, "refused", func() bool { return pageOutcome(b.open(at, "/")) != "200" })
		if got := pageOutcome(b.open(at, "/")); got != "to sign in" {
			t.Errorf("%s, at %s: %s", who, where, got)
		}
	}
}
