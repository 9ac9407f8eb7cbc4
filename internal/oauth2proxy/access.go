package oauth2proxy

import (
	"regexp"
	"slices"
	"strings"
)

// allow is who may use what is not public: for theirs an address that is
// allowed, and one of the groups or roles if there are any.
func (c *conversion) allow() any {
	emails := c.emails()
	groups := c.groups()
	if c.lost() {
		return "nobody"
	}
	var all []entries
	for _, e := range emails {
		for _, g := range groups {
			all = append(all, slices.Concat(e, g))
		}
	}
	switch {
	case len(all) == 0 || len(all) > mostEntries:
		return "nobody"
	case len(all) == 1 && len(all[0]) == 0:
		return "signed_in"
	case len(all) == 1:
		return all[0]
	}
	return all
}

// lost reports whether an option narrows access and could not be taken over.
func (c *conversion) lost() bool {
	for _, v := range c.given {
		if v.is(narrows) && (v.bad != "" || v.fate == NoEquivalent && c.has(v.flag)) {
			return true
		}
	}
	return false
}

var domainForm = regexp.MustCompile(`^\.?[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$`)

// mostEntries is how long a list of ours can be.
const mostEntries = 1000

// emails are alternatives about addresses: none for nobody, an empty one for
// everybody.
func (c *conversion) emails() []entries {
	var domains []string
	wrong := false
	for _, d := range c.list("email-domain") {
		if d == "*" {
			c.tell("email-domain", Changed, "* is everybody who is signed in, also people whose provider says nothing of an address")
			return []entries{nil}
		}
		if d = strings.TrimPrefix(d, "*"); domainForm.MatchString(d) && len(domains) < mostEntries {
			domains = append(domains, d)
		} else {
			wrong = true
		}
	}
	if wrong {
		c.tell("email-domain", Changed, "what is no domain is left out")
	}
	if len(domains) > 0 {
		return []entries{{{key: "email_domains", value: domains}}}
	}
	if !c.has("authenticated-emails-file") {
		c.tell("email-domain", Changed, "nothing says whose addresses are allowed, so nobody is: write a rule in place of allow: nobody")
	}
	return nil
}

var claimName = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// groups are alternatives about groups and roles: an empty one if none is
// asked for.
func (c *conversion) groups() []entries {
	var all []entries
	var groups []string
	for _, flag := range []string{"allowed-group", "keycloak-group", "gitlab-group"} {
		groups = append(groups, c.list(flag)...)
	}
	roles := c.list("allowed-role")
	if len(groups)+len(roles) == 0 {
		return []entries{nil}
	}
	if name := c.vendor().name; len(groups) > 0 && (name == "google" || name == "github") {
		c.tell("allowed-group", Changed, "the login gives no groups with this provider, so nobody meets the rule: write another one")
	}
	if len(groups) > 0 && len(groups) <= mostEntries {
		all = append(all, entries{{key: "groups", value: groups}})
	}
	var plain []string
	for _, role := range roles {
		client, name, isClient := strings.Cut(role, ":")
		switch {
		case !isClient:
			plain = append(plain, role)
		case claimName.MatchString(client) && name != "":
			all = append(all, entries{{key: "claims", value: entries{{key: "resource_access." + client + ".roles", value: []string{name}}}}})
		default:
			c.tell("allowed-role", Changed, "a role whose client has dots or other signs in its name is left out")
		}
	}
	if len(plain) > 0 && len(plain) <= mostEntries {
		all = append(all, entries{{key: "roles", value: plain}})
	}
	if v := c.given["allowed-role"]; v != nil && !v.noted {
		c.tell("allowed-role", Changed, "roles are read from the ID token or userinfo: switch that on in the mappers of Keycloak's client scope \"roles\"")
	}
	return all
}
