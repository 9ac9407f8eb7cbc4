// Login is a web app that says hello to whoever signs in with Google.
package main

import (
	"cmp"
	"fmt"
	"html"
	"log"
	"net/http"
	"os"

	"github.com/wayleave/wayleave"
	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/provider"
)

func main() {
	listen := cmp.Or(os.Getenv("LISTEN"), "localhost:8000")
	auth, err := wayleave.New(wayleave.Config{
		BaseURL: "http://" + listen,
		Providers: []provider.Config{{
			Preset:       provider.Google(),
			ClientID:     os.Getenv("GOOGLE_CLIENT_ID"),
			ClientSecret: oauth.NewSecret(os.Getenv("GOOGLE_CLIENT_SECRET")),
			Issuer:       os.Getenv("GOOGLE_STAND_IN"), // empty: Google itself
			Development:  os.Getenv("GOOGLE_STAND_IN") != "",
		}},
	})
	if err != nil {
		log.Fatal(err)
	}
	http.Handle("/auth/", auth)
	http.Handle("/", auth.RequireLogin(http.HandlerFunc(home)))
	log.Fatal(http.ListenAndServe(listen, nil))
}

func home(w http.ResponseWriter, r *http.Request) {
	user, _ := wayleave.CurrentUser(r.Context())
	fmt.Fprintf(w, `<p>Hello %s! <a href="/auth/logout">Sign out</a>`, html.EscapeString(user.Name))
}
