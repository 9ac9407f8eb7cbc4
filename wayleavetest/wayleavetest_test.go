package wayleavetest_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/wayleave/wayleave"
	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/provider"
	"github.com/wayleave/wayleave/wayleavetest"
)

func hello(w http.ResponseWriter, r *http.Request) {
	u, ok := wayleave.CurrentUser(r.Context())
	fmt.Fprintf(w, "%s %v", u.Name, ok)
}

func ExampleWithUser() {
	r := wayleavetest.WithUser(httptest.NewRequest("GET", "/", nil), wayleave.User{Name: "Ada"})
	w := httptest.NewRecorder()
	hello(w, r)
	fmt.Println(w.Body)
	// Output: Ada true
}

func newAuth(t *testing.T) *wayleave.Auth {
	t.Helper()
	auth, err := wayleave.New(wayleave.Config{
		BaseURL:   "http://localhost:8000",
		Providers: []provider.Config{{Preset: provider.Google(), ClientID: "app", ClientSecret: oauth.NewSecret("s")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { auth.Close() })
	return auth
}

func TestCookieOpensRequireLogin(t *testing.T) {
	auth := newAuth(t)
	h := auth.RequireLogin(http.HandlerFunc(hello))
	for _, signedIn := range []bool{false, true} {
		r := httptest.NewRequest("GET", "/", nil)
		if signedIn {
			r.AddCookie(wayleavetest.Cookie(t, auth, wayleave.User{Name: "Ada"}, nil))
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if signedIn && (w.Code != 200 || w.Body.String() != "Ada true") || !signedIn && w.Code != 401 {
			t.Errorf("signed in %v: %d %s", signedIn, w.Code, w.Body)
		}
	}
}

func TestClientCarriesTheGivenToken(t *testing.T) {
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, r.Header.Get("Authorization"))
	}))
	defer api.Close()
	auth := newAuth(t)
	h := auth.RequireLogin(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		resp, err := auth.Client(r.Context()).Get(api.URL)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer resp.Body.Close()
		io.Copy(w, resp.Body)
	}))
	r := httptest.NewRequest("GET", "/", nil)
	tokens := &oauth.Tokens{AccessToken: oauth.NewSecret("at-1"), Type: "Bearer", Expires: time.Now().Add(time.Hour)}
	r.AddCookie(wayleavetest.Cookie(t, auth, wayleave.User{}, tokens))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Body.String() != "Bearer at-1" {
		t.Errorf("the API saw %q", w.Body)
	}
}
