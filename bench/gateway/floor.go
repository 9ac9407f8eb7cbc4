//go:build linux

package main

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// floor is the smallest program that can do a login at all: the standard
// library's proxy, x/oauth2 and go-oidc, and a sealed cookie for the login and
// one for the session. It keeps nothing, logs nothing and has no rules; a state
// can be used again until its cookie is gone.
type floor struct {
	oauth    oauth2.Config
	verifier *oidc.IDTokenVerifier
	seal     cipher.AEAD
	proxy    http.Handler
}

// pendingLogin and signedIn are what the cookies hold.
type pendingLogin struct{ State, Nonce, Verifier, Page string }
type signedIn struct {
	Subject, Email string
	Until          time.Time
}

func serveFloor(address, upstream, issuer string) error {
	found, err := oidc.NewProvider(context.Background(), issuer)
	if err != nil {
		return err
	}
	block, err := aes.NewCipher([]byte(rand.Text() + rand.Text())[:32])
	if err != nil {
		return err
	}
	f := &floor{verifier: found.Verifier(&oidc.Config{ClientID: clientID}), proxy: plainProxy(&url.URL{Scheme: "http", Host: upstream}, true),
		oauth: oauth2.Config{ClientID: clientID, ClientSecret: clientSecret, Endpoint: found.Endpoint(), RedirectURL: "http://" + address + "/callback", Scopes: []string{"openid", "email", "profile"}}}
	f.oauth.Endpoint.AuthStyle = oauth2.AuthStyleInHeader
	if f.seal, err = cipher.NewGCMWithRandomNonce(block); err != nil {
		return err
	}
	return http.ListenAndServe(address, f)
}

func (f *floor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var s signedIn
	switch {
	case r.URL.Path == "/callback":
		f.callback(w, r)
	case f.open(r, "session", &s) && time.Now().Before(s.Until):
		f.proxy.ServeHTTP(w, r)
	default:
		f.login(w, r)
	}
}

func (f *floor) login(w http.ResponseWriter, r *http.Request) {
	p := pendingLogin{rand.Text(), rand.Text(), oauth2.GenerateVerifier(), r.URL.RequestURI()}
	f.set(w, "login", p)
	http.Redirect(w, r, f.oauth.AuthCodeURL(p.State, oidc.Nonce(p.Nonce), oauth2.S256ChallengeOption(p.Verifier)), http.StatusSeeOther)
}

func (f *floor) callback(w http.ResponseWriter, r *http.Request) {
	var p pendingLogin
	if !f.open(r, "login", &p) || p.State != r.FormValue("state") {
		http.Error(w, "not a login of this browser", http.StatusBadRequest)
		return
	}
	token, err := f.oauth.Exchange(r.Context(), r.FormValue("code"), oauth2.VerifierOption(p.Verifier))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	raw, _ := token.Extra("id_token").(string)
	id, err := f.verifier.Verify(r.Context(), raw)
	if err != nil || id.Nonce != p.Nonce {
		http.Error(w, "the ID token is not for this login", http.StatusBadGateway)
		return
	}
	s := signedIn{Subject: id.Subject, Until: time.Now().Add(time.Hour)}
	if err := id.Claims(&s); err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	http.SetCookie(w, &http.Cookie{Name: "login", Path: "/", MaxAge: -1})
	f.set(w, "session", s)
	http.Redirect(w, r, p.Page, http.StatusSeeOther)
}

func (f *floor) set(w http.ResponseWriter, name string, v any) {
	text, _ := json.Marshal(v)
	sealed := f.seal.Seal(nil, nil, text, []byte(name))
	http.SetCookie(w, &http.Cookie{Name: name, Value: base64.RawURLEncoding.EncodeToString(sealed), Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
}

func (f *floor) open(r *http.Request, name string, into any) bool {
	c, err := r.Cookie(name)
	if err != nil {
		return false
	}
	sealed, err := base64.RawURLEncoding.DecodeString(c.Value)
	if err != nil {
		return false
	}
	text, err := f.seal.Open(nil, nil, sealed, []byte(name))
	return err == nil && json.Unmarshal(text, into) == nil
}
