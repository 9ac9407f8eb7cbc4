package embedded_test

import (
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wayleave/wayleave/store"
)

// A disk without room is an error for who writes, and for nobody else.
func TestFailure_AFullDisk(t *testing.T) {
	path, crowdOut, makeRoom := smallDisk(t)
	s := open(t, path)
	value := strings.Repeat("v", 2000)
	v := create(t, s, 0, record("zero"))
	crowdOut()

	n, full := 1, error(nil)
	for ; full == nil && n < 10_000; n++ {
		_, full = s.Create(t.Context(), sessions, key(n), record(value, key(-n)))
	}
	t.Logf("after %d records: %v", n-2, full)
	n--
	wantErr(t, full, syscall.ENOSPC)
	wantCure(t, full, "make room on its disk")
	if full := s.Delete(t.Context(), sessions, key(0)); full != nil {
		t.Logf("Delete: %v", full)
		wantValue(t, s, 0, "zero")
	}
	for range 2 {
		for i := 1; i < n; i++ {
			wantValue(t, s, i, value)
		}
		wantValue(t, s, n, "")
		if keys, _, err := s.Lookup(t.Context(), sessions, key(-1), 10); err != nil || len(keys) != 1 {
			t.Errorf("Lookup: %v, %v", keys, err)
		}
		s.Forget()
	}

	makeRoom()
	create(t, s, n, record(value))
	if _, err := s.Replace(t.Context(), sessions, key(0), v, record("changed")); err != nil && !errors.Is(err, store.ErrConflict) {
		t.Errorf("Replace: %v", err)
	}
	if err := s.Verify(); err != nil {
		t.Error(err)
	}
	closed(t, s)
	s = open(t, path)
	for i := 1; i <= n; i++ {
		wantValue(t, s, i, value)
	}
	if _, err := s.Create(t.Context(), sessions, key(n+1), store.Record{Expires: time.Now().Add(time.Hour)}); err != nil {
		t.Error(err)
	}
}

// What expires makes room even where the file cannot grow, and so does who
// signs out, whoever else wants to sign in at the same time.
func TestFailure_AFullDiskEmptiesItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path, crowdOut, _ := smallDisk(t)
		s := open(t, path)
		crowdOut()
		value := strings.Repeat("v", 2000)
		brief := record(value, key(-1))
		brief.Expires = time.Now().Add(time.Minute)
		n, full := 0, error(nil)
		for ; full == nil && n < 10_000; n++ {
			_, full = s.Create(t.Context(), sessions, key(n), brief)
		}
		wantErr(t, full, syscall.ENOSPC)
		g := newGate(s)
		g.held = make(chan struct{})
		var wg sync.WaitGroup
		var out, in atomic.Int64
		for i := range 40 {
			wg.Go(func() {
				if i%2 == 0 {
					if s.Delete(t.Context(), sessions, key(i)) == nil {
						out.Add(1)
					}
				} else if _, err := s.Create(t.Context(), sessions, key(-i), record(strings.Repeat("v", 20_000))); err == nil {
					in.Add(1)
				}
			})
		}
		synctest.Wait()
		close(g.held)
		wg.Wait()
		t.Logf("%d of 20 signed out, %d of 20 in", out.Load(), in.Load())
		if out.Load() < 10 || in.Load() > 10 {
			t.Errorf("%d of 20 signed out, %d of 20 in", out.Load(), in.Load())
		}
		time.Sleep(2 * time.Minute)
		if rows, _, _, err := s.Contents(); err != nil || rows > int(in.Load()) {
			t.Errorf("%d rows are left, want %d; error %v", rows, in.Load(), err)
		}
		create(t, s, n, record(value))
		if err := s.Verify(); err != nil {
			t.Error(err)
		}
	})
}
