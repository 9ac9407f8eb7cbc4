package devidp

import (
	"crypto/rand"
	"slices"
	"time"
)

// signIn notes that somebody proved who they are on the browser with this
// cookie value. Whoever was there already goes on in the same session; another
// person, or a new browser, gets a new one. It returns the cookie value to set.
func (m *memory) signIn(id, subject string, now time.Time) (string, session) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, ok := m.sessions.get(id, now)
	if !ok || s.subject != subject {
		id, s = rand.Text(), &session{subject: subject, sid: rand.Text()}
	}
	s.authTime = now
	m.sessions.put(id, s, now)
	return id, *s
}

// session returns a copy; changes go through signIn and join.
func (m *memory) session(id string, now time.Time) session {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s, ok := m.sessions.get(id, now); ok {
		return *s
	}
	return session{}
}

// join notes that a client was told who is there, so that it is told when they
// leave.
func (m *memory) join(sid, clientID string, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for s := range m.live(now) {
		if s.sid == sid && !slices.Contains(s.clients, clientID) {
			s.clients = append(slices.Clone(s.clients), clientID)
		}
	}
}

// endSessions ends the sessions that match, and returns them.
func (m *memory) endSessions(match func(session) bool, now time.Time) []session {
	m.mu.Lock()
	defer m.mu.Unlock()
	var ended []session
	for s, id := range m.live(now) {
		if match(*s) {
			ended = append(ended, *s)
			m.sessions.remove(id)
		}
	}
	return ended
}

// live yields the sessions that have not expired. The caller holds the lock.
func (m *memory) live(now time.Time) func(yield func(*session, string) bool) {
	return func(yield func(*session, string) bool) {
		for id := range m.sessions.items {
			if s, ok := m.sessions.get(id, now); ok && !yield(s, id) {
				return
			}
		}
	}
}
