package trace

import (
	"strings"
	"unicode/utf8"
)

// ink is an ANSI colour or weight; 0 is plain.
type ink int

const (
	bold   ink = 1
	dim    ink = 2
	bad    ink = 31
	good   ink = 32
	accent ink = 36
)

var inkCodes = map[ink]string{bold: "\x1b[1m", dim: "\x1b[2m", bad: "\x1b[31m", good: "\x1b[32m", accent: "\x1b[36m"}

// printer lays out lines.
type printer struct {
	b     strings.Builder
	o     TextOptions
	width int
}

// line writes one line as it is.
func (p *printer) line(s ink, text string) {
	if code := inkCodes[s]; p.o.Color && code != "" && text != "" {
		text = code + text + "\x1b[0m"
	}
	p.b.WriteString(text)
	p.b.WriteByte('\n')
}

// wrap writes a text in as many lines as it needs.
func (p *printer) wrap(s ink, indent, text string) {
	for _, l := range split(text, p.width-utf8.RuneCountInString(indent)) {
		p.line(s, indent+l)
	}
}

// hang writes a label and, beside it, a text that hangs from the given column.
// A label that is too long stands on a line of its own.
func (p *printer) hang(s ink, indent, label string, column int, text string) {
	pad := indent + strings.Repeat(" ", column)
	first := indent + label + strings.Repeat(" ", max(0, column-utf8.RuneCountInString(label)))
	if utf8.RuneCountInString(first) > utf8.RuneCountInString(pad) {
		p.wrap(s, indent, label)
		first = pad
	}
	for _, l := range split(text, p.width-utf8.RuneCountInString(pad)) {
		p.line(s, strings.TrimRight(first+l, " "))
		first = pad
	}
}

// split breaks a text into lines of at most width runes: between words, and
// inside of one only if it fits on no line. There is always one line.
func split(text string, width int) []string {
	width = max(width, 10)
	var lines []string
	var line []rune
	for word := range strings.FieldsSeq(text) {
		w := []rune(word)
		if len(line) > 0 && len(line)+1+len(w) > width {
			lines, line = append(lines, string(line)), nil
		}
		if len(line) > 0 {
			line = append(line, ' ')
		}
		for len(w) > width {
			lines, w = append(lines, string(w[:width])), w[width:]
		}
		line = append(line, w...)
	}
	return append(lines, string(line))
}

var asciiForms = strings.NewReplacer("→", "->", "⇢", "..>", "—", "-", "✓", "+", "✗", "x", "…", "...")

// ascii spells what has a spelling in ASCII, and replaces what has none.
func ascii(s string) string {
	return strings.Map(func(r rune) rune {
		if r > 0x7e {
			return '?'
		}
		return r
	}, asciiForms.Replace(s))
}
