package replicas_test

import (
	"context"
	"net/http"
	"testing"
	"time"
)

// A replica that does not hear of sessions that end knows that it does not, and
// asks the store each time. Only what it does hear can be believed for a while.
func TestLGO12_A169_InvalidationIsCut(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db database) {
		t.Parallel()
		f := newFleet(newIDP(t, people(60)), db)
		c := &cutOff{f: f, relay: newRelay(t, db.server), near: f.start(t, 1)[0]}
		c.far = f.startOn(t, c.relay.in(db.url))
		t.Run("LGO-12 what is heard is believed", c.heard)
		t.Run("LGO-12, A169: silence is noticed within a second", c.silence)
		t.Run("LGO-12 what is heard again is believed again", c.heard)
		t.Run("LGO-12, A169: a lost connection is silence", c.lost)
		t.Run("LGO-12, A169: no copy is believed for more than five seconds", c.deaf)
		t.Run("A169 a store that is out of reach is a 503", c.outOfReach)
	})
}

// maxCopyAge and maxSilence are promised. slack is for a busy machine.
const (
	maxCopyAge = 5 * time.Second
	maxSilence = time.Second
	slack      = 2 * time.Second
)

// cutOff is two replicas, of which the far one is behind a relay.
type cutOff struct {
	f         *fleet
	relay     *relay
	near, far *replica
	people    int
}

// signedIn returns people with sessions that the far replica has copies of.
func (c *cutOff) signedIn(t *testing.T, n int) (all []*browser) {
	t.Helper()
	for range n {
		b := c.f.browser(subject(c.people % len(c.f.idp.people)))
		c.people++
		if err := b.signIn(t.Context(), c.near); err != nil {
			t.Fatal(err)
		}
		all = append(all, b)
	}
	c.warm(t, all)
	return all
}

func (c *cutOff) warm(t *testing.T, all []*browser) {
	t.Helper()
	for _, b := range all {
		if got, err := b.open(t.Context(), c.far, "/page"); err != nil || got.StatusCode != http.StatusOK {
			t.Fatalf("signed in near by, at the far replica: %v, error %v", got, err)
		}
	}
}

// logout ends the session at the near replica. It returns a browser that still
// has its cookie, and when the end was acknowledged.
func (c *cutOff) logout(t *testing.T, b *browser) (*browser, time.Time) {
	t.Helper()
	kept := b.copy()
	if err := b.logout(t.Context(), c.near); err != nil {
		t.Fatal(err)
	}
	return kept, time.Now()
}

// refused returns when the far replica has refused.
func (c *cutOff) refused(t *testing.T, b *browser) time.Time {
	t.Helper()
	until(t, "refused", func() bool { return b.status(c.far, "/page") == http.StatusSeeOther })
	return time.Now()
}

func (c *cutOff) heard(t *testing.T) {
	for _, b := range c.signedIn(t, 3) {
		kept, told := c.logout(t, b)
		if took := c.refused(t, kept).Sub(told); took > slack {
			t.Errorf("took %v", took)
		}
	}
}

// wantAsked: the far replica asks the store, so that the first request after a
// logout is refused.
func (c *cutOff) wantAsked(t *testing.T, all []*browser) {
	t.Helper()
	c.warm(t, all)
	for _, b := range all[1:] {
		kept, _ := c.logout(t, b)
		if got := kept.status(c.far, "/page"); got != http.StatusSeeOther {
			t.Errorf("the first request after the logout: status %d, want %d", got, http.StatusSeeOther)
		}
	}
	c.warm(t, all[:1])
}

func (c *cutOff) silence(t *testing.T) {
	all := c.signedIn(t, 10)
	c.relay.set(stallFollower)
	defer c.relay.set(passing)
	silent := time.Now()
	kept, _ := c.logout(t, all[0])
	took := c.refused(t, kept).Sub(silent)
	t.Logf("refused %v after the silence began", took.Round(time.Millisecond))
	if took > maxSilence+slack {
		t.Errorf("want at most %v", maxSilence)
	}
	time.Sleep(time.Until(silent.Add(maxSilence)))
	c.wantAsked(t, all[1:])
}

// lost: the connection is cut whenever it is made.
func (c *cutOff) lost(t *testing.T) {
	all := c.signedIn(t, 10)
	c.relay.set(dropFollower)
	defer c.relay.set(passing)
	cut := time.Now()
	kept, _ := c.logout(t, all[0])
	if took := c.refused(t, kept).Sub(cut); took > maxSilence+slack {
		t.Errorf("took %v, want at most %v", took, maxSilence)
	}
	time.Sleep(time.Until(cut.Add(maxSilence)))
	c.wantAsked(t, all[1:])
}

// deaf: the connection is well, and what comes over it is wrong.
func (c *cutOff) deaf(t *testing.T) {
	var kept *browser
	var told time.Time
	until(t, "believed after its end", func() bool { // copies are used again a moment after the connection came back
		c.relay.set(passing)
		b := c.signedIn(t, 1)[0]
		c.relay.set(loseEnds)
		kept, told = c.logout(t, b)
		return kept.status(c.far, "/page") == http.StatusOK
	})
	defer c.relay.set(passing)
	took := c.refused(t, kept).Sub(told)
	t.Logf("believed for %v after the logout", took.Round(time.Millisecond))
	if took > maxCopyAge+slack {
		t.Errorf("want at most %v", maxCopyAge)
	}
}

// outOfReach: all of the far replica's connections hang.
func (c *cutOff) outOfReach(t *testing.T) {
	all := c.signedIn(t, 10)
	c.relay.set(stallAll)
	hung := time.Now()
	kept, _ := c.logout(t, all[0])
	time.Sleep(time.Until(hung.Add(maxSilence + time.Second/2)))
	together(len(all), func(i int) {
		b := all[i]
		if i == 0 {
			b = kept
		}
		got, err := b.open(context.Background(), c.far, "/page")
		if err != nil || got.StatusCode != http.StatusServiceUnavailable || got.Header.Get("Retry-After") == "" {
			t.Errorf("%v, error %v, want 503 with Retry-After", got, err)
		}
	})
	t.Logf("answered within %v", time.Since(hung).Round(time.Millisecond))
	c.relay.set(passing)
	for _, b := range all[1:] {
		until(t, "served", func() bool {
			got := b.status(c.far, "/page")
			if got != http.StatusOK && got != http.StatusServiceUnavailable {
				t.Fatalf("signed in, and asked to sign in again: status %d", got)
			}
			return got == http.StatusOK
		})
	}
	if got := kept.status(c.far, "/page"); got != http.StatusSeeOther {
		t.Errorf("signed out meanwhile: status %d", got)
	}
}
