package storetest

import (
	"github.com/wayleave/wayleave/store"
)

var creating = cases{
	"nothing is found under a key that was never written": func(f *fixture) {
		k := f.key()
		f.wantAbsent(k)
		f.mustDelete(k)
		f.wantConflict(f.Replace(f.Context(), f.table, k, 1, lasting("v")))
		f.wantAbsent(k)
	},
	"what was created is found as it was": func(f *fixture) {
		k, rec := f.key(), lasting("value", f.keys(store.MaxLookups)...)
		v := f.mustCreate(k, rec)
		f.wantRecord(k, rec, v)
		for _, s := range rec.Lookups {
			f.wantLookup(s, k)
		}
	},
	"an empty value is a value": func(f *fixture) {
		k, rec := f.key(), lasting("")
		rec.Value = nil
		f.wantRecord(k, rec, f.mustCreate(k, rec))
		f.wantTake(k, "")
	},
	"any bytes are kept as they are": func(f *fixture) {
		k, rec := f.key(), lasting("")
		for b := range 256 {
			rec.Value = append(rec.Value, byte(b))
		}
		v := f.mustCreate(k, rec)
		f.wantRecord(k, rec, v)
		f.wantRecord(k, rec, f.mustReplace(k, v, rec))
	},
	"CBK-07 a second Create is a conflict and changes nothing": func(f *fixture) {
		k, s, other, rec := f.key(), f.key(), f.key(), store.Record{}
		rec = lasting("first", s)
		v := f.mustCreate(k, rec)
		f.wantConflict(f.Create(f.Context(), f.table, k, brief("second", other)))
		f.wantRecord(k, rec, v)
		f.wantLookup(s, k)
		f.wantLookup(other)
	},
	"Create succeeds again after Delete and after Take": func(f *fixture) {
		k, s := f.key(), f.key()
		f.mustCreate(k, lasting("1", s))
		f.mustDelete(k)
		f.mustCreate(k, lasting("2", s))
		f.wantTake(k, "2")
		rec := lasting("3")
		f.wantRecord(k, rec, f.mustCreate(k, rec))
		f.wantLookup(s) // the look-up keys of its predecessors did not come back
	},
	"one key in two tables is two records": func(f *fixture) {
		k, s := f.key(), f.key()
		here, there := lasting("here", s), lasting("there", s)
		v := f.mustCreate(k, here)
		away := *f
		away.table = "others"
		away.wantAbsent(k)
		away.wantConflict(f.Replace(f.Context(), away.table, k, v, there))
		w := away.mustCreate(k, there)
		f.wantRecord(k, here, v)
		away.wantRecord(k, there, w)
		away.mustDelete(k)
		f.wantRecord(k, here, v)
	},
	"the caller may reuse its slices after a write": func(f *fixture) {
		k, s := f.key(), f.key()
		rec, want := lasting("first", s), lasting("first", s)
		rec.Expires = want.Expires
		v := f.mustCreate(k, rec)
		copy(rec.Value, "xxxxx")
		rec.Lookups[0] = f.key()
		f.wantRecord(k, want, v)
		f.wantLookup(s, k)

		rec = store.Record{Value: []byte("again"), Expires: want.Expires, Lookups: []store.Key{s}}
		want.Value = []byte("again")
		v = f.mustReplace(k, v, rec)
		copy(rec.Value, "xxxxx")
		rec.Lookups[0] = f.key()
		f.wantRecord(k, want, v)
		f.wantLookup(s, k)
	},
	"what Get returned does not change when the record does": func(f *fixture) {
		k, first := f.key(), lasting("first", f.key())
		v := f.mustCreate(k, first)
		got, _, _, err := f.Get(f.Context(), f.table, k)
		if err != nil {
			f.Fatal(err)
		}
		f.mustReplace(k, v, lasting("later", f.key()))
		f.same(got, first)
		f.mustDelete(k)
		for range 100 {
			f.mustCreate(f.key(), lasting("other", f.key()))
		}
		f.same(got, first)
	},
	"readers who append to a value do not meet": func(f *fixture) {
		k := f.key()
		f.mustCreate(k, lasting("thirteen char"))
		a, _, _, aErr := f.Get(f.Context(), f.table, k)
		b, _, _, bErr := f.Get(f.Context(), f.table, k)
		if aErr != nil || bErr != nil {
			f.Fatal(aErr, bErr)
		}
		one, two := append(a.Value, '1'), append(b.Value, '2')
		if one[13] != '1' || two[13] != '2' {
			f.Errorf("%q and %q share their end", one, two)
		}
	},
}

var replacing = cases{
	"Replace exchanges the whole record": func(f *fixture) {
		k, s1, s2, s3 := f.key(), f.key(), f.key(), f.key()
		v := f.mustCreate(k, lasting("first", s1, s2))
		rec := lasting("second, and longer", s2, s3)
		rec.Expires = rec.Expires.Add(-1)
		v = f.mustReplace(k, v, rec)
		f.wantRecord(k, rec, v)
		f.wantLookup(s1)
		f.wantLookup(s2, k)
		f.wantLookup(s3, k)

		rec.Lookups = nil
		f.wantRecord(k, rec, f.mustReplace(k, v, rec))
		f.wantLookup(s2)
		f.wantLookup(s3)
	},
	"each version works once": func(f *fixture) {
		k, s := f.key(), f.key()
		versions := []store.Version{f.mustCreate(k, lasting("0", s))}
		for range 5 {
			versions = append(versions, f.mustReplace(k, versions[len(versions)-1], lasting("n", s)))
		}
		last := lasting("last", s)
		current := f.mustReplace(k, versions[5], last)
		for _, old := range versions {
			f.wantConflict(f.Replace(f.Context(), f.table, k, old, lasting("late", f.key())))
		}
		f.wantRecord(k, last, current)
		f.wantLookup(s, k)
	},
	"no version that was not returned is accepted": func(f *fixture) {
		k, rec := f.key(), lasting("v")
		v := f.mustCreate(k, rec)
		for _, wrong := range []store.Version{0, v - 1, v + 1, ^store.Version(0), 1 << 63} {
			f.wantConflict(f.Replace(f.Context(), f.table, k, wrong, lasting("wrong")))
		}
		f.wantConflict(f.Replace(f.Context(), f.table, f.key(), 0, lasting("new")))
		f.wantRecord(k, rec, v)
	},
	"A224 a deleted or taken record is not brought back": func(f *fixture) {
		k, s := f.key(), f.key()
		v := f.mustCreate(k, lasting("v", s))
		f.mustDelete(k)
		f.wantConflict(f.Replace(f.Context(), f.table, k, v, lasting("late", s)))
		f.wantAbsent(k)
		v = f.mustCreate(k, lasting("w", s))
		f.wantTake(k, "w")
		f.wantConflict(f.Replace(f.Context(), f.table, k, v, lasting("late", s)))
		f.wantAbsent(k)
		f.wantLookup(s)
	},
	"A224 a version does not come back with a new record under the key": func(f *fixture) {
		k := f.key()
		var old []store.Version
		for range 5 {
			v := f.mustCreate(k, lasting("v"))
			old = append(old, v, f.mustReplace(k, v, lasting("w")))
			f.mustDelete(k)
		}
		rec := lasting("new")
		v := f.mustCreate(k, rec)
		for _, o := range old {
			f.wantConflict(f.Replace(f.Context(), f.table, k, o, lasting("late")))
		}
		f.wantRecord(k, rec, v)
	},
}

var removing = cases{
	"Delete removes the record and its look-up keys": func(f *fixture) {
		k, s, other := f.key(), f.key(), f.key()
		f.mustCreate(k, lasting("v", s))
		f.mustCreate(other, lasting("w", s))
		f.mustDelete(k)
		f.wantAbsent(k)
		f.wantLookup(s, other)
		f.mustDelete(k)
		f.wantLookup(s, other)
	},
	"CBK-07 Take gives the record once": func(f *fixture) {
		k, s := f.key(), f.key()
		rec := lasting("v", s)
		f.mustCreate(k, rec)
		got, found, err := f.Take(f.Context(), f.table, k)
		if err != nil || !found {
			f.Fatalf("Take: found %t, error %v", found, err)
		}
		f.same(got, rec)
		f.wantAbsent(k)
		f.wantLookup(s)
	},
	"Take gives the last version": func(f *fixture) {
		k := f.key()
		f.mustReplace(k, f.mustCreate(k, lasting("v")), lasting("w"))
		f.wantTake(k, "w")
	},
	"SES-18 reading, taking and deleting create nothing": func(f *fixture) {
		k, s := f.key(), f.key()
		f.wantAbsent(k)
		f.mustDelete(k)
		f.wantLookup(s)
		f.wantConflict(f.Replace(f.Context(), f.table, k, 7, lasting("v", s)))
		f.wantLookup(s)
		rec := lasting("v")
		f.wantRecord(k, rec, f.mustCreate(k, rec))
	},
}
