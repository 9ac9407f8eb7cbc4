package wayleave

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/wayleave/wayleave/internal/index"
	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/session"
	"github.com/wayleave/wayleave/store"
)

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
	return l.index.Key(ctx, providerLogoutKind, index.Join(provider, issuer, sid, subject))
}
