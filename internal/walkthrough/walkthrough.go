// Package walkthrough runs the four steps of a login for real, against the
// development provider and without a browser, so that people can read what
// happens and machines can check it. With a fault it shows which check catches
// which attack.
package walkthrough

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/wayleave/wayleave"
	"github.com/wayleave/wayleave/devidp"
	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/provider"
	"github.com/wayleave/wayleave/trace"
)

// The app that the walkthrough plays. Nothing listens at this address: the
// scripted browser is led to the app wherever it really is.
const (
	appURL       = "http://localhost:8000"
	providerName = "google"
	apiScope     = "transactions.read"
)

// Result is what a walkthrough came to.
type Result struct {
	Fault *Fault       `json:"fault,omitempty"`
	Story *trace.Story `json:"story"`
	// Stray is what arrived at the app and belongs to no login of it, if anything did.
	Stray   *trace.Story   `json:"stray,omitempty"`
	User    *wayleave.User `json:"user,omitempty"`
	API     *APIAnswer     `json:"api,omitempty"`
	Refused *trace.Finding `json:"refused,omitempty"`
	// Verdict is "passed", "refused" or "survived" if all went as it must,
	// else "wrong", with Problem saying why.
	Verdict string `json:"verdict"`
	Problem string `json:"problem,omitempty"`
}

// APIAnswer is what the resource API answered.
type APIAnswer struct {
	URL    string          `json:"url"`
	Status int             `json:"status"`
	Body   json.RawMessage `json:"body,omitempty"`
}

// Verdicts.
const (
	Passed   = "passed"
	Refused  = "refused"
	Survived = "survived"
	Wrong    = "wrong"
)

// ExitCode is the status that a command ends with: 0 if every check passed or
// the fault was survived, 1 if a check refused as it must, 3 if something else
// happened than was declared.
func (r *Result) ExitCode() int {
	switch r.Verdict {
	case Passed, Survived:
		return 0
	case Refused:
		return 1
	}
	return 3
}

// ErrUnknownFault: there is no fault of that name.
var ErrUnknownFault = errors.New("unknown fault")

// Run runs one login, with a fault if one is named. An error means that the
// walkthrough itself could not run.
func Run(ctx context.Context, faultName string) (*Result, error) {
	var fault *Fault
	if faultName != "" {
		f, ok := faultNamed(faultName)
		if !ok {
			return nil, fmt.Errorf("%w %q", ErrUnknownFault, faultName)
		}
		fault = &f
	}
	st, err := newStage(fault)
	if err != nil {
		return nil, err
	}
	defer st.close()
	res := &Result{Fault: fault}
	st.play(ctx, res)
	res.Story = st.story()
	if stray := st.recorder.Background(); stray.Refused != nil && stray.Refused.Step == oauth.StepCallback {
		res.Stray = stray
	}
	res.judge(st)
	return res, nil
}

// judge compares what happened with what had to happen.
func (r *Result) judge(st *stage) {
	if r.Refused = r.Story.Refused; r.Refused == nil && r.Stray != nil {
		r.Refused = r.Stray.Refused
	}
	wrong := func(format string, args ...any) { r.Verdict, r.Problem = Wrong, fmt.Sprintf(format, args...) }
	complete := r.User != nil && r.API != nil && r.API.Status == http.StatusOK
	switch {
	case r.Fault == nil && r.Refused != nil:
		wrong("the check %s refused", r.Refused.Check)
	case r.Fault == nil && !complete:
		wrong("the login did not lead to the API's answer: %s", st.last)
	case r.Fault == nil:
		r.Verdict = Passed
	case r.Fault.RefusedBy == "" && !complete:
		wrong("the login should have survived: %s", st.last)
	case r.Fault.RefusedBy == "":
		r.Verdict = Survived
	case r.Refused == nil:
		wrong("the check %s should have refused, and none did", r.Fault.RefusedBy)
	case r.Refused.Check != r.Fault.RefusedBy:
		wrong("the check %s should have refused, and %s did", r.Fault.RefusedBy, r.Refused.Check)
	case st.requestsAfterRefusal(r.Refused.Check) > 0:
		wrong("after %s had refused, %d more requests were made", r.Refused.Check, st.requestsAfterRefusal(r.Refused.Check))
	case complete:
		wrong("a check refused, and the login went on all the same")
	default:
		r.Verdict = Refused
	}
}

// WriteText prints the result for people.
func (r *Result) WriteText(w io.Writer, o trace.TextOptions) error {
	var b strings.Builder
	b.WriteString("Finance Tracker signs in with Google: the four steps, run for real against the\nbuilt-in provider that stands in for Google. Secrets are shown as fingerprints.\n")
	if r.Fault != nil {
		fmt.Fprintf(&b, "\nFault %q: %s.\n", r.Fault.Name, r.Fault.Summary)
	}
	b.WriteByte('\n')
	if _, err := io.WriteString(w, b.String()); err != nil {
		return err
	}
	if err := r.Story.WriteText(w, o); err != nil {
		return err
	}
	if r.Stray != nil {
		if _, err := io.WriteString(w, "\nWhat arrived at the app and belongs to no login of it:\n\n"); err != nil {
			return err
		}
		if err := r.Stray.WriteText(w, o); err != nil {
			return err
		}
	}
	b.Reset()
	b.WriteByte('\n')
	if r.User != nil {
		fmt.Fprintf(&b, "Signed in: %s <%s>, verified %v, account %s\n", r.User.Name, r.User.Email, r.User.EmailVerified, r.User.ID)
	}
	if r.API != nil {
		fmt.Fprintf(&b, "API:       GET %s answered %d with %s\n", r.API.URL, r.API.Status, excerpt(r.API.Body))
	}
	b.WriteString(r.conclusion() + "\n")
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *Result) conclusion() string {
	switch r.Verdict {
	case Passed:
		return "Every check passed."
	case Survived:
		return "Survived: " + r.Fault.Survives + "."
	case Refused:
		return fmt.Sprintf("Refused by %s: %s. No later request was made.", r.Refused.Check, r.Refused.Reason)
	}
	return "Not as it must be: " + r.Problem + "."
}

// excerpt is the beginning of a JSON answer on one line.
func excerpt(body json.RawMessage) string {
	const most = 160
	s := strings.Join(strings.Fields(string(body)), " ")
	if len(s) > most {
		s = s[:most] + "…"
	}
	return s
}

// config is the app's whole configuration.
func (st *stage) config() wayleave.Config {
	google := provider.Config{
		Name: providerName, Label: "Google", Issuer: st.idp.Issuer(), Development: true,
		ClientID: "finance-tracker", ClientSecret: oauth.NewSecret(devidp.DevSecret), ClientAuth: oauth.ClientSecretPost,
		MoreScopes: []string{apiScope}, RequireScopes: []string{apiScope},
		Offline: true, AuthParams: map[string]string{"access_type": "offline", "prompt": "consent"},
	}
	providers := []provider.Config{google}
	if st.fault != nil && st.fault.Name == otherProvider {
		second := google
		second.Name, second.Label, second.ClientID = "other", "Another provider", "finance-tracker-2"
		providers = append(providers, second)
	}
	return wayleave.Config{BaseURL: appURL, Providers: providers, OnEvent: st.record, Branding: wayleave.Branding{AppName: "Finance Tracker"}}
}

// lifetime is that of access tokens: short enough that the first call of the
// API has to refresh, so that one can see it.
const lifetime = 5 * time.Second

// story returns the login's story: the newest that got furthest.
func (st *stage) story() *trace.Story {
	logins := st.recorder.Logins()
	if len(logins) == 0 {
		return st.recorder.Background()
	}
	// A browser that is sent to sign in again has begun another login; the
	// one that the fault happened to is the first.
	return logins[len(logins)-1]
}

// requestsAfterRefusal counts the requests that were made for the login after
// a check had refused it.
func (st *stage) requestsAfterRefusal(check oauth.Check) int {
	st.mu.Lock()
	defer st.mu.Unlock()
	i := slices.IndexFunc(st.events, func(ev oauth.Event) bool {
		c, ok := ev.(oauth.Checked)
		return ok && c.Check == check && c.Err != nil
	})
	if i < 0 {
		return 0
	}
	n := 0
	for _, ev := range st.events[i:] {
		if _, ok := ev.(oauth.Requested); ok {
			n++
		}
	}
	return n
}
