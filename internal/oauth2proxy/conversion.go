package oauth2proxy

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

// conversion makes our document of their settings.
type conversion struct {
	*settings
	base        *url.URL // our base_url
	basePath    string
	listen      string
	health      string
	insecure    []string // hosts of the provider that are asked by http
	plain       bool     // the provider is an OAuth 2.0 server without issuer
	toldOfNames bool
	asked       bool // a proxy in front asks who may pass (forward-auth)
}

// tell adds a special note about an option, in place of its general one. It is
// about a default if the option is not set.
func (c *conversion) tell(flag string, kind Kind, format string, arg ...any) {
	name, line := byName[spelling(flag)].display(), 0
	if v := c.given[flag]; v != nil {
		v.noted = true
		name, line = v.written, v.line
	}
	if n := (Note{name, line, kind, fmt.Sprintf(format, arg...)}); !slices.Contains(c.notes, n) {
		c.notes = append(c.notes, n)
	}
}

// explain adds the notes of what is set and has no special one.
func (c *conversion) explain() {
	for _, o := range all {
		v := c.given[o.flag]
		switch {
		case v == nil:
		case v.bad != "":
			text := v.bad
			switch {
			case v.is(narrows):
				text += "; until you have written the rule, nobody is allowed in"
			case v.is(secret):
				text += "; " + o.says
			}
			c.note(v.written, v.line, Unknown, text)
		case v.noted, o.fate == Mapped && o.says == "", !v.is(secret) && quietly(v):
		case o.says != "" && o.fate != Mapped:
			c.note(v.written, v.line, o.fate, o.says)
		}
	}
}

// quietly reports whether a value says nothing: it is theirs by default, or off.
func quietly(v *setting) bool {
	switch {
	case len(v.values) == 0, len(v.values) == 1 && v.values[0] == "":
		return true
	case v.kind == boolean && v.fate == NoEquivalent && v.quiet == "false" && !isTrue(v.values[0]):
		return true
	}
	return v.quiet != "" && len(v.values) == 1 && strings.EqualFold(v.values[0], v.quiet)
}

func isTrue(s string) bool {
	return s == "1" || strings.EqualFold(s, "t") || strings.EqualFold(s, "true")
}

func (c *conversion) document() entries {
	var doc entries
	doc.remark("Our configuration for that of oauth2-proxy. Read the notes that came with it,\nput the secrets in their places, and then: wayleave check --config FILE")
	c.address()
	c.listen = c.listener()
	doc.add("listen", c.listen)
	doc.addIf("tls", c.certificate())
	doc.add("base_url", c.base.String())
	doc.add("base_path", c.basePath)
	doc = append(doc, entry{"keys", keysFile, "wayleave keys new " + keysFile}, entry{key: "store", value: c.store()})
	doc.add("providers", c.provider())
	doc.add("routes", c.routes())
	doc.add("trusted_proxies", c.trusted())
	doc.add("health", c.health)
	doc.addIf("session", c.session())
	if c.has("request-logging") && !c.yes("request-logging", true) {
		doc.add("log", entries{{key: "requests", value: false}})
	}
	doc.addIf("branding", c.branding())
	return doc
}

// session bounds are theirs, up to what is possible here.
func (c *conversion) session() entries {
	const most = 30 * 24 * time.Hour
	d, ok := c.period("cookie-expire")
	switch {
	case !c.has("cookie-expire"):
		c.tell("cookie-expire", Changed, "it is not set: theirs lasted 168h, a session here lasts 12h, and 1h without requests; set session.lifetime and session.idle for more")
		return nil
	case !ok:
		c.tell("cookie-expire", Changed, "no lifetime can be made of it: a session lasts 12h, and 1h without requests; set session.lifetime")
		return nil
	case d > most:
		c.tell("cookie-expire", Changed, "30 days are the most; a session also ends after session.idle without requests, by default 1h")
	}
	return entries{{key: "lifetime", value: written(min(max(d.Round(time.Second), time.Second), most))}}
}

// written is a duration as people write it.
func written(d time.Duration) string {
	switch {
	case d%time.Hour == 0:
		return fmt.Sprintf("%dh", d/time.Hour)
	case d%time.Minute == 0:
		return fmt.Sprintf("%dm", d/time.Minute)
	case d%time.Second == 0:
		return fmt.Sprintf("%ds", d/time.Second)
	}
	return fmt.Sprintf("%dms", max(d.Milliseconds(), 1))
}

func (c *conversion) branding() entries {
	var b entries
	if logo := c.text("custom-sign-in-logo"); logo != "" && logo != "-" {
		if clean(logo) && logo != "/" {
			b.add("logo", logo)
			c.tell("custom-sign-in-logo", Changed, "logo is the address of a picture on your own site, not a file: make that address public")
		} else {
			c.tell("custom-sign-in-logo", NoEquivalent, "a logo has to be on your own site: set branding.logo to its path, such as /logo.svg")
		}
	}
	return b
}
