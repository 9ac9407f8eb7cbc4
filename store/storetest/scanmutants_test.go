package storetest_test

import (
	"bytes"
	"context"
	"slices"
	"strconv"
	"sync"

	"github.com/wayleave/wayleave/store"
)

type forgetful struct{ sound }

func (m forgetful) Scan(ctx context.Context, t store.Table, cursor string, limit int) ([]store.Key, string, error) {
	keys, next, err := m.sound.Scan(ctx, t, cursor, limit)
	if cursor != "" && len(keys) > 0 {
		keys = keys[1:]
	}
	return keys, next, err
}

type brief struct{ sound }

func (m brief) Scan(ctx context.Context, t store.Table, cursor string, limit int) ([]store.Key, string, error) {
	keys, _, err := m.sound.Scan(ctx, t, cursor, limit)
	return keys, "", err
}

type circling struct{ sound }

func (m circling) Scan(ctx context.Context, t store.Table, cursor string, limit int) ([]store.Key, string, error) {
	keys, next, err := m.sound.Scan(ctx, t, cursor, limit)
	if err == nil && next == "" {
		next = "00000000000000000000000000000000" + "00000000000000000000000000000000"
	}
	return keys, next, err
}

type patient struct{ sound }

func (m patient) Scan(ctx context.Context, t store.Table, cursor string, limit int) ([]store.Key, string, error) {
	limit = min(max(limit, 1), 1000)
	keys, next, err := m.sound.Scan(ctx, t, cursor, limit)
	if err != nil && ctx.Err() == nil {
		return m.sound.Scan(ctx, t, "", limit)
	}
	return keys, next, err
}

// remembering returns all keys that were ever created.
type remembering struct {
	sound
	mu   sync.Mutex
	keys map[store.Table][]store.Key
}

func (m *remembering) Create(ctx context.Context, t store.Table, k store.Key, rec store.Record) (store.Version, error) {
	v, err := m.sound.Create(ctx, t, k, rec)
	if err == nil {
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.keys == nil {
			m.keys = map[store.Table][]store.Key{}
		}
		m.keys[t] = append(m.keys[t], k)
	}
	return v, err
}

func (m *remembering) Scan(_ context.Context, t store.Table, _ string, _ int) ([]store.Key, string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.keys[t]), "", nil
}

// offset keeps as a cursor how many keys it has returned, and returns as many
// more as it says than it was asked for.
type offset struct {
	sound
	more int
}

func (m offset) Scan(ctx context.Context, t store.Table, cursor string, limit int) (all []store.Key, next string, err error) {
	for page, next, err := m.sound.Scan(ctx, t, "", 1000); ; page, next, err = m.sound.Scan(ctx, t, next, 1000) {
		if err != nil {
			return nil, "", err
		}
		if all = append(all, page...); next == "" {
			break
		}
	}
	slices.SortFunc(all, func(a, b store.Key) int { return bytes.Compare(a[:], b[:]) })
	at, _ := strconv.Atoi(cursor)
	at = min(at, len(all))
	end := min(at+limit+m.more, len(all))
	if end < len(all) {
		next = strconv.Itoa(end)
	}
	return all[at:end], next, nil
}

// once forgets a cursor when it was used.
type once struct {
	sound
	mu   sync.Mutex
	used map[string]bool
}

func (m *once) Scan(ctx context.Context, t store.Table, cursor string, limit int) ([]store.Key, string, error) {
	m.mu.Lock()
	used := m.used[cursor]
	m.used[cursor] = cursor != ""
	m.mu.Unlock()
	if used {
		return nil, "", nil
	}
	return m.sound.Scan(ctx, t, cursor, limit)
}

// absent takes every failure for an empty table.
type absent struct{ sound }

func (m absent) Scan(ctx context.Context, t store.Table, cursor string, limit int) ([]store.Key, string, error) {
	keys, next, _ := m.sound.Scan(ctx, t, cursor, limit)
	return keys, next, nil
}
