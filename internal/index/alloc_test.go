//go:build !race

// The race detector makes sync.Pool forget at random, to find races.

package index_test

import (
	"testing"

	"github.com/wayleave/wayleave/internal/index"
	"github.com/wayleave/wayleave/internal/seal"
	"github.com/wayleave/wayleave/store/memory"
)

func TestKeyDoesNotAllocate(t *testing.T) {
	x := index.New(memory.New(memory.Options{}), seal.NewRandomRing())
	name := key32()
	keyOf(t, x, 's', string(name))
	ctx := t.Context()
	if n := testing.AllocsPerRun(1000, func() { x.Key(ctx, 's', name) }); n >= 1 {
		t.Errorf("%v allocations", n)
	}
}
