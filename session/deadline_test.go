package session_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wayleave/wayleave/internal/seal"
	"github.com/wayleave/wayleave/store"
	"github.com/wayleave/wayleave/store/memory"
)

// silent is a store across a network that does not answer while it is told not to.
type silent struct {
	store.Store
	hangs bool
}

func (*silent) SingleProcess() bool { return false }

func (s *silent) Get(ctx context.Context, t store.Table, k store.Key) (store.Record, store.Version, bool, error) {
	if s.hangs {
		<-ctx.Done()
		return store.Record{}, 0, false, ctx.Err()
	}
	return s.Store.Get(ctx, t, k)
}

// TestSES16_AStoreThatDoesNotAnswer holds up a request for five seconds and not for
// ever, also when the index's own key is what it is asked for.
func TestSES16_AStoreThatDoesNotAnswer(t *testing.T) {
	for name, known := range map[string]bool{"from the start": false, "later": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				inner := memory.New(memory.Options{})
				defer inner.Close()
				s, ring := &silent{Store: inner}, seal.NewRandomRing()
				m := manager(s, ring)
				id, _, _, err := m.Create(t.Context(), ada())
				if err != nil {
					t.Fatal(err)
				}
				if !known {
					m = manager(s, ring)
				}
				s.hangs = true
				began := time.Now()
				found, err := m.Find(t.Context(), id)
				if took := time.Since(began); found != nil || !errors.Is(err, context.DeadlineExceeded) || took != 5*time.Second {
					t.Errorf("%v, %v after %v", found, err, took)
				}
			})
		})
	}
}
