package storetest

import (
	"time"

	"github.com/wayleave/wayleave/store"
)

var (
	farEast = time.FixedZone("far east", +14*60*60) // its clocks show most
	farWest = time.FixedZone("far west", -12*60*60)
)

var expiring = cases{
	"A238 an expired record is gone for every method": func(f *fixture) {
		s, rec := f.key(), brief("v", f.key())
		rec.Lookups = append(rec.Lookups, s)
		got, taken, replaced, deleted, listed := f.key(), f.key(), f.key(), f.key(), f.key()
		for _, k := range []store.Key{got, taken, deleted, listed} {
			f.mustCreate(k, rec)
		}
		v := f.mustCreate(replaced, rec)
		f.awaitExpiry(rec.Expires)
		f.wantLookup(s) // first, before another method could have tidied up
		if rec, found, err := f.Take(f.Context(), f.table, taken); err != nil || found {
			f.Errorf("Take: value %q, found %t, error %v; want nothing", head(rec.Value), found, err)
		}
		f.wantConflict(f.Replace(f.Context(), f.table, replaced, v, lasting("late", s)))
		f.mustDelete(deleted)
		for _, k := range []store.Key{got, taken, replaced, deleted, listed} {
			f.wantAbsent(k)
		}
		f.wantLookup(s)
	},
	"Create after expiry makes a new record": func(f *fixture) {
		k, s, rec := f.key(), f.key(), brief("old")
		rec.Lookups = []store.Key{s}
		old := f.mustCreate(k, rec)
		f.awaitExpiry(rec.Expires)
		fresh := lasting("new")
		v := f.mustCreate(k, fresh)
		f.wantRecord(k, fresh, v)
		f.wantLookup(s) // the old look-up key is not the new record's
		f.wantConflict(f.Replace(f.Context(), f.table, k, old, lasting("late")))
		f.wantRecord(k, fresh, v)
	},
	"Replace moves the expiry both ways": func(f *fixture) {
		longer, shorter, s := f.key(), f.key(), f.key()
		soon := brief("soon", s)
		late := lasting("late", s)
		v := f.mustReplace(longer, f.mustCreate(longer, soon), late)
		f.mustReplace(shorter, f.mustCreate(shorter, late), soon)
		f.awaitExpiry(soon.Expires)
		f.wantLookup(s, longer)
		f.wantRecord(longer, late, v)
		f.wantAbsent(shorter)
	},
	"expired records do not count towards more": func(f *fixture) {
		s, soon := f.key(), brief("soon")
		soon.Lookups = []store.Key{s}
		k := f.key()
		f.mustCreate(f.key(), soon)
		f.mustCreate(k, lasting("v", s))
		f.mustCreate(f.key(), soon)
		f.awaitExpiry(soon.Expires)
		got, more, err := f.Lookup(f.Context(), f.table, s, 1)
		if err != nil || more || len(got) != 1 || got[0] != k {
			f.Errorf("Lookup: %v, more %t, error %v; want %v alone", got, more, err, k)
		}
	},
	"a record without an expiry in the future is refused": func(f *fixture) {
		k, s := f.key(), f.key()
		there := f.key()
		rec := lasting("v", s)
		v := f.mustCreate(there, rec)
		now := time.Now()
		for name, e := range map[string]time.Time{
			"zero":                  {},
			"zero in another zone":  time.Time{}.In(farEast),
			"1970":                  time.Unix(0, 0),
			"year 1":                time.Date(1, 1, 1, 0, 0, 0, 1, time.UTC),
			"an hour ago":           now.Add(-time.Hour),
			"just now":              now.Add(-2 * time.Millisecond),
			"tomorrow on the clock": now.Add(-time.Minute).In(farEast),
			"without monotonic":     now.Round(0).Add(-time.Minute),
		} {
			_, err := f.Create(f.Context(), f.table, k, store.Record{Value: []byte("v"), Expires: e, Lookups: []store.Key{s}})
			f.Log(name)
			f.wantErr(err, store.ErrNoExpiry)
			_, err = f.Replace(f.Context(), f.table, there, v, store.Record{Value: []byte("w"), Expires: e})
			f.wantErr(err, store.ErrNoExpiry)
		}
		f.wantAbsent(k)
		f.wantRecord(there, rec, v)
		f.wantLookup(s, there)
	},
	"an expiry is an instant, whatever clock shows it": func(f *fixture) {
		now := time.Now()
		for name, e := range map[string]time.Time{
			"local, monotonic":          now.Add(time.Minute),
			"without monotonic":         now.Round(0).Add(time.Minute),
			"UTC":                       now.UTC().Add(time.Minute),
			"yesterday on the clock":    now.Add(time.Minute).In(farWest),
			"tomorrow on the clock":     now.Add(time.Minute).In(farEast),
			"nanoseconds":               now.Truncate(time.Second).Add(time.Minute + 123456789),
			"end of a leap day":         time.Date(2096, 2, 29, 23, 59, 59, 999e6, time.UTC),
			"A233 after 31 bits":        time.Date(2038, 1, 19, 3, 14, 8, 0, time.UTC),
			"A233 after 32 bits":        time.Date(2106, 2, 7, 6, 28, 16, 0, time.UTC),
			"A233 after 63 bits of ns":  time.Date(2262, 4, 11, 23, 47, 17, 0, time.UTC),
			"A233 the last we can show": time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC),
		} {
			f.Log(name)
			k := f.key()
			rec := store.Record{Value: []byte("v"), Expires: e, Lookups: []store.Key{k}}
			v := f.mustCreate(k, rec)
			f.wantRecord(k, rec, v)
			f.wantRecord(k, rec, f.mustReplace(k, v, rec))
			f.wantLookup(k, k)
		}
	},
	"a record lives as long as it was told to": func(f *fixture) {
		// Far from a full second, so that a store which counts in seconds fails.
		e := time.Now().Truncate(time.Second).Add(1900 * time.Millisecond)
		const slack = 100 * time.Millisecond // between our clock and the store's
		k := f.key()
		f.mustCreate(k, store.Record{Expires: e})
		for {
			before := time.Now()
			_, _, found, err := f.Get(f.Context(), f.table, k)
			after := time.Now()
			switch {
			case err != nil:
				f.Fatal(err)
			case !found && after.Before(e.Add(-slack)):
				f.Fatalf("gone %s early", e.Sub(after))
			case found && before.After(e.Add(slack)):
				f.Fatalf("still there %s late", before.Sub(e))
			case !found:
				return
			}
			time.Sleep(5 * time.Millisecond)
		}
	},
}

// exactTime is for stores whose clock stands still while nobody waits.
var exactTime = cases{
	"a record exists until its expiry and not from then on": func(f *fixture) {
		s, rec := f.key(), brief("v")
		rec.Lookups = []store.Key{s}
		got, taken, replaced, again := f.key(), f.key(), f.key(), f.key()
		for _, k := range []store.Key{got, taken, again} {
			f.mustCreate(k, rec)
		}
		v := f.mustCreate(replaced, rec)

		time.Sleep(time.Until(rec.Expires) - time.Millisecond)
		f.wantLookup(s, got, taken, replaced, again)
		f.wantConflict(f.Create(f.Context(), f.table, again, lasting("new")))
		v = f.mustReplace(replaced, v, rec)

		time.Sleep(time.Millisecond)
		f.wantLookup(s)
		f.wantAbsent(got)
		f.wantAbsent(taken)
		f.wantConflict(f.Replace(f.Context(), f.table, replaced, v, prolonged(rec)))
		f.mustCreate(again, lasting("new"))

		_, err := f.Create(f.Context(), f.table, f.key(), store.Record{Expires: time.Now()})
		f.wantErr(err, store.ErrNoExpiry)
	},
}

// prolonged returns the record with an expiry that is in the future.
func prolonged(rec store.Record) store.Record {
	rec.Expires = rec.Expires.Add(time.Hour)
	return rec
}
