package seal_test

import (
	"testing"

	"github.com/wayleave/wayleave/internal/seal"
)

func TestSES14_KeyOfTellsWhichKeySealed(t *testing.T) {
	ring := seal.NewRandomRing()
	sealed := ring.Seal("test", []byte("x"))
	if id, err := seal.KeyOf(sealed); err != nil || id != ring.Active() {
		t.Errorf("%v, %v; want %v", id, err, ring.Active())
	}
	for name, b := range map[string][]byte{"nothing": nil, "too short": sealed[:seal.Overhead()-1], "another version": append([]byte{9}, sealed[1:]...)} {
		if id, err := seal.KeyOf(b); err != seal.ErrMalformed || id != (seal.KeyID{}) {
			t.Errorf("%s: %v, %v; want ErrMalformed", name, id, err)
		}
	}
}
