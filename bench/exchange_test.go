//go:build unix

package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/wayleave/wayleave/oauth"
)

// BenchmarkExchange measures steps 3 and 4 against a server in this process,
// over kept connections: the exchange of a code with its ID token verified, and
// the same with userinfo. The floor is the same requests made bare. All of them
// include what the server does, which is next to nothing.
func BenchmarkExchange(b *testing.B) {
	for _, alg := range []string{"RS256", "ES256"} {
		b.Run(alg, func(b *testing.B) {
			s := newServer(b, alg)
			bare, ours, theirs := newBare(b, s), newOurs(b, s), newTheirs(b, s)
			inTurnsCPU(b,
				turn{"bare-1", bare.token},
				turn{"wayleave-1", func() error { _, err := ours.exchange(); return err }},
				turn{"go-oidc-1", func() error { _, err := theirs.exchange(); return err }},
				turn{"bare-2", func() error { return errors.Join(bare.token(), bare.userinfo()) }},
				turn{"wayleave-2", ours.signIn},
				turn{"go-oidc-2", theirs.signIn})
		})
	}
}

// bare makes the requests and reads the answers, and that is all.
type bare struct {
	client *http.Client
	url    string
	form   string
}

func newBare(b *testing.B, s *server) *bare {
	t := &http.Transport{}
	b.Cleanup(t.CloseIdleConnections)
	form := url.Values{"grant_type": {"authorization_code"}, "code": {"code-1"}, "redirect_uri": {redirectURI}, "code_verifier": {strings.Repeat("v", 43)}}
	return &bare{client: &http.Client{Transport: t}, url: s.URL, form: form.Encode()}
}

func (c *bare) token() error {
	r, err := http.NewRequest(http.MethodPost, c.url+"/token", strings.NewReader(c.form))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(clientID, clientSecret)
	return c.send(r)
}

func (c *bare) userinfo() error {
	r, err := http.NewRequest(http.MethodGet, c.url+"/userinfo", nil)
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+accessToken)
	return c.send(r)
}

func (c *bare) send(r *http.Request) error {
	resp, err := c.client.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.ReadAll(resp.Body)
	return err
}

// ours is Wayleave.
type ours struct {
	ctx    context.Context
	client *oauth.Client
	code   *oauth.Code
}

// newOurs takes steps 1 and 2. The code is used again and again, which this
// server does not mind, and which only the layer above prevents.
func newOurs(b *testing.B, s *server) *ours {
	b.Helper()
	client, err := oauth.New(oauth.Config{Name: "acme", Issuer: s.URL, ClientID: clientID, ClientSecret: oauth.NewSecret(clientSecret),
		RedirectURI: redirectURI, Scopes: []string{"openid", "email", "profile"}, Development: true})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(client.CloseIdle)
	key := make([]byte, 32)
	for i := range key {
		key[i] = byte(i)
	}
	sealer, err := oauth.NewSealer("http://localhost:8000", key)
	if err != nil {
		b.Fatal(err)
	}
	login := sealer.Begin(client.Pending())
	to, err := client.Authorize(b.Context(), login, oauth.Hints{})
	if err != nil {
		b.Fatal(err)
	}
	s.grant(b, parameter(b, to, "nonce"))
	cb, err := oauth.ReadCallback(httptest.NewRequest(http.MethodGet, redirectURI+"?code=code-1&state="+login.State(), nil))
	if err != nil {
		b.Fatal(err)
	}
	code, err := client.Check(b.Context(), login, cb)
	if err != nil {
		b.Fatal(err)
	}
	return &ours{ctx: context.Background(), client: client, code: code}
}

func (c *ours) exchange() (*oauth.Tokens, error) { return c.client.Exchange(c.ctx, c.code) }

func (c *ours) signIn() error {
	t, err := c.exchange()
	if err != nil {
		return err
	}
	_, err = c.client.UserInfo(c.ctx, t, nil)
	return err
}

// theirs is golang.org/x/oauth2 with go-oidc.
type theirs struct {
	ctx      context.Context
	provider *oidc.Provider
	verifier *oidc.IDTokenVerifier
	config   oauth2.Config
	nonce    string
}

// newTheirs comes after newOurs, whose nonce is in the ID token.
func newTheirs(b *testing.B, s *server) *theirs {
	b.Helper()
	t := &http.Transport{}
	b.Cleanup(t.CloseIdleConnections)
	ctx := context.WithValue(context.Background(), oauth2.HTTPClient, &http.Client{Transport: t})
	provider, err := oidc.NewProvider(ctx, s.URL)
	if err != nil {
		b.Fatal(err)
	}
	endpoint := provider.Endpoint()
	endpoint.AuthStyle = oauth2.AuthStyleInHeader // or it would find out by trying
	c := &theirs{ctx: ctx, provider: provider, verifier: provider.Verifier(&oidc.Config{ClientID: clientID}),
		config: oauth2.Config{ClientID: clientID, ClientSecret: clientSecret, Endpoint: endpoint, RedirectURL: redirectURI, Scopes: []string{"openid", "email", "profile"}}}
	tokens, err := c.config.Exchange(ctx, "code-1")
	if err != nil {
		b.Fatal(err)
	}
	first, err := c.verifier.Verify(ctx, tokens.Extra("id_token").(string))
	if err != nil {
		b.Fatal(err)
	}
	c.nonce = first.Nonce
	return c
}

func (c *theirs) exchange() (*oauth2.Token, error) {
	t, err := c.config.Exchange(c.ctx, "code-1", oauth2.VerifierOption(strings.Repeat("v", 43)))
	if err != nil {
		return nil, err
	}
	raw, ok := t.Extra("id_token").(string)
	if !ok {
		return nil, errors.New("no ID token")
	}
	return t, goOIDC(c.ctx, c.verifier, raw, c.nonce)
}

func (c *theirs) signIn() error {
	t, err := c.exchange()
	if err != nil {
		return err
	}
	info, err := c.provider.UserInfo(c.ctx, oauth2.StaticTokenSource(t))
	if err != nil {
		return err
	}
	if info.Subject != "110169484474386276334" {
		return fmt.Errorf("userinfo is about %s", info.Subject)
	}
	return nil
}
