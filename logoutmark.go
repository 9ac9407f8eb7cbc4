package wayleave

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/wayleave/wayleave/store"
)

// A person can sign out in one tab while a login completes in another. The
// exchange that is under way would sign them in again, maybe on a computer that
// they have already left. So a logout leaves a mark on the browser that it
// ended, for as long as such an exchange can take, and a login that finds the
// mark when its session is made ends that session at once.
const (
	logoutTable = store.Table("logout")
	logoutKind  = byte('o')
	logoutKept  = exchangeDeadline + outcomeKept
)

// markLogout marks the browser with this binding cookie.
func (l *ledger) markLogout(ctx context.Context, browser string) error {
	if browser == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, storeDeadline)
	defer cancel()
	key, err := l.index.Key(ctx, logoutKind, []byte(browser))
	if err == nil {
		_, err = l.store.Create(ctx, logoutTable, key, store.Record{Expires: time.Now().Add(logoutKept)})
	}
	switch {
	case err == nil, errors.Is(err, store.ErrConflict):
		return nil
	case errors.Is(err, store.ErrFull), errors.Is(err, store.ErrNoExpiry):
		// No room for it, or it is over already by the store's clock. People
		// must be able to sign out all the same, and a store in this state
		// hardly takes what such a login has to write.
		return nil
	default:
		return fmt.Errorf("mark the logout: %w", err)
	}
}

// loggedOut reports whether somebody signed out with this binding cookie.
func (l *ledger) loggedOut(ctx context.Context, browser string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, storeDeadline)
	defer cancel()
	key, err := l.index.Key(ctx, logoutKind, []byte(browser))
	if err != nil {
		return false, err
	}
	_, _, found, err := l.store.Get(ctx, logoutTable, key)
	if err != nil {
		return false, fmt.Errorf("look for a logout: %w", err)
	}
	return found, nil
}
