package oauth

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/wayleave/wayleave/internal/egress"
)

// unanswered turns a failure to get an answer into an Error: whose fault it
// is, and what helps.
func unanswered(step Step, check Check, err error) error {
	e := &Error{Step: step, Check: check, Fault: FaultUnavailable, Err: err}
	switch {
	case errors.Is(err, context.Canceled):
		e.Fault, e.Reason = FaultCaller, "the request was given up"
	case errors.Is(err, egress.ErrTimeout), errors.Is(err, context.DeadlineExceeded):
		e.Reason = "the provider did not answer in time"
	case errors.Is(err, egress.ErrInsecureURL):
		e.Fault, e.Check, e.Reason, e.Cure = FaultProvider, CheckEndpoint, "the endpoint is not secure", httpsCure
	case errors.Is(err, egress.ErrBlocked):
		e.Fault, e.Check, e.Reason = FaultProvider, CheckEndpoint, "the endpoint's address is not permitted"
		e.Cure = "list its range in AllowAddresses if it is meant to be an inner one"
	case errors.Is(err, egress.ErrTLS):
		e.Reason, e.Cure = "no secure connection to the provider", "set RootCAs if the provider has a certificate authority of its own"
	case errors.Is(err, egress.ErrTooLarge):
		e.Fault, e.Reason = FaultProvider, "the answer is too large"
	case errors.Is(err, egress.ErrRedirect):
		e.Fault, e.Reason = FaultProvider, "the endpoint redirects, and redirects are not followed"
		e.Cure = "configure the address that it redirects to"
	default:
		e.Reason = "the provider could not be reached"
	}
	return e
}

// Unanswered reports whether a request to a provider may have been sent and got
// no answer, so that nobody knows whether it was carried out.
func Unanswered(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Status == 0 && (errors.Is(err, egress.ErrUnreachable) || errors.Is(err, egress.ErrTimeout))
}

// retryAfter reads the header of that name (RFC 9110 section 10.2.3), at most a minute.
func retryAfter(h http.Header) time.Duration {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if v == "" {
		return 0
	}
	var d time.Duration
	if n, err := strconv.Atoi(v); err == nil {
		d = time.Duration(min(n, 60)) * time.Second
	} else if t, err := http.ParseTime(v); err == nil {
		d = time.Until(t)
	}
	return max(0, min(d, time.Minute))
}

// askedToWait reports statuses that say "later" rather than "no".
func askedToWait(status int) bool {
	return status == http.StatusTooManyRequests || status == http.StatusRequestTimeout || status >= 500
}
