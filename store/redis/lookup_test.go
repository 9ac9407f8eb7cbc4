package redis_test

import (
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"testing"
	"time"

	servers "github.com/wayleave/wayleave/internal/testservers/redis"
	"github.com/wayleave/wayleave/store"
)

// A process that ends between the entry of a look-up key and the record, or
// between the end of a record and that of its entry, leaves an entry behind.
func TestEntriesWithoutTheirRecord(t *testing.T) {
	s := servers.Start(t, servers.Options{})
	st := open(t, s.URL()+"?prefix=p")
	live, other, gone, second := key(), key(), key(), key()
	create(t, st, live, record("v", second))
	create(t, st, other, record("v", key()))
	set := "p:things.by:" + hexOf(second)

	enter := func(k store.Key, made time.Time) {
		member := string(k[:]) + string(binary.BigEndian.AppendUint64(nil, uint64(made.Unix())<<32))
		s.CLI(t, "EVAL", "return redis.call('ZADD', KEYS[1], ARGV[1], (ARGV[2]:gsub('..', function(h) return string.char(tonumber(h, 16)) end)))",
			"1", set, strconv.FormatInt(time.Now().Add(time.Hour).UnixMilli(), 10), hex.EncodeToString([]byte(member)))
	}
	now, yesterday := time.Now(), time.Now().Add(-24*time.Hour)
	for _, k := range []store.Key{live, other, gone} {
		enter(k, now)
		enter(k, yesterday)
	}
	for limit := 1; limit <= 3; limit++ {
		got, more, err := st.Lookup(t.Context(), things, second, limit)
		if err != nil || more || len(got) != 1 || got[0] != live {
			t.Errorf("Lookup, limit %d: %v, more %t, error %v, want %v alone", limit, got, more, err, live)
		}
	}
	if got := s.CLI(t, "ZCARD", set); got != "4" {
		t.Errorf("%s entries are left, want 4: the live one's, and three that may belong to writes under way", got)
	}
}

func TestEntriesOfExpiredRecordsArePruned(t *testing.T) {
	s := servers.Start(t, servers.Options{})
	st := open(t, s.URL()+"?prefix=p")
	second := key()
	set := "p:things.by:" + hexOf(second)
	brief := func() store.Record {
		rec := record("soon", second)
		rec.Expires = time.Now().Add(300 * time.Millisecond)
		return rec
	}
	for range 3 {
		create(t, st, key(), brief())
	}
	if got := s.CLI(t, "ZCARD", set); got != "3" {
		t.Errorf("%s entries, want 3", got)
	}
	k := key()
	v := create(t, st, k, record("long", second))
	eventually(t, "pruned", func() bool {
		var err error
		if v, err = st.Replace(t.Context(), things, k, v, record("longer", second)); err != nil {
			t.Fatal(err)
		}
		return s.CLI(t, "ZCARD", set) == "1"
	})
	if err := st.Delete(t.Context(), things, k); err != nil {
		t.Fatal(err)
	}
	eventually(t, "empty", func() bool { return s.CLI(t, "DBSIZE") == "0" })
	create(t, st, key(), brief())
	eventually(t, "gone", func() bool { return s.CLI(t, "EXISTS", set) == "0" })
}

// Some ways to copy a database lose the server's own expiry.
func TestRecordThatLostItsExpiryStillEnds(t *testing.T) {
	s := servers.Start(t, servers.Options{})
	st := open(t, s.URL()+"?prefix=p")
	second := key()
	ks := []store.Key{key(), key(), key(), key()}
	var versions []store.Version
	rec := record("old", second)
	rec.Expires = time.Now().Add(500 * time.Millisecond)
	for _, k := range ks {
		versions = append(versions, create(t, st, k, rec))
		s.CLI(t, "PERSIST", "p:things:"+hexOf(k))
	}
	s.CLI(t, "PERSIST", "p:things.by:"+hexOf(second))
	eventually(t, "expired", func() bool {
		_, _, found, err := st.Get(t.Context(), things, ks[0])
		return err == nil && !found
	})
	wantAbsent(t, st, ks[0])
	wantLookup(t, st, second)
	_, err := st.Replace(t.Context(), things, ks[1], versions[1], record("late"))
	wantErr(t, err, store.ErrConflict)
	if _, found, err := st.Take(t.Context(), things, ks[2]); err != nil || found {
		t.Errorf("Take: found %t, error %v, want nothing", found, err)
	}
	create(t, st, ks[3], record("new"))
	wantValue(t, st, ks[3], "new")
	if got := s.CLI(t, "TTL", "p:things:"+hexOf(ks[3])); got == "-1" {
		t.Error("the new record has no expiry")
	}
}
