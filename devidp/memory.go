package devidp

import (
	"crypto/rand"
	"encoding/base64"
	"slices"
	"sync"
	"time"
)

// How long things live, and how many of each are kept.
const (
	sessionLifetime     = 12 * time.Hour
	consentLifetime     = 30 * 24 * time.Hour
	interactionLifetime = 10 * time.Minute
	codeLifetime        = 60 * time.Second
	codeMemory          = 10 * time.Minute // a used code is recognised this long
	refreshLifetime     = 30 * 24 * time.Hour

	fewThings  = 1_000
	manyThings = 10_000
)

// memory is everything a provider remembers. One lock guards it all, because
// the interesting steps (redeem a code, rotate a refresh token) change several
// maps at once.
type memory struct {
	mu           sync.Mutex
	sessions     *bounded[*session]     // cookie value → who is signed in
	consents     *bounded[[]string]     // subject, client → scopes allowed
	interactions *bounded[*interaction] // id in the page's form → what was asked
	codes        *bounded[*code]
	access       *bounded[access]
	refresh      *bounded[*refresh]
}

// session says who is signed in on one browser; an empty subject means nobody.
type session struct {
	subject  string
	authTime time.Time
	sid      string   // its public name, in ID tokens and logout tokens
	clients  []string // that were answered in it
}

// interaction is an authorization request that waits for its person.
type interaction struct {
	authorization
	signedIn bool // somebody signed in for this very request
	answered bool
}

// grant is what a person allowed a client, once. Every code and token made from
// it points here, so that revoking it reaches them all.
type grant struct {
	clientID string
	person   Person
	scopes   []string
	nonce    string
	authTime time.Time
	sid      string
	offline  bool // a refresh token may be issued
	revoked  bool // guarded by memory.mu
}

type code struct {
	*grant
	redirectURI string
	challenge   string // PKCE S256; empty only for a client with InsecureNoPKCE
	expires     time.Time
	used        bool
}

type access struct {
	*grant
	scopes []string // may be fewer than the grant's
}

type refresh struct {
	*grant
	used bool
}

func newMemory(accessLifetime time.Duration) *memory {
	return &memory{
		sessions:     newBounded[*session](sessionLifetime, fewThings),
		consents:     newBounded[[]string](consentLifetime, fewThings),
		interactions: newBounded[*interaction](interactionLifetime, manyThings),
		codes:        newBounded[*code](codeMemory, manyThings),
		access:       newBounded[access](accessLifetime, manyThings),
		refresh:      newBounded[*refresh](refreshLifetime, manyThings),
	}
}

// newSecret makes a code or token: 256 random bits in an alphabet that is legal
// for all of them and, unlike base64url, has to be encoded in a URL or form.
func newSecret(kind string) string {
	var random [32]byte
	rand.Read(random[:])
	return kind + "/" + base64.StdEncoding.EncodeToString(random[:])
}

// consented reports whether the person allowed the client all of these before.
func (m *memory) consented(subject, clientID string, scopes []string, now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	allowed, _ := m.consents.get(subject+" "+clientID, now)
	return !slices.ContainsFunc(scopes, func(s string) bool { return !slices.Contains(allowed, s) })
}

func (m *memory) consent(subject, clientID string, scopes []string, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := subject + " " + clientID
	allowed, _ := m.consents.get(key, now)
	union := slices.Concat(allowed, scopes)
	slices.Sort(union)
	m.consents.put(key, slices.Compact(union), now)
}

func (m *memory) begin(id string, a authorization, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.interactions.put(id, &interaction{authorization: a}, now)
}

// interaction returns a copy; changes go through signedIn and answer.
func (m *memory) interaction(id string, now time.Time) (interaction, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	i, ok := m.interactions.get(id, now)
	if !ok {
		return interaction{}, false
	}
	return *i, true
}

func (m *memory) signedIn(id string, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if i, ok := m.interactions.get(id, now); ok {
		i.signedIn = true
	}
}

// answer closes an interaction and reports whether this call was the one that
// did: a double click yields one code.
func (m *memory) answer(id string, now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	i, ok := m.interactions.get(id, now)
	if !ok || i.answered {
		return false
	}
	i.answered = true
	return true
}
