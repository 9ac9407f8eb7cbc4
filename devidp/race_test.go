package devidp_test

import (
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/wayleave/wayleave/devidp/devidptest"
)

// count runs f that many times at once and returns how often it said yes.
func count(times int, f func() bool) int {
	var yes atomic.Int64
	var group sync.WaitGroup
	for range times {
		group.Go(func() {
			if f() {
				yes.Add(1)
			}
		})
	}
	group.Wait()
	return int(yes.Load())
}

func TestAHundredExchangesOfOneCodeSucceedOnce(t *testing.T) {
	a := newApp(t)
	form := exchange(a.login().Get("code")).Encode() + "&client_id=finance-tracker&client_secret=dev-secret"
	good := count(100, func() bool { return serve(a.idp, "POST", "/token", "", form).Code == http.StatusOK })
	equal(t, "successes", good, 1)
	equal(t, "token requests", a.idp.Count("token"), 100)
}

func TestAHundredRefreshesOfOneTokenSucceedOnce(t *testing.T) {
	a := newApp(t)
	r := a.offline()
	form := refreshing(r.text("refresh_token")).Encode() + "&client_id=finance-tracker&client_secret=dev-secret"
	good := count(100, func() bool { return serve(a.idp, "POST", "/token", "", form).Code == http.StatusOK })
	equal(t, "successes", good, 1)
	equal(t, "the family is revoked", a.bearer("/userinfo", r.text("access_token")).status, http.StatusUnauthorized)
}

func TestLoginsAtOnceWhileFaultsSwitch(t *testing.T) {
	a := newApp(t)
	url, idp := a.authorization("access_type", "offline"), a.idp
	people := []string{"ada", "grace", "lin", "zoe"}
	var next atomic.Int64
	good := count(16, func() bool {
		person := people[int(next.Add(1))%len(people)]
		location, err := devidptest.SignIn(nil, url, person, true)
		if err != nil || idp.SetFaults("expires-in-text") != nil || idp.SetFaults() != nil {
			return false
		}
		_, _, _ = idp.Requests(), idp.ActiveFaults(), idp.Count("token")
		form := exchange(a.arrive(location, nil).Get("code")).Encode() + "&client_id=finance-tracker&client_secret=dev-secret"
		return serve(idp, "POST", "/token", "", form).Code == http.StatusOK
	})
	equal(t, "good logins", good, 16)
}
