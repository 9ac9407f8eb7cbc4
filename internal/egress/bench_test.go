package egress_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/wayleave/wayleave/internal/egress"
)

// BenchmarkGET puts a call beside the same call by a bare http.Client, against
// one server over kept connections.
func BenchmarkGET(b *testing.B) {
	answer := []byte(`{"issuer":"https://id.example.com"}`)
	s, policy := plainProvider(b, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Write(answer)
	})
	b.Run("bare", func(b *testing.B) {
		c := &http.Client{Transport: &http.Transport{}}
		defer c.CloseIdleConnections()
		b.ReportAllocs()
		for b.Loop() {
			response, err := c.Get(s.URL)
			if err != nil {
				b.Fatal(err)
			}
			io.ReadAll(response.Body)
			response.Body.Close()
		}
	})
	b.Run("egress", func(b *testing.B) {
		c := client(b, policy)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := c.Do(b.Context(), egress.Request{URL: s.URL}); err != nil {
				b.Fatal(err)
			}
		}
	})
}
