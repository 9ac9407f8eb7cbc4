package redis_test

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/wayleave/wayleave/store"
	"github.com/wayleave/wayleave/store/redis"
)

const things store.Table = "things"

// key returns a key that nothing else uses.
func key() (k store.Key) {
	rand.Read(k[:])
	return k
}

func hexOf(k store.Key) string { return hex.EncodeToString(k[:]) }

// record returns one that outlives the test.
func record(value string, lookups ...store.Key) store.Record {
	return store.Record{Value: []byte(value), Expires: time.Now().Add(time.Hour), Lookups: lookups}
}

func open(t testing.TB, url string) *redis.Store { return openWith(t, url, redis.Options{}) }

func openWith(t testing.TB, url string, o redis.Options) *redis.Store {
	t.Helper()
	s, err := redis.Open(t.Context(), url, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func create(t testing.TB, s *redis.Store, k store.Key, rec store.Record) store.Version {
	t.Helper()
	v, err := s.Create(t.Context(), things, k, rec)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func wantValue(t testing.TB, s *redis.Store, k store.Key, want string) {
	t.Helper()
	rec, _, found, err := s.Get(t.Context(), things, k)
	if err != nil || !found || string(rec.Value) != want {
		t.Errorf("Get: value %q, found %t, error %v, want %q", rec.Value, found, err, want)
	}
}

func wantAbsent(t testing.TB, s *redis.Store, k store.Key) {
	t.Helper()
	rec, _, found, err := s.Get(t.Context(), things, k)
	if err != nil || found {
		t.Errorf("Get: value %q, found %t, error %v, want nothing", rec.Value, found, err)
	}
}

func wantErr(t testing.TB, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("error is %v, want %v", got, want)
	}
}

func wantLookup(t testing.TB, s *redis.Store, second store.Key, want ...store.Key) {
	t.Helper()
	got, more, err := s.Lookup(t.Context(), things, second, 10)
	if err != nil || more || !slices.Equal(got, want) {
		t.Errorf("Lookup: %v, more %t, error %v, want %v", got, more, err, want)
	}
}
