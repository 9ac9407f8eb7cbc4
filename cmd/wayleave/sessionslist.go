package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
)

// sessionLine is one line of GET /sessions: a session, or with End the last line,
// without which the answer was cut off.
type sessionLine struct {
	ID         string    `json:"id"`
	User       string    `json:"user"`
	Email      string    `json:"email"`
	Name       string    `json:"name"`
	Provider   string    `json:"provider"`
	Device     string    `json:"device"`
	SignedInAt time.Time `json:"signed_in_at,omitzero"`
	LastSeenAt time.Time `json:"last_seen_at,omitzero"`
	ExpiresAt  time.Time `json:"expires_at,omitzero"`

	End   bool `json:"end,omitzero"`
	Count int  `json:"count,omitzero"`
}

const (
	maxSessionLine = 64 << 10
	// rowsPerBlock is how many rows are aligned with each other: a table of all
	// sessions would have to be in memory as a whole.
	rowsPerBlock = 1000
)

func listSessions(ctx context.Context, c *invocation, admin *admin) error {
	body, err := admin.get(ctx, "/sessions?"+c.selector.Encode(), "application/x-ndjson")
	if err != nil {
		return err
	}
	defer body.Close()
	var out interface {
		add(sessionLine) error
		close() error
	} = &sessionTable{w: tabwriter.NewWriter(c.stdout, 0, 0, 2, ' ', 0), now: time.Now()}
	if c.json {
		out = sessionJSON{json.NewEncoder(c.stdout)}
	}
	n, err := readSessions(body, out.add)
	if closing := out.close(); closing != nil {
		return closing
	}
	if err != nil {
		return admin.strange(fmt.Sprintf("the list was cut off after %s: %v", count(n, "session"), err))
	}
	if !c.json {
		fmt.Fprintf(c.stdout, "%s.\n", count(n, "session"))
	}
	return nil
}

// readSessions gives each session to add. It ends well only at the last line of
// a whole answer.
func readSessions(body io.Reader, add func(sessionLine) error) (n int, err error) {
	lines := bufio.NewScanner(body)
	lines.Buffer(nil, maxSessionLine)
	for lines.Scan() {
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		var line sessionLine
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			return n, fmt.Errorf("line %d is no session", n+1)
		}
		if line.End {
			if line.Count != n {
				return n, fmt.Errorf("%s were announced", count(line.Count, "session"))
			}
			return n, nil
		}
		if err := add(line); err != nil {
			return n, err
		}
		n++
	}
	if err := lines.Err(); err != nil {
		return n, err
	}
	return n, io.ErrUnexpectedEOF
}

type sessionJSON struct{ *json.Encoder }

func (s sessionJSON) add(line sessionLine) error { return s.Encode(line) }
func (s sessionJSON) close() error               { return nil }

type sessionTable struct {
	w    *tabwriter.Writer
	now  time.Time
	rows int
}

func (t *sessionTable) add(s sessionLine) error {
	if t.rows == 0 {
		fmt.Fprint(t.w, "ID\tUSER\tEMAIL\tPROVIDER\tDEVICE\tSIGNED IN\tLAST SEEN\tEXPIRES\n")
	}
	cells := []string{s.ID, s.User, s.Email, s.Provider, s.Device}
	for i, cell := range cells {
		cells[i] = printable(cell)
	}
	for _, at := range []time.Time{s.SignedInAt, s.LastSeenAt, s.ExpiresAt} {
		cells = append(cells, relative(at, t.now))
	}
	if _, err := fmt.Fprintln(t.w, strings.Join(cells, "\t")); err != nil {
		return err
	}
	if t.rows++; t.rows%rowsPerBlock == 0 {
		return t.w.Flush()
	}
	return nil
}

func (t *sessionTable) close() error { return t.w.Flush() }

// printable is one cell that no terminal obeys: people choose their names.
func printable(s string) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
	if s == "" {
		return "-"
	}
	return s
}

// relative is a time as seen from now: "3h ago", "in 12d".
func relative(at, now time.Time) string {
	if at.IsZero() {
		return "-"
	}
	d := at.Sub(now)
	switch {
	case d <= -time.Second:
		return span(-d) + " ago"
	case d >= time.Second:
		return "in " + span(d)
	}
	return "now"
}

// span is a duration in its largest unit, rounded down.
func span(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%dm", d/time.Minute)
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", d/time.Hour)
	}
	return fmt.Sprintf("%dd", d/(24*time.Hour))
}
