package main

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
)

// requirement is one line of the document. Attacks have the level "attack".
type requirement struct {
	ID    string   `json:"id"`
	Part  string   `json:"part"`
	Level string   `json:"level"`
	Text  string   `json:"text"`
	Tests []string `json:"tests"`
	// Waived is why no test names it; empty if one does, or should.
	Waived string `json:"waived,omitempty"`
}

// document is all of them, in the order in which they are written.
type document struct {
	parts []string
	rows  []*requirement
}

var (
	partHeading = regexp.MustCompile(`^## ([AB][0-9]+) `)
	idCell      = regexp.MustCompile(`^(?:[A-Z]{3}-[0-9]+[a-z]?|A[0-9]{3})$`)
	levels      = []string{"MUST", "SHOULD", "FAPI", "Q"}
)

// readDocument takes every table row whose first cell is an id. A row that
// begins with an id and does not fit is an error, so that no line is lost by a
// slip of the pen.
func readDocument(path string) (*document, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var (
		doc  document
		part string
		errs []error
		seen = map[string]bool{}
	)
	for i, line := range strings.Split(string(text), "\n") {
		if m := partHeading.FindStringSubmatch(line); m != nil {
			part = m[1]
			doc.parts = append(doc.parts, part)
		}
		cells := tableCells(line)
		if len(cells) == 0 || !idCell.MatchString(cells[0]) {
			continue
		}
		row, err := parseRow(cells, part)
		if err == nil && seen[row.ID] {
			err = fmt.Errorf("%s is listed twice", row.ID)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s:%d: %w", path, i+1, err))
			continue
		}
		seen[row.ID] = true
		doc.rows = append(doc.rows, row)
	}
	if len(doc.rows) == 0 {
		errs = append(errs, fmt.Errorf("%s: no requirement found", path))
	}
	return &doc, errors.Join(errs...)
}

func tableCells(line string) []string {
	inner, ok := strings.CutPrefix(strings.TrimSpace(line), "|")
	if !ok {
		return nil
	}
	cells := strings.Split(strings.TrimSuffix(inner, "|"), "|")
	for i := range cells {
		cells[i] = strings.TrimSpace(cells[i])
	}
	return cells
}

// parseRow reads "id, level, requirement, source" or "id, actor, outcome,
// attack, source".
func parseRow(cells []string, part string) (*requirement, error) {
	id := cells[0]
	if part == "" {
		return nil, fmt.Errorf("%s stands before the first part", id)
	}
	if !slices.Equal(idsInText(id), []string{id}) {
		return nil, fmt.Errorf("%s is not an id that a test could name", id)
	}
	if slices.Contains(cells, "") {
		return nil, fmt.Errorf("%s has an empty cell", id)
	}
	isAttack := !strings.Contains(id, "-")
	switch {
	case isAttack && len(cells) == 5:
		return &requirement{ID: id, Part: part, Level: "attack", Text: cells[3], Tests: []string{}}, nil
	case !isAttack && len(cells) == 4:
		if !slices.Contains(levels, cells[1]) {
			return nil, fmt.Errorf("%s has the unknown level %q", id, cells[1])
		}
		return &requirement{ID: id, Part: part, Level: cells[1], Text: cells[2], Tests: []string{}}, nil
	}
	return nil, fmt.Errorf("%s has %d cells", id, len(cells))
}

// attach gives each row the tests that name it and returns what is left over.
func (d *document) attach(found []mention) (unknown []mention) {
	byID := map[string]*requirement{}
	for _, r := range d.rows {
		byID[r.ID] = r
	}
	for _, m := range found {
		r := byID[m.id]
		if r == nil {
			unknown = append(unknown, m)
			continue
		}
		if !slices.Contains(r.Tests, m.test) {
			r.Tests = append(r.Tests, m.test)
		}
	}
	return unknown
}

// only returns the rows of the listed parts, all if the list is empty.
func (d *document) only(list string) ([]*requirement, error) {
	if list == "" {
		return d.rows, nil
	}
	wanted := strings.Split(list, ",")
	for _, p := range wanted {
		if !slices.Contains(d.parts, p) {
			return nil, fmt.Errorf("no part %q; there are %s", p, strings.Join(d.parts, " "))
		}
	}
	return slices.DeleteFunc(slices.Clone(d.rows), func(r *requirement) bool {
		return !slices.Contains(wanted, r.Part)
	}), nil
}
