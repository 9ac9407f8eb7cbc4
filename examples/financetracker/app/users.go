package app

import (
	"sync"
	"time"

	"github.com/wayleave/wayleave/provider"
)

// member is what Finance Tracker itself knows about a person. A real app has
// this in its database.
type member struct {
	Email  string
	Since  time.Time
	Logins int
}

// users is the user table. Its key is Identity.ID, which stays the same for
// ever; an e-mail address can pass to somebody else. The zero value is empty.
type users struct {
	mu   sync.Mutex
	rows map[string]member
}

// signedIn creates the user, or brings the row up to date.
func (u *users) signedIn(id *provider.Identity, now time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.rows == nil {
		u.rows = map[string]member{}
	}
	row, known := u.rows[id.ID]
	if !known {
		row.Since = now
	}
	row.Email, row.Logins = id.Email, row.Logins+1
	u.rows[id.ID] = row
}

// byID returns the zero member for somebody who signed in before the app was
// restarted: this table is in memory only.
func (u *users) byID(id string) member {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.rows[id]
}
