package strictjson

import "strings"

// scanner makes the nodes in one pass. Its input is valid UTF-8, so that only
// the grammar of RFC 8259 is left to check.
type scanner struct {
	src   string
	pos   int
	nodes []node
}

func (s *scanner) fail(reason string) error {
	return &SyntaxError{Offset: s.pos, Reason: reason}
}

// peek returns the next byte, or 0 at the end. No grammar rule begins with 0.
func (s *scanner) peek() byte {
	if s.pos < len(s.src) {
		return s.src[s.pos]
	}
	return 0
}

func (s *scanner) space() {
	for s.pos < len(s.src) {
		switch s.src[s.pos] {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return
		}
	}
}

// value reads one value into a new node. The node comes with its member name,
// if it has one.
func (s *scanner) value(n node, depth int) (err error) {
	at := len(s.nodes)
	n.start = uint32(s.pos)
	switch c := s.peek(); {
	case c == '"':
		n.kind = KindString
		n.escaped, err = s.text()
	case c == '{' || c == '[':
		if depth > MaxDepth {
			return s.fail("nested too deeply")
		}
		n.kind = KindObject
		if c == '[' {
			n.kind = KindArray
		}
		s.nodes = append(s.nodes, n) // before its content
		if c == '{' {
			err = s.members(at, depth)
		} else {
			err = s.elements(depth)
		}
		s.nodes[at].end, s.nodes[at].next = uint32(s.pos), uint32(len(s.nodes))
		return err
	case c == '-' || c >= '0' && c <= '9':
		n.kind = KindNumber
		err = s.number()
	default:
		n.kind, err = s.literal()
	}
	n.end, n.next = uint32(s.pos), uint32(at+1)
	s.nodes = append(s.nodes, n)
	return err
}

func (s *scanner) literal() (Kind, error) {
	rest := s.src[s.pos:]
	for _, l := range [...]struct {
		text string
		kind Kind
	}{{"true", KindBool}, {"false", KindBool}, {"null", KindNull}} {
		if strings.HasPrefix(rest, l.text) {
			s.pos += len(l.text)
			return l.kind, nil
		}
	}
	if rest == "" {
		return KindMissing, s.fail("unexpected end")
	}
	return KindMissing, s.fail("a value was expected")
}

func (s *scanner) elements(depth int) error {
	s.pos++ // [
	if s.space(); s.peek() == ']' {
		s.pos++
		return nil
	}
	for {
		if err := s.value(node{}, depth+1); err != nil {
			return err
		}
		if more, err := s.more(']'); !more {
			return err
		}
	}
}

func (s *scanner) members(object, depth int) error {
	s.pos++ // {
	if s.space(); s.peek() == '}' {
		s.pos++
		return nil
	}
	var seen names
	for {
		n, err := s.member()
		if err != nil {
			return err
		}
		if err := s.unique(&seen, object, &n); err != nil {
			return err
		}
		if err := s.value(n, depth+1); err != nil {
			return err
		}
		if more, err := s.more('}'); !more {
			return err
		}
	}
}

// member reads a name and its colon.
func (s *scanner) member() (n node, err error) {
	if s.peek() != '"' {
		return n, s.fail("a member name was expected")
	}
	n.nameStart = uint32(s.pos + 1)
	if n.nameEscaped, err = s.text(); err != nil {
		return n, err
	}
	n.nameEnd = uint32(s.pos - 1)
	if s.space(); s.peek() != ':' {
		return n, s.fail("a colon was expected")
	}
	s.pos++
	s.space()
	return n, nil
}

// more reads what follows an element: a comma, or the end of the container.
func (s *scanner) more(end byte) (bool, error) {
	s.space()
	switch s.peek() {
	case ',':
		s.pos++
		s.space()
		return true, nil
	case end:
		s.pos++
		return false, nil
	}
	return false, s.fail("a comma or " + string(end) + " was expected")
}

// number reads a number of RFC 8259 section 6, which is stricter than what
// strconv accepts: no leading zero, no plus sign, digits on both sides of the dot.
func (s *scanner) number() error {
	if s.peek() == '-' {
		s.pos++
	}
	if s.peek() == '0' {
		s.pos++
	} else if !s.digits() {
		return s.fail("a digit was expected")
	}
	if s.peek() == '.' {
		s.pos++
		if !s.digits() {
			return s.fail("a digit was expected after the point")
		}
	}
	if c := s.peek(); c == 'e' || c == 'E' {
		s.pos++
		if c := s.peek(); c == '+' || c == '-' {
			s.pos++
		}
		if !s.digits() {
			return s.fail("a digit was expected in the exponent")
		}
	}
	return nil
}

func (s *scanner) digits() bool {
	start := s.pos
	for c := s.peek(); c >= '0' && c <= '9'; c = s.peek() {
		s.pos++
	}
	return s.pos > start
}
