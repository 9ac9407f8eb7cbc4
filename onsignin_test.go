package wayleave_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wayleave/wayleave"
	"github.com/wayleave/wayleave/provider"
)

// onSignIn makes f the app's decision.
func onSignIn(f func(id *provider.Identity) error) func(*wayleave.Config) {
	return func(c *wayleave.Config) {
		c.OnSignIn = func(_ context.Context, id *provider.Identity) error { return f(id) }
	}
}

func TestOnSignInHearsWhoItIsOnce(t *testing.T) {
	var calls atomic.Int64
	var got provider.Identity
	a := newApp(t, onSignIn(func(id *provider.Identity) error {
		calls.Add(1)
		got = *id
		return nil
	}))
	b := a.browser()
	callback := b.callback("/wanted")
	for range 3 {
		b.finish(callback)
	}
	if calls.Load() != 1 {
		t.Errorf("called %d times, want once", calls.Load())
	}
	if got.ID != provider.IDOf(a.idp.Issuer(), "ada") || got.Provider != "dev" || got.Subject != "ada" || got.Email != "ada@example.com" || !got.EmailVerified || got.Name != "Ada Marsh" {
		t.Errorf("identity is %+v", got)
	}
}

// checkNothingBegan: no session, no grant, no cookie of one.
func checkNothingBegan(t *testing.T, b *browser, at answer) {
	t.Helper()
	if b.user() != "" || strings.Contains(setCookies(at), "session") {
		t.Errorf("signed in as %s, cookies %s", b.user(), setCookies(at))
	}
	if n := b.a.store.Len("session") + b.a.store.Len("grant"); n != 0 {
		t.Errorf("%d records are left over", n)
	}
}

// TestA052ADenialIsShownAsText, whatever it is made of.
func TestA052ADenialIsShownAsText(t *testing.T) {
	for _, reason := range []string{
		"Only members may sign in.",
		`<script>alert(1)</script>`,
		`"><img src=x onerror=alert(1)>`,
		`</bdi></p><form action=https://evil.example><button>Continue`,
		`javascript:alert(1)`,
		"&lt;b&gt; stays as it is",
		"\u202eelpmaxe.live\u202c", // turns the text around
		"line one\r\nSet-Cookie: a=b",
		strings.Repeat("long ", 1000),
	} {
		t.Run(fmt.Sprintf("%.20q", reason), func(t *testing.T) {
			a := newDirectApp(t, newIDP(t), "http://localhost:8000", onSignIn(func(id *provider.Identity) error {
				return fmt.Errorf("not %s of all people: %w", id.Email, wayleave.Deny(reason))
			}))
			b := a.browser()
			at := b.open(b.callback("/wanted"))
			checkPage(t, at, "403 You may not use this app")
			_, detail, _ := strings.Cut(at.body, `<p class="detail"><bdi>`)
			detail, _, _ = strings.Cut(detail, "</bdi></p>")
			if detail == "" || strings.ContainsAny(detail, "<>\"\u202e\r\n") || len(detail) > 1000 {
				t.Errorf("detail is %q", detail)
			}
			if strings.Contains(at.body, "of all people") || strings.Contains(at.body, "ada@") {
				t.Error("the page shows what was wrapped around the reason")
			}
			if !strings.Contains(at.body, "/auth/dev/login?prompt=select_account&amp;return_to=%2Fwanted") {
				t.Errorf("no button to use another account: %s", text(at))
			}
			checkNothingBegan(t, b, at)
		})
	}
}

// TestOnSignInFails: the person sees that it did not work, the log says why,
// and the reference leads from one to the other. A panic is no worse.
func TestOnSignInFails(t *testing.T) {
	for name, f := range map[string]func(*provider.Identity) error{
		"an error": func(*provider.Identity) error { return errors.New("table users is locked by accounting") },
		"a panic":  func(*provider.Identity) error { panic("table users is locked by accounting") },
	} {
		t.Run(name, func(t *testing.T) {
			var log strings.Builder
			a := newApp(t, onSignIn(f), func(c *wayleave.Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
			b := a.browser()
			at := b.open(b.callback("/wanted"))
			checkPage(t, at, "500 Something went wrong on our side")
			if strings.Contains(at.body, "accounting") {
				t.Errorf("the page says why: %s", text(at))
			}
			_, reference, _ := strings.Cut(at.body, "<code>")
			reference, _, _ = strings.Cut(reference, "</code>")
			if line := log.String(); len(reference) != 10 || !strings.Contains(line, "reference="+reference) || !strings.Contains(line, "locked by accounting") {
				t.Errorf("reference is %q, log %s", reference, line)
			}
			checkNothingBegan(t, b, at)
		})
	}
}

// TestOnSignInTakesTooLong: it is told by its context; if it does not listen,
// there is no session, and a reload begins again.
func TestOnSignInTakesTooLong(t *testing.T) {
	inTime(t, func(a *timed) {
		b := a.browser()
		callback := b.callback("/wanted")
		at := b.open(callback)
		check503(t, "callback", at)
		checkNothingBegan(t, b, at)
		if at := b.open(callback); !a.restarts(at) {
			t.Errorf("reload: status %d to %q, want the login to start again", at.StatusCode, at.Header.Get("Location"))
		}
	}, onSignIn(func(*provider.Identity) error {
		time.Sleep(time.Minute)
		return nil
	}))
}

// TestOnSignInRefusesTheSecondPerson: the session that was there stays.
func TestOnSignInRefusesTheSecondPerson(t *testing.T) {
	a := newApp(t, onSignIn(func(id *provider.Identity) error {
		if id.Subject != "ada" {
			return wayleave.Deny("Ada only.")
		}
		return nil
	}))
	b := a.browser()
	b.signIn("/")
	user := b.user()
	b.robot = newRobot()
	at := b.open(b.authorizeAs(b.beginAt("/wanted"), "grace", true))
	checkPage(t, at, "403 You may not use this app")
	if b.user() != user || a.store.Len("session") != 1 || a.sessionGrants(1) != 1 {
		t.Errorf("signed in is %q; %d sessions, %d grants", b.user(), a.store.Len("session"), a.sessionGrants(1))
	}
}

// TestRefusedThenAnotherAccount: the button leads to another person, and to the
// page that the first one asked for.
func TestRefusedThenAnotherAccount(t *testing.T) {
	a := newApp(t, onSignIn(func(id *provider.Identity) error {
		if id.Subject == "ada" {
			return wayleave.Deny("Not Ada.")
		}
		return nil
	}))
	b := a.browser()
	at := b.open(b.callback("/wanted"))
	_, link, _ := strings.Cut(at.body, `href="/auth/dev/login?prompt=`)
	link, _, _ = strings.Cut(link, `"`)
	authorization := b.begin("/auth/dev/login?prompt=" + strings.ReplaceAll(link, "&amp;", "&"))
	if prompt := param(t, authorization, "prompt"); !strings.Contains(prompt, "select_account") {
		t.Errorf("prompt is %q", prompt)
	}
	if got := b.finish(b.authorizeAs(authorization, "grace", true)); got.body != "Hello Grace Okoye at /wanted" {
		t.Errorf("ended with %q", got.body)
	}
}
