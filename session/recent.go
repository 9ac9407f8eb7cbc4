package session

import (
	"sync/atomic"

	"github.com/wayleave/wayleave/store"
)

// recent holds decoded sessions, each with the version of the record that it
// was decoded from: opening and decoding one costs ten times as much as all the
// rest. It saves no look-up in the store, which alone knows what has ended.
//
// A place has room for two. The next session that falls into it pushes out the
// older one, so that the memory is bounded.
type recent [places][2]atomic.Pointer[decoded]

const places = 1 << 13 // about 10 MB when all are taken

type decoded struct {
	version store.Version
	session *Session
}

// place spreads sessions evenly: keys are hashes.
func (r *recent) place(key store.Key) *[2]atomic.Pointer[decoded] {
	return &r[(int(key[0])<<8|int(key[1]))%places]
}

// find returns the session under key if it was decoded from this version.
func (r *recent) find(key store.Key, version store.Version) *Session {
	p := r.place(key)
	for i := range p {
		if d := p[i].Load(); d != nil && d.version == version && d.session.key == key {
			return d.session
		}
	}
	return nil
}

func (r *recent) add(s *Session, version store.Version) {
	p := r.place(s.key)
	p[1].Store(p[0].Load())
	p[0].Store(&decoded{version: version, session: s})
}
