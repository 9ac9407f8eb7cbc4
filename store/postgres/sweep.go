package postgres

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	// sweepPause lies between two sweeps, on average. Each is half as long up
	// to one and a half times, so that processes which started together do
	// not go on together.
	sweepPause = time.Minute
	// sweepBatch is the most records that one statement removes: enough that
	// a round trip is worth it, few enough that nobody waits for their locks.
	sweepBatch = 500
)

// sweep removes what has expired until the store is closed. What fails is tried
// again the next time: the calls of those who use the store tell what is wrong
// with the database sooner.
func (s *Store) sweep() {
	for {
		select {
		case <-s.background.Done():
			return
		case <-time.After(sweepPause/2 + rand.N(sweepPause)):
		}
		for {
			n, err := s.sweepOnce(s.background)
			if err != nil || n < sweepBatch {
				break
			}
		}
	}
}

// sweepOnce removes one batch and returns how many records it had. Its plan is
// not kept, because it joins two tables and must fit the size they have now.
func (s *Store) sweepOnce(ctx context.Context) (n int, err error) {
	err = s.run(ctx, writing, func(ctx context.Context, conn *pgxpool.Conn) error {
		return conn.QueryRow(ctx, removeExpired, pgx.QueryExecModeExec, sweepBatch).Scan(&n)
	})
	return n, err
}
