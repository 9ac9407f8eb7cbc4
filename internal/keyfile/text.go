package keyfile

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wayleave/wayleave/internal/seal"
)

const (
	versionWord = "wayleave-keys-1"
	anyVersion  = "wayleave-keys-"
)

// parse reports all mistakes at once, each as an *Error in a joined error.
func parse(path, text string) (*File, error) {
	f := &File{path: path}
	var mistakes []error
	wrong := func(line int, reason string) {
		mistakes = append(mistakes, &Error{File: path, Line: line, Reason: reason})
	}
	versioned := false
	var numbers []int // of the lines with keys
	for i, l := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		content, comment, _ := strings.Cut(l, "#")
		content = strings.TrimSpace(content)
		switch {
		case content == "":
			f.lines = append(f.lines, line{text: l})
		case content == versionWord && !versioned && len(numbers) == 0:
			versioned = true
			f.lines = append(f.lines, line{text: l})
		case strings.HasPrefix(content, anyVersion):
			wrong(i+1, "want "+versionWord+" once, before all keys; another version needs another wayleave")
		default:
			k, reason := parseKey(content, comment)
			if reason != "" {
				wrong(i+1, reason)
				continue
			}
			numbers = append(numbers, i+1)
			f.lines = append(f.lines, line{key: k})
		}
	}
	if len(mistakes) == 0 && len(numbers) > 1 && !versioned {
		wrong(numbers[0], fmt.Sprintf("a file of several keys begins with a line %q", versionWord))
	}
	if len(mistakes) > 0 {
		return nil, errors.Join(mistakes...)
	}
	if err := f.identify(numbers); err != nil {
		return nil, err
	}
	return f, nil
}

// identify gives each key its id, if together they make a ring.
func (f *File) identify(numbers []int) error {
	ring, err := seal.NewRing(f.Keys()...)
	if err != nil {
		return f.relate(err, numbers)
	}
	var mistakes []error
	var stated seal.KeyID
	for i, k := range f.keys() {
		stated, k.ID = k.ID, ring.IDs()[i]
		if stated != (seal.KeyID{}) && stated != k.ID {
			mistakes = append(mistakes, &Error{File: f.path, Line: numbers[i], Reason: fmt.Sprintf(
				"the key's id is %s, not %s as its comment says: the line is damaged, restore it from a copy", k.ID, stated)})
		}
	}
	return errors.Join(mistakes...)
}

// relate says of the ring's objections which lines they are about.
func (f *File) relate(err error, numbers []int) error {
	objections := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		objections = joined.Unwrap()
	}
	var mistakes []error
	for _, err := range objections {
		mistake := &Error{File: f.path, Reason: "holds no key; wayleave keys new makes a file with one"}
		if k, ok := errors.AsType[*seal.KeyError](err); ok && k.Index >= 0 {
			mistake.Line, mistake.Reason = numbers[k.Index], "the key "+k.Reason
		}
		mistakes = append(mistakes, mistake)
	}
	return errors.Join(mistakes...)
}

func parseKey(content, comment string) (k *key, reason string) {
	secret, reason := decode(content)
	if reason != "" {
		return nil, reason
	}
	k = &key{secret: secret}
	return k, k.parseComment(strings.TrimSpace(comment))
}

// decode takes what usual tools print for 32 bytes.
func decode(s string) (secret []byte, reason string) {
	secret, err := hex.DecodeString(s)
	if len(s) != 2*seal.KeySize || err != nil {
		secret, err = seal.Decode(strings.NewReplacer("+", "-", "/", "_").Replace(strings.TrimSuffix(s, "=")))
	}
	switch {
	case err != nil:
		return nil, fmt.Sprintf("want a key of %d bytes as base64 or hexadecimal; these %d characters are neither", seal.KeySize, len(s))
	case len(secret) != seal.KeySize:
		return nil, fmt.Sprintf("the key has %d bytes, want %d", len(secret), seal.KeySize)
	}
	return secret, ""
}

// parseComment reads "id ID, added TIME, promoted TIME; note", where all behind
// the id may be missing. A comment without an id is a note as a whole.
func (k *key) parseComment(comment string) (reason string) {
	if !strings.HasPrefix(comment, "id ") {
		k.note = comment
		return ""
	}
	fields, note, _ := strings.Cut(comment, ";")
	k.note = strings.TrimSpace(note)
	for field := range strings.SplitSeq(fields, ",") {
		word, value, _ := strings.Cut(strings.TrimSpace(field), " ")
		ok := false
		switch word {
		case "id":
			k.ID, ok = ParseID(value)
		case "added":
			k.Added, ok = parseTime(value)
		case "promoted":
			k.Promoted, ok = parseTime(value)
		}
		if !ok {
			return `want "id 1a2b3c4d, added 2026-11-23T02:25:00Z, promoted 2026-11-23T02:25:00Z; any note" behind the key`
		}
	}
	return ""
}

func parseTime(s string) (time.Time, bool) {
	t, err := time.Parse(time.RFC3339, s)
	return t, err == nil
}

// ParseID reads a key's id as [seal.KeyID] prints it.
func ParseID(s string) (id seal.KeyID, ok bool) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(id) {
		return id, false
	}
	return seal.KeyID(b), true
}

// text is the file as it is written, always with the version word.
func (f *File) text() string {
	var b strings.Builder
	if !slices.ContainsFunc(f.lines, line.isVersion) {
		b.WriteString(versionWord + "\n")
	}
	for _, l := range f.lines {
		b.WriteString(l.String() + "\n")
	}
	return b.String()
}

func (l line) isVersion() bool {
	content, _, _ := strings.Cut(l.text, "#")
	return strings.TrimSpace(content) == versionWord
}

func (l line) String() string {
	if l.key == nil {
		return l.text
	}
	s := seal.Encode(l.key.secret) + " # id " + l.key.ID.String()
	if !l.key.Added.IsZero() {
		s += ", added " + l.key.Added.Format(time.RFC3339)
	}
	if !l.key.Promoted.IsZero() {
		s += ", promoted " + l.key.Promoted.Format(time.RFC3339)
	}
	if l.key.note != "" {
		s += "; " + l.key.note
	}
	return s
}
