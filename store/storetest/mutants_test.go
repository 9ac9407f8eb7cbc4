package storetest_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wayleave/wayleave/store"
	"github.com/wayleave/wayleave/store/memory"
	"github.com/wayleave/wayleave/store/storetest"
)

// sound is the store that mutants are made from: each overrides the methods
// in which it has its one defect.
type sound = store.Store

// mutants are stores with one defect, and the case of the suite that must see it.
var mutants = map[string]struct {
	open   func(sound) store.Store
	caught string
}{
	"Create overwrites": {func(s sound) store.Store { return overwriting{s} },
		"create/CBK-07 a second Create is a conflict and changes nothing"},
	"Create looks first and writes then": {func(s sound) store.Store { return racing{s} },
		"concurrency/CBK-07 A011 of a hundred that create one key, one succeeds"},
	"Take leaves the record": {func(s sound) store.Store { return leaving{s} },
		"remove/CBK-07 Take gives the record once"},
	"Take reads first and deletes then": {func(s sound) store.Store { return racing{s} },
		"concurrency/CBK-07 of a hundred that take one record, one gets it"},
	"Replace ignores the version": {func(s sound) store.Store { return lastWins{s} },
		"replace/each version works once"},
	"Replace loses updates": {func(s sound) store.Store { return lastWins{s} },
		"concurrency/no update of a counter is lost"},
	"Replace brings back": {func(s sound) store.Store { return reviving{s} },
		"replace/A224 a deleted or taken record is not brought back"},
	"Replace brings back in a race": {func(s sound) store.Store { return reviving{s} },
		"concurrency/A224 nothing comes back after Delete or Take"},
	"Replace deletes and creates": {func(s sound) store.Store { return recreating{s} },
		"concurrency/a record is never missed by Lookup while it is replaced"},
	"versions start again with each record": {func(s sound) store.Store { return &counting{sound: s} },
		"replace/A224 a version does not come back with a new record under the key"},
	"tables are ignored": {func(s sound) store.Store { return tableless{s} },
		"create/one key in two tables is two records"},
	"look-up keys ignore tables": {func(s sound) store.Store { return tableless{s} },
		"lookup/one secondary key in two tables is two"},
	"look-up keys outlive their record": {func(s sound) store.Store { return &stale{sound: s} },
		"expiry/A238 an expired record is gone for every method"},
	"look-up keys come back with a new record": {func(s sound) store.Store { return &stale{sound: s} },
		"expiry/Create after expiry makes a new record"},
	"expired records fill the limit": {func(s sound) store.Store { return &stale{sound: s} },
		"expiry/expired records do not count towards more"},
	"more is never true": {func(s sound) store.Store { return endless{s} },
		"lookup/the limit cuts the list and says so"},
	"any limit is taken": {func(s sound) store.Store { return endless{s} },
		"lookup/a limit out of range is an error"},
	"Scan forgets a record between two pages": {func(s sound) store.Store { return forgetful{s} },
		"scan/every record is returned, whatever the size of the pages"},
	"Scan ends with the first page": {func(s sound) store.Store { return brief{s} },
		"scan/every record is returned, whatever the size of the pages"},
	"Scan never ends": {func(s sound) store.Store { return circling{s} },
		"scan/an empty table has an end and nothing before it"},
	"Scan begins anew with a cursor it does not know": {func(s sound) store.Store { return patient{s} },
		"scan/what is no cursor is an error"},
	"Scan takes any limit": {func(s sound) store.Store { return patient{s} },
		"scan/a limit out of range is an error"},
	"Scan returns what was there": {func(s sound) store.Store { return &remembering{sound: s} },
		"scan/A238 deleted, taken and expired records are not returned"},
	"a random defect of Scan": {func(s sound) store.Store { return &remembering{sound: s} }, "model"},
	"Scan ignores tables": {func(s sound) store.Store { return tableless{s} },
		"scan/records of other tables are not returned"},
	"Scan counts how many it has returned": {func(s sound) store.Store { return offset{s, 0} },
		"scan/a record that stays is returned though others come and go"},
	"Scan counts, among many": {func(s sound) store.Store { return offset{s, 0} },
		"concurrency/a record is never missed by Scan while others come and go"},
	"a cursor of Scan works once": {func(s sound) store.Store { return &once{sound: s, used: map[string]bool{}} },
		"scan/a cursor can be used again, and minutes later"},
	"Scan returns the whole table": {func(s sound) store.Store { return offset{s, 1 << 20} },
		"concurrency/a record is never missed by Scan while others come and go"},
	"Scan does not look at the context": {func(s sound) store.Store { return absent{s} },
		"calls/an ended context fails each call and writes nothing"},
	"a closed store scans as empty": {func(s sound) store.Store { return absent{s} },
		"calls/SES-16 a closed store is an error for each call, never an absence"},
	"expiry in full seconds": {expiryMutant(func(t time.Time) time.Time { return t.Truncate(time.Second) }),
		"expiry/a record lives as long as it was told to"},
	"expiry a little late": {expiryMutant(func(t time.Time) time.Time { return t.Add(2 * time.Millisecond) }),
		"exact time/a record exists until its expiry and not from then on"},
	"expiry by the clock on the wall": {expiryMutant(func(t time.Time) time.Time {
		return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
	}), "expiry/a record without an expiry in the future is refused"},
	"expiry in 32 bits": {expiryMutant(func(t time.Time) time.Time { return time.Unix(int64(int32(t.Unix())), int64(t.Nanosecond())) }),
		"expiry/an expiry is an instant, whatever clock shows it"},
	"expiry in nanoseconds": {expiryMutant(func(t time.Time) time.Time { return time.Unix(0, t.UnixNano()) }),
		"expiry/an expiry is an instant, whatever clock shows it"},
	"no expiry is for ever": {expiryMutant(func(t time.Time) time.Time {
		if t.IsZero() {
			return time.Now().AddDate(100, 0, 0)
		}
		return t
	}), "expiry/a record without an expiry in the future is refused"},
	"large values are cut": {func(s sound) store.Store { return cutting{s} },
		"limits/the largest value is kept, one byte more is refused"},
	"too many look-up keys are cut": {func(s sound) store.Store { return cutting{s} },
		"limits/eight look-up keys are kept, nine are refused"},
	"the caller's slice is kept": {func(s sound) store.Store { return &aliasing{sound: s, values: map[store.Key][]byte{}} },
		"create/the caller may reuse its slices after a write"},
	"one buffer for all answers": {func(s sound) store.Store { return &buffering{sound: s, buf: make([]byte, 0, store.MaxValue)} },
		"create/what Get returned does not change when the record does"},
	"readers share spare room": {func(s sound) store.Store { return roomy{s} },
		"create/readers who append to a value do not meet"},
	"the context is not looked at": {func(s sound) store.Store { return deaf{s} },
		"calls/an ended context fails each call and writes nothing"},
	"failure reads as absence": {func(s sound) store.Store { return hiding{s} },
		"calls/SES-16 a closed store is an error for each call, never an absence"},
	"a goroutine outlives Close": {func(s sound) store.Store { go func() { select {} }(); return s },
		"create/what was created is found as it was"},
	"Close closes nothing": {func(s sound) store.Store { return immortal{s} },
		"calls/SES-16 a closed store is an error for each call, never an absence"},
	"errors tell the value": {func(s sound) store.Store { return telling{s} },
		"limits/errors tell neither values nor whole keys"},
	"versions start again with each process": {nil, "again/A011 a store opened again has the records"},
	"a random defect":                        {func(s sound) store.Store { return &stale{sound: s} }, "model"},
}

// TestMutants runs the suite against each mutant in a process of its own,
// since there it fails.
func TestMutants(t *testing.T) {
	for name, m := range mutants {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			exe, err := os.Executable()
			if err != nil {
				t.Fatal(err)
			}
			path := "TestOneMutant/" + strings.ReplaceAll(m.caught, " ", "_")
			parts := strings.Split(path, "/")
			for i, p := range parts {
				parts[i] = "^" + regexp.QuoteMeta(p) + "$"
			}
			cmd := exec.CommandContext(t.Context(), exe, "-test.run="+strings.Join(parts, "/"), "-rapid.nofailfile", "-test.timeout=60s")
			cmd.Env = append(os.Environ(), "STORETEST_MUTANT="+name)
			out, err := cmd.CombinedOutput()
			if _, failed := errors.AsType[*exec.ExitError](err); !failed {
				t.Fatalf("the suite passes: %v\n%s", err, out)
			}
			if !strings.Contains(string(out), "--- FAIL: "+path+" ") {
				t.Errorf("failed elsewhere than in %q:\n%s", path, out)
			}
		})
	}
}

// TestOneMutant does nothing but in the processes that TestMutants starts.
func TestOneMutant(t *testing.T) {
	name := os.Getenv("STORETEST_MUTANT")
	if name == "" {
		return
	}
	mutant := mutants[name].open
	h := storetest.Harness{Bubble: true}
	if mutant == nil {
		h.Open = func(*testing.T) store.Store { return open(&counting{sound: memory.New(memory.Options{})}, true) }
		h.Again = func(_ *testing.T, s store.Store) store.Store {
			return open(&counting{sound: s.(handle).Store.(*counting).sound}, true)
		}
	} else {
		h.Open = func(*testing.T) store.Store { return mutant(memory.New(memory.Options{})) }
	}
	storetest.Run(t, h)
	t.Run("concurrency", func(t *testing.T) { storetest.RunConcurrency(t, h) })
}

type overwriting struct{ sound }

func (m overwriting) Create(ctx context.Context, t store.Table, k store.Key, rec store.Record) (store.Version, error) {
	v, err := m.sound.Create(ctx, t, k, rec)
	if errors.Is(err, store.ErrConflict) {
		m.Delete(ctx, t, k)
		return m.sound.Create(ctx, t, k, rec)
	}
	return v, err
}

type racing struct{ sound }

func (m racing) Create(ctx context.Context, t store.Table, k store.Key, rec store.Record) (store.Version, error) {
	if _, _, found, _ := m.Get(ctx, t, k); found {
		return 0, store.ErrConflict
	}
	time.Sleep(time.Microsecond)
	return overwriting(m).Create(ctx, t, k, rec)
}

func (m racing) Take(ctx context.Context, t store.Table, k store.Key) (store.Record, bool, error) {
	rec, _, found, err := m.Get(ctx, t, k)
	time.Sleep(time.Microsecond)
	m.Delete(ctx, t, k)
	return rec, found, err
}

type leaving struct{ sound }

func (m leaving) Take(ctx context.Context, t store.Table, k store.Key) (store.Record, bool, error) {
	rec, _, found, err := m.Get(ctx, t, k)
	return rec, found, err
}

type lastWins struct{ sound }

func (m lastWins) Replace(ctx context.Context, t store.Table, k store.Key, old store.Version, rec store.Record) (store.Version, error) {
	_, v, _, _ := m.Get(ctx, t, k)
	return m.sound.Replace(ctx, t, k, v, rec)
}

type reviving struct{ sound }

func (m reviving) Replace(ctx context.Context, t store.Table, k store.Key, old store.Version, rec store.Record) (store.Version, error) {
	if _, _, found, _ := m.Get(ctx, t, k); !found {
		return m.Create(ctx, t, k, rec)
	}
	time.Sleep(time.Microsecond)
	v, err := m.sound.Replace(ctx, t, k, old, rec)
	if err != nil {
		if _, _, found, _ := m.Get(ctx, t, k); !found {
			return m.Create(ctx, t, k, rec)
		}
	}
	return v, err
}

type recreating struct{ sound }

func (m recreating) Replace(ctx context.Context, t store.Table, k store.Key, old store.Version, rec store.Record) (store.Version, error) {
	if _, v, _, _ := m.Get(ctx, t, k); v != old {
		return 0, store.ErrConflict
	}
	m.Delete(ctx, t, k)
	time.Sleep(time.Microsecond)
	return m.Create(ctx, t, k, rec)
}

// counting counts versions for each record, from its creation and its own.
type counting struct {
	sound
	mu    sync.Mutex
	given map[store.Key]map[store.Version]store.Version // the sound store's, by ours
}

func (m *counting) give(k store.Key, v store.Version, anew bool) store.Version {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.given == nil {
		m.given = map[store.Key]map[store.Version]store.Version{}
	}
	if anew || m.given[k] == nil {
		m.given[k] = map[store.Version]store.Version{}
	}
	for mine, theirs := range m.given[k] {
		if theirs == v {
			return mine
		}
	}
	mine := store.Version(len(m.given[k]) + 1)
	m.given[k][mine] = v
	return mine
}

func (m *counting) Get(ctx context.Context, t store.Table, k store.Key) (store.Record, store.Version, bool, error) {
	rec, v, found, err := m.sound.Get(ctx, t, k)
	if found {
		v = m.give(k, v, false)
	}
	return rec, v, found, err
}

func (m *counting) Create(ctx context.Context, t store.Table, k store.Key, rec store.Record) (store.Version, error) {
	v, err := m.sound.Create(ctx, t, k, rec)
	if err == nil {
		v = m.give(k, v, true)
	}
	return v, err
}

func (m *counting) Replace(ctx context.Context, t store.Table, k store.Key, old store.Version, rec store.Record) (store.Version, error) {
	m.mu.Lock()
	theirs := m.given[k][old]
	m.mu.Unlock()
	v, err := m.sound.Replace(ctx, t, k, theirs, rec)
	if err == nil {
		v = m.give(k, v, false)
	}
	return v, err
}

type tableless struct{ sound }

func (m tableless) Get(ctx context.Context, _ store.Table, k store.Key) (store.Record, store.Version, bool, error) {
	return m.sound.Get(ctx, "all", k)
}

func (m tableless) Create(ctx context.Context, _ store.Table, k store.Key, rec store.Record) (store.Version, error) {
	return m.sound.Create(ctx, "all", k, rec)
}

func (m tableless) Replace(ctx context.Context, _ store.Table, k store.Key, old store.Version, rec store.Record) (store.Version, error) {
	return m.sound.Replace(ctx, "all", k, old, rec)
}

func (m tableless) Delete(ctx context.Context, _ store.Table, k store.Key) error {
	return m.sound.Delete(ctx, "all", k)
}

func (m tableless) Take(ctx context.Context, _ store.Table, k store.Key) (store.Record, bool, error) {
	return m.sound.Take(ctx, "all", k)
}

func (m tableless) Lookup(ctx context.Context, _ store.Table, k store.Key, limit int) ([]store.Key, bool, error) {
	return m.sound.Lookup(ctx, "all", k, limit)
}

func (m tableless) Scan(ctx context.Context, _ store.Table, cursor string, limit int) ([]store.Key, string, error) {
	return m.sound.Scan(ctx, "all", cursor, limit)
}

// stale keeps an index of its own that only Delete and Take clean, and that
// believes a key which is in the store.
type stale struct {
	sound
	mu      sync.Mutex
	entries []struct{ secondary, key store.Key }
}

func (m *stale) Create(ctx context.Context, t store.Table, k store.Key, rec store.Record) (store.Version, error) {
	v, err := m.sound.Create(ctx, t, k, rec)
	if err == nil {
		m.mu.Lock()
		defer m.mu.Unlock()
		for _, s := range rec.Lookups {
			m.entries = append(m.entries, struct{ secondary, key store.Key }{s, k})
		}
	}
	return v, err
}

func (m *stale) Lookup(ctx context.Context, t store.Table, secondary store.Key, limit int) (keys []store.Key, more bool, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range m.entries {
		if e.secondary != secondary {
			continue
		}
		if len(keys) == limit {
			return keys, true, nil
		}
		keys = append(keys, e.key)
	}
	return keys, false, ctx.Err()
}

type endless struct{ sound }

func (m endless) Lookup(ctx context.Context, t store.Table, secondary store.Key, limit int) ([]store.Key, bool, error) {
	keys, _, err := m.sound.Lookup(ctx, t, secondary, min(max(limit, 1), 1000))
	return keys, false, err
}

// expiryMutant changes every expiry on the way in.
func expiryMutant(change func(time.Time) time.Time) func(sound) store.Store {
	return func(s sound) store.Store { return shifting{s, change} }
}

type shifting struct {
	sound
	change func(time.Time) time.Time
}

func (m shifting) Create(ctx context.Context, t store.Table, k store.Key, rec store.Record) (store.Version, error) {
	rec.Expires = m.change(rec.Expires)
	return m.sound.Create(ctx, t, k, rec)
}

func (m shifting) Replace(ctx context.Context, t store.Table, k store.Key, old store.Version, rec store.Record) (store.Version, error) {
	rec.Expires = m.change(rec.Expires)
	return m.sound.Replace(ctx, t, k, old, rec)
}

type cutting struct{ sound }

func (m cutting) Create(ctx context.Context, t store.Table, k store.Key, rec store.Record) (store.Version, error) {
	rec.Value = rec.Value[:min(len(rec.Value), store.MaxValue)]
	rec.Lookups = rec.Lookups[:min(len(rec.Lookups), store.MaxLookups)]
	return m.sound.Create(ctx, t, k, rec)
}

type aliasing struct {
	sound
	values map[store.Key][]byte
}

func (m *aliasing) Create(ctx context.Context, t store.Table, k store.Key, rec store.Record) (store.Version, error) {
	m.values[k] = rec.Value
	return m.sound.Create(ctx, t, k, rec)
}

func (m *aliasing) Get(ctx context.Context, t store.Table, k store.Key) (store.Record, store.Version, bool, error) {
	rec, v, found, err := m.sound.Get(ctx, t, k)
	rec.Value = m.values[k]
	return rec, v, found, err
}

type buffering struct {
	sound
	buf []byte
}

func (m *buffering) Get(ctx context.Context, t store.Table, k store.Key) (store.Record, store.Version, bool, error) {
	rec, v, found, err := m.sound.Get(ctx, t, k)
	rec.Value = append(m.buf, rec.Value...)
	return rec, v, found, err
}

func (m *buffering) Replace(ctx context.Context, t store.Table, k store.Key, old store.Version, rec store.Record) (store.Version, error) {
	_ = append(m.buf, rec.Value...)
	return m.sound.Replace(ctx, t, k, old, rec)
}

type roomy struct{ sound }

func (m roomy) Create(ctx context.Context, t store.Table, k store.Key, rec store.Record) (store.Version, error) {
	rec.Value = append(rec.Value, make([]byte, 100)...)
	return m.sound.Create(ctx, t, k, rec)
}

func (m roomy) Get(ctx context.Context, t store.Table, k store.Key) (store.Record, store.Version, bool, error) {
	rec, v, found, err := m.sound.Get(ctx, t, k)
	if found {
		rec.Value = rec.Value[:len(rec.Value)-100]
	}
	return rec, v, found, err
}

type deaf struct{ sound }

func (m deaf) Create(ctx context.Context, t store.Table, k store.Key, rec store.Record) (store.Version, error) {
	return m.sound.Create(context.WithoutCancel(ctx), t, k, rec)
}

type hiding struct{ sound }

func (m hiding) Get(ctx context.Context, t store.Table, k store.Key) (store.Record, store.Version, bool, error) {
	rec, v, found, _ := m.sound.Get(ctx, t, k)
	return rec, v, found, nil
}

type immortal struct{ sound }

func (immortal) Close() error { return nil }

type telling struct{ sound }

func (m telling) Create(ctx context.Context, t store.Table, k store.Key, rec store.Record) (store.Version, error) {
	v, err := m.sound.Create(ctx, t, k, rec)
	if err != nil {
		err = errors.Join(err, errors.New(string(rec.Value)))
	}
	return v, err
}
