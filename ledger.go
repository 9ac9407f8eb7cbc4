package wayleave

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/wayleave/wayleave/internal/index"
	"github.com/wayleave/wayleave/internal/seal"
	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/session"
	"github.com/wayleave/wayleave/store"
)

// The ledger makes each login happen once. Before the code is redeemed, and on
// error answers too, the login's id is claimed in the store. The claim keeps
// the outcome for a minute, so that a browser that gave up and asked again
// waits for the first exchange and gets the same session.
type ledger struct {
	store store.Store
	index *index.Index
	ring  *seal.Ring
}

const (
	claimTable   = store.Table("claim")
	claimPurpose = seal.Purpose("claim")
	claimKind    = byte('c')
	// claimLifetime, from the start of the login, outlives the state, or a
	// claim could be forgotten while its state is still good.
	claimLifetime = oauth.StateLifetime + 2*time.Minute
	// storeDeadline bounds what a login asks of a store that does not answer.
	storeDeadline = 5 * time.Second
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

// A provider can end its session while a login that began in it is being
// completed here. Its logout token then finds no session yet. So what it names
// is marked too, with the token's time, and a login whose ID token is not newer
// does not get its session.
const providerLogoutKind = byte('e')

// markProviderLogout marks what a logout token names: one session of the
// provider, or all of a person.
func (l *ledger) markProviderLogout(ctx context.Context, provider string, t *oauth.LogoutToken) error {
	ctx, cancel := context.WithTimeout(ctx, storeDeadline)
	defer cancel()
	key, err := l.providerLogoutKey(ctx, provider, t.Issuer, t.SessionID, t.Subject)
	if err != nil {
		return err
	}
	at := t.IssuedAt.Unix()
	for range 3 {
		old, version, found, err := l.store.Get(ctx, logoutTable, key)
		if found && len(old.Value) == 8 {
			at = max(at, int64(binary.BigEndian.Uint64(old.Value))) // a late token takes nothing back
		}
		rec := store.Record{Value: binary.BigEndian.AppendUint64(nil, uint64(at)), Expires: time.Now().Add(logoutKept)}
		if err == nil && found {
			_, err = l.store.Replace(ctx, logoutTable, key, version, rec)
		} else if err == nil {
			_, err = l.store.Create(ctx, logoutTable, key, rec)
		}
		if err == nil || !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
	return nil // others write the same at this very moment
}

// endedByProvider reports whether the provider has ended what a session was
// made from.
func (l *ledger) endedByProvider(ctx context.Context, s *session.Session) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, storeDeadline)
	defer cancel()
	for _, name := range [][2]string{{s.ProviderSession, ""}, {"", s.ProviderSubject}} {
		if name[0] == "" && name[1] == "" {
			continue
		}
		key, err := l.providerLogoutKey(ctx, s.Provider, s.ProviderIssuer, name[0], name[1])
		if err != nil {
			return false, err
		}
		rec, _, found, err := l.store.Get(ctx, logoutTable, key)
		if err != nil {
			return false, fmt.Errorf("look for a logout at the provider: %w", err)
		}
		if found && len(rec.Value) == 8 && s.ProviderTime.Unix() <= int64(binary.BigEndian.Uint64(rec.Value)) {
			return true, nil
		}
	}
	return false, nil
}

func (l *ledger) providerLogoutKey(ctx context.Context, provider, issuer, sid, subject string) (store.Key, error) {
	if sid != "" {
		subject = ""
	}
	var b []byte
	for _, part := range []string{provider, issuer, sid, subject} {
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(part))), part...)
	}
	return l.index.Key(ctx, providerLogoutKind, b)
}

// A logout token is accepted once (OpenID Connect Back-Channel Logout section
// 2.6): its jti is claimed, at first for as long as it may take to carry it out,
// and when that is done for as long as the token could be sent again. So a token
// whose logout broke off, with the store, is good again soon.
const (
	tokenTable   = store.Table("jti")
	tokenKind    = byte('j')
	tokenPending = 30 * time.Second
)

// tokenClaim is a claimed logout token.
type tokenClaim struct {
	l       *ledger
	key     store.Key
	version store.Version
	until   time.Time
}

// claimToken claims a logout token. It returns nil for all callers but one.
func (l *ledger) claimToken(ctx context.Context, provider string, t *oauth.LogoutToken) (*tokenClaim, error) {
	ctx, cancel := context.WithTimeout(ctx, storeDeadline)
	defer cancel()
	c := &tokenClaim{l: l, until: t.RememberUntil}
	var err error
	if c.key, err = l.index.Key(ctx, tokenKind, []byte(provider+"\x00"+t.Issuer+"\x00"+t.ID)); err == nil {
		soon := time.Now().Add(tokenPending)
		if c.until.Before(soon) {
			soon = c.until
		}
		c.version, err = l.store.Create(ctx, tokenTable, c.key, store.Record{Expires: soon})
	}
	switch {
	case errors.Is(err, store.ErrConflict):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("claim the logout token: %w", err)
	}
	return c, nil
}

// keep makes the claim last: the logout has been carried out.
func (c *tokenClaim) keep(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, storeDeadline)
	defer cancel()
	_, err := c.l.store.Replace(ctx, tokenTable, c.key, c.version, store.Record{Expires: c.until})
	if err != nil && !errors.Is(err, store.ErrConflict) { // then somebody carries it out once more
		return fmt.Errorf("keep the claim of the logout token: %w", err)
	}
	return nil
}

// release takes the claim back at once, for a logout that did not work.
func (c *tokenClaim) release(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeDeadline)
	defer cancel()
	_ = c.l.store.Delete(ctx, tokenTable, c.key) // if it stays, it ends by itself soon
}
