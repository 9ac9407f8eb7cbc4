package session

import (
	"sync/atomic"
	"time"

	"github.com/wayleave/wayleave/store"
)

// copies holds decoded sessions, each with the version of the record that it
// was decoded from: opening and decoding one costs ten times as much as all the
// rest. Whether one may be used without asking the store is the manager's
// matter; for a store of this process alone it never is.
//
// A place has room for two. The next session that falls into it pushes out the
// older one, so that the memory is bounded.
type copies struct {
	places [places]place
	// missed counts the times at which endings may have gone unheard.
	missed atomic.Uint32
}

const places = 1 << 15 // 0.8 MB empty, about 40 MB when all are taken

type place struct {
	// ended counts the endings told for sessions of this place.
	ended atomic.Uint32
	held  [2]atomic.Pointer[copied]
}

// copied is a session as it was read.
type copied struct {
	session *Session
	version store.Version
	until   time.Time // the record exists, unless somebody moves it
	read    time.Time // began
	before  mark      // what had been told by then
}

// mark says which endings were known at a moment. A copy that was read under
// another mark than the present one may be of a session that has ended.
type mark struct{ ended, missed uint32 }

// place spreads sessions evenly: keys are hashes.
func (c *copies) place(key store.Key) *place {
	return &c.places[(int(key[0])<<8|int(key[1]))%places]
}

// mark is to be taken before a record is read.
func (c *copies) mark(key store.Key) mark {
	return mark{c.place(key).ended.Load(), c.missed.Load()}
}

// find returns the newest copy of a session, or nil.
func (c *copies) find(key store.Key) *copied {
	p := c.place(key)
	for i := range p.held {
		if d := p.held[i].Load(); d != nil && d.session.key == key {
			return d
		}
	}
	return nil
}

func (c *copies) add(d *copied) {
	p := c.place(d.session.key)
	if first := p.held[0].Load(); first != nil && first.session.key != d.session.key {
		p.held[1].Store(first)
	}
	p.held[0].Store(d)
}

// forget makes copies of a session useless, also those of a reading that is
// under way.
func (c *copies) forget(key store.Key) {
	p := c.place(key)
	p.ended.Add(1)
	for i := range p.held { // nobody has a use for it: give the memory back
		if d := p.held[i].Load(); d != nil && d.session.key == key {
			p.held[i].CompareAndSwap(d, nil)
		}
	}
}

func (c *copies) forgetAll() { c.missed.Add(1) }
