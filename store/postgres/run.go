package postgres

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/wayleave/wayleave/store"
)

// effect tells whether a call may be repeated when nobody knows what became
// of it.
type effect bool

const (
	reading effect = false
	writing effect = true
)

// answerLost is what the error of a write says that may have happened.
const answerLost = "the answer was lost, and it may have been written"

// tries is how often a call is sent at most.
const tries = 4

// errOvertaken is what a call returns for a statement that wrote nothing because
// somebody else wrote to the record after it had begun.
var errOvertaken = errors.New("others are writing to the record all the time")

// run makes one call on a connection, within its time, and again where that is
// safe and can help.
func (s *Store) run(ctx context.Context, e effect, call func(context.Context, *pgxpool.Conn) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.closed.Load() {
		return store.ErrClosed
	}
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	if err := s.ready(ctx); err != nil {
		return s.orClosed(fmt.Errorf("prepare the database: %w", err))
	}
	for try := 1; ; try++ {
		conn, err := s.pool.Acquire(ctx)
		if err != nil {
			return s.orClosed(fmt.Errorf("connect: %w", err))
		}
		err = call(ctx, conn)
		became := judge(err, conn.Conn().IsClosed())
		conn.Release()
		if became == answered {
			return err
		}
		if became == demoted || became == lost && ctx.Err() == nil {
			s.pool.Reset() // the other connections are no better; new ones are
		}
		if became == lost && e == writing {
			return s.orClosed(fmt.Errorf("%s: %w", answerLost, err))
		}
		if try == tries || !pause(ctx) {
			return s.orClosed(err)
		}
	}
}

// orClosed adds that the store was closed meanwhile, if it was.
func (s *Store) orClosed(err error) error {
	if s.closed.Load() {
		return fmt.Errorf("%w: %w", store.ErrClosed, err)
	}
	return err
}

// fate is what has become of a call.
type fate int

const (
	answered fate = iota // the server did it, or said why not
	undone               // nothing was written, and may be if asked again
	demoted              // nothing can be written here, but perhaps elsewhere
	unsent               // the server never saw it
	lost                 // nobody knows
)

// readOnly is the SQLSTATE of a write on a server that is not, or not any
// more, the primary one.
const readOnly = "25006"

func judge(err error, broken bool) fate {
	said, ok := errors.AsType[*pgconn.PgError](err)
	switch {
	case err == nil:
		return answered
	case errors.Is(err, errOvertaken):
		return undone
	case pgconn.SafeToRetry(err):
		return unsent
	case broken: // even if the server said why: it may have done its work before
		return lost
	case !ok:
		return answered
	}
	switch said.Code {
	case "40001", "40P01": // serialization failure, deadlock
		return undone
	case readOnly:
		return demoted
	}
	return answered
}

// pause keeps callers who were in each other's way from meeting again.
func pause(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(rand.N(20 * time.Millisecond)):
		return true
	}
}
