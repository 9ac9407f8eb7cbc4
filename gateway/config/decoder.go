package config

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// decoder reads one file, and remembers what is wrong with it.
type decoder struct {
	file, dir string // dir is absolute
	lines     []string
	env       func(string) (string, bool)
	root      *form // where suggestions come from

	mistakes, warnings Mistakes
	files              []string
	places             map[string]place
	hidden             map[*yaml.Node]bool // what could be a secret
	misspelt           map[string]bool     // paths that unknown keys were taken for
	starts             []*yaml.Node        // in the order of the file
	values             int
	full               bool // maxValues was reported
	more               int  // mistakes beyond maxCollected
}

func newDecoder(file, dir, text string, env func(string) (string, bool)) *decoder {
	text = strings.TrimPrefix(text, "\ufeff")
	return &decoder{file: file, dir: dir, lines: strings.Split(text, "\n"), env: env,
		places: map[string]place{}, hidden: map[*yaml.Node]bool{}, misspelt: map[string]bool{}}
}

// These keep a file from costing more than it should: aliases can make little
// text into much.
const (
	maxValues    = 50_000
	maxCollected = 1000
	maxMistakes  = 100 // that are told
)

// open follows an alias, and counts.
func (d *decoder) open(n *yaml.Node, path string) *yaml.Node {
	if d.values++; d.values > maxValues {
		if !d.full {
			d.bad(n, path, fmt.Sprintf("the file has more than %d values", maxValues), "look for aliases that repeat aliases")
		}
		d.full = true
		return &yaml.Node{Kind: yaml.AliasNode, Line: n.Line, Column: n.Column}
	}
	d.places[path] = place{n.Line, n.Column}
	for n.Kind == yaml.AliasNode && n.Alias != nil {
		n = n.Alias
	}
	return n
}

// has reports whether a path stands in the file.
func (d *decoder) has(path string) bool {
	_, ok := d.places[path]
	return ok
}

func (d *decoder) bad(n *yaml.Node, path, reason, cure string) {
	d.badAt(place{n.Line, n.Column}, path, reason, cure)
}

func (d *decoder) badAt(at place, path, reason, cure string) {
	switch {
	case d.full: // what is missing now is missing because reading ended
	case len(d.mistakes) == maxCollected:
		d.more++
	default:
		d.mistakes = append(d.mistakes, d.mistake(at, path, reason, cure))
	}
}

// missing is told unless there is a key that was probably meant to be this one.
func (d *decoder) missing(n *yaml.Node, path, cure string) {
	if !d.misspelt[path] {
		d.bad(n, path, "is missing", cure)
	}
}

// wrong reports whether there is a mistake at a path, or below it.
func (d *decoder) wrong(path string) bool {
	return d.misspelt[path] || slices.ContainsFunc(d.mistakes, func(m Mistake) bool {
		rest, ok := strings.CutPrefix(m.Path, path)
		return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
	})
}

func (d *decoder) warn(n *yaml.Node, path, reason, cure string) {
	d.warnings = append(d.warnings, d.mistake(place{n.Line, n.Column}, path, reason, cure))
}

func (d *decoder) mistake(at place, path, reason, cure string) Mistake {
	if at.line > len(d.lines) { // the end of a file without a line break there
		at = place{len(d.lines), utf8.RuneCountInString(d.line(len(d.lines))) + 1}
	}
	at.line = max(at.line, 1)
	at.column = max(at.column, 1)
	return Mistake{File: d.file, Line: at.line, Column: at.column, Path: path, Reason: reason, Cure: cure}
}

// unfit is a value of the wrong kind. What it says could be anything, so that
// it is not repeated.
func (d *decoder) unfit(n *yaml.Node, path, what, cure string) {
	d.hide(n)
	got := map[yaml.Kind]string{yaml.MappingNode: "a map", yaml.SequenceNode: "a list", yaml.ScalarNode: "text"}[n.Kind]
	if isNull(n) {
		got = "nothing"
		if cure == "" {
			cure = "write a value, or remove the key; a value that begins with # needs quotes"
		}
	}
	d.bad(n, path, "expected "+what+", got "+got, cure)
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

// finish sorts, and adds the lines that can be shown.
func (d *decoder) finish() {
	open := d.shown()
	for _, list := range []Mistakes{d.mistakes, d.warnings} {
		list.sort()
		for i := range list {
			m := &list[i]
			m.Source = sourceOf(d.line(m.Line), m.Column, open[m.Line])
		}
	}
	if more := d.more + len(d.mistakes) - maxMistakes; more > 0 {
		last := d.mistakes[maxMistakes-1]
		last.Path, last.Source, last.Reason, last.Cure = "", "", fmt.Sprintf("and %d more mistakes", more+1), ""
		d.mistakes = append(d.mistakes[:maxMistakes-1], last)
	}
}

func (d *decoder) line(number int) string {
	if number < 1 || number > len(d.lines) {
		return ""
	}
	return strings.TrimSuffix(d.lines[number-1], "\r")
}
