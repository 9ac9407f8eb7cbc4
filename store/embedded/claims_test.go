package embedded_test

import (
	"testing"

	"github.com/wayleave/wayleave/store"
	"github.com/wayleave/wayleave/store/embedded"
)

func TestClaims_AreKeptInMemoryAlone(t *testing.T) {
	path := newPath(t)
	s := open(t, path)
	ctx := t.Context()
	other := key(7)
	v, err := s.Create(ctx, embedded.Claims, key(1), record("claim", other))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Replace(ctx, embedded.Claims, key(1), v, record("claimed", other)); err != nil {
		t.Fatal(err)
	}
	if rec, _, found, err := s.Get(ctx, embedded.Claims, key(1)); err != nil || !found || string(rec.Value) != "claimed" {
		t.Fatalf("Get: %q, %t, %v", rec.Value, found, err)
	}
	if keys, _, err := s.Lookup(ctx, embedded.Claims, other, 10); err != nil || len(keys) != 1 {
		t.Fatalf("Lookup: %v, %v", keys, err)
	}
	if keys, next, err := s.Scan(ctx, embedded.Claims, "", 10); err != nil || len(keys) != 1 || keys[0] != key(1) || next != "" {
		t.Fatalf("Scan: %v, %q, %v", keys, next, err)
	}
	_, err = s.Create(ctx, embedded.Claims, key(1), record("again"))
	wantErr(t, err, store.ErrConflict)
	wantContents(t, s, 0, 0, 0)
	if err := s.Delete(ctx, embedded.Claims, key(1)); err != nil {
		t.Fatal(err)
	}
	if _, found, err := s.Take(ctx, embedded.Claims, key(1)); err != nil || found {
		t.Fatalf("Take: %t, %v", found, err)
	}
	closed(t, s)
	_, err = s.Create(ctx, embedded.Claims, key(2), record("late"))
	wantErr(t, err, store.ErrClosed)
	_, _, err = s.Scan(ctx, embedded.Claims, "", 10)
	wantErr(t, err, store.ErrClosed)
}
