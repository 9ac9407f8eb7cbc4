package redis

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/valkey-io/valkey-go"

	"github.com/wayleave/wayleave/store"
)

// Get implements [store.Store].
func (s *Store) Get(ctx context.Context, table store.Table, key store.Key) (store.Record, store.Version, bool, error) {
	at, err := newName(table, key)
	if err != nil {
		return store.Record{}, 0, false, err
	}
	rec, v, found, err := s.get(ctx, at)
	if err != nil {
		return store.Record{}, 0, false, s.failed(ctx, "get", at, err)
	}
	return rec, v, found, nil
}

// get asks with a plain GET, which costs the server a third of what the script
// does. A record tells by itself that it is the right one. Everything else,
// that there is none above all, is only believed of the script, whose answer
// carries the token and which reads the server's clock.
func (s *Store) get(parent context.Context, at name) (store.Record, store.Version, bool, error) {
	ctx, cancel, err := s.within(parent)
	if err != nil {
		return store.Record{}, 0, false, err
	}
	defer cancel()
	key := at.in(s.target.prefix)
	var (
		b    []byte
		conn *client
	)
	err = s.try(ctx, reading, func(c *client) error {
		conn = c
		b, err = c.Do(ctx, c.B().Get().Key(key).Build()).AsBytes()
		return err
	})
	if err != nil && !valkey.IsValkeyNil(err) {
		return store.Record{}, 0, false, err
	}
	rec, v, wrong := decode(at, b)
	if wrong == nil && time.Now().Before(rec.Expires) {
		return rec, v, true, nil
	}
	rec, v, found, err := s.value(ctx, at, call{reading, getScript, key, []string{token()}})
	if err == nil && b != nil && wrong != nil {
		s.renew(conn) // since the script did not mind the record
	}
	return rec, v, found, err
}

// value makes a call that returns a record.
func (s *Store) value(ctx context.Context, at name, c call) (store.Record, store.Version, bool, error) {
	a, err := s.run(ctx, c)
	if err != nil || !a.yes {
		return store.Record{}, 0, false, err
	}
	if len(a.rest) != 1 {
		return store.Record{}, 0, false, errForeign
	}
	rec, v, err := decode(at, []byte(a.rest[0]))
	return rec, v, err == nil, err
}

// Create implements [store.Store]. When a lost answer makes it try again, it
// recognises the record that it has written before by its version.
func (s *Store) Create(ctx context.Context, table store.Table, key store.Key, rec store.Record) (store.Version, error) {
	return s.put(ctx, "create", table, key, 0, rec)
}

// Replace implements [store.Store], with the same care as Create.
func (s *Store) Replace(ctx context.Context, table store.Table, key store.Key, old store.Version, rec store.Record) (store.Version, error) {
	if old == 0 { // no version, hence nobody's
		old = newVersion(0)
	}
	return s.put(ctx, "replace", table, key, old, rec)
}

func (s *Store) put(ctx context.Context, what string, table store.Table, key store.Key, old store.Version, rec store.Record) (store.Version, error) {
	at, err := newName(table, key)
	if err != nil {
		return 0, err
	}
	v, err := s.write(ctx, at, old, rec)
	if err != nil {
		return 0, s.failed(ctx, what, at, err)
	}
	return v, nil
}

// write puts a record in the place of version old, or of none if old is 0. The
// record's entries in look-up sets come first and the old one's go last, so
// that a live record is in all its sets at any time, and a write that ends
// halfway leaves at worst an entry without a record.
func (s *Store) write(parent context.Context, at name, old store.Version, rec store.Record) (store.Version, error) {
	ctx, cancel, err := s.within(parent)
	if err != nil {
		return 0, err
	}
	defer cancel()
	if err := check(rec); err != nil {
		return 0, err
	}
	v, lookups, was := newVersion(old), distinct(rec.Lookups), ""
	if old != 0 {
		was = text(old)
	}
	ends := strconv.FormatInt(expiry(rec), 10)
	if err := s.link(ctx, at, v, lookups, ends); err != nil {
		s.unlink(ctx, at, v, lookups)
		return 0, err
	}
	a, err := s.run(ctx, call{settling, putScript, at.in(s.target.prefix), []string{
		text(v), was, valkey.BinaryString(encode(at, v, rec, lookups)), ends,
	}})
	switch {
	case err != nil:
		return 0, err // of which nobody knows whether it was written
	case len(a.rest) != 1:
		return 0, errForeign
	case !a.yes:
		s.unlink(ctx, at, v, lookups)
		if a.rest[0] == "expired" {
			return 0, fmt.Errorf("%w: it expired at %s", store.ErrNoExpiry, rec.Expires.UTC().Format(time.RFC3339))
		}
		return 0, store.ErrConflict
	}
	s.unlinkHead(ctx, at, a.rest[0], v)
	return v, nil
}

// Delete implements [store.Store].
func (s *Store) Delete(ctx context.Context, table store.Table, key store.Key) error {
	at, err := newName(table, key)
	if err != nil {
		return err
	}
	limited, cancel, err := s.within(ctx)
	if err != nil {
		return s.failed(ctx, "delete", at, err)
	}
	defer cancel()
	a, err := s.run(limited, call{removing, deleteScript, at.in(s.target.prefix), []string{token()}})
	if err == nil && len(a.rest) != 1 {
		err = errForeign
	}
	if err != nil {
		return s.failed(ctx, "delete", at, err)
	}
	s.unlinkHead(limited, at, a.rest[0], 0)
	return nil
}

// Take implements [store.Store].
func (s *Store) Take(ctx context.Context, table store.Table, key store.Key) (store.Record, bool, error) {
	at, err := newName(table, key)
	if err != nil {
		return store.Record{}, false, err
	}
	limited, cancel, err := s.within(ctx)
	if err != nil {
		return store.Record{}, false, s.failed(ctx, "take", at, err)
	}
	defer cancel()
	rec, v, found, err := s.value(limited, at, call{removing, takeScript, at.in(s.target.prefix), []string{token()}})
	if err != nil {
		return store.Record{}, false, s.failed(ctx, "take", at, err)
	}
	if found {
		s.unlink(limited, at, v, rec.Lookups)
	}
	return rec, found, nil
}

// Lookup implements [store.Store].
func (s *Store) Lookup(ctx context.Context, table store.Table, secondary store.Key, limit int) ([]store.Key, bool, error) {
	at, err := newName(table, secondary)
	if err != nil {
		return nil, false, err
	}
	if limit < 1 || limit > 1000 {
		return nil, false, s.failed(ctx, "look up", at, fmt.Errorf("limit is %d, want 1 to 1000", limit))
	}
	limited, cancel, err := s.within(ctx)
	if err != nil {
		return nil, false, s.failed(ctx, "look up", at, err)
	}
	defer cancel()
	keys, more, err := s.lookup(limited, at, limit)
	if err != nil {
		return nil, false, s.failed(ctx, "look up", at, err)
	}
	return keys, more, nil
}
