package failure_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wayleave/wayleave"
	"github.com/wayleave/wayleave/devidp/devidptest"
	"github.com/wayleave/wayleave/oauth"
)

// scene is what is prepared while all is well, so that each kind of request
// can be made when it is not.
type scene struct {
	*site
	warm, cold, leaving, told, calling, refreshing *browser

	arriving *browser
	callback string // not opened yet

	sid, token  string // of told's session at the provider; ends it
	inCall      context.Context
	inRefresh   context.Context
	old         *oauth.Tokens
	tokensAsked int // how often the provider was asked for tokens
	got         map[string]string

	// halfway: a logout that got 503 may have ended the session all the same.
	halfway bool
}

func (s *site) scene() *scene {
	s.t.Helper()
	c := &scene{site: s, cold: s.signedIn(), leaving: s.signedIn(), told: s.signedIn(), calling: s.signedIn(), refreshing: s.signedIn(), warm: s.signedIn(), arriving: s.browser(), got: map[string]string{}}
	c.callback = c.arriving.callback()
	tokens, err := s.a.auth.Tokens(c.told.inside())
	if err != nil {
		s.t.Fatal(err)
	}
	c.sid = tokens.IDToken.SessionID
	c.token = devidptest.LogoutToken(s.t, s.idp, map[string]any{"aud": "app", "sid": c.sid})
	c.inCall, c.inRefresh = c.calling.inside(), c.refreshing.inside()
	if c.old, err = s.a.auth.TokenSource(c.inRefresh).Token(c.inRefresh); err != nil {
		s.t.Fatal(err)
	}
	// The other replica knows the store, but none of these sessions.
	if err := s.b.auth.Check(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
	c.tell(devidptest.LogoutToken(s.t, s.idp, map[string]any{"aud": "app", "sid": "nobody's"})) // reads the keys
	c.tokensAsked = s.idp.Count("token")
	return c
}

// requests makes each kind of request once and says what it got.
func (c *scene) requests() map[string]func() string {
	return map[string]func() string{
		"page, warm":          func() string { return pageOutcome(c.warm.open(c.a, "/")) },
		"page, cold":          func() string { return pageOutcome(c.cold.open(c.b, "/")) },
		"page, nobody":        c.nobody,
		"login":               c.login,
		"callback":            func() string { return callbackOutcome(c.arriving.open(c.a, c.callback)) },
		"logout":              func() string { return logoutOutcome(c.leaving.logout(c.a)) },
		"back-channel logout": func() string { return c.tell(c.token) },
		"API call":            c.call,
		"refresh":             c.refresh,
	}
}

func (c *scene) nobody() string {
	if got := pageOutcome(c.browser().open(c.a, "/public")); got != "200" {
		return "a page for everyone: " + got
	}
	return pageOutcome(c.browser().open(c.a, "/"))
}

func (c *scene) login() string {
	got := c.browser().open(c.a, "/auth/dev/login")
	if beginsAgain(got) {
		return "to the provider"
	}
	return otherOutcome(got)
}

func (b *browser) logout(at *replica) answer {
	return b.send(at, http.MethodPost, "/auth/logout", "Accept", "text/html", "Sec-Fetch-Site", "same-origin")
}

// tell delivers a logout token as the provider does.
func (c *scene) tell(token string) string {
	r := httptest.NewRequest(http.MethodPost, "/auth/dev/backchannel-logout", strings.NewReader(url.Values{"logout_token": {token}}.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	c.a.ServeHTTP(w, r)
	return fmt.Sprint(w.Code)
}

func (c *scene) call() string {
	resp, err := c.a.auth.Client(c.inCall).Get(c.idp.Issuer() + "/api/transactions")
	if err != nil {
		return errorOutcome(err)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return fmt.Sprint(resp.StatusCode)
}

func (c *scene) refresh() string {
	fresh, err := c.a.auth.TokenSource(c.inRefresh).(oauth.Renewer).Renew(c.inRefresh, c.old)
	switch {
	case err != nil:
		return errorOutcome(err)
	case fresh.AccessToken.Reveal() == c.old.AccessToken.Reveal():
		return "the old tokens"
	}
	return "new tokens"
}

func errorOutcome(err error) string {
	if errors.Is(err, wayleave.ErrLoginRequired) {
		return "login required"
	}
	return "error"
}

func pageOutcome(got answer) string {
	switch {
	case got.StatusCode == http.StatusOK && strings.HasPrefix(got.body, "Hello "):
		return "200"
	case got.StatusCode == http.StatusSeeOther && strings.HasPrefix(got.Header.Get("Location"), "/auth/dev/login"):
		return "to sign in"
	}
	return otherOutcome(got)
}

func callbackOutcome(got answer) string {
	if got.StatusCode == http.StatusSeeOther && got.Header.Get("Location") == "/wanted" && hasCookie(got, "session", 1) {
		return "signed in"
	}
	if beginsAgain(got) {
		return "begins again"
	}
	return otherOutcome(got)
}

// beginsAgain: the browser is sent to the provider, which knows the person and
// sends it back.
func beginsAgain(got answer) bool {
	return got.StatusCode == http.StatusSeeOther && strings.Contains(got.Header.Get("Location"), "/authorize?")
}

func logoutOutcome(got answer) string {
	// Our page, which leads on to the provider; or where that is down, to it.
	if (got.StatusCode == http.StatusOK || got.StatusCode == http.StatusSeeOther) && hasCookie(got, "session", -1) {
		return "signed out"
	}
	return otherOutcome(got)
}

// hasCookie tells whether a cookie was set (1) or cleared (-1).
func hasCookie(got answer, name string, sign int) bool {
	return slices.ContainsFunc(got.Cookies(), func(c *http.Cookie) bool {
		return strings.Contains(c.Name, "wayleave-"+name) && c.MaxAge*sign > 0
	})
}

// otherOutcome: what a store that cannot say must lead to, or something that
// the document has no word for.
func otherOutcome(got answer) string {
	if got.StatusCode == http.StatusServiceUnavailable && got.Header.Get("Retry-After") != "" && len(got.Cookies()) == 0 {
		return "503"
	}
	return fmt.Sprintf("status %d to %q, %d cookies: %.300s", got.StatusCode, got.Header.Get("Location"), len(got.Cookies()), got.body)
}

// patience is the longest that anybody waits for an answer; but new tokens, which
// the store does not take, are held for longer before they are given up.
const (
	patience      = 12 * time.Second
	heldForTokens = 25 * time.Second
)

// compare makes all requests at once and checks what the line says of them.
func (c *scene) compare(t *testing.T, want line, requests map[string]func() string) {
	t.Helper()
	var wg sync.WaitGroup
	var mu sync.Mutex
	for name, request := range requests {
		wg.Go(func() {
			began := time.Now()
			got := request()
			allowed := strings.Split(want.cells[name], " or ")
			for _, one := range allowed {
				if first, _, ok := strings.Cut(one, ", then "); ok && got == first {
					for got == first && time.Since(began) < patience { // it goes on asking
						got = request()
					}
					got = first + ", then " + got
				}
			}
			mu.Lock()
			defer mu.Unlock()
			c.got[name] = got
			took := time.Since(began)
			t.Logf("%s: %s after %v", name, got, took.Round(time.Millisecond))
			if !slices.Contains(allowed, got) {
				t.Errorf("%s: got %s, want %s", name, got, want.cells[name])
			}
			if took > patience && (name != "refresh" || took > heldForTokens) {
				t.Errorf("%s: the answer took %v", name, took)
			}
		})
	}
	wg.Wait()
}

// redeemed checks that the provider was asked for tokens by those alone who
// have got some.
func (c *scene) redeemed(t *testing.T) {
	t.Helper()
	want := 0
	for name, done := range map[string]string{"callback": "signed in", "refresh": "new tokens"} {
		if c.got[name] == done {
			want++
		}
	}
	if n := c.idp.Count("token") - c.tokensAsked; n != want {
		t.Errorf("the provider was asked for tokens %d times, want %d", n, want)
	}
}
