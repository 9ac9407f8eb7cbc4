package pages

import (
	"crypto/sha256"
	"encoding/base64"
	"net/netip"
	"net/url"
	"strings"
)

// policyOf is the Content-Security-Policy of all pages.
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
func (p *Pages) CSP() string { return p.policy }

// Origin is the origin of a URL as a policy spells it; empty if it has none that
// a policy can name. The grammar of policies has no IPv6 addresses; a loopback
// one becomes any host on its port, others are left out.
func Origin(of string) string {
	u, err := url.Parse(of)
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
