package strictjson

import (
	"strconv"
	"strings"
)

// Path returns the value at a path such as "data.email" or "emails.0.value":
// member names and array indexes, joined by dots. At each object the longest
// beginning of the path that is a member name is taken, so that a claim like
// "https://slack.com/user_id" needs no quoting. The zero Value says that there
// is none.
func (o Object) Path(path string) Value {
	v := o.path(path)
	v.name = path
	return v
}

// HasAt reports whether there is a value at a path, null included.
func (o Object) HasAt(path string) bool { return o.Path(path).doc != nil }

// StringAt returns the string at a path.
func (o Object) StringAt(path string) (s string, ok bool, err error) { return o.Path(path).AsString() }

// NumberAt returns the number at a path, as written.
func (o Object) NumberAt(path string) (text string, ok bool, err error) {
	return o.Path(path).AsNumber()
}

func (o Object) path(path string) Value {
	for end := len(path); end > 0; end = strings.LastIndexByte(path[:end], '.') {
		if v := o.Get(path[:end]); v.doc != nil {
			if end == len(path) {
				return v
			}
			return v.path(path[end+1:])
		}
	}
	return Value{}
}

func (v Value) path(path string) Value {
	switch v.Kind() {
	case KindObject:
		o, _, _ := v.AsObject()
		return o.path(path)
	case KindArray:
		a, _, _ := v.AsArray()
		first, rest, more := strings.Cut(path, ".")
		i, err := strconv.Atoi(first)
		if err != nil || strconv.Itoa(i) != first { // "+1" and "01" are no indexes
			return Value{}
		}
		if element := a.At(i); more {
			return element.path(rest)
		} else {
			return element
		}
	}
	return Value{}
}
