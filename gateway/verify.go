package gateway

import (
	"net/http"
	"strings"

	"github.com/wayleave/wayleave"
	"github.com/wayleave/wayleave/gateway/canonical"
	"github.com/wayleave/wayleave/gateway/identity"
)

// A proxy that has the requests asks here whether one may pass. Only trusted
// proxies are answered: the answer speaks about a request that we do not see, and
// on their word alone. What they say is taken whole or not at all: a header that
// is missing, doubled, or spelled so that something else could fold it to the one
// that counts, is refused, and so is a path that they could read otherwise.
//
//	/auth/verify/nginx     200, 401 or 403, never a redirect
//	/auth/verify/forward   200, or what the browser is to get; Caddy and Traefik
//	/auth/verify/envoy/…   the same, with the path appended, and any method

const verifyPart = "/verify/"

// verifies returns the site under whose base path a proxy asks, and what follows.
// Which site the question is about stands in the headers. Of another site's base
// path only proxies that are trusted can mean that: for browsers it may be a page
// of this site's app.
func (g *Gateway) verifies(r *http.Request, trusted bool) (s *site, rest string, ok bool) {
	here := g.siteOf(r.Host)
	for _, s := range g.all {
		if here != nil && here != s && here.basePath != s.basePath && !trusted {
			continue
		}
		if rest, ok := strings.CutPrefix(r.URL.Path, s.basePath); ok {
			if rest, ok := strings.CutPrefix(rest, verifyPart); ok {
				return s, rest, true
			}
		}
	}
	return nil, "", false
}

// question is what a proxy asks about.
type question struct{ scheme, host, method, target string }

func (s *site) verify(v *visit, rest string) {
	g, h := v.g, v.answer.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Vary", "Cookie")
	kind, _, _ := strings.Cut(rest, "/")
	switch {
	case !g.peers.any():
		v.refuse(http.StatusForbidden, "no proxy is trusted to ask; name them in trusted_proxies")
		return
	case !v.trusted:
		v.refuse(http.StatusForbidden, "this proxy is not among the trusted_proxies")
		return
	case !s.asked:
		// A proxy in front that only passes requests on would let any page read the
		// answer, and in it the user's token.
		v.refuse(http.StatusNotFound, "this site is not asked about; set forward_auth: true for a proxy that asks")
		return
	}
	var q question
	var problem string
	status := http.StatusBadRequest
	switch kind {
	case "nginx":
		status = http.StatusForbidden // nginx makes a 500 of anything else
		q, problem = nginxQuestion(v.r)
	case "forward":
		q, problem = forwardQuestion(v.r)
	case "envoy":
		q, problem = envoyQuestion(v.r, s.basePath+verifyPart+"envoy")
	default:
		v.refuse(http.StatusNotFound, "ask at nginx, forward or envoy")
		return
	}
	if problem == "" {
		problem = v.about(q)
	}
	if problem != "" {
		v.refuse(status, problem)
		return
	}
	v.site.answerProxy(v, q, kind == "nginx")
}

// about makes the visit one to what the proxy asks about.
func (v *visit) about(q question) (problem string) {
	v.site = v.g.siteOf(q.host)
	switch {
	case v.site == nil:
		return "no site has the host that is asked about"
	case !v.site.asked:
		return "the site of the host is not asked about; set forward_auth: true for a proxy that asks"
	case q.scheme != v.site.base.Scheme:
		return "the site's scheme is another one than what is asked about"
	case !canonical.Method(q.method):
		return "the method that is asked about is unknown"
	case strings.ContainsAny(q.target, "#\\ \t\r\n\x00"):
		return "ambiguous path: it holds a character that has to be encoded"
	}
	path, _, _ := strings.Cut(q.target, "?")
	var err error
	if v.path, err = canonical.Of(path); err != nil {
		return err.Error()
	}
	return ""
}

func (s *site) answerProxy(v *visit, q question, plain bool) {
	if sent, _, _ := strings.Cut(q.target, "?"); sent != s.basePath && s.auth.Owns(sent) {
		// The proxy passes these on to us, where they are decided. What is spelled
		// otherwise it may pass to the app, so the rules decide about that.
		v.decision = own
		s.tellNobody(v.answer.Header())
		v.answer.WriteHeader(http.StatusOK)
		return
	}
	// The rest of what decides is as the browser sent it, and the proxy passed on.
	r := v.r.Clone(v.r.Context())
	r.Method, r.Body = q.method, http.NoBody
	v.r = r
	ask := wayleave.Ask{ReturnTo: q.target}
	w := &whole{ResponseWriter: v.answer.ResponseWriter, base: s.base.String()}
	v.answer.ResponseWriter = w
	if plain {
		v.answer.ResponseWriter = &plainly{*w}
	}
	if len(r.Header["Sec-Websocket-Key"]) > 0 {
		// Some proxies take what is hop by hop away before they ask.
		r.ProtoMajor, r.ProtoMinor = 1, 1 // whatever the proxy asks over
		r.Header["Upgrade"], r.Header["Connection"] = []string{"websocket"}, []string{"Upgrade"}
	}
	if !s.pass(v, q.method, ask) {
		return
	}
	if !v.route.checkUpgrade(v) {
		return
	}
	if !v.route.checkOrigin(v) {
		return
	}
	if err := v.route.promise(v); err != nil {
		v.route.cannotPromise(v, ask, err)
		return
	}
	s.tellNobody(v.answer.Header())
	v.route.tell(v, v.answer.Header())
	v.answer.WriteHeader(http.StatusOK)
}

// tellNobody writes every name that a route of the site uses, empty: a proxy that
// copies all of them must find each, or it keeps what the client sent.
func (s *site) tellNobody(h http.Header) {
	for _, r := range s.routes {
		r.headers.Set(h, identity.User{})
	}
}

// LoginHeader tells nginx where a person is to be sent; it is missing for what
// is no page that a person opens.
const LoginHeader = "X-Wayleave-Login"

// whole makes the addresses in answers whole: a proxy such as Traefik takes one
// without a host for one at the address where it asked, which no browser reaches.
type whole struct {
	http.ResponseWriter
	base string
}

func (w *whole) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *whole) WriteHeader(status int) {
	if to := w.Header().Get("Location"); strings.HasPrefix(to, "/") {
		w.Header().Set("Location", w.base+to)
	}
	w.ResponseWriter.WriteHeader(status)
}

// plainly makes of any answer one that nginx's auth_request understands: 2xx,
// 401 or 403, without a body.
type plainly struct{ whole }

func (p *plainly) WriteHeader(status int) {
	h := p.Header()
	switch {
	case status >= 300 && status < 400:
		h.Set(LoginHeader, p.base+h.Get("Location"))
		h.Del("Location")
		status = http.StatusUnauthorized
	case status >= 400 && status != http.StatusUnauthorized && status < 500:
		status = http.StatusForbidden
	}
	h.Del("Content-Length")
	h.Del("Content-Type")
	p.ResponseWriter.WriteHeader(status)
}

func (p *plainly) Write(b []byte) (int, error) { return len(b), nil }

// one returns the only value of a header, which has to be there once, in one
// spelling, and without a second value behind a comma.
func one(r *http.Request, name string) (value, problem string) {
	found := 0
	for key, values := range r.Header {
		if identity.Same(key, name) {
			found += len(values)
			if key != name {
				found += 2
			}
		}
	}
	if found != 1 {
		return "", name + " has to be there once, in this spelling"
	}
	return r.Header.Get(name), ""
}

// nginxQuestion reads X-Original-URL, "$scheme://$http_host$request_uri", and
// X-Original-Method.
func nginxQuestion(r *http.Request) (q question, problem string) {
	if q.method, problem = one(r, "X-Original-Method"); problem != "" {
		return q, problem
	}
	original, problem := one(r, "X-Original-Url")
	if problem != "" {
		return q, problem
	}
	scheme, rest, ok := strings.Cut(original, "://")
	i := strings.IndexByte(rest, '/')
	if !ok || i <= 0 {
		return q, "X-Original-Url is not an absolute URL"
	}
	q.scheme, q.host, q.target = scheme, rest[:i], rest[i:]
	return q, ""
}

// forwardQuestion reads what Caddy and Traefik send.
func forwardQuestion(r *http.Request) (q question, problem string) {
	for name, into := range map[string]*string{"X-Forwarded-Method": &q.method, "X-Forwarded-Proto": &q.scheme, "X-Forwarded-Host": &q.host, "X-Forwarded-Uri": &q.target} {
		if *into, problem = one(r, name); problem != "" {
			return q, problem
		}
	}
	if !strings.HasPrefix(q.target, "/") || strings.HasPrefix(q.target, "//") {
		return q, "X-Forwarded-Uri is not a path"
	}
	if strings.ContainsAny(q.host, ", /@\\?#") || strings.Contains(q.scheme, ",") {
		return q, "X-Forwarded-Host is not one host"
	}
	return q, ""
}

// envoyQuestion reads a request of Envoy's ext_authz filter: it is the original
// one without its body, with a prefix before the path.
func envoyQuestion(r *http.Request, prefix string) (q question, problem string) {
	if q.scheme, problem = one(r, "X-Forwarded-Proto"); problem != "" {
		return q, problem
	}
	target, ok := strings.CutPrefix(r.RequestURI, prefix)
	if !ok || !strings.HasPrefix(target, "/") || strings.HasPrefix(target, "//") {
		return q, "the path that is asked about is missing"
	}
	q.method, q.host, q.target = r.Method, r.Host, target
	return q, ""
}
