package wayleave_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wayleave/wayleave"
	"github.com/wayleave/wayleave/devidp"
	"github.com/wayleave/wayleave/session"
)

var person = []string{"Accept", "text/html", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}

func asked(method, path string, header ...string) *http.Request {
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return r
}

func TestPOL11_LoginURL(t *testing.T) {
	one := newDirectApp(t, newIDP(t), "https://app.example")
	two := newDirectApp(t, newIDP(t), "https://app.example", func(c *wayleave.Config) {
		other := c.Providers[0]
		other.Name = "other"
		c.Providers = append(c.Providers, other)
	})
	for _, tc := range []struct {
		a    *app
		ask  wayleave.Ask
		want string
	}{
		{one, wayleave.Ask{}, "/auth/dev/login"},
		{one, wayleave.Ask{ReturnTo: "/a?b=c"}, "/auth/dev/login?return_to=%2Fa%3Fb%3Dc"},
		{one, wayleave.Ask{MaxAge: 15 * time.Minute}, "/auth/dev/login?max_age=900"},
		{one, wayleave.Ask{MaxAge: time.Second}, "/auth/dev/login?max_age=10"},
		{one, wayleave.Ask{Provider: "gone"}, "/auth/dev/login"},
		{two, wayleave.Ask{}, "/auth/"},
		{two, wayleave.Ask{MaxAge: time.Hour}, "/auth/"},
		{two, wayleave.Ask{Provider: "other", MaxAge: time.Hour}, "/auth/other/login?max_age=3600"},
		{two, wayleave.Ask{Provider: "gone"}, "/auth/"},
	} {
		if got := tc.a.auth.LoginURL(tc.ask); got != "https://app.example"+tc.want {
			t.Errorf("%+v: %s, want %s", tc.ask, got, tc.want)
		}
	}
}

func TestPRX18_SendToLogin(t *testing.T) {
	a := newDirectApp(t, newIDP(t), "https://app.example")
	for name, tc := range map[string]struct {
		r    *http.Request
		ask  wayleave.Ask
		want string // the redirect, or empty: 401
	}{
		"a page":                 {asked("GET", "/x?y=z", person...), wayleave.Ask{}, "/auth/dev/login?return_to=%2Fx%3Fy%3Dz"},
		"a page behind a proxy":  {asked("GET", "/auth/verify", person...), wayleave.Ask{ReturnTo: "/real"}, "/auth/dev/login?return_to=%2Freal"},
		"a page that is too old": {asked("GET", "/x", person...), wayleave.Ask{MaxAge: time.Minute}, "/auth/dev/login?max_age=60&return_to=%2Fx"},
		"a page of an API":       {asked("GET", "/x", person...), wayleave.Ask{API: true}, ""},
		"a script":               {asked("GET", "/x", "Sec-Fetch-Mode", "cors"), wayleave.Ask{}, ""},
		"a form":                 {asked("POST", "/x", person...), wayleave.Ask{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := httptest.NewRecorder()
			a.auth.SendToLogin(w, tc.r, tc.ask)
			if w.Header().Get("Cache-Control") != "no-store" || w.Header().Get("Vary") != "Cookie" {
				t.Errorf("header %v", w.Header())
			}
			if tc.want != "" {
				if w.Code != 303 || w.Header().Get("Location") != tc.want {
					t.Errorf("%d to %s, want %s", w.Code, w.Header().Get("Location"), tc.want)
				}
				return
			}
			var got map[string]string
			if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != 401 || got["error"] != "login_required" || got["login_url"] != "https://app.example/auth/dev/login" {
				t.Errorf("%d %v, %v", w.Code, got, err)
			}
		})
	}
}

func TestPOL07_Forbid(t *testing.T) {
	a := newDirectApp(t, newIDP(t), "https://app.example")
	s := &session.Session{User: session.User{ID: "u1", Name: "Ada <b>", Provider: "dev"}}
	w := httptest.NewRecorder()
	a.auth.Forbid(w, asked("GET", "/admin?x=1", person...), s, wayleave.Ask{}, "needs the group secret-admins")
	body := w.Body.String()
	if w.Code != 403 || w.Header().Get("Cache-Control") != "no-store" || !strings.Contains(body, "Ada &lt;b&gt;") || !strings.Contains(body, url.QueryEscape("/admin?x=1")) || !strings.Contains(body, "select_account") {
		t.Errorf("%d %v\n%s", w.Code, w.Header(), body)
	}
	if strings.Contains(body, "secret-admins") {
		t.Error("the page names the rule")
	}
	for name, ask := range map[string]wayleave.Ask{"an API": {API: true}, "a script": {}} {
		header := person
		if name == "a script" {
			header = nil
		}
		w := httptest.NewRecorder()
		a.auth.Forbid(w, asked("GET", "/admin", header...), s, ask, "")
		var got map[string]string
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != 403 || got["error"] != "forbidden" || len(got["reference"]) != 10 {
			t.Errorf("%s: %d %v, %v", name, w.Code, got, err)
		}
	}
}

// TestPOL06_SessionClaims: rules are held against what the provider said, where
// it is a text or a list of texts; the session of the next request has it.
func TestPOL06_SessionClaims(t *testing.T) {
	var got *session.Session
	idp := newIDP(t)
	a := newDirectApp(t, idp, "https://app.example", func(c *wayleave.Config) {
		c.SessionClaims = []string{"groups", "userinfo.groups", "id_token.roles", "email_verified", "userinfo.name", "token.scope", "nothing", "userinfo", "groups.0"}
	})
	mux := http.NewServeMux()
	mux.Handle("/auth/", a.auth)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		var err error
		if got, err = a.auth.Session(w, r); err != nil || got == nil {
			a.auth.SendToLogin(w, r, wayleave.Ask{})
		}
	})
	h := http.Handler(mux)
	a.handler.Store(&h)
	b := a.browser()
	b.finish(b.authorizeAs(b.begin("/x"), "grace", true))
	if got == nil {
		t.Fatal("nobody is signed in")
	}
	want := map[string][]string{"groups": {"staff", "admins"}, "userinfo.groups": {"staff", "admins"}, "id_token.roles": {"editor"},
		"email_verified": {"true"}, "userinfo.name": {"Grace Okoye"}, "token.scope": {"openid email profile transactions.read offline_access"}, "groups.0": {"staff"}}
	if !reflect.DeepEqual(got.Claims, want) {
		t.Errorf("%q, want %q", got.Claims, want)
	}
	if !slices.Contains(got.Scopes, "transactions.read") || !slices.Contains(got.Scopes, "openid") {
		t.Errorf("scopes %q", got.Scopes)
	}
}

// TestA127_TooManyGroups: a person who is in more groups than fit is not let in
// with some of them, and hears of it.
func TestA127_TooManyGroups(t *testing.T) {
	var many []string
	for i := range 700 {
		many = append(many, fmt.Sprintf("group-%020d", i))
	}
	idp := newIDP(t, func(o *devidp.Options) { o.People = []devidp.Person{{Subject: "ada", Name: "Ada", Groups: many}} })
	for name, tc := range map[string]struct {
		keep   []string
		status int
	}{"kept": {[]string{"groups"}, 502}, "not kept": {nil, 303}} {
		a := newDirectApp(t, idp, "https://app.example", func(c *wayleave.Config) { c.SessionClaims = tc.keep })
		b := a.browser()
		if at := b.open(b.authorize(b.begin("/x"), true)); at.StatusCode != tc.status {
			t.Errorf("%s: %d, want %d", name, at.StatusCode, tc.status)
		}
	}
}
