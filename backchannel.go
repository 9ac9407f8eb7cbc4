package wayleave

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/provider"
)

// logoutSkew is how much later than a logout token a login may say it was, by
// the provider's own clocks, and still be meant by it.
const logoutSkew = 5 * time.Second

// backchannelLogout is told by the provider, not by a browser, that a session
// there has ended (OpenID Connect Back-Channel Logout). There are no cookies,
// and nothing to forge: the token is signed. It answers 200 also when there is
// no such session, and 400 whenever nothing may have been ended.
func (a *Auth) backchannelLogout(w http.ResponseWriter, r *http.Request, p *provider.Provider) {
	address := a.subscriber(r)
	if !a.byAddress.allow(address, time.Now()) {
		w.Header().Set("Retry-After", "10")
		refuseLogoutToken(w, http.StatusTooManyRequests, "too many requests")
		return
	}
	raw, err := oauth.ReadLogoutRequest(r)
	var t *oauth.LogoutToken
	if err == nil {
		t, err = p.Client.VerifyLogoutToken(r.Context(), raw)
	}
	if err == nil {
		err = a.endByProvider(r.Context(), p, t)
	}
	if err == nil {
		// A provider may end all of its sessions at once, each by a token of
		// its own, and sends none of them twice.
		a.byAddress.giveBack(address)
		w.WriteHeader(http.StatusOK)
		return
	}
	a.cfg.Logger.LogAttrs(r.Context(), slog.LevelWarn, "back-channel logout refused", slog.String("provider", p.Name()),
		slog.String("check", string(oauth.CheckOf(err))), errAttr(err))
	status, reason := http.StatusBadRequest, "the logout could not be carried out"
	if e, ok := errors.AsType[*oauth.Error](err); ok {
		reason = e.Reason
		if e.Check == oauth.CheckLogoutRequest && e.Status != 0 {
			status = e.Status
		}
	}
	refuseLogoutToken(w, status, reason)
}

// refuseLogoutToken answers as Back-Channel Logout section 2.8 says.
func refuseLogoutToken(w http.ResponseWriter, status int, reason string) {
	writeJSON(w, status, map[string]string{"error": "invalid_request", "error_description": reason})
}

// endByProvider carries out what a verified logout token says, once.
func (a *Auth) endByProvider(ctx context.Context, p *provider.Provider, t *oauth.LogoutToken) error {
	claim, err := a.claims.claimToken(ctx, p.Name(), t)
	if err != nil {
		return err
	}
	if claim == nil {
		return &oauth.Error{Step: oauth.StepUse, Check: oauth.CheckLogoutID, Fault: oauth.FaultBrowser, Reason: "the logout token was used before", Expected: "a new jti"}
	}
	// The mark first: a login that is being completed either finds it, or has
	// made its session by now, which is then found here.
	err = a.claims.markProviderLogout(ctx, p.Name(), t)
	if err == nil {
		err = a.endNamed(ctx, p, t)
	}
	if err == nil {
		err = claim.keep(ctx)
	}
	if err != nil {
		claim.release(ctx)
	}
	return err
}

// endNamed ends the sessions that a logout token names: those of its sid, or of
// its sub if it has none. Sessions that began after it was made are not meant.
func (a *Auth) endNamed(ctx context.Context, p *provider.Provider, t *oauth.LogoutToken) error {
	for {
		list, more, err := a.sessions.OfProvider(ctx, p.Name(), t.Issuer, t.SessionID, t.Subject)
		if err != nil {
			return err
		}
		ended := 0
		for _, s := range list {
			if s.ProviderTime.After(t.IssuedAt.Add(logoutSkew)) {
				continue
			}
			if err := a.endSession(ctx, s, endedByProvider); err != nil {
				return err
			}
			ended++
		}
		if !more || ended == 0 {
			return nil
		}
	}
}
