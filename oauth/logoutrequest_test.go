package oauth_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/wayleave/wayleave/oauth"
)

// logoutRequest is a good back-channel request, changed as asked.
func logoutRequest(body string, change ...func(*http.Request)) *http.Request {
	r := httptest.NewRequest("POST", "/auth/acme/backchannel-logout", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, c := range change {
		c(r)
	}
	return r
}

func contentType(v ...string) func(*http.Request) {
	return func(r *http.Request) { r.Header["Content-Type"] = v }
}

// unread fails the test if it is read to its end: a body without end.
type unread struct{ left int }

func (u *unread) Read(b []byte) (int, error) {
	if u.left -= len(b); u.left < 0 {
		return 0, errors.New("read far more than the limit")
	}
	for i := range b {
		b[i] = 'x'
	}
	return len(b), nil
}

func TestLGO07_A217_A218_LogoutRequestsThatAreRefused(t *testing.T) {
	const kB = 1 << 10
	query := func(raw string) func(*http.Request) { return func(r *http.Request) { r.URL.RawQuery = raw } }
	for name, tc := range map[string]struct {
		r      *http.Request
		text   string
		status int
	}{
		"A218 GET": {httptest.NewRequest("GET", "/x?logout_token=a.b.c", nil), "the logout request came with another method (expected POST, got GET)", 405},
		"A218 PUT": {logoutRequest("logout_token=a.b.c", func(r *http.Request) { r.Method = "PUT" }), "the logout request came with another method (expected POST, got PUT)", 405},
		"A218 in the query": {logoutRequest("", query("logout_token=a.b.c")),
			"the logout token came in the query, or the query is malformed (expected logout_token in the body, got something else)", 0},
		"A218 in the query too": {logoutRequest("logout_token=a.b.c", query("logout_token=d.e.f")),
			"the logout token came in the query, or the query is malformed (expected logout_token in the body, got something else)", 0},
		"A218 in a query that only others can read": {logoutRequest("logout_token=a.b.c", query("a=b;logout_token=d.e.f")),
			"the logout token came in the query, or the query is malformed (expected logout_token in the body, got something else)", 0},
		"A218 JSON body":     {logoutRequest(`{"logout_token":"a.b.c"}`, contentType("application/json")), "the logout request is no form (expected application/x-www-form-urlencoded, got application/json)", 0},
		"a multipart body":   {logoutRequest("logout_token=a.b.c", contentType("multipart/form-data; boundary=x")), "the logout request is no form (expected application/x-www-form-urlencoded, got multipart/form-data; boundary=x)", 0},
		"no content type":    {logoutRequest("logout_token=a.b.c", contentType()), "the logout request is no form (expected application/x-www-form-urlencoded, got nothing)", 0},
		"two content types":  {logoutRequest("logout_token=a.b.c", contentType("application/x-www-form-urlencoded", "text/plain")), "the logout request is no form (expected application/x-www-form-urlencoded, got application/x-www-form-urlencoded)", 0},
		"A218 duplicated":    {logoutRequest("logout_token=a.b.c&logout_token=a.b.c"), "the logout token came more than once (expected logout_token once, got several times)", 0},
		"A218 once empty":    {logoutRequest("logout_token=&logout_token=a.b.c"), "the logout token came more than once (expected logout_token once, got several times)", 0},
		"no token":           {logoutRequest("a=b"), "the logout request has no logout token (expected logout_token once, got nothing)", 0},
		"an empty token":     {logoutRequest("logout_token="), "the logout request has no logout token (expected logout_token once, got nothing)", 0},
		"an empty body":      {logoutRequest(""), "the logout request has no logout token (expected logout_token once, got nothing)", 0},
		"no body":            {logoutRequest("", func(r *http.Request) { r.Body = nil }), "the logout request has no logout token (expected logout_token once, got nothing)", 0},
		"another spelling":   {logoutRequest("Logout_Token=a.b.c"), "the logout request has no logout token (expected logout_token once, got nothing)", 0},
		"a malformed body":   {logoutRequest("logout_token=a.b.c&x=%"), "the logout request's form is malformed (expected form encoding, got something else)", 0},
		"semicolons":         {logoutRequest("a=b;logout_token=a.b.c"), "the logout request's form is malformed (expected form encoding, got something else)", 0},
		"hundreds of fields": {logoutRequest("logout_token=a.b.c" + strings.Repeat("&a", 201)), "the logout request's form is malformed (expected form encoding, got something else)", 0},
		"a body that breaks": {logoutRequest("", func(r *http.Request) {
			r.Body = io.NopCloser(io.MultiReader(strings.NewReader("logout_token=a"), broken{}))
		}), "the logout request could not be read: it broke", 0},
		"A217 one byte too many": {logoutRequest("logout_token=" + strings.Repeat("x", 64*kB+1-len("logout_token="))),
			"the logout request is too large (expected at most 64 kB, got more): http: request body too large", 413},
		"A217 a length that says so": {logoutRequest("", func(r *http.Request) { r.Body, r.ContentLength = io.NopCloser(broken{}), 64*kB+1 }),
			"the logout request is too large (expected at most 64 kB, got more): http: request body too large", 413},
		"A217 without a length and without end": {logoutRequest("", func(r *http.Request) { r.Body, r.ContentLength = io.NopCloser(&unread{256 * kB}), -1 }),
			"the logout request is too large (expected at most 64 kB, got more): http: request body too large", 413},
	} {
		t.Run(name, func(t *testing.T) {
			token, err := oauth.ReadLogoutRequest(tc.r)
			wantCheck(t, err, oauth.CheckLogoutRequest, oauth.FaultBrowser, "logout-request: "+tc.text)
			if token != "" {
				t.Error("a token came with the error")
			}
			var e *oauth.Error
			if asError(err, &e); e.Status != tc.status {
				t.Errorf("status %d, want %d", e.Status, tc.status)
			}
			if _, large := errors.AsType[*http.MaxBytesError](err); large != (tc.status == 413) {
				t.Errorf("%v", err)
			}
		})
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("it broke") }

func TestLGO07_LogoutRequestsThatAreRead(t *testing.T) {
	largest := strings.Repeat("x", 64<<10-len("logout_token="))
	for name, tc := range map[string]struct {
		r    *http.Request
		want string
	}{
		"the token alone":               {logoutRequest("logout_token=a.b.c"), "a.b.c"},
		"other parameters are ignored":  {logoutRequest("x=1&logout_token=a.b.c&x=2"), "a.b.c"},
		"a registered query":            {logoutRequest("logout_token=a.b.c", func(r *http.Request) { r.URL.RawQuery = "app=1" }), "a.b.c"},
		"a content type with a charset": {logoutRequest("logout_token=a.b.c", contentType("Application/X-WWW-Form-Urlencoded; charset=UTF-8")), "a.b.c"},
		"64 kB":                         {logoutRequest("logout_token=" + largest), largest},
		"A218 cookies and Authorization have no meaning": {logoutRequest("logout_token=a.b.c", func(r *http.Request) {
			r.Header.Set("Cookie", "session=somebody's")
			r.Header.Set("Authorization", "Bearer logout")
		}), "a.b.c"},
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := oauth.ReadLogoutRequest(tc.r); got != tc.want || err != nil {
				t.Errorf("%d bytes, %v", len(got), err)
			}
		})
	}
}

func FuzzReadLogoutRequest(f *testing.F) {
	f.Add("POST", "", "application/x-www-form-urlencoded", "logout_token=a.b.c")
	f.Add("POST", "logout_token=a", "application/x-www-form-urlencoded; charset=utf-8", "logout_token=a&logout_token=b")
	f.Add("GET", "a;b", "text/plain", "%")
	f.Fuzz(func(t *testing.T, method, query, content, body string) {
		r := logoutRequest(body, contentType(content), func(r *http.Request) { r.Method, r.URL.RawQuery = method, query })
		token, err := oauth.ReadLogoutRequest(r)
		if (token == "") == (err == nil) {
			t.Fatal("neither token nor error, or both")
		}
		if err != nil && oauth.CheckOf(err) != oauth.CheckLogoutRequest {
			t.Fatal(err)
		}
		if err == nil && (method != "POST" || len(token) > len(body) || strings.Count(body, "logout_token=") > 1 && !strings.Contains(body, "&")) {
			t.Fatalf("accepted %q", body)
		}
	})
}
