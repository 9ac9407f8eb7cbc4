package devidp

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/a-h/templ"
)

//go:generate templ generate -f pages.templ

//go:embed style.css
var style string

// What the pages show. The templates in pages.templ do no work of their own.

type cardView struct {
	Person
	Hue      string // a class of style.css
	Initial  string
	SignedIn bool // on this browser, now
}

type signInView struct {
	Action      string
	Interaction string
	App         string
	People      []cardView
	Prominent   bool // login_hint named the first one
}

type consentView struct {
	Action      string
	Another     string // where to choose another account
	Interaction string
	App         string
	Origin      string
	Person      cardView
	Wants       string
	Permissions []string
}

type problemView struct {
	Title  string
	Detail string
	Link   string // where to go from here; empty: nowhere
	Text   string
}

type signedOutView struct {
	Name   string // who was signed out; empty: nobody was signed in
	Frames []string
	Link   string // where the application wants the browser back; empty: nowhere
}

type homeView struct {
	Issuer    string
	Discovery string
	Action    string
	Clients   []Client
	People    []cardView
	Groups    []faultGroup
	Active    int
}

type faultGroup struct {
	Title  string
	Faults []faultView
}

type faultView struct {
	Fault
	On bool
}

func (s *Server) card(p Person) cardView {
	return cardView{Person: p, Hue: fmt.Sprintf("hue%d", s.hue(p)), Initial: p.initial()}
}

func sentences(permissions []string) []string {
	var said []string
	for _, scope := range scopes {
		if slices.Contains(permissions, scope.name) {
			said = append(said, scope.sentence)
		}
	}
	return said
}

// render writes a page. Its policy allows nothing but the style by its hash and
// forms that post here. Chromium applies form-action to the redirect after a
// post as well, hence target: the origin of the client's redirect URI. Frames
// are the URLs that the page shows in iframes.
func (s *Server) render(w http.ResponseWriter, status int, target, title string, content templ.Component, frames ...string) {
	var page bytes.Buffer
	if err := layout(title, s.options.Label, content).Render(context.Background(), &page); err != nil {
		http.Error(w, "the page could not be made", http.StatusInternalServerError)
		return
	}
	hash := sha256.Sum256([]byte(style))
	framed := ""
	for _, frame := range frames {
		framed += " " + sourceOf(originOf(frame))
	}
	if framed != "" {
		framed = "frame-src" + framed + "; "
	}
	w.Header().Set("Content-Security-Policy", strings.TrimSpace(
		"default-src 'none'; style-src 'sha256-"+base64.StdEncoding.EncodeToString(hash[:])+"'; "+
			framed+"base-uri 'none'; frame-ancestors 'none'; form-action 'self' "+sourceOf(target)))
	writeBody(w, status, "text/html; charset=utf-8", page.Bytes())
}

// faultPlaces are the values of Fault.Where, in the order of a login.
var faultPlaces = []struct{ where, title string }{
	{"discovery", "Metadata"},
	{"authorize", "Authorization response"},
	{"token", "Token answer"},
	{"id_token", "ID token"},
	{"jwks", "Key set"},
	{"userinfo", "Userinfo"},
	{"api", "Resource API"},
	{"revocation", "Revocation"},
	{"logout", "Logout"},
}

// originOf is scheme and host of a URL that was checked when it came in.
func originOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// sourceOf spells an origin as a CSP source. That grammar has no IPv6
// addresses: for those the host becomes a wildcard, the port stays.
func sourceOf(origin string) string {
	u, err := url.Parse(origin)
	if err != nil || !strings.Contains(u.Hostname(), ":") {
		return origin
	}
	source := u.Scheme + "://*"
	if u.Port() != "" {
		source += ":" + u.Port()
	}
	return source
}

// problem shows a person what went wrong where nothing may be sent to a client.
// Details often come from an error, and are made a sentence.
func (s *Server) problem(w http.ResponseWriter, status int, title, detail string) {
	detail = strings.ToUpper(detail[:1]) + strings.TrimSuffix(detail[1:], ".") + "."
	s.render(w, status, "", title, problemContent(problemView{Title: title, Detail: detail}))
}

// home is the front page: how to connect, who is here, and the faults.
func (s *Server) home(w http.ResponseWriter, c *call) {
	view := homeView{
		Issuer:    s.options.Issuer,
		Discovery: s.url("/.well-known/openid-configuration"),
		Action:    s.base + "/faults",
		Clients:   s.options.Clients,
		Active:    len(c.faults.on),
	}
	for _, p := range s.options.People {
		view.People = append(view.People, s.card(p))
	}
	for _, place := range faultPlaces {
		group := faultGroup{Title: place.title}
		for _, fault := range slices.Concat(faultList, logoutFaultList) {
			if fault.Where == place.where {
				group.Faults = append(group.Faults, faultView{fault, c.faults.has(fault.Name)})
			}
		}
		view.Groups = append(view.Groups, group)
	}
	s.render(w, http.StatusOK, "", s.options.Label, homeContent(view))
}
