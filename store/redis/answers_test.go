package redis_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	servers "github.com/wayleave/wayleave/internal/testservers/redis"
	"github.com/wayleave/wayleave/store"
	"github.com/wayleave/wayleave/store/redis"
)

// about tells whether a command is one of the store's own.
func about(e exchange) bool {
	return slices.Contains([]string{"GET", "EVALSHA", "EVAL"}, e.command[0])
}

// A client library that has lost track gives the answers of other requests.
func TestSES16_AnswersOfOtherRequestsAreErrors(t *testing.T) {
	t.Parallel()
	s := servers.Start(t, servers.Options{})
	for name, forged := range map[string]string{
		"nothing":        "_\r\n",
		"old nothing":    "$-1\r\n",
		"OK":             "+OK\r\n",
		"a number":       ":1\r\n",
		"a string":       "$3\r\nabc\r\n",
		"an empty list":  "*0\r\n",
		"a short list":   "*1\r\n$1\r\na\r\n",
		"a foreign list": "*2\r\n$8\r\nabcdefgh\r\n:0\r\n",
		"a success":      "*3\r\n$8\r\nabcdefgh\r\n:1\r\n$0\r\n\r\n",
		"a map":          "%1\r\n+a\r\n+b\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProxy(t, s.Address())
			st := open(t, p.url())
			k, second := key(), key()
			v := create(t, st, k, record("mine", second))
			p.answer(func(e exchange) []byte {
				if about(e) {
					return []byte(forged)
				}
				return e.answer
			})
			for method, err := range callAll(t.Context(), st, k, second, v) {
				if err == nil || errors.Is(err, store.ErrConflict) {
					t.Errorf("%s: error %v, want one that says that nothing is known", method, err)
				}
			}
			p.answer(nil)
			// Something of what was asked for may have been done.
			create(t, st, key(), record("new"))
			if _, _, _, err := st.Get(t.Context(), things, k); err != nil {
				t.Errorf("Get when the answers are right again: %v", err)
			}
		})
	}
}

func TestRecordsOfOtherKeysAreNeverReturned(t *testing.T) {
	s := servers.Start(t, servers.Options{})
	for _, command := range []string{"GET", "EVALSHA"} {
		t.Run(command, func(t *testing.T) {
			p := newProxy(t, s.Address())
			st := open(t, p.url())
			mine, other := key(), key()
			create(t, st, mine, record("mine", mine))
			create(t, st, other, record("other", other))

			var last []byte
			p.answer(func(e exchange) []byte {
				if e.command[0] == command {
					last = e.answer
				}
				return e.answer
			})
			wantValue(t, st, other, "other")
			wantLookup(t, st, other, other)
			crossed := p.connections()
			p.answer(func(e exchange) []byte {
				if e.command[0] == command && e.connection <= crossed {
					return last
				}
				return e.answer
			})
			for range 20 {
				rec, _, found, err := st.Get(t.Context(), things, mine)
				if err == nil && (!found || string(rec.Value) != "mine") {
					t.Fatalf("Get: value %q, found %t, want mine or an error", rec.Value, found)
				}
				got, _, err := st.Lookup(t.Context(), things, mine, 10)
				if err == nil && (len(got) != 1 || got[0] != mine) {
					t.Fatalf("Lookup: %v, want %v or an error", got, mine)
				}
			}
			eventually(t, "using new connections", func() bool { return p.connections() > crossed })
			wantValue(t, st, mine, "mine")
			wantLookup(t, st, mine, mine)
		})
	}
}

// The answer is lost after the server has done its work.
func TestLostAnswers(t *testing.T) {
	s := servers.Start(t, servers.Options{})
	p := newProxy(t, s.Address())
	st := open(t, p.url())
	lose := func() *atomic.Int32 {
		var lost atomic.Int32
		p.answer(func(e exchange) []byte {
			if about(e) && !strings.HasPrefix(string(e.answer), "-NOSCRIPT") && lost.Add(1) == 1 {
				return nil
			}
			return e.answer
		})
		return &lost
	}
	k, second := key(), key()

	lost := lose()
	v := create(t, st, k, record("one", second))
	if lost.Load() < 2 {
		t.Error("no answer of Create was lost")
	}
	wantLookup(t, st, second, k)

	lost = lose()
	v, err := st.Replace(t.Context(), things, k, v, record("two"))
	if err != nil || lost.Load() < 2 {
		t.Fatalf("Replace: %v after %d answers", err, lost.Load())
	}

	lost = lose()
	wantValue(t, st, k, "two")
	if lost.Load() < 2 {
		t.Error("no answer of Get was lost")
	}
	if _, got, _, _ := st.Get(t.Context(), things, k); got != v {
		t.Errorf("the version is %d, want %d, which Replace returned", got, v)
	}

	lose()
	if rec, found, err := st.Take(t.Context(), things, k); err == nil {
		t.Errorf("Take: value %q, found %t, want an error, for the record is gone and nobody has it", rec.Value, found)
	}
	p.answer(nil)
	wantAbsent(t, st, k)

	create(t, st, k, record("three"))
	lose()
	if err := st.Delete(t.Context(), things, k); err == nil {
		t.Error("Delete: no error, though nobody knows what became of it")
	}
	p.answer(nil)
	wantAbsent(t, st, k)
}

func TestForeignDataUnderAKeyIsAnError(t *testing.T) {
	s := servers.Start(t, servers.Options{})
	st := open(t, s.URL()+"?prefix=p")
	for name, set := range map[string][]string{
		"text":  {"SET", "", "hello"},
		"much":  {"SET", "", strings.Repeat("hello ", 100)},
		"short": {"SET", "", "\x01"},
		"list":  {"RPUSH", "", "a"},
	} {
		k := key()
		set[1] = "p:things:" + hexOf(k)
		s.CLI(t, set...)
		for method, err := range callAll(t.Context(), st, k, key(), 7) {
			if err == nil && method != "Lookup" || errors.Is(err, store.ErrConflict) {
				t.Errorf("%s: %s: error %v, want one about what is there", name, method, err)
			}
		}
	}
}

// callAll makes each call once.
func callAll(ctx context.Context, s *redis.Store, k, second store.Key, v store.Version) map[string]error {
	_, _, _, getErr := s.Get(ctx, things, k)
	_, createErr := s.Create(ctx, things, k, record("new", second))
	_, replaceErr := s.Replace(ctx, things, k, v, record("newer", second))
	_, _, lookupErr := s.Lookup(ctx, things, second, 10)
	_, _, takeErr := s.Take(ctx, things, k)
	deleteErr := s.Delete(ctx, things, k)
	return map[string]error{
		"Get": getErr, "Create": createErr, "Replace": replaceErr, "Lookup": lookupErr, "Take": takeErr, "Delete": deleteErr,
	}
}

// eventually waits for what comes true by itself.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("after a minute still not %s", what)
		}
	}
}
