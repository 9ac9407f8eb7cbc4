package devidp

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"
)

// Person can sign in by pressing a button. Subject is required; whatever else
// is empty is left out of the claims.
type Person struct {
	// Subject is the sub claim: stable, unique, 1 to 255 of A-Z a-z 0-9 . _ ~ -
	Subject string

	Name          string
	Email         string
	EmailVerified bool

	// HostedDomain is the hd claim, which Google sends for members of a
	// Workspace organisation.
	HostedDomain string
	// Groups and Roles are the claims of these names, for rules. Empty: no claim.
	Groups, Roles []string
}

// DefaultPeople returns the ready-made people: an ordinary account, one of a
// Workspace organisation, one whose e-mail address is not verified, and one
// whose name and address need care with encoding and escaping.
func DefaultPeople() []Person {
	return []Person{
		{Subject: "ada", Name: "Ada Marsh", Email: "ada@example.com", EmailVerified: true},
		{Subject: "grace", Name: "Grace Okoye", Email: "grace@example.com", EmailVerified: true, HostedDomain: "example.com", Groups: []string{"staff", "admins"}, Roles: []string{"editor"}},
		{Subject: "lin", Name: "Lin Moreau", Email: "lin@example.com"},
		{Subject: "zoe", Name: "Zoë O’Neil & Søn", Email: "zoe.o'neil+bank@example.com", EmailVerified: true},
	}
}

// claims are what the granted scopes reveal about a person, in ID tokens and at
// userinfo alike (OpenID Connect Core section 5.4).
func (s *Server) claims(p Person, scopes []string) map[string]any {
	c := map[string]any{"sub": p.Subject}
	if p.HostedDomain != "" {
		c["hd"] = p.HostedDomain
	}
	if len(p.Groups) > 0 {
		c["groups"] = p.Groups
	}
	if len(p.Roles) > 0 {
		c["roles"] = p.Roles
	}
	if slices.Contains(scopes, "email") && p.Email != "" {
		c["email"], c["email_verified"] = p.Email, p.EmailVerified
	}
	if slices.Contains(scopes, "profile") && p.Name != "" {
		given, family, _ := strings.Cut(p.Name, " ")
		c["name"], c["given_name"] = p.Name, given
		if family != "" {
			c["family_name"] = family
		}
		c["picture"] = s.url("/people/" + p.Subject + "/picture.svg")
	}
	return c
}

func (s *Server) person(subject string) (Person, bool) {
	i := slices.IndexFunc(s.options.People, func(p Person) bool { return p.Subject == subject })
	if i < 0 {
		return Person{}, false
	}
	return s.options.People[i], true
}

// somebodyElse is for the faults that mix people up.
func somebodyElse(p Person) string { return p.Subject + "-other" }

func (p Person) initial() string {
	first, _ := utf8.DecodeRuneInString(p.Name)
	if first == utf8.RuneError {
		return "?"
	}
	return strings.ToUpper(string(first))
}

// hues are the colours of the avatars; style.css has the same ones.
var hues = [...]string{"#5b5bd6", "#0e8a6d", "#c2410c", "#a21caf", "#0369a1", "#a16207"}

func (s *Server) hue(p Person) int {
	return slices.IndexFunc(s.options.People, func(o Person) bool { return o.Subject == p.Subject }) % len(hues)
}

// picture answers /people/{subject}/picture.svg, so that the picture claim
// leads somewhere.
func (s *Server) picture(w http.ResponseWriter, c *call) {
	p, ok := s.person(c.PathValue("subject"))
	if !ok {
		http.NotFound(w, c.Request)
		return
	}
	w.Header().Set("Content-Type", "image/svg+xml")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; sandbox")
	w.Header().Set("Cache-Control", "public, max-age=600")
	fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 96 96" width="96" height="96">`+
		`<rect width="96" height="96" fill="%s"/><text x="48" y="64" font-family="system-ui,sans-serif" `+
		`font-size="44" text-anchor="middle" fill="#fff">%s</text></svg>`, hues[s.hue(p)], escapeXML(p.initial()))
}

var escapeXML = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&#39;").Replace
