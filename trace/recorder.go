package trace

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/wayleave/wayleave/oauth"
)

// What a Recorder keeps at most.
const (
	defaultLogins = 50
	maxEvents     = 200 // of one login
	maxBackground = 100 // of no login
)

// Recorder keeps the events of the latest logins in memory. It is bounded: the
// oldest login makes room for a new one, and of a login with more than 200
// events the first and the latest hundred are kept.
//
// The zero Recorder is ready to use and keeps 50 logins. A Recorder is safe
// for concurrent use and must not be copied.
type Recorder struct {
	max int

	mu         sync.Mutex
	logins     map[string]*record
	order      []string // ids, oldest first
	background record   // events outside of a login
}

// record is what is kept of one login.
type record struct {
	events  []oauth.Event
	dropped int
}

// NewRecorder makes a Recorder that keeps the latest max logins; 50 if max is
// not positive.
func NewRecorder(max int) *Recorder { return &Recorder{max: max} }

// Record keeps one event. It is made to be given to OnEvent, and only takes a
// lock and appends: it never waits for a reader.
func (r *Recorder) Record(_ context.Context, ev oauth.Event) {
	if ev == nil {
		return
	}
	id := ev.About().Login
	r.mu.Lock()
	defer r.mu.Unlock()
	if id == "" {
		r.background.keep(ev, maxBackground, 0)
		return
	}
	r.login(id).keep(ev, maxEvents, maxEvents/2)
}

// login returns the record of a login, making room for it if it is new.
func (r *Recorder) login(id string) *record {
	if rec, ok := r.logins[id]; ok {
		return rec
	}
	if r.logins == nil {
		r.logins = map[string]*record{}
	}
	most := r.max
	if most <= 0 {
		most = defaultLogins
	}
	for len(r.order) >= most {
		delete(r.logins, r.order[0])
		r.order = slices.Delete(r.order, 0, 1)
	}
	rec := &record{}
	r.logins[id] = rec
	r.order = append(r.order, id)
	return rec
}

// keep appends ev. When there are most events, the oldest after the first head
// goes: how a login began is worth more than its hundredth API call.
func (rec *record) keep(ev oauth.Event, most, head int) {
	if len(rec.events) >= most {
		rec.events = slices.Delete(rec.events, head, head+1)
		rec.dropped++
	}
	rec.events = append(rec.events, ev)
}

// copy returns what can be read without the lock. Events do not change.
func (rec *record) copy() record {
	return record{events: slices.Clone(rec.events), dropped: rec.dropped}
}

// Logins returns the stories of all logins that are kept, the newest first. It
// is a snapshot: later events do not change it.
func (r *Recorder) Logins() []*Story {
	r.mu.Lock()
	ids, background := slices.Clone(r.order), r.background.copy()
	records := make([]record, len(ids))
	for i, id := range ids {
		records[i] = r.logins[id].copy()
	}
	r.mu.Unlock()
	stories := make([]*Story, 0, len(ids))
	for i := range slices.Backward(ids) {
		stories = append(stories, tell(ids[i], records[i].with(background.events)))
	}
	return stories
}

// Login returns the story of one login as it stands now; ok is false if it is
// not kept.
func (r *Recorder) Login(id string) (s *Story, ok bool) {
	r.mu.Lock()
	rec, ok := r.logins[id]
	if !ok {
		r.mu.Unlock()
		return nil, false
	}
	own, background := rec.copy(), r.background.copy()
	r.mu.Unlock()
	return tell(id, own.with(background.events)), true
}

// Background returns what happened outside of any login, such as the refresh
// of a provider's keys, or an answer that belongs to no login that this app
// began. Its Login is empty. What happened while a login was running is told
// in that login's story as well.
func (r *Recorder) Background() *Story {
	r.mu.Lock()
	background := r.background.copy()
	r.mu.Unlock()
	return tell("", background)
}

// with adds those background events to a login that happened while the app was
// at work on it: discovery and keys that it may have waited for.
func (rec record) with(background []oauth.Event) record {
	for _, ev := range background {
		about := ev.About()
		if about.Step != oauth.StepConfigure {
			continue
		}
		if i := rec.workingAt(about.Time, about.Provider); i > 0 {
			rec.events = slices.Insert(rec.events, i, ev)
		}
	}
	return rec
}

// breather is the longest pause between two events of a login in which the app
// can still have been at work: longer than any request may take.
const breather = 30 * time.Second

// workingAt returns where in the login's events an event of time t belongs, or
// 0 if the app was not at work on it then. Between Sent and Returned the person
// is at the provider, and the app at rest.
func (rec record) workingAt(t time.Time, provider string) int {
	for i, next := range rec.events {
		if i == 0 || next.About().Time.Before(t) {
			continue
		}
		before := rec.events[i-1]
		_, resting := before.(oauth.Sent)
		pause := next.About().Time.Sub(before.About().Time)
		if resting || pause > breather || t.Before(before.About().Time) || cmp.Or(before.About().Provider, provider) != provider {
			return 0
		}
		return i
	}
	return 0
}
