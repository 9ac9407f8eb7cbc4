package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/wayleave/wayleave/store"
)

func TestRecordsThatNoStoreTakes(t *testing.T) {
	past := time.Unix(1, 0)
	for name, test := range map[string]struct {
		rec  store.Record
		want error
		text string
	}{
		"an empty value":           {store.Record{Expires: past}, nil, ""},
		"the largest value":        {store.Record{Expires: past, Value: make([]byte, store.MaxValue)}, nil, ""},
		"a value too large":        {store.Record{Expires: past, Value: make([]byte, store.MaxValue+1)}, store.ErrTooLarge, "record is too large: value of 262145 bytes, at most 262144"},
		"the most look-up keys":    {store.Record{Expires: past, Lookups: make([]store.Key, store.MaxLookups)}, nil, ""},
		"one look-up key too many": {store.Record{Expires: past, Lookups: make([]store.Key, store.MaxLookups+1)}, store.ErrTooLarge, "record is too large: 9 look-up keys, at most 8"},
		"no expiry":                {store.Record{}, store.ErrNoExpiry, "record has no expiry in the future"},
	} {
		t.Run(name, func(t *testing.T) {
			err := test.rec.Check()
			if !errors.Is(err, test.want) || err != nil && err.Error() != test.text {
				t.Errorf("got %v, want %q", err, test.text)
			}
		})
	}
}
