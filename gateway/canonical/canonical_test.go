package canonical_test

import (
	"net/url"
	"path"
	"strings"
	"testing"

	"github.com/wayleave/wayleave/gateway/canonical"
)

func TestPRX04_APathHasOneMeaning(t *testing.T) {
	for _, tc := range []struct{ in, decoded, escaped string }{
		{"/", "/", "/"},
		{"/a", "/a", "/a"},
		{"/a/", "/a/", "/a/"},
		{"/a/b.css", "/a/b.css", "/a/b.css"},
		{"/%61", "/a", "/a"},
		{"/%7euser", "/~user", "/~user"},
		{"/caf%c3%a9", "/café", "/caf%C3%A9"},
		{"/a%20b", "/a b", "/a%20b"},
		{"/a:b@c!$&'()*+,=", "/a:b@c!$&'()*+,=", "/a:b@c!$&'()*+,="},
		{"/100%25", "/100%", "/100%25"},
		{"/%3Fa", "/?a", "/%3Fa"},
		{"/%23a", "/#a", "/%23a"},
		{"/[x]", "/[x]", "/%5Bx%5D"},
		{"/.well-known/x", "/.well-known/x", "/.well-known/x"},
		{"/...a", "/...a", "/...a"},
	} {
		got, err := canonical.Of(tc.in)
		if err != nil || got.Decoded != tc.decoded || got.Escaped != tc.escaped {
			t.Errorf("%s: %+v, %v; want %q and %q", tc.in, got, err, tc.decoded, tc.escaped)
		}
	}
}

func TestPRX04_A150_AmbiguousPathsAreRefused(t *testing.T) {
	for name, in := range map[string]string{
		"nothing":                     "",
		"no slash":                    "a",
		"the asterisk":                "*",
		"two slashes":                 "//evil.example/a",
		"two slashes inside":          "/a//b",
		"a dot segment":               "/a/./b",
		"dots":                        "/a/../b",
		"dots at the end":             "/a/..",
		"encoded dots":                "/%2e%2e/admin",
		"half-encoded dots":           "/.%2E/admin",
		"dots and a space":            "/a/..%20/b",
		"three dots":                  "/a/.../b",
		"an encoded slash":            "/public%2fadmin",
		"dots behind one":             "/public/..%2Fadmin",
		"a backslash":                 `/public\admin`,
		"an encoded backslash":        "/public%5cadmin",
		"a semicolon":                 "/public;/admin",
		"an encoded semicolon":        "/public%3b/admin",
		"encoded twice":               "/%252e%252e/admin",
		"a slash encoded twice":       "/a%252fadmin",
		"encoded twice, all of it":    "/%25%32e%25%32e/admin",
		"half of it encoded twice":    "/%2532e/admin",
		"NUL":                         "/a%00.css",
		"a line end":                  "/a%0d%0aX: y",
		"a tab":                       "/a%09",
		"delete":                      "/a%7f",
		"a fragment":                  "/public#/admin",
		"a query":                     "/public?/admin",
		"a space":                     "/a b",
		"a letter that is not ASCII":  "/café",
		"not UTF-8":                   "/%ff",
		"an overlong slash":           "/%c0%af",
		"half a surrogate":            "/%ed%a0%80",
		"a percent sign alone":        "/100%",
		"a percent sign and a letter": "/%zz",
		"too long":                    "/" + strings.Repeat("a", canonical.MaxPath),
	} {
		t.Run(name, func(t *testing.T) {
			got, err := canonical.Of(in)
			if _, ok := err.(*canonical.Error); !ok || got != (canonical.Path{}) {
				t.Errorf("%+v, %v; want an error", got, err)
			}
			if err != nil && len(in) > 3 && strings.Contains(err.Error(), in) {
				t.Errorf("%q repeats the path", err)
			}
		})
	}
}

// Whatever passes means the same to Go's own parsers, and stays as it is.
func FuzzOf(f *testing.F) {
	for _, s := range []string{"/", "/a/b", "/%2e", "/%25", "/a%20", "/..", "/%c3%a9", "/a;b", "/%25%32e", "/%25%32%65"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		p, err := canonical.Of(in)
		if err != nil {
			return
		}
		if again, err := canonical.Of(p.Escaped); err != nil || again != p {
			t.Fatalf("%q became %+v, and that %+v, %v", in, p, again, err)
		}
		u, err := url.Parse(p.Escaped)
		if err != nil || u.Path != p.Decoded || u.RawQuery != "" || u.Fragment != "" || u.Host != "" {
			t.Fatalf("%q: net/url reads %q as %+v, %v", in, p.Escaped, u, err)
		}
		if clean := path.Clean(p.Decoded); clean != p.Decoded && clean+"/" != p.Decoded {
			t.Fatalf("%q: %q is cleaned to %q", in, p.Decoded, clean)
		}
		if sent, err := url.PathUnescape(in); err != nil || sent != p.Decoded {
			t.Fatalf("%q: unescaped once it is %q, %v, and we say %q", in, sent, err, p.Decoded)
		}
	})
}

func BenchmarkOf(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := canonical.Of("/api/v1/accounts/12345/transactions"); err != nil {
			b.Fatal(err)
		}
	}
}
