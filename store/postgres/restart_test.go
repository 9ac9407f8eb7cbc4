package postgres_test

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	servers "github.com/wayleave/wayleave/internal/testservers/postgres"
	"github.com/wayleave/wayleave/store"
	"github.com/wayleave/wayleave/store/postgres"
)

// The server goes away and comes back under load, in good order and not: what
// it acknowledged is there, nothing that is there is called absent, and the
// same stores work on.
func TestRestartUnderLoad(t *testing.T) {
	t.Parallel()
	server := servers.Start(t, servers.Options{Durable: true})
	address := server.Database(t)
	stores := []*postgres.Store{openStore(t, address, postgres.Options{}), openStore(t, address, postgres.Options{})}

	clients := make([]*client, 8)
	var stop atomic.Bool
	var wg sync.WaitGroup
	for i := range clients {
		c := &client{T: t, store: stores[i%len(stores)]}
		clients[i] = c
		wg.Go(func() {
			for n := 0; !stop.Load() && !t.Failed(); n++ {
				c.step(n)
			}
		})
	}
	// progress returns when each client has had n more successes.
	progress := func(n int64) {
		t.Helper()
		deadline := time.Now().Add(30 * time.Second)
		for _, c := range clients {
			for goal := c.worked.Load() + n; c.worked.Load() < goal && !t.Failed(); time.Sleep(time.Millisecond) {
				if time.Now().After(deadline) {
					t.Error("a client had no success for 30 s")
				}
			}
		}
	}
	progress(30)
	for _, end := range []func(testing.TB){server.Stop, server.Crash} {
		end(t)
		before := failures(clients)
		for deadline := time.Now().Add(10 * time.Second); failures(clients) < before+20 && time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		}
		if failures(clients) < before+20 {
			t.Error("calls do not fail while the server is away")
		}
		server.Start(t)
		progress(30)
	}
	stop.Store(true)
	wg.Wait()
	checked := 0
	for _, c := range clients {
		checked += c.check(stores[0])
	}
	t.Logf("%d records checked, %d calls failed, %d of them writes whose answer was lost", checked, failures(clients), lostWrites(clients))
}

// client does one thing after another, and knows what the server acknowledged.
type client struct {
	*testing.T
	store          *postgres.Store
	kept           []*known
	taken          []store.Key
	worked, failed atomic.Int64
	lost           int
}

// known is a record as the client knows it. maybe is what a write whose answer
// was lost would have made of it.
type known struct {
	key         store.Key
	value       string
	version     store.Version
	maybe       string
	maybeExists bool
}

func (c *client) step(n int) {
	ctx := c.Context()
	if n%5 == 0 || len(c.kept) == 0 {
		k := &known{key: randomKey(), value: fmt.Sprint("created ", n)}
		v, err := c.store.Create(ctx, sessions, k.key, lasting(k.value, k.key))
		if errors.Is(err, store.ErrConflict) {
			c.Errorf("Create of a new key: %v", err)
		}
		if c.note(err) {
			k.version = v
			c.kept = append(c.kept, k)
		}
		return
	}
	k := c.kept[n%len(c.kept)]
	switch n % 5 {
	case 1, 2:
		rec, v, found, err := c.store.Get(ctx, sessions, k.key)
		if !c.note(err) {
			return
		}
		switch got := string(rec.Value); {
		case !found:
			c.Error("an acknowledged record is called absent")
		case got == k.value && v == k.version:
		case k.maybeExists && got == k.maybe:
			k.value, k.version = got, v
		default:
			c.Errorf("a record says %q with version %d, want %q with %d or perhaps %q", got, v, k.value, k.version, k.maybe)
		}
		k.maybeExists = false
	case 3:
		if k.maybeExists {
			return // which version it has, a Get will tell
		}
		value := fmt.Sprint("replaced ", n)
		v, err := c.store.Replace(ctx, sessions, k.key, k.version, lasting(value, k.key))
		if errors.Is(err, store.ErrConflict) {
			c.Errorf("Replace of a version that nobody else knows: %v", err)
		}
		if c.note(err) {
			k.value, k.version = value, v
		} else {
			k.maybe, k.maybeExists = value, true
		}
	case 4:
		key := randomKey()
		if _, err := c.store.Create(ctx, sessions, key, lasting("to be taken", key)); !c.note(err) {
			return
		}
		if _, found, err := c.store.Take(ctx, sessions, key); c.note(err) {
			if !found {
				c.Error("an acknowledged record cannot be taken")
			}
			c.taken = append(c.taken, key)
		}
	}
}

// note counts the call and tells whether it succeeded.
func (c *client) note(err error) bool {
	if err == nil {
		c.worked.Add(1)
		return true
	}
	if postgres.AnswerLost(err) {
		c.lost++
	}
	c.failed.Add(1)
	return false
}

// check compares all that the client knows with what is there now.
func (c *client) check(s store.Store) int {
	for _, k := range c.kept {
		rec, v, found, err := s.Get(c.Context(), sessions, k.key)
		got := string(rec.Value)
		if err != nil || !found || !(got == k.value && v == k.version) && !(k.maybeExists && got == k.maybe) {
			c.Errorf("a record says %q with version %d, found %t, error %v; want %q with %d", got, v, found, err, k.value, k.version)
		}
		if keys, _, err := s.Lookup(c.Context(), sessions, k.key, 2); err != nil || len(keys) != 1 || keys[0] != k.key {
			c.Errorf("look-up of a record: %v, error %v", keys, err)
		}
	}
	for _, key := range c.taken {
		if _, _, found, err := s.Get(c.Context(), sessions, key); err != nil || found {
			c.Errorf("a record whose taking was acknowledged: found %t, error %v", found, err)
		}
	}
	return len(c.kept) + len(c.taken)
}

func failures(clients []*client) (n int64) {
	for _, c := range clients {
		n += c.failed.Load()
	}
	return n
}

func lostWrites(clients []*client) (n int) {
	for _, c := range clients {
		n += c.lost
	}
	return n
}

func TestOpenWhileTheServerIsAway(t *testing.T) {
	t.Parallel()
	server := servers.Start(t, servers.Options{})
	address := server.Database(t)
	server.Stop(t)
	s := openStore(t, address, postgres.Options{})
	key := randomKey()
	if _, _, found, err := s.Get(t.Context(), sessions, key); err == nil || found {
		t.Errorf("Get without a server: found %t, error %v; want an error", found, err)
	}
	if _, err := s.Create(t.Context(), sessions, key, lasting("v")); err == nil || errors.Is(err, store.ErrConflict) {
		t.Errorf("Create without a server: %v", err)
	}
	server.Start(t)
	mustCreate(t, s, sessions, key, lasting("v"))
	wantValue(t, s, sessions, key, "v")
}

// The server answers, but only that it is too busy now.
func TestOpenWhileTheServerIsFull(t *testing.T) {
	server := shared.Server(t)
	address := server.Database(t)
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	database := strings.TrimPrefix(u.Path, "/")
	server.Exec(t, `ALTER DATABASE `+database+` CONNECTION LIMIT 0`)
	s := openStore(t, address, postgres.Options{})
	_, _, found, err := s.Get(t.Context(), sessions, randomKey())
	if err == nil || found || !strings.Contains(err.Error(), "too many connections") {
		t.Errorf("Get: found %t, error %v", found, err)
	}
	server.Exec(t, `ALTER DATABASE `+database+` CONNECTION LIMIT 10`)
	mustCreate(t, s, sessions, randomKey(), lasting("v"))
}

// The primary server steps down while connections to it are open: the same
// call goes on at the other one.
func TestFailover(t *testing.T) {
	t.Parallel()
	first, second := servers.Start(t, servers.Options{}), servers.Start(t, servers.Options{})
	// The same name, password and database on both.
	for _, server := range []*servers.Server{first, second} {
		server.Exec(t, `CREATE ROLE app LOGIN PASSWORD 'same'`)
		server.Exec(t, `CREATE DATABASE app OWNER app`)
		openStore(t, "postgres://app:same@"+server.Address()+"/app", postgres.Options{}).Close()
	}
	s := openStore(t, "postgres://app:same@"+first.Address()+","+second.Address()+"/app", postgres.Options{})
	before, after := randomKey(), randomKey()
	mustCreate(t, s, sessions, before, lasting("first"))
	wantValue(t, s, sessions, before, "first")

	first.Exec(t, `ALTER SYSTEM SET default_transaction_read_only = on`)
	first.Exec(t, `SELECT pg_reload_conf()`)
	// The setting reaches open connections a moment later: until then the
	// first server takes writes.
	deadline := time.Now().Add(10 * time.Second)
	for {
		key := randomKey()
		mustCreate(t, s, sessions, key, lasting("somewhere"))
		if n := query[int](t, psql(t, "postgres://app:same@"+second.Address()+"/app"), `SELECT count(*)::int FROM wayleave.records`); n > 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("writes still go to the first server")
		}
	}
	mustCreate(t, s, sessions, after, lasting("second"))
	wantValue(t, openStore(t, "postgres://app:same@"+second.Address()+"/app", postgres.Options{}), sessions, after, "second")
}
