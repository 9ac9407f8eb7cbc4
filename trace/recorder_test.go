package trace_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/trace"
)

func ids(stories []*trace.Story) (out []string) {
	for _, s := range stories {
		out = append(out, s.Login)
	}
	return out
}

func TestRecorderDropsTheOldestLogin(t *testing.T) {
	r := trace.NewRecorder(3)
	for i := range 5 {
		record(r, goodLogin(fmt.Sprint("login", i)))
	}
	if got := fmt.Sprint(ids(r.Logins())); got != "[login4 login3 login2]" {
		t.Errorf("kept %s", got)
	}
	if _, ok := r.Login("login1"); ok {
		t.Error("the oldest login is still there")
	}
	if s, ok := r.Login("login2"); !ok || s.Outcome != trace.Done {
		t.Errorf("login2 is %v", s)
	}
}

func TestRecorderKeepsFiftyLoginsUnlessToldOtherwise(t *testing.T) {
	for name, r := range map[string]*trace.Recorder{"zero value": {}, "zero": trace.NewRecorder(0), "negative": trace.NewRecorder(-1)} {
		for i := range 60 {
			l := newLogin(fmt.Sprint(i))
			l.authorize()
			record(r, l)
		}
		if n := len(r.Logins()); n != 50 {
			t.Errorf("%s: kept %d logins", name, n)
		}
	}
}

func TestRecorderKeepsTheBeginningAndTheEndOfALongLogin(t *testing.T) {
	l := goodLogin("long")
	for range 500 {
		l.callAPI("secret:1a2b3c4d")
	}
	l.refuse(&oauth.Error{Step: oauth.StepUse, Check: oauth.CheckRefresh, Reason: "the grant has ended"})
	s := story(l)
	if want := len(l.events) - 200; s.Dropped != want {
		t.Errorf("dropped %d events, want %d", s.Dropped, want)
	}
	if s.Entries[0].Purpose != oauth.ForDiscovery {
		t.Errorf("the story begins with %q", s.Entries[0].What)
	}
	if check, _, ok := s.Failed(); !ok || check != oauth.CheckRefresh {
		t.Errorf("the last event is lost: %v", check)
	}
}

func TestRecorderBoundsWhatBelongsToNoLogin(t *testing.T) {
	r := trace.NewRecorder(1)
	l := newLogin("")
	for range 1000 {
		l.discovery()
	}
	record(r, l)
	if s := r.Background(); len(s.Entries) > 100 || s.Dropped == 0 || s.Login != "" {
		t.Errorf("%d entries, %d dropped", len(s.Entries), s.Dropped)
	}
	if n := len(r.Logins()); n != 0 {
		t.Errorf("%d logins came from nowhere", n)
	}
}

func TestBackgroundWorkJoinsTheLoginThatWaitsForIt(t *testing.T) {
	tests := []struct {
		name   string
		at     func(l *login)
		change func(*oauth.About)
		want   bool
	}{
		{"while the app is at work on the login", func(l *login) { l.callback() }, nil, true},
		{"while the person is at the provider", func(l *login) {}, nil, false},
		{"for another provider", func(l *login) { l.callback() }, func(a *oauth.About) { a.Provider = "acme" }, false},
		{"an hour later", func(l *login) { l.callback(); l.exchange(); l.now = l.now.Add(time.Hour) }, nil, false},
		{"not discovery or keys", func(l *login) { l.callback() }, func(a *oauth.About) { a.Step = oauth.StepUse }, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			l := newLogin("one")
			l.authorize()
			test.at(l)
			about := oauth.About{Time: l.now.Add(time.Microsecond), Provider: "google", Step: oauth.StepConfigure}
			if test.change != nil {
				test.change(&about)
			}
			if len(l.events) == 1 {
				l.callback()
			} else {
				l.verified()
			}
			r := trace.NewRecorder(1)
			record(r, l)
			r.Record(t.Context(), oauth.Requested{Is: about, Purpose: oauth.ForKeys, Method: "GET", URL: "https://keys.example.com"})
			found := false
			s, _ := r.Login("one")
			for _, e := range s.Entries {
				found = found || e.URL == "https://keys.example.com"
			}
			if found != test.want {
				t.Errorf("joined: %v, want %v", found, test.want)
			}
			if len(r.Background().Entries) != 1 {
				t.Error("it is missing from the background")
			}
		})
	}
}

func TestASnapshotDoesNotChange(t *testing.T) {
	r := trace.NewRecorder(1)
	l := goodLogin("one")
	record(r, l)
	before, _ := r.Login("one")
	n := len(before.Entries)
	before.Entries[2].Params[0].Value = "scribbled on"
	l.events = nil
	l.callAPI("secret:1a2b3c4d")
	record(r, l)
	after, _ := r.Login("one")
	if len(before.Entries) != n || len(after.Entries) != n+2 {
		t.Errorf("%d entries became %d, and %d in the new one", n, len(before.Entries), len(after.Entries))
	}
	if after.Entries[2].Params[0].Value == "scribbled on" {
		t.Error("a reader has changed what is recorded")
	}
}

func TestRecorderIsSafeForConcurrentUse(t *testing.T) {
	r := trace.NewRecorder(5)
	h := r.Handler("/trace")
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for j := range 8 {
				record(r, refreshedLogin(fmt.Sprint(i, "-", j%3)), goodLogin(""))
			}
		})
		wg.Go(func() {
			for range 2 {
				for _, s := range r.Logins() {
					get(h, "GET", "/trace/"+s.Login)
				}
				get(h, "GET", "/trace/")
			}
		})
	}
	wg.Wait()
	if n := len(r.Logins()); n != 5 {
		t.Errorf("%d logins", n)
	}
}

func TestRecorderIgnoresWhatItDoesNotKnow(t *testing.T) {
	r := trace.NewRecorder(1)
	r.Record(context.Background(), nil)
	r.Record(context.Background(), strange{})
	s, ok := r.Login("strange")
	if !ok || len(s.Entries) != 0 {
		t.Errorf("told %v", s)
	}
	if rec := get(r.Handler("/"), "GET", "/strange"); rec.Code != 200 {
		t.Errorf("an empty story has status %d", rec.Code)
	}
}

type strange struct{}

func (strange) About() oauth.About { return oauth.About{Login: "strange"} }

func BenchmarkRecord(b *testing.B) {
	r := trace.NewRecorder(0)
	l := refreshedLogin("one")
	b.ReportAllocs()
	for b.Loop() {
		record(r, l)
	}
}
