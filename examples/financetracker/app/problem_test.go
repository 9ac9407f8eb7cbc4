package app_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/wayleave/wayleave/examples/financetracker/app"
)

// due is a lifetime with which every use of an access token renews it first,
// and after which it is of no use any more.
const due = 2 * time.Second

// Whatever fails, the page says who is signed in and what can be done.
func TestAProblemLeavesTheRestOfThePage(t *testing.T) {
	for name, c := range map[string]struct {
		faults   []string
		lifetime time.Duration
		api      http.HandlerFunc // nil: the stand-in's
		title    string
		button   string
		target   string
	}{
		"the grant was withdrawn": {
			faults: []string{"refresh-invalid-grant"}, lifetime: due,
			title: "Finance Tracker has lost its access", button: "Sign in again", target: "/auth/google/login?return_to=%2Fdashboard",
		},
		"the API refuses every token": {
			lifetime: time.Minute, api: answer(http.StatusUnauthorized, "{}"),
			title: "Finance Tracker has lost its access", button: "Sign in again", target: "/auth/google/login?return_to=%2Fdashboard",
		},
		"a permission was not granted": {
			faults: []string{"scope-narrowed"}, lifetime: time.Minute,
			title: "One permission is missing", button: "Sign in and allow it", target: "/auth/google/login?return_to=%2Fdashboard",
		},
		"the provider answers a renewal with a web page": {
			faults: []string{"token-html"}, lifetime: due,
			title: "Your access could not be renewed just now", button: "Try again", target: "/dashboard",
		},
		"the answer to a renewal is lost, and with it the rotated refresh token": {
			faults: []string{"token-truncated"}, lifetime: due,
			title: "Finance Tracker has lost its access", button: "Sign in again", target: "/auth/google/login?return_to=%2Fdashboard",
		},
		"the API fails": {
			lifetime: time.Minute, api: answer(http.StatusInternalServerError, "oh"),
			title: "Your transactions cannot be shown just now", button: "Try again", target: "/dashboard",
		},
		"the API answers no JSON": {
			lifetime: time.Minute, api: answer(http.StatusOK, "<!doctype html>"),
			title: "Your transactions cannot be shown just now", button: "Try again", target: "/dashboard",
		},
	} {
		t.Run(name, func(t *testing.T) {
			tr := start(t, c.lifetime, func(o *app.Options) {
				if c.api != nil {
					api := httptest.NewServer(c.api)
					t.Cleanup(api.Close)
					o.ResourceURL = api.URL
				}
			})
			narrowed := len(c.faults) > 0 && c.faults[0] == "scope-narrowed"
			if narrowed {
				tr.faults(c.faults...) // at sign-in
			}
			dashboard := tr.signIn(tr.open("/"), "ada", true)
			if !narrowed {
				tr.faults(c.faults...)
				dashboard = tr.until(c.title)
			}
			if dashboard.StatusCode != http.StatusOK {
				t.Errorf("status %d", dashboard.StatusCode)
			}
			dashboard.has(t, c.title, `href="`+c.target+`">`+c.button, "For developers:", "Hello, Ada Marsh", "Who you are", "Sign out")
			dashboard.lacks(t, "15 of ")
			if narrowed {
				dashboard.has(t, "transactions.read", "Not granted")
			}
			if c.api != nil {
				return
			}
			// And the way that the page offers leads out of it.
			tr.faults()
			if c.button == "Try again" {
				dashboard = tr.until("15 of ") // after several failures the next attempt waits a second
			} else {
				dashboard = tr.signIn(dashboard, "ada", true)
			}
			dashboard.has(t, "15 of ")
			dashboard.lacks(t, c.title)
		})
	}
}

func TestAnAPIThatIsNotThere(t *testing.T) {
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	_, dashboard := signedIn(t, time.Minute, func(o *app.Options) { o.ResourceURL = gone.URL })
	dashboard.has(t, "Your transactions cannot be shown just now", "The access token")
}

func TestDetailsAreForDevelopmentOnly(t *testing.T) {
	_, dashboard := signedIn(t, time.Minute, func(o *app.Options) { o.ResourceURL, o.StandIn = "http://127.0.0.1:1", false })
	dashboard.has(t, "Your transactions cannot be shown just now")
	dashboard.lacks(t, "For developers", "127.0.0.1:1")
}

// until loads the dashboard until it says something: while a renewal fails, a
// token that still lives goes on being used.
func (tr *tracker) until(says string) page {
	tr.t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(20 * time.Second)
	for {
		p := tr.open("/dashboard")
		if strings.Contains(p.body, says) {
			return p
		}
		select {
		case <-tick.C:
		case <-deadline:
			tr.t.Fatalf("the dashboard never says %q", says)
		}
	}
}

func answer(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if status == http.StatusUnauthorized {
			w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}
