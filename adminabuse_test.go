package wayleave_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/wayleave/wayleave"
	"github.com/wayleave/wayleave/store/storetest"
)

// TestSES20_NobodyIsEndedByAccident: a request that does not say whom it means,
// or says what is not understood, ends nobody.
func TestSES20_NobodyIsEndedByAccident(t *testing.T) {
	a := newApp(t)
	b := a.browser()
	b.signIn("/")
	for name, row := range map[string]struct {
		method, target string
		form           url.Values
		status         int
		code           string
	}{
		"nothing selected":        {"POST", "/sessions/end", url.Values{}, 400, "nothing_selected"},
		"all, but not true":       {"POST", "/sessions/end", url.Values{"all": {"1"}}, 400, "nothing_selected"},
		"all, in the query":       {"POST", "/sessions/end?all=true", url.Values{}, 400, "nothing_selected"},
		"an unknown parameter":    {"POST", "/sessions/end", url.Values{"usr": {"x"}, "provider": {"dev"}}, 400, "invalid_request"},
		"an unknown one and all":  {"POST", "/sessions/end", url.Values{"usr": {"x"}, "all": {"true"}}, 400, "invalid_request"},
		"no duration":             {"POST", "/sessions/end", url.Values{"older": {"yesterday"}}, 400, "invalid_request"},
		"a negative duration":     {"POST", "/sessions/end", url.Values{"older": {"-1h"}}, 400, "invalid_request"},
		"an empty user":           {"POST", "/sessions/end", url.Values{"user": {""}, "provider": {"dev"}}, 400, "invalid_request"},
		"two users":               {"POST", "/sessions/end", url.Values{"user": {userIDOf(b), "x"}}, 400, "invalid_request"},
		"a form of 20 kB":         {"POST", "/sessions/end", url.Values{"provider": {"dev"}, "user": {strings.Repeat("x", 20<<10)}}, 400, "invalid_request"},
		"a list of an unknown":    {"GET", "/sessions?usr=x", nil, 400, "invalid_request"},
		"a list of no duration":   {"GET", "/sessions?idle=soon", nil, 400, "invalid_request"},
		"a list of an empty user": {"GET", "/sessions?user=", nil, 400, "invalid_request"},
	} {
		t.Run(name, func(t *testing.T) {
			checkAdminRefused(t, a.admin(row.method, row.target, row.form), row.status, row.code)
			if b.user() == "" {
				t.Error("somebody was signed out")
			}
		})
	}
	for _, target := range []string{"GET /sessions/end", "POST /sessions", "DELETE /sessions", "POST /keys", "GET /", "GET /auth/session"} {
		method, path, _ := strings.Cut(target, " ")
		if at := a.admin(method, path, nil); at.StatusCode != http.StatusMethodNotAllowed && at.StatusCode != http.StatusNotFound {
			t.Errorf("%s: status %d", target, at.StatusCode)
		}
	}
}

// TestSES20_OperatorsAreNoBrowsers: a page that reaches the socket through some
// proxy gets nothing.
func TestSES20_OperatorsAreNoBrowsers(t *testing.T) {
	a := newApp(t)
	b := a.browser()
	b.signIn("/")
	for _, headers := range [][]string{
		{"Sec-Fetch-Site", "same-origin"}, {"Sec-Fetch-Site", "none"}, {"Sec-Fetch-Site", "cross-site"}, {"Origin", "null"}, {"Origin", a.base},
	} {
		checkAdminRefused(t, a.admin("GET", "/sessions", nil, headers...), 403, "not_for_browsers")
		checkAdminRefused(t, a.admin("POST", "/sessions/end", url.Values{"all": {"true"}}, headers...), 403, "not_for_browsers")
		checkAdminRefused(t, a.admin("GET", "/keys", nil, headers...), 403, "not_for_browsers")
	}
	if b.user() == "" {
		t.Error("somebody was signed out")
	}
	for _, path := range []string{"/sessions", "/auth/sessions", "/auth/keys", "/auth/admin"} {
		if at := a.ask("GET", path); at.StatusCode != http.StatusNotFound {
			t.Errorf("%s, on the app's own port: status %d", path, at.StatusCode)
		}
	}
}

// TestSES16_AListThatIsCutOff has no end, so that nobody takes it for whole.
func TestSES16_AListThatIsCutOff(t *testing.T) {
	var s *storetest.Faulty
	a := newDirectApp(t, newIDP(t), "https://app.example", faulty(&s), func(c *wayleave.Config) { c.SessionsPerUser = -1 })
	a.addSessions(1200, "ada")
	if list, whole := listed(t, a.admin("GET", "/sessions", nil)); len(list) != 1200 || !whole {
		t.Errorf("%d sessions, whole: %v", len(list), whole)
	}
	s.Fail(errDown)
	checkAdminRefused(t, a.admin("GET", "/sessions", nil), 503, "store_unavailable")
	checkAdminRefused(t, a.admin("POST", "/sessions/end", url.Values{"all": {"true"}}), 503, "store_unavailable")
	checkAdminRefused(t, a.admin("GET", "/keys", nil), 503, "store_unavailable")
	s.Heal()
	breaking := &breaksAfter{ResponseRecorder: httptest.NewRecorder(), lines: 100, then: func() { s.Fail(errDown) }}
	a.auth.AdminHandler().ServeHTTP(breaking, httptest.NewRequest("GET", "/sessions", nil))
	s.Heal()
	if list, whole := listed(t, answer{breaking.Result(), breaking.Body.String()}); whole || len(list) < 100 || len(list) >= 1200 {
		t.Errorf("%d sessions, whole: %v", len(list), whole)
	}
	checkKeys(t, a, 1201) // and the index of the store
	at := a.admin("POST", "/sessions/end", url.Values{"all": {"true"}})
	if at.body != "{\"ended\":1200}\n" || a.store.Len("session") != 0 {
		t.Errorf("status %d: %s; %d are left", at.StatusCode, at.body, a.store.Len("session"))
	}
}

// breaksAfter does something after so many lines.
type breaksAfter struct {
	*httptest.ResponseRecorder
	lines int
	then  func()
}

func (w *breaksAfter) Write(p []byte) (int, error) {
	if w.lines--; w.lines == 0 {
		w.then()
	}
	return w.ResponseRecorder.Write(p)
}
