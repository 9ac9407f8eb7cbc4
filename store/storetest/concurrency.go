package storetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/wayleave/wayleave/store"
)

const (
	crowd  = 100 // users at the same time
	rounds = 10  // since one round can come out right by luck
)

// together runs n functions at once and waits for them.
func together(n int, run func(i int)) {
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-start
			run(i)
		})
	}
	close(start)
	wg.Wait()
}

var concurrent = cases{
	"CBK-07 A011 of a hundred that create one key, one succeeds": func(f *fixture) {
		stores, s := f.replicas(), f.key()
		for range rounds {
			k := f.key()
			won := make(chan int, crowd)
			together(crowd, func(i int) {
				_, err := stores[i%len(stores)].Create(f.Context(), f.table, k, lasting(strconv.Itoa(i), s))
				switch {
				case err == nil:
					won <- i
				case !errors.Is(err, store.ErrConflict):
					f.Errorf("Create: %v", err)
				}
			})
			if len(won) != 1 {
				f.Fatalf("%d of %d created the record, want 1", len(won), crowd)
			}
			f.wantLookup(s, k)
			f.wantTake(k, strconv.Itoa(<-won))
		}
	},
	"CBK-07 of a hundred that create an expired key, one succeeds": func(f *fixture) {
		stores, rec, ks := f.replicas(), brief("old"), f.keys(rounds)
		for _, k := range ks {
			f.mustCreate(k, rec)
		}
		f.awaitExpiry(rec.Expires)
		for _, k := range ks {
			var won atomic.Int64
			together(crowd, func(i int) {
				_, err := stores[i%len(stores)].Create(f.Context(), f.table, k, lasting("new"))
				switch {
				case err == nil:
					won.Add(1)
				case !errors.Is(err, store.ErrConflict):
					f.Errorf("Create: %v", err)
				}
			})
			if won.Load() != 1 {
				f.Fatalf("%d of %d created the record, want 1", won.Load(), crowd)
			}
		}
	},
	"CBK-07 of a hundred that take one record, one gets it": func(f *fixture) {
		stores := f.replicas()
		for range rounds {
			k := f.key()
			f.mustCreate(k, lasting("v"))
			var won atomic.Int64
			together(crowd, func(i int) {
				rec, found, err := stores[i%len(stores)].Take(f.Context(), f.table, k)
				if err != nil || found && string(rec.Value) != "v" {
					f.Errorf("Take: value %q, error %v", rec.Value, err)
				}
				if found {
					won.Add(1)
				}
			})
			if won.Load() != 1 {
				f.Fatalf("%d of %d took the record, want 1", won.Load(), crowd)
			}
		}
	},
	"no update of a counter is lost": func(f *fixture) {
		const workers, each = 8, 25
		stores, k := f.replicas(), f.key()
		f.mustCreate(k, lasting("0"))
		together(workers, func(i int) {
			s := stores[i%len(stores)]
			for done := 0; done < each; {
				rec, v, found, err := s.Get(f.Context(), f.table, k)
				if err != nil || !found {
					f.Errorf("Get: found %t, error %v", found, err)
					return
				}
				n, err := strconv.Atoi(string(rec.Value))
				if err != nil {
					f.Error(err)
					return
				}
				runtime.Gosched() // so that others read the same number
				_, err = s.Replace(f.Context(), f.table, k, v, lasting(strconv.Itoa(n+1)))
				switch {
				case err == nil:
					done++
				case !errors.Is(err, store.ErrConflict):
					f.Errorf("Replace: %v", err)
					return
				}
			}
		})
		f.wantTake(k, strconv.Itoa(workers*each))
	},
	"A224 nothing comes back after Delete or Take": func(f *fixture) {
		stores := f.replicas()
		for round := range 5 * rounds {
			k, s := f.key(), f.key()
			f.mustCreate(k, lasting("0", s))
			var gone atomic.Bool
			var tried atomic.Int64
			soon := rand.Int64N(20)
			together(4, func(i int) {
				here := stores[i%len(stores)]
				if i == 0 {
					defer gone.Store(true)
					for tried.Load() < soon && !f.Failed() {
						runtime.Gosched()
					}
					if round%2 == 0 {
						if err := here.Delete(f.Context(), f.table, k); err != nil {
							f.Errorf("Delete: %v", err)
						}
					} else if _, found, err := here.Take(f.Context(), f.table, k); err != nil || !found {
						f.Errorf("Take: found %t, error %v", found, err)
					}
					return
				}
				var last store.Version
				for after := false; !after; {
					after = gone.Load() // then once more, certainly too late
					_, v, found, err := here.Get(f.Context(), f.table, k)
					if err != nil {
						f.Errorf("Get: %v", err)
						return
					}
					if found {
						last = v
					}
					_, err = here.Replace(f.Context(), f.table, k, last, lasting("n", s))
					tried.Add(1)
					if err != nil && !errors.Is(err, store.ErrConflict) {
						f.Errorf("Replace: %v", err)
						return
					}
				}
			})
			f.wantAbsent(k)
			f.wantLookup(s)
		}
	},
	"a record is never missed by Lookup while it is replaced": func(f *fixture) {
		stores, k, s := f.replicas(), f.key(), f.key()
		v := f.mustCreate(k, lasting("v", s))
		var done atomic.Bool
		together(3, func(i int) {
			if i == 0 {
				defer done.Store(true)
				for range 200 {
					// One look-up key stays while others come and go.
					w, err := stores[0].Replace(f.Context(), f.table, k, v, lasting("v", s, f.key()))
					if err != nil {
						f.Errorf("Replace: %v", err)
						return
					}
					v = w
				}
				return
			}
			for !done.Load() {
				got, more, err := stores[i%len(stores)].Lookup(f.Context(), f.table, s, 10)
				if err != nil || more || len(got) != 1 || got[0] != k {
					f.Errorf("Lookup: %v, more %t, error %v; want %v", got, more, err, k)
					return
				}
			}
		})
	},
	"a record is never missed by Scan while others come and go": scanInUse,
	"many users with shared look-up keys see their own writes":  mixedUse,
	"Close while others work ends with ErrClosed everywhere":    closeInUse,
}

// mixedUse gives each worker keys of its own, so that it knows what is there,
// and all workers the same few look-up keys.
func mixedUse(f *fixture) {
	const workers, steps = 8, 150
	stores, shared := f.replicas(), f.keys(3)
	final := make([]map[store.Key]store.Record, workers)
	together(workers, func(i int) {
		w := &worker{fixture: *f, mine: map[store.Key]store.Record{}, versions: map[store.Key]store.Version{}}
		w.Store = stores[i%len(stores)]
		keys := w.keys(4)
		for range steps {
			if err := w.step(keys[rand.IntN(len(keys))], shared); err != nil {
				f.Error(err)
				return
			}
		}
		final[i] = w.mine
	})
	if f.Failed() {
		return
	}
	for _, s := range shared {
		var want []store.Key
		for _, mine := range final {
			for k, rec := range mine {
				if rec.Lookups[0] == s {
					want = append(want, k)
				}
			}
		}
		f.wantLookup(s, want...)
	}
}

// worker knows what it has written.
type worker struct {
	fixture
	mine     map[store.Key]store.Record
	versions map[store.Key]store.Version
}

// step makes one random call and compares what it sees with what it knows.
func (w *worker) step(k store.Key, shared []store.Key) error {
	ctx := w.Context()
	rec := lasting(strconv.Itoa(rand.Int()), shared[rand.IntN(len(shared))])
	was, there := w.mine[k]
	switch rand.IntN(5) {
	case 0, 1:
		v, err := w.Create(ctx, w.table, k, rec)
		if errors.Is(err, store.ErrConflict) == !there || err != nil && !there {
			return fmt.Errorf("Create: %w, record there before: %t", err, there)
		}
		if err == nil {
			w.mine[k], w.versions[k] = rec, v
		}
	case 2:
		v, err := w.Replace(ctx, w.table, k, w.versions[k], rec)
		if (err == nil) != there || err != nil && !errors.Is(err, store.ErrConflict) {
			return fmt.Errorf("Replace: %w, record there before: %t", err, there)
		}
		if err == nil {
			w.mine[k], w.versions[k] = rec, v
		}
	case 3:
		got, found, err := w.Take(ctx, w.table, k)
		if err != nil || found != there || string(got.Value) != string(was.Value) {
			return fmt.Errorf("Take: value %q, found %t, want %q, %t; error %w", got.Value, found, was.Value, there, err)
		}
		delete(w.mine, k)
	case 4:
		if err := w.Delete(ctx, w.table, k); err != nil {
			return fmt.Errorf("Delete: %w", err)
		}
		delete(w.mine, k)
	}
	return w.compare(k, shared)
}

func (w *worker) compare(k store.Key, shared []store.Key) error {
	want, there := w.mine[k]
	got, v, found, err := w.Get(w.Context(), w.table, k)
	if err != nil || found != there || there && (v != w.versions[k] || string(got.Value) != string(want.Value)) {
		return fmt.Errorf("Get: value %q, version %d, found %t, want %q, %d, %t; error %w", got.Value, v, found, want.Value, w.versions[k], there, err)
	}
	for _, s := range shared {
		keys, more, err := w.Lookup(w.Context(), w.table, s, 1000)
		if err != nil || more {
			return fmt.Errorf("Lookup: more %t, error %w", more, err)
		}
		listed := false
		for _, l := range keys {
			listed = listed || l == k
		}
		if carries := there && want.Lookups[0] == s; listed != carries {
			return fmt.Errorf("Lookup lists the record: %t, want %t", listed, carries)
		}
	}
	return nil
}

// closeInUse accepts any end of a call that Close met halfway, but no absence
// of a record that is there, and no call that works after Close returned.
func closeInUse(f *fixture) {
	k, s := f.key(), f.key()
	f.mustCreate(k, lasting("v", s))
	var started sync.WaitGroup
	started.Add(8)
	closed := make(chan struct{})
	together(10, func(i int) {
		if i >= 8 {
			started.Wait()
			if err := f.Close(); err != nil {
				f.Errorf("Close: %v", err)
			}
			if i == 8 {
				close(closed)
			}
			return
		}
		for n := 0; ; n++ {
			_, _, found, err := f.Get(f.Context(), f.table, k)
			if err == nil && !found {
				f.Error("Get: a record that is there was not found")
			}
			if _, lerr := f.Create(f.Context(), f.table, f.key(), lasting("w", s)); err == nil {
				err = lerr
			}
			keys, _, lerr := f.Lookup(f.Context(), f.table, s, 1000)
			if lerr == nil && len(keys) == 0 {
				f.Error("Lookup: a record that is there was not listed")
			}
			if n == 0 {
				started.Done()
			}
			if err != nil {
				break
			}
		}
		<-closed
		for name, err := range f.callAll(f.Context(), k, f.key(), 1) {
			if !errors.Is(err, store.ErrClosed) {
				f.Errorf("%s after Close: %v, want %v", name, err, store.ErrClosed)
			}
		}
	})
}
