package redis

import (
	"context"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valkey-io/valkey-go"

	"github.com/wayleave/wayleave/store"
)

const (
	// beat lies between two questions to the servers. What is known is two
	// beats old at most, and the way there and back.
	beat = 150 * time.Millisecond
	// again is the pause before connecting again.
	again = 250 * time.Millisecond
)

// follower is one call of Follow.
type follower struct {
	*Store
	keys   string // what the keys of the table's records begin with
	ended  func(store.Key)
	missed func()

	ctx    context.Context           // ends with stop, or with the store
	mu     sync.Mutex                // held for a call of ended or missed
	proven atomic.Pointer[time.Time] // what current returns
}

// Follow implements [store.Follower] by what Redis calls client tracking: the
// server announces each change of a key with the table's prefix over the
// connection on which it is asked, several times a second, whether it is still
// there and the primary. Announcements and answers come in order. In a cluster
// that is done with all primaries, and nothing is known unless they serve all
// keys together; under Sentinel, unless the primary has the replicas that
// confirm a write. The user needs the right to CLIENT TRACKING.
func (s *Store) Follow(table store.Table, ended func(store.Key), missed func()) (current func() time.Time, stop func()) {
	ctx, cancel := context.WithCancel(s.background)
	f := &follower{Store: s, keys: s.keysOf(table), ended: ended, missed: missed, ctx: ctx}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := newName(table, store.Key{}); err == nil && !s.closed.Load() {
		s.work.Go(f.run)
	}
	return f.current, cancel
}

func (f *follower) current() time.Time {
	if t := f.proven.Load(); t != nil && f.ctx.Err() == nil {
		return *t
	}
	return time.Time{}
}

// run follows until the end. Why a connection was lost is nobody's business
// here: calls to the same servers fail for the same reason, and say so.
func (f *follower) run() {
	for f.ctx.Err() == nil {
		f.client.Load().use(f.follow)
		select {
		case <-f.ctx.Done():
		case <-time.After(again):
		}
	}
}

// follow returns when a connection is lost or no longer the right one.
func (f *follower) follow(conn *client) error {
	nodes := conn.Nodes()
	lines, err := f.dial(nodes)
	defer func() {
		for _, line := range lines {
			line.Close()
		}
	}()
	if err != nil {
		return err
	}
	f.miss() // what was ended before the servers began to tell
	defer f.miss()
	defer f.proven.Store(nil)
	for ticker, before := time.Tick(beat), (time.Time{}); ; {
		asked := time.Now()
		if err := f.ask(lines); err != nil || f.client.Load() != conn || !sameNodes(nodes, conn.Nodes()) {
			return err
		}
		// One beat less than was asked for: a server that reads and writes in
		// several threads may answer us before it announces what it did in the
		// same turn, and we may hear a moment later than others that it is not
		// the primary any more, which it is the last to know.
		if !before.IsZero() {
			f.proven.Store(new(before))
		}
		before = asked
		select {
		case <-f.ctx.Done():
			return nil
		case <-ticker:
		}
	}
}

// sameNodes tells whether sentinels or a cluster have named others since.
func sameNodes(a, b map[string]valkey.Client) bool {
	return maps.EqualFunc(a, b, func(valkey.Client, valkey.Client) bool { return true })
}

// dial returns a connection to each primary, on which it announces changes.
func (f *follower) dial(nodes map[string]valkey.Client) (lines []valkey.DedicatedClient, err error) {
	ctx, cancel := context.WithTimeout(f.ctx, f.options.Timeout)
	defer cancel()
	servers, err := f.primaries(ctx, nodes)
	if err != nil {
		return nil, err
	}
	for _, server := range servers {
		line, _ := server.Dedicate()
		lines = append(lines, line)
		line.SetOnInvalidations(f.announced)
		if err := line.Do(ctx, line.B().ClientTracking().On().Prefix().Prefix(f.keys).Bcast().Build()).Error(); err != nil {
			return lines, err
		}
	}
	return lines, nil
}

// ask returns when all servers have answered that they still serve all keys.
func (f *follower) ask(lines []valkey.DedicatedClient) error {
	ctx, cancel := context.WithTimeout(f.ctx, f.options.Timeout)
	defer cancel()
	slots, errs := make([]int, len(lines)), make([]error, len(lines))
	var wg sync.WaitGroup
	for i, line := range lines {
		wg.Go(func() {
			var own standing
			own, errs[i] = f.stand(ctx, line)
			slots[i] = own.count()
		})
	}
	wg.Wait()
	n := 0
	for i := range lines {
		if errs[i] != nil {
			return errs[i]
		}
		n += slots[i]
	}
	if n != allSlots {
		return errGap
	}
	return nil
}

// announced is called with the keys that have changed, or with nothing when
// all may have, or the connection is lost.
func (f *follower) announced(changed []valkey.ValkeyMessage) {
	if changed == nil {
		f.miss()
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, m := range changed {
		text, _ := m.ToString()
		if k, ok := parseKey(f.keys, text); ok && f.ctx.Err() == nil {
			f.ended(k)
		}
	}
}

func (f *follower) miss() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ctx.Err() == nil {
		f.missed()
	}
}
