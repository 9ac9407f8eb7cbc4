package replicas_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"

	"github.com/wayleave/wayleave/devidp/robot"
)

// browser belongs to one person. It goes to whichever replica it is told, as
// behind a load balancer, and follows no redirect by itself.
type browser struct {
	f       *fleet
	person  string
	jar     http.CookieJar
	robot   *robot.Browser
	address string
}

// atProvider is how browsers reach it. No connection is kept, so that tests end at once.
var atProvider = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

func (f *fleet) browser(person string) *browser {
	jar, _ := cookiejar.New(nil) // never fails without a public suffix list
	return &browser{f: f, person: person, jar: jar, robot: robot.New(atProvider), address: rand.Text()}
}

// answer is what came back, with the body read.
type answer struct {
	*http.Response
	body string
}

func (a answer) String() string {
	if a.Response == nil {
		return "no answer"
	}
	return fmt.Sprintf("%d to %q: %.200s", a.StatusCode, a.Header.Get("Location"), a.body)
}

func (b *browser) send(r *http.Request, at *replica) (answer, error) {
	r.Header.Set("X-Test-Address", b.address)
	client := http.Client{Jar: b.jar, Transport: at.wire, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return answer{resp, string(body)}, err
}

// open asks for a page as a person does.
func (b *browser) open(ctx context.Context, at *replica, target string) (answer, error) {
	if strings.HasPrefix(target, "/") {
		target = baseURL + target
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return answer{}, err
	}
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Sec-Fetch-Mode", "navigate")
	r.Header.Set("Sec-Fetch-Dest", "document")
	return b.send(r, at)
}

// status is open for those who want to know no more. 0: no answer.
func (b *browser) status(at *replica, target string) int {
	got, err := b.open(context.Background(), at, target)
	if err != nil {
		return 0
	}
	return got.StatusCode
}

// begin starts a login and returns the callback, not yet opened.
func (b *browser) begin(ctx context.Context, at *replica) (callback string, err error) {
	got, err := b.open(ctx, at, "/auth/dev/login?return_to=%2Fpage")
	if err != nil {
		return "", err
	}
	to := got.Header.Get("Location")
	if !strings.HasPrefix(to, b.f.idp.Issuer()) {
		return "", fmt.Errorf("the login began with %v", got)
	}
	callback, err = b.robot.SignIn(to, b.person, true)
	if u, parsed := url.Parse(callback); parsed == nil {
		b.f.idp.hear(u.Query().Get("code"), u.Query().Get("state"))
	}
	return callback, err
}

// signIn runs a whole login at one replica. Without an error it was acknowledged.
func (b *browser) signIn(ctx context.Context, at *replica) error {
	callback, err := b.begin(ctx, at)
	if err != nil {
		return err
	}
	return b.finish(ctx, at, callback)
}

func (b *browser) finish(ctx context.Context, at *replica, callback string) error {
	got, err := b.open(ctx, at, callback)
	if err == nil && (got.StatusCode != http.StatusSeeOther || got.Header.Get("Location") != "/page" || b.session() == "") {
		err = fmt.Errorf("the callback ended with %v", got)
	}
	return err
}

// logout signs out. Without an error that was acknowledged.
func (b *browser) logout(ctx context.Context, at *replica) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, baseURL+"/auth/logout", nil)
	if err != nil {
		return err
	}
	r.Header.Set("Accept", "application/json")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	got, err := b.send(r, at)
	if err == nil && got.StatusCode != http.StatusOK && got.StatusCode != http.StatusNoContent {
		err = fmt.Errorf("the logout ended with %v", got)
	}
	return err
}

// copy is the same browser before something happens to its cookies.
func (b *browser) copy() *browser {
	c := b.f.browser(b.person)
	u, _ := url.Parse(baseURL + "/auth/dev/callback")
	for _, one := range b.jar.Cookies(u) {
		one.Path = "/" // jars do not tell it
		c.jar.SetCookies(u, []*http.Cookie{one})
	}
	c.address = b.address
	return c
}

// session returns the session cookie's value.
func (b *browser) session() string {
	u, _ := url.Parse(baseURL)
	for _, c := range b.jar.Cookies(u) {
		if strings.Contains(c.Name, "session") {
			return c.Value
		}
	}
	return ""
}

// crowd signs people in, at each replica in turn.
func (f *fleet) crowd(ctx context.Context, n int, at []*replica) ([]*browser, error) {
	all, errs := make([]*browser, n), make([]error, n)
	spread(n, 4, func(i int) {
		all[i] = f.browser(subject(i))
		errs[i] = all[i].signIn(ctx, at[i%len(at)])
	})
	return all, errors.Join(errs...)
}
