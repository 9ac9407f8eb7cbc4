package browser_test

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"

	"github.com/wayleave/wayleave/devidp/robot"
)

// stranger is somebody with a browser of their own, who needs no window: an
// attacker, mostly.
type stranger struct {
	s      *scene
	client *http.Client
	robot  *robot.Browser
}

func (s *scene) stranger() *stranger {
	s.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return &stranger{s: s, robot: robot.New(&http.Client{Transport: s.wire}), client: &http.Client{
		Transport:     s.wire,
		Jar:           jar,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// open asks for a page and returns where it redirects to, as an address.
func (m *stranger) open(address string) string {
	m.s.t.Helper()
	request, err := http.NewRequestWithContext(m.s.t.Context(), http.MethodGet, address, nil)
	if err != nil {
		m.s.t.Fatal(err)
	}
	request.Header.Set("Accept", "text/html")
	response, err := m.client.Do(request)
	if err != nil {
		m.s.t.Fatal(err)
	}
	response.Body.Close()
	location, err := response.Location()
	if err != nil {
		return ""
	}
	return location.String()
}

// callback begins a login, signs in at the provider, and stops before the last
// redirect: a complete callback with a code and a state of the stranger's own.
func (m *stranger) callback(person, page string) string {
	m.s.t.Helper()
	at := m.open(m.s.base + "/auth/" + m.s.provider + "/login?return_to=" + url.QueryEscape(page))
	if !strings.HasPrefix(at, m.s.issuer) {
		m.s.t.Fatal("the login did not lead to the provider")
	}
	callback, err := m.robot.SignIn(at, person, true)
	if err != nil {
		m.s.t.Fatal(err)
	}
	return callback
}

// signIn completes a login. The cookies are the stranger's own, and valid.
func (m *stranger) signIn(person string) (cookies map[string]string) {
	m.s.t.Helper()
	m.open(m.callback(person, "/"))
	u, err := url.Parse(m.s.base + "/auth/" + m.s.provider + "/callback")
	if err != nil {
		m.s.t.Fatal(err)
	}
	cookies = map[string]string{}
	for _, c := range m.client.Jar.Cookies(u) {
		_, name, _ := strings.Cut(c.Name, "wayleave-")
		name, _, _ = strings.Cut(name, "-")
		cookies[name] = c.Value
	}
	if cookies["session"] == "" {
		m.s.t.Fatal("the stranger is not signed in")
	}
	return cookies
}
