// Package strictjson reads JSON that somebody else wrote: token answers,
// metadata, key sets, token headers and claims.
//
// Most callers use [Parse], then the typed accessors of [Object]:
//
//	answer, err := strictjson.Parse(body, 1<<20)
//	token, ok, err := answer.String("access_token")
//
// It exists because encoding/json is made for convenience: it fills a field
// "sub" from a member "SUB" or "ſub", lets the last of several equal names win,
// and replaces what is not text by U+FFFD. Two parties that read the same
// bytes then see different claims. Here member names are compared byte for
// byte, and a text that two readers could read differently is refused: equal
// names or names that differ only in case (RFC 8725 section 2.6 and 3.7), text
// that is not UTF-8, a byte order mark, lone surrogates, anything after the
// value, nesting deeper than [MaxDepth].
//
// Numbers are kept as text until somebody says what they should be: see
// [NumericDate] and [Seconds].
//
// All values are immutable views of one parsed document and safe for
// concurrent use. Errors never hold a value, only names and offsets.
package strictjson

import (
	"math"
	"unicode/utf8"
)

// MaxDepth is how deep arrays and objects may nest; the outermost counts.
const MaxDepth = 32

// Parse reads data, which must be a single JSON object of at most limit bytes.
// The data is copied. The error is a *SizeError, *SyntaxError or *DuplicateError.
func Parse(data []byte, limit int) (Object, error) {
	doc, err := parse(data, limit, KindObject)
	return Object{doc: doc}, err
}

// ParseArray is Parse for the few answers that are an array at top level.
func ParseArray(data []byte, limit int) (Array, error) {
	doc, err := parse(data, limit, KindArray)
	return Array{doc: doc}, err
}

// document is a parsed text with one node for each value in it, in the order
// of the text: a container is followed by its content.
type document struct {
	src   string
	nodes []node
}

// node describes one value by its place in the text. Offsets are 32 bits wide
// because a document is mostly nodes.
type node struct {
	nameStart, nameEnd uint32 // member name without its quotes
	start, end         uint32 // the value as written
	next               uint32 // index of the node behind this value and all it contains
	fold               uint32 // hash of the member name, equal for names that differ in case
	kind               Kind
	nameEscaped        bool
	escaped            bool // a string with backslashes
}

func parse(data []byte, limit int, want Kind) (*document, error) {
	if limit = min(limit, math.MaxInt32); len(data) > limit {
		return nil, &SizeError{Limit: limit}
	}
	if !utf8.Valid(data) {
		return nil, &SyntaxError{Offset: invalidAt(data), Reason: "not UTF-8"}
	}
	const byteOrderMark = "\ufeff"
	if len(data) >= len(byteOrderMark) && string(data[:len(byteOrderMark)]) == byteOrderMark {
		return nil, &SyntaxError{Reason: "byte order mark"}
	}
	s := scanner{src: string(data), nodes: make([]node, 0, 4+len(data)/24)}
	s.space()
	start := s.pos
	if err := s.value(node{}, 1); err != nil {
		return nil, err
	}
	if got := s.nodes[0].kind; got != want {
		return nil, &SyntaxError{Offset: start, Reason: got.String() + " at top level, not " + want.String()}
	}
	if s.space(); s.pos != len(s.src) {
		return nil, s.fail("something after the value")
	}
	return &document{src: s.src, nodes: s.nodes}, nil
}

func invalidAt(data []byte) int {
	at := 0
	for at < len(data) {
		r, n := utf8.DecodeRune(data[at:])
		if r == utf8.RuneError && n <= 1 {
			break
		}
		at += n
	}
	return at
}
