// Package oauth2bridge converts between our tokens and those of
// golang.org/x/oauth2, so that client libraries which want an
// oauth2.TokenSource (Google's, GitHub's and many others) work with grants
// that Wayleave keeps and refreshes:
//
//	client := oauth2.NewClient(ctx, oauth2bridge.TokenSource(ctx, auth.TokenSource(ctx)))
//
// It is a package of its own so that programs which do not need it do not
// link golang.org/x/oauth2.
package oauth2bridge

import (
	"context"
	"strings"

	"golang.org/x/oauth2"

	"github.com/wayleave/wayleave/oauth"
)

// Token converts t. The refresh token is left out: two owners of one refresh
// token make providers with rotation revoke the whole grant, and refreshing is
// the source's matter. Use RefreshToken where it has to be moved for good.
// Extra has "scope", with spaces, and "id_token", where they are known.
func Token(t *oauth.Tokens) *oauth2.Token {
	if t == nil {
		return nil
	}
	out := &oauth2.Token{AccessToken: t.AccessToken.Reveal(), TokenType: t.Type, Expiry: t.Expires}
	extra := map[string]any{}
	if t.Scopes != nil {
		extra["scope"] = strings.Join(t.Scopes, " ")
	}
	if t.IDToken != nil {
		extra["id_token"] = t.IDToken.Raw().Reveal()
	}
	return out.WithExtra(extra)
}

// RefreshToken returns the refresh token of t in clear, or "". Whoever takes
// it becomes its only owner: the grant must not be used here any more.
func RefreshToken(t *oauth.Tokens) string {
	if t == nil {
		return ""
	}
	return t.RefreshToken.Reveal()
}

// FromToken converts a token that came from golang.org/x/oauth2, refresh token
// included. It has no ID token: one that was not verified here is not ours.
func FromToken(t *oauth2.Token) *oauth.Tokens {
	if t == nil {
		return nil
	}
	out := &oauth.Tokens{AccessToken: oauth.NewSecret(t.AccessToken), Type: t.Type(), RefreshToken: oauth.NewSecret(t.RefreshToken), Expires: t.Expiry}
	if scope, ok := t.Extra("scope").(string); ok {
		out.Scopes = strings.Fields(scope)
	}
	return out
}

// TokenSource makes an oauth2.TokenSource of ours. x/oauth2 hands no context
// to Token, so ctx is used for each call: it must live as long as the source.
//
// What x/oauth2 makes of a source (NewClient, ReuseTokenSource) keeps a token
// until ten seconds before its end, and one without a known end for ever. A
// grant that has ended is noticed only then: make such a client per request or
// job, not per program.
func TokenSource(ctx context.Context, src oauth.TokenSource) oauth2.TokenSource {
	return &toOAuth2{ctx: ctx, src: src}
}

// toOAuth2 holds a context because the interface that it implements has no
// room for one.
type toOAuth2 struct {
	ctx context.Context
	src oauth.TokenSource
}

// Token implements oauth2.TokenSource.
func (s *toOAuth2) Token() (*oauth2.Token, error) {
	t, err := s.src.Token(s.ctx)
	if err != nil {
		return nil, err
	}
	if t == nil || t.AccessToken.IsZero() {
		return nil, errNoToken() // x/oauth2 would use it without looking
	}
	return Token(t), nil
}

// FromTokenSource makes one of our sources of an oauth2.TokenSource, for use
// with [oauth.Transport]. Refreshing stays with src; its context is its own.
// Tokens of another type than Bearer are refused.
func FromTokenSource(src oauth2.TokenSource) oauth.TokenSource { return fromOAuth2{src} }

type fromOAuth2 struct{ src oauth2.TokenSource }

// Token implements oauth.TokenSource.
func (s fromOAuth2) Token(context.Context) (*oauth.Tokens, error) {
	t, err := s.src.Token()
	switch {
	case err != nil:
		return nil, err
	case t == nil || t.AccessToken == "":
		return nil, errNoToken()
	case t.Type() != "Bearer":
		return nil, &oauth.Error{Step: oauth.StepUse, Check: oauth.CheckTokenType, Fault: oauth.FaultCaller,
			Reason: "the source's token is of a type that cannot be used", Expected: "Bearer", Got: "another"}
	}
	return FromToken(t), nil
}

func errNoToken() error {
	return &oauth.Error{Step: oauth.StepUse, Check: oauth.CheckAPI, Fault: oauth.FaultCaller, Reason: "the source has no token and no error"}
}
