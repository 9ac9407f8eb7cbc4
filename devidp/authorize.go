package devidp

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"strings"
)

// authorize is the authorization endpoint. It shows nothing itself: it answers
// the client, or leads to /signin or /consent.
func (s *Server) authorize(w http.ResponseWriter, c *call) {
	if c.problem != nil {
		s.problem(w, http.StatusBadRequest, "This request could not be read", c.problem.Error())
		return
	}
	client, redirectURI, err := s.trusted(c.params)
	if err != nil {
		s.problem(w, http.StatusBadRequest, "This sign-in cannot start", err.Error())
		return
	}
	to := answerTo{redirectURI: redirectURI}
	if len(c.params["state"]) == 1 {
		to.state = c.params.Get("state")
	}
	a, refused := readAuthorization(c.params, client, redirectURI)
	switch {
	case refused != nil:
		s.refuse(w, c, to, *refused)
	case c.faults.has("access-denied"):
		s.refuse(w, c, to, accessDenied)
	case c.faults.has("server-error"):
		s.refuse(w, c, to, oauthError{"server_error", "the provider was told to fail"})
	default:
		s.proceed(w, c, "", interaction{authorization: a}, s.whoIsThere(c))
	}
}

var accessDenied = oauthError{"access_denied", "the person said no"}

// step is what an authorization request needs next.
type step int

const (
	stepSignIn step = iota
	stepConsent
	stepAnswer
	stepLoginRequired
	stepConsentRequired
)

// next decides, from what was asked and who is signed in (OpenID Connect Core
// section 3.1.2.3 and 3.1.2.4).
func (s *Server) next(i interaction, who session) step {
	now := s.now()
	known := who.subject != ""
	stale := known && i.maxAge >= 0 && now.Sub(who.authTime) > i.maxAge
	askWho := i.prompted("login") || i.prompted("select_account") || stale
	switch {
	case i.prompted("none") && (!known || stale):
		return stepLoginRequired
	case !known, askWho && !i.signedIn:
		return stepSignIn
	case !i.prompted("consent") && s.memory.consented(who.subject, i.client.ID, i.permissions(), now):
		return stepAnswer
	case i.prompted("none"):
		return stepConsentRequired
	default:
		return stepConsent
	}
}

// proceed takes an authorization request one step further. Without id the
// request is new, and is kept only if a page has to ask something.
func (s *Server) proceed(w http.ResponseWriter, c *call, id string, i interaction, who session) {
	to := answerTo{i.redirectURI, i.state}
	next := s.next(i, who)
	switch next {
	case stepLoginRequired:
		s.refuse(w, c, to, oauthError{"login_required", "nobody is signed in, and prompt=none forbids asking"})
		return
	case stepConsentRequired:
		s.refuse(w, c, to, oauthError{"consent_required", "consent was not given before, and prompt=none forbids asking"})
		return
	case stepAnswer:
		if id != "" && !s.memory.answer(id, s.now()) {
			s.answered(w, i)
			return
		}
		s.issueCode(w, c, i.authorization, who, false)
		return
	}
	if id == "" {
		id = rand.Text()
		s.memory.begin(id, i.authorization, s.now())
	}
	page := "/signin"
	if next == stepConsent {
		page = "/consent"
	}
	http.Redirect(w, c.Request, s.base+page+"?interaction="+url.QueryEscape(id), http.StatusSeeOther)
}

// issueCode answers the client with a code. Only consent given just now allows
// a refresh token, as at Google.
func (s *Server) issueCode(w http.ResponseWriter, c *call, a authorization, who session, consentedNow bool) {
	person, _ := s.person(who.subject)
	s.memory.join(who.sid, a.client.ID, s.now())
	value := s.memory.addCode(code{
		grant: &grant{
			clientID: a.client.ID,
			person:   person,
			scopes:   a.scopes,
			nonce:    a.nonce,
			authTime: who.authTime,
			sid:      who.sid,
			offline:  a.offline && consentedNow,
		},
		redirectURI: a.redirectURI,
		challenge:   a.challenge,
	}, s.now())
	response := url.Values{"code": {value}}
	if c.faults.has("error-and-code") {
		response.Set("error", accessDenied.code)
	}
	if c.faults.has("duplicate-code") {
		response.Add("code", newSecret("4"))
	}
	s.respond(w, c, answerTo{a.redirectURI, a.state}, response)
}

func (s *Server) refuse(w http.ResponseWriter, c *call, to answerTo, e oauthError) {
	s.respond(w, c, to, url.Values{"error": {e.code}, "error_description": {e.description}})
}

// respond sends the browser back to the client. State and iss (RFC 9207) go
// with success and error alike.
func (s *Server) respond(w http.ResponseWriter, c *call, to answerTo, response url.Values) {
	if to.state != "" {
		response.Set("state", to.state)
	}
	response.Set("iss", s.options.Issuer)
	if c.faults.has("wrong-state") {
		response.Set("state", rand.Text())
	}
	if c.faults.has("wrong-response-iss") {
		response.Set("iss", s.options.Issuer+"/")
	}
	if c.faults.has("missing-response-iss") {
		response.Del("iss")
	}
	separator := "?"
	if strings.Contains(to.redirectURI, "?") {
		separator = "&" // a registered query is kept (RFC 6749 section 3.1.2)
	}
	w.Header().Set("Location", to.redirectURI+separator+response.Encode())
	w.WriteHeader(http.StatusSeeOther)
}

// whoIsThere reads the sign-in cookie; the zero session means nobody. Of several
// cookies with the name, which a sibling host can plant, none is believed.
func (s *Server) whoIsThere(c *call) session {
	return s.memory.session(s.sessionCookie(c), s.now())
}

func (s *Server) sessionCookie(c *call) string {
	cookies := c.CookiesNamed(s.cookieName)
	if len(cookies) != 1 {
		return ""
	}
	return cookies[0].Value
}

func (s *Server) signInAs(w http.ResponseWriter, c *call, p Person) session {
	id, who := s.memory.signIn(s.sessionCookie(c), p.Subject, s.now())
	http.SetCookie(w, &http.Cookie{
		Name: s.cookieName, Value: id, Path: "/",
		HttpOnly: true, Secure: s.secure, SameSite: http.SameSiteLaxMode,
	})
	return who
}
