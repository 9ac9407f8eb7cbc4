package storetest

import (
	"errors"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/wayleave/wayleave/store"
)

// runModel makes random calls on a few keys and compares each answer with
// that of a map.
func runModel(t *testing.T, h Harness) {
	rapid.Check(t, func(rt *rapid.T) {
		body := func(rt *rapid.T) {
			f := &fixture{T: t, h: h, Store: h.Open(t)}
			defer f.Store.Close()
			m := &model{fixture: f, records: map[place]*entry{}, keys: f.keys(3), secondaries: f.keys(3)}
			actions := map[string]func(*rapid.T){
				"create": m.create, "replace": m.replace, "take": m.take, "delete": m.delete,
				"get": m.get, "lookup": m.lookup, "scan": m.scan, "": m.lookupAll,
			}
			if h.Bubble {
				actions["wait"] = m.wait
			}
			rt.Repeat(actions)
		}
		if h.Bubble {
			rapid.SyncTest(rt, body)
			return
		}
		body(rt)
	})
}

type place struct {
	table store.Table
	key   store.Key
}

// entry is what the model knows of a record.
type entry struct {
	store.Record
	version store.Version
}

type model struct {
	*fixture

	keys, secondaries []store.Key
	records           map[place]*entry
	given             []store.Version // every version that was ever returned
}

// live returns the record that the store should have under p, or nil.
func (m *model) live(p place) *entry {
	if e := m.records[p]; e != nil && time.Now().Before(e.Expires) {
		return e
	}
	return nil
}

func (m *model) place(t *rapid.T) place {
	return place{rapid.SampledFrom([]store.Table{"things", "others"}).Draw(t, "table"), rapid.SampledFrom(m.keys).Draw(t, "key")}
}

func (m *model) record(t *rapid.T) store.Record {
	life := time.Hour
	if m.h.Bubble {
		life = time.Duration(rapid.IntRange(1, 5).Draw(t, "life")) * time.Second
	}
	return store.Record{
		Value:   rapid.SliceOfN(rapid.Byte(), 0, 8).Draw(t, "value"),
		Expires: time.Now().Add(life),
		Lookups: rapid.SliceOfN(rapid.SampledFrom(m.secondaries), 0, 4).Draw(t, "lookups"),
	}
}

func (m *model) create(t *rapid.T) {
	p, rec := m.place(t), m.record(t)
	v, err := m.Create(m.Context(), p.table, p.key, rec)
	m.wrote(t, p, rec, v, err, m.live(p) == nil)
}

func (m *model) replace(t *rapid.T) {
	p, rec := m.place(t), m.record(t)
	var old store.Version
	e := m.live(p)
	switch {
	case e != nil && rapid.IntRange(0, 3).Draw(t, "current") > 0:
		old = e.version
	case len(m.given) > 0:
		old = rapid.SampledFrom(m.given).Draw(t, "old")
	}
	v, err := m.Replace(m.Context(), p.table, p.key, old, rec)
	m.wrote(t, p, rec, v, err, e != nil && e.version == old)
}

func (m *model) wrote(t *rapid.T, p place, rec store.Record, v store.Version, err error, want bool) {
	switch {
	case want && err != nil:
		t.Fatalf("not written: %v", err)
	case !want && !errors.Is(err, store.ErrConflict):
		t.Fatalf("error is %v, want %v", err, store.ErrConflict)
	case want:
		m.records[p] = &entry{rec, v}
		m.given = append(m.given, v)
	}
}

func (m *model) take(t *rapid.T) {
	p := m.place(t)
	rec, found, err := m.Take(m.Context(), p.table, p.key)
	m.read(t, m.live(p), rec, found, err)
	delete(m.records, p)
}

func (m *model) delete(t *rapid.T) {
	p := m.place(t)
	if err := m.Delete(m.Context(), p.table, p.key); err != nil {
		t.Fatalf("Delete: %v", err)
	}
	delete(m.records, p)
}

func (m *model) get(t *rapid.T) {
	p := m.place(t)
	rec, v, found, err := m.Get(m.Context(), p.table, p.key)
	e := m.live(p)
	m.read(t, e, rec, found, err)
	if e != nil && v != e.version {
		t.Fatalf("version %d, want %d", v, e.version)
	}
}

func (m *model) read(t *rapid.T, want *entry, got store.Record, found bool, err error) {
	switch {
	case err != nil:
		t.Fatal(err)
	case found != (want != nil):
		t.Fatalf("found %t, want %t", found, want != nil)
	case found && (string(got.Value) != string(want.Value) || !sameKeys(got.Lookups, want.Lookups)):
		t.Fatalf("read %x %v, want %x %v", got.Value, got.Lookups, want.Value, want.Lookups)
	}
}

func (m *model) lookup(t *rapid.T) {
	p := place{m.place(t).table, rapid.SampledFrom(m.secondaries).Draw(t, "secondary")}
	m.list(t, p, rapid.IntRange(1, 4).Draw(t, "limit"))
}

// lookupAll follows each call: what goes wrong in an index shows late or never
// under the keys that happen to be drawn.
func (m *model) lookupAll(t *rapid.T) {
	for _, s := range m.secondaries {
		m.list(t, place{"things", s}, 1000)
		m.list(t, place{"others", s}, 1000)
	}
}

func (m *model) list(t *rapid.T, at place, limit int) {
	var want []store.Key
	for p := range m.records {
		if e := m.live(p); p.table == at.table && e != nil && slices.Contains(e.Lookups, at.key) {
			want = append(want, p.key)
		}
	}
	got, more, err := m.Lookup(m.Context(), at.table, at.key, limit)
	if err != nil || len(got) != min(limit, len(want)) || more != (len(want) > limit) {
		t.Fatalf("Lookup: %v, more %t, error %v; want %d of %v", got, more, err, limit, want)
	}
	for _, k := range got {
		if !slices.Contains(want, k) {
			t.Fatalf("Lookup: %v, want only of %v", got, want)
		}
	}
}

// scan looks for the keys of the model alone, since others may use the table.
func (m *model) scan(t *rapid.T) {
	limit := 1000
	if m.h.Bubble { // and nobody else uses it
		limit = rapid.IntRange(1, 4).Draw(t, "limit")
	}
	table, found := m.place(t).table, map[store.Key]bool{}
	for cursor, page := "", 0; page == 0 || cursor != ""; page++ {
		keys, next, err := m.Scan(m.Context(), table, cursor, limit)
		if err != nil || page == maxPages {
			t.Fatalf("Scan: page %d, error %v", page, err)
		}
		for _, k := range keys {
			found[k] = true
		}
		cursor = next
	}
	for _, k := range m.keys {
		if want := m.live(place{table, k}) != nil; found[k] != want {
			t.Fatalf("Scan: key %v returned %t, want %t", k, found[k], want)
		}
	}
}

func (m *model) wait(t *rapid.T) {
	time.Sleep(time.Duration(rapid.IntRange(1, 4).Draw(t, "seconds")) * time.Second)
}
