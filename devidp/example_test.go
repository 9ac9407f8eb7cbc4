package devidp_test

import (
	"log"
	"net/http"

	"github.com/wayleave/wayleave/devidp"
)

// Any client id, the secret dev-secret, and redirect URIs on this machine.
func ExampleNew() {
	idp, err := devidp.New(devidp.Options{Issuer: "http://127.0.0.1:9000"})
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.ListenAndServe("127.0.0.1:9000", idp))
}
