package replicas_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// search finds values in files, as they are, in hexadecimal, and in base64 of
// either alphabet, wherever in a longer text that was encoded they stood.
type search struct {
	starts [1 << 16]bool // the first two bytes of a form
	count  int
	forms  map[[shortest]byte][]form // by their first bytes
}

// shortest is of the forms; what is shorter could be there by chance.
const shortest = 8

type form struct {
	what string // the value, or what it was made from
	text []byte
}

// add looks for a value, and for what it stands for if it is in base64 itself.
func (s *search) add(value string) {
	s.addBytes(value, []byte(value))
	_, tail, _ := strings.Cut(value, "/") // the provider's secrets have a prefix
	for _, part := range append(strings.Split(value, "."), tail) {
		if part != value && len(part) > 2*shortest {
			s.addBytes(value, []byte(part))
		}
		for _, e := range []*base64.Encoding{base64.RawURLEncoding, base64.StdEncoding} {
			if b, err := e.DecodeString(part); err == nil && len(b) > shortest {
				s.addBytes(value, b)
			}
		}
	}
}

func (s *search) addBytes(what string, value []byte) {
	if len(value) < shortest {
		return
	}
	s.addForm(what, value)
	s.addForm(what, []byte(hex.EncodeToString(value)))
	s.addForm(what, []byte(strings.ToUpper(hex.EncodeToString(value))))
	for before := range 3 { // that many bytes stand before it in a group of three
		n := before + len(value)
		for _, e := range []*base64.Encoding{base64.RawURLEncoding, base64.RawStdEncoding} {
			text := e.EncodeToString(append(make([]byte, before), value...))
			// Without the characters that other bytes have a part in.
			s.addForm(what, []byte(text[(before*8+5)/6:n*8/6]))
		}
	}
}

func (s *search) addForm(what string, text []byte) {
	if s.forms == nil {
		s.forms = map[[shortest]byte][]form{}
	}
	s.starts[int(text[0])<<8|int(text[1])] = true
	s.count++
	start := [shortest]byte(text)
	s.forms[start] = append(s.forms[start], form{what, text})
}

// in returns the values that are in data. It shares nothing, and would take ten
// times as long under the race detector.
//
//go:norace
func (s *search) in(data []byte) map[string]bool {
	found := map[string]bool{}
	for i := range max(0, len(data)-shortest+1) {
		if !s.starts[int(data[i])<<8|int(data[i+1])] {
			continue
		}
		for _, f := range s.forms[[shortest]byte(data[i:])] {
			if bytes.HasPrefix(data[i:], f.text) {
				found[f.what] = true
			}
		}
	}
	return found
}

// files searches all files in a folder, or one file. It returns the values by the file
// that they are in, and how many bytes it has read.
func (s *search) files(t *testing.T, path string) (found map[string]map[string]bool, size int) {
	t.Helper()
	found = map[string]map[string]bool{}
	err := filepath.WalkDir(path, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		if in := s.in(data); len(in) > 0 {
			found[path] = in
		}
		size += len(data)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // servers make and remove some
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return found, size
}

// Whatever the encoding, and wherever it stands, a value is found.
func TestTheSearchFinds(t *testing.T) {
	const value = "canary-of-the-search@example.com"
	var s search
	s.add(value)
	for _, encode := range []func([]byte) string{
		func(b []byte) string { return string(b) },
		hex.EncodeToString,
		func(b []byte) string { return strings.ToUpper(hex.EncodeToString(b)) },
		base64.StdEncoding.EncodeToString,
		base64.RawURLEncoding.EncodeToString,
	} {
		for before := range 5 {
			text := "\x00" + encode([]byte(strings.Repeat("\xfb", before)+value+"\xfb\xfb")) + "\x00"
			if !s.in([]byte(text))[value] {
				t.Errorf("not found in %q", text)
			}
			if len(s.in([]byte(strings.Replace(text, "n", "m", 1)[:len(text)/2]))) > 0 {
				t.Errorf("found in a half of %q", text)
			}
		}
	}
	var id search
	raw := []byte("\xfb\xff0123456789abcdef0123456789abcd")
	id.add(base64.RawURLEncoding.EncodeToString(raw))
	if len(id.in(raw)) != 1 {
		t.Error("an id that was decoded is not found")
	}
}
