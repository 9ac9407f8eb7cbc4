package config

import (
	"fmt"

	"go.yaml.in/yaml/v4"
)

// maxList is the longest list.
const maxList = 1000

// list declares a list of at least so many. One entry needs no brackets.
func list[T any](of shape[T], least int) shape[[]T] {
	read := func(d *decoder, n *yaml.Node, path string, into *[]T) {
		opened := d.open(n, path)
		if opened.Kind != yaml.SequenceNode {
			var one T
			of.read(d, n, path, &one)
			*into = []T{one}
			return
		}
		switch length := len(opened.Content); {
		case length < least:
			d.bad(opened, path, "is an empty list", "write "+of.what)
			return
		case length > maxList:
			d.bad(opened, path, fmt.Sprintf("has %d entries, and %d at most are allowed", length, maxList), "")
			return
		}
		*into = make([]T, len(opened.Content))
		for i, entry := range opened.Content {
			of.read(d, entry, fmt.Sprintf("%s[%d]", path, i), &(*into)[i])
		}
	}
	return shape[[]T]{form: &form{what: "a list, each entry " + of.what, item: of.form, least: least}, read: read}
}

// mapOf declares a map from any names.
func mapOf[T any](what string, of shape[T]) shape[map[string]T] {
	read := func(d *decoder, n *yaml.Node, path string, into *map[string]T) {
		n = d.open(n, path)
		if n.Kind != yaml.MappingNode {
			d.unfit(n, path, what, "")
			return
		}
		*into = map[string]T{}
		if len(n.Content) == 0 {
			d.bad(n, path, "is empty", "write "+what+", or remove the key")
		}
		for _, p := range d.pairs(n, path) {
			var value T
			of.read(d, p.value, join(path, shortened(p.name)), &value)
			(*into)[p.name] = value
		}
	}
	return shape[map[string]T]{form: &form{what: what, values: of.form}, read: read}
}

// either declares what is written as text, or as a map.
func either[T any](text, object shape[T]) shape[T] {
	read := func(d *decoder, n *yaml.Node, path string, into *T) {
		opened := d.open(n, path)
		if opened.Kind == yaml.MappingNode && !isFetched(opened) {
			object.read(d, n, path, into)
			return
		}
		text.read(d, n, path, into)
	}
	return shape[T]{form: &form{what: text.what + ", or " + object.what, choices: []*form{text.form, object.form}}, read: read}
}
