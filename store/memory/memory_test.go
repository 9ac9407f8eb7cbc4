package memory_test

import (
	"testing"

	"github.com/wayleave/wayleave/store"
	"github.com/wayleave/wayleave/store/memory"
	"github.com/wayleave/wayleave/store/storetest"
)

func TestStore(t *testing.T) {
	h := storetest.Harness{
		Open:   func(*testing.T) store.Store { return memory.New(memory.Options{}) },
		Bubble: true,
	}
	storetest.Run(t, h)
	storetest.RunConcurrency(t, h)
}
