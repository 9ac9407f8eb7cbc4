package memory_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/wayleave/wayleave/store"
	"github.com/wayleave/wayleave/store/memory"
)

func TestKind_TheURLIsMemoryAlone(t *testing.T) {
	s, err := store.Open(t.Context(), "memory:", memory.Kind())
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := s.(*memory.Store); !ok || !s.SingleProcess() {
		t.Errorf("opened a %T, want a *memory.Store", s)
	}
	for _, url := range []string{"memory://", "memory:x", "memory:?size=1", "memory: ", "memory:#"} {
		if s, err := store.Open(t.Context(), url, memory.Kind()); s != nil || err == nil || !strings.Contains(err.Error(), `want "memory:" alone`) {
			t.Errorf("%q: %v, %v; want an error", url, s, err)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if s, err := store.Open(ended, "memory:", memory.Kind()); s != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("ended context: %v, %v", s, err)
	}
}
