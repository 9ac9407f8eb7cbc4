package embedded_test

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/wayleave/wayleave/store"
	"github.com/wayleave/wayleave/store/embedded"
)

// Whoever reads the file learns the names of the tables, how many records
// there are, how large they are, when they end, and which belong together.
func TestLayout_TheFileNamesNothingButTables(t *testing.T) {
	path := newPath(t)
	s := open(t, path)
	for n := range 100 {
		v := create(t, s, n, record("value", key(-1), key(-2)))
		if _, err := s.Replace(t.Context(), sessions, key(n), v, record("value", key(-3))); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Create(t.Context(), "grant", key(n), record("value")); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Create(t.Context(), embedded.Claims, key(n), record("value")); err != nil {
			t.Fatal(err)
		}
	}
	closed(t, s)

	db, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	known := func(k []byte) bool {
		return slices.ContainsFunc([]int{-3, 0, 50, 99}, func(n int) bool { key := key(n); return bytes.Equal(k, key[:]) })
	}
	var buckets []string
	checked := 0 // of three records: due and row, twice, and one link
	err = db.View(func(tx *bbolt.Tx) error {
		return tx.ForEach(func(name []byte, b *bbolt.Bucket) error {
			buckets = append(buckets, string(name))
			return b.ForEach(func(k, v []byte) error {
				ok := false
				switch string(name) {
				case "wayleave":
					ok = string(k) == "format" && string(v) == "1"
				case "due":
					ok = len(v) == 0 && (string(k[8+store.KeySize:]) == "grant" || string(k[8+store.KeySize:]) == "session")
					k = k[8:][:store.KeySize]
				case "row/session", "row/grant":
					ok = len(k) == store.KeySize && bytes.HasSuffix(v, []byte("value"))
				case "look/session":
					ok = len(k) == 2*store.KeySize && len(v) == 0 && known(k[:store.KeySize])
					k = k[store.KeySize:]
				}
				if !ok {
					t.Errorf("%s has %x → %q", name, k, v)
				}
				if known(k) {
					checked++
				}
				return nil
			})
		})
	})
	want := []string{"due", "look/session", "row/grant", "row/session", "wayleave"}
	if err != nil || !slices.Equal(buckets, want) || checked != 15 {
		t.Errorf("buckets %q, want %q; %d of the known keys; error %v", buckets, want, checked, err)
	}
}

// A row that is damaged is an error, not an absence.
func TestLayout_ARowThatMakesNoSenseIsAnError(t *testing.T) {
	path := newPath(t)
	s := open(t, path)
	for n := range 4 {
		create(t, s, n, record("v", key(-1)))
	}
	closed(t, s)
	bad := [][]byte{{}, make([]byte, 16), append(make([]byte, 16), 9), append(make([]byte, 16), 8, 1, 2, 3)}
	bolt(t, path, func(tx *bbolt.Tx) error {
		for n, row := range bad {
			k := key(n)
			if err := tx.Bucket([]byte("row/session")).Put(k[:], row); err != nil {
				return err
			}
		}
		return nil
	})
	s = open(t, path)
	ctx := t.Context()
	for n := range bad {
		_, _, found, err := s.Get(ctx, sessions, key(n))
		wantErr(t, err, embedded.ErrDamaged)
		_, err = s.Create(ctx, sessions, key(n), record("w"))
		wantErr(t, err, embedded.ErrDamaged)
		_, err = s.Replace(ctx, sessions, key(n), 1, record("w"))
		wantErr(t, err, embedded.ErrDamaged)
		_, taken, err := s.Take(ctx, sessions, key(n))
		wantErr(t, err, embedded.ErrDamaged)
		wantErr(t, s.Delete(ctx, sessions, key(n)), embedded.ErrDamaged)
		if found || taken {
			t.Error("found beside an error")
		}
	}
	_, _, err := s.Lookup(ctx, sessions, key(-1), 10)
	wantErr(t, err, embedded.ErrDamaged)
	create(t, s, 10, store.Record{Expires: time.Now().Add(time.Hour)}) // others are not concerned
	wantContents(t, s, len(bad)+1, len(bad), len(bad)+1)
}
