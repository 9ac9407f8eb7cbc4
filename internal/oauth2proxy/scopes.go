package oauth2proxy

import (
	"regexp"
	"slices"
	"strings"
)

// scopeForm is RFC 6749 section 3.3, and a length that nobody exceeds.
var scopeForm = regexp.MustCompile(`^[!#-\[\]-~]{1,150}$`)

// presetScopes are asked for anyway.
var presetScopes = map[string][]string{
	"google": {"openid", "email", "profile", "https://www.googleapis.com/auth/userinfo.email", "https://www.googleapis.com/auth/userinfo.profile"},
	"github": {"user:email", "read:user", "openid", "email", "profile"},
	"entra":  {"openid", "email", "profile"},
}

// scopes are those of theirs. Presets have their own, which they need.
func (c *conversion) scopes(v vendor) entries {
	var out []string
	for s := range strings.FieldsSeq(strings.ReplaceAll(c.text("scope"), ",", " ")) {
		switch {
		case !scopeForm.MatchString(s):
			c.tell("scope", Changed, "what is no scope is left out")
		case s != "offline_access" && !slices.Contains(out, s):
			out = append(out, s)
		}
	}
	var p entries
	if usual, preset := presetScopes[v.name]; preset {
		p.addIf("more_scopes", slices.DeleteFunc(out, func(s string) bool { return slices.Contains(usual, s) }))
	} else if len(out) > 0 {
		switch i := slices.Index(out, "openid"); {
		case c.plain && i >= 0:
			out = slices.Delete(out, i, i+1)
			c.tell("scope", Changed, "openid is left out: without issuer there is no ID token")
		case !c.plain && i < 0:
			out = append([]string{"openid"}, out...)
			c.tell("scope", Changed, "openid is added: sign-in is by OpenID Connect")
		}
		p.addIf("scopes", out)
	}
	if slices.Contains(strings.Fields(c.text("scope")), "offline_access") {
		c.tell("scope", Changed, "offline_access is left out: write offline: true if the app acts while people are away")
	}
	return p
}

func (c *conversion) authParams() entries {
	var p entries
	for _, name := range []string{"acr-values", "prompt", "resource"} {
		if value := c.text(name); value != "" && !strings.Contains(value, "\n") {
			p.add(strings.ReplaceAll(name, "-", "_"), value)
		}
	}
	return p
}
