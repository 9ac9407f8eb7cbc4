// Package redis keeps records in Redis or Valkey, shared by any number of
// equal processes: call [Open] with a URL.
//
//	redis://:password@127.0.0.1:6379/0                   one server
//	redis+sentinel://host1,host2,host3/master-name/0     a primary that Sentinel looks after
//	redis+cluster://host1,host2,host3                    Redis Cluster
//
// With rediss instead of redis the connections use TLS, verified against the
// host named in the URL (or, for what Sentinel and Cluster announce, against
// that name or address). A user and a password are written user:password@,
// with everything but letters and digits percent-encoded; the password alone
// is :password@. The query may carry:
//
//	prefix=wayleave          begins each key, for several deployments on one server
//	replicas=1               how many replicas confirm a write, see below
//	sentinel_master=NAME     instead of the name in the path
//	sentinel_username=, sentinel_password=   where the sentinels ask for them
//
// The server must be Redis 6.2 or newer, or Valkey. It must not evict keys
// (maxmemory-policy noeviction) and should keep them over a restart
// (appendonly yes): [Store.Check] tells. A user whose rights are limited needs
//
//	~wayleave:* +hello +ping +select +client|setname +get +getrange +set +del
//	+time +eval +evalsha +zadd +zrem +zrange +zrangebyscore +zremrangebyscore
//	+pexpireat +wait +scan +info +client|tracking, and +role with Sentinel,
//	+cluster and +asking with Cluster.
//
// # What is promised
//
// Each record is changed by one script that the server runs atomically. Expiry
// is decided by the server's clock, so that processes with differing clocks
// agree.
//
// One server keeps what its own persistence keeps: with appendonly yes and
// appendfsync always, everything that was acknowledged.
//
// With Sentinel and Cluster each write waits until a replica confirmed it, and
// is an error that wraps [ErrUnconfirmed] when none does in time: the write may
// have happened then. A write that was acknowledged survives the promotion of
// a replica that confirmed it. Not even that helps when primary and replica
// are cut off together from the sentinels that then promote another one; set
// min-replicas-to-write 1 and min-replicas-max-lag 10 to bound how long such a
// primary takes writes. It answers reads all the while.
//
// All reads go to the primary. A server that does not answer is an error
// within about twice [Options.Timeout], never an absence, and is used again as
// soon as it is back, without opening the store again.
package redis

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wayleave/wayleave/store"
)

// Options says what a URL cannot. The zero value suits most programs.
type Options struct {
	// RootCAs verify the servers of a rediss URL. Nil: those of the system.
	RootCAs *x509.CertPool
	// Timeout bounds each call; half of it bounds a connection attempt and
	// the wait for a replica. Zero or less: 3 s.
	Timeout time.Duration
}

// ErrUnconfirmed: the primary has executed the write, but too few replicas
// confirmed it in time, so that a failover may still undo it.
var ErrUnconfirmed = errors.New("write not confirmed by a replica")

// confirming is the most writes that wait for replicas at the same time. Each
// has a connection of its own, since a wait holds up whatever follows it.
const confirming = 128

// Store is a [store.Follower] in Redis or Valkey, safe for concurrent use. Make
// it with [Open].
type Store struct {
	target  target
	options Options
	client  atomic.Pointer[client]
	confirm chan struct{} // one token for each write that waits for replicas

	background context.Context // ends with Close
	end        context.CancelFunc

	mu       sync.Mutex // guards what follows, and changes of client and closed
	renewing bool
	closed   atomic.Bool
	work     sync.WaitGroup
}

var _ store.Follower = (*Store)(nil)

// Open connects to the servers of the URL. It fails if they cannot be reached
// within about Options.Timeout or refuse the user, and its errors never tell
// the password.
func Open(ctx context.Context, url string, o Options) (*Store, error) {
	t, err := parse(url)
	if err != nil {
		return nil, fmt.Errorf("redis URL: %w", err)
	}
	if o.Timeout <= 0 {
		o.Timeout = 3 * time.Second
	}
	s := &Store{target: t, options: o, confirm: make(chan struct{}, confirming)}
	c, err := connect(ctx, t, o)
	if err != nil {
		return nil, fmt.Errorf("connect to redis: %w", s.explain(ctx, err))
	}
	s.client.Store(c)
	s.background, s.end = context.WithCancel(context.WithoutCancel(ctx))
	return s, nil
}

// Kind is for [store.Open]: redis, redis+sentinel and redis+cluster URLs, and
// those with rediss, with the zero [Options].
func Kind() store.Kind {
	return store.Kind{
		Schemes: slices.Sorted(maps.Keys(schemes)),
		Open: func(ctx context.Context, url string) (store.Store, error) {
			s, err := Open(ctx, url, Options{})
			if err != nil {
				return nil, err // not a nil *Store in an interface
			}
			return s, nil
		},
	}
}

// SingleProcess is false: all processes that open the URL share the records.
func (s *Store) SingleProcess() bool { return false }

// Close implements [store.Store]. It lets calls that are under way end, which
// the time they were given bounds. What the client library still has to end,
// such as a pause before it would have connected again, ends within seconds.
func (s *Store) Close() error {
	s.mu.Lock()
	already := s.closed.Swap(true)
	s.mu.Unlock()
	if already {
		return nil
	}
	s.end()
	s.work.Wait()
	s.client.Load().end()
	return nil
}

// within gives a call its time, or refuses a call that must not begin.
func (s *Store) within(ctx context.Context) (context.Context, context.CancelFunc, error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	if s.closed.Load() {
		return nil, nil, store.ErrClosed
	}
	limited, cancel := context.WithTimeout(ctx, s.options.Timeout)
	return limited, cancel, nil
}
