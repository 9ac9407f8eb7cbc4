package wayleave_test

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/wayleave/wayleave"
	"github.com/wayleave/wayleave/store"
	"github.com/wayleave/wayleave/store/storetest"
)

// TestSES12_WhoMayEndSessions: the owner, from our own page, and only their own.
func TestSES12_WhoMayEndSessions(t *testing.T) {
	a := newDirectApp(t, newIDP(t), "https://app.example")
	laptop, phone := twoDevices(a)
	mallory := a.browser()
	mallory.finish(mallory.authorizeAs(mallory.begin("/"), "grace", true))
	list, _ := laptop.account()
	one, others := url.Values{"session": {list[1].handle}}, url.Values{"others": {"1"}}
	connection := url.Values{"provider": {"dev"}}
	const end, disconnect = "/auth/account/end", "/auth/account/disconnect"
	for name, row := range map[string]struct {
		at     answer
		status int
	}{
		"A220 a form elsewhere":                {laptop.submit(end, others, "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"), 403},
		"A220 a form on a sibling site":        {laptop.submit(end, one, "Sec-Fetch-Site", "same-site", "Origin", "https://evil.app.example"), 403},
		"A220 an old browser elsewhere":        {laptop.submit(end, others, "Sec-Fetch-Site", "", "Origin", "https://evil.example"), 403},
		"A220 a sandboxed frame":               {laptop.submit(end, others, "Sec-Fetch-Site", "", "Origin", "null"), 403},
		"A220 disconnecting, elsewhere":        {laptop.submit(disconnect, connection, "Sec-Fetch-Site", "cross-site"), 403},
		"A220 disconnecting, on a sibling":     {laptop.submit(disconnect, connection, "Sec-Fetch-Site", "same-site"), 403},
		"A220 by GET":                          {laptop.open(end + "?others=1"), 405},
		"A220 disconnecting by GET":            {laptop.open(disconnect + "?provider=dev"), 405},
		"the right form, in the query instead": {laptop.submit(end+"?"+one.Encode(), nil), 303},
		"all others, in the query":             {laptop.submit(end+"?others=1", nil), 303},
		"nothing at all":                       {laptop.submit(end, nil), 303},
		"an empty handle":                      {laptop.submit(end, url.Values{"session": {""}}), 303},
		"half of a handle":                     {laptop.submit(end, url.Values{"session": {list[1].handle[:20]}}), 303},
		"a handle that is no handle":           {laptop.submit(end, url.Values{"session": {"../../" + list[1].handle}}), 303},
		"others, but not 1":                    {laptop.submit(end, url.Values{"others": {"true"}}), 303},
		"disconnecting what is not there":      {laptop.submit(disconnect, url.Values{"provider": {"other"}}), 303},
		"disconnecting nothing":                {laptop.submit(disconnect, nil), 303},
		"somebody else, with the handle":       {mallory.submit(end, one), 303},
		"nobody, with the handle":              {a.browser().submit(end, one), 403},
		"nobody, all others":                   {a.browser().submit(end, others), 403},
		"nobody, disconnecting":                {a.browser().submit(disconnect, connection), 403},
		"a form of 20 kB":                      {laptop.submit(end, url.Values{"others": {"1"}, "x": {strings.Repeat("y", 20<<10)}}), 400},
		"a form that cannot be read":           {laptop.submit(end+"?x=%zz", others), 400},
	} {
		if row.at.StatusCode != row.status {
			t.Errorf("%s: status %d to %q, want %d", name, row.at.StatusCode, row.at.Header.Get("Location"), row.status)
		}
		if strings.Contains(row.at.Header.Get("Location"), "did=ended") {
			t.Errorf("%s: it says that something has ended", name)
		}
		checkHeaders(t, row.at)
	}
	if laptop.user() == "" || phone.user() == "" || mallory.user() == "" {
		t.Error("a session has ended")
	}
	if list, err := a.auth.Connections(t.Context(), userIDOf(laptop)); err != nil || len(list) != 1 {
		t.Errorf("the connections are %v, %v", list, err)
	}
	if at := a.browser().open("/auth/account"); at.StatusCode != http.StatusSeeOther || at.Header.Get("Location") != "/auth/" {
		t.Errorf("the page, for nobody: %d to %q", at.StatusCode, at.Header.Get("Location"))
	}
}

// TestA223_TheAccountPageSaysOnlyOurOwnWords about what was done.
func TestA223_TheAccountPageSaysOnlyOurOwnWords(t *testing.T) {
	a := newApp(t)
	b := a.browser()
	b.signIn("/")
	_, plain := b.account()
	for _, query := range []string{"?did=x", "?did=%3Cscript%3E", "?did=disconnected&provider=%3Cb%3Eevil", "?did=disconnected", "?did=", "?session=x&others=1"} {
		if at := b.open("/auth/account" + query); at.body != plain.body {
			t.Errorf("%s: the page differs: %s", query, text(at))
		}
	}
	if at := b.open("/auth/account?did=disconnected&provider=dev"); !strings.Contains(at.body, "Dev is disconnected.") {
		t.Errorf("the page does not say what was done: %s", text(at))
	}
}

// TestA223_AHostileUserAgentNeverReachesThePage: the words for a device are ours.
func TestA223_AHostileUserAgentNeverReachesThePage(t *testing.T) {
	a := newDirectApp(t, newIDP(t), "http://localhost:8000", func(c *wayleave.Config) { c.SessionsPerUser = -1 })
	for _, userAgent := range []string{
		`<script>alert("hostile1")</script>`, `Firefox/140 <img src=x onerror=hostile2> Linux`, "Firefox/140.0 \u202ehostile3", `"><b>hostile4`, "hostile5 " + strings.Repeat("x", 8000), "",
	} {
		b := a.browser().as(userAgent)
		b.signIn("/")
		list, page := b.account()
		if strings.Contains(page.body, "hostile") || strings.Contains(page.body, "<script") || strings.Contains(page.body, "\u202e") {
			t.Errorf("%.40q is on the page as %q", userAgent, list[0].device)
		}
		if list[0].device == "" {
			t.Errorf("%.40q is called nothing", userAgent)
		}
	}
}

// TestSES16_TheAccountPageWhileTheStoreIsDown says neither that there are no
// sessions nor that they have ended.
func TestSES16_TheAccountPageWhileTheStoreIsDown(t *testing.T) {
	var s *storetest.Faulty
	a := newApp(t, faulty(&s))
	laptop, phone := twoDevices(a)
	list, _ := laptop.account()
	for _, row := range []struct {
		op   storetest.Op
		what func() answer
	}{
		{storetest.Get, func() answer { return laptop.open("/auth/account") }},
		{storetest.Lookup, func() answer { return laptop.open("/auth/account") }},
		{storetest.Lookup, func() answer { return laptop.submit("/auth/account/end", url.Values{"others": {"1"}}) }},
		{storetest.Delete, func() answer { return laptop.submit("/auth/account/end", url.Values{"session": {list[1].handle}}) }},
		{storetest.Replace, func() answer { return laptop.submit("/auth/account/disconnect", url.Values{"provider": {"dev"}}) }},
	} {
		s.Fail(errDown, row.op)
		check503(t, row.op.String(), row.what())
		s.Heal()
	}
	if laptop.user() == "" || phone.user() == "" {
		t.Error("a session has ended all the same")
	}
}

// TestLGO01_HangingUpWhileEndingOthers: what a person asked for is done, whether
// or not they wait for the answer.
func TestLGO01_HangingUpWhileEndingOthers(t *testing.T) {
	hangUp := func() {}
	a := newDirectApp(t, newIDP(t), "http://localhost:8000", func(c *wayleave.Config) { c.Store = &deletions{c.Store, func() { hangUp() }} })
	laptop, phone := twoDevices(a)
	third := a.browser()
	third.signIn("/")
	ctx, cancel := context.WithCancel(t.Context())
	hangUp = cancel
	r := laptop.request("POST", "/auth/account/end", "Sec-Fetch-Site", "same-origin", "Content-Type", formType).WithContext(ctx)
	r.Body = io.NopCloser(strings.NewReader("others=1"))
	if _, err := laptop.client.Do(r); err == nil {
		t.Fatal("the browser that hung up got an answer")
	}
	if phone.user() != "" || third.user() != "" || laptop.user() == "" {
		t.Errorf("signed in are: two others %v, %v, this one %v", phone.user() != "", third.user() != "", laptop.user() != "")
	}
}

// deletions does something before each deletion.
type deletions struct {
	store.Store
	before func()
}

func (s *deletions) Delete(ctx context.Context, table store.Table, key store.Key) error {
	s.before()
	return s.Store.Delete(ctx, table, key)
}
