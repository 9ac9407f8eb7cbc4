package session

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/wayleave/wayleave/internal/index"
	"github.com/wayleave/wayleave/internal/seal"
	"github.com/wayleave/wayleave/store"
)

// Table and Purpose tell how session records are sealed, each under its own
// key, for whoever seals them anew when ring keys change.
const (
	Table   = store.Table("session")
	Purpose = seal.Purpose("session")
)

const (
	kind    = byte('s') // of keys in the index
	idBytes = 32
	// scopeBytes of a hash tell deployments apart.
	scopeBytes = 16
)

// Lifetimes bound sessions. The times live in the store, not in the cookie.
type Lifetimes struct {
	Idle     time.Duration // without a request
	Absolute time.Duration // in any case
	// PerUser is how many sessions one user can have; the oldest one ends
	// when there would be more. Zero: no limit.
	PerUser int
}

// Manager makes, finds and ends sessions. It is safe for concurrent use.
type Manager struct {
	store  store.Store
	ring   *seal.Ring
	index  *index.Index
	life   Lifetimes
	scope  [scopeBytes]byte
	copies copies

	// current and stop are nil unless the store tells what others end.
	current func() time.Time
	stop    func()
}

// NewManager returns a Manager over a store. If the store tells what other
// processes end, it begins to listen; Close ends that.
//
// deployment is what the sessions are for, such as the app's base URL. Several
// can share a store: no session of one is found in another.
func NewManager(s store.Store, ring *seal.Ring, x *index.Index, deployment string, life Lifetimes) *Manager {
	m := &Manager{store: s, ring: ring, index: x, life: life}
	sum := sha256.Sum256([]byte(deployment))
	copy(m.scope[:], sum[:])
	if f, ok := s.(store.Follower); ok {
		m.current, m.stop = f.Follow(Table, m.copies.forget, m.copies.forgetAll)
	}
	return m
}

// Close stops listening to the store.
func (m *Manager) Close() {
	if m.stop != nil {
		m.stop()
	}
}

// Create stores a new session for s.User and returns the id for the cookie.
// Created, LastSeen and Expires are set here. If the user has too many
// sessions then, the oldest are ended and returned, so that their grants can
// be dropped; several logins at the same moment may leave a few more.
func (m *Manager) Create(ctx context.Context, s Session) (id string, made *Session, ended []*Session, err error) {
	var raw [idBytes]byte
	rand.Read(raw[:])
	s.key, err = m.key(ctx, &raw)
	if err != nil {
		return "", nil, nil, err
	}
	if s.lookups, err = m.lookupsOf(ctx, &s); err != nil {
		return "", nil, nil, err
	}
	s.Created = time.Now()
	s.LastSeen, s.Expires = s.Created, s.Created.Add(m.life.Absolute)
	if _, err := m.store.Create(ctx, Table, s.key, m.record(&s)); err != nil {
		return "", nil, nil, fmt.Errorf("store the session: %w", err)
	}
	ended, err = m.limit(ctx, &s)
	if err != nil {
		return "", nil, nil, err
	}
	return seal.Encode(raw[:]), &s, ended, nil
}

func (m *Manager) record(s *Session) store.Record {
	expires := s.LastSeen.Add(m.life.Idle)
	if s.Expires.Before(expires) {
		expires = s.Expires
	}
	return store.Record{Value: m.ring.Seal(Purpose, s.encode(), aad(s.key)), Expires: expires, Lookups: s.lookups}
}

// key is where the session of an id lies.
func (m *Manager) key(ctx context.Context, id *[idBytes]byte) (store.Key, error) {
	var name [scopeBytes + idBytes]byte
	copy(name[:], m.scope[:])
	copy(name[scopeBytes:], id[:])
	return m.index.Key(ctx, kind, name[:])
}

// aad ties a record to its key: copied under another one it does not open.
func aad(k store.Key) string { return string(k[:]) }

// Find returns the live session of a cookie's value, or nil. An error means
// that the store could not say: it is never to be read as "not signed in".
//
// A session that another process ended is refused as soon as the store has told
// of it; how long that can take, fresh.go says. Use FindNow where something
// is changed on the word of the session.
func (m *Manager) Find(ctx context.Context, id string) (*Session, error) {
	return m.find(ctx, id, true)
}

// FindNow is Find, with the store asked in any case.
func (m *Manager) FindNow(ctx context.Context, id string) (*Session, error) {
	return m.find(ctx, id, false)
}

// Peek is Find for looking on: it is no request of the person, and does not keep
// an idle session alive.
func (m *Manager) Peek(ctx context.Context, id string) (*Session, error) {
	c, err := m.look(ctx, id, true)
	if c == nil || err != nil {
		return nil, err
	}
	return c.session, nil
}

func (m *Manager) find(ctx context.Context, id string, mayCopy bool) (*Session, error) {
	c, err := m.look(ctx, id, mayCopy)
	if c == nil || err != nil {
		return nil, err
	}
	if now := time.Now(); now.Sub(c.session.LastSeen) > m.seenEvery() {
		m.touch(ctx, c, now)
	}
	return c.session, nil
}

// look returns a live session as it was read, or nil.
func (m *Manager) look(ctx context.Context, id string, mayCopy bool) (*copied, error) {
	var raw [idBytes]byte
	if !decodeID(&raw, id) {
		return nil, nil
	}
	key, err := m.key(ctx, &raw)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	c := m.copies.find(key)
	if !mayCopy || c == nil || !m.fresh(c, now) {
		if c, err = m.read(ctx, key, c, now); c == nil || err != nil {
			return nil, err
		}
	}
	if !time.Now().Before(c.session.Expires) {
		return nil, nil
	}
	return c, nil
}

// read asks the store. old is a copy that may be of the same version, or nil.
func (m *Manager) read(ctx context.Context, key store.Key, old *copied, began time.Time) (*copied, error) {
	ctx, cancel := m.patiently(ctx)
	defer cancel()
	before := m.copies.mark(key)
	rec, version, found, err := m.store.Get(ctx, Table, key)
	if err != nil {
		return nil, fmt.Errorf("look up the session: %w", err)
	}
	if !found {
		return nil, nil
	}
	same := old != nil && old.version == version
	if same && m.current == nil {
		return old, nil // copies are never used without asking: nothing to renew
	}
	c := &copied{version: version, until: rec.Expires, read: began, before: before}
	if same {
		c.session = old.session
	} else if c.session = m.open(key, rec); c.session == nil {
		return nil, nil
	}
	m.copies.add(c)
	return c, nil
}

// storeDeadline bounds what a request waits for a store that does not answer.
const storeDeadline = 5 * time.Second

// patiently bounds a call to a store that lies across a network. A deadline is
// made for those calls alone, because it costs as much as a copy that is at hand.
func (m *Manager) patiently(ctx context.Context) (context.Context, context.CancelFunc) {
	if m.store.SingleProcess() {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, storeDeadline)
}

// open decodes a record. One that does not open is no session: it was damaged,
// moved, or sealed with a key that has been removed.
func (m *Manager) open(key store.Key, rec store.Record) *Session {
	plain, err := m.ring.Open(Purpose, rec.Value, aad(key))
	if err != nil {
		return nil
	}
	s, err := decode(plain)
	if err != nil {
		return nil
	}
	s.key, s.lookups = key, rec.Lookups
	return s
}

// seenEvery is how exact LastSeen is: a write for each request would cost more
// than all the rest. An idle session may end earlier by as much, never later.
func (m *Manager) seenEvery() time.Duration { return m.life.Idle / 20 }

// touch moves the idle end. If it fails, the next request tries again; if
// somebody ended or changed the session meanwhile, that wins.
func (m *Manager) touch(ctx context.Context, c *copied, now time.Time) {
	ctx, cancel := m.patiently(ctx)
	defer cancel()
	seen := *c.session
	seen.LastSeen = now
	rec := m.record(&seen)
	version, err := m.store.Replace(ctx, Table, seen.key, c.version, rec)
	if err != nil {
		m.copies.forget(seen.key)
		return
	}
	m.copies.add(&copied{session: &seen, version: version, until: rec.Expires, read: c.read, before: c.before})
}

// End deletes a session. From then on no request finds it, not even one that began before.
func (m *Manager) End(ctx context.Context, s *Session) error {
	m.copies.forget(s.key)
	// Again afterwards: somebody may have read it just before it went.
	defer m.copies.forget(s.key)
	if err := m.store.Delete(ctx, Table, s.key); err != nil {
		return fmt.Errorf("end the session: %w", err)
	}
	return nil
}

// Alive reports whether the session with this cookie value still lives.
func (m *Manager) Alive(ctx context.Context, id string) (bool, error) {
	s, err := m.FindNow(ctx, id)
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
