package trace_test

import (
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/trace"
)

// arrows writes a story down as "3 app>browser 5/1": step, parties, checks
// passed and refused.
func arrows(s *trace.Story) []string {
	var out []string
	for _, e := range s.Entries {
		passed, refused := "", ""
		for _, f := range e.Checks {
			if f.Passed {
				passed += "+"
			} else {
				refused += "-"
			}
		}
		out = append(out, strings.TrimSpace(string(rune('0'+e.Step))+" "+string(e.From)+">"+string(e.To)+" "+passed+refused))
	}
	return out
}

func TestAGoodLoginIsToldInOrder(t *testing.T) {
	s := story(refreshedLogin("one"))
	want := []string{
		"0 app>provider", "0 provider>app +",
		"1 app>browser", "1 browser>provider",
		"2 browser>app ++++++++",
		"3 app>provider", "3 provider>app +++++",
		"3 app>provider", "3 provider>app ++++++++++", // keys, in the middle of step 3
		"3 app>app",
		"4 app>provider", "4 provider>app +", "4 app>app",
		"4 app>api", "4 api>app +",
		"4 app>provider", "4 provider>app +++", "4 app>app",
		"4 app>api", "4 api>app +",
	}
	if got := arrows(s); !slices.Equal(got, want) {
		t.Errorf("told\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if s.Outcome != trace.Done || s.Provider != "google" || s.Login != "one" || s.Started.IsZero() {
		t.Errorf("the login is %+v", s)
	}
	if _, _, failed := s.Failed(); failed {
		t.Error("a good login failed")
	}
	for i, e := range s.Entries {
		if e.Number != i+1 || e.What == "" || e.Time.IsZero() || e.Unseen != (i == 3) {
			t.Errorf("entry %d is %+v", i, e)
		}
	}
}

func TestTheRefusingCheckIsFound(t *testing.T) {
	s, want := nonceRefused("one")
	check, err, ok := story(s).Failed()
	if !ok || check != oauth.CheckNonce || !errors.Is(err, want) {
		t.Errorf("got %v, %v, %v", check, err, ok)
	}
	f := story(s).Refused
	if f.Expected != "secret:90f1d0aa" || f.Got != "secret:deadbeef" || f.Reason != "The ID token was made for another login." ||
		f.Cure != "Sign in again." || f.Stops == "" || f.Says == "" || f.Passed || f.Step != oauth.StepTokens {
		t.Errorf("the finding is %+v", f)
	}
}

func refusal(step oauth.Step, c oauth.Check) *oauth.Error {
	return &oauth.Error{Step: step, Check: c, Reason: "it is wrong"}
}

func TestWhatBecameOfALogin(t *testing.T) {
	unreachable := refusal(oauth.StepTokens, oauth.CheckTokenHTTP)
	tests := []struct {
		name    string
		tell    func(l *login)
		outcome trace.Outcome
		check   oauth.Check
	}{
		{"begun and no more", func(l *login) { l.authorize() }, trace.Open, ""},
		{"refused at the browser", func(l *login) {
			l.authorize()
			l.comesBack()
			l.refuse(refusal(oauth.StepCallback, oauth.CheckBrowser))
		}, trace.Failed, oauth.CheckBrowser},
		{"another browser first, then the right one", func(l *login) {
			l.authorize()
			l.comesBack()
			l.refuse(refusal(oauth.StepCallback, oauth.CheckBrowser))
			l.callback()
			l.verified()
		}, trace.Done, ""},
		{"denied, then reloaded", func(l *login) {
			l.events = denied(l.id).events
			l.comesBack()
			l.refuse(refusal(oauth.StepCallback, oauth.CheckSingleUse))
		}, trace.Failed, oauth.CheckProviderAnswer},
		{"refused, then reloaded", func(l *login) {
			refused, _ := nonceRefused(l.id)
			l.events = refused.events
			l.comesBack()
			l.refuse(refusal(oauth.StepCallback, oauth.CheckSingleUse))
		}, trace.Failed, oauth.CheckNonce},
		{"completed, then reloaded", func(l *login) {
			l.events = goodLogin(l.id).events
			l.comesBack()
			l.refuse(refusal(oauth.StepCallback, oauth.CheckSingleUse))
		}, trace.Done, ""},
		{"no answer from the token endpoint", func(l *login) {
			l.authorize()
			l.callback()
			l.step = oauth.StepTokens
			l.ask(oauth.ForTokens, "POST", "https://oauth2.example.com/token")
			l.add(oauth.Answered{Is: l.is(10 * time.Second), Purpose: oauth.ForTokens, Err: unreachable})
		}, trace.Failed, oauth.CheckTokenHTTP},
		{"userinfo about somebody else", func(l *login) {
			l.events = goodLogin(l.id).events
			l.step = oauth.StepUse
			l.refuse(refusal(oauth.StepUse, oauth.CheckUserInfoSubject))
		}, trace.Failed, oauth.CheckUserInfoSubject},
		{"a refresh that fails, and then works", func(l *login) {
			l.events = goodLogin(l.id).events
			l.step = oauth.StepUse
			l.refuse(refusal(oauth.StepUse, oauth.CheckTokenHTTP))
			l.refresh()
		}, trace.Done, ""},
		{"discovery that fails once", func(l *login) {
			l.during(oauth.StepConfigure, func() { l.refuse(refusal(oauth.StepConfigure, oauth.CheckDiscovery)) })
			l.authorize()
		}, trace.Open, ""},
		{"discovery that fails", func(l *login) {
			l.during(oauth.StepConfigure, func() { l.refuse(refusal(oauth.StepConfigure, oauth.CheckDiscovery)) })
		}, trace.Failed, oauth.CheckDiscovery},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			l := newLogin("one")
			test.tell(l)
			s := story(l)
			check, _, failed := s.Failed()
			if s.Outcome != test.outcome || check != test.check || failed != (test.check != "") {
				t.Errorf("%s by %q, want %s by %q", s.Outcome, check, test.outcome, test.check)
			}
		})
	}
}

func TestChecksStandWithTheAnswerTheyAreAbout(t *testing.T) {
	l := newLogin("one")
	l.step = oauth.StepTokens
	l.ask(oauth.ForTokens, "POST", "https://oauth2.example.com/token")
	// Keys are refreshed in the background meanwhile.
	l.during(oauth.StepConfigure, func() { l.ask(oauth.ForKeys, "GET", providerURL+"/certs") })
	l.pass(oauth.CheckTokenHTTP, "status 200")
	l.answer(oauth.ForTokens, 200, time.Millisecond)
	l.pass(oauth.CheckIDToken, "a signed compact JWT")
	l.during(oauth.StepConfigure, func() {
		l.refuse(refusal(oauth.StepConfigure, oauth.CheckKey))
		l.answer(oauth.ForKeys, 200, time.Millisecond)
	})
	want := []string{"3 app>provider", "3 app>provider", "3 provider>app ++", "3 provider>app -"}
	if got := arrows(story(l)); !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
}

func TestChecksBeforeAnythingCameStandAlone(t *testing.T) {
	l := newLogin("one")
	l.discovery()
	l.step = oauth.StepAuthorize
	l.refuse(refusal(oauth.StepAuthorize, oauth.CheckDiscovery))
	want := []string{"0 app>provider", "0 provider>app +", "1 app>app -"}
	if got := arrows(story(l)); !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
}

func TestARequestWithoutAnswerKeepsItsChecks(t *testing.T) {
	l := newLogin("one")
	l.step = oauth.StepTokens
	l.ask(oauth.ForTokens, "POST", "https://oauth2.example.com/token")
	l.pass(oauth.CheckTokenHTTP, "status 200")
	if got := arrows(story(l)); !slices.Equal(got, []string{"3 app>provider +"}) {
		t.Errorf("told %q", got)
	}
}

func TestAnswersSayWhatTheyAre(t *testing.T) {
	refused := &oauth.Error{Check: oauth.CheckTokenAnswer, Err: &oauth.ProviderError{Code: "invalid_grant", Status: 200}}
	tests := []struct {
		ev   oauth.Answered
		want string
	}{
		{oauth.Answered{Purpose: oauth.ForAPI, Status: 403}, "The API refuses."},
		{oauth.Answered{Purpose: oauth.ForAPI, Err: errors.New("connection refused")}, "No answer comes."},
		{oauth.Answered{Purpose: oauth.ForTokens, Status: 200, Err: refused}, "The provider refuses."},
		{oauth.Answered{Purpose: oauth.ForTokens, Status: 200, Err: refusal(oauth.StepTokens, oauth.CheckTokenHTTP)}, "The provider answers, but not in a way that the app can use."},
		{oauth.Answered{Purpose: oauth.ForKeys, Status: 200}, "The provider hands out its public keys."},
		{oauth.Answered{Purpose: "something new", Status: 200}, "The provider answers."},
	}
	for _, test := range tests {
		l := newLogin("one")
		test.ev.Is = l.is(0)
		l.add(test.ev)
		if got := story(l).Entries[0].What; got != test.want {
			t.Errorf("%+v: %q, want %q", test.ev, got, test.want)
		}
	}
}

func keysOf(v any) []string { return slices.Sorted(maps.Keys(v.(map[string]any))) }

func TestJSONHasStableNames(t *testing.T) {
	l, _ := nonceRefused("one")
	doc, err := json.Marshal(story(l))
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(doc, &got); err != nil {
		t.Fatal(err)
	}
	entries := got["entries"].([]any)
	callback, token, answer := entries[2].(map[string]any), entries[3].(map[string]any), entries[4].(map[string]any)
	shapes := []struct {
		what string
		got  []string
		want string
	}{
		{"story", keysOf(got), "entries login outcome provider refused started"},
		{"refused", keysOf(got["refused"]), "check cure expected got passed reason says step stops"},
		{"callback", keysOf(callback), "checks from number params step time to what"},
		{"request", keysOf(token), "from method number params purpose step time to url what"},
		{"answer", keysOf(answer), "checks from number params purpose status step time to took_ns what"},
		{"check", keysOf(callback["checks"].([]any)[0]), "check expected got passed says step stops"},
		{"param", keysOf(callback["params"].([]any)[0]), "name secret value"},
	}
	for _, s := range shapes {
		if strings.Join(s.got, " ") != s.want {
			t.Errorf("%s has %q, want %q", s.what, s.got, s.want)
		}
	}
	if got["outcome"] != "failed" || got["refused"].(map[string]any)["check"] != "id-token-nonce" || token["step"] != 3.0 || token["from"] != "app" {
		t.Errorf("values are not as documented: %s", doc)
	}
}

func TestJSONComesBackAsTheSameStory(t *testing.T) {
	want := story(refreshedLogin("one"))
	doc, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got *trace.Story
	if err := json.Unmarshal(doc, &got); err != nil {
		t.Fatal(err)
	}
	for i := range want.Entries {
		if got.Entries[i].Params == nil {
			want.Entries[i].Params = nil
		}
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

func TestARepeatedRefusalIsToldOnce(t *testing.T) {
	l := newLogin("one")
	l.step = oauth.StepTokens
	l.ask(oauth.ForKeys, "GET", providerURL+"/certs")
	l.refuse(refusal(oauth.StepTokens, oauth.CheckKey))
	l.refuse(refusal(oauth.StepTokens, oauth.CheckKey))
	l.answer(oauth.ForKeys, 500, time.Millisecond)
	l.refuse(refusal(oauth.StepTokens, oauth.CheckKey))
	if got := arrows(story(l)); !slices.Equal(got, []string{"3 app>provider", "3 provider>app -"}) {
		t.Errorf("told %q", got)
	}
}
