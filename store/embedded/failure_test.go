package embedded_test

import (
	"bytes"
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/wayleave/wayleave/store/embedded"
)

var errDisk = errors.New("the disk failed")

func TestFailure_ACommitThatFailsFailsForAllAndLaterOnesWork(t *testing.T) {
	gated(t, func(t *testing.T, s *embedded.Store, g *gate) {
		ctx := t.Context()
		v := create(t, s, 1, record("old", key(9)))
		g.fail = func(func() error) error { return errDisk }
		_, err := s.Create(ctx, sessions, key(2), record("v", key(9)))
		wantErr(t, err, errDisk)
		_, err = s.Replace(ctx, sessions, key(1), v, record("new"))
		wantErr(t, err, errDisk)
		wantErr(t, s.Delete(ctx, sessions, key(1)), errDisk)
		if rec, found, err := s.Take(ctx, sessions, key(1)); !errors.Is(err, errDisk) || found || rec.Value != nil {
			t.Errorf("Take: %q, %t, %v", rec.Value, found, err)
		}
		for range 2 {
			wantValue(t, s, 1, "old")
			wantValue(t, s, 2, "")
			s.Forget()
		}
		wantContents(t, s, 1, 1, 1)

		g.fail = nil
		w, err := s.Replace(ctx, sessions, key(1), v, record("new"))
		if err != nil || w <= v {
			t.Fatalf("Replace after the failure: version %d after %d, error %v", w, v, err)
		}
		create(t, s, 2, record("v"))
		wantValue(t, s, 1, "new")
		wantContents(t, s, 2, 0, 2)
	})
}

// A conflict with something that is not written after all is none.
func TestFailure_AConflictInAFailedCommitIsTheFailure(t *testing.T) {
	gated(t, func(t *testing.T, s *embedded.Store, g *gate) {
		errs := make(chan error, 3)
		create1 := func() {
			_, err := s.Create(t.Context(), sessions, key(1), record("v"))
			errs <- err
		}
		g.behind(t, s, func() { g.fail = failSecond() }, create1, create1, create1)
		for range 3 {
			wantErr(t, <-errs, errDisk)
		}
		wantValue(t, s, 1, "")
		g.fail = nil
		create(t, s, 1, record("v"))
	})
}

func failSecond() func(func() error) error {
	n := 0
	return func(commit func() error) error {
		if n++; n == 2 {
			return errDisk
		}
		return commit()
	}
}

// If only the last wait for the disk fails, what was written shows although
// the disk may not have it. Nothing may be built on that.
func TestFailure_AnUnconfirmedCommitEndsWriting(t *testing.T) {
	gated(t, func(t *testing.T, s *embedded.Store, g *gate) {
		create(t, s, 1, record("one"))
		v := create(t, s, 2, record("two"))
		g.fail = func(commit func() error) error { return errors.Join(commit(), errDisk) }
		wantErr(t, s.Delete(t.Context(), sessions, key(1)), errDisk)
		g.fail = nil
		for range 2 {
			_, err := s.Create(t.Context(), sessions, key(3), record("three"))
			wantErr(t, err, errDisk)
			wantCure(t, err, "check the disk and restart")
			_, err = s.Replace(t.Context(), sessions, key(2), v, record("new"))
			wantErr(t, err, errDisk)
		}
		wantValue(t, s, 2, "two")
		wantValue(t, s, 1, "") // the slot of recent records says what the file says
		if g.commits.Load() != 3 {
			t.Errorf("%d commits, want none after the failure", g.commits.Load()-3)
		}
	})
}

func TestFailure_AFileThatIsCutOffFailsCallsNotTheProgram(t *testing.T) {
	for _, size := range []int64{8 * 4096, 8192, 8191, 4096, 1, 0} {
		t.Run(strconv.FormatInt(size, 10), func(t *testing.T) { cutOff(t, size) })
	}
}

func cutOff(t *testing.T, size int64) {
	path := newPath(t)
	s := open(t, path)
	fill(t, s, 1000, 500)
	s.Forget()
	whole, err := os.ReadFile(path)
	if err == nil {
		err = os.Truncate(path, size)
	}
	if err != nil {
		t.Fatal(err)
	}
	for n := range 10 {
		_, _, found, err := s.Get(t.Context(), sessions, key(n))
		wantErr(t, err, embedded.ErrDamaged)
		_, _, lerr := s.Lookup(t.Context(), sessions, key(-2*n-1), 10)
		wantErr(t, lerr, embedded.ErrDamaged)
		wantErr(t, s.Delete(t.Context(), sessions, key(n)), embedded.ErrDamaged)
		if found {
			t.Error("found beside an error")
		}
	}
	if err := os.WriteFile(path, whole, 0o600); err != nil { // in its place, as cp does
		t.Fatal(err)
	}
	if _, _, found, err := s.Get(t.Context(), sessions, key(3)); err != nil || !found {
		t.Errorf("restored: %v, %v", found, err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestFailure_APageThatMakesNoSenseFailsThoseWhoNeedIt(t *testing.T) {
	gated(t, func(t *testing.T, s *embedded.Store, g *gate) {
		const n = 200
		fill(t, s, n, 500)
		s.Forget()
		var damaged, whole []int
		heal := destroyLeaf(t, s.Path(), func() bool {
			damaged, whole = nil, nil
			for i := range n {
				switch rec, _, found, err := s.Get(t.Context(), sessions, key(i)); {
				case errors.Is(err, embedded.ErrDamaged):
					damaged = append(damaged, i)
				case err == nil && found && len(rec.Value) == 500:
					whole = append(whole, i)
				default:
					t.Fatalf("record %d: found %t, error %v", i, found, err)
				}
			}
			s.Forget()
			return len(damaged) > 0
		})
		if len(whole) < n/2 {
			t.Fatalf("%d records cannot be read, %d can", len(damaged), len(whole))
		}
		// Those who share a commit with one that needs the page get theirs.
		g.behind(t, s, nothing,
			func() {
				wantErr(t, s.Delete(t.Context(), sessions, key(damaged[0])), embedded.ErrDamaged)
			},
			func() { wantErr(t, s.Delete(t.Context(), sessions, key(whole[0])), nil) },
			func() { wantErr(t, s.Delete(t.Context(), sessions, key(whole[1])), nil) },
		)
		heal()
		wantValue(t, s, whole[0], "")
		wantValue(t, s, damaged[0], strings.Repeat("v", 500))
	})
}

// destroyLeaf makes one page with rows unreadable, and returns what undoes it.
// Pages that are not in use look the same: it tries until one has an effect.
func destroyLeaf(t *testing.T, path string, effective func() bool) (heal func()) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const leaf = 2
	for at := 4 * 4096; at < len(b); at += 4096 {
		if page := b[at : at+4096]; page[8] != leaf || bytes.Count(page, []byte("v")) < 1000 {
			continue
		}
		heal := func() { poke(t, path, int64(at+8), leaf) }
		poke(t, path, int64(at+8), 0xff)
		if effective() {
			return heal
		}
		heal()
	}
	t.Fatal("no page with rows")
	return nil
}
