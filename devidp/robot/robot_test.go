package robot_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/wayleave/wayleave/devidp/robot"
)

// against runs a sign-in against a provider that shows this page.
func against(t testing.TB, page string) error {
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			http.Redirect(w, r, "http://localhost:8000/cb?code="+r.PostFormValue("decision")+r.PostFormValue("hidden"), http.StatusSeeOther)
			return
		}
		_, _ = io.WriteString(w, page)
	}))
	defer provider.Close()
	_, err := robot.New(nil).SignIn(provider.URL+"/?redirect_uri=http://localhost:8000/cb", "ada", true)
	return err
}

func TestOnlyWhatAPageOffersIsPressed(t *testing.T) {
	for name, test := range map[string]struct{ page, err string }{
		"a button to allow": {`<h1>Hi</h1><form method="post" action="/x"><button name=decision value=allow>Yes</button></form>`, ""},
		"nothing to press":  {`<h1>Hi <b>there</b></h1><p>Sorry</p>`, `the page "Hi there" offers neither people nor a button to allow`},
		"only deny":         {`<h1>Hi</h1><form method=post><button name=decision value=deny>No</button></form>`, `the page "Hi" offers neither people nor a button to allow`},
		"not a post":        {`<form><button name=decision value=allow>Yes</button></form>`, "the form does not post"},
		"two of the name": {`<form method=post><button name=person value=1>Ada</button><button name=person value=2>ADA</button></form>`,
			`2 people on the page match "ada"`},
	} {
		t.Run(name, func(t *testing.T) {
			got := ""
			if err := against(t, test.page); err != nil {
				got = err.Error()
			}
			if got != test.err {
				t.Errorf("got %q, want %q", got, test.err)
			}
		})
	}
}

func TestRedirectsThatNeverLeadBack(t *testing.T) {
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/again", http.StatusFound)
	}))
	defer provider.Close()
	_, err := robot.New(nil).SignIn(provider.URL+"/?redirect_uri=http://localhost:8000/cb", "ada", true)
	if err == nil || err.Error() != "no redirect to http://localhost:8000/cb after 12 steps" {
		t.Errorf("unexpected error %v", err)
	}
}

func TestRedirectsToStrangersAreNotFollowed(t *testing.T) {
	provider := httptest.NewServer(http.RedirectHandler("http://stranger.example/", http.StatusFound))
	defer provider.Close()
	_, err := robot.New(nil).SignIn(provider.URL+"/?redirect_uri=http://localhost:8000/cb", "ada", true)
	if err == nil || err.Error() != "the provider redirects to stranger.example, which is not the redirect_uri" {
		t.Errorf("unexpected error %v", err)
	}
}

func FuzzPage(f *testing.F) {
	f.Add(`<!doctype html><h1>x</h1><form method=post action="&amp;"><input type=hidden name=a value=b><button name=decision value=allow>`)
	f.Add(`<form action="http://[::1"><button name=person value=ada>&nbsp;</button></form></form><style><</style>`)
	f.Fuzz(func(t *testing.T, page string) {
		client := &http.Client{Transport: local(page)}
		_, _ = robot.New(client).SignIn("http://provider.example/?redirect_uri=http://localhost/", "ada", true)
	})
}

// local answers every request with one page.
type local string

func (l local) RoundTrip(r *http.Request) (*http.Response, error) {
	recorder := httptest.NewRecorder()
	_, _ = recorder.WriteString(string(l))
	response := recorder.Result()
	response.Request = r
	return response, nil
}
