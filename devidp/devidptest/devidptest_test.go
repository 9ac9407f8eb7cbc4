package devidptest_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/wayleave/wayleave/devidp"
	"github.com/wayleave/wayleave/devidp/devidptest"
)

func TestAProviderStartsAndALoginRuns(t *testing.T) {
	idp := devidptest.New(t, func(o *devidp.Options) {
		o.Clients = []devidp.Client{{ID: "app", Secret: "s", InsecureNoPKCE: true}}
	})
	url := idp.Issuer() + "/authorize?response_type=code&client_id=app&scope=openid&redirect_uri=http://localhost:8000/cb"
	callback, err := devidptest.SignIn(http.DefaultClient, url, "ada", true)
	if err != nil || !strings.HasPrefix(callback, "http://localhost:8000/cb?code=") {
		t.Errorf("leads to %.40q: %v", callback, err)
	}
}
