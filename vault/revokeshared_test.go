package vault_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wayleave/wayleave/internal/index"
	"github.com/wayleave/wayleave/vault"
)

// TestAnAppWithoutTheProviderLeavesARevocationAlone: two apps may share a store, each
// with providers of its own. A revocation that waits to be tried again is the
// other one's matter.
func TestAnAppWithoutTheProviderLeavesARevocationAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		other := vault.New(b.store, b.ring, index.New(b.store, b.ring), func(string) vault.Provider { return vault.Provider{} })
		id := b.keep(time.Hour)
		if err := b.Drop(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		other.RevokeDue(t.Context(), nil)
		if _, _, found, err := b.store.Get(t.Context(), table, id); err != nil || !found {
			t.Errorf("the row is gone, %v", err)
		}
		b.RevokeDue(t.Context(), nil)
		if _, _, found, err := b.store.Get(t.Context(), table, id); err != nil || found {
			t.Errorf("the row is still there, %v", err)
		}
	})
}

// TestAnAppWithoutTheProviderLeavesItToOneThatKnows: an operator ends sessions of
// all apps on a store through any of them.
func TestAnAppWithoutTheProviderLeavesItToOneThatKnows(t *testing.T) {
	for name, tc := range map[string]struct {
		knows   func(*bench)
		revoked int
	}{
		"it revokes":                        {func(*bench) {}, 1},
		"revoking would end more than this": {func(b *bench) { b.wide = true }, 0},
		"the provider takes no tokens back": {func(b *bench) { b.unrevoked = true }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				tc.knows(b)
				other := vault.New(b.store, b.ring, index.New(b.store, b.ring), func(string) vault.Provider { return vault.Provider{} })
				id := b.keep(time.Hour)
				if err := other.Drop(t.Context(), id); err != nil {
					t.Fatal(err)
				}
				if _, err := b.Peek(t.Context(), id); !errors.Is(err, vault.ErrNoGrant) {
					t.Errorf("given up, and there are tokens: %v", err)
				}
				b.RevokeDue(t.Context(), nil)
				if _, _, found, err := b.store.Get(t.Context(), table, id); err != nil || found {
					t.Errorf("the row is still there, %v", err)
				}
				if n := len(b.p.returned); n != tc.revoked {
					t.Errorf("revoked %d times, want %d", n, tc.revoked)
				}
			})
		})
	}
}

// TestRowsOfNobodyHideNoOthers: more of them than one round looks at.
func TestRowsOfNobodyHideNoOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		for range 1500 {
			id, err := b.Keep(t.Context(), "gone", "", b.p.present(), time.Now().Add(time.Hour))
			if err != nil {
				t.Fatal(err)
			}
			if err := b.Drop(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		}
		for range 10 {
			if err := b.Drop(t.Context(), b.keep(time.Hour)); err != nil {
				t.Fatal(err)
			}
		}
		b.RevokeDue(t.Context(), nil)
		if n := len(b.p.returned); n != 10 {
			t.Errorf("%d of 10 were revoked", n)
		}
	})
}
