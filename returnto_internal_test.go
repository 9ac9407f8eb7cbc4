package wayleave

import (
	"net/url"
	"strings"
	"testing"
)

// staysHere reads a target as a browser does (WHATWG URL): tabs and line ends
// are dropped, spaces and controls at the ends are cut off, and a backslash is
// a slash. It reports whether the result is a path on our own origin.
func staysHere(target string) bool {
	target = strings.NewReplacer("\t", "", "\r", "", "\n", "").Replace(target)
	target = strings.TrimFunc(target, func(r rune) bool { return r <= 0x20 })
	beforeQuery, _, _ := strings.Cut(target, "?")
	beforeQuery, _, _ = strings.Cut(beforeQuery, "#")
	beforeQuery = strings.ReplaceAll(beforeQuery, `\`, "/")
	return strings.HasPrefix(beforeQuery, "/") && !strings.HasPrefix(beforeQuery, "//")
}

// checkTarget checks what is true of everything that cleanReturnTo accepts.
func checkTarget(t *testing.T, raw, clean string) {
	t.Helper()
	base := &url.URL{Scheme: "https", Host: "app.example", Path: "/auth/dev/callback"}
	u, err := base.Parse(clean)
	if err != nil || u.Scheme != "https" || u.Host != "app.example" || u.User != nil || u.Fragment != "" {
		t.Errorf("%q became %q, which leads to %v (%v)", raw, clean, u, err)
		return
	}
	decoded, err := url.PathUnescape(clean)
	if err != nil {
		t.Errorf("%q became %q: %v", raw, clean, err)
	}
	path, _, _ := strings.Cut(clean, "?")
	decodedPath, err := url.PathUnescape(path)
	if err != nil || !staysHere(clean) || !staysHere(decoded) || !staysHere(decodedPath) {
		t.Errorf("%q became %q, decoded %q: a browser may leave our origin", raw, clean, decoded)
	}
	for i := range len(clean) {
		if c := clean[i]; c <= 0x20 || c >= 0x7f || c == '\\' {
			t.Errorf("%q became %q with byte %#x", raw, clean, c)
		}
	}
	if within(u.Path, "/auth") || within(decodedPath, "/auth") {
		t.Errorf("%q became %q, one of our own endpoints", raw, clean)
	}
	if again, ok := cleanReturnTo(clean, "/auth"); len(clean) <= maxReturnTo && (!ok || again != clean) {
		t.Errorf("%q became %q, which becomes %q, %v", raw, clean, again, ok)
	}
}

// FuzzRET6CleanReturnTo: what is accepted stays on our origin, for every reader.
func FuzzRET6CleanReturnTo(f *testing.F) {
	for _, seed := range []string{
		"/", "/reports?year=2026&q=a%20b", "//evil", `/\evil`, "/%2fevil", "/%5cevil", "/%09/evil", "/\t/evil", "/a/../..//evil", "/.//evil",
		"/%252f%252fevil", "/\uff0fevil", "/a%2Fb", "/caf\u00e9?q=\u00e9", "/x?a=%0d%0a", "/x#//evil", "/auth/logout", "/%61uth/x", "/a;b", "/@evil", "/:80",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		if clean, ok := cleanReturnTo(raw, "/auth"); ok {
			checkTarget(t, raw, clean)
		}
	})
}

// TestRET6EveryByte: each byte at each place of a target, raw and encoded.
func TestRET6EveryByte(t *testing.T) {
	const hex = "0123456789abcdef"
	for c := range 256 {
		encoded := "%" + string(hex[c>>4]) + string(hex[c&15])
		for _, part := range []string{string([]byte{byte(c)}), encoded} {
			for _, raw := range []string{part, "/" + part, "/" + part + "/evil", "/" + part + part + "evil", "/a" + part + "b", "/a/" + part + "/b", "/a?" + part, "/a?x=" + part + "y", "/a#" + part} {
				if clean, ok := cleanReturnTo(raw, "/auth"); ok {
					checkTarget(t, raw, clean)
				}
			}
		}
	}
}
