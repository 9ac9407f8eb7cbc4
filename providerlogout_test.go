package wayleave_test

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/wayleave/wayleave"
)

// signOut presses the button on a page of the app.
func (b *browser) signOut() answer {
	b.a.t.Helper()
	return b.do(b.request("POST", "/auth/logout", "Accept", "text/html", "Sec-Fetch-Site", "same-origin"))
}

// goesOnTo is where a page leads on by itself.
func goesOnTo(at answer) string {
	_, to, _ := strings.Cut(at.Header.Get("Refresh"), "0; url=")
	return to
}

// TestLGO03_TheRequestToTheProvider: who signs out, for whom, and the way back.
func TestLGO03_TheRequestToTheProvider(t *testing.T) {
	for name, change := range map[string]func(*wayleave.Config){"a session grant": withSessionGrants, "a kept grant": func(*wayleave.Config) {}} {
		t.Run(name, func(t *testing.T) {
			a := newApp(t, change)
			b := a.browser()
			b.signIn("/")
			hint := idTokenOf(b).Raw().Reveal()
			at := b.signOut()
			to, err := url.Parse(goesOnTo(at))
			if err != nil || at.StatusCode != http.StatusOK || strings.Contains(at.body, hint) || to.Scheme+"://"+to.Host+to.Path != a.idp.Issuer()+"/end-session" {
				t.Fatalf("status %d to %q", at.StatusCode, at.Header.Get("Location"))
			}
			state := b.cookies()["logout"]
			if len(state) < 26 {
				t.Fatalf("the state has %d characters", len(state))
			}
			want := url.Values{"client_id": {"app"}, "id_token_hint": {hint}, "post_logout_redirect_uri": {a.base + "/auth/signed-out"}, "state": {state}}
			if got := to.Query(); !maps.EqualFunc(got, want, slices.Equal) {
				t.Errorf("it says %v", slices.Sorted(maps.Keys(got)))
			}
			back, frames, err := b.robot.SignOut(to.String())
			if err != nil || len(frames) > 0 || back != a.base+"/auth/signed-out?state="+state {
				t.Fatalf("the provider sends the browser to %q, %v", back, err)
			}
			checkPage(t, b.open(back), "200 You are signed out")
			if b.cookies()["logout"] != "" {
				t.Error("the state is good for a second time")
			}
			again, err := b.robot.SignIn(with(t, b.begin("/"), "prompt", "none"), "ada", true)
			if err != nil || param(t, again, "error") != "login_required" {
				t.Errorf("the provider's session lives on: %v", err)
			}
		})
	}
}

// TestLGO04_TheWayBack is the same page for everybody, whatever the address
// says, and leads nowhere that the address names.
func TestLGO04_TheWayBack(t *testing.T) {
	a := newApp(t)
	b := a.browser()
	b.signIn("/")
	b.signOut()
	state := b.cookies()["logout"]
	page := text(b.open("/auth/signed-out"))
	for name, query := range map[string]string{
		"no state":             "?x=1",
		"an empty state":       "?state=",
		"another state":        "?state=guess",
		"half of the state":    "?state=" + state[:13],
		"the state and more":   "?state=" + state + "x",
		"another state first":  "?state=guess&state=" + state,
		"a target of its own":  "?post_logout_redirect_uri=https%3A%2F%2Fevil.example&return_to=%2F%2Fevil.example&redirect=https%3A%2F%2Fevil.example",
		"markup":               "?state=%3Cscript%3Ealert(1)%3C%2Fscript%3E",
		"an error":             "?error=access_denied&error_description=Call+us+at+0900",
		"what cannot be read":  "?state=%zz",
		"a callback's answers": "?code=x&state=y&iss=z",
	} {
		at := b.open("/auth/signed-out" + query)
		checkPage(t, at, "200 You are signed out")
		if text(at) != page || len(at.Cookies()) > 0 {
			t.Errorf("%s: cookies %q, page %s", name, setCookies(at), text(at))
		}
	}
	other := a.browser()
	if at := other.open("/auth/signed-out?state=" + state); text(at) != page || len(at.Cookies()) > 0 {
		t.Errorf("another browser with the state: cookies %q", setCookies(at))
	}
	at := b.open("/auth/signed-out?state=" + state)
	if text(at) != page || setCookies(at) != "-logout" {
		t.Errorf("this browser with the state: cookies %q", setCookies(at))
	}
	if at := b.open("/auth/signed-out?state=" + state); text(at) != page || len(at.Cookies()) > 0 {
		t.Errorf("once more: cookies %q", setCookies(at))
	}
}

// TestLGO04_WhoIsSignedInStaysSo on the signed-out page: it ends nothing.
func TestLGO04_WhoIsSignedInStaysSo(t *testing.T) {
	a := newApp(t)
	b := a.browser()
	b.signIn("/")
	b.signOut()
	state := b.cookies()["logout"]
	b.robot = newRobot()
	b.signIn("/")
	b.open("/auth/signed-out?state=" + state)
	if b.user() == "" {
		t.Error("the way back from an old logout signed out")
	}
}

// TestLGO04_TheTargetIsNoneOfTheRequests: nothing in it says where logout leads.
func TestLGO04_TheTargetIsNoneOfTheRequests(t *testing.T) {
	a := newApp(t)
	b := a.browser()
	b.signIn("/")
	at := b.do(b.request("POST", "/auth/logout?post_logout_redirect_uri=https%3A%2F%2Fevil.example&return_to=%2F%2Fevil.example&state=mine&id_token_hint=x",
		"Sec-Fetch-Site", "same-origin", "X-Forwarded-Host", "evil.example", "Forwarded", "host=evil.example"))
	to := goesOnTo(at)
	if got := param(t, to, "post_logout_redirect_uri"); got != a.base+"/auth/signed-out" || param(t, to, "state") == "mine" || strings.Contains(to, "evil") {
		t.Errorf("it leads back to %q", got)
	}
}
