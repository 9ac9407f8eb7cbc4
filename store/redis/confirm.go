package redis

import (
	"context"
	"fmt"
	"time"

	"github.com/valkey-io/valkey-go"
)

// confirmed sends a write and then waits for the replicas, over a connection
// of its own: the server waits for what came over the same connection.
func (s *Store) confirmed(ctx context.Context, conn *client, c call) (answer, error) {
	select {
	case s.confirm <- struct{}{}:
		defer func() { <-s.confirm }()
	case <-ctx.Done():
		return answer{}, ctx.Err()
	}
	own, release := conn.Dedicate()
	r := own.DoMulti(ctx, c.short(conn), s.wait(ctx, conn))
	if forgotten(r[0]) {
		r = own.DoMulti(ctx, c.long(conn), s.wait(ctx, conn))
	}
	release()
	if node, ask := redirection(conn, r[0].Error()); node != nil {
		r = s.redirected(ctx, conn, node, ask, c)
	}
	a, err := c.read(r[0])
	if err != nil || !a.yes {
		return a, err
	}
	replicas, err := r[1].AsInt64()
	if err != nil {
		return answer{}, err
	}
	if replicas < int64(s.target.replicas) {
		return answer{}, fmt.Errorf("%w: %d of %d", ErrUnconfirmed, replicas, s.target.replicas)
	}
	return a, nil
}

// redirected sends a write to the node of the cluster that was named instead.
// The library does this for single commands alone: here the wait must follow.
func (s *Store) redirected(ctx context.Context, conn *client, node valkey.Client, ask bool, c call) []valkey.ValkeyResult {
	own, release := node.Dedicate()
	defer release()
	if !ask {
		return own.DoMulti(ctx, c.long(conn), s.wait(ctx, conn))
	}
	return own.DoMulti(ctx, conn.B().Asking().Build(), c.long(conn), s.wait(ctx, conn))[1:]
}

// redirection returns the node that an error names, if it is a known one.
func redirection(conn *client, err error) (node valkey.Client, ask bool) {
	refusal, ok := valkey.IsValkeyErr(err)
	if !ok {
		return nil, false
	}
	address, moved := refusal.IsMoved()
	if !moved {
		if address, ask = refusal.IsAsk(); !ask {
			return nil, false
		}
	}
	return conn.Nodes()[address], ask
}

// wait is the command that returns when enough replicas have everything that
// was written before, or half of the time that is left has passed.
func (s *Store) wait(ctx context.Context, conn *client) valkey.Completed {
	left := s.options.Timeout
	if deadline, ok := ctx.Deadline(); ok {
		left = time.Until(deadline)
	}
	return conn.B().Wait().Numreplicas(int64(s.target.replicas)).Timeout(max(1, (left / 2).Milliseconds())).Build()
}
