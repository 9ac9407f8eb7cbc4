// Package wayleavetest gives a handler a signed-in user, for tests of apps.
//
// A handler that is called directly gets one with [WithUser]:
//
//	r := wayleavetest.WithUser(httptest.NewRequest("GET", "/", nil), wayleave.User{Name: "Ada"})
//
// Behind [wayleave.Auth.RequireLogin] it needs a session, which [Cookie] makes:
//
//	r.AddCookie(wayleavetest.Cookie(t, auth, wayleave.User{Name: "Ada"}, nil))
//
// A login from end to end, pages included, is run against package devidptest.
package wayleavetest

import (
	"net/http"
	"testing"

	"github.com/wayleave/wayleave"
	"github.com/wayleave/wayleave/internal/testhook"
	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/provider"
	"github.com/wayleave/wayleave/session"
)

// WithUser returns a copy of r in whose context u is signed in, as far as
// [wayleave.CurrentUser] says. There is no session behind it: for
// [wayleave.Auth.Client] use [Cookie].
func WithUser(r *http.Request, u wayleave.User) *http.Request {
	s := &session.Session{User: complete(u)}
	return r.WithContext(session.NewContext(r.Context(), s))
}

// Cookie makes a session for u in auth, without a login, and returns the
// cookie that a browser would hold. tokens, which may be nil, are what
// [wayleave.Auth.Client] uses. A failure ends the test.
func Cookie(t testing.TB, auth *wayleave.Auth, u wayleave.User, tokens *oauth.Tokens) *http.Cookie {
	t.Helper()
	c, err := testhook.SignIn(t.Context(), auth, complete(u), tokens)
	if err != nil {
		t.Fatalf("sign in for a test: %v", err)
	}
	return c
}

// complete fills in what every real user has.
func complete(u wayleave.User) wayleave.User {
	if u.Provider == "" {
		u.Provider = "test"
	}
	if u.Issuer == "" {
		u.Issuer = "https://idp.test"
	}
	if u.Subject == "" {
		u.Subject = "test-user"
	}
	if u.ID == "" {
		u.ID = provider.IDOf(u.Issuer, u.Subject)
	}
	return u
}
