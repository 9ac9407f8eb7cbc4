package session_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/wayleave/wayleave/internal/index"
	"github.com/wayleave/wayleave/internal/seal"
	"github.com/wayleave/wayleave/session"
	"github.com/wayleave/wayleave/store"
	"github.com/wayleave/wayleave/store/memory"
	"github.com/wayleave/wayleave/store/storetest"
)

const table = store.Table("session")

var life = session.Lifetimes{Idle: time.Hour, Absolute: 12 * time.Hour}

// bench is a manager with everything around it, which tests can break.
type bench struct {
	testing.TB
	*session.Manager
	store *storetest.Faulty
	ring  *seal.Ring
}

func newBench(t testing.TB) *bench {
	b := &bench{TB: t, store: storetest.Failing(memory.New(memory.Options{})), ring: seal.NewRandomRing()}
	b.Manager = b.replica()
	return b
}

// replica is another process over the same store.
func (b *bench) replica() *session.Manager { return manager(b.store, b.ring) }

func manager(s store.Store, r *seal.Ring) *session.Manager { return managerFor(s, r, life) }

func managerFor(s store.Store, r *seal.Ring, l session.Lifetimes) *session.Manager {
	return session.NewManager(s, r, index.New(s, r), "https://app.example", l)
}

func ada() session.Session {
	return session.Session{User: session.User{ID: "u1", Provider: "acme", Issuer: "https://id.acme.example", Subject: "ada", Email: "ada@acme.example", EmailVerified: true, Name: "Ada"}}
}

func (b *bench) create(s session.Session) (string, *session.Session) {
	b.Helper()
	id, made, _, err := b.Create(context.Background(), s)
	if err != nil {
		b.Fatal(err)
	}
	return id, made
}

// wantAlive fails unless id is a session of this person.
func wantAlive(t testing.TB, m *session.Manager, id, subject string) *session.Session {
	t.Helper()
	s, err := m.Find(context.Background(), id)
	if err != nil || s == nil || s.Subject != subject {
		t.Fatalf("session %v, error %v; want one of %s", s, err, subject)
	}
	return s
}

func wantNone(t testing.TB, m *session.Manager, id string) {
	t.Helper()
	if s, err := m.Find(context.Background(), id); s != nil || err != nil {
		t.Fatalf("session %v, error %v; want none", s, err)
	}
}

// row and setRow read and write a record as somebody with access to the store can.
func (b *bench) row(k store.Key) store.Record {
	b.Helper()
	rec, _, found, err := b.store.Store.Get(context.Background(), table, k)
	if err != nil || !found {
		b.Fatalf("row: found %v, %v", found, err)
	}
	rec.Value = slices.Clone(rec.Value)
	return rec
}

func (b *bench) setRow(k store.Key, rec store.Record) {
	b.Helper()
	_, v, _, err := b.store.Store.Get(context.Background(), table, k)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := b.store.Store.Replace(context.Background(), table, k, v, rec); err != nil {
		b.Fatal(err)
	}
}

// written keeps all that is written to a store, for looking into.
type written struct {
	store.Store
	mu  sync.Mutex
	all []byte
}

func (w *written) note(k store.Key, rec store.Record) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = append(append(w.all, k[:]...), rec.Value...)
	for _, k := range rec.Lookups {
		w.all = append(w.all, k[:]...)
	}
}

func (w *written) has(b []byte) bool { return bytes.Contains(w.all, b) }

func (w *written) Create(ctx context.Context, t store.Table, k store.Key, rec store.Record) (store.Version, error) {
	w.note(k, rec)
	return w.Store.Create(ctx, t, k, rec)
}

func (w *written) Replace(ctx context.Context, t store.Table, k store.Key, old store.Version, rec store.Record) (store.Version, error) {
	w.note(k, rec)
	return w.Store.Replace(ctx, t, k, old, rec)
}

func key32() []byte {
	k := make([]byte, seal.KeySize)
	rand.Read(k)
	return k
}

func ring(t testing.TB, keys ...[]byte) *seal.Ring {
	t.Helper()
	r, err := seal.NewRing(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
