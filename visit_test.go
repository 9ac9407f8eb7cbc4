package wayleave_test

import (
	"io"
	"log"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"

	"github.com/wayleave/wayleave/devidp"
)

// startProvider starts a development provider for programs, which have no test to end with.
func startProvider() (issuer string, stop func()) {
	srv := httptest.NewUnstartedServer(nil)
	issuer = "http://" + srv.Listener.Addr().String()
	idp, err := devidp.New(devidp.Options{Issuer: issuer, SigningAlgorithm: "ES256"})
	if err != nil {
		log.Fatal(err)
	}
	srv.Config.Handler = idp
	srv.Start()
	return issuer, srv.Close
}

// visit opens a page as a browser does, signs in as a person on the way, and
// returns the page that it ends on.
func visit(page, person string) string {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return err.Error()
	}
	robot := newRobot()
	client := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for range 8 {
		r, err := http.NewRequest("GET", page, nil)
		if err != nil {
			return err.Error()
		}
		r.Header.Set("Accept", "text/html")
		resp, err := client.Do(r)
		if err != nil {
			return err.Error()
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			return err.Error()
		}
		next, err := resp.Location()
		if err != nil {
			return string(body)
		}
		page = next.String()
		if strings.Contains(page, "/authorize?") {
			if page, err = robot.SignIn(page, person, true); err != nil {
				return err.Error()
			}
		}
	}
	return "redirected in circles"
}
