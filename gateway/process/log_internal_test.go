package process

import (
	"errors"
	"strings"
	"testing"
)

// fickle is a place for logs that is full at times.
type fickle struct {
	full bool
	strings.Builder
}

func (f *fickle) Write(b []byte) (int, error) {
	if f.full {
		return 0, errors.New("no space left on device")
	}
	return f.Builder.Write(b)
}

// TestTheLogGoesOnWhenThereIsRoomAgain: what came meanwhile is lost, and no more.
func TestTheLogGoesOnWhenThereIsRoomAgain(t *testing.T) {
	f := &fickle{full: true}
	l := newLines(f)
	for _, text := range []string{"lost\n", strings.Repeat("lost as well, and more than is kept\n", 4000)} {
		if _, err := l.Write([]byte(text)); err != nil && len(text) < 10 {
			t.Error(err)
		}
		l.flush()
	}
	f.full = false
	if _, err := l.Write([]byte("later\n")); err != nil {
		t.Error(err)
	}
	l.flush()
	f.full = true
	l.Close()
	_, _ = l.Write([]byte("lost after the end\n"))
	f.full = false
	_, _ = l.Write([]byte("last\n"))
	if got := f.String(); got != "later\nlast\n" {
		t.Errorf("%q", got)
	}
}
