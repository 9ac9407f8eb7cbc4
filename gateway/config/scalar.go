package config

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// fault is why a text is not what was expected. Without a reason the message
// is "expected …, got …".
type fault struct{ reason, cure string }

// scalar declares one text, which {from_file: PATH} or {from_env: NAME} can
// stand for.
func scalar[T any](what string, schema map[string]any, parse func(text string) (T, *fault)) shape[T] {
	read := func(d *decoder, n *yaml.Node, path string, into *T) {
		text, got, ok := d.text(n, path, what)
		if !ok {
			return
		}
		value, f := parse(text)
		if f == nil {
			*into = value
			return
		}
		if f.reason == "" {
			f.reason = "expected " + what + ", got " + got
		}
		d.bad(n, path, f.reason, f.cure)
	}
	return shape[T]{form: &form{what: what, schema: schema}, read: read}
}

// text is what a scalar says, as it is written; got is how a message may call it.
func (d *decoder) text(n *yaml.Node, path, what string) (text, got string, ok bool) {
	opened := d.open(n, path)
	if isFetched(opened) {
		text, ok = d.fetch(opened, path)
		return text, "something else", ok && d.printable(n, path, text)
	}
	if opened.Kind == yaml.AliasNode { // too many values
		return "", "", false
	}
	if opened.Kind != yaml.ScalarNode || isNull(opened) {
		d.unfit(opened, path, what, "")
		return "", "", false
	}
	text = opened.Value
	switch {
	case opened.Style&yaml.TaggedStyle != 0:
		d.bad(n, path, "has a tag, and tags mean nothing here", "remove what begins with an exclamation mark")
		return "", "", false
	case strings.HasPrefix(text, "${") && strings.HasSuffix(text, "}"):
		d.bad(n, path, "variables are not put in here", "write {from_env: NAME}")
		return "", "", false
	}
	return text, d.quoted(opened, text), d.printable(n, path, text)
}

// printable refuses what would be invisible in a message, and break a header.
func (d *decoder) printable(n *yaml.Node, path, text string) bool {
	switch {
	case text == "":
		d.bad(n, path, "is empty", "")
	case !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return r < 0x20 || r == 0x7f || r == '\u2028' || r == '\u2029' }):
		d.bad(n, path, "holds a line break or a control character", "write it on one line")
	case len(text) > maxText:
		d.bad(n, path, fmt.Sprintf("is longer than %d bytes", maxText), "")
	default:
		return true
	}
	return false
}

const (
	maxText  = 8 << 10
	fromFile = "from_file"
	fromEnv  = "from_env"
)

func isFetched(n *yaml.Node) bool {
	return n.Kind == yaml.MappingNode && len(n.Content) == 2 && (n.Content[0].Value == fromFile || n.Content[0].Value == fromEnv)
}

// fetch gets a value from a file or a variable. It could be a secret, and no
// message repeats it.
func (d *decoder) fetch(n *yaml.Node, path string) (string, bool) {
	from := n.Content[0].Value
	source := d.open(n.Content[1], join(path, from))
	if source.Kind != yaml.ScalarNode || source.Value == "" || isNull(source) {
		what := map[string]string{fromFile: "the path of a file", fromEnv: "the name of an environment variable"}[from]
		d.unfit(source, join(path, from), what, "")
		return "", false
	}
	var text string
	var f *fault
	if from == fromFile {
		text, f = d.content(source.Value, false)
	} else {
		text, f = d.variable(source.Value)
	}
	if f != nil {
		d.bad(source, join(path, from), f.reason, f.cure)
		return "", false
	}
	return text, true
}

// content is that of a file, without the line break at its end.
func (d *decoder) content(name string, secret bool) (string, *fault) {
	file := d.path(name)
	d.files = append(d.files, file) // also if it is amiss: it may change
	if secret {
		if f := onlyOwners(file); f != nil {
			return "", f
		}
	}
	raw, err := load(file, maxText)
	if err != nil {
		return "", &fault{"the file " + file + " " + err.Error(), ""}
	}
	text := strings.TrimSuffix(strings.TrimSuffix(string(raw), "\n"), "\r")
	if text == "" {
		return "", &fault{"the file " + file + " is empty", ""}
	}
	return text, nil
}

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func (d *decoder) variable(name string) (string, *fault) {
	if !variableName.MatchString(name) {
		return "", &fault{"expected the name of an environment variable, got something else", "use letters, digits and underscores"}
	}
	switch value, ok := d.env(name); {
	case !ok:
		return "", &fault{"the environment variable " + name + " is not set", "set it for the process that reads this file"}
	case value == "":
		return "", &fault{"the environment variable " + name + " is empty", ""}
	default:
		return value, nil
	}
}

// path is relative to the folder of the file.
func (d *decoder) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(d.dir, name)
}

// filePath declares a path, relative to the folder of the file.
func filePath(what string) shape[string] {
	sh := scalar(what, anyText(), func(text string) (string, *fault) { return strings.TrimPrefix(text, "file:"), nil })
	read := sh.read
	sh.read = func(d *decoder, n *yaml.Node, path string, into *string) {
		if read(d, n, path, into); *into != "" {
			*into = d.path(*into)
		}
	}
	return sh
}
