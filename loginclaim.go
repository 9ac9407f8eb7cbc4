package wayleave

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/wayleave/wayleave/internal/seal"
	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/store"
)

// Each login happens once. Before the code is redeemed, and on error answers
// too, the login's id is claimed in the store. The claim keeps the outcome for a
// minute, so that a browser that gave up and asked again waits for the first
// exchange and gets the same session.
const (
	claimTable   = store.Table("claim")
	claimPurpose = seal.Purpose("claim")
	claimKind    = byte('c')
	// claimLifetime, from the start of the login, outlives the state, or a
	// claim could be forgotten while its state is still good.
	claimLifetime = oauth.StateLifetime + 2*time.Minute
	// outcomeKept is how long a session is handed out to a second arrival.
	outcomeKept = time.Minute
)

// outcome is what became of a claimed login.
type outcome byte

const (
	outcomePending outcome = iota + 1
	outcomeFailed
	outcomeDone
)

// claim is a claimed login.
type claim struct {
	key     store.Key
	version store.Version
	outcome outcome
	at      time.Time // of the outcome
	until   time.Time // the claim is kept
	// sealed is the session's id, sealed so that only the browser that began
	// the login can open it.
	sealed []byte
}

// claim claims a login. first is true for exactly one caller, on all machines
// together; the others get the claim as it stands.
func (l *ledger) claim(ctx context.Context, login *oauth.Login) (c *claim, first bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, storeDeadline)
	defer cancel()
	if !l.store.SingleProcess() {
		if err := l.index.Confirm(ctx); err != nil {
			return nil, false, err
		}
	}
	key, err := l.key(ctx, login)
	if err != nil {
		return nil, false, err
	}
	c = &claim{key: key, outcome: outcomePending, at: time.Now(), until: login.Started.Add(claimLifetime)}
	c.version, err = l.store.Create(ctx, claimTable, key, c.record())
	if err == nil {
		return c, true, nil
	}
	if !errors.Is(err, store.ErrConflict) {
		return nil, false, fmt.Errorf("claim the login: %w", err)
	}
	c, err = l.read(ctx, key)
	return c, false, err
}

func (l *ledger) key(ctx context.Context, login *oauth.Login) (store.Key, error) {
	random := login.Random()
	return l.index.Key(ctx, claimKind, random[:])
}

// completed reports whether a login was claimed and ended with a session. It
// claims nothing.
func (l *ledger) completed(ctx context.Context, login *oauth.Login) (bool, error) {
	key, err := l.key(ctx, login)
	if err != nil {
		return false, err
	}
	c, err := l.read(ctx, key)
	if errors.Is(err, errNoClaim) {
		return false, nil
	}
	return err == nil && c.outcome == outcomeDone, err
}

var errNoClaim = errors.New("the claim of the login is gone")

func (l *ledger) read(ctx context.Context, key store.Key) (*claim, error) {
	ctx, cancel := context.WithTimeout(ctx, storeDeadline)
	defer cancel()
	rec, version, found, err := l.store.Get(ctx, claimTable, key)
	if err != nil {
		return nil, fmt.Errorf("read the claim of the login: %w", err)
	}
	if !found || len(rec.Value) < 9 {
		return nil, errNoClaim
	}
	return &claim{key: key, version: version, outcome: outcome(rec.Value[0]), until: rec.Expires,
		at: time.Unix(int64(binary.BigEndian.Uint64(rec.Value[1:])), 0), sealed: rec.Value[9:]}, nil
}

func (c *claim) record() store.Record {
	b := append([]byte{byte(c.outcome)}, binary.BigEndian.AppendUint64(nil, uint64(c.at.Unix()))...)
	return store.Record{Value: append(b, c.sealed...), Expires: c.until}
}

// settle records what became of a login. browser is the binding cookie that
// the session id is sealed to; for a failure both are empty.
func (l *ledger) settle(ctx context.Context, c *claim, sessionID, browser string) error {
	ctx, cancel := context.WithTimeout(ctx, storeDeadline)
	defer cancel()
	c.at = time.Now()
	c.outcome = outcomeFailed
	if sessionID != "" {
		c.outcome = outcomeDone
		c.sealed = l.ring.Seal(claimPurpose, []byte(sessionID), string(c.key[:]), browser)
	}
	if _, err := l.store.Replace(ctx, claimTable, c.key, c.version, c.record()); err != nil {
		return fmt.Errorf("record the outcome of the login: %w", err)
	}
	return nil
}

// wait returns the claim when it is settled. It asks the store again and
// again, because the first arrival may be on another machine.
func (l *ledger) wait(ctx context.Context, c *claim) (*claim, error) {
	for pause := 5 * time.Millisecond; c.outcome == outcomePending; pause = min(2*pause, 250*time.Millisecond) {
		if time.Since(c.at) > exchangeDeadline+time.Second {
			// Whoever claimed it is gone.
			c.outcome = outcomeFailed
			break
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		var err error
		if c, err = l.read(ctx, c.key); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// session returns the id of the session that the login ended with, if it ended
// less than a minute ago and this browser began it.
func (l *ledger) session(c *claim, browser string) (id string, ok bool) {
	if c.outcome != outcomeDone || time.Since(c.at) > outcomeKept {
		return "", false
	}
	plain, err := l.ring.Open(claimPurpose, c.sealed, string(c.key[:]), browser)
	return string(plain), err == nil
}
