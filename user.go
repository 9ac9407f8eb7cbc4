package wayleave

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/provider"
	"github.com/wayleave/wayleave/session"
	"github.com/wayleave/wayleave/vault"
)

// User is who is signed in. ID is what an app keys its own users by.
type User = session.User

// CurrentUser returns the user whom [Auth.RequireLogin] or [Auth.WithUser] put
// into the request's context.
func CurrentUser(ctx context.Context) (User, bool) {
	if s := session.FromContext(ctx); s != nil {
		return s.User, true
	}
	return User{}, false
}

// SignedInAt returns when the user of the context signed in on this browser,
// and when the session ends at the latest; zero times without a user.
func SignedInAt(ctx context.Context) (since, until time.Time) {
	if s := session.FromContext(ctx); s != nil {
		return s.Created, s.Expires
	}
	return time.Time{}, time.Time{}
}

func userOf(id *provider.Identity) User {
	return User{ID: id.ID, Provider: id.Provider, Issuer: id.Issuer, Subject: id.Subject,
		Email: id.Email, EmailVerified: id.EmailVerified, Name: id.Name, Picture: id.Picture}
}

// ErrLoginRequired: there is no user in the context, or the grant behind the
// session has ended at the provider, which a handler behind RequireLogin can
// meet at any time: the session lives on without it. Send the person to sign
// in. An http.Client wraps it in a *url.Error; use errors.Is.
var ErrLoginRequired = errors.New("the user has to sign in")

// Client returns an HTTP client that carries the access token of the user in
// ctx, and refreshes it when it is about to expire. It makes requests over
// https only (http to this machine) and follows no redirects: a token is for
// the server that it was meant for. Requests fail with [ErrLoginRequired] when
// there is nothing to refresh with. Which API may see the token is the
// caller's choice.
//
// The client may be kept while ctx lives; it stops working with the session.
func (a *Auth) Client(ctx context.Context) *http.Client {
	src, name := &tokenSource{a: a}, ""
	if s := session.FromContext(ctx); s != nil {
		src.grant, src.login, name = s.Grant, s.Login, s.Provider
	}
	return a.clientFor(src, name)
}

func (a *Auth) clientFor(src *tokenSource, provider string) *http.Client {
	t := &oauth.Transport{Source: src, Base: a.cfg.APITransport, OnEvent: a.cfg.OnEvent, Provider: provider}
	return &http.Client{
		Transport:     &loginTransport{login: src.login, base: t},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Tokens returns the tokens of the user in ctx as they are now, for showing
// what was granted. To call APIs use [Auth.Client] or [Auth.TokenSource], which refresh.
func (a *Auth) Tokens(ctx context.Context) (*oauth.Tokens, error) {
	s := session.FromContext(ctx)
	if s == nil {
		return nil, ErrLoginRequired
	}
	t, err := a.vault.Peek(ctx, s.Grant)
	return t, asLoginRequired(err)
}

// TokenSource returns a source of tokens for the user in ctx, for API
// libraries that make their own requests; see also package oauth2bridge.
func (a *Auth) TokenSource(ctx context.Context) oauth.TokenSource {
	src := &tokenSource{a: a}
	if s := session.FromContext(ctx); s != nil {
		src.grant, src.login = s.Grant, s.Login
	}
	return src
}

// tokenSource hands out the tokens of one grant.
type tokenSource struct {
	a     *Auth
	grant vault.ID
	login string
}

// Token implements oauth.TokenSource.
func (s *tokenSource) Token(ctx context.Context) (*oauth.Tokens, error) {
	t, err := s.a.vault.Tokens(ctx, s.grant)
	return t, asLoginRequired(err)
}

// Renew implements oauth.Renewer.
func (s *tokenSource) Renew(ctx context.Context, refused *oauth.Tokens) (*oauth.Tokens, error) {
	t, err := s.a.vault.Renew(ctx, s.grant, refused)
	return t, asLoginRequired(err)
}

func asLoginRequired(err error) error {
	if errors.Is(err, vault.ErrNoGrant) {
		return fmt.Errorf("%w: %w", ErrLoginRequired, err)
	}
	return err
}

// loginTransport makes the requests part of the login's story.
type loginTransport struct {
	login string
	base  http.RoundTripper
}

func (t *loginTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if t.login == "" || oauth.LoginID(r.Context()) != "" {
		return t.base.RoundTrip(r)
	}
	return t.base.RoundTrip(r.WithContext(oauth.WithLogin(r.Context(), t.login)))
}
