package session_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wayleave/wayleave/internal/seal"
	"github.com/wayleave/wayleave/session"
	"github.com/wayleave/wayleave/store/memory"
)

// at is a login of somebody at a provider.
func at(user, issuer, sid, subject string) session.Session {
	return session.Session{User: session.User{ID: user, Provider: "acme", Subject: subject}, ProviderIssuer: issuer, ProviderSession: sid, ProviderSubject: subject}
}

func names(list []*session.Session) []string {
	var out []string
	for _, s := range list {
		out = append(out, s.User.ID+" "+s.ProviderSession)
	}
	slices.Sort(out)
	return out
}

func TestSES17_SessionsAreFoundByWhomTheyBelongTo(t *testing.T) {
	b := newBench(t)
	const one, two = "https://one.example", "https://two.example"
	for _, s := range []session.Session{at("ada", one, "s1", "a"), at("ada", one, "s2", "a"), at("bob", one, "s3", "b"), at("eve", two, "s1", "a"), at("joe", "", "", "")} {
		b.create(s)
	}
	for name, tc := range map[string]struct {
		find func() ([]*session.Session, bool, error)
		want []string
	}{
		"a user":                  {func() ([]*session.Session, bool, error) { return b.OfUser(t.Context(), "ada") }, []string{"ada s1", "ada s2"}},
		"nobody":                  {func() ([]*session.Session, bool, error) { return b.OfUser(t.Context(), "nobody") }, nil},
		"a sid":                   {func() ([]*session.Session, bool, error) { return b.OfProvider(t.Context(), "acme", one, "s1", "") }, []string{"ada s1"}},
		"a sid and a subject":     {func() ([]*session.Session, bool, error) { return b.OfProvider(t.Context(), "acme", one, "s1", "a") }, []string{"ada s1"}},
		"a subject":               {func() ([]*session.Session, bool, error) { return b.OfProvider(t.Context(), "acme", one, "", "a") }, []string{"ada s1", "ada s2"}},
		"A216 of another issuer":  {func() ([]*session.Session, bool, error) { return b.OfProvider(t.Context(), "acme", two, "", "a") }, []string{"eve s1"}},
		"A216 at another entry":   {func() ([]*session.Session, bool, error) { return b.OfProvider(t.Context(), "other", one, "", "a") }, nil},
		"a sid that is a subject": {func() ([]*session.Session, bool, error) { return b.OfProvider(t.Context(), "acme", one, "a", "") }, nil},
		"what has no names":       {func() ([]*session.Session, bool, error) { return b.OfProvider(t.Context(), "acme", "", "", "") }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			list, more, err := tc.find()
			if err != nil || more || !slices.Equal(names(list), tc.want) {
				t.Errorf("%q, more %v, %v; want %q", names(list), more, err, tc.want)
			}
		})
	}
}

func TestSES17_EndingOneSessionLeavesTheOthersFindable(t *testing.T) {
	b := newBench(t)
	_, first := b.create(at("ada", "https://one.example", "s1", "a"))
	id, _ := b.create(at("ada", "https://one.example", "s1", "a"))
	if err := b.End(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	list, _, err := b.OfProvider(t.Context(), "acme", "https://one.example", "s1", "")
	if err != nil || len(list) != 1 || list[0].Key() == first.Key() {
		t.Errorf("%v, %v", list, err)
	}
	wantAlive(t, b.Manager, id, "a")
}

// A session stays findable while it is used, which writes its record anew.
func TestSES17_AUsedSessionStaysFindable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		id, _ := b.create(at("ada", "https://one.example", "s1", "a"))
		for range 10 {
			time.Sleep(life.Idle / 2)
			wantAlive(t, b.replica(), id, "a")
		}
		if list, _, err := b.OfUser(t.Context(), "ada"); err != nil || len(list) != 1 {
			t.Errorf("%v, %v", list, err)
		}
	})
}

func TestSES20_TheOldestSessionEndsWhenThereAreTooMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		m := managerFor(b.store, b.ring, session.Lifetimes{Idle: time.Hour, Absolute: time.Hour, PerUser: 3})
		other, _, _, err := m.Create(t.Context(), at("bob", "", "", "b"))
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for i := range 5 {
			time.Sleep(time.Minute)
			s := at("ada", "", "", "a")
			s.Login = fmt.Sprint(i)
			id, _, ended, err := m.Create(t.Context(), s)
			if err != nil {
				t.Fatal(err)
			}
			want := max(0, i-2) - max(0, i-3)
			if len(ended) != want || want == 1 && ended[0].Login != fmt.Sprint(i-3) {
				t.Errorf("login %d ended %v", i, ended)
			}
			ids = append(ids, id)
		}
		for i, id := range ids {
			if i < 2 {
				wantNone(t, m, id)
			} else {
				wantAlive(t, m, id, "a")
			}
		}
		wantAlive(t, m, other, "b")
	})
}

func TestAllSessionsAreListedPageByPage(t *testing.T) {
	s := memory.New(memory.Options{})
	defer s.Close()
	m := manager(s, seal.NewRandomRing())
	for i := range 1234 {
		if _, _, _, err := m.Create(t.Context(), at(fmt.Sprint(i), "", "", "")); err != nil {
			t.Fatal(err)
		}
	}
	seen := map[string]bool{}
	for cursor, first := "", true; first || cursor != ""; first = false {
		list, next, err := m.Page(t.Context(), cursor)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range list {
			seen[s.User.ID] = true
		}
		cursor = next
	}
	if len(seen) != 1234 {
		t.Errorf("%d sessions listed", len(seen))
	}
}
