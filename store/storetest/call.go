package storetest

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"time"

	"github.com/wayleave/wayleave/store"
)

var limits = cases{
	"the largest value is kept, one byte more is refused": func(f *fixture) {
		k, s := f.key(), f.key()
		rec := store.Record{Value: bytes.Repeat([]byte{0, 0xff, 7}, store.MaxValue/3+1)[:store.MaxValue], Expires: time.Now().Add(time.Hour), Lookups: []store.Key{s}}
		v := f.mustCreate(k, rec)
		f.wantRecord(k, rec, v)
		v = f.mustReplace(k, v, rec)
		f.wantRecord(k, rec, v)

		large := rec
		large.Value = append(bytes.Clone(rec.Value), 1)
		_, err := f.Replace(f.Context(), f.table, k, v, large)
		f.wantErr(err, store.ErrTooLarge)
		f.wantRecord(k, rec, v)
		other := f.key()
		_, err = f.Create(f.Context(), f.table, other, large)
		f.wantErr(err, store.ErrTooLarge)
		f.wantAbsent(other)
		f.wantLookup(s, k)
	},
	"eight look-up keys are kept, nine are refused": func(f *fixture) {
		k, ks := f.key(), f.keys(store.MaxLookups+1)
		rec := lasting("v", ks[:store.MaxLookups]...)
		v := f.mustCreate(k, rec)
		f.wantRecord(k, rec, v)

		_, err := f.Replace(f.Context(), f.table, k, v, lasting("w", ks...))
		f.wantErr(err, store.ErrTooLarge)
		other := f.key()
		_, err = f.Create(f.Context(), f.table, other, lasting("w", ks...))
		f.wantErr(err, store.ErrTooLarge)
		f.wantAbsent(other)
		f.wantRecord(k, rec, v)
		for i, s := range ks {
			if i < store.MaxLookups {
				f.wantLookup(s, k)
			} else {
				f.wantLookup(s)
			}
		}
	},
	"errors tell neither values nor whole keys": func(f *fixture) {
		k, s := f.key(), f.key()
		const value = "canary-value"
		v := f.mustCreate(k, lasting(value, s))
		secrets := []string{value, hexOf(k), hexOf(s), string(k[:])}
		_, err := f.Create(f.Context(), f.table, k, lasting(value, s))
		f.wantErr(err, store.ErrConflict, secrets...)
		_, err = f.Replace(f.Context(), f.table, k, v+1, lasting(value, s))
		f.wantErr(err, store.ErrConflict, secrets...)
		_, err = f.Create(f.Context(), f.table, k, store.Record{Value: []byte(value)})
		f.wantErr(err, store.ErrNoExpiry, secrets...)
		_, err = f.Create(f.Context(), f.table, k, lasting(strings.Repeat(value, store.MaxValue/len(value)+1)))
		f.wantErr(err, store.ErrTooLarge, secrets...)
		f.Close()
		_, _, _, err = f.Get(f.Context(), f.table, k)
		f.wantErr(err, store.ErrClosed, secrets...)
	},
}

var calling = cases{
	"an ended context fails each call and writes nothing": func(f *fixture) {
		k, fresh, s := f.key(), f.key(), f.key()
		rec := lasting("v", s)
		v := f.mustCreate(k, rec)
		ended, cancel := context.WithCancel(f.Context())
		cancel()
		late, cancel := context.WithDeadline(f.Context(), time.Now().Add(-time.Second))
		defer cancel()
		for ctx, want := range map[context.Context]error{ended: context.Canceled, late: context.DeadlineExceeded} {
			for name, err := range f.callAll(ctx, k, fresh, v) {
				if !errors.Is(err, want) {
					f.Errorf("%s with an ended context: %v, want %v", name, err, want)
				}
			}
		}
		f.wantAbsent(fresh)
		f.wantRecord(k, rec, v)
		f.wantLookup(s, k)
	},
	"SES-16 a closed store is an error for each call, never an absence": func(f *fixture) {
		k := f.key()
		v := f.mustCreate(k, lasting("v"))
		for range 2 {
			if err := f.Close(); err != nil {
				f.Errorf("Close: %v", err)
			}
			for name, err := range f.callAll(f.Context(), k, f.key(), v) {
				if !errors.Is(err, store.ErrClosed) {
					f.Errorf("%s after Close: %v, want %v", name, err, store.ErrClosed)
				}
			}
		}
	},
	"SingleProcess does not change": func(f *fixture) {
		before := f.SingleProcess()
		f.mustCreate(f.key(), lasting("v"))
		if f.SingleProcess() != before {
			f.Error("SingleProcess changed")
		}
		f.Close()
		if f.SingleProcess() != before {
			f.Error("SingleProcess changed with Close")
		}
	},
}

// callAll makes each call once, on a record that is there and a key that is
// not, and complains about calls that return something beside their error.
func (f *fixture) callAll(ctx context.Context, k, fresh store.Key, v store.Version) map[string]error {
	rec, version, found, getErr := f.Get(ctx, f.table, k)
	taken, takenFound, takeErr := f.Take(ctx, f.table, k)
	created, createErr := f.Create(ctx, f.table, fresh, lasting("new"))
	replaced, replaceErr := f.Replace(ctx, f.table, k, v, lasting("new"))
	keys, more, lookupErr := f.Lookup(ctx, f.table, fresh, 1)
	page, next, scanErr := f.Scan(ctx, f.table, "", 1)
	if rec.Value != nil || version != 0 || found || taken.Value != nil || takenFound ||
		created != 0 || replaced != 0 || keys != nil || more || page != nil || next != "" {
		f.Error("a call returned something beside its error")
	}
	return map[string]error{
		"Get": getErr, "Take": takeErr, "Create": createErr, "Replace": replaceErr, "Lookup": lookupErr,
		"Scan": scanErr, "Delete": f.Delete(ctx, f.table, k),
	}
}

// again is for stores whose data can be opened once more.
var again = cases{
	"A011 a store opened again has the records": func(f *fixture) {
		kept, gone, short, s := f.key(), f.key(), f.key(), f.key()
		rec, soon := lasting("kept", s), brief("short", s)
		v := f.mustReplace(kept, f.mustCreate(kept, rec), rec)
		w := f.mustCreate(gone, lasting("gone", s))
		f.mustDelete(gone)
		f.mustCreate(short, soon)
		if f.SingleProcess() {
			if err := f.Close(); err != nil {
				f.Fatal(err)
			}
		}
		second := *f
		second.Store = f.h.Again(f.T, f.Store)
		f.Cleanup(func() { second.Close() })

		second.wantRecord(kept, rec, v)
		second.wantAbsent(gone)
		second.wantConflict(second.Create(f.Context(), f.table, kept, lasting("new")))
		second.wantConflict(second.Replace(f.Context(), f.table, kept, v-1, lasting("late")))
		f.Log("a version given before does not come back")
		second.mustCreate(gone, lasting("new"))
		second.wantConflict(second.Replace(f.Context(), f.table, gone, w, lasting("late")))
		second.mustReplace(kept, v, rec)

		second.awaitExpiry(soon.Expires)
		second.wantLookup(s, kept)
		second.wantAbsent(short)
	},
}
