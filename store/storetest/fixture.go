package storetest

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wayleave/wayleave/store"
)

// fixture is what one case works with: a store, a test, and words for both.
type fixture struct {
	*testing.T
	store.Store
	h     Harness
	table store.Table
}

// key returns a key that nothing else uses.
func (f *fixture) key() (k store.Key) {
	rand.Read(k[:])
	return k
}

// keys returns n keys that nothing else uses.
func (f *fixture) keys(n int) []store.Key {
	ks := make([]store.Key, n)
	for i := range ks {
		ks[i] = f.key()
	}
	return ks
}

// lasting returns a record that outlives the test.
func lasting(value string, lookups ...store.Key) store.Record {
	return store.Record{Value: []byte(value), Expires: time.Now().Add(time.Hour), Lookups: lookups}
}

// brief returns a record that awaitExpiry can wait for. The time is long
// enough that it is still alive when a busy machine gets round to writing it.
func brief(value string, lookups ...store.Key) store.Record {
	return store.Record{Value: []byte(value), Expires: time.Now().Add(time.Second), Lookups: lookups}
}

func (f *fixture) mustCreate(key store.Key, rec store.Record) store.Version {
	f.Helper()
	v, err := f.Create(f.Context(), f.table, key, rec)
	if err != nil {
		f.Fatalf("Create: %v", err)
	}
	if v == 0 {
		f.Fatal("Create returned version 0, which is no version")
	}
	return v
}

func (f *fixture) mustReplace(key store.Key, old store.Version, rec store.Record) store.Version {
	f.Helper()
	v, err := f.Replace(f.Context(), f.table, key, old, rec)
	if err != nil {
		f.Fatalf("Replace: %v", err)
	}
	if v <= old {
		f.Fatalf("Replace returned version %d after %d, which does not grow", v, old)
	}
	return v
}

func (f *fixture) mustDelete(key store.Key) {
	f.Helper()
	if err := f.Delete(f.Context(), f.table, key); err != nil {
		f.Fatalf("Delete: %v", err)
	}
}

// wantTake takes the record and compares its value.
func (f *fixture) wantTake(key store.Key, value string) {
	f.Helper()
	rec, found, err := f.Take(f.Context(), f.table, key)
	if err != nil || !found || string(rec.Value) != value {
		f.Fatalf("Take: value %q, found %t, error %v; want value %q", head(rec.Value), found, err, value)
	}
}

// wantRecord checks that the record is there exactly as it was written.
func (f *fixture) wantRecord(key store.Key, want store.Record, version store.Version) {
	f.Helper()
	got, v, found, err := f.Get(f.Context(), f.table, key)
	switch {
	case err != nil:
		f.Fatalf("Get: %v", err)
	case !found:
		f.Fatal("Get: not found, want a record")
	case v != version:
		f.Errorf("Get: version %d, want %d, which the last write returned", v, version)
	}
	f.same(got, want)
}

// same compares two records. A store may cut the expiry to the millisecond
// below; a record that lived longer than asked would be worse.
func (f *fixture) same(got, want store.Record) {
	f.Helper()
	if !bytes.Equal(got.Value, want.Value) {
		f.Errorf("value of %d bytes %q…, want %d bytes %q…", len(got.Value), head(got.Value), len(want.Value), head(want.Value))
	}
	if early := want.Expires.Sub(got.Expires.Round(0)); early < 0 || early >= time.Millisecond {
		f.Errorf("expires %s, want %s or less than a millisecond before", got.Expires, want.Expires)
	}
	if !sameKeys(got.Lookups, want.Lookups) {
		f.Errorf("look-up keys %v, want %v", got.Lookups, want.Lookups)
	}
}

// wantAbsent checks that no operation finds a record.
func (f *fixture) wantAbsent(key store.Key) {
	f.Helper()
	if rec, v, found, err := f.Get(f.Context(), f.table, key); err != nil || found || v != 0 || rec.Value != nil {
		f.Fatalf("Get: value %q, version %d, found %t, error %v; want nothing", head(rec.Value), v, found, err)
	}
	if rec, found, err := f.Take(f.Context(), f.table, key); err != nil || found || rec.Value != nil {
		f.Fatalf("Take: value %q, found %t, error %v; want nothing", head(rec.Value), found, err)
	}
}

// wantLookup checks that exactly these records carry the secondary key.
func (f *fixture) wantLookup(secondary store.Key, want ...store.Key) {
	f.Helper()
	got, more, err := f.Lookup(f.Context(), f.table, secondary, 1000)
	if err != nil || more {
		f.Fatalf("Lookup: more %t, error %v", more, err)
	}
	if !sameKeys(got, want) || len(got) != len(want) {
		f.Errorf("Lookup: %v, want %v", got, want)
	}
}

// wantErr checks the error, and that it gives nothing away.
func (f *fixture) wantErr(got, want error, secrets ...string) {
	f.Helper()
	if !errors.Is(got, want) {
		f.Fatalf("error is %v, want %v", got, want)
	}
	for _, s := range secrets {
		if strings.Contains(got.Error(), s) {
			f.Errorf("error text %q contains %q", got, s)
		}
	}
}

func (f *fixture) wantConflict(_ store.Version, err error) {
	f.Helper()
	f.wantErr(err, store.ErrConflict)
}

// awaitExpiry returns when the store's own clock has passed t. It watches a
// record of its own, so that the records under test are not touched before.
func (f *fixture) awaitExpiry(t time.Time) {
	f.Helper()
	watched := f.key()
	_, err := f.Create(f.Context(), f.table, watched, store.Record{Expires: t})
	if errors.Is(err, store.ErrNoExpiry) {
		return // it has passed already
	}
	if err != nil {
		f.Fatalf("Create: %v", err)
	}
	for deadline := t.Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		_, _, found, err := f.Get(f.Context(), f.table, watched)
		if err != nil {
			f.Fatalf("Get: %v", err)
		}
		if !found {
			return
		}
		if time.Now().After(deadline) {
			f.Fatalf("a record is still there 10 s after it should have expired")
		}
	}
}

// sameKeys compares two sets of keys, each of them possibly with duplicates.
func sameKeys(a, b []store.Key) bool {
	sorted := func(ks []store.Key) []store.Key {
		ks = slices.SortedFunc(slices.Values(ks), func(a, b store.Key) int { return bytes.Compare(a[:], b[:]) })
		return slices.Compact(ks)
	}
	return slices.Equal(sorted(a), sorted(b))
}

// head returns enough of a value to recognise it.
func head(b []byte) []byte { return b[:min(len(b), 40)] }

// hexOf returns the whole key as it must not appear in an error.
func hexOf(k store.Key) string { return hex.EncodeToString(k[:]) }
