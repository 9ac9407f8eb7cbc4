package redis

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"

	"github.com/valkey-io/valkey-go"

	"github.com/wayleave/wayleave/store"
)

// place is what a cursor says: where a scan goes on. The number that a server
// gives out means nothing to any other, nor to itself after a restart, and what
// moves between servers could be missed: then the scan must begin again.
type place struct {
	layout uint64 // which server holds what, as a hash
	server int    // counted from 0
	run    string // the server's name for the time since its start; empty before its first page
	at     uint64 // the server's own cursor
}

var (
	errCursor  = errors.New("the cursor is not one of this kind of store")
	errChanged = errors.New("servers were restarted, exchanged or added since the scan began: begin it again")
	errMoving  = errors.New("the cluster is moving keys between its nodes: scan when it has ended")
)

// String is short, printable, and only parsePlace's business.
func (p place) String() string {
	return fmt.Sprintf("%x.%d.%s.%d", p.layout, p.server, p.run, p.at)
}

// parsePlace accepts exactly what String returns.
func parsePlace(s string) (p place, err error) {
	parts := strings.Split(s, ".")
	if len(s) > 128 || len(parts) != 4 {
		return place{}, errCursor
	}
	layout, err1 := strconv.ParseUint(parts[0], 16, 64)
	server, err2 := strconv.ParseUint(parts[1], 10, 16)
	at, err3 := strconv.ParseUint(parts[3], 10, 64)
	p = place{layout, int(server), parts[2], at}
	if err1 != nil || err2 != nil || err3 != nil || p.String() != s || strings.Trim(p.run, "0123456789abcdef") != "" {
		return place{}, errCursor
	}
	return p, nil
}

// Scan implements [store.Store]. A page costs the server no more than looking
// at a thousand keys, whatever else is on it; so pages may well be empty. When
// servers are restarted, exchanged or added, the scan ends with an error and
// must begin again. The user needs the right to SCAN and INFO.
func (s *Store) Scan(ctx context.Context, table store.Table, cursor string, limit int) ([]store.Key, string, error) {
	keys, next, err := s.scan(ctx, table, cursor, limit)
	if err != nil {
		return nil, "", fmt.Errorf("scan %s in redis: %w", table, s.explain(ctx, err))
	}
	return keys, next, nil
}

func (s *Store) scan(parent context.Context, table store.Table, cursor string, limit int) (keys []store.Key, next string, err error) {
	if _, err := newName(table, store.Key{}); err != nil {
		return nil, "", err
	}
	if limit < 1 || limit > 1000 {
		return nil, "", fmt.Errorf("limit is %d, want 1 to 1000", limit)
	}
	ctx, cancel, err := s.within(parent)
	if err != nil {
		return nil, "", err
	}
	defer cancel()
	var from place
	if cursor != "" {
		if from, err = parsePlace(cursor); err != nil {
			return nil, "", err
		}
	}
	err = s.try(ctx, reading, func(conn *client) error {
		all, err := s.primaries(ctx, conn.Nodes())
		if err != nil {
			return err
		}
		here := from
		if here.layout = layoutOf(all); cursor != "" && here.layout != from.layout || here.server >= len(all) {
			return errChanged
		}
		if all[here.server].moving() {
			return errMoving
		}
		keys, next, err = s.page(ctx, all, here, table, limit)
		return err
	})
	return keys, next, err
}

// page reads one page at a place.
func (s *Store) page(ctx context.Context, all []primary, p place, table store.Table, limit int) (keys []store.Key, next string, err error) {
	server, prefix := all[p.server], s.keysOf(table)
	// A page of one key would take as long as a page of many.
	scan := server.B().Scan().Cursor(p.at).Match(prefix + "*").Count(int64(max(limit, 100))).Build()
	r := server.DoMulti(ctx, server.B().Info().Section("server").Build(), scan)
	info, err := r[0].ToString()
	if err != nil {
		return nil, "", err
	}
	run := parseInfo(info)["run_id"]
	if p.run != "" && p.run != run || run == "" {
		return nil, "", errChanged
	}
	found, err := r[1].AsScanEntry()
	if err != nil {
		return nil, "", err
	}
	for _, text := range found.Elements {
		if k, ok := parseKey(prefix, text); ok {
			keys = append(keys, k)
		}
	}
	switch {
	case found.Cursor != 0:
		return keys, place{p.layout, p.server, run, found.Cursor}.String(), nil
	case p.server+1 < len(all):
		return keys, place{p.layout, p.server + 1, "", 0}.String(), nil
	}
	return keys, "", nil
}

// layoutOf hashes which servers there are and what they serve.
func layoutOf(all []primary) uint64 {
	h := fnv.New64a()
	for _, p := range all {
		fmt.Fprintln(h, p.id, p.slots)
	}
	return h.Sum64()
}

// keysOf is what the keys of a table's records begin with, and no others: a
// table has no colon, and what follows it in a look-up key is no record's.
func (s *Store) keysOf(table store.Table) string { return s.target.prefix + ":" + string(table) + ":" }

// parseKey turns what name.in has made into the record's key again.
func parseKey(prefix, text string) (k store.Key, ok bool) {
	encoded, ok := strings.CutPrefix(text, prefix)
	if !ok || len(encoded) != hex.EncodedLen(len(k)) || strings.ToLower(encoded) != encoded {
		return store.Key{}, false
	}
	_, err := hex.Decode(k[:], []byte(encoded))
	return k, err == nil
}

var _ valkey.CoreClient = primary{} // it may be asked like any other
