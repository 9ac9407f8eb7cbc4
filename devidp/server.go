package devidp

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

// Server is one provider. It is an [http.Handler], safe for concurrent use, and
// has nothing to close.
type Server struct {
	options    Options
	base       string // the issuer's path, without trailing slash
	host       string // the issuer's host, as Host headers spell it
	cookieName string
	secure     bool

	mux         *http.ServeMux
	crossOrigin *http.CrossOriginProtection
	keys        *keys
	memory      *memory
	requests    requests
	faults      atomic.Pointer[faults]
}

// New builds a provider. The error joins every mistake in the options.
func New(options Options) (*Server, error) {
	o := options.withDefaults()
	if err := o.check(); err != nil {
		return nil, err
	}
	issuer, err := url.Parse(o.Issuer)
	if err != nil {
		return nil, err
	}
	s := &Server{
		options:     o,
		base:        issuer.Path,
		host:        canonicalHost(issuer.Host, issuer.Scheme),
		secure:      issuer.Scheme == "https",
		mux:         http.NewServeMux(),
		crossOrigin: http.NewCrossOriginProtection(),
		keys:        newKeys(o.SigningAlgorithm),
		memory:      newMemory(o.AccessTokenLifetime),
	}
	// Cookies are shared by all ports of a host: the name keeps two providers
	// on one machine apart, and the same across restarts, so that browsers do
	// not collect one cookie per restart.
	instance := sha256.Sum256([]byte(o.Issuer))
	s.cookieName = "devidp-" + hex.EncodeToString(instance[:4])
	if s.secure {
		s.cookieName = "__Host-" + s.cookieName
	}
	s.requests.now = o.Now
	s.faults.Store(newFaults(o.Faults))
	s.routes()
	return s, nil
}

// routes is the whole surface. The second column is the name that [Server.Count]
// and [Request] use.
func (s *Server) routes() {
	at := s.base
	s.route("GET "+at+"/{$}", "home", s.home)
	if at != "" {
		s.route("GET "+at, "home", s.home)
	}
	s.route("GET "+at+"/.well-known/openid-configuration", "discovery", s.discovery)
	s.route("GET /.well-known/oauth-authorization-server"+at, "discovery", s.discovery) // RFC 8414 section 3
	s.route("GET "+at+"/jwks", "jwks", s.jwks)

	s.route("GET "+at+"/authorize", "authorize", s.authorize)
	s.route("POST "+at+"/authorize", "authorize", s.authorize)
	s.route("GET "+at+"/signin", "signin", s.signInPage)
	s.route("POST "+at+"/signin", "signin", s.sameOrigin(s.signIn))
	s.route("GET "+at+"/consent", "consent", s.consentPage)
	s.route("POST "+at+"/consent", "consent", s.sameOrigin(s.decide))

	s.route("POST "+at+"/token", "token", s.token)
	s.route("POST "+at+"/token/elsewhere", "elsewhere", s.elsewhere)

	s.route("POST "+at+"/revoke", "revoke", s.revoke)
	s.route("GET "+at+"/end-session", "end_session", s.endSession)
	s.route("POST "+at+"/end-session", "end_session", s.endSession)

	s.route("GET "+at+"/userinfo", "userinfo", s.userinfo)
	s.route("POST "+at+"/userinfo", "userinfo", s.userinfo)
	s.route("GET "+at+"/api/accounts", "accounts", s.accounts)
	s.route("GET "+at+"/api/transactions", "transactions", s.transactions)
	s.route("GET "+at+"/people/{subject}/picture.svg", "picture", s.picture)

	s.route("POST "+at+"/faults", "faults", s.sameOrigin(s.switchFaults))
}

// Issuer is the identifier this provider was built with.
func (s *Server) Issuer() string { return s.options.Issuer }

// ServeHTTP answers requests for the issuer's host and path; see the package
// comment for what is served.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	scheme := "http"
	if s.secure {
		scheme = "https"
	}
	if canonicalHost(r.Host, scheme) != s.host {
		s.requests.add("", r, nil)
		http.Error(w, "this provider answers only for "+s.options.Issuer, http.StatusMisdirectedRequest)
		return
	}
	if _, pattern := s.mux.Handler(r); pattern == "" {
		s.requests.add("", r, nil)
	}
	s.mux.ServeHTTP(w, r)
}

// canonicalHost lowers the case and drops the port that the scheme implies.
func canonicalHost(host, scheme string) string {
	implied := map[string]string{"http": ":80", "https": ":443"}[scheme]
	return strings.TrimSuffix(strings.ToLower(host), implied)
}

func (s *Server) url(path string) string { return s.options.Issuer + path }

func (s *Server) now() time.Time { return s.options.Now() }

func writeJSON(w http.ResponseWriter, status int, value any) {
	body, err := json.Marshal(value)
	if err != nil { // only maps, strings and numbers of our own get here
		http.Error(w, "the answer could not be encoded", http.StatusInternalServerError)
		return
	}
	writeBody(w, status, "application/json", body)
}

func writeBody(w http.ResponseWriter, status int, contentType string, body []byte) {
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client left: nobody to tell
}
