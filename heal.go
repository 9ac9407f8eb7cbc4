package wayleave

import (
	"net/http"

	"github.com/wayleave/wayleave/oauth"
)

// cause is why a callback could not be completed, of those causes that the
// callback can heal by itself.
type cause int

const (
	causeBrowser   cause = iota // begun by another browser
	causeExpired                // took too long, or the app was restarted
	causeFailed                 // claimed, and its exchange failed
	causeCompleted              // claimed and completed
)

// heal answers a callback that cannot be completed, so that as few people as
// possible meet an error, and only where that is safe:
//
//	                            with a session       without one
//	another browser's           to its page          the login starts again, once (see mostRestarts)
//	expired; exchange failed    to its page          again, once
//	completed                   to its page          a page with a button (Back after logout)
//	carries an error            the page for it      the page for it
//	intent other than sign-in   a page               a page
//
// In none of these cases does the arriving request change a session or make a
// token request. A state that does not open never gets here.
func (a *Auth) heal(at *arrival, why cause, err error) {
	switch {
	case at.cb.IsError():
		a.failAnswered(at, why, err)
	case at.login.Intent != oauth.SignIn:
		a.showCause(at, why, err)
	case at.session != nil:
		a.goOn(at)
	case why == causeCompleted:
		a.showCause(at, why, err)
	case at.login.Attempt >= mostRestarts(at, why):
		a.showCause(at, why, err)
	default:
		a.restart(at)
	}
}

// mostRestarts is how often a login is started again by itself: once. But when
// ten tabs open at once in a new browser, each of ten answers sets a binding
// cookie, and a login that is started again may meet the next of them. A browser
// that sends one keeps cookies, and after a few rounds all of them have arrived.
func mostRestarts(at *arrival, why cause) int {
	if why == causeBrowser && at.browser != "" {
		return 3
	}
	return 1
}

// restart begins the same login once more. How often is the attempt number, which
// travels inside the new state: a browser that keeps no cookies cannot loop.
func (a *Auth) restart(at *arrival) {
	pending := at.p.Client.Pending()
	pending.Attempt = at.login.Attempt + 1
	pending.ReturnTo = a.pageOf(at)
	if pending.ReturnTo == "" {
		pending.ReturnTo, pending.ReturnElsewhere = a.cfg.Home, at.login.ReturnElsewhere
	}
	a.begin(at.w, at.r, at.p, pending, oauth.Hints{})
}

// pageOf returns the page that the login was begun for, "" if it is lost. It
// was checked when the login began; it is checked again now that it is used.
func (a *Auth) pageOf(at *arrival) string {
	page := at.login.ReturnTo
	if at.login.ReturnElsewhere {
		kept, ok := a.takeReturn(at.w, at.r, at.p, at.login)
		if !ok {
			return ""
		}
		page = kept
	}
	if clean, ok := cleanReturnTo(page, a.avoid...); ok {
		return clean
	}
	return a.cfg.Home
}

// goOn sends a signed-in person to the page they asked for, or says that it
// could not be remembered.
func (a *Auth) goOn(at *arrival) {
	page := a.pageOf(at)
	if page == "" {
		a.showMessage(at.w, at.r, http.StatusOK, a.messageDeepLinkLost())
		return
	}
	redirect(at.w, page)
}
