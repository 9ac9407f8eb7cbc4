package app

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/wayleave/wayleave"
	"github.com/wayleave/wayleave/oauth"
)

// accessView is what the dashboard shows about the grant. Tokens appear as
// fingerprints: an oauth.Secret prints nothing else.
type accessView struct {
	Permissions []permission
	Expires     time.Time     // zero: the provider did not say
	Left        time.Duration // until then; negative: it has passed
	Renews      bool          // a refresh token was granted
	Seen        []seenToken   // the latest access tokens of this session, newest first
	Renewals    int           // how often one was replaced by another
	Until       time.Time     // when the session ends
}

// permission is a scope in human words.
type permission struct {
	Scope   string
	Words   string
	Granted bool
}

func (a *App) accessOf(ctx context.Context, user wayleave.User, t *oauth.Tokens, now time.Time) *accessView {
	since, until := wayleave.SignedInAt(ctx)
	v := accessView{Expires: t.Expires, Left: t.Expires.Sub(now), Renews: !t.RefreshToken.IsZero(), Until: until}
	v.Seen, v.Renewals = a.watch.saw(session{user.ID, since.Unix()}, t.AccessToken.String(), now)
	for _, scope := range t.Scopes {
		v.Permissions = append(v.Permissions, permission{scope, wordsFor(scope), true})
	}
	if a.options.ResourceURL != "" && !t.Granted(transactionsScope) {
		v.Permissions = append(v.Permissions, permission{transactionsScope, wordsFor(transactionsScope), false})
	}
	return &v
}

// wordsFor says what a scope permits; a scope that it does not know stays as it is.
func wordsFor(scope string) string {
	return cmp.Or(map[string]string{
		"openid":          "Know that it is you",
		"email":           "See your e-mail address",
		"profile":         "See your name and picture",
		transactionsScope: "See your accounts and transactions",
		"offline_access":  "Keep this access while you are away",
	}[scope], scope)
}

// tokenWatch remembers which access tokens each session has used, so that one
// can watch them being renewed. It keeps fingerprints, and few of them. The zero
// value is ready to use.
type tokenWatch struct {
	mu       sync.Mutex
	sessions map[session]*seenTokens
}

type session struct {
	user  string
	since int64
}

type seenTokens struct {
	latest []seenToken // newest first
	count  int
}

type seenToken struct {
	Fingerprint string
	FirstUsed   time.Time
}

const (
	watchedSessions = 1000
	shownTokens     = 4
)

// saw takes in the token that a session uses now.
func (w *tokenWatch) saw(s session, fingerprint string, now time.Time) (latest []seenToken, renewals int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	seen := w.sessions[s]
	if seen == nil {
		if w.sessions == nil || len(w.sessions) >= watchedSessions {
			w.sessions = map[session]*seenTokens{} // bounded, and nothing depends on it
		}
		seen = &seenTokens{}
		w.sessions[s] = seen
	}
	known := func(t seenToken) bool { return t.Fingerprint == fingerprint }
	if !slices.ContainsFunc(seen.latest, known) {
		seen.latest = slices.Insert(seen.latest, 0, seenToken{fingerprint, now})
		seen.latest = seen.latest[:min(len(seen.latest), shownTokens)]
		seen.count++
	}
	return slices.Clone(seen.latest), seen.count - 1
}
