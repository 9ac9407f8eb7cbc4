package wayleave_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/wayleave/wayleave/oauth"
)

// Callbacks as they can arrive, for the tests of what becomes of them. The
// tests know the app's keys, so that they can open and make states.

// callback runs a login up to its callback URL, which carries a code and is
// not yet opened.
func (b *browser) callback(page string) string {
	b.a.t.Helper()
	return b.authorize(b.beginAt(page), true)
}

func (a *app) sealer() *oauth.Sealer {
	a.t.Helper()
	s, err := oauth.NewSealer(a.base, a.cfg.Keys...)
	if err != nil {
		a.t.Fatal(err)
	}
	return s
}

// opened returns the login whose state is in a URL.
func (a *app) opened(withState string) *oauth.Login {
	a.t.Helper()
	l, err := a.sealer().Open(param(a.t, withState, "state"))
	if err != nil {
		a.t.Fatal(err)
	}
	return l
}

// reseal changes what is pending in the state of a URL.
func (a *app) reseal(withState string, change func(*oauth.Pending)) string {
	a.t.Helper()
	pending := a.opened(withState).Pending
	change(&pending)
	return with(a.t, withState, "state", a.sealer().Begin(pending).State())
}

// expired makes the login eleven minutes old.
func expired(p *oauth.Pending) { p.Started = p.Started.Add(-11 * time.Minute) }

func param(t testing.TB, rawURL, name string) string {
	t.Helper()
	u, err := url.Parse(rawURL)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query().Get(name)
}

// with sets a parameter of a URL; an empty value removes it.
func with(t testing.TB, rawURL, name, value string) string {
	t.Helper()
	u, err := url.Parse(rawURL)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set(name, value)
	if value == "" {
		q.Del(name)
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// denied turns a callback with a code into one with an error.
func denied(t testing.TB, callback string) string {
	return with(t, with(t, callback, "code", ""), "error", "access_denied")
}

// restarts reports whether an answer sends the browser to the provider again.
func (a *app) restarts(at answer) bool {
	return at.StatusCode == http.StatusSeeOther && strings.HasPrefix(at.Header.Get("Location"), a.idp.Issuer()+"/authorize?")
}

// setCookies returns the names of the cookies that an answer sets, short, with
// a minus before those that it deletes.
func setCookies(at answer) string {
	var names []string
	for _, c := range at.Cookies() {
		name := shortName(c.Name)
		if c.MaxAge < 0 {
			name = "-" + name
		}
		names = append(names, name)
	}
	return strings.Join(names, " ")
}
