package gateway

import (
	"errors"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"

	"github.com/wayleave/wayleave"
	"github.com/wayleave/wayleave/gateway/assertion"
	"github.com/wayleave/wayleave/gateway/identity"
	"github.com/wayleave/wayleave/gateway/rules"
	"github.com/wayleave/wayleave/session"
)

// site is what is served under one base URL.
type site struct {
	g        *Gateway
	base     *url.URL
	host     string
	basePath string
	auth     *wayleave.Auth
	asked    bool // by a proxy, about requests that we do not see
	names    map[string]providerNames
	table    rules.Table
	routes   []*route // as in table
	signer   *assertion.Signer
}

// providerNames are the claims in which a provider tells groups and roles.
type providerNames struct{ groups, roles string }

// route is a rule and what is behind it.
type route struct {
	site  *site
	rule  rules.Route
	proxy *httputil.ReverseProxy // nil: for verify.go alone

	headers           identity.Names
	audience          string                      // of the assertion; empty: none
	tokenOf           string                      // the provider whose token the upstream gets; empty: none
	csrf              *http.CrossOriginProtection // nil without tokenOf
	keepAuthorization bool
	origins           []string // that may open WebSockets
	maxBody           int64    // negative: no limit
	streams           bool     // the upstream speaks HTTP/2, in which gRPC streams both ways
}

// serve answers a request that was admitted.
func (s *site) serve(v *visit) {
	path := v.path.Decoded
	switch {
	case path == s.basePath+"/jwks.json":
		v.decision = own
		s.showKeys(v)
	case s.auth.Owns(path):
		v.decision = own
		s.auth.ServeHTTP(&v.answer, v.r)
	case s.pass(v, v.r.Method, wayleave.Ask{}):
		v.route.forward(v)
	}
}

// pass decides, and answers unless the request may pass.
func (s *site) pass(v *visit, method string, ask wayleave.Ask) bool {
	i := s.table.Find(rules.Request{Method: method, Path: v.path.Decoded})
	if i >= 0 {
		v.route = s.routes[i]
		ask.API = v.route.rule.API
	}
	public := i >= 0 && s.table.Public(i)
	ses, err := s.auth.Session(&v.answer, v.r)
	if err != nil && !public { // the store cannot say who it is, and need not for a public route
		v.decision, v.reason = unavailable, err.Error()
		s.auth.Unavailable(&v.answer, v.r, err)
		return false
	}
	v.session = ses
	subject := s.subject(ses)
	v.groups = subject.Groups
	d := rules.Decision{Route: -1, Reasons: []string{"no route fits the path and method"}}
	if i >= 0 {
		d = s.table.At(i, &subject, v.began)
	}
	if d.Outcome == rules.Allow {
		v.decision = allowed
		return true
	}
	v.reason = strings.Join(d.Reasons, "; or ")
	switch {
	case d.Outcome == rules.Renew:
		ask.MaxAge, ask.Provider = d.MaxAge, ses.Provider
		fallthrough
	case d.Outcome == rules.SignIn:
		v.decision = asked
		s.auth.SendToLogin(&v.answer, v.r, ask)
	case ses == nil:
		v.decision = denied
		v.refuse(http.StatusForbidden, "nobody may see this")
	default:
		v.decision = denied
		s.auth.Forbid(&v.answer, v.r, ses, ask, v.reason)
	}
	return false
}

// subject is a session as the rules see it.
func (s *site) subject(ses *session.Session) rules.Subject {
	if ses == nil {
		return rules.Subject{}
	}
	n := s.names[ses.Provider]
	return rules.Subject{SignedIn: true, ID: ses.ID, Provider: ses.Provider, Email: ses.Email, EmailVerified: ses.EmailVerified,
		Groups: ses.Claims[n.groups], Roles: ses.Claims[n.roles], Scopes: ses.Scopes, Claims: ses.Claims,
		AuthTime: ses.AuthTime, Created: ses.Created}
}

// user is a session as an upstream is told of it.
func (v *visit) user() identity.User {
	if v.session == nil {
		return identity.User{}
	}
	u := v.session.User
	return identity.User{ID: u.ID, Provider: u.Provider, Subject: u.Subject, Email: u.Email, EmailVerified: u.EmailVerified, Name: u.Name, Groups: v.groups}
}

// promise gets what the route promises its upstream. A proof that cannot be had
// is an error, and not left out.
func (r *route) promise(v *visit) (err error) {
	if v.session == nil {
		return nil
	}
	if r.audience != "" {
		if v.assertion, err = r.site.signer.Sign(v.session, v.groups, r.audience); err != nil {
			return err
		}
	}
	if r.tokenOf == "" {
		return nil
	}
	if v.session.Provider != r.tokenOf {
		return wayleave.ErrLoginRequired // it has no token that this upstream may see
	}
	ctx := r.site.auth.WithSession(v.r, v.session).Context()
	tokens, err := r.site.auth.TokenSource(ctx).Token(ctx)
	if err != nil {
		return err
	}
	v.token = "Bearer " + tokens.AccessToken.Reveal()
	return nil
}

// tell writes into h who is there: of a request to the upstream, or of an answer
// to the proxy that asked.
func (r *route) tell(v *visit, h http.Header) {
	r.headers.Set(h, v.user())
	if r.audience != "" {
		h[assertionHeader] = []string{v.assertion}
	}
	if v.token != "" {
		h["Authorization"] = []string{v.token}
	}
}

const assertionHeader = "X-Wayleave-Assertion"

// cannotPromise answers a request whose upstream would not get what it was promised.
func (r *route) cannotPromise(v *visit, ask wayleave.Ask, err error) {
	ask.API, ask.Provider = r.rule.API, r.tokenOf
	if errors.Is(err, wayleave.ErrLoginRequired) {
		v.decision, v.reason = asked, "the grant behind the session has ended"
		r.site.auth.SendToLogin(&v.answer, v.r, ask)
		return
	}
	v.decision, v.reason = unavailable, err.Error()
	r.site.auth.Unavailable(&v.answer, v.r, err)
}

func (s *site) showKeys(v *visit) {
	h := v.answer.Header()
	h.Set("Content-Type", "application/jwk-set+json")
	h.Set("Cache-Control", "public, max-age=60")
	h.Set("X-Content-Type-Options", "nosniff")
	if v.r.Method != http.MethodGet && v.r.Method != http.MethodHead {
		v.refuse(http.StatusMethodNotAllowed, "method not allowed")
		return
	}
	_, _ = v.answer.Write(s.signer.KeySet()) // the client has gone, or reads it
}
