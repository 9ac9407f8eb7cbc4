package wayleave

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/wayleave/wayleave/internal/seal"
	"github.com/wayleave/wayleave/internal/testhook"
	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/provider"
	"github.com/wayleave/wayleave/session"
)

// BenchmarkSessionCheck goes from the Cookie header to the session, in the
// memory store, beside the least that any such check has to do: an HMAC of the
// id and a look-up in a map.
func BenchmarkSessionCheck(b *testing.B) {
	a, err := New(Config{BaseURL: "https://app.example", Providers: []provider.Config{{Name: "acme", Issuer: "https://id.acme.example", ClientID: "app", ClientSecret: oauth.NewSecret("s3cret")}}})
	if err != nil {
		b.Fatal(err)
	}
	defer a.Close()
	c, err := testhook.SignIn(b.Context(), a, session.User{ID: "u", Provider: "acme", Issuer: "https://id.acme.example", Subject: "ada", Email: "ada@example.com", Name: "Ada Marsh"}, nil)
	if err != nil {
		b.Fatal(err)
	}
	r := httptest.NewRequest("GET", "/reports", nil)
	r.Header.Set("Cookie", "theme=dark; "+c.Name+"="+c.Value)

	b.Run("floor", func(b *testing.B) {
		raw, err := seal.Decode(c.Value)
		if err != nil {
			b.Fatal(err)
		}
		mac, out := hmac.New(sha256.New, make([]byte, 32)), make([]byte, 0, 32)
		sum := func() [32]byte {
			mac.Reset()
			mac.Write(raw)
			return [32]byte(mac.Sum(out))
		}
		sessions := map[[32]byte]*session.Session{sum(): {}}
		b.ReportAllocs()
		for b.Loop() {
			if sessions[sum()] == nil {
				b.Fatal("not found")
			}
		}
	})
	b.Run("cookie to session", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if s, err := a.sessionOf(r); s == nil || err != nil {
				b.Fatal(s, err)
			}
		}
	})
	b.Run("RequireLogin with the context", func(b *testing.B) {
		var seen context.Context
		h := a.RequireLogin(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen = r.Context() }))
		w := httptest.NewRecorder()
		b.ReportAllocs()
		for b.Loop() {
			h.ServeHTTP(w, r)
		}
		if session.FromContext(seen) == nil {
			b.Fatal("nobody in the context")
		}
	})
}
