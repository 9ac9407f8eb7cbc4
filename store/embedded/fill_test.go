package embedded_test

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/wayleave/wayleave/store/embedded"
)

// fill creates records 0 to n-1, each with two look-up keys, as sessions have.
func fill(tb testing.TB, s *embedded.Store, n, size int) {
	tb.Helper()
	value := strings.Repeat("v", size)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range 256 {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				if _, err := s.Create(tb.Context(), sessions, key(i), record(value, key(-2*i-1), key(-2*i-2))); err != nil {
					tb.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}
