package wayleave_test

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/wayleave/wayleave"
)

// submit sends a form of the app's own pages, as a browser does.
func (b *browser) submit(path string, form url.Values, headers ...string) answer {
	b.a.t.Helper()
	r, err := http.NewRequestWithContext(b.a.t.Context(), "POST", b.a.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.a.t.Fatal(err)
	}
	r.Header.Set("Content-Type", formType)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return b.do(r)
}

var (
	entryForm   = regexp.MustCompile(`(?s)<li>.*?</li>`)
	sessionForm = regexp.MustCompile(`name="session" value="([^"]+)"`)
	deviceName  = regexp.MustCompile(`<bdi>([^<]*)</bdi>`)
)

// entry is a session on the account page.
type entry struct {
	device  string
	current bool
	handle  string // empty: the button is that of logout
}

// account opens the account page and reads its sessions.
func (b *browser) account() (list []entry, page answer) {
	b.a.t.Helper()
	page = b.open("/auth/account")
	if page.StatusCode != http.StatusOK {
		b.a.t.Fatalf("account: status %d to %q: %s", page.StatusCode, page.Header.Get("Location"), text(page))
	}
	checkHeaders(b.a.t.(*testing.T), page)
	sessions, _, _ := strings.Cut(text(page), "Connected accounts")
	for _, item := range entryForm.FindAllString(sessions, -1) {
		e := entry{current: strings.Contains(item, "This browser")}
		if m := deviceName.FindStringSubmatch(item); m != nil {
			e.device = html.UnescapeString(m[1])
		}
		if m := sessionForm.FindStringSubmatch(item); m != nil {
			e.handle = m[1]
		} else if !strings.Contains(item, `action="/auth/logout"`) {
			b.a.t.Errorf("a session without a button: %s", item)
		}
		list = append(list, e)
	}
	return list, page
}

// as makes the browser name itself in what it sends.
func (b *browser) as(userAgent string) *browser {
	next := b.client.Transport
	if next == nil {
		next = http.DefaultTransport
	}
	b.client.Transport = named{next, userAgent}
	return b
}

type named struct {
	next      http.RoundTripper
	userAgent string
}

func (n named) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("User-Agent", n.userAgent)
	return n.next.RoundTrip(r)
}

const (
	firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
	safari  = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1"
)

// twoDevices signs ada in on two browsers.
func twoDevices(a *app) (laptop, phone *browser) {
	laptop, phone = a.browser().as(firefox), a.browser().as(safari)
	laptop.signIn("/")
	phone.signIn("/")
	return laptop, phone
}

// TestSES20_TheAccountPageListsOnesOwnSessions, this one first, and nobody else's.
func TestSES20_TheAccountPageListsOnesOwnSessions(t *testing.T) {
	a := newApp(t)
	laptop, phone := twoDevices(a)
	grace := a.browser().as("curl/8.9")
	grace.finish(grace.authorizeAs(grace.begin("/"), "grace", true))
	for _, row := range []struct {
		b           *browser
		here, there string
	}{{laptop, "Firefox on Linux", "Safari on iPhone"}, {phone, "Safari on iPhone", "Firefox on Linux"}} {
		list, page := row.b.account()
		if len(list) != 2 || !list[0].current || list[1].current || list[0].device != row.here || list[1].device != row.there {
			t.Errorf("on %s the page lists %+v", row.here, list)
		}
		if list[0].handle != "" || len(list[1].handle) != 43 {
			t.Errorf("the handles are %+v", list)
		}
		for name, value := range row.b.cookies() {
			if strings.Contains(page.body, value) {
				t.Errorf("the value of the %s cookie is on the page", name)
			}
		}
		for _, want := range []string{"ada@example.com", "Sign out everywhere else", "Connected accounts", "Dev", "transactions.read"} {
			if !strings.Contains(page.body, want) {
				t.Errorf("the page lacks %q", want)
			}
		}
		if strings.Contains(page.body, "curl") || strings.Contains(page.body, "grace") {
			t.Error("another person's session is listed")
		}
	}
	// What the page calls a session is no key to it.
	list, _ := laptop.account()
	name, _ := sessionCookieOf(phone)
	thief := a.browser()
	thief.setRaw(name, list[1].handle)
	if thief.user() != "" {
		t.Error("a handle of the page is a cookie's value")
	}
}

// TestSES20_EndingOneSession refuses that browser at once, gives up its grant,
// and leaves this one alone.
func TestSES20_EndingOneSession(t *testing.T) {
	a := newApp(t, withSessionGrants)
	laptop, phone := twoDevices(a)
	list, _ := laptop.account()
	at := laptop.submit("/auth/account/end", url.Values{"session": {list[1].handle}})
	if at.StatusCode != http.StatusSeeOther || at.Header.Get("Location") != "/auth/account?did=ended" {
		t.Errorf("status %d to %q", at.StatusCode, at.Header.Get("Location"))
	}
	if phone.user() != "" || laptop.user() == "" {
		t.Errorf("signed in are: the other %v, this one %v", phone.user() != "", laptop.user() != "")
	}
	if at := phone.open("/"); at.StatusCode != http.StatusSeeOther {
		t.Errorf("the other browser gets %d", at.StatusCode)
	}
	if page := laptop.open(at.Header.Get("Location")); !strings.Contains(page.body, "That session is signed out.") {
		t.Errorf("the page does not say so: %s", text(page))
	}
	eventuallyTrue(t, "its grant is revoked", func() bool { return a.store.Len("grant") == 1 })
	at = laptop.submit("/auth/account/end", url.Values{"session": {list[1].handle}})
	if at.Header.Get("Location") != "/auth/account?did=nothing" {
		t.Errorf("a second time: %q", at.Header.Get("Location"))
	}
	if page := laptop.open(at.Header.Get("Location")); !strings.Contains(page.body, "That had already ended.") {
		t.Errorf("the page does not say so: %s", text(page))
	}
}

// eventuallyTrue waits for what happens beside the requests.
func eventuallyTrue(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: it did not happen in time", what)
		}
	}
}

// TestSES20_EndingAllOthers leaves this browser and everybody else signed in.
func TestSES20_EndingAllOthers(t *testing.T) {
	a := newApp(t)
	laptop, phone := twoDevices(a)
	third, grace := a.browser(), a.browser()
	third.signIn("/")
	grace.finish(grace.authorizeAs(grace.begin("/"), "grace", true))
	at := laptop.submit("/auth/account/end", url.Values{"others": {"1"}})
	if at.Header.Get("Location") != "/auth/account?did=ended-others" {
		t.Errorf("status %d to %q", at.StatusCode, at.Header.Get("Location"))
	}
	if phone.user() != "" || third.user() != "" || laptop.user() == "" || grace.user() == "" {
		t.Error("the wrong ones were ended")
	}
	list, page := laptop.account()
	if len(list) != 1 || strings.Contains(page.body, "everywhere else") {
		t.Errorf("the page lists %+v", list)
	}
	if at := laptop.submit("/auth/account/end", url.Values{"others": {"1"}}); at.Header.Get("Location") != "/auth/account?did=nothing" || laptop.user() == "" {
		t.Errorf("with no others: %q", at.Header.Get("Location"))
	}
}

// TestSES20_MoreThanThePageShows: it says so, still shows this browser, and can
// end all the others, those that it does not show too.
func TestSES20_MoreThanThePageShows(t *testing.T) {
	a := newDirectApp(t, newIDP(t), "https://app.example", func(c *wayleave.Config) { c.SessionsPerUser = -1 })
	for _, n := range []int{49, 1, 1100} {
		t.Run(fmt.Sprint(n, " more"), func(t *testing.T) {
			a.during(t)
			b := a.browser()
			b.signIn("/")
			a.addSessions(n, "ada")
			all := a.store.Len("session")
			list, page := b.account()
			if len(list) != min(all, 50) || !list[0].current || strings.Contains(page.body, "Only 50 of your sessions") != (all > 50) {
				t.Errorf("of %d sessions %d are listed, this browser first: %v", all, len(list), list[0].current)
			}
			if n < 1000 {
				return
			}
			b.submit("/auth/account/end", url.Values{"others": {"1"}})
			if left := a.store.Len("session"); left != 1 || b.user() == "" {
				t.Errorf("%d sessions are left; this one: %v", left, b.user() != "")
			}
		})
	}
}
