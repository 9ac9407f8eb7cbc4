package oauth

import (
	"context"
	"time"
)

// Event is something that happened in a login, told as it happens (in the
// manner of net/http/httptrace) to Config.OnEvent. It is one of [Sent],
// [Returned], [Requested], [Answered], [Checked] or [Established]. Events hold no
// secrets: values that are secret are masked before an event is made.
type Event interface {
	// About returns what all events have in common.
	About() About
}

// About is common to all events.
type About struct {
	Time     time.Time
	Login    string // public id of the login, the same in all its events; "" outside of one
	Provider string // name of the provider's entry
	Step     Step
}

// Param is one named value that was sent or came back. Secret values are
// replaced by their fingerprint.
type Param struct {
	Name   string `json:"name"`
	Value  string `json:"value"`
	Secret bool   `json:"secret,omitempty"`
}

// Sent: the browser was sent to the authorization endpoint (step 1).
type Sent struct {
	Is     About
	URL    string // without the query
	Params []Param
}

// Returned: the browser came back to the callback (step 2).
type Returned struct {
	Is     About
	Params []Param
}

// Purpose says what a request to a provider is for.
type Purpose string

// Purposes of requests.
const (
	ForDiscovery Purpose = "discovery"
	ForKeys      Purpose = "keys"
	ForTokens    Purpose = "tokens"
	ForRefresh   Purpose = "refresh"
	ForUserInfo  Purpose = "userinfo"
	ForProfile   Purpose = "profile" // a provider's own API in place of userinfo
	ForAPI       Purpose = "api"

	ForRevocation Purpose = "revocation"
)

// Requested: a request goes to the provider or an API.
type Requested struct {
	Is      About
	Purpose Purpose
	Method  string
	URL     string // without the query
	Params  []Param
}

// Answered: the answer to the Requested before it, or the failure to get one.
type Answered struct {
	Is      About
	Purpose Purpose
	Status  int // 0 if there was no answer
	Params  []Param
	Took    time.Duration
	// Date is what time it was by the answering server's clock, to the second;
	// zero if it did not say.
	Date time.Time
	Err  error // as returned to the caller; nil if an answer came
}

// Checked: one check was made.
type Checked struct {
	Is       About
	Check    Check
	Expected string
	Got      string
	Err      error // nil if the check passed
}

// Established: what a step ended with, in one sentence for people.
type Established struct {
	Is     About
	What   string
	Params []Param
}

// About implements Event.
func (e Sent) About() About        { return e.Is }
func (e Returned) About() About    { return e.Is }
func (e Requested) About() About   { return e.Is }
func (e Answered) About() About    { return e.Is }
func (e Checked) About() About     { return e.Is }
func (e Established) About() About { return e.Is }

// loginKey carries the public id of the login through a context, so that
// requests made on its behalf are told as part of its story.
type loginKey struct{}

// WithLogin returns a context in which events belong to the login with this public id.
func WithLogin(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, loginKey{}, id)
}

// LoginID returns the public id of the login that ctx belongs to, or "".
func LoginID(ctx context.Context) string {
	id, _ := ctx.Value(loginKey{}).(string)
	return id
}

// teller emits the events of one provider. Its zero value tells nobody.
type teller struct {
	provider string
	tell     func(context.Context, Event)
}

// listening reports whether anybody hears, so that callers can spare the work
// of making an event.
func (t teller) listening() bool { return t.tell != nil }

func (t teller) about(ctx context.Context, step Step) About {
	return About{Time: time.Now(), Login: LoginID(ctx), Provider: t.provider, Step: step}
}

// emit tells ev if anybody listens.
func (t teller) emit(ctx context.Context, ev Event) {
	if t.tell != nil {
		t.tell(ctx, ev)
	}
}

// passed tells that a check passed.
func (t teller) passed(ctx context.Context, step Step, c Check, value string) {
	if t.tell != nil {
		t.tell(ctx, Checked{Is: t.about(ctx, step), Check: c, Expected: value, Got: value})
	}
}

// refused tells that a check failed, and returns the error.
func (t teller) refused(ctx context.Context, e *Error) error {
	if t.tell != nil {
		t.tell(ctx, Checked{Is: t.about(ctx, e.Step), Check: e.Check, Expected: e.Expected, Got: e.Got, Err: e})
	}
	return e
}

// emitIf makes the event only if anybody listens.
func (t teller) emitIf(ctx context.Context, make func() Event) {
	if t.tell != nil {
		t.tell(ctx, make())
	}
}
