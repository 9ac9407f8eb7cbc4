package wayleave_test

import (
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/wayleave/wayleave"
	"github.com/wayleave/wayleave/devidp"
	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/provider"
)

// A web app that says hello to whoever signs in. The provider is the
// development provider, so that the example runs by itself; in an app that
// signs in with Google, the entry is
//
//	{Preset: provider.Google(), ClientID: …, ClientSecret: …}
//
// and the whole program is examples/login.
func Example() {
	issuer, stop := startProvider()
	defer stop()
	app := httptest.NewUnstartedServer(nil)
	auth, err := wayleave.New(wayleave.Config{
		BaseURL: "http://" + app.Listener.Addr().String(),
		Providers: []provider.Config{{
			Name: "dev", Issuer: issuer, ClientID: "app", ClientSecret: oauth.NewSecret(devidp.DevSecret), Development: true,
		}},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer auth.Close()
	mux := http.NewServeMux()
	mux.Handle("/auth/", auth)
	mux.Handle("/", auth.RequireLogin(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, _ := wayleave.CurrentUser(r.Context())
		fmt.Fprintf(w, "Hello %s, this is %s.", user.Name, r.URL)
	})))
	app.Config.Handler = mux
	app.Start()
	defer app.Close()

	fmt.Println(visit(app.URL+"/reports?year=2026", "ada"))
	// Output: Hello Ada Marsh, this is /reports?year=2026.
}
