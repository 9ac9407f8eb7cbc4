package trace

import (
	"slices"

	"github.com/wayleave/wayleave/oauth"
)

// narrator turns events into a story.
type narrator struct {
	story    *Story
	waiting  []request
	step     oauth.Step // that is running
	received int        // index of the last entry that the app received; -1 if none
	tokens   bool       // the code was exchanged
	failures []Finding  // that nothing has overcome so far
}

// request is a request that waits for its answer. Checks of an answer are told
// before the answer itself, because what the answer means depends on them.
type request struct {
	entry  int // index
	ev     oauth.Requested
	checks []Finding
}

// tell makes the story of a login.
func tell(id string, rec record) *Story {
	n := &narrator{story: &Story{Login: id, Dropped: rec.dropped, Entries: []Entry{}}, received: -1}
	for _, ev := range rec.events {
		n.event(ev)
	}
	for _, r := range n.waiting {
		n.story.Entries[r.entry].Checks = r.checks
	}
	n.conclude()
	return n.story
}

func (n *narrator) event(ev oauth.Event) {
	about := ev.About()
	if n.story.Started.IsZero() {
		n.story.Started = about.Time
	}
	if n.story.Provider == "" {
		n.story.Provider = clean(about.Provider)
	}
	// Metadata and keys are fetched in the middle of a step that needs them,
	// and are told as part of it. Outside of a login nothing is part of anything.
	if about.Step != oauth.StepConfigure || n.story.Login == "" {
		n.step = about.Step
	}
	switch ev := ev.(type) {
	case oauth.Sent:
		n.sent(ev)
	case oauth.Returned:
		n.received = n.add(ev.Is, Entry{From: Browser, To: App, What: returnedSentence(ev.Params), Params: cleanParams(ev.Params)})
	case oauth.Requested:
		i := n.add(ev.Is, Entry{From: App, To: counterpart(ev.Purpose), What: requestSentence(ev.Purpose), Purpose: oauth.Purpose(clean(string(ev.Purpose))),
			Method: clean(ev.Method), URL: clean(ev.URL), Params: cleanParams(ev.Params)})
		n.waiting = append(n.waiting, request{entry: i, ev: ev})
	case oauth.Answered:
		n.answered(ev)
	case oauth.Checked:
		n.checked(ev)
	case oauth.Established:
		n.established(ev)
	}
}

func (n *narrator) add(is oauth.About, e Entry) (index int) {
	e.Number, e.Step, e.Time = len(n.story.Entries)+1, n.step, is.Time
	n.story.Entries = append(n.story.Entries, e)
	return len(n.story.Entries) - 1
}

// sent is two arrows: what the app said to the browser, and what then goes on
// between the person and the provider.
func (n *narrator) sent(ev oauth.Sent) {
	n.add(ev.Is, Entry{From: App, To: Browser, What: sentSentence, URL: clean(ev.URL), Params: cleanParams(ev.Params)})
	n.add(ev.Is, Entry{From: Browser, To: Provider, What: unseenSentence, Unseen: true})
	n.reached(oauth.StepAuthorize)
}

func (n *narrator) answered(ev oauth.Answered) {
	var checks []Finding
	if i := slices.IndexFunc(n.waiting, func(r request) bool { return r.ev.Purpose == ev.Purpose }); i >= 0 {
		checks = n.waiting[i].checks
		n.waiting = slices.Delete(n.waiting, i, i+1)
	}
	e := Entry{From: counterpart(ev.Purpose), To: App, What: answerSentence(ev), Purpose: oauth.Purpose(clean(string(ev.Purpose))),
		Status: ev.Status, Params: cleanParams(ev.Params), Took: ev.Took, Checks: checks}
	if ev.Err != nil {
		e.Problem = clean(ev.Err.Error())
	}
	// An answer that never came was checked by nobody, but ends a login all the same.
	refused := slices.ContainsFunc(checks, func(f Finding) bool { return !f.Passed })
	if c := oauth.CheckOf(ev.Err); c != "" && !refused {
		f := finding(ev.Is.Step, c, "", "", ev.Err)
		e.Checks = append(e.Checks, f)
		n.failed(f)
	}
	n.received = n.add(ev.Is, e)
}

// checked puts a check where a reader looks for it: with the answer that is
// being read, or else with what the app received last.
func (n *narrator) checked(ev oauth.Checked) {
	f := finding(ev.Is.Step, ev.Check, ev.Expected, ev.Got, ev.Err)
	if !f.Passed {
		n.failed(f)
	}
	for i, r := range slices.Backward(n.waiting) {
		if r.ev.Is.Step == ev.Is.Step {
			n.waiting[i].checks = join(r.checks, f)
			return
		}
	}
	if n.received < 0 || n.story.Entries[n.received].Step < n.step {
		n.received = n.add(ev.Is, Entry{From: App, To: App, What: ownCheckSentence})
	}
	at := &n.story.Entries[n.received]
	at.Checks = join(at.Checks, f)
}

// join adds a finding unless it repeats one: keys that cannot be fetched are
// told by who fetches them, and by the step that needed them.
func join(checks []Finding, f Finding) []Finding {
	if slices.ContainsFunc(checks, func(g Finding) bool {
		return !f.Passed && !g.Passed && g.Check == f.Check && g.Got == f.Got && g.Reason == f.Reason
	}) {
		return checks
	}
	return append(checks, f)
}

// established adds a result. What became of keys is told when others may long
// be at work with them, so it joins the answer that brought them.
func (n *narrator) established(ev oauth.Established) {
	n.reached(ev.Is.Step)
	what, params := sentence(clean(ev.What)), cleanParams(ev.Params)
	if ev.Is.Step == oauth.StepConfigure {
		for i, e := range slices.Backward(n.story.Entries) {
			if e.Purpose == oauth.ForKeys && e.To == App {
				n.story.Entries[i].Params = append(append(e.Params, oauth.Param{Name: "result", Value: what}), params...)
				return
			}
		}
	}
	n.add(ev.Is, Entry{From: App, To: App, What: what, Params: params})
}

// reached notes that a step succeeded, and with it all that failed on the way:
// a provider that did not answer at first, a browser that was not the right one.
func (n *narrator) reached(step oauth.Step) {
	n.tokens = n.tokens || step == oauth.StepTokens
	n.failures = slices.DeleteFunc(n.failures, func(f Finding) bool { return f.Step <= step })
}

// failed notes a failure. After the code was exchanged, a callback that is
// refused is a second delivery of the same one, which harms nobody.
func (n *narrator) failed(f Finding) {
	if n.tokens && f.Step <= oauth.StepCallback {
		return
	}
	n.failures = append(n.failures, f)
}

// conclude says what became of the login.
func (n *narrator) conclude() {
	n.story.Outcome = Open
	if n.tokens {
		n.story.Outcome = Done
	}
	for _, f := range n.failures {
		if n.story.Refused == nil || f.Step > n.story.Refused.Step {
			n.story.Outcome, n.story.Refused = Failed, new(f)
		}
	}
}

func counterpart(p oauth.Purpose) Party {
	if p == oauth.ForAPI {
		return API
	}
	return Provider
}
