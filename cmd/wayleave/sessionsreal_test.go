package main

import (
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/wayleave/wayleave"
	"github.com/wayleave/wayleave/devidp"
	"github.com/wayleave/wayleave/devidp/devidptest"
	"github.com/wayleave/wayleave/internal/keyfile"
	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/provider"
)

// TestSES20_SessionsOfARealApp: the command lists and ends what people signed in
// to, over the app's admin socket.
func TestSES20_SessionsOfARealApp(t *testing.T) {
	idp := devidptest.New(t, func(o *devidp.Options) { o.SigningAlgorithm = "ES256" })
	app := httptest.NewUnstartedServer(nil)
	file := newKeyFile(t)
	keys, err := keyfile.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	auth, err := wayleave.New(wayleave.Config{Keys: keys.Keys(), BaseURL: "http://" + app.Listener.Addr().String(), Providers: []provider.Config{{
		Name: "dev", Issuer: idp.Issuer(), ClientID: "app", ClientSecret: oauth.NewSecret(devidp.DevSecret), Development: true}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { auth.Close() })
	app.Config.Handler = auth
	app.Start()
	t.Cleanup(app.Close)
	path := socketPath(t)
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	socket := httptest.NewUnstartedServer(auth.AdminHandler())
	socket.Listener.Close()
	socket.Listener = ln
	socket.Start()
	t.Cleanup(socket.Close)
	sessions := func(args ...string) string {
		t.Helper()
		return must(t, append([]string{"sessions", "--admin", "unix:" + path}, args...)...)
	}

	if got := sessions("list"); !strings.HasSuffix(got, "0 sessions.\n") {
		t.Errorf("before anybody signs in: %s", got)
	}
	ada, second, grace := signInTo(t, app.URL, "ada"), signInTo(t, app.URL, "ada"), signInTo(t, app.URL, "grace")
	list := sessions("list")
	if strings.Count(list, "ada@example.com") != 2 || strings.Count(list, "grace@example.com") != 1 || !strings.HasSuffix(list, "3 sessions.\n") || !strings.Contains(list, "a Go program") {
		t.Errorf("the list is\n%s", list)
	}
	if strings.Contains(list, ada.Value) {
		t.Error("a cookie's value is listed")
	}
	if got := sessions("list", "--provider", "other"); !strings.HasSuffix(got, "0 sessions.\n") {
		t.Errorf("of another provider: %s", got)
	}
	if got := sessions("end", "--user", provider.IDOf(idp.Issuer(), "ada")); got != "2 sessions ended.\n" {
		t.Errorf("got %q", got)
	}
	checkSignedIn(t, app.URL, map[*http.Cookie]bool{ada: false, second: false, grace: true})
	if got := sessions("end", "--older", "1h"); got != "No session matched, none ended.\n" {
		t.Errorf("got %q", got)
	}
	id := strings.Split(sessions("list", "--json"), `"`)[3]
	if got := sessions("end", "--id", id); got != "1 session ended.\n" {
		t.Errorf("got %q", got)
	}
	checkSignedIn(t, app.URL, map[*http.Cookie]bool{grace: false})
	if got := must(t, "keys", "list", file, "--admin", "unix:"+path); !strings.Contains(got, "RECORDS") || strings.Contains(got, "running") {
		t.Errorf("its keys are listed as\n%s", got)
	}
}

// signInTo runs a login and returns the cookie of the session.
func signInTo(t *testing.T, base, person string) *http.Cookie {
	t.Helper()
	once := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	begin, err := once.Get(base + "/auth/dev/login")
	if err != nil {
		t.Fatal(err)
	}
	begin.Body.Close()
	callback, err := devidptest.SignIn(nil, begin.Header.Get("Location"), person, true)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequest("GET", callback, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range begin.Cookies() {
		r.AddCookie(c)
	}
	end, err := once.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	end.Body.Close()
	for _, c := range end.Cookies() {
		if strings.HasPrefix(c.Name, "wayleave-session") {
			return c
		}
	}
	t.Fatalf("%s: status %d and no session", person, end.StatusCode)
	return nil
}

func checkSignedIn(t *testing.T, base string, want map[*http.Cookie]bool) {
	t.Helper()
	for c, in := range want {
		r, err := http.NewRequest("GET", base+"/auth/session", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.AddCookie(c)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if got := resp.StatusCode == http.StatusOK; got != in {
			t.Errorf("status %d, want signed in: %v", resp.StatusCode, in)
		}
	}
}
