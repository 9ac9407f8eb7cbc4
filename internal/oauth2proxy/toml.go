package oauth2proxy

import (
	"strconv"
	"strings"
)

// toml reads the part of TOML that their config file uses: keys with a string,
// number, boolean or list. A line that is none of it gets a note, and reading
// goes on with the next.
type toml struct {
	*settings
	rest string
	line int
}

func (t *toml) read() {
	t.line = 1
	for t.rest != "" {
		t.skip(" \t\r\ufeff")
		switch {
		case t.rest == "":
		case t.rest[0] == '\n' || t.rest[0] == '#':
			t.nextLine()
		case t.rest[0] == '[':
			t.note("", t.line, Unknown, "a section: options of oauth2-proxy have none")
			t.nextLine()
		default:
			t.entry()
		}
	}
}

func (t *toml) entry() {
	line := t.line
	end := strings.IndexAny(t.rest, "=\n")
	if end < 0 || t.rest[end] == '\n' {
		t.note("", line, Unknown, `a line that is not key = "value"`)
		t.nextLine()
		return
	}
	name := strings.Trim(t.rest[:end], " \t\"'")
	t.take(end + 1)
	t.skip(" \t")
	o := t.name(name, line)
	values, isList, why := t.value()
	if t.skip(" \t\r"); why == "" && t.rest != "" && t.rest[0] != '\n' && t.rest[0] != '#' {
		why = "something stands behind its value"
	}
	t.nextLine()
	if o == nil {
		return
	}
	switch {
	case why != "":
	case o.kind == list && !isList:
		values = split(values[0])
	case o.kind != list && isList:
		why = "a list where one value is expected"
	}
	t.set(setting{option: o, written: name, values: values, line: line, bad: why})
}

// value reads one value, or a list of them.
func (t *toml) value() (values []string, isList bool, why string) {
	if !strings.HasPrefix(t.rest, "[") {
		v, why := t.scalar()
		return []string{v}, false, why
	}
	t.take(1)
	for {
		t.blank()
		if strings.HasPrefix(t.rest, "]") {
			t.take(1)
			return values, true, ""
		}
		v, why := t.scalar()
		if why != "" {
			return nil, true, why
		}
		values = append(values, v)
		t.blank()
		if strings.HasPrefix(t.rest, ",") {
			t.take(1)
		} else if !strings.HasPrefix(t.rest, "]") {
			return nil, true, "its list has no end"
		}
	}
}

func (t *toml) scalar() (value, why string) {
	for _, quote := range []string{`"""`, `'''`, `"`, `'`} {
		if inner, ok := strings.CutPrefix(t.rest, quote); ok {
			return t.quoted(inner, quote)
		}
	}
	end := strings.IndexAny(t.rest, " \t\r\n,]#")
	if end < 0 {
		end = len(t.rest)
	}
	word := t.rest[:end]
	if word == "true" || word == "false" {
		t.take(end)
		return word, ""
	}
	if _, err := strconv.ParseFloat(strings.ReplaceAll(word, "_", ""), 64); err != nil {
		return "", "its value has no quotes"
	}
	t.take(end)
	return strings.ReplaceAll(word, "_", ""), ""
}

// quoted reads to the closing quote. Short strings end on their line.
func (t *toml) quoted(inner, quote string) (value, why string) {
	for i := 0; i < len(inner); i++ {
		switch {
		case strings.HasPrefix(inner[i:], quote):
			t.take(len(quote) + i + len(quote))
			value = inner[:i]
			if len(quote) == 3 {
				value = strings.TrimPrefix(strings.TrimPrefix(value, "\r"), "\n")
			}
			if quote[0] == '\'' {
				return value, ""
			}
			return unescape(value)
		case inner[i] == '\\' && quote[0] == '"':
			i++
		case inner[i] == '\n' && len(quote) == 1:
			return "", "its value has no closing quote"
		}
	}
	return "", "its value has no closing quote"
}

// unescape: the escapes of TOML are among those of Go.
func unescape(value string) (string, string) {
	if !strings.Contains(value, `\`) {
		return value, ""
	}
	out, err := strconv.Unquote(`"` + strings.NewReplacer("\n", `\n`, "\r", `\r`, `\"`, `\"`, `"`, `\"`, `\\`, `\\`).Replace(value) + `"`)
	if err != nil {
		return "", "its value has an escape that is none"
	}
	return out, ""
}

func (t *toml) skip(set string) { t.rest = strings.TrimLeft(t.rest, set) }

// blank skips space, line ends and comments in a list.
func (t *toml) blank() {
	for t.skip(" \t\r"); t.rest != "" && (t.rest[0] == '\n' || t.rest[0] == '#'); t.skip(" \t\r") {
		t.nextLine()
	}
}

func (t *toml) take(n int) {
	t.line += strings.Count(t.rest[:n], "\n")
	t.rest = t.rest[n:]
}

func (t *toml) nextLine() {
	if i := strings.IndexByte(t.rest, '\n'); i >= 0 {
		t.take(i + 1)
	} else {
		t.rest = ""
	}
}
