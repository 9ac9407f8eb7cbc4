package oauth2proxy

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
)

// entries are a map of YAML in the order of writing.
type entries []entry

// entry has a value that is a string, a []string, a bool, entries or []entries.
// With no key it is a comment.
type entry struct {
	key     string
	value   any
	comment string
}

func (e *entries) add(key string, value any) { *e = append(*e, entry{key: key, value: value}) }

// addIf adds a text or list that is not empty.
func (e *entries) addIf(key string, value any) {
	switch v := value.(type) {
	case string:
		if v == "" {
			return
		}
	case []string:
		if len(v) == 0 {
			return
		}
	case entries:
		if len(v) == 0 {
			return
		}
	}
	e.add(key, value)
}

func (e *entries) remark(text string) { *e = append(*e, entry{comment: text}) }

func (e entries) bytes() []byte {
	var b bytes.Buffer
	e.write(&b, "")
	return b.Bytes()
}

func (e entries) write(b *bytes.Buffer, indent string) {
	for _, x := range e {
		if x.key == "" {
			for line := range strings.Lines(x.comment) {
				b.WriteString(indent + "# " + strings.TrimRight(line, "\n") + "\n")
			}
			continue
		}
		b.WriteString(indent + x.key + ":")
		switch v := x.value.(type) {
		case entries:
			if inline[x.key] {
				b.WriteString(" " + flow(v))
				break
			}
			b.WriteByte('\n')
			v.write(b, indent+"  ")
			continue
		case []entries:
			b.WriteByte('\n')
			for _, item := range v {
				item.item(b, indent+"  ")
			}
			continue
		default:
			b.WriteString(" " + flow(v))
		}
		if x.comment != "" {
			b.WriteString(" # " + x.comment)
		}
		b.WriteByte('\n')
	}
}

// item writes a map as an item of a list. One that is only comments is none.
func (e entries) item(b *bytes.Buffer, indent string) {
	var inner bytes.Buffer
	for len(e) > 0 && e[0].key == "" {
		e[:1].write(b, indent)
		e = e[1:]
	}
	if len(e) == 0 {
		return
	}
	e.write(&inner, indent+"  ")
	b.WriteString(indent + "- " + inner.String()[len(indent)+2:])
}

// inline are maps that are short, and read better on one line.
var inline = map[string]bool{"tls": true, "store": true, "upstream": true, "allow": true, "headers": true, "claims": true, "auth_params": true, "development": true, "session": true, "log": true, "branding": true}

// flow writes a value on one line.
func flow(value any) string {
	switch v := value.(type) {
	case bool:
		return strconv.FormatBool(v)
	case []string:
		var all []string
		for _, s := range v {
			all = append(all, quote(s))
		}
		return "[" + strings.Join(all, ", ") + "]"
	case entries:
		var all []string
		for _, x := range v {
			all = append(all, x.key+": "+flow(x.value))
		}
		return "{" + strings.Join(all, ", ") + "}"
	default:
		return quote(v.(string))
	}
}

var (
	plainForm  = regexp.MustCompile(`^[A-Za-z0-9/_]([A-Za-z0-9/._:@+~-]*[A-Za-z0-9/_])?$`)
	numberForm = regexp.MustCompile(`^[0-9][0-9_:.+-]*$|^0[xob]`)
	wordForm   = regexp.MustCompile(`(?i)^(true|false|null|yes|no|on|off|y|n)$`)
)

// quote writes a text so that it is read as that text.
func quote(s string) string {
	if _, err := strconv.ParseFloat(s, 64); err != nil && plainForm.MatchString(s) && !wordForm.MatchString(s) && (!numberForm.MatchString(s) || strings.Count(s, ".") == 3) {
		return s
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b) // JSON strings are YAML
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // writing to memory, of a string: cannot fail
	return strings.TrimSuffix(b.String(), "\n")
}
