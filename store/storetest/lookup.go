package storetest

import (
	"slices"

	"github.com/wayleave/wayleave/store"
)

var lookingUp = cases{
	"a secondary key finds every record that carries it": func(f *fixture) {
		s, t, ks := f.key(), f.key(), f.keys(20)
		for i, k := range ks {
			if i%2 == 0 {
				f.mustCreate(k, lasting("even", s, t))
			} else {
				f.mustCreate(k, lasting("odd", s))
			}
		}
		f.wantLookup(s, ks...)
		even := slices.DeleteFunc(slices.Clone(ks), func(k store.Key) bool { return slices.Index(ks, k)%2 != 0 })
		f.wantLookup(t, even...)
		f.wantLookup(f.key())
	},
	"the limit cuts the list and says so": func(f *fixture) {
		s, ks := f.key(), f.keys(5)
		for _, k := range ks {
			f.mustCreate(k, lasting("v", s))
		}
		for limit := 1; limit <= 6; limit++ {
			got, more, err := f.Lookup(f.Context(), f.table, s, limit)
			if err != nil || len(got) != min(limit, 5) || more != (limit < 5) {
				f.Errorf("limit %d of 5: %d keys, more %t, error %v", limit, len(got), more, err)
			}
			seen := map[store.Key]bool{}
			for _, k := range got {
				if seen[k] || !slices.Contains(ks, k) {
					f.Errorf("limit %d: key %v is doubled or foreign", limit, k)
				}
				seen[k] = true
			}
		}
	},
	"a thousand and one are found in two steps": func(f *fixture) {
		s, left := f.key(), 1001
		for range left {
			f.mustCreate(f.key(), lasting("v", s))
		}
		for _, want := range []struct {
			n    int
			more bool
		}{{1000, true}, {1, false}, {0, false}} {
			got, more, err := f.Lookup(f.Context(), f.table, s, 1000)
			if err != nil || len(got) != want.n || more != want.more {
				f.Fatalf("%d keys, more %t, error %v; want %d, %t", len(got), more, err, want.n, want.more)
			}
			for _, k := range got {
				f.mustDelete(k)
			}
		}
	},
	"a limit out of range is an error": func(f *fixture) {
		s, k := f.key(), f.key()
		f.mustCreate(k, lasting("v", s))
		for _, limit := range []int{-1, 0, 1001, 1 << 40} {
			if got, more, err := f.Lookup(f.Context(), f.table, s, limit); err == nil || len(got) > 0 || more {
				f.Errorf("limit %d: %v, more %t, error %v; want an error", limit, got, more, err)
			}
		}
		for _, limit := range []int{1, 1000} {
			if got, _, err := f.Lookup(f.Context(), f.table, s, limit); err != nil || len(got) != 1 {
				f.Errorf("limit %d: %v, error %v; want the key", limit, got, err)
			}
		}
	},
	"a key given twice counts once": func(f *fixture) {
		k, s := f.key(), f.key()
		rec := lasting("v", s, s, s, s, s, s, s, s)
		v := f.mustCreate(k, rec)
		f.wantRecord(k, rec, v)
		f.wantLookup(s, k)
		if _, more, err := f.Lookup(f.Context(), f.table, s, 1); err != nil || more {
			f.Errorf("more %t, error %v after the only record", more, err)
		}
		rec.Lookups = rec.Lookups[:2]
		v = f.mustReplace(k, v, rec)
		f.wantLookup(s, k)
		rec.Lookups = nil
		f.mustReplace(k, v, rec)
		f.wantLookup(s)
	},
	"one secondary key in two tables is two": func(f *fixture) {
		k, l, s := f.key(), f.key(), f.key()
		away := *f
		away.table = "others"
		f.mustCreate(k, lasting("here", s))
		away.wantLookup(s)
		away.mustCreate(l, lasting("there", s))
		f.wantLookup(s, k)
		away.wantLookup(s, l)
	},
	"keys and secondary keys do not mix": func(f *fixture) {
		k, s := f.key(), f.key()
		f.mustCreate(k, lasting("v", s, k)) // its own key, too
		f.wantLookup(k, k)
		f.wantAbsent(s)
		f.mustCreate(s, lasting("w"))
		f.wantLookup(s, k)
		f.mustDelete(s)
		f.wantLookup(s, k)
	},
}
