package wayleave

import (
	"encoding/binary"
	"net/http"
	"time"

	"github.com/wayleave/wayleave/internal/cookie"
	"github.com/wayleave/wayleave/internal/pages"
	"github.com/wayleave/wayleave/internal/seal"
	"github.com/wayleave/wayleave/provider"
)

// A login can succeed and still end nowhere: the browser drops the session
// cookie, or the store the session. Then the page asks for a login, the
// provider agrees without asking, and the browser goes round and round. This
// small cookie counts logins after which no session was seen; it lives for a
// minute. The third start stops with a page; where sessions are kept by the
// browser and lost here, the ninth.
const (
	loopCookie   = "loop"
	loopLifetime = time.Minute
	loopStop     = 8
	// A login without a session cookie weighs more than one whose session has
	// gone: tabs that sign in at once end each other's sessions.
	loopNoCookie = 4
	loopGone     = 1
	purposeLoop  = seal.Purpose("loop")
)

func (a *Auth) loopCount(r *http.Request, browser string) byte {
	value, _ := cookie.Find(r.Header, a.jar.Name(loopCookie))
	if value == "" || len(value) > 256 {
		return 0
	}
	raw, err := seal.Decode(value)
	if err != nil {
		return 0
	}
	plain, err := a.ring.Open(purposeLoop, raw, a.cfg.BaseURL, browser)
	if err != nil || len(plain) != 9 || time.Since(time.Unix(int64(binary.BigEndian.Uint64(plain[1:])), 0)) > loopLifetime {
		return 0
	}
	return plain[0]
}

// countLogin counts a completed login that arrived without a session. One that
// had a session shows that sessions work here.
func (a *Auth) countLogin(at *arrival) {
	if at.session != nil {
		a.forgetLoop(at.w, at.r)
		return
	}
	weight := byte(loopNoCookie)
	if _, cookies := cookie.Find(at.r.Header, a.jar.Name(sessionCookie)); cookies > 0 {
		weight = loopGone
	}
	n := min(a.loopCount(at.r, at.browser), 200) + weight
	plain := binary.BigEndian.AppendUint64([]byte{n}, uint64(time.Now().Unix()))
	a.jar.Set(at.w, a.jar.Name(loopCookie), seal.Encode(a.ring.Seal(purposeLoop, plain, a.cfg.BaseURL, at.browser)), "/", loopLifetime)
}

// forgetLoop clears the count, as soon as a session is seen.
func (a *Auth) forgetLoop(w http.ResponseWriter, r *http.Request) {
	if _, n := cookie.Find(r.Header, a.jar.Name(loopCookie)); n > 0 {
		a.jar.Clear(w, a.jar.Name(loopCookie), "/")
	}
}

// loopDetected stops the third start. The count is cleared, so that the button
// on the page works: a person who presses it is no loop.
func (a *Auth) loopDetected(w http.ResponseWriter, r *http.Request, p *provider.Provider) bool {
	if a.loopCount(r, a.browserOf(r)) < loopStop {
		return false
	}
	a.forgetLoop(w, r)
	m := a.pages.Texts().Loop.Message(a.pages.AppName())
	m.Actions = []pages.Action{a.tryAgain(p, r.URL.Query().Get("return_to"))}
	a.showMessage(w, r, http.StatusBadRequest, m)
	return true
}
