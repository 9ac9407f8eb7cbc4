package redis

import (
	"bytes"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/wayleave/wayleave/store"
)

func sample() (name, store.Record) {
	at := name{"things", store.Key{1, 2, 3}}
	return at, store.Record{
		Value:   []byte("value"),
		Expires: time.Date(2100, 1, 2, 3, 4, 5, 678e6, time.UTC),
		Lookups: []store.Key{{4}, {5}},
	}
}

func TestRecordSurvivesEncoding(t *testing.T) {
	at, rec := sample()
	for name, change := range map[string]func(*store.Record){
		"as it is":       func(*store.Record) {},
		"empty value":    func(r *store.Record) { r.Value = []byte{} },
		"no look-ups":    func(r *store.Record) { r.Lookups = nil },
		"eight look-ups": func(r *store.Record) { r.Lookups = []store.Key{{1}, {2}, {3}, {4}, {5}, {6}, {7}, {8}} },
		"the last year":  func(r *store.Record) { r.Expires = time.UnixMilli(maxExpiry).UTC() },
	} {
		rec := rec
		change(&rec)
		got, v, err := decode(at, encode(at, 7, rec, rec.Lookups))
		if err != nil || v != 7 || !bytes.Equal(got.Value, rec.Value) || !got.Expires.Equal(rec.Expires) || len(got.Lookups) != len(rec.Lookups) {
			t.Errorf("%s: got %+v, version %d, error %v, want %+v", name, got, v, err, rec)
		}
		if cap(got.Value) != len(got.Value) {
			t.Errorf("%s: the value has spare capacity", name)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	at, rec := sample()
	good := encode(at, 7, rec, rec.Lookups)
	for i := range len(good) - len(rec.Value) {
		if _, _, err := decode(at, good[:i]); !errors.Is(err, errFormat) {
			t.Errorf("the first %d bytes: %v, want %v", i, err, errFormat)
		}
	}
	changed := func(i int, b byte) []byte {
		c := bytes.Clone(good)
		c[i] = b
		return c
	}
	other, otherTable := at, at
	other.key[31]++
	otherTable.table = "thinks"
	for name, c := range map[string]struct {
		b    []byte
		want error
	}{
		"another format":              {changed(0, 2), errFormat},
		"nine look-ups":               {changed(headSize-1, 9), errFormat},
		"the record of another key":   {encode(other, 7, rec, rec.Lookups), errForeign},
		"the record of another table": {encode(otherTable, 7, rec, rec.Lookups), errForeign},
	} {
		if got, v, err := decode(at, c.b); !errors.Is(err, c.want) || v != 0 || got.Value != nil {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	at, rec := sample()
	f.Add(encode(at, 7, rec, rec.Lookups))
	f.Add(encode(at, 1, store.Record{}, nil))
	f.Add(encode(at, 1, store.Record{Expires: time.UnixMilli(maxExpiry - 1)}, nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		rec, v, err := decode(at, b)
		if err == nil && !bytes.Equal(encode(at, v, rec, rec.Lookups), b) {
			t.Errorf("%x is read as %+v, version %d, which is written otherwise", b, rec, v)
		}
	})
}

func FuzzParseEntry(f *testing.F) {
	f.Add(entry{store.Key{1}, 2}.String())
	f.Fuzz(func(t *testing.T, s string) {
		if e, err := parseEntry(s); err == nil && e.String() != s {
			t.Errorf("%x is read as %v, which is written otherwise", s, e)
		}
	})
}

func TestVersionsGrowAndDiffer(t *testing.T) {
	seen := map[store.Version]bool{}
	last := store.Version(0)
	for range 100_000 {
		last2 := newVersion(last)
		if last2 <= last || seen[last2] {
			t.Fatalf("version %d after %d, seen before: %t", last2, last, seen[last2])
		}
		last = last2
		seen[last] = true
	}
	if age := age(newVersion(0)); age < 0 || age > 2*time.Second {
		t.Errorf("a version just made is %v old", age)
	}
	if v := newVersion(math.MaxUint64 - 5); v == 0 || v >= math.MaxUint64-5 {
		t.Errorf("after the last versions comes %d, want another one", v)
	}
}

func TestTablesAreLowerCaseLetters(t *testing.T) {
	for _, table := range []store.Table{"", "a:b", "a.by", "Session", "a1", "ä", "abcdefghijklmnopqrstuvwxyzabcdefg"} {
		if _, err := newName(table, store.Key{}); err == nil {
			t.Errorf("table %q is accepted", table)
		}
	}
	if _, err := newName("session", store.Key{}); err != nil {
		t.Error(err)
	}
}
