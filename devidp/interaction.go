package devidp

import (
	"net/http"
	"slices"
	"strings"
)

// The two pages a person meets, and what their forms do. An interaction's id is
// random and written only into the pages of one request; together with the
// same-origin check it protects the forms. It is deliberately not tied to the
// sign-in cookie: when several tabs of a fresh browser arrive at once, each
// answer sets that cookie, and only the last one survives.

// signInPage answers GET /signin.
func (s *Server) signInPage(w http.ResponseWriter, c *call) {
	id, i, ok := s.open(w, c)
	if !ok {
		return
	}
	who := s.whoIsThere(c)
	people, found := s.hinted(i.loginHint)
	view := signInView{Action: s.base + "/signin", Interaction: id, App: i.client.Name, Prominent: found}
	for _, p := range people {
		card := s.card(p)
		card.SignedIn = p.Subject == who.subject
		view.People = append(view.People, card)
	}
	s.render(w, http.StatusOK, i.origin(), "Choose an account", signInContent(view))
}

// signIn answers the sign-in form: one button per person, and cancel.
func (s *Server) signIn(w http.ResponseWriter, c *call) {
	id, i, ok := s.open(w, c)
	if !ok {
		return
	}
	if c.params.Has("cancel") {
		s.deny(w, c, id, i)
		return
	}
	p, ok := s.person(c.params.Get("person"))
	if !ok {
		s.problem(w, http.StatusBadRequest, "Nobody was chosen", "The form names nobody who is known here.")
		return
	}
	who := s.signInAs(w, c, p)
	s.memory.signedIn(id, s.now())
	i.signedIn = true
	s.proceed(w, c, id, i, who)
}

// consentPage answers GET /consent.
func (s *Server) consentPage(w http.ResponseWriter, c *call) {
	id, i, ok := s.open(w, c)
	if !ok {
		return
	}
	who := s.whoIsThere(c)
	if s.next(i, who) != stepConsent {
		s.proceed(w, c, id, i, who)
		return
	}
	p, _ := s.person(who.subject)
	s.render(w, http.StatusOK, i.origin(), "Allow access", consentContent(consentView{
		Action:      s.base + "/consent",
		Another:     s.base + "/signin?interaction=" + id,
		Interaction: id,
		App:         i.client.Name,
		Origin:      i.origin(),
		Person:      s.card(p),
		Wants:       wants(i.permissions()),
		Permissions: sentences(i.permissions()),
	}))
}

// decide answers the consent form. It names the person it was shown to: when
// somebody else signed in meanwhile in another tab, that one is asked.
func (s *Server) decide(w http.ResponseWriter, c *call) {
	id, i, ok := s.open(w, c)
	if !ok {
		return
	}
	who := s.whoIsThere(c)
	switch decision := c.params.Get("decision"); {
	case decision == "deny":
		s.deny(w, c, id, i)
	case decision != "allow":
		s.problem(w, http.StatusBadRequest, "Nothing was decided", "The form says neither allow nor deny.")
	case s.next(i, who) == stepSignIn, who.subject != c.params.Get("person"):
		s.proceed(w, c, id, i, who)
	case !s.memory.answer(id, s.now()):
		s.answered(w, i)
	default:
		s.memory.consent(who.subject, i.client.ID, i.permissions(), s.now())
		s.issueCode(w, c, i.authorization, who, true)
	}
}

func (s *Server) deny(w http.ResponseWriter, c *call, id string, i interaction) {
	if !s.memory.answer(id, s.now()) {
		s.answered(w, i)
		return
	}
	s.refuse(w, c, answerTo{i.redirectURI, i.state}, accessDenied)
}

// open finds the interaction that a page or form is about, or says why not.
func (s *Server) open(w http.ResponseWriter, c *call) (string, interaction, bool) {
	id := c.params.Get("interaction")
	i, ok := s.memory.interaction(id, s.now())
	if !ok {
		s.problem(w, http.StatusGone, "This page has expired", "Go back to the application and sign in again.")
		return "", interaction{}, false
	}
	if i.answered {
		s.answered(w, i)
		return "", interaction{}, false
	}
	return id, i, true
}

func (s *Server) answered(w http.ResponseWriter, i interaction) {
	s.render(w, http.StatusGone, "", "Already answered", problemContent(problemView{
		Title:  "This request was already answered",
		Detail: "Go back to the application; sign in there again if you need to.",
		Link:   i.origin(),
		Text:   "Back to " + i.client.Name,
	}))
}

// hinted puts the person whom login_hint names first, and reports whether it
// names one.
func (s *Server) hinted(hint string) ([]Person, bool) {
	people := slices.Clone(s.options.People)
	i := slices.IndexFunc(people, func(p Person) bool {
		return hint != "" && (p.Subject == hint || strings.EqualFold(p.Email, hint))
	})
	if i < 0 {
		return people, false
	}
	first := people[i]
	return slices.Insert(slices.Delete(people, i, i+1), 0, first), true
}
