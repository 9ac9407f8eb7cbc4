// Package session knows who is signed in on a browser. Most programs do not
// import it: package wayleave does, and hands out the user.
//
// The browser holds a random 256-bit id in a cookie that never changes while
// the session lives. Everything else is in the store, sealed, under a keyed
// hash of the id, so that neither a copy of the store nor write access to it
// yields a session.
package session

import (
	"time"

	"github.com/wayleave/wayleave/store"
)

// User is who is signed in, as far as every request may need it.
type User struct {
	ID            string // stable hash of Issuer and Subject
	Provider      string
	Issuer        string
	Subject       string
	Email         string
	EmailVerified bool
	Name          string
	Picture       string
}

// Session is one login on one browser. It is immutable and shared between
// requests: do not change it.
type Session struct {
	User
	// Login is the public id of the login that made the session.
	Login string
	// Grant is the key of the grant with its tokens; zero if there is none.
	Grant store.Key
	// Created is when the person signed in here, AuthTime when at the
	// provider, if it says so.
	Created  time.Time
	AuthTime time.Time
	ACR      string
	AMR      []string
	// ProviderIssuer and ProviderSubject are iss and sub of the login's ID
	// token, exactly as written, ProviderSession is its sid, and ProviderTime
	// its iat: by these the provider names the session when it ends it. Without
	// an ID token all are zero; many providers have no sid.
	ProviderIssuer, ProviderSubject, ProviderSession string
	ProviderTime                                     time.Time
	// Scopes were granted at the login.
	Scopes []string
	// Claims are those that the app asked to keep, by the name it asked with:
	// what the provider said at the login, and not since.
	Claims map[string][]string
	// Device is what the person's browser seemed to be, for showing, in words of ours.
	Device string
	// LastSeen is rounded: it is written rarely.
	LastSeen time.Time
	// Expires is the absolute end. An idle session ends before it.
	Expires time.Time

	key     store.Key
	lookups []store.Key
}

// Key names the session's record in the store. It is no secret of the browser:
// the cookie cannot be made from it.
func (s *Session) Key() store.Key { return s.key }
