package interop_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/test/oidcprovider"
)

// story is what the library tells about logins, in order.
type story []oauth.Event

// requests counts the requests that were made for a purpose.
func (s story) requests(purpose oauth.Purpose) (n int) {
	for _, ev := range s {
		if r, ok := ev.(oauth.Requested); ok && r.Purpose == purpose {
			n++
		}
	}
	return n
}

// unanswered returns the error of the last request for a purpose that got no
// answer, nil if all did.
func (s story) unanswered(purpose oauth.Purpose) (err error) {
	for _, ev := range s {
		if a, ok := ev.(oauth.Answered); ok && a.Purpose == purpose && a.Err != nil {
			err = a.Err
		}
	}
	return err
}

// passed returns the checks that passed, each once, in order.
func (s story) passed() []oauth.Check {
	var out []oauth.Check
	for _, ev := range s {
		if c, ok := ev.(oauth.Checked); ok && c.Err == nil && !slices.Contains(out, c.Check) {
			out = append(out, c.Check)
		}
	}
	return out
}

// refusals returns the errors of the checks that failed.
func (s story) refusals() []error {
	var out []error
	for _, ev := range s {
		if c, ok := ev.(oauth.Checked); ok && c.Err != nil {
			out = append(out, c.Err)
		}
	}
	return out
}

// refusedBy makes sure that exactly one check refused, and which.
func (s story) refusedBy(t *testing.T, want oauth.Check) {
	t.Helper()
	all := s.refusals()
	if len(all) != 1 {
		t.Fatalf("%d checks refused, want only %s: %v", len(all), want, all)
	}
	wantCheck(t, all[0], want)
}

// times counts how often a check passed.
func (s story) times(check oauth.Check) (n int) {
	for _, ev := range s {
		if c, ok := ev.(oauth.Checked); ok && c.Err == nil && c.Check == check {
			n++
		}
	}
	return n
}

// completed are the checks that a login at this provider passes, in order. It
// sends no at_hash, which a token endpoint need not.
var completed = []oauth.Check{
	oauth.CheckDiscoveryIssuer,
	oauth.CheckState, oauth.CheckBrowser, oauth.CheckStateAge, oauth.CheckEntry,
	oauth.CheckResponseIssuer, oauth.CheckProviderAnswer, oauth.CheckSingleUse,
	oauth.CheckTokenHTTP, oauth.CheckTokenAnswer, oauth.CheckTokenType,
	oauth.CheckIDToken, oauth.CheckAlgorithm, oauth.CheckKey, oauth.CheckSignature,
	oauth.CheckIssuer, oauth.CheckSubject, oauth.CheckAudience, oauth.CheckExpiry,
	oauth.CheckIssuedAt, oauth.CheckNonce,
	oauth.CheckUserInfoSubject, oauth.CheckProfile,
}

// wantCheck makes sure that a check of the library refused, and which.
func wantCheck(t *testing.T, err error, want oauth.Check) {
	t.Helper()
	if got := oauth.CheckOf(err); err == nil || got != want {
		t.Fatalf("refused by %q (%v), want %q", got, err, want)
	}
}

// wantProviderError makes sure that the provider itself refused, and how.
func wantProviderError(t *testing.T, err error, check oauth.Check, code string, status int) {
	t.Helper()
	wantCheck(t, err, check)
	said, ok := errors.AsType[*oauth.ProviderError](err)
	if !ok || said.Code != code || said.Status != status {
		t.Fatalf("got %v, want the provider to say %s with status %d", err, code, status)
	}
}

// wantUnavailable makes sure that the provider could not be reached, where the
// library looked for it.
func wantUnavailable(t *testing.T, err error, check oauth.Check) {
	t.Helper()
	wantCheck(t, err, check)
	if oauth.FaultOf(err) != oauth.FaultUnavailable || oauth.ProviderCode(err) != "" {
		t.Errorf("got %v, want that the provider could not be reached", err)
	}
}

// wantAsked makes sure how often the provider itself saw a request, such as
// "POST /token".
func wantAsked(t *testing.T, idp *oidcprovider.Provider, request string, want int) {
	t.Helper()
	n, asked := 0, idp.Asked(t)
	for _, a := range asked {
		if a == request || strings.HasPrefix(a, request+" ") {
			n++
		}
	}
	if n != want {
		t.Errorf("the provider saw %s %d times, want %d; all it saw:\n%s", request, n, want, strings.Join(asked, "\n"))
	}
}

// wantNoSecrets makes sure that a text, such as a page or a log, holds none of
// the values.
func wantNoSecrets(t *testing.T, where, text string, secrets ...string) {
	t.Helper()
	for _, secret := range secrets {
		if secret != "" && strings.Contains(text, secret) {
			t.Errorf("%s holds a secret of %d bytes", where, len(secret))
		}
	}
}

// same fails unless two lists are equal.
func same[T comparable](t *testing.T, what string, got, want []T) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n got %s\nwant %s", what, fmt.Sprint(got), fmt.Sprint(want))
	}
}
