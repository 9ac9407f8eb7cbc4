package provider_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/wayleave/wayleave/internal/vendorfakes"
	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/provider"
)

const redirectURI = "http://localhost:8000/auth/vendor/callback"

// secret is that of the registration at the fakes.
func secret() oauth.Secret { return oauth.NewSecret(vendorfakes.ClientSecret) }

// login is one login, step by step, without cookies and store.
type login struct {
	t       testing.TB
	p       *provider.Provider
	sealer  *oauth.Sealer
	pending *oauth.Login
	url     *url.URL // that the browser is sent to

	mu     sync.Mutex
	events []oauth.Event
}

// begin makes a provider and takes step 1.
func begin(t testing.TB, c provider.Config) *login {
	t.Helper()
	l := &login{t: t}
	var err error
	if l.p, err = provider.New(c, redirectURI, l.hear); err != nil {
		t.Fatalf("configuration: %v", err)
	}
	t.Cleanup(l.p.Client.CloseIdle)
	if l.sealer, err = oauth.NewSealer("http://localhost:8000", bytes.Repeat([]byte{7}, 32)); err != nil {
		t.Fatal(err)
	}
	l.again()
	return l
}

// again takes step 1 once more, for another login at the same provider.
func (l *login) again() {
	l.t.Helper()
	l.pending = l.sealer.Begin(l.p.Client.Pending())
	raw, err := l.p.Client.Authorize(l.t.Context(), l.pending, oauth.Hints{})
	if err != nil {
		l.t.Fatalf("step 1: %v", err)
	}
	if l.url, err = url.Parse(raw); err != nil {
		l.t.Fatal(err)
	}
}

func (l *login) hear(_ context.Context, ev oauth.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = append(l.events, ev)
}

// story is all that was told.
func (l *login) story() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return fmt.Sprintf("%+v", l.events)
}

// checked reports how often a check was told of, and whether it passed the last time.
func (l *login) checked(check oauth.Check) (times int, passed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, ev := range l.events {
		if c, ok := ev.(oauth.Checked); ok && c.Check == check {
			times, passed = times+1, c.Err == nil
		}
	}
	return times, passed
}

// visit opens the authorization URL in a browser and returns where it is sent.
func (l *login) visit() *url.URL {
	l.t.Helper()
	browser := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := browser.Get(l.url.String())
	if err != nil {
		l.t.Fatal(err)
	}
	defer resp.Body.Close()
	callback, err := resp.Location()
	if err != nil {
		l.t.Fatalf("the authorization endpoint answered %s without a redirect", resp.Status)
	}
	return callback
}

// check is step 2.
func (l *login) check(callback *url.URL) (*oauth.Code, error) {
	l.t.Helper()
	cb, err := oauth.ReadCallback(httptest.NewRequest("GET", callback.RequestURI(), nil))
	if err != nil {
		return nil, err
	}
	pending, err := l.sealer.Open(cb.State())
	if err != nil {
		return nil, err
	}
	return l.p.Client.Check(l.t.Context(), pending, cb)
}

// tokens is steps 2 and 3.
func (l *login) tokens() (*oauth.Tokens, error) {
	l.t.Helper()
	code, err := l.check(l.visit())
	if err != nil {
		return nil, err
	}
	return l.p.Client.Exchange(l.t.Context(), code)
}

// mustTokens is tokens that must come.
func (l *login) mustTokens() *oauth.Tokens {
	l.t.Helper()
	tokens, err := l.tokens()
	if err != nil {
		l.t.Fatal(err)
	}
	return tokens
}

// identify is steps 2 to 4.
func (l *login) identify() (*provider.Identity, error) {
	l.t.Helper()
	tokens, err := l.tokens()
	if err != nil {
		return nil, err
	}
	id, err := l.p.Identify(oauth.WithLogin(l.t.Context(), l.pending.ID()), tokens)
	if story := l.story(); strings.Contains(story, tokens.AccessToken.Reveal()) || strings.Contains(story, vendorfakes.ClientSecret) {
		l.t.Error("the story of the login holds a secret")
	}
	return id, err
}

// mustIdentify is identify that must succeed.
func (l *login) mustIdentify() *provider.Identity {
	l.t.Helper()
	id, err := l.identify()
	if err != nil {
		l.t.Fatal(err)
	}
	return id
}

// wantRefused fails unless err is by this check, with this fault and text.
func wantRefused(t testing.TB, err error, check oauth.Check, fault oauth.Fault, text string) {
	t.Helper()
	if oauth.CheckOf(err) != check || oauth.FaultOf(err) != fault {
		t.Fatalf("error %v (check %q, fault %d), want check %q, fault %d", err, oauth.CheckOf(err), oauth.FaultOf(err), check, fault)
	}
	if err.Error() != text {
		t.Errorf("error\n%q, want\n%q", err.Error(), text)
	}
}

func wantEqual[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

// exchange takes steps 2 and 3 with this code, which needs no browser.
func exchange(l *login, code string) (*oauth.Tokens, error) {
	l.t.Helper()
	callback := &url.URL{Path: "/callback", RawQuery: url.Values{"code": {code}, "state": {l.pending.State()}}.Encode()}
	checked, err := l.check(callback)
	if err != nil {
		return nil, err
	}
	return l.p.Client.Exchange(l.t.Context(), checked)
}
