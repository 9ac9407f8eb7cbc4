//go:build !race

// The race detector makes sync.Pool forget at random, to find races.

package session_test

import (
	"context"
	"testing"

	"github.com/wayleave/wayleave/session"
)

// Each request asks for its session: that must leave no work to the collector.
func TestFindDoesNotAllocate(t *testing.T) {
	local, shared := newBench(t), newFollowed(t)
	for name, m := range map[string]*session.Manager{"a store of this process": local.Manager, "a copy of a shared store": shared.Manager} {
		id, _, _, err := m.Create(t.Context(), ada())
		if err != nil {
			t.Fatal(err)
		}
		wantAlive(t, m, id, "ada")
		ctx := context.Background()
		if n := testing.AllocsPerRun(1000, func() { m.Find(ctx, id) }); n >= 1 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
