package vault_test

import (
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
