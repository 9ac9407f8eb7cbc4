package embedded_test

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/wayleave/wayleave/store"
	"github.com/wayleave/wayleave/store/embedded"
)

// together runs a function n times at once.
func together(n int, run func()) {
	var wg sync.WaitGroup
	for range n {
		wg.Go(run)
	}
	wg.Wait()
}

// session returns a record as sessions have them, with two look-up keys.
func session(i int) store.Record {
	return record(strings.Repeat("v", recordSize), key(-2*i-1), key(-2*i-2))
}

// fill creates records 0 to n-1, each with two look-up keys.
func fill(tb testing.TB, s *embedded.Store, n, size int) {
	tb.Helper()
	value := strings.Repeat("v", size)
	var next atomic.Int64
	together(256, func() {
		for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
			if _, err := s.Create(tb.Context(), sessions, key(i), record(value, key(-2*i-1), key(-2*i-2))); err != nil {
				tb.Error(err)
				return
			}
		}
	})
}
