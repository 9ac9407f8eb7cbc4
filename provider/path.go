package provider

import (
	"net/url"
	"slices"
	"strings"

	"github.com/wayleave/wayleave/internal/strictjson"
)

// subjectAt evaluates the expression of a subject: one path, or several, whose
// values are joined. One that is missing makes the whole missing: half of a
// composed identifier is another identifier. So does a value that holds the
// separator: "a|b" and "c" must not become the account of "a" and "b|c".
func subjectAt(doc strictjson.Object, expression string) string {
	const separator = "|"
	paths := strings.Fields(expression)
	var parts []string
	for _, path := range paths {
		value := scalar(find(doc, path))
		if value == "" || len(paths) > 1 && strings.Contains(value, separator) {
			return ""
		}
		parts = append(parts, value)
	}
	return strings.Join(parts, separator)
}

// textAt evaluates one path, or several separated by spaces, whose values are
// joined with a space; those that are missing are left out.
func textAt(doc strictjson.Object, expression string) string {
	var parts []string
	for path := range strings.FieldsSeq(expression) {
		if value := scalar(find(doc, path)); value != "" {
			parts = append(parts, value)
		}
	}
	return strings.Join(parts, " ")
}

// filled replaces the paths in braces by their values, escaped so that they
// stay within the path of the URL. If one is missing, the result is empty.
func filled(doc strictjson.Object, template string) string {
	var b strings.Builder
	for {
		before, rest, open := strings.Cut(template, "{")
		b.WriteString(before)
		if !open {
			return b.String()
		}
		path, after, _ := strings.Cut(rest, "}")
		value := scalar(find(doc, path))
		if value == "" {
			return ""
		}
		b.WriteString((&url.URL{Path: value}).EscapedPath())
		template = after
	}
}

// isTrue reports whether path is the boolean true, or one of the values that
// count as true there.
func isTrue(doc strictjson.Object, path string, also []string) bool {
	v := find(doc, path)
	if b, ok, err := v.AsBool(); err == nil && ok {
		return b
	}
	value := scalar(v)
	return value != "" && slices.Contains(also, value)
}

// scalar is a string, or an integer exactly as it was written: numbers above
// 2^53 are identifiers too. Numbers with a sign, a fraction or an exponent are
// not, since each of them has several spellings.
func scalar(v strictjson.Value) string {
	if s, ok, err := v.AsString(); err == nil && ok {
		return s
	}
	if n, ok, err := v.AsNumber(); err == nil && ok && strings.Trim(n, "0123456789") == "" {
		return n
	}
	return ""
}

// find follows one path, with at most one filter in it.
func find(doc strictjson.Object, path string) strictjson.Value {
	before, rest, filtered := strings.Cut(path, "[")
	if !filtered {
		return doc.Path(path)
	}
	filter, after, _ := strings.Cut(rest, "]")
	list, _, err := doc.Path(before).AsArray()
	if err != nil {
		return strictjson.Value{}
	}
	for element, err := range list.Objects() {
		if err != nil {
			break
		}
		if allTrue(element, strings.Split(filter, ",")) {
			return element.Path(strings.TrimPrefix(after, "."))
		}
	}
	return strictjson.Value{}
}

func allTrue(o strictjson.Object, members []string) bool {
	for _, m := range members {
		if b, _, err := o.Bool(m); err != nil || !b {
			return false
		}
	}
	return true
}

// sourceOf is the member of the document that a path begins with.
func sourceOf(path string) string {
	source, _, _ := strings.Cut(path, ".")
	source, _, _ = strings.Cut(source, "[")
	return source
}
