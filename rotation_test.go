package wayleave_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wayleave/wayleave"
	"github.com/wayleave/wayleave/store/storetest"
)

// TestSES14_KeysRotateAndNobodySignsInAgain: key A, then B with A behind it,
// then B alone. Sessions, their tokens and kept grants outlive A.
func TestSES14_KeysRotateAndNobodySignsInAgain(t *testing.T) {
	for name, change := range map[string]func(*wayleave.Config){"session grants": withSessionGrants, "kept grants": func(*wayleave.Config) {}} {
		t.Run(name, func(t *testing.T) {
			a := newApp(t, change)
			keyA, keyB := a.cfg.Keys[0], newKey()
			laptop, phone := twoDevices(a)
			grace := a.browser()
			grace.finish(grace.authorizeAs(grace.begin("/"), "grace", true))
			people := []*browser{laptop, phone, grace}
			records := a.store.Len("session") + a.store.Len("grant")
			checkKeys(t, a, records+1) // and the index of the store

			a.rotate(keyB, keyA)
			if r := a.auth.Resealing(); !r.Finished.IsZero() || r.Running {
				t.Errorf("re-sealing before anything is known of the store: %+v", r)
			}
			a.checkAllSignedIn(t, "with B and A", people)
			eventuallyTrue(t, "all is sealed with B", func() bool { return !a.auth.Resealing().Finished.IsZero() })
			if r := a.auth.Resealing(); r.Running || r.Seen != records || r.Resealed > records || r.Resealed < records-3 || r.Unreadable != 0 {
				t.Errorf("re-sealing: %+v, of %d records", r, records)
			}
			checkKeys(t, a, records+1, 0)

			a.rotate(keyB)
			a.checkAllSignedIn(t, "with B alone", people)
			if list, _ := laptop.account(); len(list) != 2 {
				t.Errorf("the account page lists %d sessions", len(list))
			}
			callback := laptop.callback("/wanted")
			laptop.finish(callback)
			checkTold(t, a.tell(a.logoutOf("ada")))
			if laptop.user() != "" || phone.user() != "" || grace.user() == "" {
				t.Error("a logout after the rotation does not find what began before it")
			}
		})
	}
}

// rotate restarts the app with other keys.
func (a *app) rotate(keys ...[]byte) {
	a.cfg.Keys = keys
	a.serve(a.cfg)
}

func (a *app) checkAllSignedIn(t *testing.T, when string, people []*browser) {
	t.Helper()
	if err := a.auth.Check(t.Context()); err != nil {
		t.Errorf("%s: %v", when, err)
	}
	for i, b := range people {
		if b.user() == "" {
			t.Errorf("%s: browser %d has to sign in again", when, i)
			continue
		}
		if at := b.open("/transactions"); at.StatusCode != http.StatusOK {
			t.Errorf("%s: the API, for browser %d: status %d: %s", when, i, at.StatusCode, at.body)
		}
	}
}

// TestSES14_A164_OtherKeysAreAnErrorAndNoSignOut: who starts with a key that
// the store was not sealed with hears of it; nobody is sent to sign in.
func TestSES14_A164_OtherKeysAreAnErrorAndNoSignOut(t *testing.T) {
	a := newApp(t)
	b := a.browser()
	b.signIn("/")
	right := a.cfg.Keys
	a.rotate(newKey())
	if err := a.auth.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "sealed with other keys than the configured ones") {
		t.Errorf("Check says %v", err)
	}
	for what, at := range map[string]answer{
		"a page": b.open("/"), "the session": b.fetch("GET", "/auth/session"), "the account": b.open("/auth/account"), "logout": b.fetch("POST", "/auth/logout"),
	} {
		check503(t, what, at)
	}
	if b.cookies()["session"] == "" {
		t.Error("the cookie was deleted")
	}
	a.rotate(right...)
	if err := a.auth.Check(t.Context()); err != nil || b.user() == "" {
		t.Errorf("with the right keys: %v; signed in: %v", err, b.user() != "")
	}
}

// TestSES14_ResealingWaitsForTheStore and goes on when it is back.
func TestSES14_ResealingWaitsForTheStore(t *testing.T) {
	var s *storetest.Faulty
	inTime(t, func(a *timed) {
		b := a.browser()
		b.signIn("/")
		a.rotate(newKey(), a.cfg.Keys[0])
		s.Fail(errDown, storetest.Scan)
		b.user()
		if err := a.auth.Check(t.Context()); err != nil {
			t.Fatal(err)
		}
		a.sleep(10 * time.Second)
		if r := a.auth.Resealing(); !r.Finished.IsZero() || !r.Running {
			t.Errorf("while the store is down: %+v", r)
		}
		s.Heal()
		a.sleep(time.Minute)
		if r := a.auth.Resealing(); r.Finished.IsZero() || r.Running || r.Resealed == 0 {
			t.Errorf("afterwards: %+v", r)
		}
		if b.user() == "" {
			t.Error("nobody is signed in any more")
		}
	}, faulty(&s))
}

// TestSES14_A215_WhatIsRememberedOutlivesTheKeys: a logout token that was used
// before the rotation stays used after it.
func TestSES14_A215_WhatIsRememberedOutlivesTheKeys(t *testing.T) {
	inTime(t, func(a *timed) {
		keyA, keyB := a.cfg.Keys[0], newKey()
		b := a.browser()
		b.signIn("/")
		token := a.logoutOf("ada")
		checkTold(t, a.tell(token))
		for _, keys := range [][][]byte{{keyB, keyA}, {keyB}} {
			a.rotate(keys...)
			a.sleep(10 * time.Second)
			b.finish(b.callback("/"))
			checkRefused(t, a.tell(token), usedBefore)
			if b.user() == "" {
				t.Error("the session has ended")
			}
		}
	})
}
