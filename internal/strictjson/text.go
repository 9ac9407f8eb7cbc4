package strictjson

import (
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// special marks the bytes at which reading a string has to stop and think.
var special = func() (t [256]bool) {
	for c := range 0x20 {
		t[c] = true
	}
	t['"'], t['\\'] = true, true
	return t
}()

// text reads a string with its quotes and reports whether it has escapes.
func (s *scanner) text() (escaped bool, err error) {
	s.pos++ // "
	for {
		i := s.pos
		for i < len(s.src) && !special[s.src[i]] {
			i++
		}
		s.pos = i
		switch {
		case s.pos == len(s.src):
			return escaped, s.fail("unexpected end of a string")
		case s.src[s.pos] == '"':
			s.pos++
			return escaped, nil
		case s.src[s.pos] != '\\':
			return escaped, s.fail("control character in a string")
		}
		escaped = true
		if err := s.escape(); err != nil {
			return escaped, err
		}
	}
}

// escape reads one escape sequence, or the two of a surrogate pair.
func (s *scanner) escape() error {
	rest := s.src[s.pos:]
	if len(rest) < 2 {
		return s.fail("unexpected end of a string")
	}
	if rest[1] != 'u' {
		if strings.IndexByte(`"\/bfnrt`, rest[1]) < 0 {
			return s.fail("unknown escape")
		}
		s.pos += 2
		return nil
	}
	r, ok := hex4(rest)
	if !ok {
		return s.fail("four hexadecimal digits were expected")
	}
	if !utf16.IsSurrogate(r) {
		s.pos += 6
		return nil
	}
	if low, ok := hex4(rest[6:]); !ok || utf16.DecodeRune(r, low) == unicode.ReplacementChar {
		return s.fail("lone surrogate")
	}
	s.pos += 12
	return nil
}

// hex4 decodes the \uXXXX at the start of s.
func hex4(s string) (r rune, ok bool) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0, false
	}
	for _, c := range []byte(s[2:6]) {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// unescape decodes the inside of a string that text has accepted.
func unescape(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	for {
		i := strings.IndexByte(s, '\\')
		if i < 0 {
			b.WriteString(s)
			return b.String()
		}
		b.WriteString(s[:i])
		s = s[i:]
		if s[1] != 'u' {
			b.WriteByte(unescaped(s[1]))
			s = s[2:]
			continue
		}
		r, _ := hex4(s)
		s = s[6:]
		if utf16.IsSurrogate(r) {
			low, _ := hex4(s)
			r = utf16.DecodeRune(r, low)
			s = s[6:]
		}
		b.WriteRune(r)
	}
}

func unescaped(c byte) byte {
	switch c {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return c // quote, backslash, slash
}

// foldHash hashes a name so that names which differ only in case are equal.
func foldHash(name string) uint32 {
	h := uint32(2166136261)
	for i := 0; i < len(name); {
		r, n := rune(name[i]), 1
		switch {
		case r >= 'a' && r <= 'z':
			r -= 'a' - 'A'
		case r >= utf8.RuneSelf:
			r, n = utf8.DecodeRuneInString(name[i:])
			r = foldRune(r)
		}
		h = (h ^ uint32(r)) * 16777619
		i += n
	}
	return h
}

// foldRune returns the least of the runes that differ from r only in case: K
// for k and for the Kelvin sign.
func foldRune(r rune) rune {
	least := r
	for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
		least = min(least, next)
	}
	return least
}
