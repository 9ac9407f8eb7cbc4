package wayleave

import (
	"crypto/rand"
	"net/http"
	"time"

	"github.com/wayleave/wayleave/internal/cookie"
	"github.com/wayleave/wayleave/internal/seal"
)

// The binding cookie marks one browser. All its tabs share it, so that a login
// begun in one can be told from a login begun elsewhere. It is a random value
// without a record on the server, and it is never replaced while it is valid:
// that would cut off logins that are under way in other tabs.
const (
	browserCookie   = "browser"
	browserLifetime = 400 * 24 * time.Hour // as long as browsers keep cookies
	browserBytes    = 32
)

// browserOf returns the value of the binding cookie, or "" if there is no valid one.
func (a *Auth) browserOf(r *http.Request) string {
	value, _ := cookie.Find(r.Header, a.jar.Name(browserCookie))
	if raw, err := seal.Decode(value); err != nil || len(raw) != browserBytes {
		return ""
	}
	return value
}

// bindBrowser returns the binding cookie of the browser, setting one if it has none.
func (a *Auth) bindBrowser(w http.ResponseWriter, r *http.Request) string {
	if value := a.browserOf(r); value != "" {
		return value
	}
	return a.rebindBrowser(w)
}

// rebindBrowser gives the browser a new binding cookie: logins that were begun
// before do not finish here any more. It is done at logout.
func (a *Auth) rebindBrowser(w http.ResponseWriter) string {
	var raw [browserBytes]byte
	rand.Read(raw[:])
	value := seal.Encode(raw[:])
	a.jar.Set(w, a.jar.Name(browserCookie), value, "/", browserLifetime)
	return value
}
