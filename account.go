package wayleave

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/wayleave/wayleave/internal/pages"
	"github.com/wayleave/wayleave/internal/seal"
	"github.com/wayleave/wayleave/session"
)

// shownSessions is how many sessions the account page lists.
const shownSessions = 50

// showAccount lists where the person is signed in, and what they have connected.
func (a *Auth) showAccount(w http.ResponseWriter, r *http.Request) {
	s, ok := a.owner(w, r)
	if !ok {
		return
	}
	list, more, err := a.sessions.OfUser(r.Context(), s.User.ID)
	if err != nil {
		a.unavailable(w, r, err)
		return
	}
	connections, err := a.Connections(r.Context(), s.User.ID)
	if err != nil {
		a.unavailable(w, r, err)
		return
	}
	end := a.cfg.BasePath + "/account/end"
	page := pages.Account{Who: whoIs(s.User), Status: a.accountStatus(r),
		EndOthers: pages.Action{URL: end, Fields: map[string]string{"others": "1"}},
		Actions:   []pages.Action{a.goHome()}}
	// This one is shown even if the user has many newer ones.
	list = append([]*session.Session{s}, slices.DeleteFunc(list, func(other *session.Session) bool { return other.Key() == s.Key() })...)
	page.MoreSessions = more || len(list) > shownSessions
	for _, one := range list[:min(len(list), shownSessions)] {
		row := pages.AccountSession{Device: one.Device, SignedInAt: one.Created, LastSeenAt: one.LastSeen, Current: one.Key() == s.Key(),
			End: pages.Action{URL: end, Fields: map[string]string{"session": sessionHandle(one)}}}
		if row.Current {
			row.End = pages.Action{URL: a.cfg.BasePath + "/logout"}
		}
		page.Sessions = append(page.Sessions, row)
	}
	for _, c := range connections {
		page.Connections = append(page.Connections, a.connectionRow(c))
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if err := a.pages.RenderAccount(w, page); err != nil {
		a.cfg.Logger.LogAttrs(r.Context(), levelOf(r), "page not written", errAttr(err))
	}
}

func (a *Auth) connectionRow(c Connection) pages.AccountConnection {
	row := pages.AccountConnection{Name: c.Provider, At: c.Since, Scopes: c.Scopes,
		Disconnect: pages.Action{URL: a.cfg.BasePath + "/account/disconnect", Fields: map[string]string{"provider": c.Provider}}}
	if p := a.provider(c.Provider); p != nil {
		row.Name = p.Label()
	}
	row.Mark = strings.ToUpper(firstRune(row.Name))
	return row
}

// owner returns the session of whoever looks at their own account, or has
// answered the request.
func (a *Auth) owner(w http.ResponseWriter, r *http.Request) (*session.Session, bool) {
	s, err := a.sessionNow(r)
	switch {
	case err != nil:
		a.unavailable(w, r, err)
	case s == nil && r.Method == http.MethodGet:
		// Our own pages are no places to return to; the app's home is.
		redirect(w, a.cfg.BasePath+"/")
	case s == nil:
		a.showMessage(w, r, http.StatusForbidden, a.messageNotOurs())
	}
	return s, s != nil && err == nil
}

// What the account page says after an action stands in its own query, as one of
// these words.
const (
	didEnd        = "ended"
	didEndOthers  = "ended-others"
	didDisconnect = "disconnected"
	didNothing    = "nothing"
)

func (a *Auth) accountStatus(r *http.Request) string {
	t, q := a.pages.Texts(), r.URL.Query()
	switch q.Get("did") {
	case didEnd:
		return t.AccountSessionEnded
	case didEndOthers:
		return t.AccountOthersEnded
	case didNothing:
		return t.AccountNothingToEnd
	case didDisconnect:
		if p := a.provider(q.Get("provider")); p != nil {
			return pages.Fill(t.AccountDisconnected, p.Label())
		}
	}
	return ""
}

// sessionHandle names a session to its owner. It is no secret, and no cookie
// can be made from it.
func sessionHandle(s *session.Session) string {
	key := s.Key()
	return seal.Encode(key[:])
}

// endFromAccount ends one session of the same user, or all others.
func (a *Auth) endFromAccount(w http.ResponseWriter, r *http.Request) {
	r, done := carryOut(r)
	defer done()
	s, ok := a.accountForm(w, r)
	if !ok {
		return
	}
	did, meant := didEndOthers, func(other *session.Session) bool { return other.Key() != s.Key() }
	if r.PostForm.Get("others") != "1" {
		did, meant = didEnd, func(other *session.Session) bool { return sessionHandle(other) == r.PostForm.Get("session") }
	}
	ended, err := a.endAll(r.Context(), s.User.ID, endedByPerson, meant)
	if ended == 0 {
		did = didNothing
	}
	a.backToAccount(w, r, url.Values{"did": {did}}, err)
}

func (a *Auth) disconnectFromAccount(w http.ResponseWriter, r *http.Request) {
	r, done := carryOut(r)
	defer done()
	s, ok := a.accountForm(w, r)
	if !ok {
		return
	}
	name := r.PostForm.Get("provider")
	a.backToAccount(w, r, url.Values{"did": {didDisconnect}, "provider": {name}}, a.Disconnect(r.Context(), s.User.ID, name))
}

// maxForm is more than any form of ours holds.
const maxForm = 16 << 10

// accountForm reads a form of the account page and says whose it is, or has
// answered the request.
func (a *Auth) accountForm(w http.ResponseWriter, r *http.Request) (*session.Session, bool) {
	if err := a.csrf.Check(r); err != nil {
		a.showMessage(w, r, http.StatusForbidden, a.messageNotOurs())
		return nil, false
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		a.showMessage(w, r, http.StatusBadRequest, a.messageNotOurs())
		return nil, false
	}
	return a.owner(w, r)
}

func (a *Auth) backToAccount(w http.ResponseWriter, r *http.Request, did url.Values, err error) {
	if err != nil {
		a.unavailable(w, r, err)
		return
	}
	redirect(w, a.cfg.BasePath+"/account?"+did.Encode())
}

// endAll ends the sessions of a user that are meant; nil means all. It returns
// how many it ended.
func (a *Auth) endAll(ctx context.Context, userID string, why ending, meant func(*session.Session) bool) (int, error) {
	ended := 0
	for {
		list, more, err := a.sessions.OfUser(ctx, userID)
		if err != nil {
			return ended, err
		}
		before := ended
		var errs []error
		for _, s := range list {
			if s.User.ID == userID && (meant == nil || meant(s)) {
				errs = append(errs, a.endSession(ctx, s, why))
				ended++
			}
		}
		if err := errors.Join(errs...); err != nil {
			return ended, err
		}
		if !more || ended == before {
			return ended, nil
		}
	}
}
