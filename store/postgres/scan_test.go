package postgres_test

import (
	"bytes"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/wayleave/wayleave/store"
	"github.com/wayleave/wayleave/store/postgres"
)

// Records that have expired and are not removed yet cost a scan pages, not its
// time.
func TestScanLooksAtNoMoreThanItsLimit(t *testing.T) {
	address := shared.Server(t).Database(t)
	s := openStore(t, address, postgres.Options{})
	conn := psql(t, address)
	var keys []store.Key
	for range 6 {
		keys = append(keys, randomKey())
	}
	slices.SortFunc(keys, func(a, b store.Key) int { return bytes.Compare(a[:], b[:]) })
	for _, k := range keys {
		mustCreate(t, s, sessions, k, lasting("v"))
	}
	execute(t, conn, `UPDATE wayleave.records SET expires = now() - interval '1 second' WHERE key = ANY ($1)`, [][]byte{keys[0][:], keys[1][:], keys[3][:]})
	cursor := ""
	for _, want := range [][]store.Key{{}, {keys[2]}, {keys[4], keys[5]}, {}} {
		got, next, err := s.Scan(t.Context(), sessions, cursor, 2)
		if err != nil || !slices.Equal(got, want) {
			t.Fatalf("a page has %v, error %v, want %v", got, err, want)
		}
		cursor = next
	}
	if cursor != "" {
		t.Error("the scan does not end")
	}
}

func TestScanRefusesOtherCursors(t *testing.T) {
	s := openStore(t, shared.Server(t).Database(t), postgres.Options{})
	k := randomKey()
	good := hex.EncodeToString(k[:])
	if _, _, err := s.Scan(t.Context(), sessions, good, 1); err != nil {
		t.Errorf("a cursor: %v", err)
	}
	for _, cursor := range []string{good[1:], good + "00", strings.ToUpper(good[:63]) + "A", "1.0..7", "'; --"} {
		if keys, next, err := s.Scan(t.Context(), sessions, cursor, 1); err == nil || !strings.Contains(err.Error(), "cursor is not one") || keys != nil || next != "" {
			t.Errorf("%q: %v, %q, error %v", cursor, keys, next, err)
		}
	}
}

func TestKind(t *testing.T) {
	address := shared.Server(t).Database(t)
	for _, scheme := range []string{"postgres", "postgresql"} {
		s, err := store.Open(t.Context(), scheme+strings.TrimPrefix(address, "postgres"), postgres.Kind())
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if _, ok := s.(store.Follower); !ok {
			t.Errorf("%T is no store.Follower", s)
		}
		if s, err := store.Open(t.Context(), scheme+"://a@b@c", postgres.Kind()); err == nil || s != nil {
			t.Errorf("a URL that cannot be used: store %v, error %v", s, err)
		}
	}
}
