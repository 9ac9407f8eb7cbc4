package memory

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/wayleave/wayleave/store"
)

// Scan implements [store.Store]. A page visits at most limit records, and
// holds the lock of a shard only while it lists them.
func (s *Store) Scan(ctx context.Context, table store.Table, cursor string, limit int) ([]store.Key, string, error) {
	keys, next, err := s.scan(ctx, table, cursor, limit)
	if err != nil {
		return nil, "", fmt.Errorf("scan %s in memory: %w", table, err)
	}
	return keys, next, nil
}

// scan goes from shard to shard, and in each from the least key to the
// greatest. The cursor is the first key that was not visited.
func (s *Store) scan(ctx context.Context, table store.Table, cursor string, limit int) (keys []store.Key, next string, err error) {
	if limit < 1 || limit > 1000 {
		return nil, "", fmt.Errorf("limit is %d, want 1 to 1000", limit)
	}
	from, err := parseCursor(cursor)
	if err != nil {
		return nil, "", err
	}
	now, visited := time.Now(), 0
	for i := shardOf(from); i < shardCount; i++ {
		if err := ctx.Err(); err != nil {
			return nil, "", err
		}
		for _, n := range s.shards[i].from(table, from) {
			if visited == limit {
				return keys, hex.EncodeToString(n.key[:]), nil
			}
			visited++
			if n.live(now) != nil {
				keys = append(keys, n.key)
			}
		}
		from = store.Key{}
	}
	if s.closed.Load() { // asked last: what Close has emptied is not an answer
		return nil, "", store.ErrClosed
	}
	return keys, "", nil
}

// from returns the nodes of a table whose keys are at least the given one, in
// the order of their keys.
func (sh *shard) from(table store.Table, least store.Key) []*node {
	nodes := sh.list(table, least)
	slices.SortFunc(nodes, func(a, b *node) int { return bytes.Compare(a.key[:], b.key[:]) })
	return nodes
}

func (sh *shard) list(table store.Table, least store.Key) (nodes []*node) {
	sh.mu.RLock()
	defer sh.mu.RUnlock()
	if t := sh.tables[table]; t != nil {
		for k, n := range t.m {
			if bytes.Compare(k[:], least[:]) >= 0 {
				nodes = append(nodes, n)
			}
		}
	}
	return nodes
}

// parseCursor returns the key to begin with. Its error repeats nothing of the
// cursor, which holds a whole key.
func parseCursor(cursor string) (from store.Key, err error) {
	if cursor == "" {
		return from, nil
	}
	b, err := hex.DecodeString(cursor)
	if err != nil || len(b) != store.KeySize {
		return from, errors.New("the cursor is not one of this store")
	}
	return store.Key(b), nil
}
