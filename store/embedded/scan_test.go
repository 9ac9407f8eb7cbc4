package embedded_test

import (
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/wayleave/wayleave/store"
	"github.com/wayleave/wayleave/store/embedded"
)

// Rows that have expired and are still in the file cost a page as much as live
// ones, so that none takes long.
func TestScan_APageOfExpiredRecordsIsEmptyAndNotTheLast(t *testing.T) {
	gated(t, func(t *testing.T, s *embedded.Store, g *gate) {
		rec := record("v")
		rec.Expires = time.Now().Add(1500 * time.Millisecond) // between two sweeps
		for n := range 50 {
			create(t, s, n, rec)
		}
		time.Sleep(1600 * time.Millisecond)
		create(t, s, -1, record("live"))
		wantContents(t, s, 51, 0, 51)
		pages, empty, found := 0, 0, []store.Key(nil)
		for cursor := ""; ; pages++ {
			keys, next, err := s.Scan(t.Context(), sessions, cursor, 10)
			if err != nil {
				t.Fatal(err)
			}
			if len(keys) == 0 {
				empty++
			}
			found = append(found, keys...)
			if cursor = next; cursor == "" {
				break
			}
		}
		if pages != 5 || empty != 5 || len(found) != 1 || found[0] != key(-1) {
			t.Errorf("%d pages before the last, %d empty ones, found %v; want 5, 5 and the live record", pages, empty, found)
		}
	})
}

func TestScan_ARowThatMakesNoSenseIsAnError(t *testing.T) {
	path := newPath(t)
	s := open(t, path)
	create(t, s, 1, record("v"))
	closed(t, s)
	bolt(t, path, func(tx *bbolt.Tx) error {
		k := key(1)
		return tx.Bucket([]byte("row/session")).Put(k[:], []byte("short"))
	})
	keys, next, err := open(t, path).Scan(t.Context(), sessions, "", 10)
	wantErr(t, err, embedded.ErrDamaged)
	if keys != nil || next != "" {
		t.Errorf("%v and %q beside an error", keys, next)
	}
}

func FuzzScanCursor(f *testing.F) {
	s := open(f, inMemory(f))
	for n := range 20 {
		create(f, s, n, record("v"))
	}
	for _, cursor := range []string{"", "00", strings.Repeat("0", 64), strings.Repeat("f", 64), strings.Repeat("A", 63) + "g"} {
		f.Add(cursor)
	}
	f.Fuzz(func(t *testing.T, cursor string) {
		keys, next, err := s.Scan(t.Context(), sessions, cursor, 5)
		switch {
		case err != nil && (keys != nil || next != ""):
			t.Errorf("%v and %q beside an error", keys, next)
		case err == nil && cursor != "" && len(cursor) != 2*store.KeySize:
			t.Errorf("cursor of %d bytes was taken", len(cursor))
		case len(cursor) > 8 && err != nil && strings.Contains(err.Error(), cursor):
			t.Errorf("error %q repeats the cursor", err)
		}
	})
}
