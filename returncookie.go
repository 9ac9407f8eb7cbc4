package wayleave

import (
	"encoding/binary"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/wayleave/wayleave/internal/cookie"
	"github.com/wayleave/wayleave/internal/seal"
	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/provider"
)

// A page address that is too long for the state waits in a sealed cookie of
// its own, sent to the provider's paths only and named by the login's id.
const (
	returnCookie     = "return-"
	maxReturnCookies = 4
	maxReturnBytes   = 3 << 10 // in all, so that headers stay small
	purposeReturn    = seal.Purpose("return-cookie")
)

// keptReturn is one such cookie that the browser sent.
type keptReturn struct {
	name, value string
	started     time.Time
	returnTo    string
	login       string
}

// keepReturn sets the cookie for a login and drops the oldest ones until all
// fit. It reports whether the address is kept.
func (a *Auth) keepReturn(w http.ResponseWriter, r *http.Request, p *provider.Provider, l *oauth.Login, returnTo string) bool {
	plain := binary.BigEndian.AppendUint64(nil, uint64(l.Started.Unix()))
	value := seal.Encode(a.ring.Seal(purposeReturn, append(plain, returnTo...), a.cfg.BaseURL, l.ID()))
	name := a.jar.PathName(returnCookie + l.ID())
	size := len(name) + len(value)
	if size > maxReturnBytes {
		return false
	}
	kept := a.keptReturns(r)
	for i, k := range kept {
		left := len(kept) - i
		total := size
		for _, other := range kept[i:] {
			total += len(other.name) + len(other.value)
		}
		if left < maxReturnCookies && total <= maxReturnBytes {
			break
		}
		a.jar.Clear(w, k.name, a.returnPath(p))
	}
	a.jar.Set(w, name, value, a.returnPath(p), oauth.StateLifetime)
	return true
}

// takeReturn returns the address kept for a login and clears its cookie.
func (a *Auth) takeReturn(w http.ResponseWriter, r *http.Request, p *provider.Provider, l *oauth.Login) (string, bool) {
	for _, k := range a.keptReturns(r) {
		if k.login == l.ID() {
			a.jar.Clear(w, k.name, a.returnPath(p))
			return k.returnTo, true
		}
	}
	return "", false
}

// askedFor returns the page that a login was begun for, as far as it is known
// here, and leaves its cookie where it is. It is for links that begin anew.
func (a *Auth) askedFor(r *http.Request, l *oauth.Login) string {
	if !l.ReturnElsewhere {
		return l.ReturnTo
	}
	for _, k := range a.keptReturns(r) {
		if k.login == l.ID() {
			return k.returnTo
		}
	}
	return ""
}

// keptReturns opens the cookies that came, oldest first. Those that do not
// open count as the oldest.
func (a *Auth) keptReturns(r *http.Request) []keptReturn {
	var out []keptReturn
	prefix := a.jar.PathName(returnCookie)
	if !a.jar.Secure {
		prefix = strings.TrimSuffix(prefix, "-"+a.jar.Instance)
	}
	cookie.WithPrefix(r.Header, prefix, func(name, value string) {
		login := strings.TrimPrefix(name, prefix)
		if !a.jar.Secure {
			var ours bool
			if login, ours = strings.CutSuffix(login, "-"+a.jar.Instance); !ours {
				return
			}
		}
		k := keptReturn{name: name, value: value}
		if raw, err := seal.Decode(value); err == nil {
			if plain, err := a.ring.Open(purposeReturn, raw, a.cfg.BaseURL, login); err == nil && len(plain) >= 8 {
				k.started = time.Unix(int64(binary.BigEndian.Uint64(plain)), 0)
				k.returnTo, k.login = string(plain[8:]), login
			}
		}
		out = append(out, k)
	})
	slices.SortFunc(out, func(x, y keptReturn) int { return x.started.Compare(y.started) })
	return out
}

// returnPath is the narrowest path that both the login and the callback of a
// provider lie under, so that both see these cookies.
func (a *Auth) returnPath(p *provider.Provider) string {
	dir := a.cfg.BasePath + "/" + p.Name()
	if within(a.callbackPathOf(p), dir) {
		return dir + "/"
	}
	return "/"
}

// callbackPathOf is the path of a provider's redirect URI.
func (a *Auth) callbackPathOf(p *provider.Provider) string {
	return path.Clean(strings.TrimPrefix(p.Client.RedirectURI(), a.cfg.BaseURL))
}
