package session

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/wayleave/wayleave/store"
)

// text is any string, valid UTF-8 or not.
var text = rapid.Custom(func(r *rapid.T) string {
	return string(rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(r, "bytes"))
})

// instant is any time that a session can hold, to the millisecond; or none.
var instant = rapid.Custom(func(r *rapid.T) time.Time {
	if rapid.Bool().Draw(r, "none") {
		return time.Time{}
	}
	return time.UnixMilli(rapid.Int64Range(-1<<50, 1<<50).Draw(r, "ms"))
})

func anySession(r *rapid.T) *Session {
	return &Session{
		User: User{ID: text.Draw(r, "id"), Provider: text.Draw(r, "provider"), Issuer: text.Draw(r, "issuer"), Subject: text.Draw(r, "subject"),
			Email: text.Draw(r, "email"), EmailVerified: rapid.Bool().Draw(r, "verified"), Name: text.Draw(r, "name"), Picture: text.Draw(r, "picture")},
		Login: text.Draw(r, "login"), Grant: store.Key(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(r, "grant")),
		Created: instant.Draw(r, "created"), AuthTime: instant.Draw(r, "auth time"), ACR: text.Draw(r, "acr"), AMR: rapid.SliceOfN(text, 0, 70).Draw(r, "amr"),
		ProviderIssuer: text.Draw(r, "iss"), ProviderSubject: text.Draw(r, "sub"), ProviderSession: text.Draw(r, "sid"), ProviderTime: instant.Draw(r, "iat"), Device: text.Draw(r, "device"), LastSeen: instant.Draw(r, "seen"), Expires: instant.Draw(r, "expires"),
	}
}

func TestWhatIsEncodedIsDecoded(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		want := anySession(r)
		got, err := decode(want.encode())
		if err != nil {
			r.Fatal(err)
		}
		if len(want.AMR) == 0 {
			want.AMR = nil
		}
		if !reflect.DeepEqual(got, want) {
			r.Fatalf("decoded %#v, want %#v", *got, *want)
		}
	})
}

// A test that fails when a field is added and not encoded.
func TestEveryFieldIsEncoded(t *testing.T) {
	var s Session
	fill(reflect.ValueOf(&s).Elem())
	got, err := decode(s.encode())
	if err != nil || !reflect.DeepEqual(got, &s) {
		t.Errorf("decoded %#v, %v; want %#v", got, err, s)
	}
}

func fill(v reflect.Value) {
	for i := range v.NumField() {
		if !v.Type().Field(i).IsExported() {
			continue
		}
		switch f := v.Field(i); f.Interface().(type) {
		case string:
			f.SetString(v.Type().Field(i).Name)
		case bool:
			f.SetBool(true)
		case time.Time:
			f.Set(reflect.ValueOf(time.UnixMilli(int64(1000 + i))))
		case []string:
			f.Set(reflect.ValueOf([]string{"a", ""}))
		case map[string][]string:
			f.Set(reflect.ValueOf(map[string][]string{"groups": {"a", "b"}, "none": nil, "": {""}}))
		case store.Key:
			f.Set(reflect.ValueOf(store.Key{byte(i)}))
		default:
			fill(f)
		}
	}
}

func TestNoPartOfARecordIsASession(t *testing.T) {
	whole := (&Session{User: User{Subject: "ada", Name: "Ada"}, AMR: []string{"pwd"}, Expires: time.UnixMilli(1_700_000_000_000)}).encode()
	for n := range whole {
		if s, err := decode(whole[:n]); err != errFormat || s != nil {
			t.Errorf("%d of %d bytes: %v, %v", n, len(whole), s, err)
		}
	}
	for name, b := range map[string][]byte{
		"nil":                       nil,
		"another format":            append([]byte{format + 1}, whole[1:]...),
		"something after it":        append(slices.Clone(whole), 0),
		"a length beyond its end":   {format, 200},
		"a length beyond all":       {format, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1},
		"a length that never ends":  slices.Concat([]byte{format}, slices.Repeat([]byte{0xff}, 20)),
		"a count of methods beyond": slices.Concat([]byte{format}, make([]byte, 11), []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}, make([]byte, 40)),
	} {
		t.Run(name, func(t *testing.T) {
			if s, err := decode(b); err != errFormat || s != nil {
				t.Errorf("%v, %v", s, err)
			}
		})
	}
	if _, err := decode(whole); err != nil {
		t.Error(err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add((&Session{}).encode())
	f.Add((&Session{User: User{Subject: "ada", EmailVerified: true}, AMR: []string{"pwd", "otp"}, Expires: time.UnixMilli(1_700_000_000_000)}).encode())
	f.Add([]byte{format})
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := decode(b)
		if err != nil {
			if s != nil || err != errFormat {
				t.Fatalf("%v, %v", s, err)
			}
			return
		}
		again, err := decode(s.encode())
		if err != nil || !reflect.DeepEqual(again, s) {
			t.Fatalf("decoded %#v, and again %#v, %v", s, again, err)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	record := (&Session{User: User{ID: "4f3c1b2a99d0e8f7", Provider: "google", Issuer: "https://accounts.google.com", Subject: "110169484474386276334", Email: "ada@example.com", EmailVerified: true, Name: "Ada Marsh"},
		Login: "Zm9vYmFyYmF6cXV4", Created: time.Now(), LastSeen: time.Now(), Expires: time.Now()}).encode()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := decode(record); err != nil {
			b.Fatal(err)
		}
	}
}
