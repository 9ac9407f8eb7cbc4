package strictjson

import (
	"encoding/json"
	"iter"
	"math"
	"slices"
)

// Object is a JSON object. Names are compared byte for byte, after escapes are
// decoded. The zero Object is empty.
//
// The typed accessors return ok false for a member that is missing or null,
// and a *TypeError for one of another kind.
type Object struct {
	doc *document
	at  uint32
}

// Get returns a member; the zero Value if there is none.
func (o Object) Get(name string) Value {
	if o.doc == nil {
		return Value{}
	}
	nodes, fold := o.doc.nodes, foldHash(name)
	for at := o.at + 1; at < nodes[o.at].next; at = nodes[at].next {
		if n := &nodes[at]; n.fold == fold && nameIn(o.doc.src, n) == name {
			return Value{doc: o.doc, at: at, name: name}
		}
	}
	return Value{}
}

// Has reports whether there is a member of that name, null included.
func (o Object) Has(name string) bool { return o.Get(name).doc != nil }

// Kind returns the kind of a member; KindMissing if there is none.
func (o Object) Kind(name string) Kind { return o.Get(name).Kind() }

// String returns a member that is a string.
func (o Object) String(name string) (s string, ok bool, err error) { return o.Get(name).AsString() }

// Bool returns a member that is a boolean.
func (o Object) Bool(name string) (b, ok bool, err error) { return o.Get(name).AsBool() }

// Number returns a member that is a number, as written.
func (o Object) Number(name string) (text string, ok bool, err error) { return o.Get(name).AsNumber() }

// Object returns a member that is an object.
func (o Object) Object(name string) (v Object, ok bool, err error) { return o.Get(name).AsObject() }

// Array returns a member that is an array.
func (o Object) Array(name string) (v Array, ok bool, err error) { return o.Get(name).AsArray() }

// Strings returns a member that is an array of strings.
func (o Object) Strings(name string) (list []string, ok bool, err error) {
	return o.Get(name).AsStrings()
}

// OneOrMore returns a member that is a string or an array of strings.
func (o Object) OneOrMore(name string) (list []string, ok bool, err error) {
	return o.Get(name).AsOneOrMore()
}

// Raw returns a copy of a member as written, or nil if there is none.
func (o Object) Raw(name string) json.RawMessage { return o.Get(name).Raw() }

// All returns the members in the order of the text.
func (o Object) All() iter.Seq2[string, Value] {
	return func(yield func(string, Value) bool) {
		if o.doc == nil {
			return
		}
		nodes := o.doc.nodes
		for at := o.at + 1; at < nodes[o.at].next; at = nodes[at].next {
			name := nameIn(o.doc.src, &nodes[at])
			if !yield(name, Value{doc: o.doc, at: at, name: name}) {
				return
			}
		}
	}
}

// Names returns the names in the order of the text.
func (o Object) Names() (names []string) {
	for name := range o.All() {
		names = append(names, name)
	}
	return names
}

// Len returns the number of members.
func (o Object) Len() (n int) {
	for range o.All() {
		n++
	}
	return n
}

// JSON returns a copy of the object as written; "{}" for the zero Object.
func (o Object) JSON() []byte {
	if o.doc == nil {
		return []byte("{}")
	}
	n := o.doc.nodes[o.at]
	return []byte(o.doc.src[n.start:n.end])
}

// Without returns the object less the members of these names. It is a new
// document, in which no byte of what was left out remains.
func (o Object) Without(names ...string) Object {
	var b []byte
	separator := byte('{')
	for name, v := range o.All() {
		if !slices.Contains(names, name) {
			n := v.node()
			b = append(b, separator, '"')
			separator = ','
			b = append(b, o.doc.src[n.nameStart:n.nameEnd]...)
			b = append(b, `":`...)
			b = append(b, v.text()...)
		}
	}
	if b == nil {
		return Object{}
	}
	rest, err := Parse(append(b, '}'), math.MaxInt32)
	if err != nil {
		panic("strictjson: part of a document refused: " + err.Error())
	}
	return rest
}
