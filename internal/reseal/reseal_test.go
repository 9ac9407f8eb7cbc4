package reseal_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/wayleave/wayleave/internal/reseal"
	"github.com/wayleave/wayleave/internal/seal"
	"github.com/wayleave/wayleave/store"
	"github.com/wayleave/wayleave/store/memory"
	"github.com/wayleave/wayleave/store/storetest"
)

var tables = []reseal.Table{{Name: "session", Purpose: "session"}, {Name: "grant", Purpose: "grant"}}

func key() []byte {
	k := make([]byte, seal.KeySize)
	rand.Read(k)
	return k
}

func ring(t *testing.T, keys ...[]byte) *seal.Ring {
	t.Helper()
	r, err := seal.NewRing(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func keyOf(i int) store.Key { return store.Key{byte(i), byte(i >> 8), 1} }

// fill writes n records into each table.
func fill(t *testing.T, s store.Store, r *seal.Ring, n int) {
	t.Helper()
	for _, table := range tables {
		for i := range n {
			k := keyOf(i)
			rec := store.Record{Value: r.Seal(table.Purpose, fmt.Appendf(nil, "%s %d", table.Name, i), string(k[:])), Expires: time.Now().Add(time.Hour), Lookups: []store.Key{{9, byte(i)}}}
			if _, err := s.Create(t.Context(), table.Name, k, rec); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestSES14_A164_AfterwardsTheOldKeyIsNotNeeded(t *testing.T) {
	first, second := key(), key()
	s := memory.New(memory.Options{})
	defer s.Close()
	fill(t, s, ring(t, first), 700)
	both := ring(t, second, first)
	var last reseal.Progress
	pages := 0
	if err := reseal.Run(t.Context(), s, both, tables, func(p reseal.Progress) { last = p; pages++ }); err != nil {
		t.Fatal(err)
	}
	if last != (reseal.Progress{Seen: 1400, Resealed: 1400}) || pages < 8 {
		t.Errorf("progress %+v after %d pages", last, pages)
	}
	alone := ring(t, second)
	for _, table := range tables {
		for i := range 700 {
			k := keyOf(i)
			rec, _, found, err := s.Get(t.Context(), table.Name, k)
			if err != nil || !found || len(rec.Lookups) != 1 || time.Until(rec.Expires) < 59*time.Minute {
				t.Fatalf("%s %d: found %v, %v: %+v", table.Name, i, found, err, rec)
			}
			if plain, err := alone.Open(table.Purpose, rec.Value, string(k[:])); err != nil || string(plain) != fmt.Sprintf("%s %d", table.Name, i) {
				t.Fatalf("%s %d: %q, %v", table.Name, i, plain, err)
			}
		}
	}
	counts, err := reseal.Count(t.Context(), s, tables)
	if err != nil || len(counts) != 1 || counts[alone.Active()] != 1400 {
		t.Errorf("counted %v, %v", counts, err)
	}
	if err := reseal.Run(t.Context(), s, both, tables, func(p reseal.Progress) { last = p }); err != nil || last.Resealed != 0 || last.Seen != 1400 {
		t.Errorf("a second time: %+v, %v", last, err)
	}
}

// What is written meanwhile wins, what ends meanwhile stays ended.
func TestA169_WhatOthersDoMeanwhileWins(t *testing.T) {
	first, second := key(), key()
	inner := memory.New(memory.Options{})
	defer inner.Close()
	old := ring(t, first)
	fill(t, inner, old, 2)
	k, gone := keyOf(0), keyOf(1)
	s := &meddled{Store: inner, during: func(table store.Table, key store.Key) {
		if table != "session" {
			return
		}
		if key == gone {
			if err := inner.Delete(t.Context(), table, key); err != nil {
				t.Error(err)
			}
			return
		}
		rec, v, _, _ := inner.Get(t.Context(), table, key)
		rec.Value = old.Seal("session", []byte("newer"), string(key[:]))
		if _, err := inner.Replace(t.Context(), table, key, v, rec); err != nil {
			t.Error(err)
		}
	}}
	both := ring(t, second, first)
	if err := reseal.Run(t.Context(), s, both, tables[:1], func(reseal.Progress) {}); err != nil {
		t.Fatal(err)
	}
	rec, _, _, _ := inner.Get(t.Context(), "session", k)
	if plain, err := both.Open("session", rec.Value, string(k[:])); err != nil || string(plain) != "newer" {
		t.Errorf("%q, %v", plain, err)
	}
	if _, _, found, _ := inner.Get(t.Context(), "session", gone); found {
		t.Error("a record that was deleted is back")
	}
}

// meddled does something between the reading of a record and its writing.
type meddled struct {
	store.Store
	during func(store.Table, store.Key)
}

func (m *meddled) Replace(ctx context.Context, t store.Table, k store.Key, v store.Version, rec store.Record) (store.Version, error) {
	m.during(t, k)
	return m.Store.Replace(ctx, t, k, v, rec)
}

func TestWhatNobodyCanReadIsCountedAndLeftAlone(t *testing.T) {
	first, second := key(), key()
	s := memory.New(memory.Options{})
	defer s.Close()
	fill(t, s, ring(t, first), 3)
	var last reseal.Progress
	if err := reseal.Run(t.Context(), s, ring(t, second), tables, func(p reseal.Progress) { last = p }); err != nil {
		t.Fatal(err)
	}
	if last != (reseal.Progress{Seen: 6, Unknown: 6}) {
		t.Errorf("progress %+v", last)
	}
	if counts, err := reseal.Count(t.Context(), s, tables); err != nil || counts[ring(t, first).Active()] != 6 {
		t.Errorf("counted %v, %v", counts, err)
	}
}

func TestSES16_AStoreThatFailsIsAnError(t *testing.T) {
	down := errors.New("the store is down")
	for _, op := range []storetest.Op{storetest.Scan, storetest.Get, storetest.Replace} {
		t.Run(op.String(), func(t *testing.T) {
			first, second := key(), key()
			inner := memory.New(memory.Options{})
			defer inner.Close()
			fill(t, inner, ring(t, first), 3)
			s := storetest.Failing(inner)
			s.Fail(down, op)
			if err := reseal.Run(t.Context(), s, ring(t, second, first), tables, func(reseal.Progress) {}); !errors.Is(err, down) {
				t.Errorf("%v, want %v", err, down)
			}
		})
	}
}

func TestItEndsWithItsContext(t *testing.T) {
	s := memory.New(memory.Options{})
	defer s.Close()
	r := ring(t, key())
	fill(t, s, r, 1000)
	ctx, stop := context.WithCancel(t.Context())
	err := reseal.Run(ctx, s, r, tables, func(reseal.Progress) { stop() })
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
