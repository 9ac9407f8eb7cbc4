package embedded

import (
	"testing"

	"github.com/wayleave/wayleave/store"
)

// A reader sets out to the file, and a commit overtakes it somewhere.
func TestA224_Slot_AReaderThatWasOvertakenKeepsNothing(t *testing.T) {
	var k store.Key
	before, after, other := &row{version: 1}, &row{version: 2}, &row{version: 3}
	for name, c := range map[string]struct {
		run  func(s *slot)
		want *row
	}{
		"nothing happens": {func(s *slot) {
			s.learn(s.load(), "t", k, before)
		}, before},
		"sets out before the commit, returns during it": {func(s *slot) {
			seen := s.load()
			s.cover()
			s.learn(seen, "t", k, before)
		}, nil},
		"sets out before, returns after": {func(s *slot) {
			seen := s.load()
			s.cover()
			s.settle("t", k, after)
			s.learn(seen, "t", k, before)
		}, after},
		"sets out before a removal, returns after": {func(s *slot) {
			seen := s.load()
			s.cover()
			s.settle("t", k, nil)
			s.learn(seen, "t", k, before)
		}, nil},
		"sets out and returns during the commit": {func(s *slot) {
			s.cover()
			s.learn(s.load(), "t", k, before)
		}, nil},
		"sets out during the commit, returns after": {func(s *slot) {
			s.cover()
			seen := s.load()
			s.settle("t", k, nil)
			s.learn(seen, "t", k, before)
		}, nil},
		"sets out between two removals, returns after": {func(s *slot) {
			s.cover()
			s.settle("t", k, nil)
			seen := s.load()
			s.cover()
			s.settle("t", k, nil)
			s.learn(seen, "t", k, before)
		}, nil},
		"sets out after the commit": {func(s *slot) {
			s.cover()
			s.settle("t", k, nil)
			s.learn(s.load(), "t", k, after)
		}, after},
		"another reader was faster": {func(s *slot) {
			seen := s.load()
			s.learn(s.load(), "t", k, other)
			s.learn(seen, "t", k, before)
		}, other},
		"of two changes of one commit the last one settles first": {func(s *slot) {
			s.cover()
			s.cover()
			s.settle("t", k, nil)
			s.settle("t", k, before)
		}, nil},
		"a large value is not kept": {func(s *slot) {
			s.learn(s.load(), "t", k, &row{value: make([]byte, recentValue+1)})
		}, nil},
		"a large value takes the place of a smaller one": {func(s *slot) {
			s.learn(s.load(), "t", k, before)
			s.cover()
			s.settle("t", k, &row{value: make([]byte, recentValue+1)})
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := new(slot)
			c.run(s)
			if got := s.load().holds("t", k); got != c.want {
				t.Errorf("holds %v, want %v", got, c.want)
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	f.Add((&row{version: 1, expires: 2, value: []byte("v")}).encode())
	f.Add((&row{lookups: make([]store.Key, store.MaxLookups)}).encode())
	f.Add([]byte("short"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := decode(b)
		if err == nil && string(r.encode()) != string(b) {
			t.Errorf("%x became %x", b, r.encode())
		}
	})
}
