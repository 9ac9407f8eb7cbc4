package index_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wayleave/wayleave/internal/index"
	"github.com/wayleave/wayleave/internal/seal"
	"github.com/wayleave/wayleave/store"
	"github.com/wayleave/wayleave/store/memory"
	"github.com/wayleave/wayleave/store/storetest"
)

const (
	table   = store.Table("meta")
	purpose = seal.Purpose("index")
)

// where the record with the key lies.
var where = store.Key(sha256.Sum256([]byte("wayleave index key")))

func key32() []byte {
	k := make([]byte, seal.KeySize)
	rand.Read(k)
	return k
}

func ring(t testing.TB, keys ...[]byte) *seal.Ring {
	t.Helper()
	r, err := seal.NewRing(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func keyOf(t testing.TB, x *index.Index, kind byte, name string) store.Key {
	t.Helper()
	k, err := x.Key(t.Context(), kind, []byte(name))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// secret reads the index's own key out of the store.
func secret(t testing.TB, s store.Store, r *seal.Ring) []byte {
	t.Helper()
	rec, _, found, err := s.Get(t.Context(), table, where)
	if err != nil || !found {
		t.Fatalf("found %v, %v", found, err)
	}
	key, err := r.Open(purpose, rec.Value)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestSES02_AKeyIsAnHMACOfKindAndName(t *testing.T) {
	s, r := memory.New(memory.Options{}), seal.NewRandomRing()
	x := index.New(s, r)
	for _, name := range []string{"", "a", strings.Repeat("n", 32), strings.Repeat("long", 1000)} {
		got := keyOf(t, x, 's', name)
		mac := hmac.New(sha256.New, secret(t, s, r))
		mac.Write([]byte("s" + name))
		if !bytes.Equal(got[:], mac.Sum(nil)) {
			t.Errorf("the key of a name of %d bytes is another", len(name))
		}
		if again := keyOf(t, x, 's', name); again != got {
			t.Errorf("the key of a name of %d bytes changes", len(name))
		}
	}
	if len(secret(t, s, r)) != 32 {
		t.Errorf("the index's own key has %d bytes", len(secret(t, s, r)))
	}
}

func TestKindsAndStoresShareNoKey(t *testing.T) {
	s, r := memory.New(memory.Options{}), seal.NewRandomRing()
	x, elsewhere := index.New(s, r), index.New(memory.New(memory.Options{}), r)
	seen := map[store.Key]string{}
	for from, x := range map[string]*index.Index{"here": x, "in another store": elsewhere} {
		for _, kind := range []byte("sc") {
			for _, name := range []string{"", "s", "c", "name", "sname"} {
				k, what := keyOf(t, x, kind, name), string(kind)+":"+name+" "+from
				if other, ok := seen[k]; ok {
					t.Errorf("%s and %s have the same key", what, other)
				}
				seen[k] = what
			}
		}
	}
}

func TestNamesOfOtherPartsAreOtherNames(t *testing.T) {
	seen := map[string]string{}
	for _, parts := range [][]string{
		nil, {""}, {"", ""}, {"ab"}, {"a", "b"}, {"b", "a"}, {"", "ab"}, {"ab", ""}, {"a", "", "b"},
		{"a\x00b"}, {"a\x00", "b"}, {"a", "\x00b"}, {"\x00\x00\x00\x01a"}, {"a\x00\x00\x00\x01b"}, {"\x00\x00\x00\x01a", "b"},
	} {
		what, name := fmt.Sprintf("%q", parts), string(index.Join(parts...))
		if other, ok := seen[name]; ok {
			t.Errorf("%s and %s make the same name", what, other)
		}
		seen[name] = what
	}
}

func TestFirstUsersAgreeOnOneKey(t *testing.T) {
	s, r := storetest.Failing(memory.New(memory.Options{})), seal.NewRandomRing()
	var keys sync.Map
	var all sync.WaitGroup
	for range 8 { // processes
		x := index.New(s, r)
		for range 8 { // requests
			all.Go(func() {
				k, err := x.Key(t.Context(), 's', []byte("name"))
				if err != nil {
					t.Error(err)
				}
				keys.Store(k, true)
			})
		}
	}
	all.Wait()
	n := 0
	keys.Range(func(any, any) bool { n++; return true })
	if n != 1 {
		t.Errorf("%d keys for one name", n)
	}
}

// TestAStoreThatForgetsGetsTheKeyBack: who works with it goes on, and who comes
// later joins. If that one was first, the others go over to its key.
func TestAStoreThatForgetsGetsTheKeyBack(t *testing.T) {
	s, r := memory.New(memory.Options{}), seal.NewRandomRing()
	x := index.New(s, r)
	confirm := func() {
		t.Helper()
		if err := x.Confirm(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	confirm() // of a store that had none
	before := keyOf(t, x, 's', "name")
	for range 2 {
		if err := s.Delete(t.Context(), table, where); err != nil {
			t.Fatal(err)
		}
		confirm()
		if late := keyOf(t, index.New(s, r), 's', "name"); late != before || keyOf(t, x, 's', "name") != before {
			t.Error("the key has changed, or another process has another one")
		}
	}
	if err := s.Delete(t.Context(), table, where); err != nil {
		t.Fatal(err)
	}
	first := keyOf(t, index.New(s, r), 's', "name")
	if keyOf(t, x, 's', "name") != before || first == before {
		t.Error("without Confirm the key has changed")
	}
	if confirm(); keyOf(t, x, 's', "name") != first {
		t.Error("the key is still another one than in the store")
	}
	failing := storetest.Failing(s)
	failing.Fail(errors.New("down"))
	if err := index.New(failing, r).Confirm(t.Context()); err == nil {
		t.Error("Confirm of a store that is down: no error")
	}
}

func TestTheKeyIsReadOnce(t *testing.T) {
	s := storetest.Failing(memory.New(memory.Options{}))
	x := index.New(s, seal.NewRandomRing())
	for range 10 {
		keyOf(t, x, 's', "name")
	}
	if gets, creates := s.Calls(storetest.Get), s.Calls(storetest.Create); gets != 1 || creates != 1 {
		t.Errorf("%d reads, %d writes", gets, creates)
	}
	s.Fail(errors.New("down"))
	keyOf(t, x, 's', "name")
}

func TestSES16_AStoreThatIsDownIsAnErrorUntilItIsBack(t *testing.T) {
	down := errors.New("the store is down")
	for _, op := range []storetest.Op{storetest.Get, storetest.Create} {
		t.Run(op.String(), func(t *testing.T) {
			s := storetest.Failing(memory.New(memory.Options{}))
			x := index.New(s, seal.NewRandomRing())
			s.Fail(down, op)
			for range 2 {
				if k, err := x.Key(t.Context(), 's', []byte("name")); !errors.Is(err, down) || k != (store.Key{}) {
					t.Fatalf("key %v, error %v", k, err)
				}
			}
			s.Heal()
			keyOf(t, x, 's', "name")
		})
	}
}

// A caller whose time is up is not kept by others that still wait.
func TestASlowStoreKeepsNobodyLongerThanTheirContext(t *testing.T) {
	s := storetest.Failing(memory.New(memory.Options{}))
	x := index.New(s, seal.NewRandomRing())
	s.Block(storetest.Get)
	patient := make(chan error, 1)
	go func() {
		_, err := x.Key(context.Background(), 's', []byte("name"))
		patient <- err
	}()
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := x.Key(ctx, 's', []byte("name")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
	s.Heal()
	if err := <-patient; err != nil {
		t.Errorf("who waited got %v", err)
	}
}

// A write that was made although its answer was lost is found by the next try.
func TestALostAnswerIsNoSecondKey(t *testing.T) {
	s, r := storetest.Failing(memory.New(memory.Options{})), seal.NewRandomRing()
	x := index.New(s, r)
	s.Lose(errors.New("connection reset"), storetest.Create)
	if _, err := x.Key(t.Context(), 's', []byte("name")); err == nil {
		t.Fatal("no error")
	}
	first := secret(t, s.Store, r)
	s.Heal()
	keyOf(t, x, 's', "name")
	if !bytes.Equal(first, secret(t, s.Store, r)) {
		t.Error("the key was made twice")
	}
}

func TestSES14_TheIndexOutlivesTheRingKeysThatSealedIt(t *testing.T) {
	first, second := key32(), key32()
	s := memory.New(memory.Options{})
	want := keyOf(t, index.New(s, ring(t, first)), 's', "name")
	for _, step := range []struct {
		name string
		ring *seal.Ring
	}{
		{"the new key is added", ring(t, first, second)},
		{"the new key is promoted", ring(t, second, first)},
		{"a process of the step before still starts", ring(t, first, second)},
		{"the last process is on the new key", ring(t, second, first)},
		{"the old key is dropped", ring(t, second)},
	} {
		if got := keyOf(t, index.New(s, step.ring), 's', "name"); got != want {
			t.Fatalf("%s: another key", step.name)
		}
	}
	_, err := index.New(s, ring(t, first)).Key(t.Context(), 's', []byte("name"))
	if !errors.Is(err, seal.ErrUnknownKey) {
		t.Errorf("the dropped key alone: %v", err)
	}
}

func TestSES14_AStoreThatCannotBeWrittenStillServesDuringRotation(t *testing.T) {
	first, second := key32(), key32()
	s := storetest.Failing(memory.New(memory.Options{}))
	want := keyOf(t, index.New(s, ring(t, first)), 's', "name")
	s.Fail(errors.New("read only"), storetest.Replace)
	if got := keyOf(t, index.New(s, ring(t, second, first)), 's', "name"); got != want {
		t.Error("another key")
	}
}

func TestAStoreOfOtherKeysIsAClearError(t *testing.T) {
	s, r := memory.New(memory.Options{}), seal.NewRandomRing()
	keyOf(t, index.New(s, r), 's', "name")
	before, version, _, _ := s.Get(t.Context(), table, where)

	x := index.New(s, seal.NewRandomRing())
	k, err := x.Key(t.Context(), 's', []byte("name"))
	if !errors.Is(err, seal.ErrUnknownKey) || k != (store.Key{}) {
		t.Fatalf("key %v, error %v", k, err)
	}
	if want := "open the index key, which was sealed with other keys than the configured ones: " + seal.ErrUnknownKey.Error(); err.Error() != want {
		t.Errorf("error %q, want %q", err, want)
	}
	if after, v, _, _ := s.Get(t.Context(), table, where); v != version || !bytes.Equal(after.Value, before.Value) {
		t.Error("the record was changed")
	}
}

func TestADamagedRecordIsAClearError(t *testing.T) {
	s, r := memory.New(memory.Options{}), seal.NewRandomRing()
	for _, value := range [][]byte{nil, []byte("junk"), r.Seal("session", key32())} {
		if _, err := s.Create(t.Context(), table, where, store.Record{Value: value, Expires: time.Now().Add(time.Hour)}); err != nil {
			t.Fatal(err)
		}
		if _, err := index.New(s, r).Key(t.Context(), 's', []byte("name")); !errors.Is(err, seal.ErrMalformed) && !errors.Is(err, seal.ErrTampered) {
			t.Errorf("error %v", err)
		}
		s.Delete(t.Context(), table, where)
	}
}

// racing loses the race for the first record each time, and then the record.
type racing struct{ store.Store }

func (racing) Create(context.Context, store.Table, store.Key, store.Record) (store.Version, error) {
	return 0, store.ErrConflict
}

func TestARecordThatComesAndGoesIsAnError(t *testing.T) {
	x := index.New(racing{memory.New(memory.Options{})}, seal.NewRandomRing())
	if _, err := x.Key(t.Context(), 's', []byte("name")); err == nil || err.Error() != "the index key appears and disappears" {
		t.Errorf("error %v", err)
	}
}

func TestTheStoreHoldsTheKeySealedAndForYears(t *testing.T) {
	s, r := memory.New(memory.Options{}), seal.NewRandomRing()
	keyOf(t, index.New(s, r), 's', "name")
	rec, _, _, _ := s.Get(t.Context(), table, where)
	if bytes.Contains(rec.Value, secret(t, s, r)) {
		t.Error("the key is in the store in clear")
	}
	if time.Until(rec.Expires) < 10*365*24*time.Hour {
		t.Errorf("the key expires at %v", rec.Expires)
	}
}

func BenchmarkKey(b *testing.B) {
	x := index.New(memory.New(memory.Options{}), seal.NewRandomRing())
	name := key32()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := x.Key(b.Context(), 's', name); err != nil {
			b.Fatal(err)
		}
	}
}
