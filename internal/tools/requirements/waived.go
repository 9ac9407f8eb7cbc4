package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
)

// waive reads the table of ids that no test needs to name, each with its
// reason. One that a test does name, one without a reason, and one that the
// document lacks are errors: a list of excuses must not grow stale.
func (d *document) waive(path string) error {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var errs []error
	for i, line := range strings.Split(string(text), "\n") {
		cells := tableCells(line)
		if len(cells) == 0 || !idCell.MatchString(cells[0]) {
			continue
		}
		at := slices.IndexFunc(d.rows, func(r *requirement) bool { return r.ID == cells[0] })
		switch {
		case len(cells) != 2 || cells[1] == "":
			errs = append(errs, fmt.Errorf("%s:%d: want an id and a reason", path, i+1))
		case at < 0:
			errs = append(errs, fmt.Errorf("%s:%d: there is no %s", path, i+1, cells[0]))
		case d.rows[at].Waived != "":
			errs = append(errs, fmt.Errorf("%s:%d: %s is listed twice", path, i+1, cells[0]))
		case len(d.rows[at].Tests) > 0:
			errs = append(errs, fmt.Errorf("%s:%d: %s is waived, and %s names it", path, i+1, cells[0], d.rows[at].Tests[0]))
		default:
			d.rows[at].Waived = cells[1]
		}
	}
	return errors.Join(errs...)
}

// gate returns an error that lists what must be named or waived and is not.
func gate(rows []*requirement) error {
	var open []string
	for _, r := range rows {
		if (r.Level == "MUST" || r.Level == "attack") && len(r.Tests) == 0 && r.Waived == "" {
			open = append(open, r.ID)
		}
	}
	if len(open) == 0 {
		return nil
	}
	return fmt.Errorf("neither named by a test nor waived: %s", strings.Join(open, " "))
}
