package strictjson_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/wayleave/wayleave/internal/strictjson"
)

const limit = 1 << 20

func parse(t *testing.T, text string) strictjson.Object {
	t.Helper()
	o, err := strictjson.Parse([]byte(text), limit)
	if err != nil {
		t.Fatalf("refused %s: %v", text, err)
	}
	return o
}

func TestNET10_WhatIsRefused(t *testing.T) {
	deep := func(n int) string { return strings.Repeat(`{"a":`, n-1) + `{}` + strings.Repeat("}", n-1) }
	many := func(last string) string {
		var b strings.Builder
		for i := range 100 {
			fmt.Fprintf(&b, `"name%d":1,`, i)
		}
		return "{" + b.String() + `"` + last + `":1}`
	}
	for _, c := range []struct{ name, text, want string }{
		{"A073 empty", ``, "JSON refused at byte 0: unexpected end"},
		{"A073 only spaces", " \n", "JSON refused at byte 2: unexpected end"},
		{"A073 null at top level", `null`, "JSON refused at byte 0: null at top level, not object"},
		{"A035 array at top level", ` [{}]`, "JSON refused at byte 1: array at top level, not object"},
		{"A073 string at top level", `"{}"`, "JSON refused at byte 0: string at top level, not object"},
		{"A035 HTML", `<html></html>`, "JSON refused at byte 0: a value was expected"},
		{"A035 byte order mark", "\ufeff{}", "JSON refused at byte 0: byte order mark"},
		{"A035 trailing garbage", `{} x`, "JSON refused at byte 3: something after the value"},
		{"A073 second value", `{}{}`, "JSON refused at byte 2: something after the value"},
		{"A073 truncated in a name", `{"a`, "JSON refused at byte 3: unexpected end of a string"},
		{"A073 truncated after a name", `{"a"`, "JSON refused at byte 4: a colon was expected"},
		{"A073 truncated after a colon", `{"a":`, "JSON refused at byte 5: unexpected end"},
		{"A073 truncated after a value", `{"a":1`, "JSON refused at byte 6: a comma or } was expected"},
		{"A073 truncated in an array", `{"a":[1`, "JSON refused at byte 7: a comma or ] was expected"},
		{"A073 truncated in an escape", `{"a":"\`, "JSON refused at byte 6: unexpected end of a string"},
		{"trailing comma in an object", `{"a":1,}`, "JSON refused at byte 7: a member name was expected"},
		{"trailing comma in an array", `{"a":[1,]}`, "JSON refused at byte 8: a value was expected"},
		{"name without quotes", `{a:1}`, "JSON refused at byte 1: a member name was expected"},
		{"single quotes", `{'a':1}`, "JSON refused at byte 1: a member name was expected"},
		{"comment", `{/**/}`, "JSON refused at byte 1: a member name was expected"},
		{"literal in capitals", `{"a":TRUE}`, "JSON refused at byte 5: a value was expected"},
		{"literal with a tail", `{"a":nulls}`, "JSON refused at byte 9: a comma or } was expected"},
		{"form feed as space", "{\f}", "JSON refused at byte 1: a member name was expected"},
		{"no-break space as space", "{\u00a0}", "JSON refused at byte 1: a member name was expected"},
		{"NUL between values", "{\x00}", "JSON refused at byte 1: a member name was expected"},
		{"number with leading zero", `{"a":01}`, "JSON refused at byte 6: a comma or } was expected"},
		{"number with plus sign", `{"a":+1}`, "JSON refused at byte 5: a value was expected"},
		{"number that is a minus sign", `{"a":-}`, "JSON refused at byte 6: a digit was expected"},
		{"number ending in its point", `{"a":1.}`, "JSON refused at byte 7: a digit was expected after the point"},
		{"number beginning with its point", `{"a":.5}`, "JSON refused at byte 5: a value was expected"},
		{"number with empty exponent", `{"a":1e+}`, "JSON refused at byte 8: a digit was expected in the exponent"},
		{"number in hexadecimal", `{"a":0x1}`, "JSON refused at byte 6: a comma or } was expected"},
		{"NaN", `{"a":NaN}`, "JSON refused at byte 5: a value was expected"},
		{"line break in a string", "{\"a\":\"\n\"}", "JSON refused at byte 6: control character in a string"},
		{"unknown escape", `{"a":"\x41"}`, "JSON refused at byte 6: unknown escape"},
		{"short escape", `{"a":"\u12"}`, "JSON refused at byte 6: four hexadecimal digits were expected"},
		{"A043 lone high surrogate", `{"a":"\ud800"}`, "JSON refused at byte 6: lone surrogate"},
		{"A043 lone low surrogate", `{"a":"\udc00"}`, "JSON refused at byte 6: lone surrogate"},
		{"A043 surrogates in the wrong order", `{"a":"\udc00\ud800"}`, "JSON refused at byte 6: lone surrogate"},
		{"A043 two high surrogates", `{"a":"\ud800\ud800"}`, "JSON refused at byte 6: lone surrogate"},
		{"A043 high surrogate and a letter", `{"a":"\ud800A"}`, "JSON refused at byte 6: lone surrogate"},
		{"A043 lone surrogate in a name", `{"\ud800":1}`, "JSON refused at byte 2: lone surrogate"},
		{"A043 lone surrogate as bytes", "{\"a\":\"\xed\xa0\x80\"}", "JSON refused at byte 6: not UTF-8"},
		{"A043 overlong slash", "{\"a\":\"\xc0\xaf\"}", "JSON refused at byte 6: not UTF-8"},
		{"A043 Latin-1", "{\"a\":\"\xe4\"}", "JSON refused at byte 6: not UTF-8"},
		{"A043 UTF-16 with its mark", "\xff\xfe{\x00}\x00", "JSON refused at byte 0: not UTF-8"},
		{"A043 UTF-16 without a mark", "{\x00}\x00", "JSON refused at byte 1: a member name was expected"},
		{"A035 33 levels", deep(33), "JSON refused at byte 160: nested too deeply"},
		{"A035 a million levels", strings.Repeat("[", 1_000_000), "JSON refused at byte 32: nested too deeply"},
		{"A073 member twice", `{"access_token":"x","access_token":"y"}`, `JSON refused at byte 20: member "access_token" is there twice`},
		{"A268 member twice by escape", `{"sub":"x","\u0073ub":"y"}`, `JSON refused at byte 11: member "sub" is there twice`},
		{"A268 member twice in an inner object", `{"a":[{"b":1,"b":2}]}`, `JSON refused at byte 13: member "b" is there twice`},
		{"A268 empty member twice", `{"":1,"":2}`, `JSON refused at byte 6: member "" is there twice`},
		{"A268 capitals", `{"sub":"x","SUB":"y"}`, `JSON refused at byte 11: member "SUB" differs from another only in case`},
		{"A268 long s", `{"sub":"x","ſub":"y"}`, `JSON refused at byte 11: member "??ub" differs from another only in case`},
		{"A073 long s in the middle", `{"access_token":"x","acceſſ_token":"y"}`, `JSON refused at byte 20: member "acce????_token" differs from another only in case`},
		{"A268 Kelvin sign", `{"kid":"x","\u212Aid":"y"}`, `JSON refused at byte 11: member "???id" differs from another only in case`},
		{"A268 Greek sigmas", `{"σ":1,"ς":2}`, `JSON refused at byte 8: member "??" differs from another only in case`},
		{"A268 twice among many", many("name7"), `JSON refused at byte 1091: member "name7" is there twice`},
		{"A268 capitals among many", many("NAME7"), `JSON refused at byte 1091: member "NAME7" differs from another only in case`},
	} {
		t.Run(c.name, func(t *testing.T) {
			o, err := strictjson.Parse([]byte(c.text), limit)
			if err == nil || err.Error() != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
			if o.Len() != 0 {
				t.Error("something of it was returned")
			}
		})
	}
}

func TestNET10_WhatIsAccepted(t *testing.T) {
	for _, c := range []struct{ name, text string }{
		{"empty object", `{}`},
		{"space everywhere", " \t\r\n{ \"a\" : [ 1 , 2 ] , \"b\" : { } } \n"},
		{"32 levels", strings.Repeat(`{"a":`, 31) + `[]` + strings.Repeat("}", 31)},
		{"all numbers", `{"a":[0,-0,1,-1,10,1.5,1e5,1E5,1e+5,1e-5,-0.0e-0,123456789012345678901234567890]}`},
		{"surrogate pair", `{"a":"\ud83d\ude00"}`},
		{"pair in a name", `{"\uD83D\uDE00":1}`},
		{"escaped NUL", `{"a":"\u0000"}`},
		{"mark inside of a string", "{\"a\":\"\ufeff\"}"},
		{"replacement character as such", "{\"a\":\"\ufffd\"}"},
		{"DEL and U+2028", "{\"a\":\"\x7f\u2028\"}"},
		{"A268 equal names in different objects", `{"a":{"b":1},"b":{"b":1},"c":[{"b":1},{"b":1}]}`},
		{"A268 names that differ in more than case", `{"ss":1,"ß":2,"i":3,"ı":4,"İ":5}`},
	} {
		t.Run(c.name, func(t *testing.T) { parse(t, c.text) })
	}
}

func TestNET10_Size(t *testing.T) {
	text := []byte(`{"a":1}`)
	if _, err := strictjson.Parse(text, len(text)); err != nil {
		t.Errorf("at the limit: %v", err)
	}
	_, err := strictjson.Parse(text, len(text)-1)
	if tooLong, ok := errors.AsType[*strictjson.SizeError](err); !ok || tooLong.Limit != 6 || err.Error() != "JSON longer than 6 bytes" {
		t.Errorf("over the limit: %v", err)
	}
}

func TestErrorsHoldNoValues(t *testing.T) {
	const canary = "canary-5f2c"
	for _, text := range []string{
		`{"a":"` + canary + `","a":"` + canary + `"}`,
		`{"a":"` + canary,
		`{"a":"` + canary + `" x}`,
		`"` + canary + `"`,
	} {
		if _, err := strictjson.Parse([]byte(text), limit); err == nil || strings.Contains(err.Error(), canary) {
			t.Errorf("%s: %v", text, err)
		}
	}
	_, _, err := parse(t, `{"a":"`+canary+`"}`).Number("a")
	if err == nil || strings.Contains(err.Error(), canary) {
		t.Error(err)
	}
}

func TestDuplicateErrorBoundsTheName(t *testing.T) {
	name := strings.Repeat("x", 1000) + `\n`
	_, err := strictjson.Parse([]byte(`{"`+name+`":1,"`+name+`":2}`), limit)
	twice, ok := errors.AsType[*strictjson.DuplicateError](err)
	if !ok || len(twice.Member) != 64 || twice.Case {
		t.Errorf("got %#v", err)
	}
}

func TestParseArray(t *testing.T) {
	a, err := strictjson.ParseArray([]byte(`[{"email":"a"},{"email":"b"}]`), limit)
	if err != nil || a.Len() != 2 {
		t.Fatal(a.Len(), err)
	}
	var got []string
	for o, err := range a.Objects() {
		s, ok, err2 := o.String("email")
		if err != nil || err2 != nil || !ok {
			t.Fatal(err, err2, ok)
		}
		got = append(got, s)
	}
	if !slices.Equal(got, []string{"a", "b"}) {
		t.Error(got)
	}
	if _, err := strictjson.ParseArray([]byte(`{}`), limit); err == nil || err.Error() != "JSON refused at byte 0: object at top level, not array" {
		t.Error(err)
	}
}

func TestAccessorsAreTyped(t *testing.T) {
	o := parse(t, `{"s":"x","e":"","b":false,"n":1.50,"null":null,"o":{"x":1},"a":["p","q"],"mixed":["p",1],"esc\u0061pe":"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00"}`)
	if s, ok, err := o.String("s"); s != "x" || !ok || err != nil {
		t.Error(s, ok, err)
	}
	if s, ok, err := o.String("e"); s != "" || !ok || err != nil {
		t.Error("empty string", s, ok, err)
	}
	if b, ok, err := o.Bool("b"); b || !ok || err != nil {
		t.Error(b, ok, err)
	}
	if n, ok, err := o.Number("n"); n != "1.50" || !ok || err != nil {
		t.Error(n, ok, err)
	}
	if v, ok, err := o.Object("o"); v.Len() != 1 || !ok || err != nil {
		t.Error(ok, err)
	}
	if v, ok, err := o.Array("a"); v.Len() != 2 || !ok || err != nil {
		t.Error(ok, err)
	}
	if v, ok, err := o.Strings("a"); !slices.Equal(v, []string{"p", "q"}) || !ok || err != nil {
		t.Error(v, ok, err)
	}
	if v, ok, err := o.OneOrMore("s"); !slices.Equal(v, []string{"x"}) || !ok || err != nil {
		t.Error(v, ok, err)
	}
	if s, _, _ := o.String("escape"); s != "\"\\/\b\f\n\r\té😀" {
		t.Errorf("%q", s)
	}
	if got := o.Kind("missing"); got != strictjson.KindMissing {
		t.Error(got)
	}
	if !o.Has("null") || o.Has("missing") || o.Has("S") {
		t.Error("Has")
	}
	if got := string(o.Raw("n")); got != "1.50" || o.Raw("missing") != nil {
		t.Error(got)
	}
	if got := o.Names(); !slices.Equal(got, []string{"s", "e", "b", "n", "null", "o", "a", "mixed", "escape"}) {
		t.Error(got)
	}
	if inner, _, _ := o.Object("o"); string(inner.JSON()) != `{"x":1}` {
		t.Error(string(inner.JSON()))
	}
	for _, name := range []string{"missing", "null"} {
		_, a, err1 := o.String(name)
		_, b, err2 := o.Bool(name)
		_, c, err3 := o.Number(name)
		_, d, err4 := o.Object(name)
		_, e, err5 := o.Array(name)
		_, f, err6 := o.Strings(name)
		_, g, err7 := o.OneOrMore(name)
		if err := errors.Join(err1, err2, err3, err4, err5, err6, err7); a || b || c || d || e || f || g || err != nil {
			t.Error(name, a, b, c, d, e, f, g, err)
		}
	}
	errOf := func(_, _ any, err error) error { return err }
	for want, err := range map[string]error{
		`member "n" is of kind number, not string`:   errOf(o.String("n")),
		`member "s" is of kind string, not boolean`:  errOf(o.Bool("s")),
		`member "s" is of kind string, not number`:   errOf(o.Number("s")),
		`member "a" is of kind array, not object`:    errOf(o.Object("a")),
		`member "o" is of kind object, not array`:    errOf(o.Array("o")),
		`member "s" is of kind string, not array`:    errOf(o.Strings("s")),
		`member "1" is of kind number, not string`:   errOf(o.Strings("mixed")),
		`member "o.x" is of kind number, not string`: errOf(o.StringAt("o.x")),
		`member "b" is of kind boolean, not array`:   errOf(o.OneOrMore("b")),
	} {
		if _, ok := errors.AsType[*strictjson.TypeError](err); !ok || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestArraysOfNull(t *testing.T) {
	a, _, _ := parse(t, `{"a":[null]}`).Array("a")
	if _, err := a.Strings(); err == nil || err.Error() != `member "0" is of kind null, not string` {
		t.Error(err)
	}
	for _, err := range a.Objects() {
		if err == nil || err.Error() != `member "0" is of kind null, not object` {
			t.Error(err)
		}
	}
}

func TestZeroValues(t *testing.T) {
	var o strictjson.Object
	if o.Has("a") || o.Len() != 0 || o.Names() != nil || string(o.JSON()) != "{}" || o.Path("a.b").Kind() != strictjson.KindMissing {
		t.Error("object")
	}
	var a strictjson.Array
	if a.Len() != 0 || a.At(0).Kind() != strictjson.KindMissing {
		t.Error("array")
	}
	var v strictjson.Value
	if s, ok, err := v.AsString(); s != "" || ok || err != nil || v.Raw() != nil {
		t.Error("value")
	}
}

func TestPath(t *testing.T) {
	o := parse(t, `{"data":{"email":"a","n":{"x":null}},"emails":[{"value":"b"},{"value":"c"}],"https://slack.com/user_id":"d",
		"https://example.com/claims":{"role":"e"},"x.y":"f","x":{"y":"g","z":"h"},"":"i","0":"j"}`)
	for path, want := range map[string]string{
		"data.email": "a", "emails.0.value": "b", "emails.1.value": "c", "https://slack.com/user_id": "d",
		"https://example.com/claims.role": "e", "x.y": "f", "x.z": "h", "0": "j",
	} {
		if s, ok, err := o.StringAt(path); s != want || !ok || err != nil {
			t.Errorf("%s: %q %v %v", path, s, ok, err)
		}
	}
	for _, path := range []string{"", ".", "data.", ".data", "data.phone", "data.email.x", "emails.2", "emails.-1", "emails.01",
		"emails.+1", "emails.x", "emails.0.", "data..email", "emails.99999999999999999999", "nothing"} {
		if o.HasAt(path) {
			t.Errorf("%q leads to something", path)
		}
	}
	if !o.HasAt("data.n.x") {
		t.Error("null is there")
	}
	if n, _, err := o.NumberAt("data.email"); n != "" || err == nil {
		t.Error("a string is no number")
	}
}

func TestWithoutLeavesNothingBehind(t *testing.T) {
	o := parse(t, `{"a":"secret1", "b":{"c": "secret1"},"\u0063":3,"d":"secret2"}`)
	if got := string(o.Without("a", "d").JSON()); got != `{"b":{"c": "secret1"},"\u0063":3}` {
		t.Error(got)
	}
	if got := string(o.Without("a", "b", "c", "d").JSON()); got != `{}` {
		t.Error(got)
	}
	if got := o.Without("nothing"); got.Len() != 4 {
		t.Error(got.Names())
	}
}
