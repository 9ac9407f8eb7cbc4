package storetest_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wayleave/wayleave/store"
	"github.com/wayleave/wayleave/store/memory"
	"github.com/wayleave/wayleave/store/storetest"
)

var errDown = errors.New("store is down")

// all makes each call once and returns the errors in the order of Op.
func all(ctx context.Context, s store.Store) [7]error {
	var k store.Key
	rec := store.Record{Value: []byte("v"), Expires: time.Now().Add(time.Hour)}
	_, _, _, get := s.Get(ctx, "things", k)
	_, create := s.Create(ctx, "things", k, rec)
	_, replace := s.Replace(ctx, "things", k, 1, rec)
	del := s.Delete(ctx, "things", k)
	_, _, take := s.Take(ctx, "things", k)
	_, _, lookup := s.Lookup(ctx, "things", k, 1)
	_, _, scan := s.Scan(ctx, "things", "", 1)
	return [7]error{get, create, replace, del, take, lookup, scan}
}

func TestFaultyIsTheStoreItWraps(t *testing.T) {
	h := storetest.Harness{
		Open:   func(*testing.T) store.Store { return storetest.Failing(memory.New(memory.Options{})) },
		Bubble: true,
	}
	storetest.Run(t, h)
	storetest.RunConcurrency(t, h)
}

func TestSES16_FaultyFailsEachMethodApart(t *testing.T) {
	for op := storetest.Get; op <= storetest.Scan; op++ {
		t.Run(op.String(), func(t *testing.T) {
			f := storetest.Failing(memory.New(memory.Options{}))
			f.Fail(errDown, op)
			for other, err := range all(t.Context(), f) {
				if errors.Is(err, errDown) != (storetest.Op(other) == op) {
					t.Errorf("%v: %v", storetest.Op(other), err)
				}
				if n := f.Calls(storetest.Op(other)); n != 1 {
					t.Errorf("%v: %d calls counted, want 1", storetest.Op(other), n)
				}
			}
			f.Heal(op)
			for other, err := range all(t.Context(), f) {
				if errors.Is(err, errDown) {
					t.Errorf("%v after Heal: %v", storetest.Op(other), err)
				}
			}
		})
	}
}

func TestFaultyFailsAllMethods(t *testing.T) {
	inner := memory.New(memory.Options{})
	f := storetest.Failing(inner)
	f.Fail(errDown)
	for op, err := range all(t.Context(), f) {
		if !errors.Is(err, errDown) {
			t.Errorf("%v: %v, want %v", storetest.Op(op), err, errDown)
		}
	}
	if n := inner.Stats().Records; n != 0 {
		t.Errorf("%d records were written", n)
	}
}

func TestFaultyLosesAnswersNotWork(t *testing.T) {
	inner := memory.New(memory.Options{})
	f := storetest.Failing(inner)
	f.Lose(errDown)
	ctx, rec := t.Context(), store.Record{Value: []byte("v"), Expires: time.Now().Add(time.Hour)}
	if v, err := f.Create(ctx, "things", store.Key{}, rec); v != 0 || !errors.Is(err, errDown) {
		t.Errorf("Create: version %d, error %v", v, err)
	}
	if _, err := f.Create(ctx, "things", store.Key{}, rec); !errors.Is(err, store.ErrConflict) || errors.Is(err, errDown) {
		t.Errorf("second Create: %v, want the store's own %v", err, store.ErrConflict)
	}
	if inner.Len("things") != 1 {
		t.Error("the record was not written")
	}
	if rec, found, err := f.Take(ctx, "things", store.Key{}); rec.Value != nil || found || !errors.Is(err, errDown) {
		t.Errorf("Take: value %q, found %t, error %v", rec.Value, found, err)
	}
	if inner.Len("things") != 0 {
		t.Error("the record was not taken")
	}
	errs := all(ctx, f)
	for _, op := range []storetest.Op{storetest.Get, storetest.Create, storetest.Delete, storetest.Take, storetest.Lookup, storetest.Scan} {
		if !errors.Is(errs[op], errDown) {
			t.Errorf("%v: %v, want %v", op, errs[op], errDown)
		}
	}
}

func TestFaultyBlocksUntilTheContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := memory.New(memory.Options{})
		f := storetest.Failing(inner)
		f.Block()
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		for op, err := range all(ctx, f) {
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%v: %v, want %v", storetest.Op(op), err, context.DeadlineExceeded)
			}
		}
		if d := time.Since(start); d != time.Minute {
			t.Errorf("blocked for %s, want %s", d, time.Minute)
		}
		if inner.Stats().Records != 0 {
			t.Error("a blocked call was carried out")
		}
	})
}

func TestFaultyGoesOnWhenHealed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := storetest.Failing(memory.New(memory.Options{}))
		f.Block(storetest.Get, storetest.Lookup)
		var wg sync.WaitGroup
		healed := false
		wg.Go(func() {
			if _, _, _, err := f.Get(t.Context(), "things", store.Key{}); err != nil || !healed {
				t.Errorf("Get: healed %t, error %v", healed, err)
			}
		})
		synctest.Wait()
		healed = true
		f.Heal(storetest.Get)
		wg.Wait()

		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, _, err := f.Lookup(ctx, "things", store.Key{}, 1); !errors.Is(err, context.Canceled) {
			t.Errorf("Lookup, which is still blocked: %v, want %v", err, context.Canceled)
		}
	})
}

func TestFaultyIsSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := storetest.Failing(memory.New(memory.Options{}))
		f.Slow(time.Second, storetest.Create)
		start := time.Now()
		if err := all(t.Context(), f)[storetest.Create]; err != nil {
			t.Error(err)
		}
		if d := time.Since(start); d != time.Second {
			t.Errorf("took %s, want %s", d, time.Second)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if err := all(ctx, f)[storetest.Create]; !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Create: %v, want %v", err, context.DeadlineExceeded)
		}
	})
}

func TestFaultyMayBeToldWhileInUse(t *testing.T) {
	f := storetest.Failing(memory.New(memory.Options{}))
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 100 {
				all(t.Context(), f)
			}
		})
	}
	for range 100 {
		f.Fail(errDown)
		f.Block(storetest.Get)
		f.Slow(time.Microsecond)
		f.Lose(errDown, storetest.Take)
		f.Heal()
	}
	wg.Wait()
	if n := f.Calls(storetest.Get); n != 400 {
		t.Errorf("%d calls counted, want 400", n)
	}
}
