package postgres

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/wayleave/wayleave/store"
)

// row is one record as it was read, or that there was none.
type row struct {
	record  store.Record
	version store.Version
	found   bool
}

// scan reads what getRecord and takeRecord return.
func (r *row) scan(from pgx.Row) error {
	*r = row{}
	var version *int64
	var value []byte
	var expires *time.Time
	var lookups [][]byte
	err := from.Scan(&version, &value, &expires, &lookups)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	if version == nil {
		return errOvertaken
	}
	keys, err := toKeys(lookups)
	if err != nil {
		return err
	}
	*r = row{
		record:  store.Record{Value: slices.Clip(value), Expires: expires.UTC(), Lookups: keys},
		version: store.Version(*version),
		found:   true,
	}
	return nil
}

func toKeys(found [][]byte) ([]store.Key, error) {
	keys := make([]store.Key, len(found))
	for i, b := range found {
		if len(b) != store.KeySize {
			return nil, fmt.Errorf("the database holds a key of %d bytes, want %d", len(b), store.KeySize)
		}
		keys[i] = store.Key(b)
	}
	return keys, nil
}

// distinct returns the keys once each, and never nil, which would be NULL.
func distinct(keys []store.Key) [][]byte {
	sorted := slices.Clone(keys)
	slices.SortFunc(sorted, func(a, b store.Key) int { return bytes.Compare(a[:], b[:]) })
	sorted = slices.Compact(sorted)
	all := make([][]byte, len(sorted))
	for i := range sorted {
		all[i] = sorted[i][:]
	}
	return all
}

// lastYear is the last one that all stores and formats can show.
const lastYear = 9999

// check enforces the limits of package store, except that whether the expiry is
// in the future is for the database to say.
func check(rec store.Record) error {
	if err := rec.Check(); err != nil {
		return err
	}
	if year := rec.Expires.UTC().Year(); year > lastYear {
		return fmt.Errorf("expiry in the year %d, at most %d", year, lastYear)
	}
	return nil
}
