package app_test

import (
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/wayleave/wayleave/devidp"
	"github.com/wayleave/wayleave/devidp/robot"
	"github.com/wayleave/wayleave/examples/financetracker/app"
)

// tracker is a running Finance Tracker with a stand-in for Google, and a
// browser that looks at it.
type tracker struct {
	t      *testing.T
	base   string
	idp    *devidp.Server
	client *http.Client
}

// start runs both as the command does. Each change may alter the app's options.
func start(t *testing.T, tokenLifetime time.Duration, change ...func(*app.Options)) *tracker {
	t.Helper()
	own, base, err := app.Listen("localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	standIn, issuer, err := app.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	idp, options, err := app.StandIn(base, issuer, tokenLifetime)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range change {
		f(&options)
	}
	a, err := app.New(options)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- app.Serve(ctx, app.Site{Listener: own, Handler: a}, app.Site{Listener: standIn, Handler: idp})
	}()
	tr := &tracker{t: t, base: base, idp: idp}
	tr.freshBrowser()
	t.Cleanup(func() {
		tr.client.CloseIdleConnections()
		stop()
		if err := <-ended; err != nil {
			t.Errorf("Serve ended with %v", err)
		}
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return tr
}

// freshBrowser starts over without cookies. The browser follows redirects, but
// not to the provider.
func (tr *tracker) freshBrowser() {
	jar, err := cookiejar.New(nil)
	if err != nil {
		tr.t.Fatal(err)
	}
	tr.client = &http.Client{Jar: jar, Transport: http.DefaultTransport.(*http.Transport).Clone(),
		CheckRedirect: func(next *http.Request, _ []*http.Request) error {
			if strings.HasPrefix(next.URL.String(), tr.idp.Issuer()) {
				return http.ErrUseLastResponse
			}
			return nil
		}}
}

// page is an answer, read.
type page struct {
	*http.Response
	body string
}

func (tr *tracker) send(r *http.Request) page {
	tr.t.Helper()
	r.Header.Set("Accept", "text/html")
	resp, err := tr.client.Do(r)
	if err != nil {
		tr.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		tr.t.Fatal(err)
	}
	return page{resp, string(body)}
}

func (tr *tracker) open(at string) page {
	tr.t.Helper()
	if strings.HasPrefix(at, "/") {
		at = tr.base + at
	}
	r, err := http.NewRequestWithContext(tr.t.Context(), http.MethodGet, at, nil)
	if err != nil {
		tr.t.Fatal(err)
	}
	return tr.send(r)
}

// post presses the only button of a form.
func (tr *tracker) post(path string) page {
	tr.t.Helper()
	r, err := http.NewRequestWithContext(tr.t.Context(), http.MethodPost, tr.base+path, nil)
	if err != nil {
		tr.t.Fatal(err)
	}
	r.Header.Set("Origin", tr.base)
	return tr.send(r)
}

var loginLink = regexp.MustCompile(`href="(/auth/google/login[^"]*)"`)

// signIn presses the sign-in button of a page, answers at the provider, and
// returns where it all ends.
func (tr *tracker) signIn(from page, person string, allow bool) page {
	tr.t.Helper()
	link := loginLink.FindStringSubmatch(from.body)
	if link == nil {
		tr.t.Fatalf("the page at %s has no way to sign in", from.Request.URL)
	}
	authorization := tr.open(strings.ReplaceAll(link[1], "&amp;", "&")).Header.Get("Location")
	callback, err := robot.New(tr.client).SignIn(authorization, person, allow)
	if err != nil {
		tr.t.Fatal(err)
	}
	u, err := url.Parse(callback)
	if err != nil || u.Path != "/auth/google/callback" {
		tr.t.Fatalf("the provider leads to %s", u.Path)
	}
	return tr.open(callback)
}

// signedIn is a tracker whose browser looks at the dashboard.
func signedIn(t *testing.T, tokenLifetime time.Duration, change ...func(*app.Options)) (*tracker, page) {
	t.Helper()
	tr := start(t, tokenLifetime, change...)
	return tr, tr.signIn(tr.open("/"), "ada", true)
}

// has and lacks check what a page says.
func (p page) has(t *testing.T, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(p.body, text) {
			t.Errorf("%s does not say %q", p.Request.URL.Path, text)
		}
	}
}

func (p page) lacks(t *testing.T, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if strings.Contains(p.body, text) {
			t.Errorf("%s says %q", p.Request.URL.Path, text)
		}
	}
}
