package embedded_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/wayleave/wayleave/store"
	"github.com/wayleave/wayleave/store/embedded"
	"github.com/wayleave/wayleave/store/storetest"
)

func TestStore(t *testing.T) {
	var paths sync.Map // of each store
	open := func(t *testing.T, path string) store.Store {
		s, err := embedded.Open(path, embedded.Options{})
		if err != nil {
			t.Fatal(err)
		}
		paths.Store(s, path)
		return s
	}
	outside := outsideBubbles(t)
	h := storetest.Harness{
		Open: func(t *testing.T) store.Store {
			if strings.HasSuffix(t.Name(), "/model") { // one context for many bubbles
				outside(func() { t.Context().Done() })
			}
			return open(t, inMemory(t))
		},
		Again: func(t *testing.T, s store.Store) store.Store {
			path, _ := paths.Load(s)
			return open(t, path.(string))
		},
		Bubble: true,
	}
	storetest.Run(t, h)
	storetest.RunConcurrency(t, h)
}

// outsideBubbles returns a way out of a bubble of synctest: a context makes
// its channel when it is first asked for, and a channel that was made in one
// bubble cannot be waited for in the next.
func outsideBubbles(t *testing.T) (run func(func())) {
	work, done := make(chan func()), make(chan struct{})
	go func() {
		for f := range work {
			f()
			done <- struct{}{}
		}
	}()
	t.Cleanup(func() { close(work) })
	return func(f func()) {
		work <- f
		<-done
	}
}
