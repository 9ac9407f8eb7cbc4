// Package pages draws what the library itself shows under its base path: the
// choice of a provider, messages about a sign-in that did not end well, the
// question before signing out, a person's own sessions and connections.
//
// [New] takes a [Site] and gives [Pages]; [Pages.RenderSignIn],
// [Pages.RenderMessage] and [Pages.RenderAccount] write a complete document, and
// [Pages.CSP] the policy that has to be sent with it. The sentences are in [Texts].
//
// A page is one document without scripts, whose only other resource is the app's
// own logo. What stands in it is escaped; what a stranger may have written is also
// cut short and kept from changing the direction of the text around it.
package pages

import (
	"context"
	_ "embed"
	"errors"
	"io"
	"strings"

	"github.com/a-h/templ"
)

//go:embed style.css
var sheet string

// Pages draws the pages of one site. It never changes, and is safe for concurrent
// use.
type Pages struct {
	site      Site
	direction string
	style     string // the whole <style> element
	policy    string // see policyOf
}

// New checks the site and reports all its mistakes at once.
func New(site Site) (*Pages, error) {
	site, mistakes := site.orDefaults()
	if len(mistakes) > 0 {
		return nil, errors.Join(mistakes...)
	}
	style := styleOf(site.Accent)
	return &Pages{
		site:      site,
		direction: direction(site.Language),
		style:     "<style>" + style + "</style>",
		policy:    policyOf(style, site.LogoPath != ""),
	}, nil
}

// The backgrounds that text stands on in style.css.
var (
	lightCard = white
	darkCard  = rgb{0x1b, 0x1d, 0x22}
)

// styleOf is the style sheet with the accent in it. The button keeps the exact
// accent; the ink beside it is what reads on the card, for outlines and links.
func styleOf(accent string) string {
	c, _ := parseColor(accent)
	return ":root{--accent:" + c.String() + ";--on-accent:" + textOn(c).String() +
		";--ink:" + c.inked(lightCard).String() + "}\n" +
		"@media(prefers-color-scheme:dark){:root{--ink:" + c.inked(darkCard).String() + "}}\n" + sheet
}

// Texts is the sentences in use, every one of them filled in.
func (p *Pages) Texts() Texts { return p.site.Texts }

// AppName is the app as sentences name it: Site.AppName, or "this app".
func (p *Pages) AppName() string {
	if p.site.AppName != "" {
		return p.site.AppName
	}
	return p.site.Texts.ThisApp
}

// RenderMessage writes the page for a message, in one piece: when it cannot be
// made, nothing is written.
func (p *Pages) RenderMessage(w io.Writer, m Message) error {
	m.Detail, m.Who, m.Reference = untrusted(m.Detail), untrusted(m.Who), untrusted(m.Reference)
	m.Actions = allowed(m.Actions)
	return p.render(w, m.Title, messageCard(p.site.Texts, m))
}

// RenderSignIn writes the page on which to choose a provider, in one piece: when
// it cannot be made, nothing is written.
func (p *Pages) RenderSignIn(w io.Writer, s SignIn) error {
	s.Actions = allowed(s.Actions)
	title := Fill(p.site.Texts.SignInTitle, p.AppName())
	return p.render(w, title, signInCard(title, s))
}

func (p *Pages) render(w io.Writer, title string, card templ.Component) error {
	page := templ.GetBuffer()
	defer templ.ReleaseBuffer(page)
	if err := document(p, p.windowTitle(title), card).Render(context.Background(), page); err != nil {
		return err
	}
	_, err := page.WriteTo(w)
	return err
}

// windowTitle says which app a tab belongs to.
func (p *Pages) windowTitle(title string) string {
	if strings.Contains(title, p.site.AppName) {
		return title
	}
	return title + " · " + p.site.AppName
}
