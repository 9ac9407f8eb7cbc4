package pages

import (
	"crypto/sha256"
	"encoding/base64"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// policyOf is the Content-Security-Policy up to and including form-action 'self',
// to which a page may add.
func policyOf(style string, hasLogo bool) string {
	hash := sha256.Sum256([]byte(style))
	images := ""
	if hasLogo {
		images = "img-src 'self'; "
	}
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(hash[:]) + "'; " + images +
		"base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
}

// CSP is the value of the Content-Security-Policy header for every page: nothing
// may load but the style, by its hash, and the logo; nobody may frame it; forms
// post to this origin.
//
// A form whose answer redirects to another origin needs that origin as well,
// because Chromium applies form-action to the redirect: pass the URL of the
// provider's end-session endpoint, of which the origin is used. What is not a
// plain http or https URL is left out. The grammar of policies has no IPv6
// addresses; a loopback one becomes any host on its port, others are left out.
func (p *Pages) CSP(formTargets ...string) string {
	var sources []string
	for _, target := range formTargets {
		if s := sourceOf(target); s != "" && !slices.Contains(sources, s) {
			sources = append(sources, s)
		}
	}
	if len(sources) == 0 {
		return p.policy
	}
	return p.policy + " " + strings.Join(sources, " ")
}

// sourceOf is the origin of a URL as a policy spells it, or nothing.
func sourceOf(target string) string {
	u, err := url.Parse(target)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	host := u.Hostname()
	if addr, err := netip.ParseAddr(host); err == nil && addr.Is6() {
		if !addr.IsLoopback() {
			return ""
		}
		host = "*"
	} else if host == "" || strings.ContainsFunc(host, notInHost) {
		return "" // a comma or a semicolon here would end the directive
	}
	if port := u.Port(); port != "" {
		host += ":" + port
	}
	return u.Scheme + "://" + host
}

func notInHost(r rune) bool {
	return !isLetter(r) && !isDigit(r) && r != '.' && r != '-' && r != '_'
}

// Origin is the origin of a URL as a policy spells it; empty if it has none that
// a policy can name.
func (p *Pages) Origin(of string) string { return sourceOf(of) }
