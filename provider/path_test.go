package provider

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/wayleave/wayleave/internal/strictjson"
)

const document = `{
	"id_token": {"sub": "u-1", "https://slack.com/team_id": "T1", "https://slack.com/user_id": "U1"},
	"userinfo": {
		"id": 583231, "big": 9007199254740993, "zeros": "00042", "float": 12.0, "exponent": 1e3, "negative": -5, "zero": 0,
		"true": true, "null": null, "empty": "", "object": {"a": "b"}, "list": ["x", "y"],
		"a.b": "dotted", "a": {"b": "nested", "c": "deep"}, "first": "Mara", "last": "Lind", "bar": "x|y",
		"images": [{"url": "https://i.example/0"}, {"url": "https://i.example/1"}], "image id": "1/2?3"
	},
	"emails": [
		{"email": "a@x.example", "primary": false, "verified": true},
		{"email": "b@x.example", "primary": true, "verified": false},
		{"email": "c@x.example", "primary": true, "verified": true},
		{"email": "d@x.example", "primary": true, "verified": true}
	],
	"text": [{"email": "t@x.example", "primary": "true"}],
	"mixed": ["not an object", {"email": "m@x.example", "primary": true}]
}`

func parsed(t testing.TB, text string) strictjson.Object {
	t.Helper()
	doc, err := strictjson.Parse([]byte(text), len(text))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestSubjectAt(t *testing.T) {
	doc := parsed(t, document)
	for _, tt := range []struct{ name, expression, want string }{
		{"A209 an integer", "userinfo.id", "583231"},
		{"A209 an integer beyond 2^53", "userinfo.big", "9007199254740993"},
		{"A209 leading zeros are kept", "userinfo.zeros", "00042"},
		{"A209 zero", "userinfo.zero", "0"},
		{"A209 a fraction is none", "userinfo.float", ""},
		{"A209 an exponent is none", "userinfo.exponent", ""},
		{"A209 a sign is none", "userinfo.negative", ""},
		{"A209 a boolean is none", "userinfo.true", ""},
		{"A209 null is none", "userinfo.null", ""},
		{"A209 an empty string is none", "userinfo.empty", ""},
		{"A209 an object is none", "userinfo.object", ""},
		{"A209 a list is none", "userinfo.list", ""},
		{"A209 an element", "userinfo.list.1", "y"},
		{"nothing there", "userinfo.nothing", ""},
		{"no such source", "nobody.id", ""},
		{"an empty expression", "", ""},
		{"dots in a name", "id_token.https://slack.com/team_id", "T1"},
		{"the longest name wins", "userinfo.a.b", "dotted"},
		{"what it does not have is found deeper", "userinfo.a.c", "deep"},
		{"an index", "userinfo.images.1.url", "https://i.example/1"},
		{"an index that is none", "userinfo.images.01.url", ""},
		{"an index beyond the end", "userinfo.images.2.url", ""},
		{"joined", "id_token.https://slack.com/team_id id_token.https://slack.com/user_id", "T1|U1"},
		{"joined, with spaces around", "  userinfo.id   userinfo.zero ", "583231|0"},
		{"joined, one is missing", "userinfo.id userinfo.nothing", ""},
		{"joined, one is empty", "userinfo.empty userinfo.id", ""},
		{"joined, one holds the separator", "userinfo.bar userinfo.id", ""},
		{"alone it may", "userinfo.bar", "x|y"},
		{"a filter", "emails[primary].email", "b@x.example"},
		{"a filter of two", "emails[primary,verified].email", "c@x.example"},
		{"a filter that nothing passes", "emails[primary,hidden].email", ""},
		{"a filter on text", "text[primary].email", ""},
		{"a filter over what is no list", "userinfo[primary].email", ""},
		{"a filter over what is not there", "nobody[primary].email", ""},
		{"a filter over what is no object", "mixed[primary].email", ""},
		{"a filter that is empty", "emails[].email", ""},
		{"a filter that is open", "emails[primary.email", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := subjectAt(doc, tt.expression); got != tt.want {
				t.Errorf("%q is %q, want %q", tt.expression, got, tt.want)
			}
		})
	}
}

// Two accounts whose parts differ have subjects that differ.
func TestComposedSubjectsDoNotCollide(t *testing.T) {
	seen := map[string]string{}
	parts := []string{"a", "b", "|", "a|b", "b|a", "a|", "|b", "||"}
	for _, x := range parts {
		for _, y := range parts {
			subject := subjectAt(parsed(t, fmt.Sprintf(`{"token":{"x":%q,"y":%q}}`, x, y)), "token.x token.y")
			if other, taken := seen[subject]; taken && subject != "" {
				t.Errorf("%q+%q and %s are both %q", x, y, other, subject)
			}
			seen[subject] = fmt.Sprintf("%q+%q", x, y)
		}
	}
	if len(seen) != 5 {
		t.Errorf("%d subjects, want four and the empty one", len(seen))
	}
}

func TestTextAt(t *testing.T) {
	doc := parsed(t, document)
	for expression, want := range map[string]string{
		"userinfo.first userinfo.last":                   "Mara Lind",
		"userinfo.first userinfo.middle userinfo.last":   "Mara Lind",
		"userinfo.nothing userinfo.last":                 "Lind",
		"userinfo.nothing":                               "",
		"userinfo.id":                                    "583231",
		"emails[primary,verified].email userinfo.object": "c@x.example",
	} {
		if got := textAt(doc, expression); got != want {
			t.Errorf("%q is %q, want %q", expression, got, want)
		}
	}
}

func TestPictureAt(t *testing.T) {
	doc := parsed(t, `{"userinfo":{"id":42,"avatar":"a/b?c#d%","host":"//evil.example","none":null,"url":"https://i.example/p","js":"javascript:alert(1)","data":"data:image/png;base64,AAAA","user":"https://u:p@i.example/"}}`)
	for expression, want := range map[string]string{
		"userinfo.url":  "https://i.example/p",
		"userinfo.js":   "",
		"userinfo.data": "",
		"userinfo.user": "",
		"userinfo.id":   "",
		"userinfo.host": "",
		"https://cdn.example/{userinfo.id}/{userinfo.avatar}.png": "https://cdn.example/42/a/b%3Fc%23d%25.png",
		"https://cdn.example/{userinfo.id}/{userinfo.none}.png":   "",
		"https://cdn.example/{userinfo.id":                        "https://cdn.example/42",
		"https://cdn.example/{userinfo.host}":                     "https://cdn.example///evil.example",
	} {
		if got := pictureURL(pictureAt(doc, expression)); got != want {
			t.Errorf("%q is %q, want %q", expression, got, want)
		}
	}
	if got := pictureURL("https://i.example/" + strings.Repeat("a", maxPicture)); got != "" {
		t.Errorf("a URL of %d bytes is kept", len(got))
	}
}

func TestDisplayName(t *testing.T) {
	for name, want := range map[string]string{
		"Zoë O’Neil & Søn":                      "Zoë O’Neil & Søn",
		"a\r\nSet-Cookie: b\x00\x7f\u0085":      "aSet-Cookie: b",
		"  spaces ":                             "spaces",
		strings.Repeat("ü", maxName) + "x":      strings.Repeat("ü", maxName),
		strings.Repeat("ü", maxName-1) + "x":    strings.Repeat("ü", maxName-1) + "x",
		strings.Repeat("a", maxName-1) + " bcd": strings.Repeat("a", maxName-1),
	} {
		if got := displayName(name); got != want {
			t.Errorf("%.30q is %.30q, want %.30q", name, got, want)
		}
	}
}

func TestA202_A210_EmailAddress(t *testing.T) {
	for _, tt := range []struct {
		name, value string
		accepted    bool
	}{
		{"an address", `"mara@home.example"`, true},
		{"a tag and an apostrophe", `"zoe.o'neil+bank@example.com"`, true},
		{"letters of the world", `"mära@bücher.example"`, true},
		{"A210 a user name", `"mara"`, false},
		{"A210 a number", `42`, false},
		{"A210 an object", `{"email":"mara@home.example"}`, false},
		{"nothing", `null`, false},
		{"empty", `""`, false},
		{"A202 two at-signs", `"victim@corp.example@evil.example"`, false},
		{"A202 quotes", `"\"a@corp.example\"@evil.example"`, false},
		{"A202 a line break", `"a@corp.example\n@evil.example"`, false},
		{"A202 a line break at the end", `"a@corp.example\r\n"`, false},
		{"A202 a list", `"a@evil.example,b@corp.example"`, false},
		{"A202 a comment", `"a(b)@corp.example"`, false},
		{"A202 a display name", `"Mara <a@corp.example>"`, false},
		{"A202 a space", `"a b@corp.example"`, false},
		{"A202 a no-break space", `"a\u00a0@corp.example"`, false},
		{"A202 a zero-width space", `"a\u200b@corp.example"`, false},
		{"A202 a direction mark", `"a\u202e@corp.example"`, false},
		{"A202 an address literal", `"a@[127.0.0.1]"`, false},
		{"no local part", `"@corp.example"`, false},
		{"no domain", `"a@"`, false},
		{"too long", `"` + strings.Repeat("a", 254) + `@corp.example"`, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := parsed(t, `{"email":`+tt.value+`}`).Get("email")
			if got := emailAddress(v); (got != "") != tt.accepted {
				t.Errorf("%s is %q", tt.value, got)
			}
		})
	}
}

func FuzzPaths(f *testing.F) {
	f.Add(document, "userinfo.id userinfo.bar")
	f.Add(document, "emails[primary,verified].email")
	f.Add(document, "https://cdn.example/{userinfo.id}/{userinfo.image id}.png")
	f.Add(`{"a[":[{"b":true}]}`, "a[[b].c]")
	f.Add(`{"":{"":""}}`, ". .. [] {}")
	f.Fuzz(func(t *testing.T, text, expression string) {
		doc, err := strictjson.Parse([]byte(text), 1<<16)
		if err != nil {
			return
		}
		subject := subjectAt(doc, expression)
		if subject != subjectAt(doc, expression) {
			t.Error("a subject differs from one time to the next")
		}
		if paths := strings.Fields(expression); subject != "" && strings.Count(subject, "|") != len(paths)-1 && len(paths) != 1 {
			t.Errorf("%d paths make the subject %q", len(paths), subject)
		}
		if name := displayName(textAt(doc, expression)); utf8.RuneCountInString(name) > maxName {
			t.Errorf("a name of %d characters", utf8.RuneCountInString(name))
		}
		if a := emailAddress(find(doc, expression)); a != "" && strings.Count(a, "@") != 1 {
			t.Errorf("the address %q", a)
		}
		if p := pictureURL(pictureAt(doc, expression)); p != "" && !strings.HasPrefix(strings.ToLower(p), "http") {
			t.Errorf("the picture %q", p)
		}
		isTrue(doc, expression, []string{"1"})
	})
}
