package identity_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/wayleave/wayleave/gateway/identity"
)

func TestPRX01_A140_NoSpellingOfOurNamesPasses(t *testing.T) {
	g := identity.NewGuard(identity.Names{User: "X-App-User"}, identity.OAuth2Proxy())
	for _, name := range []string{"X-Wayleave-User", "x-wayleave-user", "X_Wayleave_User", "X.Wayleave.User", "X-Wayleave_User", "X Wayleave User", "x~wayleave~user",
		"X-App-User", "X_App_User", "X-Forwarded-User", "X-Forwarded-Email", "X_Forwarded_Groups", "X-Auth-Request-User", "Remote-User", "REMOTE_USER",
		"Forwarded", "X-Forwarded-For", "X_Forwarded_Proto", "X-Original-URL", "X-Rewrite-URL", "X-HTTP-Method-Override", "X-Wayleave-Assertion"} {
		h := http.Header{name: {"evil"}, "Accept": {"*/*"}, "X-Wayleave-Users": {"other"}}
		if n := g.Clean(h); n != 1 || len(h) != 2 || !g.Guards(name) {
			t.Errorf("%s: removed %d, left %v", name, n, h)
		}
	}
	h := http.Header{"Accept": {"*/*"}, "Cookie": {"a=b"}, "X-Requested-With": {"x"}, "User-Agent": {"x"}, strings.Repeat("X", 300): {"x"}}
	if n := g.Clean(h); n != 0 || len(h) != 5 {
		t.Errorf("removed %d of what is nobody's business: %v", n, h)
	}
}

func TestA142_OneValueWhateverCameBefore(t *testing.T) {
	g, n := identity.NewGuard(), identity.Default()
	h := http.Header{"X-Wayleave-User": {"a", "b"}, "X_wayleave_user": {"c"}}
	g.Clean(h)
	n.Set(h, identity.User{ID: "u1"})
	if got := h.Values("X-Wayleave-User"); !slices.Equal(got, []string{"u1"}) || len(h) != 7 {
		t.Errorf("%q of %v", got, h)
	}
}

func TestA146_AllHeadersAreThereAlsoForNobody(t *testing.T) {
	h := http.Header{}
	identity.Default().Set(h, identity.User{})
	if len(h) != 7 {
		t.Errorf("%d headers", len(h))
	}
	for name, v := range h {
		if !slices.Equal(v, []string{""}) {
			t.Errorf("%s: %q", name, v)
		}
	}
}

func TestPOL10_A145_ValuesCannotBreakOut(t *testing.T) {
	for in, want := range map[string]string{
		"Ada Marsh":     "Ada Marsh",
		"x\r\nX-A: 1":   "x%0D%0AX-A: 1",
		"\x00":          "%00",
		"Zoë":           "Zo%C3%AB",
		"100%":          "100%25",
		" blank ":       "%20blank%20",
		"\u202egnirts":  "%E2%80%AEgnirts",
		"a,b":           "a,b",
		"\x7f":          "%7F",
		"":              "",
		"tab\tinside":   "tab%09inside",
		"bad utf8 \xff": "bad utf8 %FF",
	} {
		h := http.Header{}
		identity.Default().Set(h, identity.User{Name: in})
		got := h.Get("X-Wayleave-Name")
		if got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
		if back, err := url.PathUnescape(got); err != nil || back != in {
			t.Errorf("%q comes back as %q, %v", in, back, err)
		}
	}
}

func TestPOL10_GroupsAreUnambiguousAndBounded(t *testing.T) {
	h := http.Header{}
	n := identity.Default()
	n.Set(h, identity.User{Groups: []string{"a", "b,c", "", "d"}})
	if got := h.Get("X-Wayleave-Groups"); got != "a,b%2Cc,d" || h.Get("X-Wayleave-Groups-Cut") != "" {
		t.Errorf("%q", got)
	}
	var many []string
	for range 1000 {
		many = append(many, "group-name")
	}
	n.Set(h, identity.User{Groups: many})
	if got := h.Get("X-Wayleave-Groups"); len(got) > 4096 || !strings.HasSuffix(got, ",group-name") || h.Get("X-Wayleave-Groups-Cut") != "true" {
		t.Errorf("%d bytes, cut %q", len(got), h.Get("X-Wayleave-Groups-Cut"))
	}
}

func TestPOL03_AnAddressIsToldOnlyIfItIsVerified(t *testing.T) {
	h := http.Header{}
	for verified, want := range map[bool]string{true: "ada@acme.example", false: ""} {
		identity.Default().Set(h, identity.User{Email: "ada@acme.example", EmailVerified: verified})
		if got := h.Get("X-Wayleave-Email"); got != want {
			t.Errorf("verified %v: %q", verified, got)
		}
	}
}

func BenchmarkCleanAndSet(b *testing.B) {
	g, n := identity.NewGuard(), identity.Default()
	u := identity.User{ID: "ny1ncOPxhMhW2eJN3X30AQ", Provider: "google", Subject: "1234567890", Email: "ada@acme.example", EmailVerified: true, Name: "Ada Marsh", Groups: []string{"a", "b"}}
	b.ReportAllocs()
	for b.Loop() {
		h := http.Header{"Accept": {"*/*"}, "Cookie": {"a=b"}, "User-Agent": {"x"}, "Accept-Encoding": {"gzip"}}
		g.Clean(h)
		n.Set(h, u)
	}
}
