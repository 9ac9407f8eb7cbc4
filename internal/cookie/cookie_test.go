package cookie_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wayleave/wayleave/internal/cookie"
)

const name = "__Host-wayleave-session"

func header(lines ...string) http.Header { return http.Header{"Cookie": lines} }

func TestSES06_OnlyOneCookieOfTheExactNameCounts(t *testing.T) {
	big := strings.Repeat("a", 100<<10)
	for title, tc := range map[string]struct {
		lines []string
		value string
		n     int
	}{
		"no cookie at all":               {nil, "", 0},
		"an empty header":                {[]string{""}, "", 0},
		"alone":                          {[]string{name + "=v"}, "v", 1},
		"among others":                   {[]string{"a=b; " + name + "=v; c=d"}, "v", 1},
		"in a line of its own":           {[]string{"a=b", name + "=v", "c=d"}, "v", 1},
		"without blanks between pairs":   {[]string{"a=b;" + name + "=v;c=d"}, "v", 1},
		"a value with an equals sign":    {[]string{name + "=v=w="}, "v=w=", 1},
		"an empty value":                 {[]string{name + "="}, "", 1},
		"semicolons and nothing between": {[]string{";;; " + name + "=v;;"}, "v", 1},

		"A121 twice":                           {[]string{name + "=v; " + name + "=w"}, "", 2},
		"A121 twice the same":                  {[]string{name + "=v; " + name + "=v"}, "", 2},
		"A121 twice in two lines":              {[]string{name + "=v", name + "=w"}, "", 2},
		"A121 many times":                      {[]string{strings.Repeat(name+"=v; ", 50)}, "", 50},
		"A121 an empty one besides":            {[]string{name + "=; " + name + "=v"}, "", 2},
		"A121 one without the prefix besides":  {[]string{"wayleave-session=w; " + name + "=v"}, "v", 1},
		"A121 only one without the prefix":     {[]string{"wayleave-session=w"}, "", 0},
		"A121 a longer name besides":           {[]string{name + "2=w; x" + name + "=u; " + name + "=v"}, "v", 1},
		"A121 a shorter name besides":          {[]string{name[:len(name)-1] + "=w; " + name + "=v"}, "v", 1},
		"A121 blanks do not make it another":   {[]string{"a=b;  " + name + "=v;\t" + name + "=w"}, "", 2},
		"A122 lower-case prefix":               {[]string{"__host-wayleave-session=w"}, "", 0},
		"A122 lower-case prefix besides":       {[]string{"__host-wayleave-session=w; " + name + "=v"}, "v", 1},
		"A122 upper case":                      {[]string{strings.ToUpper(name) + "=w"}, "", 0},
		"A122 a blank after the name":          {[]string{name + " =w"}, "", 0},
		"A122 a tab after the name":            {[]string{name + "\t=w"}, "", 0},
		"A122 a blank before the value":        {[]string{name + "= v"}, " v", 1},
		"A122 a blank after the value":         {[]string{name + "=v ; a=b"}, "v ", 1},
		"A122 a no-break space before":         {[]string{"\u00a0" + name + "=w"}, "", 0},
		"A122 a byte of it before":             {[]string{"\xa0" + name + "=w"}, "", 0},
		"A122 an em space before":              {[]string{"\u2003" + name + "=w"}, "", 0},
		"A122 a line feed before":              {[]string{"\n" + name + "=w"}, "", 0},
		"A122 a vertical tab before":           {[]string{"\v" + name + "=w"}, "", 0},
		"A122 a zero byte before":              {[]string{"\x00" + name + "=w"}, "", 0},
		"A122 a letter that looks alike":       {[]string{"__Host-wayleave-sess\u0456on=w"}, "", 0},
		"A122 a percent-encoded name":          {[]string{"%5F_Host-wayleave-session=w"}, "", 0},
		"A122 a quoted value keeps its quotes": {[]string{name + `="v"`}, `"v"`, 1},
		"A122 a quoted name":                   {[]string{`"` + name + `"=w`}, "", 0},
		"A122 a nameless cookie":               {[]string{"=" + name + "=w"}, "", 0},
		"A122 a nameless cookie besides":       {[]string{"=" + name + "=w; " + name + "=v"}, "v", 1},
		"A122 a name without a value":          {[]string{name}, "", 0},
		"A122 a name without a value besides":  {[]string{name + "; " + name + "=v"}, "v", 1},
		"A122 a version before":                {[]string{"$Version=1; " + name + "=v"}, "v", 1},
		"A122 a version, comma joined":         {[]string{"$Version=1, " + name + "=w"}, "", 0},
		"A122 a path after":                    {[]string{name + "=v; $Path=/"}, "v", 1},
		"A122 comma instead of semicolon":      {[]string{"a=b, " + name + "=w"}, "", 0},
		"A122 two joined by a comma":           {[]string{name + "=v, " + name + "=w"}, "v, " + name + "=w", 1},
		"A122 a sandwich of quotes":            {[]string{`a="x; ` + name + `=v; b=y"`}, "v", 1},
		"A122 a sandwich and ours":             {[]string{`a="x; ` + name + `=w; b=y"; ` + name + "=v"}, "", 2},
		"A124 100 kB before":                   {[]string{"a=" + big + "; " + name + "=v"}, "", 0},
		"A124 100 kB after":                    {[]string{name + "=v; a=" + big}, "", 0},
		"A124 100 kB in a line after":          {[]string{name + "=v", "a=" + big}, "", 0},
		"A124 100 kB of semicolons":            {[]string{name + "=v" + strings.Repeat(";", 100<<10)}, "", 0},
		"A124 30 kB":                           {[]string{"a=" + big[:30<<10] + "; " + name + "=v"}, "v", 1},
	} {
		t.Run(title, func(t *testing.T) {
			if value, n := cookie.Find(header(tc.lines...), name); value != tc.value || n != tc.n {
				t.Errorf("Find = %.50q, %d; want %.50q, %d", value, n, tc.value, tc.n)
			}
		})
	}
}

func TestA128_PiecesOfACookieAreNoCookie(t *testing.T) {
	var pieces []string
	for i := range 100 {
		pieces = append(pieces, fmt.Sprintf("%s_%d=v", name, i))
	}
	if value, n := cookie.Find(header(strings.Join(pieces, "; ")), name); value != "" || n != 0 {
		t.Errorf("%q, %d", value, n)
	}
}

func TestWithPrefix(t *testing.T) {
	var many []string
	for i := range 40 {
		many = append(many, fmt.Sprintf("p-%d=v", i))
	}
	for title, tc := range map[string]struct {
		lines []string
		want  []string
	}{
		"none":                          {[]string{"a=b; xp-1=v; P-1=v; p=v"}, nil},
		"some, in order":                {[]string{"p-2=x; a=b; p-1=y", "p-3=z=w"}, []string{"p-2:x", "p-1:y", "p-3:z=w"}},
		"twice the same":                {[]string{"p-1=x; p-1=y"}, []string{"p-1:x", "p-1:y"}},
		"without a value":               {[]string{"p-1; p-2="}, []string{"p-2:"}},
		"A122 nameless and quoted":      {[]string{`=p-1=v; "p-1"=v; ` + "\u00a0p-1=v"}, nil},
		"A129 at most 16":               {[]string{strings.Join(many, "; ")}, strings.Split(strings.ReplaceAll(strings.Join(many[:16], " "), "=", ":"), " ")},
		"A124 nothing beyond the bound": {[]string{"p-1=v", "p-2=" + strings.Repeat("a", 100<<10), "p-3=v"}, []string{"p-1:v"}},
	} {
		t.Run(title, func(t *testing.T) {
			var got []string
			cookie.WithPrefix(header(tc.lines...), "p-", func(name, value string) { got = append(got, name+":"+value) })
			if !slices.Equal(got, tc.want) {
				t.Errorf("%q, want %q", got, tc.want)
			}
		})
	}
}

func TestSES03_SetCookieIsExact(t *testing.T) {
	https, plain := cookie.Jar{Secure: true, Instance: "abc123"}, cookie.Jar{Instance: "abc123"}
	const id = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	for title, tc := range map[string]struct {
		do   func(http.ResponseWriter)
		want string
	}{
		"https": {func(w http.ResponseWriter) { https.Set(w, https.Name("session"), id, "/", 12*time.Hour) },
			"__Host-wayleave-session=" + id + "; Path=/; Max-Age=43200; HttpOnly; Secure; SameSite=Lax"},
		"http": {func(w http.ResponseWriter) { plain.Set(w, plain.Name("session"), id, "/", 12*time.Hour) },
			"wayleave-session-abc123=" + id + "; Path=/; Max-Age=43200; HttpOnly; SameSite=Lax"},
		"https, one path": {func(w http.ResponseWriter) {
			https.Set(w, https.PathName("return"), "v", "/auth/x/callback", time.Minute)
		},
			"__Secure-wayleave-return=v; Path=/auth/x/callback; Max-Age=60; HttpOnly; Secure; SameSite=Lax"},
		"http, one path": {func(w http.ResponseWriter) {
			plain.Set(w, plain.PathName("return"), "v", "/auth/x/callback", time.Minute)
		},
			"wayleave-return-abc123=v; Path=/auth/x/callback; Max-Age=60; HttpOnly; SameSite=Lax"},
		"as long as the browser runs": {func(w http.ResponseWriter) { https.Set(w, https.Name("loop"), "1", "/", 0) },
			"__Host-wayleave-loop=1; Path=/; HttpOnly; Secure; SameSite=Lax"},
		"parts of a second are cut": {func(w http.ResponseWriter) { https.Set(w, https.Name("loop"), "1", "/", 1999*time.Millisecond) },
			"__Host-wayleave-loop=1; Path=/; Max-Age=1; HttpOnly; Secure; SameSite=Lax"},
		"SES-04 A137 cleared on https": {func(w http.ResponseWriter) { https.Clear(w, https.Name("session"), "/") },
			"__Host-wayleave-session=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax"},
		"SES-04 A137 cleared on http": {func(w http.ResponseWriter) { plain.Clear(w, plain.Name("session"), "/") },
			"wayleave-session-abc123=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"},
	} {
		t.Run(title, func(t *testing.T) {
			w := httptest.NewRecorder()
			tc.do(w)
			got := w.Header()["Set-Cookie"]
			if !slices.Equal(got, []string{tc.want}) {
				t.Errorf("%q, want %q", got, tc.want)
			}
			if len(got[0]) >= 200 {
				t.Errorf("SES-09: %d bytes", len(got[0]))
			}
		})
	}
}

func TestTheJarWritesWhatFindReads(t *testing.T) {
	for _, j := range []cookie.Jar{{Secure: true}, {Instance: "abc123"}} {
		w := httptest.NewRecorder()
		j.Set(w, j.Name("session"), "value-_0", "/", time.Hour)
		r := httptest.NewRequest("GET", "/", nil)
		for _, c := range w.Result().Cookies() {
			r.AddCookie(c)
		}
		r.AddCookie(&http.Cookie{Name: "other", Value: "x"})
		if value, n := cookie.Find(r.Header, j.Name("session")); value != "value-_0" || n != 1 {
			t.Errorf("%q, %d", value, n)
		}
	}
}

func TestAppsOnOneHTTPHostDoNotShareCookies(t *testing.T) {
	one, other := cookie.Jar{Instance: "one"}, cookie.Jar{Instance: "two"}
	if one.Name("session") == other.Name("session") || one.PathName("return") == other.PathName("return") {
		t.Error("the same name")
	}
}

func TestFindDoesNotAllocate(t *testing.T) {
	h := header("a=b; "+name+"=v; c=d", "e=f; "+name+"=w")
	if n := testing.AllocsPerRun(100, func() { cookie.Find(h, name) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzFind holds Find against a plain reading of the header, and, where net/http
// knows of exactly one cookie of that name, against that.
func FuzzFind(f *testing.F) {
	for _, line := range []string{name + "=v", "a=b; " + name + "=v", name + "=v; " + name + "=w", `a="x; ` + name + `=v"`, " \t" + name + "= v ;", "=" + name + "=x", ";;=;"} {
		f.Add(line, "")
		f.Add("a=b", line)
	}
	f.Fuzz(func(t *testing.T, first, second string) {
		h := header(first, second)
		value, n := cookie.Find(h, name)
		if len(first)+len(second) > 32<<10 {
			if value != "" || n != 0 {
				t.Fatalf("Find = %q, %d in a header that is too long", value, n)
			}
			return
		}
		var plain []string
		for pair := range strings.SplitSeq(first+";"+second, ";") {
			if v, ok := strings.CutPrefix(strings.TrimLeft(pair, " \t"), name+"="); ok {
				plain = append(plain, v)
			}
		}
		if n != len(plain) || n == 1 && value != plain[0] || n != 1 && value != "" {
			t.Fatalf("Find = %q, %d; the header has %q", value, n, plain)
		}
		// net/http forgives more: blanks around names and values, quotes, and a
		// name without "=", which to browsers is the value of a nameless cookie.
		got := (&http.Request{Header: h}).CookiesNamed(name)
		if len(got) != 1 || got[0].Value == "" || got[0].Quoted || strings.ContainsAny(first+second, " \t\r\n") {
			return
		}
		if n < 2 && value != got[0].Value { // it also drops values that are malformed: then two are one
			t.Fatalf("Find = %q, %d; net/http has %q", value, n, got[0].Value)
		}
	})
}

func BenchmarkFind(b *testing.B) {
	h := header("theme=dark; _ga=GA1.1.123456789.1700000000; __Host-wayleave-browser=" + strings.Repeat("A", 43) + "; " + name + "=" + strings.Repeat("B", 43))
	b.Run("ours", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			cookie.Find(h, name)
		}
	})
	r := &http.Request{Header: h}
	b.Run("net-http", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			r.Cookie(name)
		}
	})
}
