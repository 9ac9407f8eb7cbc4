package oauth2proxy

import (
	"strings"

	"go.yaml.in/yaml/v4"
)

// yaml reads arguments and environment out of a compose or Kubernetes file, or
// a bare list. It reports false if the content is not YAML with a structure.
func (s *settings) yaml(content string) bool {
	const most = 100 // documents in a file
	d := yaml.NewDecoder(strings.NewReader(content))
	var roots []*yaml.Node
	for len(roots) < most {
		var n yaml.Node
		if err := d.Decode(&n); err != nil {
			if err.Error() != "EOF" {
				return false
			}
			break
		}
		roots = append(roots, &n)
	}
	structured := false
	for _, n := range roots {
		for _, c := range n.Content {
			structured = structured || c.Kind == yaml.MappingNode || c.Kind == yaml.SequenceNode
		}
	}
	if !structured {
		return false
	}
	for _, n := range roots {
		s.visit(n)
	}
	return true
}

// visit looks for what is theirs. Aliases are not followed: what they stand for
// was visited at its anchor.
func (s *settings) visit(n *yaml.Node) {
	switch n.Kind {
	case yaml.DocumentNode:
		for _, c := range n.Content {
			s.visit(c)
		}
	case yaml.SequenceNode:
		s.sequence(n)
	case yaml.MappingNode:
		s.mapping(n)
	case yaml.ScalarNode:
		if strings.Contains(n.Value, "--") || strings.Contains(n.Value, prefix) { // a command in one text
			s.lines(strings.Repeat("\n", max(n.Line, 1)-1) + n.Value)
		}
	}
}

// sequence: its texts are the arguments of one command, or environment lines.
func (s *settings) sequence(n *yaml.Node) {
	var words []word
	for _, c := range n.Content {
		switch {
		case c.Kind != yaml.ScalarNode:
			s.visit(c)
		case strings.Contains(c.Value, "\n"), !strings.HasPrefix(c.Value, "-") && strings.Contains(c.Value, " --"): // a script after "sh -c"
			s.visit(c)
		default:
			words = append(words, word{c.Value, c.Line})
		}
	}
	s.arguments(words)
}

func (s *settings) mapping(n *yaml.Node) {
	entry := map[string]*yaml.Node{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		entry[n.Content[i].Value] = n.Content[i+1]
	}
	if name := entry["name"]; name != nil && strings.HasPrefix(name.Value, prefix) { // as Kubernetes writes it
		if value := entry["value"]; value != nil {
			s.variable(name.Value, value.Value, name.Line)
		} else if o := s.name(name.Value, name.Line); o != nil {
			s.set(setting{option: o, written: name.Value, line: name.Line, rank: inEnvironment, bad: elsewhere})
		}
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Value == "extraArgs" && value.Kind == yaml.MappingNode { // as their Helm chart has it
			s.flags(value)
			continue
		}
		if strings.HasPrefix(key.Value, prefix) && value.Kind == yaml.ScalarNode {
			s.variable(key.Value, value.Value, key.Line)
		} else {
			s.visit(value)
		}
	}
}

// flags reads a map from flags to values.
func (s *settings) flags(n *yaml.Node) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if value.Kind == yaml.SequenceNode {
			for _, item := range value.Content {
				s.arguments([]word{{"--" + key.Value + "=" + item.Value, key.Line}})
			}
			continue
		}
		s.arguments([]word{{"--" + key.Value + "=" + value.Value, key.Line}})
	}
}

// elsewhere: the value is in a Secret or ConfigMap.
const elsewhere = "its value is in another object, which is not read"
