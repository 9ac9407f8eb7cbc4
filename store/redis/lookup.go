package redis

import (
	"cmp"
	"context"
	"encoding/binary"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/valkey-io/valkey-go"

	"github.com/wayleave/wayleave/store"
)

// A look-up key has a sorted set of entries, each of them the key of a record
// and the version that entered it, scored by the record's expiry. In a cluster
// the set lives elsewhere than the record and cannot change together with it.
// So an entry is only a hint: what counts is whether the live record carries
// the look-up key. And since each version has an entry of its own, removing
// the entry of one that is gone never removes that of one just being written.
type entry struct {
	key     store.Key
	version store.Version
}

const entrySize = store.KeySize + 8

func (e entry) String() string { return string(e.key[:]) + text(e.version) }

func parseEntry(s string) (entry, error) {
	if len(s) != entrySize {
		return entry{}, errFormat
	}
	return entry{store.Key([]byte(s[:store.KeySize])), store.Version(binary.BigEndian.Uint64([]byte(s[store.KeySize:])))}, nil
}

// abandoned is how old an entry without its record must be to be removed by
// who comes across it. A write takes seconds from one to the other; the rest
// is for clocks that differ.
const abandoned = time.Hour

// link enters a version in the sets of its look-up keys.
func (s *Store) link(ctx context.Context, at name, v store.Version, lookups []store.Key, ends string) error {
	errs := make([]error, len(lookups))
	enter := func(i int) {
		set := name{at.table, lookups[i]}.setIn(s.target.prefix)
		_, errs[i] = s.run(ctx, call{settling, linkScript, set, []string{token(), entry{at.key, v}.String(), ends}})
	}
	var wg sync.WaitGroup
	for i := 1; i < len(lookups); i++ {
		wg.Go(func() { enter(i) })
	}
	if len(lookups) > 0 {
		enter(0)
	}
	wg.Wait()
	return cmp.Or(errs...)
}

// unlink removes the entries of a version that is gone. Where that fails they
// stay until they expire or are found to be abandoned.
func (s *Store) unlink(ctx context.Context, at name, v store.Version, lookups []store.Key) {
	if len(lookups) == 0 {
		return
	}
	// What the caller wanted is done: that it leaves now is no reason to stop.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.options.Timeout/4)
	defer cancel()
	s.client.Load().use(func(conn *client) error {
		var commands []valkey.Completed
		for _, l := range lookups {
			set := name{at.table, l}.setIn(s.target.prefix)
			commands = append(commands, conn.B().Zrem().Key(set).Member(entry{at.key, v}.String()).Build())
		}
		conn.DoMulti(ctx, commands...)
		return nil
	})
}

// unlinkHead removes the entries of the version in a head, unless it is kept.
func (s *Store) unlinkHead(ctx context.Context, at name, b string, kept store.Version) {
	if h, _, err := parseHead([]byte(b)); err == nil && h.version != kept {
		s.unlink(ctx, at, h.version, h.lookups)
	}
}

// lookup reads the set in one piece, as much of it as is likely to do: read in
// parts, an entry could move from the one not read yet to the one read before.
func (s *Store) lookup(ctx context.Context, at name, limit int) (keys []store.Key, more bool, err error) {
	for n := 2 * (limit + 1); ; n *= 4 {
		entries, err := s.entries(ctx, at, n)
		if err != nil {
			return nil, false, err
		}
		keys, err = s.carriers(ctx, at, entries, limit+1)
		if err != nil {
			return nil, false, err
		}
		if len(keys) > limit {
			return keys[:limit], true, nil
		}
		if len(entries) < n {
			return keys, false, nil
		}
	}
}

// entries returns at most n entries of a set, those that expire first.
func (s *Store) entries(ctx context.Context, at name, n int) ([]entry, error) {
	a, err := s.run(ctx, call{reading, listScript, at.setIn(s.target.prefix), []string{token(), strconv.Itoa(n)}})
	if err != nil {
		return nil, err
	}
	entries := make([]entry, len(a.rest))
	for i, text := range a.rest {
		if entries[i], err = parseEntry(text); err != nil {
			return nil, err
		}
	}
	return entries, nil
}

// carriers returns the keys among the entries whose live records carry the
// look-up key, up to limit of them, and removes abandoned entries that it meets.
func (s *Store) carriers(ctx context.Context, at name, entries []entry, limit int) (keys []store.Key, err error) {
	byKey := map[store.Key][]entry{}
	var order []store.Key
	for _, e := range entries {
		if byKey[e.key] == nil {
			order = append(order, e.key)
		}
		byKey[e.key] = append(byKey[e.key], e)
	}
	var dead []entry
	for part := range slices.Chunk(order, limit) {
		heads, err := s.heads(ctx, at.table, part)
		if err != nil {
			return nil, err
		}
		for i, k := range part {
			carries := heads[i] != nil && slices.Contains(heads[i].lookups, at.key)
			if carries && len(keys) < limit {
				keys = append(keys, k)
			}
			for _, e := range byKey[k] {
				if (!carries || e.version != heads[i].version) && age(e.version) > abandoned {
					dead = append(dead, e)
				}
			}
		}
		if len(keys) == limit {
			break
		}
	}
	s.bury(ctx, at, dead)
	return keys, nil
}

// bury removes abandoned entries, if it can.
func (s *Store) bury(ctx context.Context, at name, dead []entry) {
	if len(dead) == 0 {
		return
	}
	members := make([]string, len(dead))
	for i, e := range dead {
		members[i] = e.String()
	}
	s.client.Load().use(func(conn *client) error {
		return conn.Do(ctx, conn.B().Zrem().Key(at.setIn(s.target.prefix)).Member(members...).Build()).Error()
	})
}

// heads returns the heads of live records, nil for those that are not.
func (s *Store) heads(ctx context.Context, table store.Table, keys []store.Key) (heads []*head, err error) {
	calls := make([]call, len(keys))
	for i, k := range keys {
		calls[i] = call{reading, headScript, name{table, k}.in(s.target.prefix), []string{token()}}
	}
	err = s.try(ctx, reading, func(conn *client) error {
		heads = make([]*head, len(keys))
		for i, r := range together(ctx, conn, calls) {
			a, err := calls[i].read(r)
			if err != nil {
				return err
			}
			if !a.yes {
				continue
			}
			if len(a.rest) != 1 {
				return errForeign
			}
			h, _, err := parseHead([]byte(a.rest[0]))
			if err != nil {
				return err
			}
			heads[i] = &h
		}
		return nil
	})
	return heads, err
}

// together sends many calls at once.
func together(ctx context.Context, conn *client, calls []call) []valkey.ValkeyResult {
	commands := make([]valkey.Completed, len(calls))
	for i, c := range calls {
		commands[i] = c.short(conn)
	}
	results := conn.DoMulti(ctx, commands...)
	for i, c := range calls {
		if forgotten(results[i]) {
			results[i] = conn.Do(ctx, c.long(conn))
		}
	}
	return results
}
