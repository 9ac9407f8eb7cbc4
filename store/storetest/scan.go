package storetest

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wayleave/wayleave/store"
)

// maxPages is more than any scan of the suite needs.
const maxPages = 20_000

var scanning = cases{
	"every record is returned, whatever the size of the pages": func(f *fixture) {
		f.table = "pages"
		ks := f.keys(60)
		for _, k := range ks {
			f.mustCreate(k, lasting("v"))
		}
		for _, limit := range []int{1, 2, 7, 59, 60, 61, 1000} {
			f.wantScan(limit, ks, nil)
		}
	},
	"an empty table has an end and nothing before it": func(f *fixture) {
		f.table = "never"
		for _, limit := range []int{1, 1000} {
			if found := f.scan(limit); len(found) != 0 {
				f.Errorf("limit %d: %d keys, want none", limit, len(found))
			}
		}
	},
	"A238 deleted, taken and expired records are not returned": func(f *fixture) {
		f.table = "ended"
		stay, expired, deleted, taken := f.keys(10), f.keys(10), f.keys(3), f.keys(3)
		soon := brief("soon")
		for _, k := range slices.Concat(stay, deleted, taken) {
			f.mustCreate(k, lasting("v"))
		}
		for _, k := range expired {
			f.mustCreate(k, soon)
		}
		f.wantScan(4, slices.Concat(stay, deleted, taken), nil)
		for _, k := range deleted {
			f.mustDelete(k)
		}
		for _, k := range taken {
			f.wantTake(k, "v")
		}
		f.awaitExpiry(soon.Expires)
		for _, limit := range []int{1, 4, 1000} {
			f.wantScan(limit, stay, slices.Concat(expired, deleted, taken))
		}
	},
	"records of other tables are not returned": func(f *fixture) {
		f.table = "mine"
		away := *f
		away.table = "theirs"
		ks := f.keys(30)
		for i, k := range ks {
			if i < 20 {
				f.mustCreate(k, lasting("v", f.key()))
			}
			if i >= 10 {
				away.mustCreate(k, lasting("v", f.key()))
			}
		}
		for _, limit := range []int{3, 1000} {
			f.wantScan(limit, ks[:20], ks[20:])
			away.wantScan(limit, ks[10:], ks[:10])
		}
	},
	"a record that stays is returned though others come and go": func(f *fixture) {
		f.table = "changing"
		stay, going := f.keys(40), f.keys(40)
		versions := map[store.Key]store.Version{}
		for _, k := range slices.Concat(stay, going) {
			versions[k] = f.mustCreate(k, lasting("v"))
		}
		found := map[store.Key]bool{}
		cursor := ""
		for page := range maxPages {
			keys, next := f.page(cursor, 5)
			for _, k := range keys {
				found[k] = true
				if slices.Contains(going, k) { // what lies before the cursor changes its place
					f.mustDelete(k)
				}
			}
			k := stay[page%len(stay)]
			versions[k] = f.mustReplace(k, versions[k], lasting("longer than before", f.key()))
			if page < 20 {
				f.mustCreate(f.key(), lasting("new"))
			}
			if cursor = next; cursor == "" {
				break
			}
		}
		for _, k := range stay {
			if !found[k] {
				f.Errorf("record %v was there throughout and not returned", k)
			}
		}
	},
	"a cursor can be used again, and minutes later": func(f *fixture) {
		f.table = "again"
		ks := f.keys(20)
		for _, k := range ks {
			f.mustCreate(k, lasting("v"))
		}
		first, cursor := f.page("", 4)
		for cursor != "" && len(first) == 0 {
			first, cursor = f.page(cursor, 4)
		}
		for range 2 {
			found := map[store.Key]bool{}
			for _, k := range first {
				found[k] = true
			}
			f.scanFrom(cursor, 4, found)
			for _, k := range ks {
				if !found[k] {
					f.Errorf("record %v was not returned", k)
				}
			}
			if f.h.Bubble {
				time.Sleep(5 * time.Minute)
			}
		}
	},
	"what is no cursor is an error": func(f *fixture) {
		f.table = "cursors"
		for range 10 {
			f.mustCreate(f.key(), lasting("v"))
		}
		_, valid := f.page("", 1)
		wrong := []string{"x", " ", "-1", "no cursor", "\x00", "é", strings.Repeat("9", 10_000)}
		if valid != "" {
			wrong = append(wrong, valid+"!", "!"+valid, valid+" ")
		}
		for _, cursor := range wrong {
			keys, next, err := f.Scan(f.Context(), f.table, cursor, 10)
			if err == nil || keys != nil || next != "" {
				f.Errorf("cursor %.20q: %d keys, next %q, error %v; want an error alone", cursor, len(keys), next, err)
			}
			if err != nil && len(valid) > 20 && strings.Contains(err.Error(), valid) {
				f.Errorf("error text %q repeats the cursor", err)
			}
		}
	},
	"a limit out of range is an error": func(f *fixture) {
		f.table = "limits"
		f.mustCreate(f.key(), lasting("v"))
		for _, limit := range []int{-1, 0, 1001, 1 << 40} {
			keys, next, err := f.Scan(f.Context(), f.table, "", limit)
			if err == nil || keys != nil || next != "" {
				f.Errorf("limit %d: %d keys, next %q, error %v; want an error alone", limit, len(keys), next, err)
			}
		}
	},
}

// page asks for one page and checks that it is one: a store may give some more
// keys than it was asked for, but not a table.
func (f *fixture) page(cursor string, limit int) (keys []store.Key, next string) {
	f.Helper()
	keys, next, err := f.Scan(f.Context(), f.table, cursor, limit)
	if err != nil {
		f.Fatalf("Scan: %v", err)
	}
	if most := 2*limit + 1000; len(keys) > most {
		f.Fatalf("Scan: %d keys in a page, asked for %d", len(keys), limit)
	}
	return keys, next
}

// scanFrom adds to found what a scan finds from the cursor on.
func (f *fixture) scanFrom(cursor string, limit int, found map[store.Key]bool) {
	f.Helper()
	for range maxPages {
		keys, next := f.page(cursor, limit)
		for _, k := range keys {
			found[k] = true
		}
		if next == "" {
			return
		}
		cursor = next
	}
	f.Fatalf("Scan: %d pages and no end", maxPages)
}

// scan returns what a scan of the whole table finds.
func (f *fixture) scan(limit int) map[store.Key]bool {
	f.Helper()
	found := map[store.Key]bool{}
	f.scanFrom("", limit, found)
	return found
}

// wantScan checks that a scan finds all keys of the one list and none of the other.
func (f *fixture) wantScan(limit int, want, not []store.Key) {
	f.Helper()
	found := f.scan(limit)
	for _, k := range want {
		if !found[k] {
			f.Errorf("limit %d: record %v was not returned", limit, k)
		}
	}
	for _, k := range not {
		if found[k] {
			f.Errorf("limit %d: %v was returned, which is no live record of this table", limit, k)
		}
	}
}

// scanInUse scans a large table, on each replica, while it changes.
func scanInUse(f *fixture) {
	const records, users, writes = 5000, 50, 200
	f.table = "crowded"
	stores, stay := f.replicas(), f.keys(records)
	versions := make([]store.Version, records)
	together(users, func(i int) {
		for j := i; j < records; j += users {
			v, err := stores[i%len(stores)].Create(f.Context(), f.table, stay[j], lasting("v"))
			if err != nil {
				f.Errorf("Create: %v", err)
				return
			}
			versions[j] = v
		}
	})
	var written atomic.Int64
	var writers sync.WaitGroup
	var done atomic.Bool
	defer writers.Wait()
	defer done.Store(true)
	for i := range 4 {
		here, last := *f, store.Key{}
		here.Store = stores[i%len(stores)]
		writers.Go(func() {
			for j := i; !done.Load() && !f.Failed(); j = (j + 4) % records {
				if err := here.churn(stay[j], &versions[j], &last); err != nil {
					f.Error(err)
				}
				written.Add(1)
			}
		})
	}
	for _, s := range stores {
		here := *f
		here.Store = s
		for from := written.Load(); written.Load() < from+writes && !f.Failed(); {
			here.wantScan(100, stay, nil)
		}
	}
}

// churn replaces one record, makes a new one and deletes the last new one.
func (f *fixture) churn(stays store.Key, v *store.Version, last *store.Key) (err error) {
	if *v, err = f.Replace(f.Context(), f.table, stays, *v, lasting("a longer value", f.key())); err != nil {
		return err
	}
	if err := f.Delete(f.Context(), f.table, *last); err != nil {
		return err
	}
	*last = f.key()
	_, err = f.Create(f.Context(), f.table, *last, lasting("new"))
	return err
}
