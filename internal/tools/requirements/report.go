package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
)

// total counts the ids of one part or level, whatever rows are printed.
type total struct {
	Of    string `json:"of"`
	Named int    `json:"named"`
	All   int    `json:"all"`
}

type report struct {
	Rows   []*requirement `json:"requirements"`
	Parts  []total        `json:"parts"`
	Levels []total        `json:"levels"`
	Total  total          `json:"total"`
}

func newReport(rows []*requirement, missing bool) *report {
	rep := &report{
		Rows:   rows,
		Parts:  count(rows, func(r *requirement) string { return r.Part }),
		Levels: count(rows, func(r *requirement) string { return r.Level }),
	}
	if all := count(rows, func(*requirement) string { return "all" }); len(all) == 1 {
		rep.Total = all[0]
	}
	if missing {
		rep.Rows = slices.DeleteFunc(slices.Clone(rows), func(r *requirement) bool { return len(r.Tests) > 0 || r.Waived != "" })
	}
	return rep
}

// count groups rows in the order in which the groups first appear.
func count(rows []*requirement, group func(*requirement) string) []total {
	var totals []total
	for _, r := range rows {
		name := group(r)
		i := slices.IndexFunc(totals, func(t total) bool { return t.Of == name })
		if i < 0 {
			i, totals = len(totals), append(totals, total{Of: name})
		}
		totals[i].All++
		if len(r.Tests) > 0 {
			totals[i].Named++
		}
	}
	return totals
}

func (rep *report) json(out io.Writer) error {
	enc := json.NewEncoder(out)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(rep)
}

func (rep *report) text(out io.Writer) error {
	var b strings.Builder
	part := ""
	for _, r := range rep.Rows {
		if r.Part != part {
			part = r.Part
			fmt.Fprintf(&b, "\n%s\n", part)
		}
		named := strings.Join(r.Tests, "\n"+strings.Repeat(" ", 18))
		if named == "" {
			named = "no test names it: " + r.Text
		}
		if r.Waived != "" {
			named = "waived: " + r.Waived
		}
		fmt.Fprintf(&b, "  %-7s %-7s %s\n", r.ID, r.Level, named)
	}
	b.WriteString("\nnamed by a test, of all\n")
	for _, t := range slices.Concat(rep.Parts, rep.Levels, []total{rep.Total}) {
		fmt.Fprintf(&b, "  %-7s %4d of %4d\n", t.Of, t.Named, t.All)
	}
	_, err := io.WriteString(out, b.String())
	return err
}

func (rep *report) markdown(out io.Writer) error {
	var b strings.Builder
	b.WriteString("| Id | Part | Level | Tests |\n|---|---|---|---|\n")
	for _, r := range rep.Rows {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", r.ID, r.Part, r.Level, strings.Join(r.Tests, "<br>")+r.Waived)
	}
	b.WriteString("\n| Part or level | Named | All |\n|---|---|---|\n")
	for _, t := range slices.Concat(rep.Parts, rep.Levels, []total{rep.Total}) {
		fmt.Fprintf(&b, "| %s | %d | %d |\n", t.Of, t.Named, t.All)
	}
	_, err := io.WriteString(out, b.String())
	return err
}
