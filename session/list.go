package session

import (
	"context"
	"fmt"
	"slices"

	"github.com/wayleave/wayleave/internal/index"
	"github.com/wayleave/wayleave/store"
)

// Sessions are found by whom they belong to, under keys of these kinds.
const (
	kindUser            = byte('u')
	kindProviderSession = byte('p')
	kindProviderSubject = byte('q')
	// atOnce is the most sessions looked up in one go.
	atOnce = 1000
)

// lookupsOf are the secondary keys of a session: its user's is the first.
func (m *Manager) lookupsOf(ctx context.Context, s *Session) ([]store.Key, error) {
	user, err := m.userKey(ctx, s.User.ID)
	if err != nil {
		return nil, err
	}
	keys := []store.Key{user}
	for _, at := range []struct {
		kind byte
		name string
	}{{kindProviderSession, s.ProviderSession}, {kindProviderSubject, s.ProviderSubject}} {
		if at.name == "" {
			continue
		}
		key, err := m.providerKey(ctx, at.kind, s.Provider, s.ProviderIssuer, at.name)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// providerKey stands for what a provider calls a session or a person. It means
// nothing without the provider's entry and the issuer: an entry may let in many
// issuers, and no issuer may end what began at another one.
func (m *Manager) providerKey(ctx context.Context, kind byte, provider, issuer, name string) (store.Key, error) {
	return m.index.Key(ctx, kind, index.Join(string(m.scope[:]), provider, issuer, name))
}

func (m *Manager) userKey(ctx context.Context, userID string) (store.Key, error) {
	return m.index.Key(ctx, kindUser, index.Join(string(m.scope[:]), userID))
}

// OfUser returns the live sessions of a user, the newest first, at most 1,000.
// more tells that there are others.
func (m *Manager) OfUser(ctx context.Context, userID string) (list []*Session, more bool, err error) {
	key, err := m.userKey(ctx, userID)
	if err != nil {
		return nil, false, err
	}
	return m.under(ctx, key)
}

// OfProvider returns the live sessions that a provider's entry calls sid, or
// without one those of the person whom it calls subject, as OfUser does (OpenID
// Connect Back-Channel Logout section 2.7).
func (m *Manager) OfProvider(ctx context.Context, provider, issuer, sid, subject string) (list []*Session, more bool, err error) {
	kind, name := kindProviderSession, sid
	if sid == "" {
		kind, name = kindProviderSubject, subject
	}
	key, err := m.providerKey(ctx, kind, provider, issuer, name)
	if err != nil {
		return nil, false, err
	}
	return m.under(ctx, key)
}

func (m *Manager) under(ctx context.Context, secondary store.Key) (list []*Session, more bool, err error) {
	keys, more, err := m.store.Lookup(ctx, Table, secondary, atOnce)
	if err != nil {
		return nil, false, fmt.Errorf("look up sessions: %w", err)
	}
	if list, err = m.openAll(ctx, keys); err != nil {
		return nil, false, err
	}
	slices.SortFunc(list, func(a, b *Session) int { return b.Created.Compare(a.Created) })
	return list, more, nil
}

// Page returns some of all live sessions, in no order. An empty cursor begins,
// an empty next ends; see [store.Store.Scan] for what is promised meanwhile.
func (m *Manager) Page(ctx context.Context, cursor string) (list []*Session, next string, err error) {
	keys, next, err := m.store.Scan(ctx, Table, cursor, 500)
	if err != nil {
		return nil, "", fmt.Errorf("list sessions: %w", err)
	}
	list, err = m.openAll(ctx, keys)
	return list, next, err
}

// openAll reads records whose keys were found. Those that have ended since, or
// that do not open, are left out.
func (m *Manager) openAll(ctx context.Context, keys []store.Key) ([]*Session, error) {
	var list []*Session
	for _, key := range keys {
		rec, _, found, err := m.store.Get(ctx, Table, key)
		if err != nil {
			return nil, fmt.Errorf("read a session: %w", err)
		}
		if !found {
			continue
		}
		if s := m.open(key, rec); s != nil {
			list = append(list, s)
		}
	}
	return list, nil
}

// limit ends the oldest sessions of a user who has too many.
func (m *Manager) limit(ctx context.Context, made *Session) (ended []*Session, err error) {
	if m.life.PerUser <= 0 {
		return nil, nil
	}
	keys, _, err := m.store.Lookup(ctx, Table, made.lookups[0], min(m.life.PerUser+1, atOnce))
	if err != nil {
		return nil, fmt.Errorf("count the user's sessions: %w", err)
	}
	if len(keys) <= m.life.PerUser {
		return nil, nil
	}
	list, _, err := m.OfUser(ctx, made.User.ID)
	if err != nil {
		return nil, err
	}
	for _, old := range list[min(m.life.PerUser, len(list)):] {
		if old.key == made.key {
			continue
		}
		if err := m.End(ctx, old); err != nil {
			return nil, err
		}
		ended = append(ended, old)
	}
	return ended, nil
}
