package trace

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/wayleave/wayleave/oauth"
)

// What the templates ask for. They compute nothing themselves.

// lanes are the parties of a story from left to right. The API has a lane only
// if the app called one.
func (s *Story) lanes() []Party {
	lanes := []Party{Browser, App, Provider}
	if s.has(API) {
		lanes = append(lanes, API)
	}
	return lanes
}

// role says in a few words who a party is.
func (s *Story) role(p Party) string {
	switch p {
	case Browser:
		return "you, in front of it"
	case App:
		return "where you want to sign in"
	case Provider:
		if s.Login != "" && s.Provider != "" {
			return s.Provider + ", where you have the account"
		}
		return "where you have the account"
	}
	return "where your data is"
}

// span is the class of the columns between the lifelines of an entry: "c01"
// for browser to app, in either direction.
func (e Entry) span() string {
	from, to := lane(e.From), lane(e.To)
	return fmt.Sprintf("c%d%d", min(from, to), max(from, to))
}

// direction is the class of an entry's arrow.
func (e Entry) direction() string {
	switch from, to := lane(e.From), lane(e.To); {
	case e.Unseen:
		return "both"
	case from < to:
		return "right"
	case from > to:
		return "left"
	}
	return "none"
}

func lane(p Party) int {
	switch p {
	case Browser:
		return 0
	case Provider:
		return 2
	case API:
		return 3
	}
	return 1
}

// broken reports whether an entry is a failed request.
func (e Entry) broken() bool { return e.Problem != "" || e.Status >= 400 }

// explained reports whether a check says more about a problem than its text.
func (e Entry) explained() bool {
	for _, f := range e.Checks {
		if !f.Passed {
			return true
		}
	}
	return false
}

// more names what the details of an entry hold; "" if there are none.
func (e Entry) more() string {
	n := len(e.Params)
	switch {
	case n == 0 && e.URL == "":
		return ""
	case e.From == e.To:
		return "Details: " + count(n, "value", "")
	case n == 0:
		return "Sent to " + host(e.URL)
	case e.To == App:
		return "What came: " + count(n, "value", "")
	}
	return "What was sent: " + count(n, "value", "")
}

// host shortens an address to what a person recognises.
func host(address string) string {
	if u, err := url.Parse(address); err == nil && u.Host != "" {
		return u.Host
	}
	return address
}

// aside is what an answer says of itself: a status only if it is telling.
func (e Entry) aside() string {
	var parts []string
	if e.Status >= 400 {
		parts = append(parts, "status "+strconv.Itoa(e.Status))
	}
	if e.Took > 0 {
		parts = append(parts, "after "+took(e.Took))
	}
	return strings.Join(parts, ", ")
}

// address is the first line of a request.
func (e Entry) address() string { return strings.TrimSpace(e.Method + " " + e.URL) }

func (f Finding) class() string {
	if f.Passed {
		return "pass"
	}
	return "fail"
}

// gist is what the list says of a login beside its outcome.
func (s *Story) gist() string {
	if s.Refused != nil {
		return s.Refused.Reason
	}
	if s.Outcome == Open {
		return "You have not come back from the provider yet."
	}
	return count(s.passed(), "check", "passed")
}

// refusals counts the checks that refused.
func (s *Story) refusals() (n int) {
	for _, e := range s.Entries {
		for _, f := range e.Checks {
			if !f.Passed {
				n++
			}
		}
	}
	return n
}

func (s *Story) headless() bool {
	return len(s.Entries) > 0 && s.Entries[0].Step > oauth.StepAuthorize
}

func clock(t time.Time) string { return t.Format("15:04:05") }

func stamp(t time.Time) string { return t.Format(time.RFC3339Nano) }

func day(t time.Time) string { return t.Format("2 January 2006, 15:04:05") }
