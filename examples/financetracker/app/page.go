package app

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"

	"github.com/a-h/templ"
	"github.com/wayleave/wayleave"
)

//go:embed style.css
var style string

//go:embed logo.svg
var logo string

// contentPolicy lets a page load nothing but its own style, and send forms only
// to this app. Not even the person's picture: it would be fetched from Google.
var contentPolicy = func() string {
	hash := sha256.Sum256([]byte(style))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(hash[:]) +
		"'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
}()

// site is what all pages know.
type site struct {
	ProviderLabel string
	LoginURL      string
	StandIn       bool
	IssuerURL     string // of the stand-in
	TracePath     string
}

type homeView struct {
	site
	SignedIn bool
	User     wayleave.User
}

type dashboardView struct {
	site
	User    wayleave.User
	Known   member
	Money   *money      // nil: not read
	Problem *problem    // nil: none
	Access  *accessView // nil: there is none any more
	All     bool        // show every transaction
}

func (a *App) site() site {
	p := a.options.Provider
	label := p.Label
	if label == "" {
		label = p.Preset.Label
	}
	return site{ProviderLabel: label, LoginURL: a.loginURL(), StandIn: a.options.StandIn, IssuerURL: p.Issuer, TracePath: a.options.TracePath}
}

// loginURL starts a sign-in that ends on the dashboard.
func (a *App) loginURL() string {
	return "/auth/" + a.options.Provider.EffectiveName() + "/login?return_to=" + url.QueryEscape("/dashboard")
}

func (a *App) show(w http.ResponseWriter, r *http.Request, status int, page templ.Component) {
	var b bytes.Buffer
	if err := page.Render(r.Context(), &b); err != nil {
		a.options.Logger.ErrorContext(r.Context(), "page not made", "path", r.URL.Path, "error", err)
		http.Error(w, "The page could not be made.", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", contentPolicy)
	h.Set("Cache-Control", "no-store") // Back after signing out must not show it
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = b.WriteTo(w) // the browser has gone: nobody to tell
}

func serveLogo(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "image/svg+xml")
	h.Set("Content-Security-Policy", "default-src 'none'")
	h.Set("Cache-Control", "public, max-age=3600")
	h.Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write([]byte(logo))
}

// initials are up to two letters for the round mark in place of a picture.
func initials(u wayleave.User) string {
	name := u.Name
	if name == "" {
		name = u.Email
	}
	letters := []rune{}
	for word := range strings.FieldsSeq(name) {
		if first := []rune(word)[0]; unicode.IsLetter(first) {
			letters = append(letters, unicode.ToUpper(first))
		}
	}
	if len(letters) > 2 {
		letters = []rune{letters[0], letters[len(letters)-1]}
	}
	return string(letters)
}

func displayName(u wayleave.User) string {
	for _, name := range []string{u.Name, u.Email} {
		if name != "" {
			return name
		}
	}
	return "Somebody"
}

// remaining says "in 14 s", or how long ago it was.
func remaining(left time.Duration) string {
	if left < 0 {
		return inWords(-left) + " ago"
	}
	return "in " + inWords(left)
}

func inWords(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", d.Round(time.Second)/time.Second)
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", d.Round(time.Minute)/time.Minute)
	}
	return fmt.Sprintf("%d h", d.Round(time.Hour)/time.Hour)
}

func clock(t time.Time) string  { return t.Local().Format("15:04:05 MST") }
func minute(t time.Time) string { return t.Local().Format("2 Jan 2006, 15:04") }

// day turns 2026-11-22 into 22 Nov; what is no date stays as it is.
func day(date string) string {
	t, err := time.Parse(time.DateOnly, date)
	if err != nil {
		return date
	}
	return t.Format("2 Jan")
}

func machineTime(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func expiryLabel(left time.Duration) string {
	if left < 0 {
		return "Expired"
	}
	return "Expires"
}

func times(n int) string {
	switch n {
	case 0:
		return "not yet"
	case 1:
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}
