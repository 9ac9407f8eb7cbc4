// Package testhook lets package wayleavetest reach into an Auth, which has no
// exported way to make a session without a login, and must have none.
package testhook

import (
	"context"
	"net/http"

	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/session"
)

// SignIn makes a session in auth, a *wayleave.Auth, and returns its cookie.
// Package wayleave sets it when it is initialised; it is never changed after.
var SignIn func(ctx context.Context, auth any, user session.User, tokens *oauth.Tokens) (*http.Cookie, error)
