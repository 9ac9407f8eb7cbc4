package wayleave_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wayleave/wayleave"
	"github.com/wayleave/wayleave/provider"
)

// TestA252SessionEndpoint: exactly what is documented, and no token.
func TestA252SessionEndpoint(t *testing.T) {
	inTime(t, func(a *timed) {
		b := a.browser()
		at := b.fetch("GET", "/auth/session")
		if want := `{"error":"login_required","login_url":"http://localhost:8000/auth/"}` + "\n"; at.StatusCode != 401 || at.body != want {
			t.Errorf("signed out: status %d, body %s", at.StatusCode, at.body)
		}
		b.signIn("/")
		at = b.fetch("GET", "/auth/session")
		want := map[string]any{
			"user": map[string]any{
				"id": provider.IDOf(a.idp.Issuer(), "ada"), "provider": "dev", "issuer": a.idp.Issuer(), "subject": "ada",
				"email": "ada@example.com", "email_verified": true, "name": "Ada Marsh", "picture": a.idp.Issuer() + "/people/ada/picture.svg",
			},
			"signed_in_at": time.Now().UTC().Format(time.RFC3339), "expires_at": time.Now().Add(12 * time.Hour).UTC().Format(time.RFC3339),
		}
		wantJSON, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var got any
		if err := json.Unmarshal([]byte(at.body), &got); err != nil {
			t.Fatal(err)
		}
		gotJSON, _ := json.Marshal(got)
		if at.StatusCode != 200 || string(gotJSON) != string(wantJSON) {
			t.Errorf("status %d\n got %s\nwant %s", at.StatusCode, gotJSON, wantJSON)
		}
		if at.Header.Get("Content-Type") != "application/json" || at.Header.Get("Vary") != "Cookie" || at.Header.Get("Cross-Origin-Resource-Policy") != "same-origin" {
			t.Errorf("headers %v", at.Header)
		}
	})
}

// TestSES01ANewIDAtEachLogin: the old session is dead, whoever comes.
func TestSES01ANewIDAtEachLogin(t *testing.T) {
	for person, people := range map[string]int{"ada": 1, "grace": 2} {
		t.Run("then "+person, func(t *testing.T) {
			a := newApp(t)
			b := a.browser()
			b.signIn("/")
			name, old := sessionCookieOf(b)
			thief := a.browser()
			thief.setRaw(name, old)
			if thief.user() == "" {
				t.Fatal("the copied cookie does not work to begin with")
			}
			b.robot = newRobot()
			b.finish(b.authorizeAs(b.beginAt("/"), person, true))
			_, fresh := sessionCookieOf(b)
			if fresh == old || thief.user() != "" {
				t.Errorf("the session id stayed the same, or the old one lives: %s", thief.user())
			}
			if !strings.Contains(b.user(), `"subject":"`+person+`"`) || a.store.Len("session") != 1 || a.sessionGrants(people) != 1 {
				t.Errorf("signed in is %s; %d sessions, %d grants", b.user(), a.store.Len("session"), a.sessionGrants(people))
			}
		})
	}
}

// TestSES01APresentedIDIsNotTakenOver: a cookie that somebody planted.
func TestSES01APresentedIDIsNotTakenOver(t *testing.T) {
	a := newDirectApp(t, newIDP(t), "http://localhost:8000")
	donor := a.browser()
	donor.signIn("/")
	name, _ := sessionCookieOf(donor)
	b := a.browser()
	planted := strings.Repeat("A", 43)
	b.setRaw(name, planted)
	b.signIn("/")
	if _, id := sessionCookieOf(b); id == planted || len(id) != 43 {
		t.Errorf("the session id is %d characters, planted: %v", len(id), id == planted)
	}
}

func sessionCookieOf(b *browser) (name, value string) {
	for name, value := range b.rawCookies() {
		if shortName(name) == "session" {
			return name, value
		}
	}
	return "", ""
}

// TestSES02TheStoreHoldsNoUsableID: nor anything else that can be read.
func TestSES02TheStoreHoldsNoUsableID(t *testing.T) {
	var s *spy
	a := newApp(t, func(c *wayleave.Config) {
		s = &spy{Store: c.Store}
		c.Store = s
	})
	b := a.browser()
	b.signIn("/")
	_, id := sessionCookieOf(b)
	browser := b.cookies()["browser"]
	for _, secret := range []string{id, browser, "ada@example.com", "Ada Marsh", a.idp.Issuer()} {
		if s.saw(secret) {
			t.Errorf("the store has seen %q", secret)
		}
	}
	if !s.saw("") {
		t.Error("the spy saw nothing")
	}
}

// TestSES11Lifetimes: without requests a session ends after the idle time, and
// in any case after the absolute one.
func TestSES11Lifetimes(t *testing.T) {
	short := func(c *wayleave.Config) { c.IdleTimeout, c.SessionLifetime = 10*time.Minute, time.Hour }
	t.Run("idle", func(t *testing.T) {
		inTime(t, func(a *timed) {
			b := a.browser()
			b.signIn("/")
			a.sleep(10*time.Minute - time.Second)
			if b.user() == "" {
				t.Error("ended before the idle time was over")
			}
			a.sleep(10*time.Minute + time.Second)
			if b.user() != "" {
				t.Error("lives on after the idle time")
			}
		}, short)
	})
	t.Run("absolute", func(t *testing.T) {
		inTime(t, func(a *timed) {
			b := a.browser()
			b.signIn("/")
			begin := time.Now()
			for b.user() != "" {
				a.sleep(time.Minute)
				if time.Since(begin) > 2*time.Hour {
					break
				}
			}
			if lived := time.Since(begin); lived < time.Hour-time.Minute || lived > time.Hour+time.Minute {
				t.Errorf("lived %v, want an hour", lived)
			}
			if n := a.store.Len("session"); n > 0 {
				t.Logf("%d ended sessions wait to be removed", n)
			}
		}, short)
	})
}

// TestSES11TheCookieIsNotRewritten: neither by requests nor by refreshed tokens.
func TestSES11TheCookieIsNotRewritten(t *testing.T) {
	inTime(t, func(a *timed) {
		b := a.browser()
		b.signIn("/")
		for range 5 {
			a.sleep(9 * time.Minute) // devidp's tokens live for ten
			at := b.open("/transactions")
			if at.StatusCode != http.StatusOK || len(at.Cookies()) > 0 {
				t.Errorf("status %d, cookies %s: %.100s", at.StatusCode, setCookies(at), at.body)
			}
		}
		if n := a.idp.Count("token"); n < 3 {
			t.Errorf("%d token requests: nothing was refreshed", n)
		}
	})
}
