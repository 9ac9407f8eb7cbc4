package wayleave_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/wayleave/wayleave"
)

// TestOPS04_WhatHappensToSessionsIsLogged: who signed in, and how each session
// ended, with the account's id and nothing that could be used.
func TestOPS04_WhatHappensToSessionsIsLogged(t *testing.T) {
	var log bytes.Buffer
	a := newApp(t, withSessionGrants, func(c *wayleave.Config) {
		c.Logger, c.SessionsPerUser = slog.New(slog.NewJSONHandler(&log, nil)), 3
	})
	one, two, three := a.browser(), a.browser(), a.browser()
	one.signIn("/")
	user := one.user()
	two.signIn("/")
	three.signIn("/")
	three.finish(three.authorize(three.beginAt("/"), true))
	secrets := two.cookies()
	two.fetch("POST", "/auth/logout", "Origin", a.base)
	var id string
	var got []string
	for line := range strings.Lines(log.String()) {
		var l struct{ Msg, User, Provider, Login, Why string }
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatal(err)
		}
		if l.Msg != "signed in" && l.Msg != "session ended" {
			continue
		}
		if id == "" {
			id = l.User
		}
		if l.User != id || l.Provider != "dev" || l.Login == "" {
			t.Errorf("%s", line)
		}
		got = append(got, strings.TrimSpace(fmt.Sprint(l.Msg, " ", l.Why)))
	}
	if n, err := a.auth.EndSessions(t.Context(), id); err != nil || n != 1 {
		t.Errorf("ended %d, %v", n, err)
	}
	if !strings.Contains(log.String(), `"why":"app"`) {
		t.Error("the app ended a session, and nothing is logged")
	}
	want := []string{"signed in", "signed in", "session ended limit", "signed in", "session ended next login", "signed in", "session ended logout"}
	slices.Sort(got)
	slices.Sort(want)
	// A session that a login replaces counts for the limit until it has gone.
	got = slices.DeleteFunc(got, func(s string) bool { return s == "session ended limit" })
	want = slices.DeleteFunc(want, func(s string) bool { return s == "session ended limit" })
	if !slices.Equal(got, want) {
		t.Errorf("logged %q, want %q", got, want)
	}
	if user == "" {
		t.Fatal("nobody was signed in")
	}
	for name, value := range secrets {
		if value != "" && strings.Contains(log.String(), value) {
			t.Errorf("the log holds the cookie %s", name)
		}
	}
	if strings.Contains(log.String(), "ada@example.com") {
		t.Error("the log holds an address")
	}
}
