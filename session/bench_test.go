package session_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"hash"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wayleave/wayleave/internal/cookie"
	"github.com/wayleave/wayleave/internal/seal"
	"github.com/wayleave/wayleave/session"
	"github.com/wayleave/wayleave/store"
	"github.com/wayleave/wayleave/store/memory"
)

const cookieName = "__Host-wayleave-session"

// BenchmarkCookieToSession measures the way from the Cookie header to the
// session beside the least that anybody could do with a keyed hash: one
// HMAC-SHA256 and one look-up in a map. The two take turns, and x-floor is the
// ratio of their medians. Sessions come one after the other, which is as bad as
// it gets: browsers ask several times in a row. A single one is always
// remembered, of a thousand nearly all are, of a hundred thousand nearly none.
func BenchmarkCookieToSession(b *testing.B) {
	for _, sessions := range []int{1, 1000, 100_000} {
		b.Run(fmt.Sprintf("sessions=%d", sessions), func(b *testing.B) {
			m := manager(memory.New(memory.Options{}), seal.NewRandomRing())
			headers := make([]http.Header, sessions)
			bare := &hashTable{mac: hmac.New(sha256.New, key32()), m: map[store.Key]*session.Session{}}
			names := make([][]byte, len(headers))
			for i := range sessions {
				id, made, _, err := m.Create(b.Context(), ada())
				if err != nil {
					b.Fatal(err)
				}
				raw, _ := seal.Decode(id)
				bare.m[bare.key(raw)] = made
				headers[i], names[i] = header(id), raw
			}
			ctx, i, j := context.Background(), 0, 0
			find := func() {
				value, n := cookie.Find(headers[i], cookieName)
				if s, err := m.Find(ctx, value); n != 1 || s == nil || err != nil {
					b.Fatalf("%d cookies, %v, %v", n, s, err)
				}
				i = (i + 1) % len(headers)
			}
			floor := func() {
				if bare.m[bare.key(names[j])] == nil {
					b.Fatal("not in the map")
				}
				j = (j + 1) % len(names)
			}
			var found, least []float64
			b.ReportAllocs()
			for b.Loop() {
				found, least = append(found, perCall(find)), append(least, perCall(floor))
			}
			b.ReportMetric(median(found), "ns/find")
			b.ReportMetric(median(least), "ns/floor")
			b.ReportMetric(median(found)/median(least), "x-floor")
			b.ReportMetric(0, "ns/op") // of a batch of both: of no use
		})
	}
}

// batch is how many calls are timed together: reading the clock costs a good
// part of what one call does.
const batch = 500

func perCall(f func()) float64 {
	start := time.Now()
	for range batch {
		f()
	}
	return float64(time.Since(start)) / batch
}

func median(all []float64) float64 {
	slices.Sort(all)
	return all[len(all)/2]
}

// hashTable is the floor: it does not even allocate.
type hashTable struct {
	mac hash.Hash
	out [sha256.Size]byte
	m   map[store.Key]*session.Session
}

func (h *hashTable) key(name []byte) store.Key {
	h.mac.Reset()
	h.mac.Write(name)
	h.mac.Sum(h.out[:0])
	return h.out
}

// header is what a browser sends that also has a few cookies of the app's own.
func header(id string) http.Header {
	return http.Header{"Cookie": {"theme=dark; _ga=GA1.1.123456789.1700000000; __Host-wayleave-browser=" + strings.Repeat("A", 43) + "; " + cookieName + "=" + id}}
}

// Where the time of BenchmarkCookieToSession goes.
func BenchmarkParts(b *testing.B) {
	m := manager(memory.New(memory.Options{}), seal.NewRandomRing())
	id, _, _, err := m.Create(b.Context(), ada())
	if err != nil {
		b.Fatal(err)
	}
	h, ctx := header(id), context.Background()
	b.Run("cookie", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			cookie.Find(h, cookieName)
		}
	})
	b.Run("find", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			m.Find(ctx, id)
		}
	})
	b.Run("clock", func(b *testing.B) {
		for b.Loop() {
			time.Now()
		}
	})
	b.Run("create", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			m.Create(ctx, ada())
		}
	})
}
