package session

import (
	"testing"

	"github.com/wayleave/wayleave/store"
)

// TestA238_NothingIsKeptOfASessionThatEnded: what was decoded of it goes at once,
// and not when another session needs the place.
func TestA238_NothingIsKeptOfASessionThatEnded(t *testing.T) {
	var c copies
	one, other := store.Key{0, 1, 1}, store.Key{0, 1, 2} // one place
	for _, key := range []store.Key{one, other} {
		c.add(&copied{session: &Session{key: key}, before: c.mark(key)})
	}
	c.forget(one)
	if c.find(one) != nil {
		t.Error("the copy is still there")
	}
	if d := c.find(other); d == nil || d.before == c.mark(other) {
		t.Errorf("%v: the other one has to stay, and not to be used unasked", d)
	}
	for i := range c.places[1].held {
		if d := c.places[1].held[i].Load(); d != nil && d.session.key == one {
			t.Error("its memory is still held")
		}
	}
}
