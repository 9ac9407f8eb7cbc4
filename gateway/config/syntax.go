package config

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// parse returns the map at the top of the file, or nil after a mistake.
func (d *decoder) parse() *yaml.Node {
	text := strings.Join(d.lines, "\n")
	if reason, before := unprintable(text); reason != "" {
		line := strings.Count(before, "\n")
		column := utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]) + 1
		d.badAt(place{line + 1, column}, "", reason, "save the file as plain UTF-8 text")
		return nil
	}
	loader, err := yaml.NewLoader(strings.NewReader(text))
	if err != nil {
		d.badAt(place{1, 1}, "", "cannot be parsed", "")
		return nil
	}
	var document, second yaml.Node
	if err := loader.Load(&document); errors.Is(err, io.EOF) {
		d.badAt(place{1, 1}, "", "the file is empty", "begin with listen, base_url, store, providers and routes")
		return nil
	} else if err != nil {
		d.syntax(err)
		return nil
	}
	if err := loader.Load(&second); err == nil {
		d.bad(&second, "", "a second document begins here", "remove the line of three dashes or dots before it")
		return nil
	} else if !errors.Is(err, io.EOF) {
		d.syntax(err)
		return nil
	}
	root := document.Content[0]
	if deeper(root, maxDepth) {
		d.bad(root, "", fmt.Sprintf("is nested more than %d times", maxDepth), "look for brackets that are not closed")
		return nil
	}
	d.veil(root)
	return root
}

// maxDepth is far beyond what the keys allow.
const maxDepth = 50

func deeper(n *yaml.Node, than int) bool {
	if than < 0 {
		return true
	}
	for _, child := range n.Content {
		if deeper(child, than-1) {
			return true
		}
	}
	return false
}

// unprintable finds what YAML does not allow, which its parser reports without
// a line. before is the text up to it.
func unprintable(text string) (reason, before string) {
	for i, r := range text {
		switch {
		case r == utf8.RuneError && strings.HasPrefix(text[i:], string(utf8.RuneError)):
		case r == utf8.RuneError:
			return "is not UTF-8", text[:i]
		case r < 0x20 && r != '\t' && r != '\n' && r != '\r', r == 0x7f:
			return fmt.Sprintf("holds the control character %U", r), text[:i]
		}
	}
	return "", ""
}

// syntax tells a mistake of YAML in words of our own: those of the parser are
// about tokens, and some repeat what the file says, maybe a secret.
func (d *decoder) syntax(err error) {
	at, reason, cure := place{1, 1}, "is not YAML", ""
	if e, ok := errors.AsType[*yaml.LoadError](err); ok {
		at = place{e.Mark.Line, e.Mark.Column}
		if e.Mark.Line == 0 {
			at = place{e.ContextMark.Line, e.ContextMark.Column}
		}
		for _, known := range syntaxMistakes {
			if strings.Contains(e.Message, known.message) && strings.Contains(e.ContextMsg, known.context) {
				reason, cure = known.reason, known.cure
				if known.begin && e.ContextMark.Line > 0 {
					at = place{e.ContextMark.Line, e.ContextMark.Column}
				}
				break
			}
		}
		if line := d.line(at.line); strings.HasPrefix(strings.TrimLeft(line, " "), "\t") {
			reason, cure = "a tab indents this line", "indent with spaces"
		}
	}
	d.badAt(at, "", reason, cure)
}

// syntaxMistakes by what the parser says. begin: what is told is where
// something began that did not end.
var syntaxMistakes = []struct {
	message, context, reason, cure string
	begin                          bool
}{
	{"mapping values are not allowed", "", "a colon is not expected here", "check the indentation of this line and the one before; put a value that holds a colon and a space in quotes", false},
	{"unexpected end of stream", "quoted scalar", "a quotation mark is not closed", "close it at the end of the value", true},
	{"cannot start any token", "", "a value cannot begin with this character", "put the value in quotes", false},
	{"expected ',' or ']'", "", "a list in brackets is not closed", "separate entries with commas, and end the list with ]; put a value that holds one of , [ ] { } in quotes", true},
	{"expected ',' or '}'", "", "a map in braces is not closed", "separate entries with commas, and end the map with }; put a value that holds one of , [ ] { } in quotes", true},
	{"did not find expected key", "", "a key is expected here", "check the indentation of this line and the one before, and the quotes around the value", false},
	{"did not find expected '-'", "", "an entry of the list is expected here", "check the indentation: the entries of one list begin below each other", false},
	{"block sequence entries", "", "a list entry is not expected here", "put it on a line of its own, below its key", false},
	{"could not find expected ':'", "", "a key without a colon", "write key: value, with a space after the colon", false},
	{"unknown escape", "", "a backslash in double quotes begins an escape that YAML does not know", "use single quotes", false},
	{"unknown anchor", "", "an alias names an anchor that was not set before", "put a value that begins with * in quotes", false},
	{"node content", "", "a value is expected here", "close the brackets and braces that are open; put a value that begins with one of , [ ] { } in quotes", false},
	{"alphabetic or numeric", "anchor", "an anchor has no name", "put a value that begins with & or * in quotes", false},
	{"unexpected document", "", "a line of three dashes or dots ends the document here", "remove it", false},
	{"block scalar", "", "a block of lines does not begin here", "put a value that begins with | or > in quotes", false},
	{"max depth", "", "is nested too deep", "look for brackets that are not closed", false},
}
