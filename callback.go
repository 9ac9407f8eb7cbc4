package wayleave

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/wayleave/wayleave/internal/device"
	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/provider"
	"github.com/wayleave/wayleave/session"
	"github.com/wayleave/wayleave/vault"
)

// exchangeDeadline bounds all that happens between the callback and the
// session: token request, keys, userinfo, the app's OnSignIn, the store.
const exchangeDeadline = 25 * time.Second

// arrival is one callback on its way through the checks.
type arrival struct {
	w       http.ResponseWriter
	r       *http.Request
	p       *provider.Provider
	cb      *oauth.Callback
	login   *oauth.Login
	browser string           // the binding cookie, "" if there is none
	session *session.Session // that the browser has already, or nil
}

// finishLogin is steps 2 and 3. The order matters: nothing is believed before
// the state has opened, nothing is used up before it is this browser's, and
// nothing is redeemed before it is claimed.
func (a *Auth) finishLogin(w http.ResponseWriter, r *http.Request, p *provider.Provider) {
	if a.refuseUnwanted(w, r) {
		return
	}
	now := time.Now()
	browser := a.browserOf(r)
	if !a.byAddress.allow(a.subscriber(r), now) || browser != "" && !a.byBrowser.allow(browser, now) {
		w.Header().Set("Retry-After", "10")
		a.showMessage(w, r, http.StatusTooManyRequests, a.messageBusy())
		return
	}
	cb, err := oauth.ReadCallback(r)
	if err != nil {
		p.Client.TellChecked(r.Context(), nil, oauth.CheckQuery, err)
		a.fail(w, r, p, nil, err)
		return
	}
	login, err := a.sealer.Open(cb.State())
	if err != nil {
		p.Client.TellChecked(r.Context(), nil, oauth.CheckState, err)
		a.fail(w, r, p, nil, err)
		return
	}
	p.Client.TellReturned(r.Context(), login, cb)
	p.Client.TellChecked(r.Context(), login, oauth.CheckState, nil)
	at := &arrival{w: w, r: r, p: p, cb: cb, login: login, browser: browser}
	if at.session, err = a.sessionNow(r); err != nil {
		a.unavailable(w, r, err)
		return
	}
	a.arrive(at)
}

// arrive checks whose login it is, claims it, and completes it.
func (a *Auth) arrive(at *arrival) {
	ctx := at.r.Context()
	if at.login.Provider != at.p.Name() {
		_, err := at.p.Client.Check(ctx, at.login, at.cb)
		a.failLogin(at, err)
		return
	}
	if err := a.checkBrowser(at); err != nil {
		at.p.Client.TellChecked(ctx, at.login, oauth.CheckBrowser, err)
		a.arriveElsewhere(at, err)
		return
	}
	at.p.Client.TellChecked(ctx, at.login, oauth.CheckBrowser, nil)
	if err := a.checkAge(at.login); err != nil {
		at.p.Client.TellChecked(ctx, at.login, oauth.CheckStateAge, err)
		a.heal(at, causeExpired, err)
		return
	}
	at.p.Client.TellChecked(ctx, at.login, oauth.CheckStateAge, nil)
	if at.login.Intent != oauth.SignIn {
		// Begun by a version of the app that can do more: to sign in whoever
		// comes back would be something else than what was asked for.
		a.failLogin(at, &oauth.Error{Step: oauth.StepCallback, Check: oauth.CheckState, Fault: oauth.FaultBrowser,
			Expected: "a sign-in", Got: "a login with another intent", Reason: "the login is for something that this app does not do", Cure: "sign in again"})
		return
	}
	code, refused := at.p.Client.Check(ctx, at.login, at.cb)
	if refused != nil && oauth.FaultOf(refused) == oauth.FaultUnavailable && oauth.ProviderCode(refused) == "" {
		// The metadata could not be read: nothing was decided, and a reload works.
		a.failLogin(at, refused)
		return
	}
	c, first, err := a.claims.claim(ctx, at.login)
	if err != nil {
		a.unavailable(at.w, at.r, err)
		return
	}
	switch {
	case refused != nil:
		if first {
			a.settle(ctx, c, "", "")
		}
		a.failLogin(at, refused)
	case first:
		at.p.Client.TellChecked(ctx, at.login, oauth.CheckSingleUse, nil)
		a.exchange(at, c, code)
	default:
		a.arriveAgain(at, c)
	}
}

// checkBrowser: the login was begun by this browser, with this very cookie.
func (a *Auth) checkBrowser(at *arrival) error {
	if at.browser != "" && at.login.BelongsTo(oauth.HashBrowser(at.browser)) {
		return nil
	}
	got := "another browser"
	if at.browser == "" {
		got = "a browser without our cookie"
	}
	return &oauth.Error{Step: oauth.StepCallback, Check: oauth.CheckBrowser, Fault: oauth.FaultBrowser,
		Expected: "the browser that began the login", Got: got, Reason: "the login was begun elsewhere", Cure: "sign in again in this browser"}
}

// arriveElsewhere handles a login that was begun by another browser, or by this
// one before it got a new cookie, as it does at logout. The login is left as it
// is: it may still be completed where it was begun. If it is completed already,
// nothing is begun again by itself: that is Back after logout.
func (a *Auth) arriveElsewhere(at *arrival, notOurs error) {
	completed, err := a.claims.completed(at.r.Context(), at.login)
	switch {
	case err != nil:
		a.unavailable(at.w, at.r, err)
	case completed:
		a.heal(at, causeCompleted, notOurs)
	default:
		a.heal(at, causeBrowser, notOurs)
	}
}

// checkAge: the login is not too old, and of this process where that matters.
func (a *Auth) checkAge(l *oauth.Login) error {
	if err := l.CheckAge(time.Now()); err != nil {
		return err
	}
	if l.Process != a.process {
		return &oauth.Error{Step: oauth.StepCallback, Check: oauth.CheckStateAge, Fault: oauth.FaultBrowser,
			Expected: "a login of this run of the app", Got: "one from before it was restarted", Reason: "the app was restarted meanwhile", Cure: "sign in again"}
	}
	return nil
}

// arriveAgain handles a login that was claimed before: by a reload, a double
// click, another tab, or somebody who replays the address.
func (a *Auth) arriveAgain(at *arrival, c *claim) {
	c, err := a.claims.wait(at.r.Context(), c)
	if err != nil {
		a.unavailable(at.w, at.r, err)
		return
	}
	again := &oauth.Error{Step: oauth.StepCallback, Check: oauth.CheckSingleUse, Fault: oauth.FaultBrowser,
		Expected: "a login that is not yet completed", Got: "one that is", Reason: "the login was used before", Cure: "sign in again"}
	at.p.Client.TellChecked(at.r.Context(), at.login, oauth.CheckSingleUse, again)
	// The first arrival may have ended the session that this one came with.
	if at.session, err = a.sessionNow(at.r); err != nil {
		a.unavailable(at.w, at.r, err)
		return
	}
	if c.outcome != outcomeDone {
		a.heal(at, causeFailed, again)
		return
	}
	if at.session != nil {
		a.goOn(at)
		return
	}
	if id, ok := a.claims.session(c, at.browser); ok {
		alive, err := a.sessions.Alive(at.r.Context(), id)
		if err != nil {
			a.unavailable(at.w, at.r, err)
			return
		}
		out, err := a.claims.loggedOut(at.r.Context(), at.browser)
		if err != nil {
			a.unavailable(at.w, at.r, err)
			return
		}
		if alive && !out {
			a.setSession(at.w, id)
			a.goOn(at)
			return
		}
	}
	a.heal(at, causeCompleted, again)
}

// exchange runs detached from the request: who redeems a code must hear the
// answer even if the browser has gone. The request waits for it.
func (a *Auth) exchange(at *arrival, c *claim, code *oauth.Code) {
	type result struct {
		id  string
		err error
	}
	done := make(chan result, 1)
	a.exchanges.Go(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(at.r.Context()), exchangeDeadline)
		defer cancel()
		id, err := a.signInSafely(ctx, at, code)
		a.settle(ctx, c, id, at.browser)
		done <- result{id, err}
	})
	select {
	case res := <-done:
		if errors.Is(res.err, errSignedOut) {
			redirect(at.w, a.cfg.BasePath+"/signed-out")
			return
		}
		if res.err != nil {
			a.failLogin(at, res.err)
			return
		}
		a.countLogin(at)
		a.setSession(at.w, res.id)
		a.goOn(at)
	case <-at.r.Context().Done():
		// The browser has gone, or somebody gave this request less time than
		// an exchange needs. A reload gets the outcome.
		retryAfter(at.w, time.Second)
		a.showMessage(at.w, at.r, http.StatusServiceUnavailable, a.messageReload())
	}
}

// settle records the outcome, whatever has become of ctx. If that fails, a
// second arrival waits in vain and then starts again: inconvenient, not unsafe.
func (a *Auth) settle(ctx context.Context, c *claim, sessionID, browser string) {
	ctx = context.WithoutCancel(ctx)
	if err := a.claims.settle(ctx, c, sessionID, browser); err != nil {
		a.cfg.Logger.LogAttrs(ctx, levelError, "login outcome not recorded", errAttr(err))
	}
}

// signInSafely is signIn in a goroutine of its own, where a panic of the app's
// OnSignIn would end the process: net/http catches those of handlers only.
func (a *Auth) signInSafely(ctx context.Context, at *arrival, code *oauth.Code) (id string, err error) {
	defer func() {
		if p := recover(); p != nil {
			a.cfg.Logger.LogAttrs(ctx, levelError, "panic while signing in", slog.String("login", at.login.ID()),
				slog.Any("panic", p), slog.String("stack", string(debug.Stack())))
			id, err = "", &refusedByApp{errors.New("it panicked")}
		}
	}()
	return a.signIn(ctx, at, code)
}

// signIn turns a checked code into a session and returns its id.
func (a *Auth) signIn(ctx context.Context, at *arrival, code *oauth.Code) (string, error) {
	ctx = oauth.WithLogin(ctx, at.login.ID())
	tokens, err := at.p.Client.Exchange(ctx, code)
	if err != nil {
		return "", err
	}
	id, err := at.p.Identify(ctx, tokens)
	if err != nil {
		return "", err
	}
	if a.cfg.OnSignIn != nil {
		if err := a.cfg.OnSignIn(ctx, id); err != nil {
			return "", &refusedByApp{err}
		}
	}
	claims, err := a.claimsToKeep(id)
	if err != nil {
		return "", err
	}
	grant, err := a.keepGrant(ctx, at, id, tokens)
	if err != nil {
		return "", &storeError{err}
	}
	s := session.Session{User: userOf(id), Login: at.login.ID(), Grant: grant, Device: device.Describe(at.r.UserAgent()), Scopes: tokens.Scopes, Claims: claims}
	if t := tokens.IDToken; t != nil {
		s.AuthTime, s.ACR, s.AMR = t.AuthTime, t.ACR, t.AMR
		s.ProviderIssuer, s.ProviderSubject, s.ProviderSession, s.ProviderTime = t.Issuer, t.Subject, t.SessionID, t.IssuedAt
	}
	sessionID, made, crowdedOut, err := a.sessions.Create(ctx, s)
	if err != nil {
		return "", errors.Join(&storeError{err}, a.drop(ctx, grant))
	}
	for _, old := range crowdedOut {
		a.audit(ctx, "session ended", old, slog.String("why", string(endedByLimit)))
		if err := a.drop(ctx, old.Grant); err != nil {
			return "", errors.Join(&storeError{err}, a.endSession(ctx, made, endedUnused))
		}
	}
	if err := a.checkStillWanted(ctx, at, made); err != nil {
		return "", errors.Join(err, a.endSession(ctx, made, endedUnused))
	}
	if at.session != nil {
		// A login replaces what was there; nothing of it lives on.
		if err := a.endSession(ctx, at.session, endedByNextLogin); err != nil {
			return "", errors.Join(&storeError{err}, a.endSession(ctx, made, endedUnused))
		}
	}
	a.audit(ctx, "signed in", made, slog.String("device", made.Device))
	return sessionID, nil
}

// maxClaims bounds what a session keeps of claims, in bytes. A person in more
// groups than fit is told so, rather than let in with some of them.
const maxClaims = 16 << 10

func (a *Auth) claimsToKeep(id *provider.Identity) (map[string][]string, error) {
	var kept map[string][]string
	size := 0
	for _, path := range a.cfg.SessionClaims {
		values := id.Values(path)
		if len(values) == 0 {
			continue
		}
		for _, v := range values {
			size += len(v) + 2
		}
		if size > maxClaims {
			return nil, &oauth.Error{Step: oauth.StepUse, Check: oauth.CheckProfile, Fault: oauth.FaultProvider,
				Reason: "the claim " + path + " is too long to keep", Expected: fmt.Sprintf("at most %d bytes", maxClaims), Got: fmt.Sprintf("%d values", len(values)),
				Cure: "have the provider send only the groups that this app asks for"}
		}
		if kept == nil {
			kept = map[string][]string{}
		}
		kept[path] = values
	}
	return kept, nil
}

// keepGrant stores the tokens: with the session, or for the user where the
// provider's entry asks for offline access.
func (a *Auth) keepGrant(ctx context.Context, at *arrival, id *provider.Identity, t *oauth.Tokens) (vault.ID, error) {
	end := time.Now().Add(a.cfg.SessionLifetime)
	if at.p.Offline() {
		return a.vault.KeepOffline(ctx, id.ID, at.p.Name(), at.login.ID(), t, end)
	}
	return a.vault.Keep(ctx, at.p.Name(), at.login.ID(), t, end)
}

// checkStillWanted: nobody has signed out, here or at the provider, while the
// login was being completed.
func (a *Auth) checkStillWanted(ctx context.Context, at *arrival, s *session.Session) error {
	out, err := a.claims.loggedOut(ctx, at.browser)
	if err == nil && !out {
		out, err = a.claims.endedByProvider(ctx, s)
	}
	switch {
	case err != nil:
		return &storeError{err}
	case out:
		return errSignedOut
	}
	return nil
}

// errSignedOut: the person signed out while this login was being completed.
var errSignedOut = errors.New("signed out meanwhile")

// refusedByApp: OnSignIn said no.
type refusedByApp struct{ err error }

func (e *refusedByApp) Error() string { return "the app refused: " + e.err.Error() }
func (e *refusedByApp) Unwrap() error { return e.err }

// storeError: the store could not do its work.
type storeError struct{ err error }

func (e *storeError) Error() string { return e.err.Error() }
func (e *storeError) Unwrap() error { return e.err }
