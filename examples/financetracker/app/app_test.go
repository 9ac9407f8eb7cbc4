package app_test

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/wayleave/wayleave/examples/financetracker/app"
)

func TestSignInLeadsToAdasTransactions(t *testing.T) {
	tr := start(t, time.Minute)
	front := tr.open("/")
	front.has(t, "Sign in with Google", "This is not the real Google.", `href="`+tr.idp.Issuer()+`/"`)
	front.lacks(t, "/auth/logout", "Go to your dashboard")

	dashboard := tr.signIn(front, "ada", true)
	if dashboard.StatusCode != http.StatusOK || dashboard.Request.URL.Path != "/dashboard" {
		t.Fatalf("the sign-in ended at %s with status %d", dashboard.Request.URL.Path, dashboard.StatusCode)
	}
	dashboard.has(t, "Hello, Ada Marsh", ">AM<", "ada@example.com", "✓ Verified", "Google", // who
		"See your e-mail address", "See your accounts and transactions", "<code>transactions.read</code>", // what was granted
		"Everyday", "Rainy days", "All together", // accounts
		"Spending by category", "Groceries €", `role="img"`, // chart
		"So far: <strong>not yet</strong>", // renewals
		"15 of ", "Show all ")              // transactions
	dashboard.lacks(t, "Not verified", "Not granted", "See how this login worked", "For developers")

	// In sixty days there is a first and a twenty-fifth of a month.
	tr.open("/dashboard?show=all").has(t, "Rent, Lindenweg 4", "−€940.00", "Salary, Brightwater Ltd", "€2,840.00", "Fibre &amp; Copper Internet")

	tr.open("/").has(t, "You are signed in as Ada Marsh", `href="/dashboard"`)
	if n := tr.idp.Count("transactions"); n != 2 {
		t.Errorf("%d requests for transactions, want one for each dashboard", n)
	}
}

func TestPeopleAreShownAsTheyAre(t *testing.T) {
	for person, want := range map[string][]string{
		"lin": {"Lin Moreau", "lin@example.com", "Not verified"},
		"zoe": {"Zoë O’Neil &amp; Søn", "zoe.o&#39;neil+bank@example.com", "✓ Verified", ">ZS<"},
	} {
		t.Run(person, func(t *testing.T) {
			tr := start(t, time.Minute)
			tr.signIn(tr.open("/"), person, true).has(t, want...)
		})
	}
}

func TestTheUserIsCreatedOnceAndKnownAgain(t *testing.T) {
	tr, dashboard := signedIn(t, time.Minute)
	signIns := regexp.MustCompile(`<dt>Sign-ins</dt><dd>(\d+)</dd>`)
	for _, want := range []string{"1", "2"} {
		if got := signIns.FindStringSubmatch(dashboard.body); got == nil || got[1] != want {
			t.Fatalf("sign-ins %q, want %s", got, want)
		}
		tr.freshBrowser()
		dashboard = tr.signIn(tr.open("/"), "ada", true)
	}
}

var fingerprint = regexp.MustCompile(`<li><code>(secret:[0-9a-f]{8})</code>`)

// newest is the fingerprint of the access token in use.
func newest(t *testing.T, p page) string {
	t.Helper()
	found := fingerprint.FindStringSubmatch(p.body)
	if found == nil {
		t.Fatal("the page shows no fingerprint of an access token")
	}
	return found[1]
}

func TestTheAccessTokenIsRenewedByItself(t *testing.T) {
	// A token with less than ten seconds left is renewed before it is used:
	// with eleven, that is after a second.
	tr, dashboard := signedIn(t, 11*time.Second)
	first := newest(t, dashboard)
	if !regexp.MustCompile(`>in (11|10|9) s<`).MatchString(dashboard.body) {
		t.Error("the dashboard does not say when the token expires")
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(20 * time.Second)
	for newest(t, dashboard) == first {
		select {
		case <-tick.C:
			dashboard = tr.open("/dashboard")
		case <-deadline:
			t.Fatal("the token was not renewed")
		}
	}
	renewals := fmt.Sprintf("%d times", tr.idp.Count("token")-1)
	if renewals == "1 times" {
		renewals = "once"
	}
	dashboard.has(t, "So far: <strong>"+renewals+"</strong>", first, "15 of ")
}

func TestARefusedTokenIsRenewedAndTheCallRepeated(t *testing.T) {
	tr, dashboard := signedIn(t, time.Minute)
	before := newest(t, dashboard)
	tr.faults("api-401-once")
	dashboard = tr.open("/dashboard")
	dashboard.has(t, "15 of ")
	dashboard.lacks(t, "For developers")
	if newest(t, dashboard) == before {
		t.Error("the refused token is still in use")
	}
}

func TestNoGoesBackToAPageThatOffersAnotherTry(t *testing.T) {
	tr := start(t, time.Minute)
	refused := tr.signIn(tr.open("/"), "ada", false)
	if refused.StatusCode != http.StatusForbidden {
		t.Errorf("status %d", refused.StatusCode)
	}
	refused.has(t, "Finance Tracker", "Google")
	if at := tr.open("/dashboard").Header.Get("Location"); !strings.HasPrefix(at, tr.idp.Issuer()) {
		t.Fatalf("after a refusal the dashboard leads to %q, not to the provider", at)
	}
	tr.signIn(refused, "ada", true)
	tr.open("/dashboard").has(t, "Hello, Ada Marsh")
}

func TestSigningOutEndsIt(t *testing.T) {
	tr, dashboard := signedIn(t, time.Minute)
	dashboard.has(t, `<form method="post" action="/auth/logout">`)
	tr.post("/auth/logout")
	if at := tr.open("/dashboard").Header.Get("Location"); !strings.HasPrefix(at, tr.idp.Issuer()) {
		t.Errorf("the dashboard leads to %q, not to the provider", at)
	}
	tr.open("/").has(t, "Sign in with Google")
}

func TestWithGoogleItselfThereAreNoTransactions(t *testing.T) {
	tr, dashboard := signedIn(t, time.Minute, func(o *app.Options) {
		o.StandIn, o.ResourceURL = false, ""
		o.Provider.MoreScopes, o.Provider.Offline = nil, false
	})
	dashboard.has(t, "Hello, Ada Marsh", "No transactions here", "GOOGLE_CLIENT_ID", "no refresh token was granted", "See your name and picture")
	dashboard.lacks(t, "This is not the real Google", "transactions.read", "15 of ")
	if n := tr.idp.Count("accounts") + tr.idp.Count("transactions"); n != 0 {
		t.Errorf("%d requests to an API", n)
	}
}

func TestTheStoryIsLinkedIfThereIsOne(t *testing.T) {
	_, dashboard := signedIn(t, time.Minute, func(o *app.Options) { o.TracePath = "/trace/" })
	dashboard.has(t, `href="/trace/"`, "See how this login worked")
}

func TestPagesLoadNothingAndRunNothing(t *testing.T) {
	tr, _ := signedIn(t, time.Minute)
	style := regexp.MustCompile(`(?s)<style>(.*)</style>`)
	for path, status := range map[string]int{"/": 200, "/dashboard": 200, "/nowhere": 404} {
		p := tr.open(path)
		if p.StatusCode != status {
			t.Errorf("%s: status %d, want %d", path, p.StatusCode, status)
		}
		p.lacks(t, "<script", "<img", "<link", "style=", " onclick")
		hash := sha256.Sum256([]byte(style.FindStringSubmatch(p.body)[1]))
		want := "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(hash[:]) + "'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
		for name, value := range map[string]string{
			"Content-Security-Policy": want,
			"Cache-Control":           "no-store",
			"X-Content-Type-Options":  "nosniff",
			"Content-Type":            "text/html; charset=utf-8",
		} {
			if got := p.Header.Get(name); got != value {
				t.Errorf("%s: %s is %q, want %q", path, name, got, value)
			}
		}
	}
	logo := tr.open("/logo.svg")
	if got := logo.Header.Get("Content-Type"); got != "image/svg+xml" {
		t.Errorf("the logo is %q", got)
	}
}

func TestMistakesInTheOptionsAreReported(t *testing.T) {
	if _, err := app.New(app.Options{BaseURL: "http://app.example.com"}); err == nil || !strings.Contains(err.Error(), "BaseURL") || !strings.Contains(err.Error(), "ClientID") {
		t.Errorf("got %v, want both mistakes", err)
	}
	if _, _, err := app.StandIn("http://localhost:8000", "http://127.0.0.1:9000/", time.Minute); err == nil {
		t.Error("an issuer with a slash at its end is accepted")
	}
}

func (tr *tracker) faults(names ...string) {
	tr.t.Helper()
	if err := tr.idp.SetFaults(names...); err != nil {
		tr.t.Fatal(err)
	}
}
