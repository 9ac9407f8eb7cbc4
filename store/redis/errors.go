package redis

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/valkey-io/valkey-go"

	"github.com/wayleave/wayleave/store"
)

// repeatable tells whether a call may be made again after an error.
func repeatable(n nature, err error) bool {
	if slices.ContainsFunc(lasting, func(l error) bool { return errors.Is(err, l) }) || valkey.IsValkeyNil(err) {
		return false
	}
	if refusal, ok := valkey.IsValkeyErr(err); ok {
		return refused(refusal)
	}
	return n != removing || errors.Is(err, errReplaced)
}

// refused tells whether a server that answered with an error has done nothing,
// and may soon be willing, or know who is.
func refused(err *valkey.ValkeyError) bool {
	_, moved := err.IsMoved()
	_, ask := err.IsAsk()
	return moved || ask || err.IsTryAgain() || err.IsClusterDown() || err.IsLoading() ||
		strings.Contains(err.Error(), "READONLY ") || strings.HasPrefix(err.Error(), "MASTERDOWN ")
}

// failed says what was being done. ctx is the caller's.
func (s *Store) failed(ctx context.Context, what string, at name, err error) error {
	return fmt.Errorf("%s %s %v in redis: %w", what, at.table, at.key, s.explain(ctx, err))
}

// explain turns errors of the client library into those that callers know, and
// keeps secrets out of them.
func (s *Store) explain(ctx context.Context, err error) error {
	switch {
	case slices.ContainsFunc(known, func(k error) bool { return errors.Is(err, k) }):
		return err
	case s.closed.Load():
		return store.ErrClosed
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, context.DeadlineExceeded): // our own, since ctx has not ended
		return fmt.Errorf("no answer within %s: %w", s.options.Timeout, os.ErrDeadlineExceeded)
	case errors.Is(err, context.Canceled): // of another call that was connecting for this one, too
		return errors.New("the connection attempt was given up")
	case strings.Contains(err.Error(), "OOM command not allowed"):
		return fmt.Errorf("%w: the server has used up its maxmemory", store.ErrFull)
	}
	text := err.Error()
	for _, secret := range s.target.secrets() {
		if secret != "" && strings.Contains(text, secret) {
			return errors.New(strings.ReplaceAll(text, secret, "…"))
		}
	}
	return err
}

// known are the errors that say all by themselves.
var known = []error{store.ErrConflict, store.ErrTooLarge, store.ErrNoExpiry, store.ErrClosed, ErrUnconfirmed}

// lasting are the errors that another attempt would meet again.
var lasting = []error{ErrUnconfirmed, errFormat, errChanged, errMoving}
