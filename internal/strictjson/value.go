package strictjson

import (
	"encoding/json"
	"iter"
	"strconv"
)

// Value is one value in a document. The zero Value is one that is not there.
//
// Each As… method returns ok false for a value that is missing or null, which
// is how absence is written in practice, and a *TypeError for one of another kind.
type Value struct {
	doc  *document
	at   uint32
	name string // as asked for, for errors
}

func (v Value) node() *node { return &v.doc.nodes[v.at] }

// Kind returns the kind; KindMissing if the value is not there.
func (v Value) Kind() Kind {
	if v.doc == nil {
		return KindMissing
	}
	return v.node().kind
}

// is reports whether the value is of the wanted kind.
func (v Value) is(want Kind) (bool, error) {
	switch got := v.Kind(); got {
	case want:
		return true, nil
	case KindMissing, KindNull:
		return false, nil
	default:
		return false, &TypeError{Member: printable(v.name), Want: want, Got: got}
	}
}

// text returns the value as written.
func (v Value) text() string { n := v.node(); return v.doc.src[n.start:n.end] }

// AsString returns a string, decoded.
func (v Value) AsString() (s string, ok bool, err error) {
	if ok, err = v.is(KindString); !ok {
		return "", false, err
	}
	s = v.text()
	s = s[1 : len(s)-1]
	if v.node().escaped {
		s = unescape(s)
	}
	return s, true, nil
}

// AsBool returns a boolean. Strings and numbers are no booleans.
func (v Value) AsBool() (b, ok bool, err error) {
	if ok, err = v.is(KindBool); !ok {
		return false, false, err
	}
	return v.text() == "true", true, nil
}

// AsNumber returns a number as written.
func (v Value) AsNumber() (text string, ok bool, err error) {
	if ok, err = v.is(KindNumber); !ok {
		return "", false, err
	}
	return v.text(), true, nil
}

// AsObject returns an object; an empty one if there is none.
func (v Value) AsObject() (o Object, ok bool, err error) {
	if ok, err = v.is(KindObject); !ok {
		return Object{}, false, err
	}
	return Object{doc: v.doc, at: v.at}, true, nil
}

// AsArray returns an array; an empty one if there is none.
func (v Value) AsArray() (a Array, ok bool, err error) {
	if ok, err = v.is(KindArray); !ok {
		return Array{}, false, err
	}
	return Array{doc: v.doc, at: v.at}, true, nil
}

// AsStrings returns the elements of an array, all of which must be strings.
func (v Value) AsStrings() (list []string, ok bool, err error) {
	array, ok, err := v.AsArray()
	if !ok {
		return nil, false, err
	}
	list, err = array.Strings()
	return list, err == nil, err
}

// AsOneOrMore is AsStrings that takes a single string for an array of one: the
// form of aud in RFC 7519 section 4.1.3.
func (v Value) AsOneOrMore() (list []string, ok bool, err error) {
	if v.Kind() != KindString {
		return v.AsStrings()
	}
	s, ok, err := v.AsString()
	return []string{s}, ok, err
}

// Raw returns a copy of the value as written, or nil if it is not there.
func (v Value) Raw() json.RawMessage {
	if v.doc == nil {
		return nil
	}
	return json.RawMessage(v.text())
}

// Array is a JSON array. The zero Array is empty.
type Array struct {
	doc *document
	at  uint32
}

// All returns the elements with their indexes.
func (a Array) All() iter.Seq2[int, Value] {
	return func(yield func(int, Value) bool) {
		if a.doc == nil {
			return
		}
		nodes := a.doc.nodes
		for i, at := 0, a.at+1; at < nodes[a.at].next; i, at = i+1, nodes[at].next {
			if !yield(i, Value{doc: a.doc, at: at, name: strconv.Itoa(i)}) {
				return
			}
		}
	}
}

// Len returns the number of elements.
func (a Array) Len() (n int) {
	for range a.All() {
		n++
	}
	return n
}

// At returns the element with index i; the zero Value if there is none.
func (a Array) At(i int) Value {
	for j, v := range a.All() {
		if j == i {
			return v
		}
	}
	return Value{}
}

// Objects returns the elements, all of which must be objects: the first that
// is not ends the iteration with a *TypeError.
func (a Array) Objects() iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		for _, v := range a.All() {
			o, ok, err := v.AsObject()
			if !ok && err == nil {
				err = &TypeError{Member: v.name, Want: KindObject, Got: v.Kind()}
			}
			if !yield(o, err) || err != nil {
				return
			}
		}
	}
}

// Strings returns the elements, all of which must be strings.
func (a Array) Strings() ([]string, error) {
	list := make([]string, 0, a.Len())
	for _, v := range a.All() {
		s, ok, err := v.AsString()
		if !ok && err == nil {
			err = &TypeError{Member: v.name, Want: KindString, Got: v.Kind()}
		}
		if err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	return list, nil
}
