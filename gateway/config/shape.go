package config

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v4"
)

// shape is how a T is written in a file.
type shape[T any] struct {
	*form
	read func(d *decoder, n *yaml.Node, path string, into *T)
	// absent fills in the defaults where there is none. Nil: the zero T.
	absent func(into *T)
}

// form is what people and editors are told about a shape.
type form struct {
	what    string         // after "expected", such as "a duration such as 30s"
	schema  map[string]any // of text: its JSON Schema
	title   string         // of an object: what the reference calls it
	keys    []keyForm      // of an object
	item    *form          // of a list
	least   int            // of a list
	values  *form          // of a map with any keys
	names   string         // of such a map: their pattern, if any
	choices []*form        // of what can be written in several ways
}

type keyForm struct {
	name, doc, def string
	required       bool
	form           *form
}

// key is one key of an object that makes an S.
type key[S any] struct {
	keyForm
	read   func(d *decoder, n *yaml.Node, path string, s *S)
	absent func(s *S)
}

// at declares a key whose value goes to field.
func at[S, T any](name string, sh shape[T], field func(*S) *T, doc string) key[S] {
	k := key[S]{keyForm: keyForm{name: name, doc: doc, form: sh.form}}
	k.read = func(d *decoder, n *yaml.Node, path string, s *S) { sh.read(d, n, path, field(s)) }
	if sh.absent != nil {
		k.absent = func(s *S) { sh.absent(field(s)) }
	}
	return k
}

// or sets the default, as it would stand in the file.
func (k key[S]) or(text string) key[S] {
	k.def = text
	k.absent = func(s *S) {
		d := newDecoder("", "", "", nil)
		k.read(d, &yaml.Node{Kind: yaml.ScalarNode, Value: text}, k.name, s)
		if len(d.mistakes) > 0 {
			panic("config: default of " + d.mistakes.Error())
		}
	}
	return k
}

// says is the default that something else fills in.
func (k key[S]) says(text string) key[S] {
	k.def = text
	return k
}

func (k key[S]) must() key[S] {
	k.required = true
	return k
}

// found is an object as it stands in the file.
type found struct {
	n     *yaml.Node
	path  string
	given map[string]*yaml.Node
	clean bool // no mistake so far
}

func (f found) has(name string) bool { return f.given[name] != nil }

// at is where a mistake of a key is told.
func (f found) at(name string) (*yaml.Node, string) {
	if n := f.given[name]; n != nil {
		return n, join(f.path, name)
	}
	return f.n, join(f.path, name)
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// object declares a map with these keys. They are read in this order. check
// looks at what concerns several of them; it may be nil.
func object[S any](title, what string, keys []key[S], check func(*decoder, found, *S)) shape[S] {
	f := &form{what: what, title: title}
	for _, k := range keys {
		f.keys = append(f.keys, k.keyForm)
	}
	absent := func(s *S) {
		for _, k := range keys {
			if k.absent != nil {
				k.absent(s)
			}
		}
	}
	read := func(d *decoder, n *yaml.Node, path string, s *S) {
		before := len(d.mistakes)
		n = d.open(n, path)
		if n.Kind != yaml.MappingNode {
			d.unfit(n, path, what, "")
			return
		}
		o := found{n: n, path: path, given: map[string]*yaml.Node{}}
		for _, p := range d.pairs(n, path) {
			if f.has(p.name) {
				o.given[p.name] = p.value
			} else {
				d.unknown(f, p, path)
			}
		}
		for _, k := range keys {
			switch value := o.given[k.name]; {
			case value != nil:
				k.read(d, value, join(path, k.name), s)
			case k.required:
				d.missing(n, join(path, k.name), "write "+k.form.what)
			case k.absent != nil:
				k.absent(s)
			}
		}
		if check != nil {
			o.clean = len(d.mistakes) == before
			check(d, o, s)
		}
	}
	return shape[S]{f, read, absent}
}

func (f *form) has(name string) bool {
	for _, k := range f.keys {
		if k.name == name {
			return true
		}
	}
	return false
}

type pair struct {
	key, value *yaml.Node
	name       string
}

// pairs are the entries of a map, each key once.
func (d *decoder) pairs(n *yaml.Node, path string) []pair {
	var all []pair
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		p := pair{key: n.Content[i], value: n.Content[i+1], name: n.Content[i].Value}
		first, twice := seen[p.name]
		switch {
		case p.key.Kind != yaml.ScalarNode || p.name == "":
			d.hide(p.value)
			d.bad(p.key, path, "a key must be text", "")
		case p.key.Tag == "!!merge":
			d.hide(p.value)
			d.bad(p.key, path, "maps cannot be merged with <<", "write the keys here, or use an alias for a whole value")
		case twice:
			d.hide(p.value)
			d.bad(p.key, join(path, shortened(p.name)), "is there twice", fmt.Sprintf("keep this one or that of line %d", first))
		default:
			seen[p.name] = p.key.Line
			all = append(all, p)
		}
	}
	return all
}

func shortened(name string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7f {
			return '?'
		}
		return r
	}, string([]rune(name)[:min(40, len([]rune(name)))]))
}

// with adds defaults to those of the keys.
func (sh shape[T]) with(defaults func(*T)) shape[T] {
	before := sh.absent
	sh.absent = func(into *T) {
		before(into)
		defaults(into)
	}
	return sh
}
