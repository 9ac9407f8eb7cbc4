package strictjson

import "strings"

// names finds equal names within one object. Few members are compared with
// each other, and only those whose hashes could be equal; many go into a map,
// whose own hash nobody outside can aim at.
type names struct {
	bits  uint64 // one for each value of six bits of the hash
	count int
	index map[string]struct{} // folded names, once there are many
}

const fewNames = 32

// unique hashes the name of n and refuses it if the object has it already.
func (s *scanner) unique(seen *names, object int, n *node) error {
	name := s.name(n)
	n.fold = foldHash(name)
	seen.count++
	if seen.count > fewNames {
		return s.uniqueOfMany(seen, object, n, name)
	}
	bit := uint64(1) << (n.fold >> 26)
	if seen.bits&bit != 0 {
		for i := object + 1; i < len(s.nodes); i = int(s.nodes[i].next) {
			if other := &s.nodes[i]; other.fold == n.fold && strings.EqualFold(s.name(other), name) {
				return duplicate(n, name, s.name(other))
			}
		}
	}
	seen.bits |= bit
	return nil
}

func (s *scanner) uniqueOfMany(seen *names, object int, n *node, name string) error {
	if seen.index == nil {
		seen.index = make(map[string]struct{}, 4*fewNames)
		for i := object + 1; i < len(s.nodes); i = int(s.nodes[i].next) {
			seen.index[strings.Map(foldRune, s.name(&s.nodes[i]))] = struct{}{}
		}
	}
	folded := strings.Map(foldRune, name)
	if _, there := seen.index[folded]; !there {
		seen.index[folded] = struct{}{}
		return nil
	}
	for i := object + 1; i < len(s.nodes); i = int(s.nodes[i].next) {
		if s.name(&s.nodes[i]) == name {
			return duplicate(n, name, name)
		}
	}
	return duplicate(n, name, "")
}

func duplicate(n *node, name, other string) error {
	return &DuplicateError{Offset: int(n.nameStart) - 1, Member: printable(name), Case: name != other}
}

// name returns the decoded member name.
func (s *scanner) name(n *node) string { return nameIn(s.src, n) }

func nameIn(src string, n *node) string {
	name := src[n.nameStart:n.nameEnd]
	if n.nameEscaped {
		return unescape(name)
	}
	return name
}
