package jws

import (
	"strconv"

	"github.com/wayleave/wayleave/internal/strictjson"
)

// Limits of a key set.
const (
	maxSet        = 1 << 20 // of the document, in bytes
	maxKeys       = 100
	maxCandidates = 8
)

// Set is a provider's key set (RFC 7517 section 5): those of its keys that can
// verify signatures. It is immutable and safe for concurrent use. The zero Set
// has no keys.
type Set struct {
	keys []*Key
}

// Skipped is a key of a set that cannot be used. It does no harm to the others.
type Skipped struct {
	Index  int    // in the set, from 0
	KeyID  string // reduced to printable ASCII
	Reason string
	// Exposed says that the provider published the private part of the key, or
	// a symmetric key: somebody should be told.
	Exposed bool
}

// String names the key and the reason.
func (s Skipped) String() string {
	name := "key " + strconv.Itoa(s.Index)
	if s.KeyID != "" {
		name += " (" + s.KeyID + ")"
	}
	return name + ": " + s.Reason
}

// ParseSet reads a key set document, key by key. The error says that the
// document as a whole cannot be read; the JSON errors are those of strictjson.
// Keys beyond the hundredth are skipped together.
func ParseSet(data []byte) (*Set, []Skipped, error) {
	doc, err := strictjson.Parse(data, maxSet)
	if err != nil {
		return nil, nil, err
	}
	list, ok, err := doc.Array("keys")
	if err != nil {
		return nil, nil, err
	}
	if !ok {
		return nil, nil, &strictjson.TypeError{Member: "keys", Want: strictjson.KindArray, Got: doc.Kind("keys")}
	}
	set := &Set{}
	var skipped []Skipped
	for i, v := range list.All() {
		if i == maxKeys {
			skipped = append(skipped, Skipped{Index: i, Reason: "this and all further keys are beyond the limit of 100"})
			break
		}
		key, s := parseKey(v)
		if key == nil {
			s.Index = i
			skipped = append(skipped, s)
			continue
		}
		set.keys = append(set.keys, key)
	}
	return set, skipped, nil
}

// Len returns the number of keys.
func (s *Set) Len() int { return len(s.keys) }

// Candidates returns the keys that may have signed a token with this header,
// at most eight: those for the algorithm with exactly this kid, or, if the
// token names none, all for the algorithm. Several keys may have one kid.
func (s *Set) Candidates(alg, kid string) []*Key {
	var found []*Key
	for _, k := range s.keys {
		if (kid == "" || k.ID == kid) && k.suits(alg) && len(found) < maxCandidates {
			found = append(found, k)
		}
	}
	return found
}
