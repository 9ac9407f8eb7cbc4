package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Mistake is one thing in a file that is wrong, or probably not meant. It never
// holds a secret.
type Mistake struct {
	File         string
	Line, Column int    // from 1, in characters; 0: the file as a whole
	Path         string // such as "routes[0].upstream"; empty: the file as a whole
	Reason       string
	Cure         string // may be empty
	// Source is the line of the file, for people. It is empty where the line
	// holds, or could hold, a secret.
	Source string
}

// Error is one line: file, line, column, path, reason and cure.
func (m Mistake) Error() string {
	var b strings.Builder
	b.WriteString(m.File)
	if m.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", m.Line, m.Column)
	}
	if m.Path != "" {
		b.WriteString(": " + m.Path)
	}
	b.WriteString(": " + m.Reason)
	if m.Cure != "" {
		b.WriteString("; " + m.Cure)
	}
	return b.String()
}

// maxSource is how much of a line is shown; longer ones help nobody.
const maxSource = 120

// Explain is Error, and below it the line with a mark under the place, if the
// line can be shown.
func (m Mistake) Explain() string {
	if m.Source == "" || m.Column < 1 {
		return m.Error()
	}
	var indent strings.Builder
	for i, r := range []rune(m.Source) {
		if i == m.Column-1 {
			break
		}
		if r != '\t' { // which is as wide as the terminal likes
			r = ' '
		}
		indent.WriteRune(r)
	}
	return m.Error() + "\n    " + m.Source + "\n    " + indent.String() + "^"
}

// Mistakes are all that were found in one file, sorted by place.
type Mistakes []Mistake

// Error has one line for each mistake.
func (m Mistakes) Error() string { return m.join(Mistake.Error) }

// Explain is Error with the lines of the file; see [Mistake.Explain].
func (m Mistakes) Explain() string { return m.join(Mistake.Explain) }

func (m Mistakes) join(text func(Mistake) string) string {
	lines := make([]string, len(m))
	for i := range m {
		lines[i] = text(m[i])
	}
	return strings.Join(lines, "\n")
}

func (m Mistakes) sort() {
	slices.SortStableFunc(m, func(a, b Mistake) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
}

// place is where something begins in the file.
type place struct{ line, column int }

// Mistake makes a mistake of what a path names, such as "routes[0].upstream",
// for checks that are made elsewhere. What the file does not have is placed at
// the nearest thing around it.
func (c *Config) Mistake(path, reason, cure string) Mistake {
	line, column := c.Position(path)
	return Mistake{File: c.file, Line: line, Column: column, Path: path, Reason: reason, Cure: cure}
}

// Position returns where the value of a path begins, or what is nearest around it.
func (c *Config) Position(path string) (line, column int) {
	for {
		if p, ok := c.places[path]; ok {
			return p.line, p.column
		}
		if path == "" {
			return 0, 0
		}
		path = path[:max(0, strings.LastIndexAny(path, ".["))]
	}
}
