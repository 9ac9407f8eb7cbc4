package oauth2proxy

// identity is what tells the upstream who is there: under the names that it
// knows from theirs.
func (c *conversion) identity(u upstream) entries {
	var r entries
	names := "X-Forwarded-"
	switch {
	case u.address != "" && !c.yes("pass-user-headers", true) && !c.yes("pass-basic-auth", true):
		r.add("headers", "none")
		names = ""
	case u.address == "" && c.yes("set-xauthrequest", false):
		names = "X-Auth-Request-"
	case u.address == "":
		names = ""
	}
	if names != "" {
		r.add("headers", c.names(names))
	}
	if u.address != "" && c.yes("pass-access-token", false) {
		r.add("access_token", true)
	}
	if c.yes("pass-authorization-header", false) || c.yes("set-authorization-header", false) {
		if id := c.text("client-id"); clientIDForm.MatchString(id) {
			r.add("assertion", id)
		}
	}
	return r
}

// names are the headers. User is what theirs sends as the user, by which apps
// know their people: the claim sub with OpenID Connect, or the address.
func (c *conversion) names(prefix string) any {
	option := "pass-user-headers"
	if prefix == "X-Auth-Request-" {
		option = "set-xauthrequest"
	}
	const preferred = "the preferred username is the name that people are called by"
	switch {
	case prefix == "X-Forwarded-" && c.yes("prefer-email-to-user", false):
		c.once(option, "X-Forwarded-User is the address if it is verified, and else empty; "+preferred)
		return entries{{key: "email", value: prefix + "User"}, {key: "name", value: prefix + "Preferred-Username"}, {key: "groups", value: prefix + "Groups"}}
	case c.vendor().sub:
		c.once(option, "the address is sent only if it is verified; "+preferred+"; without value a header is empty, not absent")
		return entries{{key: "subject", value: prefix + "User"}, {key: "email", value: prefix + "Email"}, {key: "name", value: prefix + "Preferred-Username"}, {key: "groups", value: prefix + "Groups"}}
	}
	c.once(option, prefix+"User is a stable id of the gateway's own, where theirs sends a name: apps that know people by it have to be told, or know them by the address; "+preferred)
	if prefix == "X-Forwarded-" {
		return "oauth2-proxy"
	}
	return entries{{key: "user", value: prefix + "User"}, {key: "email", value: prefix + "Email"}, {key: "name", value: prefix + "Preferred-Username"}, {key: "groups", value: prefix + "Groups"}}
}

// once tells of an option for the first of several routes.
func (c *conversion) once(flag, text string) {
	if !c.toldOfNames {
		c.toldOfNames = true
		c.tell(flag, Changed, "%s", text)
	}
}
