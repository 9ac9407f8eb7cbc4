package seal_test

import (
	"bytes"
	"encoding/hex"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/wayleave/wayleave/internal/seal"
)

// A message computed by another program, in another language, from the
// description of the format.
const knownMessage = "01090d67ad000102030405060708090a0b0c0d0e0f1011121314151617" +
	"064d6151d4d3467fe71e032757f2304e671a47861e423d4b80f8f430d4"

func knownRing(t testing.TB) *seal.Ring {
	t.Helper()
	k := make([]byte, seal.KeySize)
	for i := range k {
		k[i] = 0x80 + byte(i)
	}
	return mustRing(t, k)
}

// If this test fails, messages sealed before the change no longer open: give
// the format a new version.
func TestSES07_KnownAnswer(t *testing.T) {
	ring := knownRing(t)
	if got := ring.Active().String(); got != "090d67ad" {
		t.Errorf("key id %s, want 090d67ad", got)
	}
	sealed := unhex(t, knownMessage)
	e, plaintext, err := ring.OpenEnvelope("state", sealed, "https://app.example.com", "")
	if err != nil || string(plaintext) != "the plaintext" {
		t.Fatalf("OpenEnvelope = %q, %v", plaintext, err)
	}
	random := e.Random()
	if !bytes.Equal(random[:], sealed[5:29]) {
		t.Errorf("random bytes %x", random)
	}
	for label, want := range map[string]string{
		"oidc-nonce":    "e89cde612c00edf995170f370d219f54",
		"pkce-verifier": "0292b1c2e759e5c08b1f562ef3efe9fdce722f5f249e530c00c075908b67f33e",
	} {
		if got := hex.EncodeToString(e.Derive(label, len(want)/2)); got != want {
			t.Errorf("%s is %s, want %s", label, got, want)
		}
	}
}

func TestSealThenOpen(t *testing.T) {
	ring := seal.NewRandomRing()
	for _, size := range []int{0, 1, 15, 16, 17, 400, 1 << 16} {
		plaintext := bytes.Repeat([]byte{'p'}, size)
		sealed := ring.Seal("test", plaintext, "a", "b")
		if len(sealed) != size+seal.Overhead() {
			t.Errorf("%d bytes sealed to %d, want %d more", size, len(sealed), seal.Overhead())
		}
		got, err := ring.Open("test", sealed, "a", "b")
		if err != nil || !bytes.Equal(got, plaintext) {
			t.Errorf("%d bytes: opened to %d, %v", size, len(got), err)
		}
	}
	if seal.Overhead() != 45 {
		t.Errorf("Overhead = %d; the room in state and cookies counts on 45", seal.Overhead())
	}
}

// Each purpose's message opens for that purpose alone.
func TestSES08_A161_PurposeMatrix(t *testing.T) {
	purposes := []seal.Purpose{"state", "return-cookie", "session", "grant", "claim", "attempts", "s", "State", "state ", "state\x00"}
	ring := seal.NewRandomRing()
	for _, from := range purposes {
		sealed := ring.Seal(from, []byte("x"), "aad")
		for _, to := range purposes {
			_, err := ring.Open(to, sealed, "aad")
			if from == to && err != nil {
				t.Errorf("%q does not open as itself: %v", from, err)
			}
			if from != to && err != seal.ErrTampered {
				t.Errorf("%q opened as %q: %v, want ErrTampered", from, to, err)
			}
		}
	}
}

func TestSES07_A162_AssociatedData(t *testing.T) {
	ring := seal.NewRandomRing()
	sealed := ring.Seal("test", []byte("x"), "a", "bc")
	for _, tc := range []struct {
		name string
		aad  []string
		err  error
	}{
		{"the same", []string{"a", "bc"}, nil},
		{"split elsewhere", []string{"ab", "c"}, seal.ErrTampered},
		{"joined", []string{"abc"}, seal.ErrTampered},
		{"other order", []string{"bc", "a"}, seal.ErrTampered},
		{"none", nil, seal.ErrTampered},
		{"the last missing", []string{"a"}, seal.ErrTampered},
		{"an empty one more", []string{"a", "bc", ""}, seal.ErrTampered},
		{"other case", []string{"A", "bc"}, seal.ErrTampered},
		{"length prefixes written out", []string{"a\x00\x00\x00\x02bc"}, seal.ErrTampered},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if _, err := ring.Open("test", sealed, tc.aad...); err != tc.err {
				t.Errorf("got %v, want %v", err, tc.err)
			}
		})
	}
}

func TestA160_EachBitFlippedIsRefused(t *testing.T) {
	ring := seal.NewRandomRing()
	sealed := ring.Seal("test", []byte("plaintext"), "aad")
	for i := range sealed {
		want := seal.ErrTampered
		switch {
		case i == 0:
			want = seal.ErrMalformed
		case i < 5:
			want = seal.ErrUnknownKey
		}
		for bit := range 8 {
			changed := bytes.Clone(sealed)
			changed[i] ^= 1 << bit
			if plaintext, err := ring.Open("test", changed, "aad"); err != want || plaintext != nil {
				t.Fatalf("byte %d, bit %d: %q, %v; want %v", i, bit, plaintext, err, want)
			}
		}
	}
}

func TestA160_TruncatedAndExtended(t *testing.T) {
	ring := seal.NewRandomRing()
	sealed := ring.Seal("test", []byte("plaintext"))
	for n := range sealed {
		want := seal.ErrTampered
		if n < seal.Overhead() {
			want = seal.ErrMalformed
		}
		if _, err := ring.Open("test", sealed[:n]); err != want {
			t.Errorf("first %d bytes: %v, want %v", n, err, want)
		}
	}
	if _, err := ring.Open("test", append(bytes.Clone(sealed), 0)); err != seal.ErrTampered {
		t.Errorf("one byte more: %v, want ErrTampered", err)
	}
	if _, err := ring.Open("test", append(bytes.Clone(sealed), sealed...)); err != seal.ErrTampered {
		t.Errorf("twice: %v, want ErrTampered", err)
	}
}

// The text of an error goes to logs, so that it must not carry the input.
func TestA160_ErrorsAreSentinelsWithoutInput(t *testing.T) {
	ring := seal.NewRandomRing()
	for _, input := range [][]byte{nil, []byte("SECRET"), bytes.Repeat([]byte("SECRET"), 30), append([]byte{1}, bytes.Repeat([]byte("SECRET"), 30)...)} {
		_, err := ring.Open("test", input)
		if err != seal.ErrMalformed && err != seal.ErrUnknownKey && err != seal.ErrTampered {
			t.Errorf("%v is none of the sentinels", err)
		}
		if strings.Contains(err.Error(), "SECRET") {
			t.Errorf("input in %q", err)
		}
	}
}

func TestSES14_A164_Rotation(t *testing.T) {
	current, next := key(1), key(2)
	old := mustRing(t, current).Seal("test", []byte("old"))

	added := mustRing(t, current, next)
	promoted := mustRing(t, next, current)
	dropped := mustRing(t, next)

	if got, err := added.Open("test", old); err != nil || string(got) != "old" {
		t.Errorf("with the next key added: %q, %v", got, err)
	}
	if got, err := promoted.Open("test", old); err != nil || string(got) != "old" {
		t.Errorf("with the next key promoted: %q, %v", got, err)
	}
	if _, err := dropped.Open("test", old); err != seal.ErrUnknownKey {
		t.Errorf("with its key removed: %v, want ErrUnknownKey", err)
	}
	fresh := promoted.Seal("test", []byte("new"))
	if id := seal.KeyID(fresh[1:5]); id != dropped.Active() {
		t.Errorf("sealed by %v, want the first key, %v", id, dropped.Active())
	}
	// A replica that has not promoted yet already opens it.
	if got, err := added.Open("test", fresh); err != nil || string(got) != "new" {
		t.Errorf("a replica one step behind: %q, %v", got, err)
	}
}

// The id of a key in the ring on a message of another key: it must not open,
// and a message must not move from one key to the other.
func TestA164_KeyIDCannotBeSwapped(t *testing.T) {
	ring := mustRing(t, key(1), key(2))
	sealed := ring.Seal("test", []byte("x"))
	id := ring.IDs()[1]
	copy(sealed[1:], id[:])
	if _, err := ring.Open("test", sealed); err != seal.ErrTampered {
		t.Errorf("got %v, want ErrTampered", err)
	}
}

func TestA163_SealsAreUnique(t *testing.T) {
	ring := seal.NewRandomRing()
	const n = 100_000
	randoms := make(map[[24]byte]bool, n)
	ciphertexts := make(map[[21]byte]bool, n)
	for range n {
		sealed := ring.Seal("test", []byte("equal"))
		randoms[[24]byte(sealed[5:])] = true
		ciphertexts[[21]byte(sealed[29:])] = true
	}
	if len(randoms) != n || len(ciphertexts) != n {
		t.Errorf("%d seals gave %d random parts and %d ciphertexts", n, len(randoms), len(ciphertexts))
	}
}

func TestDerivedValuesAreUnrelated(t *testing.T) {
	ring := mustRing(t, key(1), key(2))
	e := ring.NewEnvelope("test")
	seen := map[string]string{}
	add := func(what string, b []byte) {
		t.Helper()
		for _, window := range [][]byte{b[:12], b[len(b)-12:]} {
			if other, ok := seen[string(window)]; ok && other != what {
				t.Errorf("%s begins or ends like %s", what, other)
			}
			seen[string(window)] = what
		}
	}
	add("nonce", e.Derive("nonce", 32))
	add("nonce, shorter", e.Derive("nonce", 16))
	add("verifier", e.Derive("verifier", 32))
	add("empty label", e.Derive("", 32))
	add("a label like the sealing key's", e.Derive("key", 32))
	add("another message", ring.NewEnvelope("test").Derive("nonce", 32))
	add("a long one", e.Derive("long", 255*32))

	sealed := e.Seal([]byte("x"))
	if !bytes.Equal(e.Derive("nonce", 32), e.Derive("nonce", 32)) {
		t.Error("the same label gave two values")
	}
	opened, _, err := ring.OpenEnvelope("test", sealed)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(opened.Derive("nonce", 32), e.Derive("nonce", 32)) || opened.Random() != e.Random() {
		t.Error("opening the message gave other values than sealing it")
	}
	// Another purpose over the same random bytes, as an attacker would ask for.
	if _, _, err := ring.OpenEnvelope("other", sealed); err != seal.ErrTampered {
		t.Errorf("another purpose: %v", err)
	}
}

func TestA163_AnEnvelopeSealsOnce(t *testing.T) {
	ring := seal.NewRandomRing()
	panics := func(f func()) (panicked bool) {
		defer func() { panicked = recover() != nil }()
		f()
		return false
	}
	e := ring.NewEnvelope("test")
	sealed := e.Seal([]byte("first"))
	if !panics(func() { e.Seal([]byte("second")) }) {
		t.Error("an envelope sealed twice")
	}
	opened, _, err := ring.OpenEnvelope("test", sealed)
	if err != nil {
		t.Fatal(err)
	}
	if !panics(func() { opened.Seal([]byte("second")) }) {
		t.Error("an opened envelope sealed")
	}

	e = ring.NewEnvelope("test")
	refused := make(chan bool, 16)
	var wg sync.WaitGroup
	for range cap(refused) {
		wg.Go(func() { refused <- panics(func() { e.Seal([]byte("x")) }) })
	}
	wg.Wait()
	close(refused)
	sealedOnce := 0
	for r := range refused {
		if !r {
			sealedOnce++
		}
	}
	if sealedOnce != 1 {
		t.Errorf("%d of 16 concurrent seals went through, want 1", sealedOnce)
	}

	for name, misuse := range map[string]func(){
		"sealing for no purpose": func() { ring.Seal("", nil) },
		"opening for no purpose": func() { ring.Open("", sealed) },
		"deriving too much":      func() { e.Derive("x", 255*32+1) },
		"the zero ring":          func() { new(seal.Ring).Seal("test", nil) },
	} {
		if !panics(misuse) {
			t.Errorf("%s did not panic", name)
		}
	}
}

func TestRingIsSafeForConcurrentUse(t *testing.T) {
	ring := mustRing(t, key(1), key(2))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				if _, err := ring.Open("test", ring.Seal("test", []byte("x"))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

func TestA160_TextIsCanonical(t *testing.T) {
	for _, s := range []string{"", "AA", "AAA", "AAAA", "-_-_", "_w"} {
		b, err := seal.Decode(s)
		if err != nil || seal.Encode(b) != s {
			t.Errorf("%q: %x, %v", s, b, err)
		}
	}
	for _, tc := range []struct{ name, text string }{
		{"impossible length", "A"},
		{"impossible length, long", "AAAAA"},
		{"trailing bits", "AB"},
		{"trailing bits of three", "AAB"},
		{"padding", "AA=="},
		{"padding of three", "AAA="},
		{"standard alphabet", "+/+/"},
		{"line feed inside", "AA\nAA"},
		{"carriage return at the end", "AAAA\r"},
		{"line feeds alone", "\n\n"},
		{"space", " AAAA"},
		{"zero byte", "AAAA\x00"},
		{"dot", "AAAA.AAAA"},
		{"beyond ASCII", "AAAä"},
		{"percent-encoded", "AA%41A"},
	} {
		t.Run("A160 "+tc.name, func(t *testing.T) {
			if b, err := seal.Decode(tc.text); err != seal.ErrMalformed || b != nil {
				t.Errorf("Decode(%q) = %x, %v; want ErrMalformed", tc.text, b, err)
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	for _, s := range []string{"", "AA", "AB", "AA==", "A\nA", "-_-_", "+/"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		b, err := seal.Decode(s)
		if err != nil {
			if err != seal.ErrMalformed {
				t.Fatalf("%v is not ErrMalformed", err)
			}
			return
		}
		if seal.Encode(b) != s {
			t.Fatalf("%q decodes, but its bytes are written %q", s, seal.Encode(b))
		}
	})
}

func FuzzOpen(f *testing.F) {
	// The same message in every process, since fuzzing shares its corpus
	// between several.
	ring, known := knownRing(f), unhex(f, knownMessage)
	const host = "https://app.example.com"
	f.Add(known, host)
	f.Add(known[:40], host)
	f.Add([]byte{1}, "")
	f.Add([]byte{}, "")
	f.Fuzz(func(t *testing.T, sealed []byte, aad string) {
		plaintext, err := ring.Open("state", sealed, aad, "")
		if err == nil {
			if !bytes.Equal(sealed, known) || aad != host {
				t.Fatalf("a forgery opened: %x", sealed)
			}
			return
		}
		if plaintext != nil || !slices.Contains([]error{seal.ErrMalformed, seal.ErrUnknownKey, seal.ErrTampered}, err) {
			t.Fatalf("%q, %v", plaintext, err)
		}
	})
}

func BenchmarkSeal(b *testing.B) {
	ring := seal.NewRandomRing()
	plaintext := make([]byte, 200)
	b.ReportAllocs()
	for b.Loop() {
		ring.Seal("test", plaintext, "https://app.example.com")
	}
}

func BenchmarkOpen(b *testing.B) {
	ring := seal.NewRandomRing()
	sealed := ring.Seal("test", make([]byte, 200), "https://app.example.com")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ring.Open("test", sealed, "https://app.example.com"); err != nil {
			b.Fatal(err)
		}
	}
}
