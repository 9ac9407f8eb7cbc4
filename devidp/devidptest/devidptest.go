// Package devidptest starts a development identity provider for a test:
//
//	idp := devidptest.New(t)
//	callback, err := devidptest.SignIn(http.DefaultClient, authorizationURL, "ada", true)
//
// Everything else is said on [devidp.Server] and [devidp.Options]; a browser
// that stays signed in is [robot.Browser].
package devidptest

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/wayleave/wayleave/devidp"
	"github.com/wayleave/wayleave/devidp/robot"
)

// New starts a provider on a free port of 127.0.0.1 and stops it when the test
// ends. Each configure function may change the options before that; Issuer is
// set, and must stay. Mistakes in the options end the test.
func New(t testing.TB, configure ...func(*devidp.Options)) *devidp.Server {
	t.Helper()
	listening := httptest.NewUnstartedServer(nil)
	options := devidp.Options{Issuer: "http://" + listening.Listener.Addr().String()}
	for _, change := range configure {
		change(&options)
	}
	idp, err := devidp.New(options)
	if err != nil {
		listening.Close()
		t.Fatalf("development identity provider: %v", err)
	}
	listening.Config.Handler = idp
	listening.Start()
	t.Cleanup(listening.Close)
	return idp
}

// SignIn runs one login in a fresh browser: see [robot.Browser.SignIn]. Requests
// go through client's transport; its cookies are not used.
func SignIn(client *http.Client, authorizationURL, person string, allow bool) (callbackURL string, err error) {
	return robot.New(client).SignIn(authorizationURL, person, allow)
}

// LogoutToken makes any logout token, right or wrong, signed with the
// provider's key: see [devidp.Server.LogoutToken].
func LogoutToken(t testing.TB, idp *devidp.Server, claims map[string]any, header ...map[string]any) string {
	t.Helper()
	token, err := idp.LogoutToken(claims, header...)
	if err != nil {
		t.Fatalf("make a logout token: %v", err)
	}
	return token
}
