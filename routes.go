package wayleave

import (
	"net/http"
	"slices"
	"strings"
)

// routes lists every address that the handler serves. Everything else is 404;
// another method is 405.
func (a *Auth) routes() map[string]http.Handler {
	base := a.cfg.BasePath
	routes := map[string]http.Handler{}
	handle := func(method, path string, h http.HandlerFunc) { routes[path] = a.own(method, h) }
	handle("GET", base+"/", a.showSignIn)
	handle("GET", base, a.showSignIn)
	for _, p := range a.providers {
		handle("GET", base+"/"+p.Name()+"/login", func(w http.ResponseWriter, r *http.Request) { a.startLogin(w, r, p) })
		handle("GET", a.callbackPathOf(p), func(w http.ResponseWriter, r *http.Request) { a.finishLogin(w, r, p) })
		handle("POST", base+"/"+p.Name()+"/backchannel-logout", func(w http.ResponseWriter, r *http.Request) { a.backchannelLogout(w, r, p) })
		handle("GET", base+"/"+p.Name()+"/frontchannel-logout", func(w http.ResponseWriter, r *http.Request) { a.frontchannelLogout(w, r, p) })
	}
	handle("GET", base+"/session", a.showSession)
	handle("GET POST", base+"/logout", a.logout)
	handle("GET", base+"/signed-out", a.showSignedOut)
	handle("GET", base+"/account", a.showAccount)
	handle("POST", base+"/account/end", a.endFromAccount)
	handle("POST", base+"/account/disconnect", a.disconnectFromAccount)
	return routes
}

// ServeHTTP serves the addresses under Config.BasePath, and the callback paths
// that providers set for themselves. Each has one spelling: unlike with an
// http.ServeMux, another one is not redirected to it, with a code in its query.
func (a *Auth) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h := a.handlers[r.URL.Path]; h != nil && r.URL.RawPath == "" {
		h.ServeHTTP(w, r)
		return
	}
	a.notFound(w, r)
}

// own wraps a handler of ours: the headers that all our answers carry, and the
// methods that it knows. HEAD is none of them: a mail scanner that asks for the
// head of a callback must not use it up.
func (a *Auth) own(methods string, h http.HandlerFunc) http.Handler {
	allowed := strings.Fields(methods)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.ownHeaders(w.Header())
		if !slices.Contains(allowed, r.Method) {
			w.Header().Set("Allow", strings.Join(allowed, ", "))
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
			return
		}
		h(w, r)
	})
}

// ownHeaders: nothing of ours is cached, framed, sniffed or told to other sites.
func (a *Auth) ownHeaders(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Content-Security-Policy", a.pages.CSP())
	if a.jar.Secure {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}
