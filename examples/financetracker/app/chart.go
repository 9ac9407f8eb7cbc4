package app

import "strings"

// chart is a bar chart, drawn as SVG by the template bars.
type chart struct {
	Title    string // for those who hear it; empty: decoration
	Slices   []slice
	Currency string
}

// Each bar is a row with a line of text and the bar below, in pixels.
const (
	rowHeight = 40
	textLine  = 14
	barLine   = 21
)

// described is the chart in words.
func (c chart) described() string {
	var parts []string
	for _, s := range c.Slices {
		parts = append(parts, capital(s.Category)+" "+amount(s.Cents, c.Currency))
	}
	return strings.Join(parts, ", ") + "."
}
