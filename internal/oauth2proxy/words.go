package oauth2proxy

import "strings"

// word is a word of a command line.
type word struct {
	text string
	line int
}

// arguments reads a command line, as theirs does: --name=value, --name value,
// and --name alone for a boolean. Other words are skipped: the program's name,
// and those of whatever starts it.
func (s *settings) arguments(words []word) {
	for i := 0; i < len(words); i++ {
		w := words[i]
		if s.environment(w.text, w.line) {
			continue
		}
		name, value, hasValue := strings.Cut(w.text, "=")
		bare := strings.TrimLeft(name, "-")
		if dashes := len(name) - len(bare); dashes < 1 || dashes > 2 || len(bare) < 2 {
			continue
		}
		o := s.name(name, w.line)
		if o == nil {
			continue
		}
		new := setting{option: o, written: "--" + o.flag, line: w.line, rank: onCommandLine}
		switch {
		case hasValue:
		case o.kind == boolean:
			value = "true"
		case i+1 < len(words) && !strings.HasPrefix(words[i+1].text, "--"):
			i++
			value = words[i].text
		default:
			new.bad = "it has no value"
		}
		new.values = valuesOf(o, value)
		s.set(new)
	}
}

const prefix = "OAUTH2_PROXY_"

// environment reads NAME=value, if it is one of theirs.
func (s *settings) environment(text string, line int) bool {
	text = strings.TrimPrefix(text, "Environment=")
	name, value, ok := strings.Cut(text, "=")
	if !ok || !strings.HasPrefix(name, prefix) {
		return false
	}
	s.variable(name, value, line)
	return true
}

func (s *settings) variable(name, value string, line int) {
	if o := s.name(name, line); o != nil {
		s.set(setting{option: o, written: prefix + strings.ToUpper(spelling(o.key)), values: valuesOf(o, value), line: line, rank: inEnvironment})
	}
}

func valuesOf(o *option, value string) []string {
	if o.kind == list {
		return split(value)
	}
	return []string{value}
}

// lines reads text that is neither TOML nor YAML: a shell script, a systemd
// unit, a file of environment lines, or bare arguments.
func (s *settings) lines(content string) {
	l := &lexer{rest: content, line: 1}
	var command []word
	for l.rest != "" {
		words := l.logicalLine(s)
		if len(words) > 0 && words[0].text == "export" {
			words = words[1:]
		}
		if v, ok := wholeLine(words); ok {
			s.environment(v, words[0].line)
			continue
		}
		command = append(command, words...)
	}
	s.arguments(command)
}

// wholeLine: in a file of environment lines a value can hold spaces.
func wholeLine(words []word) (string, bool) {
	if len(words) == 0 || !strings.HasPrefix(words[0].text, prefix) {
		return "", false
	}
	texts := []string{words[0].text}
	for _, w := range words[1:] {
		if strings.HasPrefix(w.text, "-") || strings.Contains(w.text, "=") {
			return "", false
		}
		texts = append(texts, w.text)
	}
	return strings.Join(texts, " "), true
}

// lexer splits lines into words as a shell does, but for variables.
type lexer struct {
	rest string
	line int
}

// logicalLine reads the words of one line. A backslash at its end continues it.
// A word whose quote is not closed on its line is left out: nobody knows what
// it swallowed.
func (l *lexer) logicalLine(s *settings) []word {
	var words []word
	for fresh := true; ; fresh = false {
		l.rest = strings.TrimLeft(l.rest, " \t\r")
		switch {
		case l.rest == "":
			return words
		case fresh && strings.ContainsRune("#;", rune(l.rest[0])):
			l.toLineEnd()
		case l.rest[0] == '\n':
			l.rest = l.rest[1:]
			l.line++
			return words
		case strings.HasPrefix(l.rest, "\\\n"), strings.HasPrefix(l.rest, "\\\r\n"):
			l.toLineEnd()
			l.rest = l.rest[1:]
			l.line++
		default:
			line := l.line
			if text, ok := l.word(); ok {
				words = append(words, word{text, line})
			} else {
				s.note("", line, Unknown, "a quote is not closed on its line; the word is left out")
				l.toLineEnd()
			}
		}
	}
}

func (l *lexer) toLineEnd() {
	if i := strings.IndexByte(l.rest, '\n'); i >= 0 {
		l.rest = l.rest[i:]
	} else {
		l.rest = ""
	}
}

// word reads to the next space. It reports false if a quote is not closed.
func (l *lexer) word() (string, bool) {
	var b strings.Builder
	quote := byte(0)
	i := 0
	for ; i < len(l.rest); i++ {
		c := l.rest[i]
		switch {
		case c == '\n' || quote == 0 && strings.IndexByte(" \t\r", c) >= 0:
			l.rest = l.rest[i:]
			return b.String(), quote == 0
		case c == '\\' && quote != '\'' && i+1 < len(l.rest) && strings.IndexByte(" \"'\\", l.rest[i+1]) >= 0:
			i++
			b.WriteByte(l.rest[i])
		case c == '\\' && (strings.HasPrefix(l.rest[i:], "\\\n") || strings.HasPrefix(l.rest[i:], "\\\r\n")):
			l.rest = l.rest[i:]
			return b.String(), quote == 0
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case c == quote && quote != 0:
			quote = 0
		default:
			b.WriteByte(c)
		}
	}
	l.rest = ""
	return b.String(), quote == 0
}
