package wayleave_test

import (
	"bytes"
	"context"
	"sync"

	"github.com/wayleave/wayleave/store"
)

// spy remembers everything that a store was given.
type spy struct {
	store.Store
	mu   sync.Mutex
	seen []byte
}

func (s *spy) note(key store.Key, rec store.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = append(s.seen, key[:]...)
	s.seen = append(s.seen, rec.Value...)
	for _, k := range rec.Lookups {
		s.seen = append(s.seen, k[:]...)
	}
}

// saw reports whether the store was given the text.
func (s *spy) saw(text string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.seen) > 0 && bytes.Contains(s.seen, []byte(text))
}

func (s *spy) Create(ctx context.Context, table store.Table, key store.Key, rec store.Record) (store.Version, error) {
	s.note(key, rec)
	return s.Store.Create(ctx, table, key, rec)
}

func (s *spy) Replace(ctx context.Context, table store.Table, key store.Key, old store.Version, rec store.Record) (store.Version, error) {
	s.note(key, rec)
	return s.Store.Replace(ctx, table, key, old, rec)
}
