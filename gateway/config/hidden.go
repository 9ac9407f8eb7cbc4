package config

import (
	"cmp"
	"math"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// sourceOf is a line up to the column from which it is hidden, and without its
// comment, in which an old secret may stand. It is empty if the mistake would
// not be seen.
func sourceOf(line string, column, hidden int) string {
	line, _, _ = strings.Cut(line, " #")
	runes := []rune(strings.TrimRight(line, " \t"))
	if hidden <= len(runes) {
		runes = append(runes[:max(0, hidden-1)], '…')
	}
	if hidden <= 1 || column > min(hidden, len(runes)+1) || len(runes) > maxSource {
		return ""
	}
	return string(runes)
}

// secretive are keys, misspelt or not, and values that hold secrets.
var (
	secretiveKey   = regexp.MustCompile(`(?i)secr|passw|^store$`)
	secretiveValue = regexp.MustCompile(`://[^/]*@|literal:`)
)

// veil hides what could be a secret, before anything is said about the file.
func (d *decoder) veil(n *yaml.Node) {
	d.starts = append(d.starts, n)
	if n.Kind == yaml.ScalarNode && secretiveValue.MatchString(n.Value) {
		d.hide(n)
	}
	for i, child := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 1 && secretiveKey.MatchString(n.Content[i-1].Value) {
			d.hide(child)
		}
		d.veil(child)
	}
}

func (d *decoder) hide(n *yaml.Node) {
	if d.hidden[n] {
		return
	}
	if d.hidden[n] = true; n.Alias != nil {
		d.hide(n.Alias)
	}
	for _, child := range n.Content {
		d.hide(child)
	}
}

// shown tells for each line on which something begins the column from which
// it is hidden. All others, at 0, may be a part of something that is.
func (d *decoder) shown() map[int]int {
	open := map[int]int{}
	hide := func(line, column int) { open[line] = min(cmp.Or(open[line], math.MaxInt), column) }
	for i, n := range d.starts {
		if hide(n.Line, math.MaxInt); !d.hidden[n] {
			continue
		}
		if hide(n.Line, n.Column); n.Kind != yaml.ScalarNode || strings.Contains(d.line(n.Line), n.Value) {
			continue
		}
		// It may go on for lines, and end on that where the next thing begins.
		end := len(d.lines)
		if i+1 < len(d.starts) {
			end = d.starts[i+1].Line
		}
		for line := n.Line + 1; line <= end; line++ {
			hide(line, 1)
		}
	}
	return open
}

// quoted is a value in a message: none that could be a secret, no long one.
func (d *decoder) quoted(n *yaml.Node, text string) string {
	if d.hidden[n] || n.Kind != yaml.ScalarNode || len(text) > 60 || secretiveValue.MatchString(text) {
		return "something else"
	}
	return strconv.Quote(text)
}
