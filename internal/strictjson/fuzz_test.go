package strictjson_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/wayleave/wayleave/internal/strictjson"
)

// What is accepted here means the same to encoding/json, and what encoding/json
// accepts is refused here only for one of the reasons that the package names.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		`{}`, `{"a":[1,{"b":null}],"c":"\ud83d\ude00\n"}`, `{"sub":1,"\u0073ub":2}`, `{"k":1,"\u212a":2}`, `[true,false]`,
		`{"a":-0.5e+10}`, "\ufeff{}", `{"a":"\ud800"}`, " {\t\"\":\"\x7f\"}\r\n", string(claims),
		strings.Repeat(`{"a":`, 33) + `1` + strings.Repeat(`}`, 33),
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		object, err := strictjson.Parse(data, limit)
		if err != nil {
			if array, err := strictjson.ParseArray(data, limit); err == nil {
				compareArray(t, array, reference(t, data).([]any))
				return
			}
			explainRefusal(t, data, err)
			return
		}
		compareObject(t, object, reference(t, data).(map[string]any))
		if rest := object.Without(""); rest.Len() > object.Len() {
			t.Error("Without adds something")
		}
	})
}

func reference(t *testing.T, data []byte) (v any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if err := d.Decode(&v); err != nil || !json.Valid(data) {
		t.Fatalf("encoding/json refuses %q: %v", data, err)
	}
	return v
}

func compareObject(t *testing.T, o strictjson.Object, want map[string]any) {
	t.Helper()
	if o.Len() != len(want) {
		t.Fatalf("%d members, want %d", o.Len(), len(want))
	}
	for name, v := range o.All() {
		w, ok := want[name]
		if !ok || !o.Has(name) {
			t.Fatalf("member %q is only in one", name)
		}
		compare(t, v, w)
		compare(t, o.Get(name), w)
	}
}

func compareArray(t *testing.T, a strictjson.Array, want []any) {
	t.Helper()
	if a.Len() != len(want) {
		t.Fatalf("%d elements, want %d", a.Len(), len(want))
	}
	for i, v := range a.All() {
		compare(t, v, want[i])
	}
}

func compare(t *testing.T, v strictjson.Value, want any) {
	t.Helper()
	ok, err := true, error(nil)
	switch w := want.(type) {
	case nil:
		ok = v.Kind() == strictjson.KindNull
	case bool:
		var b bool
		b, ok, err = v.AsBool()
		ok = ok && b == w
	case json.Number:
		var n string
		n, ok, err = v.AsNumber()
		ok = ok && n == w.String()
	case string:
		var s string
		s, ok, err = v.AsString()
		ok = ok && s == w
	case map[string]any:
		var o strictjson.Object
		if o, ok, err = v.AsObject(); ok {
			compareObject(t, o, w)
		}
	case []any:
		var a strictjson.Array
		if a, ok, err = v.AsArray(); ok {
			compareArray(t, a, w)
		}
	}
	if !ok || err != nil {
		t.Fatalf("got %s %s, want %#v (%v)", v.Kind(), v.Raw(), want, err)
	}
}

// explainRefusal finds out independently whether the reason holds.
func explainRefusal(t *testing.T, data []byte, err error) {
	t.Helper()
	syntax, isSyntax := errors.AsType[*strictjson.SyntaxError](err)
	_, isDuplicate := errors.AsType[*strictjson.DuplicateError](err)
	switch {
	case isDuplicate:
		if !hasTwins(data) {
			t.Errorf("%q has no equal names: %v", data, err)
		}
	case !isSyntax:
		t.Errorf("%q: unexpected %T", data, err)
	case syntax.Offset < 0 || syntax.Offset > len(data):
		t.Errorf("%q: offset %d", data, syntax.Offset)
	case !json.Valid(data), !utf8.Valid(data):
	case syntax.Reason == "lone surrogate" && bytes.Contains(bytes.ToLower(data), []byte(`\ud`)):
	case syntax.Reason == "nested too deeply" && bytes.Count(data, []byte("{"))+bytes.Count(data, []byte("[")) > strictjson.MaxDepth:
	case strings.HasSuffix(syntax.Reason, " at top level, not object") && data[syntax.Offset] != '{':
	default:
		t.Errorf("%q is good enough for encoding/json, and refused: %v", data, err)
	}
}

// hasTwins reads tokens until there are two equal names in one object.
func hasTwins(data []byte) bool {
	type level struct {
		names  []string
		object bool
		value  bool // the next token is a value, not a name
	}
	var stack []*level
	d := json.NewDecoder(bytes.NewReader(data))
	for {
		token, err := d.Token()
		if err != nil {
			return false
		}
		if delim, ok := token.(json.Delim); ok && (delim == '}' || delim == ']') {
			stack = stack[:len(stack)-1]
			continue
		}
		if len(stack) > 0 {
			if top := stack[len(stack)-1]; top.object && !top.value {
				name := token.(string)
				for _, other := range top.names {
					if strings.EqualFold(name, other) {
						return true
					}
				}
				top.names, top.value = append(top.names, name), true
				continue
			} else {
				top.value = false
			}
		}
		if delim, ok := token.(json.Delim); ok {
			stack = append(stack, &level{object: delim == '{'})
		}
	}
}
