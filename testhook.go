package wayleave

import (
	"context"
	"net/http"
	"time"

	"github.com/wayleave/wayleave/internal/testhook"
	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/session"
	"github.com/wayleave/wayleave/vault"
)

func init() { testhook.SignIn = signInForTest }

// signInForTest is what package wayleavetest makes sessions with.
func signInForTest(ctx context.Context, auth any, user session.User, tokens *oauth.Tokens) (*http.Cookie, error) {
	a := auth.(*Auth)
	s := session.Session{User: user}
	if tokens != nil {
		var err error
		if s.Grant, err = a.vault.Keep(ctx, user.Provider, "", tokens, time.Now().Add(a.cfg.SessionLifetime)); err != nil {
			return nil, err
		}
	}
	id, _, _, err := a.sessions.Create(ctx, s)
	if err != nil {
		_ = a.vault.Drop(ctx, vault.ID(s.Grant)) // the first error says more
		return nil, err
	}
	return &http.Cookie{Name: a.jar.Name(sessionCookie), Value: id, Path: "/", HttpOnly: true, Secure: a.jar.Secure}, nil
}
