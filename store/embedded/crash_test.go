package embedded_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/wayleave/wayleave/store"
	"github.com/wayleave/wayleave/store/embedded"
)

// A process with 50 users is killed at a random moment, again and again. It
// says what it is about to do ("?") and what has been confirmed ("!"), and the
// file must agree: what was confirmed is there, or gone, and what was begun is
// there as a whole or not at all. WAYLEAVE_CRASH_ROUNDS sets how often.
//
// The machine goes on, so this shows nothing about a loss of power.
func TestA011_Crash_NothingConfirmedIsLostOrComesBack(t *testing.T) {
	rounds, err := strconv.Atoi(os.Getenv("WAYLEAVE_CRASH_ROUNDS"))
	if err != nil {
		rounds = 20
	}
	path := newPath(t)
	all := map[int]*fate{}
	confirmed, begun := 0, 0
	for round := range rounds {
		fates, said := killed(t, path, round)
		s := open(t, path)
		if round%(rounds/20+1) == 0 || round == rounds-1 {
			if err := s.Verify(); err != nil {
				t.Fatalf("round %d: %v", round, err)
			}
		}
		confirmed, begun = confirmed+said, begun+compare(t, s, fates)
		compareOwners(t, s, round, fates)
		if t.Failed() {
			t.Fatalf("round %d of %d", round, rounds)
		}
		maps.Copy(all, fates)
		closed(t, s)
	}
	// The crashes of later rounds have not touched what was there before.
	compare(t, open(t, path), all)
	t.Logf("%d rounds: %d writes confirmed, %d cut off, all as they should be", rounds, confirmed, begun)
	if confirmed < rounds {
		t.Errorf("only %d writes in %d rounds: too few to show anything", confirmed, rounds)
	}
}

const (
	users   = 50
	perUser = 1_000_000 // numbers of records for each user in a round
)

// fate is what may be found under the key of a record.
type fate struct {
	user   int
	states []int // 0: nothing; otherwise the number in its value
}

// killed lets another process work on the store and kills it. It returns the
// fates of all records that were mentioned, and how many writes were confirmed.
func killed(t *testing.T, path string, round int) (fates map[int]*fate, confirmed int) {
	t.Helper()
	t.Setenv("WAYLEAVE_TEST_ROUND", strconv.Itoa(round))
	cmd, lines := child(t, "crowd", path)
	delay := rand.N(250 * time.Millisecond)
	if round%10 == 4 {
		delay += time.Second // when expired records are removed
	}
	kill := func() { time.AfterFunc(delay, func() { cmd.Process.Kill() }) }
	if round%4 == 3 {
		delay = rand.N(30 * time.Millisecond) // perhaps while it opens the file
		kill()
	}
	fates = map[int]*fate{}
	for lines.Scan() {
		var what string
		var n, state int
		if got, _ := fmt.Sscanf(lines.Text(), "%s %d %d.", &what, &n, &state); got != 3 {
			if lines.Text() == "open" && round%4 != 3 {
				kill()
			}
			continue // or the last line was cut off
		}
		f := fates[n]
		if f == nil {
			f = &fate{n / perUser % users, []int{0}}
			fates[n] = f
		}
		if what == "!" {
			confirmed++
			f.states = nil
		}
		f.states = append(f.states, state)
	}
	if err := cmd.Wait(); err == nil || cmd.ProcessState.ExitCode() != -1 {
		t.Fatalf("the other process was not killed: %v", err)
	}
	return fates, confirmed
}

// compare looks at each record, settles its fate, and returns how many could
// have been one thing or another.
func compare(t *testing.T, s *embedded.Store, fates map[int]*fate) (open int) {
	t.Helper()
	for n, f := range fates {
		rec, _, found, err := s.Get(t.Context(), sessions, key(n))
		if err != nil {
			t.Fatal(err)
		}
		state := 0
		if found {
			var whose int
			fmt.Sscanf(string(rec.Value), "%d %d", &whose, &state)
			if whose != n || len(rec.Value) != len(crashValue(n, state)) {
				t.Errorf("record %d holds %.30q", n, rec.Value)
			}
		}
		if !slices.Contains(f.states, state) {
			t.Errorf("record %d is %d, want one of %v", n, state, f.states)
		}
		if len(f.states) > 1 {
			open++
		}
		f.states = []int{state}
	}
	return open
}

// compareOwners checks that exactly the records that are there are listed.
func compareOwners(t *testing.T, s *embedded.Store, round int, fates map[int]*fate) {
	t.Helper()
	var want [users]map[store.Key]bool
	for n, f := range fates {
		if f.states[0] != 0 {
			if want[f.user] == nil {
				want[f.user] = map[store.Key]bool{}
			}
			want[f.user][key(n)] = true
		}
	}
	for user, keys := range want {
		got, more, err := s.Lookup(t.Context(), sessions, owner(round, user), 1000)
		if err != nil || more || len(got) != len(keys) {
			t.Errorf("user %d: %d records listed, more %t, error %v; want %d", user, len(got), more, err, len(keys))
		}
		for _, k := range got {
			if !keys[k] {
				t.Errorf("user %d: record %v is listed and not there", user, k)
			}
		}
	}
}

func owner(round, user int) store.Key { return key(-(round*users + user + 1)) }

func crashValue(n, state int) string { return fmt.Sprintf("%12d %3d %500d", n, state, n) }

// crowd is the process that is killed.
func crowd(path string) {
	s, err := embedded.Open(path, embedded.Options{})
	if err != nil {
		panic(err)
	}
	fmt.Println("open")
	round, _ := strconv.Atoi(os.Getenv("WAYLEAVE_TEST_ROUND"))
	var wg sync.WaitGroup
	for user := range users {
		wg.Go(func() {
			first := (round*users + user) * perUser
			for n := first; n < first+perUser; n++ {
				live(s, n, owner(round, user))
			}
		})
	}
	wg.Wait()
}

// live is the life of one record: made, changed, removed, or left in between.
func live(s *embedded.Store, n int, owner store.Key) {
	ctx := context.Background()
	version := store.Version(0)
	steps := []func(state int) error{
		func(state int) (err error) {
			version, err = s.Create(ctx, sessions, key(n), record(crashValue(n, state), owner, key(-n-1<<40)))
			return err
		},
		func(state int) (err error) {
			version, err = s.Replace(ctx, sessions, key(n), version, record(crashValue(n, state), owner))
			return err
		},
		func(int) error {
			return s.Delete(ctx, sessions, key(n))
		},
	}
	for i, step := range steps[:1+min(rand.IntN(8), 2)] {
		state := (i + 1) % len(steps)
		say("?", n, state)
		if err := step(state); err != nil {
			panic(err)
		}
		say("!", n, state)
	}
	if n%5 == 0 { // so that there is something to remove at all times
		rec := record("brief", owner)
		rec.Expires = time.Now().Add(20 * time.Millisecond)
		if _, err := s.Create(ctx, "brief", key(n), rec); err != nil {
			panic(err)
		}
	}
}

// say writes one line in one piece. The full stop shows that it is whole.
func say(what string, n, state int) {
	if _, err := fmt.Fprintf(os.Stdout, "%s %d %d.\n", what, n, state); err != nil {
		os.Exit(1)
	}
}
