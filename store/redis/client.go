package redis

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/valkey-io/valkey-go"
)

// client is the connections to all servers of a target. A Store exchanges it
// when it can no longer be trusted.
type client struct {
	valkey.Client
	// Calls hold it for reading. The library leaks a connection that is made
	// while the client is being closed.
	inUse  sync.RWMutex
	closed bool
}

var errReplaced = errors.New("the client was replaced before the call")

// use runs a call, unless the client is closed.
func (c *client) use(call func(*client) error) error {
	c.inUse.RLock()
	defer c.inUse.RUnlock()
	if c.closed {
		return errReplaced
	}
	return call(c)
}

// end closes the client when all calls have returned.
func (c *client) end() {
	c.inUse.Lock()
	defer c.inUse.Unlock()
	c.closed = true
	c.Close()
}

// connect returns when the servers have answered, or when ctx has ended. What
// is under way then ends by itself, within the time that o gives it.
func connect(ctx context.Context, t target, o Options) (*client, error) {
	type result struct {
		client valkey.Client
		err    error
	}
	done := make(chan result, 1)
	go func() {
		c, err := valkey.NewClient(settings(t, o))
		if err != nil && c != nil {
			c.Close()
		}
		done <- result{c, err}
	}()
	select {
	case r := <-done:
		if r.err != nil {
			return nil, r.err
		}
		return &client{Client: r.client}, nil
	case <-ctx.Done():
		go func() {
			if r := <-done; r.err == nil {
				r.client.Close()
			}
		}()
		return nil, ctx.Err()
	}
}

// settings puts a target into the words of the client library.
func settings(t target, o Options) valkey.ClientOption {
	dialer := net.Dialer{Timeout: o.Timeout / 2}
	v := valkey.ClientOption{
		InitAddress:       t.addresses,
		Username:          t.username,
		Password:          t.password,
		SelectDB:          t.db,
		ClientName:        "wayleave",
		Dialer:            dialer,
		ConnWriteTimeout:  o.Timeout,
		ForceSingleClient: t.mode == single,

		// Retrying is done here, where it is known which call may be repeated.
		DisableRetry: true,
		DisableCache: true,

		// The library's own sizes suit few connections; each write that waits
		// for a replica has one.
		ReadBufferEachConn:  32 << 10,
		WriteBufferEachConn: 32 << 10,
		RingScaleEachConn:   8,
		BlockingPoolSize:    confirming + 16, // and those on which a Follow listens
		BlockingPoolMinSize: 4,
		BlockingPoolCleanup: time.Minute,
	}
	if t.tls {
		v.TLSConfig = &tls.Config{RootCAs: o.RootCAs, MinVersion: tls.VersionTLS12}
	}
	switch t.mode {
	case sentinel:
		v.Sentinel = valkey.SentinelOption{
			MasterSet:  t.master,
			Username:   t.sentinelUsername,
			Password:   t.sentinelPassword,
			Dialer:     dialer,
			TLSConfig:  v.TLSConfig,
			ClientName: v.ClientName,
			// A missed announcement must not tie us to a demoted primary.
			TopologyRefreshInterval: 2 * time.Second,
		}
	case cluster:
		v.ClusterOption.MaxMovedRedirections = 5
		// Who only follows meets no redirection that would tell of new nodes.
		v.ClusterOption.ShardsRefreshInterval = 2 * time.Second
	}
	return v
}

// broken tells whether an answer shows that the connections have lost track of
// which answer belongs to which request.
func broken(err error) bool {
	return errors.Is(err, errForeign) || valkey.IsParseErr(err)
}

// renew replaces a client that is broken. Until the new one is connected calls
// go on with the old one, whose every answer is checked.
func (s *Store) renew(old *client) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.renewing || s.closed.Load() || s.client.Load() != old {
		return
	}
	s.renewing = true
	s.work.Go(func() {
		fresh, err := connect(context.Background(), s.target, s.options)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.renewing = false
		if err != nil {
			return // the next wrong answer tries again
		}
		s.client.Store(fresh)
		s.work.Go(old.end)
	})
}
