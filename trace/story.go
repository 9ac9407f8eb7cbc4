package trace

import (
	"time"

	"github.com/wayleave/wayleave/oauth"
)

// Party is who sends or receives something.
type Party string

// The parties of a login.
const (
	Browser  Party = "browser"  // the person's
	App      Party = "app"      // the program that uses this library
	Provider Party = "provider" // where the person has the account
	API      Party = "api"      // where the person's data is
)

// Outcome is what became of a login.
type Outcome string

// Outcomes.
const (
	Open   Outcome = "open"   // not at its end: the person is at the provider, or never came back
	Done   Outcome = "done"   // the code was exchanged, and nothing after it was refused
	Failed Outcome = "failed" // a check refused, or something could not be reached
)

// Story is one login, told in order. It is a snapshot that belongs to the
// caller.
//
// Marshalled to JSON it has the field names below, which are stable. Steps are
// the numbers 1 to 4, or 0 before the login; times are RFC 3339; durations are
// nanoseconds. In every check, passed says whether it let the login go on, and
// refused, absent if there is none, repeats the one that ended it.
type Story struct {
	Login    string    `json:"login"`    // public id; empty for what happened outside of a login
	Provider string    `json:"provider"` // name of the provider's entry
	Started  time.Time `json:"started"`
	Outcome  Outcome   `json:"outcome"`
	Refused  *Finding  `json:"refused,omitempty"` // if Outcome is Failed
	Entries  []Entry   `json:"entries"`
	Dropped  int       `json:"dropped,omitempty"` // events that were too many to keep, from the middle
}

// Entry is one thing that happened: a message from one party to another, or,
// with App on both sides, something that the app concluded.
type Entry struct {
	Number  int           `json:"number"` // from 1
	Step    oauth.Step    `json:"step"`   // in which it happened
	Time    time.Time     `json:"time"`
	From    Party         `json:"from"`
	To      Party         `json:"to"`
	What    string        `json:"what"`             // one plain sentence
	Unseen  bool          `json:"unseen,omitempty"` // the app cannot see it; it follows from what it did see
	Purpose oauth.Purpose `json:"purpose,omitempty"`
	Method  string        `json:"method,omitempty"`
	URL     string        `json:"url,omitempty"`    // without the query
	Status  int           `json:"status,omitempty"` // of an HTTP answer
	Params  []oauth.Param `json:"params,omitempty"` // sent or received; secret ones are fingerprints
	Took    time.Duration `json:"took_ns,omitempty"`
	Problem string        `json:"problem,omitempty"` // why a request failed
	Checks  []Finding     `json:"checks,omitempty"`  // what the app checked of it, in order
}

// Finding is what one check came to.
type Finding struct {
	Check    oauth.Check `json:"check"`
	Step     oauth.Step  `json:"step"`
	Passed   bool        `json:"passed"`
	Says     string      `json:"says"`               // what is true if it passes, in one sentence
	Stops    string      `json:"stops"`              // what would be possible without it
	Expected string      `json:"expected,omitempty"` // what would have been right
	Got      string      `json:"got,omitempty"`      // what came
	Reason   string      `json:"reason,omitempty"`   // why it refused
	Cure     string      `json:"cure,omitempty"`     // what to do about it, if something is known
	Err      error       `json:"-"`                  // as returned to the app; nil if it passed
}

// Failed returns the check that ended the login and the error that the app
// got; ok is false if the login did not fail. Where several refused, it is the
// first one of the furthest step: the others are echoes, such as a reload of
// the callback after the login had failed.
func (s *Story) Failed() (check oauth.Check, err error, ok bool) {
	if s.Refused == nil {
		return "", nil, false
	}
	return s.Refused.Check, s.Refused.Err, true
}

// passed counts the checks that passed.
func (s *Story) passed() (n int) {
	for _, e := range s.Entries {
		for _, f := range e.Checks {
			if f.Passed {
				n++
			}
		}
	}
	return n
}

// has reports whether party takes part.
func (s *Story) has(party Party) bool {
	for _, e := range s.Entries {
		if e.From == party || e.To == party {
			return true
		}
	}
	return false
}
