package session

import "time"

// What a process has read of a session that others can end:
//
//   - It is used again for at most maxCopyAge, whatever happens.
//   - It is not used from the moment that the store has told of the session's
//     end, or that it may have missed to tell.
//   - It is not used when the last sign that the store tells everything is
//     older than maxSilence. Then each request asks the store itself.
const (
	maxCopyAge = 5 * time.Second
	maxSilence = time.Second
)

// fresh reports whether a copy may be used without asking the store. It never
// is where the store cannot tell what others end, which is also where asking
// costs no round trip.
func (m *Manager) fresh(c *copied, now time.Time) bool {
	return m.current != nil &&
		c.before == m.copies.mark(c.session.key) &&
		now.Sub(c.read) < maxCopyAge &&
		now.Sub(m.current()) < maxSilence &&
		now.Before(c.until)
}
