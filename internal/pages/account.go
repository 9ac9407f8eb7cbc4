package pages

import (
	"cmp"
	"io"
	"slices"
	"strconv"
	"time"
)

// Account is the page on which people see and end their own sessions and
// connections. Status comes from [Texts]; Who, Device and Scopes may come from
// anywhere.
type Account struct {
	// Who is the name or address of the person signed in; untrusted, as
	// Message.Who is. Empty: nothing.
	Who string
	// Status is the result of what the person just did, such as
	// Texts.AccountSessionEnded. Empty: nothing.
	Status string
	// Sessions are the person's own, the best order being the last used first.
	// The current one is moved to the front.
	Sessions []AccountSession
	// MoreSessions says that there are more than these, which the page then
	// admits. False: these are all.
	MoreSessions bool
	// EndOthers ends all sessions but the current one. It is offered when there
	// are others. An empty URL: never.
	EndOthers Action
	// Connections are the providers that the app holds a grant of.
	Connections []AccountConnection
	// Actions stand at the end: the way back to the app.
	Actions []Action
}

// AccountSession is one signed-in browser.
type AccountSession struct {
	Device string // as device.Describe says; shown as untrusted text is
	// SignedInAt and LastSeenAt are shown in UTC, to the minute. Zero: not shown.
	SignedInAt, LastSeenAt time.Time
	Current                bool // the session of the browser that asks
	// End ends it. Its Label is Texts.AccountEnd where it is empty, and it is
	// always a form. An empty URL: it cannot be ended here.
	End Action
}

// AccountConnection is what a provider has granted to the app.
type AccountConnection struct {
	Name string    // the provider's, for people
	Mark string    // as Action.Mark
	At   time.Time // since when. Zero: not shown
	// Scopes is what was granted, as the provider calls it; untrusted. At most 30
	// are shown. Empty: nothing is said of it.
	Scopes []string
	// Disconnect revokes the grant. Its Label is Texts.AccountDisconnect where it
	// is empty, and it is always a form. An empty URL: it cannot be done here.
	Disconnect Action
}

// maxScopes is how many scopes of a connection are shown.
const maxScopes = 30

// RenderAccount writes the account page, in one piece: when it cannot be made,
// nothing is written.
func (p *Pages) RenderAccount(w io.Writer, a Account) error {
	t := p.site.Texts
	a.Who = untrusted(a.Who)
	a.EndOthers = form(a.EndOthers, t.AccountEndOthers)
	a.Actions = allowed(a.Actions)
	a.Sessions = slices.Clone(a.Sessions)
	if i := slices.IndexFunc(a.Sessions, func(s AccountSession) bool { return s.Current }); i > 0 {
		current := a.Sessions[i]
		a.Sessions = slices.Insert(slices.Delete(a.Sessions, i, i+1), 0, current)
	}
	for i := range a.Sessions {
		s := &a.Sessions[i]
		s.Device, s.End = untrusted(s.Device), form(s.End, t.AccountEnd)
	}
	a.Connections = slices.Clone(a.Connections)
	for i := range a.Connections {
		c := &a.Connections[i]
		c.Disconnect, c.Scopes = form(c.Disconnect, t.AccountDisconnect), shownScopes(c.Scopes)
	}
	return p.render(w, t.AccountTitle, accountCard(p.AppName(), t, a))
}

// form makes an action a form with a label. One that may not stand in a page
// becomes the zero Action, for which there is no button.
func form(a Action, label string) Action {
	if len(allowed([]Action{a})) == 0 {
		return Action{}
	}
	a.Post, a.Label = true, cmp.Or(a.Label, label)
	return a
}

// hasOthers tells whether "sign out everywhere else" has something to end.
func (a Account) hasOthers() bool {
	others := slices.ContainsFunc(a.Sessions, func(s AccountSession) bool { return !s.Current })
	return (others || a.MoreSessions) && a.EndOthers.URL != ""
}

func (a Account) canDisconnect() bool {
	return slices.ContainsFunc(a.Connections, func(c AccountConnection) bool { return c.Disconnect.URL != "" })
}

func shownScopes(scopes []string) []string {
	var shown []string
	for _, scope := range scopes[:min(len(scopes), maxScopes)] {
		if scope = untrusted(scope); scope != "" {
			shown = append(shown, scope)
		}
	}
	if len(scopes) > maxScopes {
		shown = append(shown, "…")
	}
	return shown
}

// clock is a time as people read it, and machine the same for programs. It is
// absolute, since a page stands open for hours, and in UTC, since the server
// does not know where the person is.
func clock(t time.Time) string   { return t.UTC().Format("2006-01-02 15:04") + " UTC" }
func machine(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// entryID ties a button to what it is about, for those who hear the page.
func entryID(list string, i int) string { return list + strconv.Itoa(i) }
