package seal_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"

	"github.com/wayleave/wayleave/internal/seal"
)

// key makes a key that is not text.
func key(b byte) []byte { return bytes.Repeat([]byte{0x80 | b}, seal.KeySize) }

func mustRing(t testing.TB, keys ...[]byte) *seal.Ring {
	t.Helper()
	ring, err := seal.NewRing(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Two keys with the same id, found by trying 114,231.
var (
	twinA = "7cd7bcded2d409550c03d3189be738fdb1fdab32494f38f50adac38d2a08b8da"
	twinB = "d2ed34fda23bc1d068b261f0343f9bdaa8492bc9be328c1df70620547289e0f5"
)

func TestSES14_A163_NewRingRefusesWeakKeys(t *testing.T) {
	binary := key(1)
	almostText := []byte("0123456789abcdef0123456789abcde\x80")
	for _, tc := range []struct {
		name   string
		keys   [][]byte
		index  int
		reason string
	}{
		{"no key at all", nil, -1, "no key given"},
		{"empty", [][]byte{{}}, 0, "0 bytes long, must be exactly 32"},
		{"nil behind a good one", [][]byte{binary, nil}, 1, "0 bytes long"},
		{"a byte short", [][]byte{binary[:31]}, 0, "31 bytes long"},
		{"a byte long", [][]byte{append(key(1), 9)}, 0, "33 bytes long"},
		{"all zeros", [][]byte{make([]byte, 32)}, 0, "all zeros"},
		{"a passphrase", [][]byte{[]byte("correct horse battery staple!!!!")}, 0, "is text"},
		{"hexadecimal that nobody decoded", [][]byte{[]byte("0123456789abcdef0123456789abcdef")}, 0, "is text"},
		{"repeated", [][]byte{binary, key(2), binary}, 2, "same as an earlier key"},
		{"two keys with one id", [][]byte{unhex(t, twinA), unhex(t, twinB)}, 1, "same id"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			ring, err := seal.NewRing(tc.keys...)
			mistake, ok := errors.AsType[*seal.KeyError](err)
			if !ok || ring != nil {
				t.Fatalf("NewRing = %v, %v; want nil and a *KeyError", ring, err)
			}
			if mistake.Index != tc.index || !strings.Contains(mistake.Reason, tc.reason) {
				t.Errorf("got index %d, %q; want %d, %q", mistake.Index, mistake.Reason, tc.index, tc.reason)
			}
		})
	}
	mustRing(t, binary, key(2), almostText, unhex(t, twinA))
	mustRing(t, unhex(t, twinB))
}

func TestSES14_NewRingReportsAllMistakesAtOnce(t *testing.T) {
	_, err := seal.NewRing(make([]byte, 32), key(1), nil, key(1))
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		t.Fatalf("got %v, want a joined error", err)
	}
	var found []int
	for _, e := range joined.Unwrap() {
		mistake, ok := e.(*seal.KeyError)
		if !ok {
			t.Fatalf("got %T, want *KeyError", e)
		}
		found = append(found, mistake.Index)
	}
	if !reflect.DeepEqual(found, []int{0, 2, 3}) {
		t.Errorf("mistakes at %v, want at 0, 2 and 3", found)
	}
	if !strings.Contains(err.Error(), "key 1: is all zeros") {
		t.Errorf("people count from one: %v", err)
	}
}

func TestRingKeepsItsOwnCopyOfTheKeys(t *testing.T) {
	k := key(1)
	ring := mustRing(t, k)
	sealed := ring.Seal("test", []byte("x"))
	clear(k)
	if _, err := ring.Open("test", sealed); err != nil {
		t.Errorf("after the caller wiped its key: %v", err)
	}
}

func TestSES14_RingIDs(t *testing.T) {
	ring := mustRing(t, key(2), key(1))
	one, two := mustRing(t, key(1)).Active(), mustRing(t, key(2)).Active()
	if one == two {
		t.Fatal("different keys have one id")
	}
	if got := ring.IDs(); !reflect.DeepEqual(got, []seal.KeyID{two, one}) || ring.Active() != two {
		t.Errorf("IDs = %v, Active = %v; want %v first, then %v", got, ring.Active(), two, one)
	}
	ring.IDs()[0] = seal.KeyID{}
	if ring.Active() != two {
		t.Error("changing what IDs returned changed the ring")
	}
	if bytes.Contains(key(1), one[:]) {
		t.Error("the id repeats key bytes")
	}
	if first, second := seal.NewRandomRing(), seal.NewRandomRing(); first.Active() == second.Active() {
		t.Error("two random rings have one key")
	}
}

// A ring that is printed, however deep inside other values, shows no key.
func TestSES14_A163_RingNeverPrintsItsKeys(t *testing.T) {
	secret := []byte("\x90secret-bytes-that-would-be-seen!")[:seal.KeySize]
	ring := mustRing(t, secret)
	type holder struct {
		exported *seal.Ring
		Inner    struct{ ring seal.Ring }
		envelope *seal.Envelope
		any      any
		rings    []*seal.Ring
		byName   map[string]seal.Ring
	}
	h := holder{exported: ring, any: *ring, envelope: ring.NewEnvelope("test"), rings: []*seal.Ring{ring}, byName: map[string]seal.Ring{"a": *ring}}
	h.Inner.ring = *ring
	derived := h.envelope.Derive("x", 8)

	forbidden := []string{
		"secret-bytes", hex.EncodeToString(secret[1:9]), strings.ToUpper(hex.EncodeToString(secret[1:9])),
		strings.Trim(fmt.Sprint(secret[1:9]), "[]"), fmt.Sprintf("%#v", secret[1:9])[7:], hex.EncodeToString(derived),
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "ring", ring, "value", *ring, "holder", h, "envelope", h.envelope)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "ring", ring, "value", *ring, "holder", h, "envelope", h.envelope)
	texts := []string{log.String(), ring.String(), ring.GoString(), ring.LogValue().String(), h.envelope.LogValue().String()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		for _, value := range []any{ring, *ring, h, &h, h.envelope, []any{ring, h}} {
			texts = append(texts, fmt.Sprintf(verb, value))
		}
	}
	if j, err := json.Marshal(map[string]any{"ring": ring, "envelope": h.envelope}); err == nil {
		texts = append(texts, string(j))
	}
	for _, text := range texts {
		for _, f := range forbidden {
			if strings.Contains(text, f) {
				t.Errorf("key bytes in %q", text)
			}
		}
	}
	if got := fmt.Sprintf("%#v", ring); got != "seal.Ring(hidden)" {
		t.Errorf("a ring prints as %q", got)
	}
}
