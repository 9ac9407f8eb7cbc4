package wayleave

import (
	"context"
	"log/slog"

	"github.com/wayleave/wayleave/session"
)

// ending is why a session ended, as it stands in the log.
type ending string

const (
	endedByLogout    ending = "logout"
	endedByPerson    ending = "account page"
	endedByApp       ending = "app"
	endedByOperator  ending = "operator"
	endedByProvider  ending = "provider"
	endedByNextLogin ending = "next login"
	endedByLimit     ending = "limit" // of sessions per user
	endedUnused      ending = "login undone"
)

// audit logs what happened to a session, under the message that names it: those
// who look into an incident count on it. It names the account by its id, which
// no page shows, and never by an address.
func (a *Auth) audit(ctx context.Context, what string, s *session.Session, more ...slog.Attr) {
	attrs := append([]slog.Attr{slog.String("user", s.User.ID), slog.String("provider", s.Provider), slog.String("login", s.Login)}, more...)
	a.cfg.Logger.LogAttrs(ctx, slog.LevelInfo, what, attrs...)
}
