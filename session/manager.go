package session

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/wayleave/wayleave/internal/index"
	"github.com/wayleave/wayleave/internal/seal"
	"github.com/wayleave/wayleave/store"
)

const (
	table   = store.Table("session")
	purpose = seal.Purpose("session")
	kind    = byte('s') // of keys in the index
	idBytes = 32
)

// Lifetimes bound a session. Both live in the store, not in the cookie.
type Lifetimes struct {
	Idle     time.Duration // without a request
	Absolute time.Duration // in any case
}

// Manager makes, finds and ends sessions. It is safe for concurrent use.
type Manager struct {
	store  store.Store
	ring   *seal.Ring
	index  *index.Index
	life   Lifetimes
	recent recent
}

// NewManager returns a Manager over a store.
func NewManager(s store.Store, ring *seal.Ring, x *index.Index, life Lifetimes) *Manager {
	return &Manager{store: s, ring: ring, index: x, life: life}
}

// Create stores a new session for s.User and returns the id for the cookie.
// Created, LastSeen and Expires are set here.
func (m *Manager) Create(ctx context.Context, s Session) (id string, made *Session, err error) {
	var raw [idBytes]byte
	rand.Read(raw[:])
	s.key, err = m.index.Key(ctx, kind, raw[:])
	if err != nil {
		return "", nil, err
	}
	s.Created = time.Now()
	s.LastSeen, s.Expires = s.Created, s.Created.Add(m.life.Absolute)
	if _, err := m.store.Create(ctx, table, s.key, m.record(&s)); err != nil {
		return "", nil, fmt.Errorf("store the session: %w", err)
	}
	return seal.Encode(raw[:]), &s, nil
}

func (m *Manager) record(s *Session) store.Record {
	expires := s.LastSeen.Add(m.life.Idle)
	if s.Expires.Before(expires) {
		expires = s.Expires
	}
	return store.Record{Value: m.ring.Seal(purpose, s.encode(), aad(s.key)), Expires: expires}
}

// aad ties a record to its key: copied under another one it does not open.
func aad(k store.Key) string { return string(k[:]) }

// Find returns the live session of a cookie's value, or nil. An error means
// that the store could not say: it is never to be read as "not signed in".
func (m *Manager) Find(ctx context.Context, id string) (*Session, error) {
	var raw [idBytes]byte
	if !decodeID(&raw, id) {
		return nil, nil
	}
	key, err := m.index.Key(ctx, kind, raw[:])
	if err != nil {
		return nil, err
	}
	rec, version, found, err := m.store.Get(ctx, table, key)
	if err != nil {
		return nil, fmt.Errorf("look up the session: %w", err)
	}
	if !found {
		return nil, nil
	}
	s := m.recent.find(key, version)
	if s == nil {
		if s = m.open(key, rec.Value); s == nil {
			return nil, nil
		}
		m.recent.add(s, version)
	}
	now := time.Now()
	if !now.Before(s.Expires) {
		return nil, nil
	}
	if now.Sub(s.LastSeen) > m.seenEvery() {
		m.touch(ctx, s, version, now)
	}
	return s, nil
}

// open decodes a record. One that does not open is no session: it was damaged,
// moved, or sealed with a key that has been removed.
func (m *Manager) open(key store.Key, value []byte) *Session {
	plain, err := m.ring.Open(purpose, value, aad(key))
	if err != nil {
		return nil
	}
	s, err := decode(plain)
	if err != nil {
		return nil
	}
	s.key = key
	return s
}

// seenEvery is how exact LastSeen is: a write for each request would cost more
// than all the rest. An idle session may end earlier by as much, never later.
func (m *Manager) seenEvery() time.Duration { return m.life.Idle / 20 }

// touch moves the idle end. If it fails, the next request tries again; if
// somebody ended or changed the session meanwhile, that wins.
func (m *Manager) touch(ctx context.Context, s *Session, version store.Version, now time.Time) {
	seen := *s
	seen.LastSeen = now
	_, _ = m.store.Replace(ctx, table, s.key, version, m.record(&seen))
}

// End deletes a session. From then on no request finds it, not even one that began before.
func (m *Manager) End(ctx context.Context, s *Session) error {
	if err := m.store.Delete(ctx, table, s.key); err != nil {
		return fmt.Errorf("end the session: %w", err)
	}
	return nil
}

// Alive reports whether the session with this cookie value still lives.
func (m *Manager) Alive(ctx context.Context, id string) (bool, error) {
	s, err := m.Find(ctx, id)
	return s != nil, err
}

// decodeID reads the 43 characters of an id without allocating.
func decodeID(into *[idBytes]byte, id string) bool {
	if len(id) != 43 {
		return false
	}
	var buf [idBytes + 1]byte
	n, err := rawURL.Decode(buf[:], []byte(id))
	copy(into[:], buf[:idBytes])
	return err == nil && n == idBytes
}

// String hides the key in what is printed by accident.
func (s *Session) String() string {
	if s == nil {
		return "no session"
	}
	return "session " + hex.EncodeToString(s.key[:4]) + " of " + s.Provider
}

// rawURL is base64url without padding; Strict refuses a second spelling of the same bytes.
var rawURL = base64.RawURLEncoding.Strict()
