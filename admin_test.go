package wayleave_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wayleave/wayleave"
	"github.com/wayleave/wayleave/provider"
	"github.com/wayleave/wayleave/store"
)

// admin asks the handler for operators.
func (a *app) admin(method, target string, form url.Values, headers ...string) answer {
	a.t.Helper()
	r := httptest.NewRequest(method, target, strings.NewReader(form.Encode()))
	if form != nil {
		r.Header.Set("Content-Type", formType)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	a.auth.AdminHandler().ServeHTTP(w, r)
	return answer{w.Result(), w.Body.String()}
}

// adminLine is a line of the list: a session, or the end.
type adminLine struct {
	ID, User, Email, Name, Provider, Device string
	SignedInAt                              time.Time `json:"signed_in_at"`
	LastSeenAt                              time.Time `json:"last_seen_at"`
	ExpiresAt                               time.Time `json:"expires_at"`
	End                                     bool
	Count                                   int
}

// listed returns the sessions of a whole list; whole is false if its end is missing.
func listed(t *testing.T, at answer) (list []adminLine, whole bool) {
	t.Helper()
	if at.StatusCode != http.StatusOK || at.Header.Get("Content-Type") != "application/x-ndjson" {
		t.Fatalf("status %d, content type %q: %s", at.StatusCode, at.Header.Get("Content-Type"), at.body)
	}
	for line := range strings.Lines(at.body) {
		var l adminLine
		if err := json.Unmarshal([]byte(line), &l); err != nil || whole {
			t.Fatalf("line %q, after the end: %v, %v", line, whole, err)
		}
		if l.End {
			if whole = true; l.Count != len(list) {
				t.Errorf("%d sessions are announced, %d listed", l.Count, len(list))
			}
			continue
		}
		list = append(list, l)
	}
	return list, whole
}

// checkAdminRefused: the error is named, and says what to do.
func checkAdminRefused(t *testing.T, at answer, status int, code string) {
	t.Helper()
	var said struct{ Error, Message string }
	if err := json.Unmarshal([]byte(at.body), &said); err != nil || at.StatusCode != status || said.Error != code || said.Message == "" {
		t.Errorf("status %d: %s; want %d, %s", at.StatusCode, at.body, status, code)
	}
}

// TestSES20_OperatorsListAndEndSessions by each of what can be said of one, and
// by several at once, all of which must fit.
func TestSES20_OperatorsListAndEndSessions(t *testing.T) {
	for name, row := range map[string]struct {
		query func(ids map[string]string) url.Values
		means string // of ada1, ada2, grace
	}{
		"nothing":       {func(map[string]string) url.Values { return nil }, "ada1 ada2 grace"},
		"user":          {func(ids map[string]string) url.Values { return url.Values{"user": {ids["ada's user"]}} }, "ada1 ada2"},
		"email":         {func(map[string]string) url.Values { return url.Values{"email": {"grace@example.com"}} }, "grace"},
		"provider":      {func(map[string]string) url.Values { return url.Values{"provider": {"dev"}} }, "ada1 ada2 grace"},
		"no provider":   {func(map[string]string) url.Values { return url.Values{"provider": {"other"}} }, ""},
		"id":            {func(ids map[string]string) url.Values { return url.Values{"id": {ids["ada2"]}} }, "ada2"},
		"no id":         {func(map[string]string) url.Values { return url.Values{"id": {"x"}} }, ""},
		"older":         {func(map[string]string) url.Values { return url.Values{"older": {"25m"}} }, "ada1 ada2"},
		"older, 35m":    {func(map[string]string) url.Values { return url.Values{"older": {"35m"}} }, "ada1"},
		"idle":          {func(map[string]string) url.Values { return url.Values{"idle": {"25m"}} }, "ada2"},
		"user and idle": {func(ids map[string]string) url.Values { return url.Values{"user": {ids["ada's user"]}, "idle": {"5m"}} }, "ada1 ada2"},
		"none fits all": {func(ids map[string]string) url.Values {
			return url.Values{"user": {ids["ada's user"]}, "email": {"grace@example.com"}}
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(a *timed) {
				people := map[string]*browser{"ada1": a.browser().as(firefox), "ada2": a.browser().as(safari), "grace": a.browser()}
				ids := map[string]string{}
				for _, who := range []string{"ada1", "ada2", "grace"} {
					b := people[who]
					b.finish(b.authorizeAs(b.begin("/"), strings.TrimRight(who, "12"), true))
					list, _ := listed(t, a.admin("GET", "/sessions", nil))
					for _, l := range list {
						if whose(ids, []adminLine{l}) == "" {
							ids[who] = l.ID
						}
					}
					a.sleep(10 * time.Minute)
				}
				people["ada1"].user() // seen after 30 minutes
				ids["ada's user"] = userIDOf(people["ada1"])
				a.sleep(9 * time.Minute)

				query := row.query(ids)
				list, whole := listed(t, a.admin("GET", "/sessions?"+query.Encode(), nil))
				if got := whose(ids, list); got != row.means || !whole {
					t.Errorf("listed are %q, want %q; whole: %v", got, row.means, whole)
				}
				if query == nil {
					query = url.Values{"all": {"true"}}
				}
				at := a.admin("POST", "/sessions/end", query)
				if want := fmt.Sprintf("{\"ended\":%d}\n", len(strings.Fields(row.means))); at.StatusCode != http.StatusOK || at.body != want {
					t.Errorf("status %d: %s, want %s", at.StatusCode, at.body, want)
				}
				for who, b := range people {
					if meant := strings.Contains(row.means, who); (b.user() == "") != meant {
						t.Errorf("%s is signed in: %v", who, b.user() != "")
					}
				}
			})
		})
	}
}

// whose is whose sessions are listed, sorted.
func whose(ids map[string]string, list []adminLine) string {
	var who []string
	for name, id := range ids {
		if slices.ContainsFunc(list, func(l adminLine) bool { return l.ID == id }) {
			who = append(who, name)
		}
	}
	slices.Sort(who)
	return strings.Join(who, " ")
}

// TestSES20_WhatOperatorsSee of a session: nothing that lets anybody in.
func TestSES20_WhatOperatorsSee(t *testing.T) {
	inTime(t, func(a *timed) {
		b := a.browser().as(firefox)
		b.signIn("/")
		at := a.admin("GET", "/sessions", nil)
		list, whole := listed(t, at)
		now := time.Now().UTC()
		want := adminLine{ID: list[0].ID, User: userIDOf(b), Email: "ada@example.com", Name: "Ada Marsh", Provider: "dev", Device: "Firefox on Linux",
			SignedInAt: now, LastSeenAt: now, ExpiresAt: now.Add(12 * time.Hour)}
		if len(list) != 1 || !whole || list[0] != want {
			t.Errorf("got  %+v\nwant %+v", list, want)
		}
		for name, value := range b.cookies() {
			if strings.Contains(at.body, value) {
				t.Errorf("the value of the %s cookie is listed", name)
			}
		}
	})
}

// checkKeys: how many records each key seals, the first one being active.
func checkKeys(t *testing.T, a *app, records ...int) {
	t.Helper()
	var said struct {
		Keys []struct {
			ID      string
			Active  bool
			Records int
		}
		Resealing struct {
			Running    bool
			Done, Left int
		}
	}
	at := a.admin("GET", "/keys", nil)
	if err := json.Unmarshal([]byte(at.body), &said); err != nil || at.StatusCode != http.StatusOK || len(said.Keys) != len(records) {
		t.Fatalf("status %d: %s, %v", at.StatusCode, at.body, err)
	}
	left := 0
	for i, key := range said.Keys {
		if key.Active != (i == 0) || key.Records != records[i] || key.ID == "" {
			t.Errorf("key %d: %+v, want %d records", i, key, records[i])
		}
		if i > 0 {
			left += records[i]
		}
	}
	if said.Resealing.Left != left || said.Resealing.Running {
		t.Errorf("re-sealing: %+v", said.Resealing)
	}
}

// TestSES20_OperatorsAndAUserWithManySessions, more than are looked up in one go.
func TestSES20_OperatorsAndAUserWithManySessions(t *testing.T) {
	a := newDirectApp(t, newIDP(t), "https://app.example")
	a.addSessions(1100, "ada")
	a.addSessions(5, "grace")
	query := url.Values{"user": {provider.IDOf(a.idp.Issuer(), "ada")}}
	if list, whole := listed(t, a.admin("GET", "/sessions?"+query.Encode(), nil)); len(list) != 1100 || !whole {
		t.Errorf("%d sessions, whole: %v", len(list), whole)
	}
	if at := a.admin("POST", "/sessions/end", query); at.body != "{\"ended\":1100}\n" || a.store.Len("session") != 5 {
		t.Errorf("status %d: %s; %d are left", at.StatusCode, at.body, a.store.Len("session"))
	}
}

// repeating returns each key of a page twice, as a store may while it changes.
type repeating struct{ store.Store }

func (s repeating) Scan(ctx context.Context, table store.Table, cursor string, limit int) (keys []store.Key, next string, err error) {
	keys, next, err = s.Store.Scan(ctx, table, cursor, limit)
	return append(keys, keys...), next, err
}

// TestSES20_ASessionThatThePagesRepeat is listed, ended and counted once.
func TestSES20_ASessionThatThePagesRepeat(t *testing.T) {
	a := newApp(t, func(c *wayleave.Config) { c.Store = repeating{c.Store} })
	a.browser().signIn("/")
	a.browser().signIn("/")
	if list, whole := listed(t, a.admin("GET", "/sessions", nil)); len(list) != 2 || !whole {
		t.Errorf("%d sessions are listed, whole: %v", len(list), whole)
	}
	if at := a.admin("POST", "/sessions/end", url.Values{"all": {"true"}}); at.body != "{\"ended\":2}\n" || a.store.Len("session") != 0 {
		t.Errorf("status %d: %s; %d are left", at.StatusCode, at.body, a.store.Len("session"))
	}
}
